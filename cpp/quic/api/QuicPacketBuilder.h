// One packet while it is being written into its place in a datagram: header, frames, padding, and at last the seal.
// RFC 9000 §17, RFC 9001 §5. What was begun and stays empty costs nothing: no packet number, no byte.
#pragma once

#include "quic/codec/QuicPacketHeaders.h"
#include "quic/handshake/Aead.h"

namespace quic {

struct PacketHeaderFields {
  EncryptionLevel level = EncryptionLevel::OneRtt;
  uint32_t version = 0;
  ConnectionId destinationId;
  ConnectionId sourceId{};  // long headers
  bool keyPhase = false;    // short headers
  ByteSpan token{};         // Initial
  bool spin = false;        // short headers
  bool fixedBit = true;     // RFC 9287: 0 only for a peer that takes it
};

class QuicPacketBuilder {
 public:
  /// Writes the header at the front of `out`; nullopt when there is no room for a packet.
  static std::optional<QuicPacketBuilder> begin(MutableByteSpan out, const PacketHeaderFields& fields, PacketNum number,
                                                std::optional<PacketNum> largestAcked);

  /// Frames go here. The room for the tag is kept.
  ByteWriter& frames() { return frames_; }
  [[nodiscard]] bool isEmpty() const { return frames_.offset() == 0; }
  [[nodiscard]] PacketNum number() const { return number_; }
  [[nodiscard]] EncryptionLevel level() const { return level_; }
  /// With tag, as it would be sealed now.
  [[nodiscard]] size_t size() const { return headerSize_ + frames_.offset() + kTagSize; }
  /// Frames and padding so far; not after the seal.
  [[nodiscard]] ByteSpan payload() const { return packet_.subspan(headerSize_, frames_.offset()); }
  /// PADDING until the packet has `size` bytes; less when there is no room.
  void padTo(size_t size);
  /// Length, AEAD, header protection. Returns the size; 0 when the seal failed. The packet cannot be touched after.
  size_t seal(const PacketProtection& keys);

 private:
  QuicPacketBuilder(MutableByteSpan out, size_t headerSize, size_t numberOffset, std::optional<size_t> lengthOffset,
                    EncryptionLevel level, PacketNum number);

  static constexpr size_t kTagSize = 16;
  MutableByteSpan packet_;
  size_t headerSize_;
  size_t numberOffset_;
  std::optional<size_t> lengthOffset_;
  EncryptionLevel level_;
  PacketNum number_;
  ByteWriter frames_;
};

}  // namespace quic
