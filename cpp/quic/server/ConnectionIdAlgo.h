// The connection IDs a server issues: which worker, and random bytes. RFC 9000 §5.1.
// Byte 0 is the worker, so that a packet that reaches another worker's socket can be handed over. Stateless reset tokens
// derive from the ID alone and a secret of the server (RFC 9000 §10.3.2), so that they outlive a change of address.
#pragma once

#include <optional>

#include "quic/api/StatelessReset.h"
#include "quic/common/Random.h"
#include "quic/state/ConnectionIdGenerator.h"

namespace quic {

class ConnectionIdAlgo final : public ConnectionIdGenerator {
 public:
  /// `size`: 4 to 20. The references outlive it.
  ConnectionIdAlgo(uint8_t worker, size_t size, Random& random, const CryptoFactory& crypto,
                   const StatelessResetSecret& secret)
      : worker_(worker), size_(size), random_(random), resetKey_(crypto, secret) {}

  GeneratedConnectionId make() override;
  [[nodiscard]] StatelessResetToken resetToken(const ConnectionId& id) const { return resetKey_.tokenOf(id); }
  [[nodiscard]] const StatelessResetKey& resetKey() const { return resetKey_; }
  /// nullopt: not one of ours (another size).
  [[nodiscard]] std::optional<uint8_t> workerOf(ByteSpan id) const;
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] uint8_t worker() const { return worker_; }

 private:
  uint8_t worker_;
  size_t size_;
  Random& random_;
  StatelessResetKey resetKey_;
};

}  // namespace quic
