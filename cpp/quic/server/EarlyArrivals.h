// 0-RTT packets that came before the Initial packet of their connection (RFC 9000 §5.2.2), as they came, until it comes: what
// the network reorders by a little would else cost the client a timer and a round trip. They are not looked into: nothing of
// them is authentic before the connection is there. Not for clients that are asked to prove their address first, whose 0-RTT
// packets belong to no connection that will be.
// Bounded: kMaxEarlyArrivals datagrams of kMaxEarlyArrivalBytes in all, kMaxEarlyArrivalsPerSource of one source
// (common/SourcePrefix.h), none taken after kEarlyArrivalLifetime. What is beyond them is dropped: whoever floods takes only
// this convenience from others.
#pragma once

#include <deque>
#include <vector>

#include "quic/QuicConstants.h"
#include "quic/common/ConnectionId.h"
#include "quic/common/Datagram.h"

namespace quic {

struct EarlyArrival {
  TimePoint receivedAt{};
  FourTuple path;
  ConnectionId destinationId;  // of the first packet in it
  Ecn ecn = Ecn::NotEct;
  ByteVector bytes;
};

class EarlyArrivals {
 public:
  /// False: there is no room.
  bool hold(TimePoint now, const ConnectionId& destinationId, const ReceivedDatagram& datagram);
  /// Those of one connection to be, in the order in which they came.
  std::vector<EarlyArrival> take(TimePoint now, const SocketAddress& peer, const ConnectionId& destinationId);
  /// Returns how many there were that are too old now.
  size_t expire(TimePoint now);

  [[nodiscard]] size_t size() const { return held_.size(); }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] bool hasRoom(const ReceivedDatagram& datagram) const;

  std::deque<EarlyArrival> held_;  // the oldest first
  size_t bytes_ = 0;
};

}  // namespace quic
