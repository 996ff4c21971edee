#include "quic/codec/QuicPacketHeaders.h"

#include <array>

#include "quic/QuicConstants.h"
#include "quic/common/Bug.h"

namespace quic {
namespace {

constexpr uint8_t kLongForm = 0x80;  // RFC 9000 §17.2
constexpr uint8_t kFixedBit = 0x40;
constexpr uint8_t kSpinBit = 0x20;      // RFC 9000 §17.3.1
constexpr uint8_t kKeyPhaseBit = 0x04;  // RFC 9000 §17.3.1
constexpr size_t kVersionSize = 4;
constexpr size_t kRetryIntegrityTagSize = 16;  // RFC 9000 §17.2.5
constexpr size_t kLengthFieldSize = 2;
constexpr size_t kMaxLengthField = (size_t{1} << 14) - 1;
constexpr size_t kMaxInvariantIdSize = 255;  // RFC 8999 §5.1
/// RFC 9001 §5.4.2: the sample begins 4 bytes after the packet number, whatever the packet number's own size.
constexpr size_t kMinSizeFromPacketNumber = 4 + kHeaderProtectionSampleSize;

std::optional<ByteSpan> readInvariantId(ByteReader& reader) {
  const auto size = reader.readByte();
  if (!size) return std::nullopt;
  return reader.readBytes(*size);
}

/// RFC 8999 §5.1, up to the end of the source ID.
std::optional<InvariantHeader> readLongInvariant(ByteReader& reader) {
  if (!reader.skip(1)) return std::nullopt;
  const auto version = reader.readBigEndian(kVersionSize);
  const auto destinationId = version ? readInvariantId(reader) : std::nullopt;
  const auto sourceId = destinationId ? readInvariantId(reader) : std::nullopt;
  if (!sourceId) return std::nullopt;
  return InvariantHeader{true, static_cast<uint32_t>(*version), *destinationId, *sourceId};
}

std::optional<ProtectedPacket> nextShortPacket(MutableByteSpan& datagram, size_t shortIdSize) {
  const size_t packetNumberOffset = 1 + shortIdSize;
  if (datagram.size() < packetNumberOffset + kMinSizeFromPacketNumber) return std::nullopt;
  ProtectedPacket packet;
  packet.destinationId = ConnectionId(datagram.subspan(1, shortIdSize));
  packet.bytes = datagram;
  packet.packetNumberOffset = packetNumberOffset;
  datagram = {};
  return packet;
}

/// RFC 9000 §17.2, Table 5: by the two type bits. Version 2 counts on by one (RFC 9369 §3.2).
constexpr std::array kTypesOfVersion1 = {PacketType::Initial, PacketType::ZeroRtt, PacketType::Handshake,
                                         PacketType::Retry};
constexpr uint8_t typeShift(uint32_t version) { return version == kQuicVersion2 ? 1 : 0; }

uint8_t longTypeBits(PacketType type, uint32_t version) {
  for (uint8_t i = 0; i < kTypesOfVersion1.size(); ++i) {
    if (kTypesOfVersion1[i] == type) return static_cast<uint8_t>((i + typeShift(version)) % 4 << 4);
  }
  return 0;
}

/// RFC 9000 §17.2.2 to §17.2.4: [token], Length, packet number.
bool readLengthDelimited(ByteReader& reader, ProtectedPacket& packet) {
  if (packet.type == PacketType::Initial) {
    const auto tokenSize = reader.readVarint();
    const auto token = tokenSize ? reader.readBytes(*tokenSize) : std::nullopt;
    if (!token) return false;
    packet.token = *token;
  }
  const auto length = reader.readVarint();
  if (!length || *length > reader.remaining() || *length < kMinSizeFromPacketNumber) return false;
  packet.packetNumberOffset = reader.offset();
  return reader.skip(*length);
}

/// RFC 9000 §17.2.5. An empty token is refused here because every client must discard it (§17.2.5.2).
bool readRetry(ByteReader& reader, ProtectedPacket& packet) {
  if (reader.remaining() <= kRetryIntegrityTagSize) return false;
  packet.token = reader.rest().first(reader.remaining() - kRetryIntegrityTagSize);
  packet.retryIntegrityTag = reader.rest().last(kRetryIntegrityTagSize);
  return reader.skip(reader.remaining());
}

/// RFC 8999 §6: no version, or a part of one, is to be ignored.
bool readSupportedVersions(ByteReader& reader, ProtectedPacket& packet) {
  packet.supportedVersions = reader.rest();
  if (packet.supportedVersions.empty() || packet.supportedVersions.size() % kVersionSize != 0) return false;
  return reader.skip(reader.remaining());
}

bool readRemainder(ByteReader& reader, ProtectedPacket& packet) {
  switch (packet.type) {
    case PacketType::UnknownVersion: return reader.skip(reader.remaining());
    case PacketType::VersionNegotiation: return readSupportedVersions(reader, packet);
    case PacketType::Retry: return readRetry(reader, packet);
    default: return readLengthDelimited(reader, packet);
  }
}

std::optional<ProtectedPacket> nextLongPacket(MutableByteSpan& datagram) {
  ByteReader reader(datagram);
  const auto header = readLongInvariant(reader);
  if (!header) return std::nullopt;
  ProtectedPacket packet;
  packet.version = header->version;
  packet.type = longPacketType(datagram[0], header->version);
  const bool idsFit =
      header->destinationId.size() <= kMaxConnectionIdSize && header->sourceId.size() <= kMaxConnectionIdSize;
  // Longer IDs of another version stay empty: half an ID must not match anything. InvariantHeader has them whole.
  if (!idsFit && packet.type != PacketType::UnknownVersion) return std::nullopt;
  if (idsFit) {
    packet.destinationId = ConnectionId(header->destinationId);
    packet.sourceId = ConnectionId(header->sourceId);
  }
  if (!readRemainder(reader, packet)) return std::nullopt;
  packet.bytes = datagram.first(reader.offset());
  datagram = datagram.subspan(reader.offset());
  return packet;
}

bool writeIds(ByteWriter& writer, ByteSpan destinationId, ByteSpan sourceId) {
  return writer.writeByte(static_cast<uint8_t>(destinationId.size())) && writer.writeBytes(destinationId) &&
         writer.writeByte(static_cast<uint8_t>(sourceId.size())) && writer.writeBytes(sourceId);
}

}  // namespace

std::optional<InvariantHeader> parseInvariantHeader(ByteSpan datagram, size_t shortIdSize) {
  if (datagram.empty()) return std::nullopt;
  if ((datagram[0] & kLongForm) != 0) {
    ByteReader reader(datagram);
    return readLongInvariant(reader);
  }
  if (datagram.size() < 1 + shortIdSize) return std::nullopt;
  return InvariantHeader{false, 0, datagram.subspan(1, shortIdSize), {}};
}

PacketType longPacketType(uint8_t firstByte, uint32_t version) {
  if (version == kVersionNegotiation) return PacketType::VersionNegotiation;
  if (!isKnownVersion(version)) return PacketType::UnknownVersion;
  const unsigned bits = firstByte >> 4 & 3;
  return kTypesOfVersion1[(bits + kTypesOfVersion1.size() - typeShift(version)) % kTypesOfVersion1.size()];
}

std::optional<ProtectedPacket> nextPacket(MutableByteSpan& datagram, size_t shortIdSize) {
  if (datagram.empty()) return std::nullopt;
  return (datagram[0] & kLongForm) == 0 ? nextShortPacket(datagram, shortIdSize) : nextLongPacket(datagram);
}

EncodedPacketNumber encodePacketNumber(PacketNum number, std::optional<PacketNum> largestAcked) {
  // RFC 9000 §17.1: more than twice the range since the largest acknowledged. Appendix A.2 is content with "twice".
  const uint64_t unacked = largestAcked ? number - *largestAcked : number + 1;
  size_t size = 1;
  while (size < 4 && unacked >= uint64_t{1} << (8 * size - 1)) ++size;
  return {number & ((uint64_t{1} << 8 * size) - 1), size};
}

PacketNum decodePacketNumber(std::optional<PacketNum> largestReceived, uint64_t truncated, size_t size) {
  const uint64_t expected = largestReceived ? *largestReceived + 1 : 0;
  const uint64_t window = uint64_t{1} << 8 * size;
  const uint64_t half = window / 2;
  const uint64_t candidate = (expected & ~(window - 1)) | truncated;
  // RFC 9000 Appendix A.3, with the subtraction moved over so that nothing goes below zero.
  if (candidate + half <= expected && candidate < kMaxVarint + 1 - window) return candidate + window;
  if (candidate > expected + half && candidate >= window) return candidate - window;
  return candidate;
}

std::optional<size_t> writeLongHeader(ByteWriter& writer, const LongHeader& header, EncodedPacketNumber number) {
  ByteWriter out = writer;
  const auto first =
      static_cast<uint8_t>(kLongForm | kFixedBit | longTypeBits(header.type, header.version) | (number.size - 1));
  const bool invariant = out.writeByte(first) && out.writeBigEndian(header.version, kVersionSize) &&
                         writeIds(out, header.destinationId.bytes(), header.sourceId.bytes());
  if (!invariant) return std::nullopt;
  if (header.type == PacketType::Initial && !(out.writeVarint(header.token.size()) && out.writeBytes(header.token))) {
    return std::nullopt;
  }
  const size_t lengthOffset = out.offset() - writer.offset();
  if (!out.writeVarint(0, kLengthFieldSize) || !out.writeBigEndian(number.value, number.size)) return std::nullopt;
  writer = out;
  return lengthOffset;
}

void patchLength(MutableByteSpan packet, size_t lengthOffset, size_t length) {
  if (QUIC_BUG(length > kMaxLengthField, "a Length of two bytes holds at most 16383")) return;
  if (QUIC_BUG(lengthOffset + kLengthFieldSize > packet.size(), "Length field outside of the packet")) return;
  ByteWriter(packet.subspan(lengthOffset)).writeVarint(length, kLengthFieldSize);
}

bool writeShortHeader(ByteWriter& writer, const ConnectionId& destinationId, bool keyPhase, bool spin,
                      EncodedPacketNumber number) {
  if (writer.remaining() < 1 + destinationId.size() + number.size) return false;
  const auto first =
      static_cast<uint8_t>(kFixedBit | (spin ? kSpinBit : 0) | (keyPhase ? kKeyPhaseBit : 0) | (number.size - 1));
  return writer.writeByte(first) && writer.writeBytes(destinationId.bytes()) &&
         writer.writeBigEndian(number.value, number.size);
}

bool writeRetryWithoutTag(ByteWriter& writer, const LongHeader& header, uint8_t unusedBits) {
  ByteWriter out = writer;
  const auto first = static_cast<uint8_t>(kLongForm | kFixedBit | longTypeBits(PacketType::Retry, header.version) |
                                          (unusedBits & 0x0f));
  if (!out.writeByte(first) || !out.writeBigEndian(header.version, kVersionSize) ||
      !writeIds(out, header.destinationId.bytes(), header.sourceId.bytes()) || !out.writeBytes(header.token)) {
    return false;
  }
  writer = out;
  return true;
}

size_t writeVersionNegotiation(MutableByteSpan out, uint8_t first, ByteSpan destinationId, ByteSpan sourceId,
                               std::span<const uint32_t> versions) {
  if (destinationId.size() > kMaxInvariantIdSize || sourceId.size() > kMaxInvariantIdSize) return 0;
  ByteWriter writer(out);
  bool ok = writer.writeByte(first | kLongForm | kFixedBit) &&
            writer.writeBigEndian(kVersionNegotiation, kVersionSize) && writeIds(writer, destinationId, sourceId);
  for (const uint32_t version : versions) ok = ok && writer.writeBigEndian(version, kVersionSize);
  return ok ? writer.offset() : 0;
}

}  // namespace quic
