// The addresses of a pool, and in which order a client tries them: rounds, past the address in use; what the application
// prefers in its order, then the others ascending.
// At most kMaxPoolAddresses; it only orders, it does not judge. Spec of the project §5.6.
#pragma once

#include <optional>
#include <vector>

#include "quic/QuicConstants.h"
#include "quic/common/SocketAddress.h"

namespace quic {

class PoolOrder {
 public:
  PoolOrder() = default;
  /// `preferred`, the best first: addresses that may come to be in the pool. The same one twice counts where it is first.
  explicit PoolOrder(const std::vector<SocketAddress>& preferred) : preferred_(preferred) {}

  /// False when it is known already, or when the pool is full. In a round that has passed its place, an address waits
  /// for the next one.
  bool insert(const SocketAddress& address);
  [[nodiscard]] bool contains(const SocketAddress& address) const;
  [[nodiscard]] bool isFull() const { return addresses_.size() >= kMaxPoolAddresses; }
  [[nodiscard]] size_t size() const { return addresses_.size(); }

  /// The next of this round, other than `active`. nullopt: the round is over, or there is nothing to try.
  std::optional<SocketAddress> next(const SocketAddress& active);
  /// Begin a new round.
  void restart() { last_.reset(); }
  /// Whether a round has anything to try besides `first` and `second`.
  [[nodiscard]] bool hasOtherThan(const SocketAddress& first, const SocketAddress& second) const;

  bool operator==(const PoolOrder&) const = default;

 private:
  [[nodiscard]] bool isBefore(const SocketAddress& a, const SocketAddress& b) const;

  std::vector<SocketAddress> preferred_;  // the application's
  std::vector<SocketAddress> addresses_;  // in the order in which they are tried, no duplicates
  std::optional<SocketAddress> last_;     // the latest of this round
};

}  // namespace quic
