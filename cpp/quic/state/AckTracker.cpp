#include "quic/state/AckTracker.h"

#include <algorithm>
#include <utility>

namespace quic {

void AckTracker::onPacketReceived(TimePoint now, const ReceivedPacketInfo& packet) {
  const bool isLargest = packet.number > largest().value_or(0) || received_.empty();
  received_.insert(packet.number);
  if (packet.number < floor_) fillGap(packet.number);
  if (received_.size() > kMaxAckRanges) raiseFloor(received_.front().end + 1);
  if (isLargest) largestReceivedAt_ = now;
  if (packet.ecn == Ecn::Ect0) ++ecn_.ect0;
  if (packet.ecn == Ecn::Ect1) ++ecn_.ect1;
  if (packet.ecn == Ecn::Ce) ++ecn_.ce;
  ecnSeen_ = ecnSeen_ || packet.ecn != Ecn::NotEct;
  const bool tellsMark = packet.ecn == Ecn::Ce && (policy_.elicitingThreshold <= 1 || !wasMarked_);
  wasMarked_ = packet.ecn == Ecn::Ce;
  if (!packet.ackEliciting) return;

  const std::optional<PacketNum> before = largestEliciting_;
  largestEliciting_ = std::max(before.value_or(0), packet.number);
  ++ackElicitingUnreported_;
  // RFC 9000 §13.2.1: disorder, gaps and congestion marks are told at once; of marks in a row the first, where the peer
  // wants fewer reports (draft-ietf-quic-ack-frequency §6.4).
  if (policy_.maxDelay == Duration{0} || ackElicitingUnreported_ > policy_.elicitingThreshold ||
      tellsDisorder(packet.number, before) || tellsMark) {
    immediate_ = true;
  } else if (!deadline_) {
    deadline_ = now + policy_.maxDelay;
  }
}

/// `before`: the largest that elicited an acknowledgment before this one. What elicits nothing is not waited for.
bool AckTracker::tellsDisorder(PacketNum number, std::optional<PacketNum> before) const {
  if (policy_.reorderingThreshold == 0) return false;
  if (policy_.reorderingThreshold == 1) {
    const bool isLate = before && number < *before;
    return isLate || firstMissingFrom(before ? *before + 1 : received_.front().start) < number;
  }
  // draft-ietf-quic-ack-frequency §6.1: the last report told the peer of every gap that is the threshold behind it.
  const PacketNum told = largestReported_
                             ? *largestReported_ + 1 - std::min(*largestReported_ + 1, policy_.reorderingThreshold)
                             : received_.front().start;
  const PacketNum missing = firstMissingFrom(told);
  return missing < *largestEliciting_ && *largestEliciting_ - missing >= policy_.reorderingThreshold;
}

/// What was forgotten counts as received.
PacketNum AckTracker::firstMissingFrom(PacketNum number) const {
  const PacketNum missing = std::max(number, floor_);
  const auto range = std::partition_point(received_.begin(), received_.end(),
                                          [missing](const Interval& interval) { return interval.end < missing; });
  return range != received_.end() && range->start <= missing ? range->end + 1 : missing;
}

void AckTracker::onAckOfAck(PacketNum largest) {
  unanswered_ = 0;
  // What came since that report was sent, late and below its largest, is not in it: it is reported before it is forgotten.
  if (hasNews()) {
    forgettable_ = std::max(forgettable_.value_or(0), largest);
  } else {
    forgetUpTo(largest);
  }
}

void AckTracker::forgetUpTo(PacketNum largest) {
  if (received_.empty() || largest < floor_) return;
  // The newest range stays whole: it is what the next ACK frame reports from.
  const PacketNum keepFrom = received_.back().start;
  raiseFloor(std::min(largest + 1, keepFrom));
}

/// It came after what is around it was forgotten.
void AckTracker::fillGap(PacketNum number) {
  gaps_.erase(number, number);
  if (gaps_.size() > kMaxAckRanges) gaps_.popFront();  // one has become two
}

/// What lies below is not reported any more.
void AckTracker::raiseFloor(PacketNum to) {
  PacketNum next = floor_;
  for (const Interval& range : received_) {
    if (range.start >= to) break;
    if (range.start > next) gaps_.insert(next, range.start - 1);
    next = std::max(next, range.end + 1);
  }
  if (next < to) gaps_.insert(next, to - 1);
  while (gaps_.size() > kMaxAckRanges) gaps_.popFront();
  if (to > 0) received_.erase(0, to - 1);
  floor_ = std::max(floor_, to);
}

void AckTracker::onAckSent() {
  largestReported_ = largest();
  ackElicitingUnreported_ = 0;
  ++unanswered_;
  immediate_ = false;
  deadline_.reset();
  if (forgettable_) forgetUpTo(*std::exchange(forgettable_, std::nullopt));
}

void AckTracker::onAckLost() {
  if (!received_.empty()) ackElicitingUnreported_ = std::max<uint64_t>(ackElicitingUnreported_, 1);
}

std::optional<TimePoint> AckTracker::deadline() const {
  return immediate_ ? std::optional(largestReceivedAt_) : deadline_;
}

Duration AckTracker::delay(TimePoint now) const {
  return now > largestReceivedAt_ ? now - largestReceivedAt_ : Duration{0};
}

}  // namespace quic
