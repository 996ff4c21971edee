// Reads what is sent without any key: a CryptoFactory that does what another one does, and remembers what it was given to seal.
// The last 16 bytes of a packet, its tag, lead back to it.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>

#include "quic/QuicConstants.h"
#include "quic/handshake/Aead.h"

namespace quic::test {

struct SealedPacket {
  PacketNum number = 0;
  ByteVector payload;  // frames
};

class SealedPackets final : public CryptoFactory {
 public:
  explicit SealedPackets(const CryptoFactory& inner) : inner_(inner), store_(std::make_shared<Store>()) {}

  /// `packet` is whole, as it left. nullopt: it was sealed by nobody here, or asked for before.
  std::optional<SealedPacket> take(ByteSpan packet);

  // ---- CryptoFactory
  [[nodiscard]] InitialProtection initialProtection(uint32_t version, ByteSpan clientDestinationId) const override;
  [[nodiscard]] PacketProtection protection(uint32_t version, const TrafficSecret& secret) const override;
  [[nodiscard]] TrafficSecret nextSecret(uint32_t version, const TrafficSecret& secret) const override;
  [[nodiscard]] std::array<uint8_t, 16> retryIntegrityTag(uint32_t version, ByteSpan originalDestinationId,
                                                          ByteSpan retryWithoutTag) const override;
  [[nodiscard]] std::array<uint8_t, 32> hmacSha256(ByteSpan key, ByteSpan data) const override;
  [[nodiscard]] std::unique_ptr<BlockCipher> blockCipher(const std::array<uint8_t, 16>& key) const override;

 private:
  using Tag = std::array<uint8_t, kAeadTagSize>;
  using Store = std::map<Tag, SealedPacket>;
  class RecordingAead;
  static Tag tagOf(ByteSpan packet);
  PacketProtection recorded(PacketProtection&& protection) const;

  const CryptoFactory& inner_;
  std::shared_ptr<Store> store_;  // shared with the AEADs, which may outlive this
};

}  // namespace quic::test
