#include "quic/state/AckTracker.h"

#include <algorithm>

namespace quic {
namespace {
constexpr uint32_t kAckElicitingThreshold = 2;  // RFC 9000 §13.2.2
}

void AckTracker::onPacketReceived(TimePoint now, const ReceivedPacketInfo& packet) {
  const std::optional<PacketNum> before = largest();
  const bool isLargest = !before || packet.number > *before;
  received_.insert(packet.number);
  if (received_.size() > kMaxAckRanges) {
    floor_ = received_.front().end + 1;
    received_.popFront();
  }
  if (isLargest) largestReceivedAt_ = now;
  if (packet.ecn == Ecn::Ect0) ++ecn_.ect0;
  if (packet.ecn == Ecn::Ect1) ++ecn_.ect1;
  if (packet.ecn == Ecn::Ce) ++ecn_.ce;
  ecnSeen_ = ecnSeen_ || packet.ecn != Ecn::NotEct;
  if (!packet.ackEliciting) return;

  ++ackElicitingUnreported_;
  // RFC 9000 §13.2.1: out of order, a gap, or a congestion mark is told at once.
  const bool leavesGap = before && isLargest && packet.number != *before + 1;
  const bool outOfOrder = before && !isLargest;
  if (maxAckDelay_ == Duration{0} || ackElicitingUnreported_ >= kAckElicitingThreshold || leavesGap || outOfOrder ||
      packet.ecn == Ecn::Ce) {
    immediate_ = true;
  } else if (!deadline_) {
    deadline_ = now + maxAckDelay_;
  }
}

void AckTracker::onAckOfAck(PacketNum largest) {
  if (received_.empty() || largest < floor_) return;
  // The newest range stays whole: it is what the next ACK frame reports from.
  const PacketNum keepFrom = received_.back().start;
  const PacketNum upTo = std::min(largest + 1, keepFrom);
  if (upTo == 0) return;
  received_.erase(0, upTo - 1);
  floor_ = std::max(floor_, upTo);
}

void AckTracker::onAckSent() {
  ackElicitingUnreported_ = 0;
  immediate_ = false;
  deadline_.reset();
}

void AckTracker::onAckLost() {
  if (!received_.empty()) ackElicitingUnreported_ = std::max(ackElicitingUnreported_, 1u);
}

std::optional<TimePoint> AckTracker::deadline() const {
  return immediate_ ? std::optional(largestReceivedAt_) : deadline_;
}

Duration AckTracker::delay(TimePoint now) const {
  return now > largestReceivedAt_ ? now - largestReceivedAt_ : Duration{0};
}

}  // namespace quic
