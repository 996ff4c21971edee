#include "quic/servermigration/PoolOrder.h"

#include <algorithm>

namespace quic {

// SM-35, SM-38
bool PoolOrder::isBefore(const SocketAddress& a, const SocketAddress& b) const {
  const auto rank = [&](const SocketAddress& address) {
    return std::find(preferred_.begin(), preferred_.end(), address) - preferred_.begin();
  };
  const auto ofA = rank(a);
  const auto ofB = rank(b);
  return ofA != ofB ? ofA < ofB : a < b;
}

bool PoolOrder::insert(const SocketAddress& address) {
  if (isFull() || contains(address)) return false;  // SM-33
  const auto place = std::find_if(addresses_.begin(), addresses_.end(),
                                  [&](const SocketAddress& other) { return isBefore(address, other); });
  addresses_.insert(place, address);
  return true;
}

bool PoolOrder::contains(const SocketAddress& address) const {
  return std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end();
}

// SM-35
std::optional<SocketAddress> PoolOrder::next(const SocketAddress& active) {
  const auto isAhead = [&](const SocketAddress& address) {
    return address != active && (!last_ || isBefore(*last_, address));
  };
  const auto place = std::find_if(addresses_.begin(), addresses_.end(), isAhead);
  if (place == addresses_.end()) return std::nullopt;
  last_ = *place;
  return last_;
}

bool PoolOrder::hasOtherThan(const SocketAddress& first, const SocketAddress& second) const {
  return std::any_of(addresses_.begin(), addresses_.end(),
                     [&](const SocketAddress& address) { return address != first && address != second; });
}

}  // namespace quic
