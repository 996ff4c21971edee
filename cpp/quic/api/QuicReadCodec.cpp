#include "quic/api/QuicReadCodec.h"

#include "quic/QuicConstants.h"

namespace quic {
namespace {

constexpr uint8_t kLongForm = 0x80;
constexpr uint8_t kKeyPhaseBit = 0x04;  // RFC 9000 §17.3.1

struct Header {
  size_t size = 0;
  PacketNum number = 0;
  bool hasReservedBits = false;
  bool keyPhaseBit = false;
};

/// RFC 9001 §5.4.1, in place.
Header removeHeaderProtection(const OpeningKeys& with, const ProtectedPacket& packet) {
  const MutableByteSpan bytes = packet.bytes;
  const size_t sampleOffset = packet.packetNumberOffset + 4;  // RFC 9001 §5.4.2
  const HeaderProtectionMask mask =
      with.keys.headerCipher->mask(bytes.subspan(sampleOffset, kHeaderProtectionSampleSize));
  const bool isLong = (bytes[0] & kLongForm) != 0;
  bytes[0] ^= mask[0] & (isLong ? 0x0f : 0x1f);
  const size_t numberSize = (bytes[0] & 0x03) + size_t{1};
  uint64_t truncated = 0;
  for (size_t i = 0; i < numberSize; ++i) {
    bytes[packet.packetNumberOffset + i] ^= mask[1 + i];
    truncated = truncated << 8 | bytes[packet.packetNumberOffset + i];
  }
  Header header;
  header.size = packet.packetNumberOffset + numberSize;
  header.number = decodePacketNumber(with.received.largest(), truncated, numberSize);
  header.hasReservedBits = (bytes[0] & (isLong ? 0x0c : 0x18)) != 0;
  header.keyPhaseBit = !isLong && (bytes[0] & kKeyPhaseBit) != 0;
  return header;
}

}  // namespace

Expected<OpenedPacket, OpenFailure> openPacket(const OpeningKeys& with, const ProtectedPacket& packet) {
  using Failure = Unexpected<OpenFailure>;
  if (!with.keys) return Failure{OpenFailure::NoKeys};
  const MutableByteSpan bytes = packet.bytes;
  if (packet.packetNumberOffset + 4 + kHeaderProtectionSampleSize > bytes.size())
    return Failure{OpenFailure::Malformed};
  const Header header = removeHeaderProtection(with, packet);

  OpenedPacket opened;
  opened.number = header.number;
  opened.hasReservedBits = header.hasReservedBits;
  Aead* aead = with.keys.aead.get();
  if (with.phases != nullptr) opened.keyPhase = with.phases->phaseOf(header.keyPhaseBit, header.number);
  if (opened.keyPhase != KeyPhase::Current) aead = with.phases->readKey(opened.keyPhase);
  // RFC 9001 §6.3: keys that are not there are stood in for, at the same cost.
  const bool isStandIn = aead == nullptr;
  if (isStandIn) aead = with.keys.aead.get();

  const MutableByteSpan sealed = bytes.subspan(header.size);
  const auto size = aead->open(header.number, bytes.first(header.size), sealed);
  if (!size || isStandIn) return Failure{OpenFailure::NotAuthentic};
  if (with.received.isDuplicate(header.number)) return Failure{OpenFailure::Duplicate};
  opened.payload = sealed.first(*size);
  return opened;
}

}  // namespace quic
