// Packet headers (RFC 8999 §5, RFC 9000 §17), as they look before header protection is removed and as they are written
// before it is applied. No keys here.
#pragma once

#include <optional>
#include <vector>

#include "quic/QuicError.h"
#include "quic/common/ByteCursor.h"
#include "quic/common/ConnectionId.h"
#include "quic/common/Ids.h"

namespace quic {

enum class PacketType : uint8_t { Initial, ZeroRtt, Handshake, Retry, OneRtt, VersionNegotiation, UnknownVersion };

/// What routing needs, of any version (RFC 8999). For an unknown version connection IDs may exceed 20 bytes and are spans.
struct InvariantHeader {
  bool isLong = false;
  uint32_t version = 0;    // long only
  ByteSpan destinationId;  // short: `shortIdSize` bytes
  ByteSpan sourceId;       // long only
};
/// Of a packet with a long header.
PacketType longPacketType(uint8_t firstByte, uint32_t version);
/// nullopt: not a QUIC packet that can be routed (too short).
std::optional<InvariantHeader> parseInvariantHeader(ByteSpan datagram, size_t shortIdSize);

/// One packet of a datagram with header protection still on.
struct ProtectedPacket {
  PacketType type = PacketType::OneRtt;
  uint32_t version = 0;
  ConnectionId destinationId;
  ConnectionId sourceId;          // long only
  ByteSpan token;                 // Initial; Retry: the Retry Token
  ByteSpan retryIntegrityTag;     // Retry: 16 bytes
  ByteSpan supportedVersions;     // VersionNegotiation: 4 bytes each
  MutableByteSpan bytes;          // the whole packet, from its first byte to its last
  size_t packetNumberOffset = 0;  // where the protected packet number begins
};

/// Takes the first packet off `datagram` (which shrinks). nullopt: malformed, unknown or not worth another look: drop the
/// rest of the datagram. Enforces: long headers of versions 1 and 2 with IDs up to 20 bytes, Length within the datagram, room for the
/// header-protection sample (RFC 9001 §5.4.2). The fixed bit is NOT checked here, see fixedBit().
std::optional<ProtectedPacket> nextPacket(MutableByteSpan& datagram, size_t shortIdSize);
/// Of 1-RTT packets; not protected.
inline bool spinBit(const ProtectedPacket& packet) { return (packet.bytes[0] & 0x20) != 0; }
inline bool fixedBit(const ProtectedPacket& packet) { return (packet.bytes[0] & 0x40) != 0; }

// ---- packet numbers (RFC 9000 §17.1, Appendix A)
struct EncodedPacketNumber {
  uint64_t value = 0;  // truncated
  size_t size = 1;     // 1 to 4
};
EncodedPacketNumber encodePacketNumber(PacketNum number, std::optional<PacketNum> largestAcked);
PacketNum decodePacketNumber(std::optional<PacketNum> largestReceived, uint64_t truncated, size_t size);

// ---- writing
struct LongHeader {
  PacketType type = PacketType::Initial;  // Initial, ZeroRtt or Handshake
  uint32_t version = 0;
  ConnectionId destinationId;
  ConnectionId sourceId;
  ByteSpan token;  // Initial and Retry only
};
/// Writes up to and including the packet number; the Length field takes 2 bytes and is set by patchLength.
/// Returns the offset of the Length field from the first byte of the packet; nullopt when it does not fit.
std::optional<size_t> writeLongHeader(ByteWriter& writer, const LongHeader& header, EncodedPacketNumber number);
/// `length` counts packet number, payload and tag. At most 16383.
void patchLength(MutableByteSpan packet, size_t lengthOffset, size_t length);
bool writeShortHeader(ByteWriter& writer, const ConnectionId& destinationId, bool keyPhase, bool spin,
                      EncodedPacketNumber number);
/// RFC 9000 §17.2.5 up to the token. The 16-byte integrity tag that follows is CryptoFactory's (RFC 9001 §5.8).
/// `header.type` is not looked at; `unusedBits` fills the four bits that a client ignores.
bool writeRetryWithoutTag(ByteWriter& writer, const LongHeader& header, uint8_t unusedBits);
/// RFC 9000 §17.2.1. `first` supplies the unused bits. 0 when it does not fit.
size_t writeVersionNegotiation(MutableByteSpan out, uint8_t first, ByteSpan destinationId, ByteSpan sourceId,
                               std::span<const uint32_t> versions);

}  // namespace quic
