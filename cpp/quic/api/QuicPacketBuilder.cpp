#include "quic/api/QuicPacketBuilder.h"

#include <algorithm>

#include "quic/QuicConstants.h"

namespace quic {
namespace {

constexpr uint8_t kFixedBit = 0x40;  // RFC 9000 §17.2

PacketType typeOf(EncryptionLevel level) {
  if (level == EncryptionLevel::ZeroRtt) return PacketType::ZeroRtt;
  return level == EncryptionLevel::Initial ? PacketType::Initial : PacketType::Handshake;
}

/// RFC 9000 §17.1: the encoding should be large enough for a packet that arrives after packets that are sent after it. Four
/// times as many as are on the way now may overtake it; and a whole window may overtake one that was sent alone, so one byte
/// is never enough: the packet would open with no key, as if forged.
EncodedPacketNumber encodeForReordering(PacketNum number, std::optional<PacketNum> largestAcked) {
  constexpr uint64_t kRoom = 4;
  const uint64_t unacked = largestAcked ? kRoom * (number - *largestAcked) : number;
  const EncodedPacketNumber encoded = encodePacketNumber(number, number - std::min(number, unacked));
  return encoded.size > 1 ? encoded : EncodedPacketNumber{number & 0xffff, 2};
}

}  // namespace

QuicPacketBuilder::QuicPacketBuilder(MutableByteSpan out, size_t headerSize, size_t numberOffset,
                                     std::optional<size_t> lengthOffset, EncryptionLevel level, PacketNum number)
    : packet_(out),
      headerSize_(headerSize),
      numberOffset_(numberOffset),
      lengthOffset_(lengthOffset),
      level_(level),
      number_(number),
      frames_(out.subspan(headerSize, out.size() - headerSize - kTagSize)) {}

std::optional<QuicPacketBuilder> QuicPacketBuilder::begin(MutableByteSpan out, const PacketHeaderFields& fields,
                                                          PacketNum number, std::optional<PacketNum> largestAcked) {
  ByteWriter writer(out);
  const EncodedPacketNumber encoded = encodeForReordering(number, largestAcked);
  std::optional<size_t> lengthOffset;
  if (fields.level == EncryptionLevel::OneRtt) {
    if (!writeShortHeader(writer, fields.destinationId, fields.keyPhase, fields.spin, encoded)) return std::nullopt;
  } else {
    const LongHeader header{typeOf(fields.level), fields.version, fields.destinationId, fields.sourceId, fields.token};
    lengthOffset = writeLongHeader(writer, header, encoded);
    if (!lengthOffset) return std::nullopt;
  }
  const size_t headerSize = writer.offset();
  if (!fields.fixedBit) out[0] &= static_cast<uint8_t>(~kFixedBit);  // RFC 9287 §3.1
  if (out.size() < headerSize + kTagSize + 4) return std::nullopt;
  return QuicPacketBuilder(out, headerSize, headerSize - encoded.size, lengthOffset, fields.level, number);
}

void QuicPacketBuilder::padTo(size_t size) {
  if (size <= this->size()) return;
  frames_.writeZeros(std::min(size - this->size(), frames_.remaining()));
}

size_t QuicPacketBuilder::seal(const PacketProtection& keys) {
  // RFC 9001 §5.4.2: the sample begins four bytes after the start of the packet number.
  const size_t numberSize = headerSize_ - numberOffset_;
  if (numberSize + frames_.offset() < 4) padTo(this->size() + 4 - numberSize - frames_.offset());
  const size_t total = this->size();
  if (lengthOffset_) patchLength(packet_, *lengthOffset_, total - numberOffset_);
  const MutableByteSpan packet = packet_.first(total);
  if (!keys.aead->seal(number_, packet.first(headerSize_), packet.subspan(headerSize_))) return 0;

  const HeaderProtectionMask mask =
      keys.headerCipher->mask(packet.subspan(numberOffset_ + 4, kHeaderProtectionSampleSize));
  packet[0] ^= mask[0] & (lengthOffset_ ? 0x0f : 0x1f);
  for (size_t i = 0; i < numberSize; ++i) packet[numberOffset_ + i] ^= mask[1 + i];
  return total;
}

}  // namespace quic
