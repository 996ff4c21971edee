#include "quic/api/QuicReadCodec.h"

#include "quic/QuicConstants.h"

namespace quic {

Expected<OpenedPacket, OpenFailure> openPacket(PacketSpace& space, const ProtectedPacket& packet) {
  using Failure = Unexpected<OpenFailure>;
  if (!space.readKeys) return Failure{OpenFailure::NoKeys};
  const MutableByteSpan bytes = packet.bytes;
  const size_t sampleOffset = packet.packetNumberOffset + 4;  // RFC 9001 §5.4.2
  if (sampleOffset + kHeaderProtectionSampleSize > bytes.size()) return Failure{OpenFailure::Malformed};

  const HeaderProtectionMask mask =
      space.readKeys.headerCipher->mask(bytes.subspan(sampleOffset, kHeaderProtectionSampleSize));
  const bool isLong = (bytes[0] & 0x80) != 0;
  bytes[0] ^= mask[0] & (isLong ? 0x0f : 0x1f);
  const size_t numberSize = (bytes[0] & 0x03) + size_t{1};
  uint64_t truncated = 0;
  for (size_t i = 0; i < numberSize; ++i) {
    bytes[packet.packetNumberOffset + i] ^= mask[1 + i];
    truncated = truncated << 8 | bytes[packet.packetNumberOffset + i];
  }

  OpenedPacket opened;
  opened.number = decodePacketNumber(space.acks.largest(), truncated, numberSize);
  opened.hasReservedBits = (bytes[0] & (isLong ? 0x0c : 0x18)) != 0;
  if (space.acks.isDuplicate(opened.number)) return Failure{OpenFailure::Duplicate};

  const size_t headerSize = packet.packetNumberOffset + numberSize;
  const MutableByteSpan sealed = bytes.subspan(headerSize);
  const auto size = space.readKeys.aead->open(opened.number, bytes.first(headerSize), sealed);
  if (!size) return Failure{OpenFailure::NotAuthentic};
  opened.payload = sealed.first(*size);
  return opened;
}

}  // namespace quic
