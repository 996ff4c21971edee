// Names of things as types, never bare integers.
#pragma once

#include <compare>
#include <cstdint>

namespace quic {

/// RFC 9000 §2.1: the two low bits say who opened it and whether it has one direction.
struct StreamId {
  uint64_t value = 0;
  auto operator<=>(const StreamId&) const = default;

  [[nodiscard]] bool isServerInitiated() const { return (value & 1) != 0; }
  [[nodiscard]] bool isUnidirectional() const { return (value & 2) != 0; }
  /// How many streams of its kind come before it.
  [[nodiscard]] uint64_t ordinal() const { return value >> 2; }
  static StreamId make(uint64_t ordinal, bool serverInitiated, bool unidirectional) {
    return {ordinal << 2 | (unidirectional ? 2u : 0u) | (serverInitiated ? 1u : 0u)};
  }
};

/// Local name of a network path of one connection; never reused within it, never on the wire.
struct PathId {
  uint32_t value = 0;
  auto operator<=>(const PathId&) const = default;
};

/// RFC 9000 §12.3: 0 to 2^62-1, counted apart in each packet number space.
using PacketNum = uint64_t;

/// A connection's name within its endpoint or server; never 0, never reused. Bits 40 to 47 are the worker's, so that every
/// handle stays below 2^53 and is exact as a JavaScript number.
using ConnectionHandle = uint64_t;
inline constexpr int kHandleWorkerShift = 40;
constexpr uint8_t workerOf(ConnectionHandle handle) { return static_cast<uint8_t>(handle >> kHandleWorkerShift); }

enum class Role : uint8_t { Client, Server };

/// RFC 9000 §12.3. The value is an index into arrays of three.
enum class PacketNumberSpace : uint8_t { Initial = 0, Handshake = 1, AppData = 2 };
inline constexpr int kPacketNumberSpaces = 3;

/// RFC 9001 §2.1. ZeroRtt and OneRtt share the AppData space.
enum class EncryptionLevel : uint8_t { Initial = 0, ZeroRtt = 1, Handshake = 2, OneRtt = 3 };
inline constexpr int kEncryptionLevels = 4;

inline PacketNumberSpace spaceOf(EncryptionLevel level) {
  switch (level) {
    case EncryptionLevel::Initial: return PacketNumberSpace::Initial;
    case EncryptionLevel::Handshake: return PacketNumberSpace::Handshake;
    default: return PacketNumberSpace::AppData;
  }
}

/// RFC 3168, as in the two low bits of the traffic class.
enum class Ecn : uint8_t { NotEct = 0, Ect1 = 1, Ect0 = 2, Ce = 3 };

}  // namespace quic
