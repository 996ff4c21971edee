#include "sim/SealedPackets.h"

#include <algorithm>

namespace quic::test {

class SealedPackets::RecordingAead final : public Aead {
 public:
  RecordingAead(std::unique_ptr<Aead> inner, std::shared_ptr<Store> store)
      : inner_(std::move(inner)), store_(std::move(store)) {}

  bool seal(PacketNum number, ByteSpan header, MutableByteSpan buffer) override {
    SealedPacket packet{number, ByteVector(buffer.begin(), buffer.end() - kAeadTagSize)};
    if (!inner_->seal(number, header, buffer)) return false;
    store_->insert_or_assign(tagOf(buffer), std::move(packet));
    return true;
  }
  std::optional<size_t> open(PacketNum number, ByteSpan header, MutableByteSpan buffer) override {
    return inner_->open(number, header, buffer);
  }

 private:
  std::unique_ptr<Aead> inner_;
  std::shared_ptr<Store> store_;
};

SealedPackets::Tag SealedPackets::tagOf(ByteSpan packet) {
  Tag tag{};
  const ByteSpan last = packet.last(std::min(packet.size(), tag.size()));
  std::copy(last.begin(), last.end(), tag.begin());
  return tag;
}

std::optional<SealedPacket> SealedPackets::take(ByteSpan packet) {
  auto found = store_->extract(tagOf(packet));
  if (found.empty()) return std::nullopt;
  return std::move(found.mapped());
}

PacketProtection SealedPackets::recorded(PacketProtection&& protection) const {
  if (protection) protection.aead = std::make_unique<RecordingAead>(std::move(protection.aead), store_);
  return std::move(protection);
}

InitialProtection SealedPackets::initialProtection(uint32_t version, ByteSpan clientDestinationId) const {
  InitialProtection both = inner_.initialProtection(version, clientDestinationId);
  return {recorded(std::move(both.client)), recorded(std::move(both.server))};
}
PacketProtection SealedPackets::protection(uint32_t version, const TrafficSecret& secret) const {
  return recorded(inner_.protection(version, secret));
}
TrafficSecret SealedPackets::nextSecret(uint32_t version, const TrafficSecret& secret) const {
  return inner_.nextSecret(version, secret);
}
std::array<uint8_t, 16> SealedPackets::retryIntegrityTag(uint32_t version, ByteSpan originalDestinationId,
                                                         ByteSpan retryWithoutTag) const {
  return inner_.retryIntegrityTag(version, originalDestinationId, retryWithoutTag);
}
std::array<uint8_t, 32> SealedPackets::hmacSha256(ByteSpan key, ByteSpan data) const {
  return inner_.hmacSha256(key, data);
}
std::unique_ptr<BlockCipher> SealedPackets::blockCipher(const std::array<uint8_t, 16>& key) const {
  return inner_.blockCipher(key);
}

}  // namespace quic::test
