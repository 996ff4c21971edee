#include "quic/api/StatelessPackets.h"

#include "quic/QuicConstants.h"
#include "quic/api/QuicPacketBuilder.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

uint8_t randomByte(Random& random) {
  std::array<uint8_t, 1> byte{};
  random.fill(byte);
  return byte[0];
}

/// RFC 9000 §15. Not the one that the client tried: it would take that for an answer to something else.
uint32_t reservedVersion(uint32_t tried, Random& random) {
  const auto version = static_cast<uint32_t>((random.next64() & 0xf0f0f0f0) | 0x0a0a0a0a);
  return version == tried ? version ^ 0x10101010 : version;
}

}  // namespace

ByteVector makeVersionNegotiation(const InvariantHeader& header, std::span<const uint32_t> versions, Random& random) {
  std::vector<uint32_t> list(versions.begin(), versions.end());
  const auto place = list.begin() + static_cast<ptrdiff_t>(random.below(list.size() + 1));
  list.insert(place, reservedVersion(header.version, random));
  ByteVector packet(16 + 4 * list.size() + header.destinationId.size() + header.sourceId.size());
  packet.resize(writeVersionNegotiation(packet, randomByte(random), header.sourceId, header.destinationId, list));
  return packet;
}

ByteVector makeRetry(const CryptoFactory& crypto, Random& random, const InitialHeader& initial,
                     const ConnectionId& sourceId, ByteSpan token) {
  ByteVector packet(kMinInitialDatagramSize);
  ByteWriter writer(packet);
  const LongHeader header{PacketType::Retry, initial.version, initial.sourceId, sourceId, token};
  if (!writeRetryWithoutTag(writer, header, randomByte(random))) return {};
  const auto tag = crypto.retryIntegrityTag(initial.version, initial.destinationId.bytes(), writer.written());
  if (!writer.writeBytes(tag)) return {};
  packet.resize(writer.offset());
  return packet;
}

ByteVector makeInitialClose(const CryptoFactory& crypto, const InitialHeader& initial, const ConnectionId& sourceId,
                            TransportErrorCode code) {
  const PacketProtection keys = crypto.initialProtection(initial.version, initial.destinationId.bytes()).server;
  ByteVector packet(kMinInitialDatagramSize);
  const PacketHeaderFields fields{EncryptionLevel::Initial, initial.version, initial.sourceId, sourceId};
  auto builder = QuicPacketBuilder::begin(packet, fields, 0, std::nullopt);
  if (!builder) return {};
  ConnectionCloseFrame close;
  close.errorCode = static_cast<uint64_t>(code);
  if (!writeFrame(builder->frames(), close)) return {};
  packet.resize(builder->seal(keys));
  return packet;
}

}  // namespace quic
