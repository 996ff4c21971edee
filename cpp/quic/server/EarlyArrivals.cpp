#include "quic/server/EarlyArrivals.h"

#include <algorithm>
#include <utility>

#include "quic/common/SourcePrefix.h"

namespace quic {

bool EarlyArrivals::hold(TimePoint now, const ConnectionId& destinationId, const ReceivedDatagram& datagram) {
  if (!hasRoom(datagram)) return false;
  bytes_ += datagram.bytes.size();
  held_.push_back(
      {now, datagram.path, destinationId, datagram.ecn, ByteVector(datagram.bytes.begin(), datagram.bytes.end())});
  return true;
}

bool EarlyArrivals::hasRoom(const ReceivedDatagram& datagram) const {
  if (held_.size() >= kMaxEarlyArrivals || bytes_ + datagram.bytes.size() > kMaxEarlyArrivalBytes) return false;
  const SourcePrefix source = sourcePrefixOf(datagram.path.peer);
  const auto ofSource = std::count_if(held_.begin(), held_.end(),
                                      [&](const EarlyArrival& one) { return sourcePrefixOf(one.path.peer) == source; });
  return static_cast<size_t>(ofSource) < kMaxEarlyArrivalsPerSource;
}

std::vector<EarlyArrival> EarlyArrivals::take(TimePoint now, const SocketAddress& peer,
                                              const ConnectionId& destinationId) {
  std::vector<EarlyArrival> taken;
  for (auto one = held_.begin(); one != held_.end();) {
    if (one->path.peer != peer || one->destinationId != destinationId) {
      ++one;
      continue;
    }
    bytes_ -= one->bytes.size();
    if (one->receivedAt + kEarlyArrivalLifetime > now) taken.push_back(std::move(*one));
    one = held_.erase(one);
  }
  return taken;
}

size_t EarlyArrivals::expire(TimePoint now) {
  size_t expired = 0;
  for (; !held_.empty() && held_.front().receivedAt + kEarlyArrivalLifetime <= now; ++expired) {
    bytes_ -= held_.front().bytes.size();
    held_.pop_front();
  }
  return expired;
}

}  // namespace quic
