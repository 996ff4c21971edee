// Encrypted connection IDs as QUIC-LB has them: draft-ietf-quic-load-balancers-21, §3, §5. On the wire:
//
//   first octet: config rotation (3 bits), then how many bytes follow, or random bits (5 bits)
//   under AES-128: server ID, of which the last byte is the worker; nonce
//
// One pass of AES when server ID and nonce have 16 bytes together, else a Feistel network of four passes. The nonce counts from
// a random start, so none comes twice. A load balancer with the key finds the server without knowing any connection.
#pragma once

#include "quic/server/ConnectionIdAlgo.h"

namespace quic {

inline constexpr size_t kMinQuicLbNonceSize = 4;   // §5.3
inline constexpr size_t kMaxQuicLbBlockSize = 19;  // §5.3: server ID and nonce

struct QuicLbConfig {
  uint8_t configRotation = 0;  // 0 to 6; 7 is for IDs that cannot be routed (§3.1)
  bool encodesSize = true;
  size_t serverIdSize = 1;
  size_t nonceSize = 7;
  [[nodiscard]] size_t blockSize() const { return serverIdSize + nonceSize; }
};

/// Server ID and nonce, in place; `block` has 5 to 19 bytes.
void encryptQuicLb(BlockCipher& cipher, MutableByteSpan block);
void decryptQuicLb(BlockCipher& cipher, MutableByteSpan block);

class QuicLbConnectionIdAlgo final : public ConnectionIdAlgo {
 public:
  /// `serverId`: config.serverIdSize bytes, the last one the worker.
  QuicLbConnectionIdAlgo(const QuicLbConfig& config, ByteVector serverId, std::unique_ptr<BlockCipher> cipher,
                         Random& random);

  ConnectionId make() override;
  [[nodiscard]] std::optional<uint8_t> workerOf(ByteSpan id) const override;
  [[nodiscard]] size_t size() const override { return 1 + config_.blockSize(); }

 private:
  QuicLbConfig config_;
  ByteVector serverId_;
  std::unique_ptr<BlockCipher> cipher_;
  Random& random_;
  ByteVector nonce_;  // of the next one, big endian
};

}  // namespace quic
