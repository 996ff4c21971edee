// The connection IDs that one worker issues, each with its stateless reset token. Tokens derive from the ID alone and a secret
// of the server (RFC 9000 §10.3.2), so that they outlive a restart and a change of address.
#pragma once

#include "quic/api/StatelessReset.h"
#include "quic/server/ConnectionIdAlgo.h"
#include "quic/state/ConnectionIdGenerator.h"

namespace quic {

class ServerConnectionIds final : public ConnectionIdGenerator {
 public:
  /// The references outlive it.
  ServerConnectionIds(uint8_t worker, size_t size, Random& random, const CryptoFactory& crypto,
                      const StatelessResetSecret& secret, const ConnectionIdSettings& settings = {})
      : worker_(worker),
        algo_(makeConnectionIdAlgo(settings, size, worker, random, crypto)),
        resetKey_(crypto, secret) {}

  GeneratedConnectionId make() override {
    const ConnectionId id = algo_->make();
    return {id, resetKey_.tokenOf(id)};
  }
  [[nodiscard]] StatelessResetToken resetToken(const ConnectionId& id) const { return resetKey_.tokenOf(id); }
  [[nodiscard]] const StatelessResetKey& resetKey() const { return resetKey_; }
  [[nodiscard]] std::optional<uint8_t> workerOf(ByteSpan id) const { return algo_->workerOf(id); }
  [[nodiscard]] size_t size() const { return algo_->size(); }
  [[nodiscard]] uint8_t worker() const { return worker_; }

 private:
  uint8_t worker_;
  std::unique_ptr<ConnectionIdAlgo> algo_;
  StatelessResetKey resetKey_;
};

}  // namespace quic
