#include "quic/servermigration/PoolOrder.h"

#include <algorithm>

namespace quic {

bool PoolOrder::insert(const SocketAddress& address) {
  if (isFull()) return false;  // SM-33
  const auto place = std::lower_bound(addresses_.begin(), addresses_.end(), address);
  if (place != addresses_.end() && *place == address) return false;
  addresses_.insert(place, address);
  return true;
}

bool PoolOrder::contains(const SocketAddress& address) const {
  return std::binary_search(addresses_.begin(), addresses_.end(), address);
}

// SM-35
std::optional<SocketAddress> PoolOrder::next(const SocketAddress& active) {
  auto place = last_ ? std::upper_bound(addresses_.begin(), addresses_.end(), *last_) : addresses_.begin();
  if (place != addresses_.end() && *place == active) ++place;
  if (place == addresses_.end()) return std::nullopt;
  last_ = *place;
  return last_;
}

bool PoolOrder::hasOtherThan(const SocketAddress& first, const SocketAddress& second) const {
  return std::any_of(addresses_.begin(), addresses_.end(),
                     [&](const SocketAddress& address) { return address != first && address != second; });
}

}  // namespace quic
