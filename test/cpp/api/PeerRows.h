// What tables of rows against a MisbehavingPeer are written with: levels, frames as text, and codes by name.
#pragma once

#include <optional>
#include <string>

#include "cpp/api/MisbehavingPeer.h"

namespace quic::test {

inline constexpr EncryptionLevel kI = EncryptionLevel::Initial;
inline constexpr EncryptionLevel kH = EncryptionLevel::Handshake;
inline constexpr EncryptionLevel k1 = EncryptionLevel::OneRtt;

inline const std::string kToken = "000102030405060708090a0b0c0d0e0f";  // of a stateless reset

/// What a connection is closed with; none: it lives.
using Code = std::optional<TransportErrorCode>;
inline constexpr auto kLives = std::nullopt;

inline std::string nameOf(TransportErrorCode code) { return nameOfCode(static_cast<uint64_t>(code)); }
inline std::string expectedName(Code code) { return code ? nameOf(*code) : nameOfCode(std::nullopt); }

inline ByteVector hex(std::string_view text) { return fromHex(text); }
inline std::string varintHex(uint64_t value) { return toHex(FrameBytes().varint(value).bytes()); }
/// STREAM, with offset and length.
inline std::string streamHex(uint64_t id, uint64_t offset, size_t size, bool fin = false) {
  return (fin ? "0f" : "0e") + varintHex(id) + varintHex(offset) + varintHex(size) + toHex(ByteVector(size, 'a'));
}

}  // namespace quic::test
