#include "quic/state/AckFrequency.h"

#include <algorithm>

namespace quic {

void AckFrequency::enable(Duration least, Duration most) {
  isEnabled_ = true;
  most_ = most;
  least_ = std::min(std::max(least, kTimerGranularity), most);
  asked_.delay = most;
}

void AckFrequency::onAck(uint64_t windowPackets, const RttEstimator& rtt, uint64_t reordering) {
  if (!isEnabled_ || isDue_ || inFlight_ || !rtt.hasSample()) return;
  Request wanted;
  wanted.threshold = std::clamp<uint64_t>(windowPackets / kPacketsPerWindow, 1, kMaxThreshold);
  wanted.delay = std::clamp(rtt.smoothed() / kDelaysPerRoundTrip, least_, most_);
  wanted.reordering = reordering;
  if (!isWorthAsking(wanted)) return;
  asked_ = wanted;
  isDue_ = true;
}

/// A frame for every step of the window would cost more than it saves.
bool AckFrequency::isWorthAsking(const Request& wanted) const {
  const bool more = wanted.threshold >= 2 * asked_.threshold;
  const bool fewer = 2 * wanted.threshold <= asked_.threshold;
  if (nextSequence_ == 0) return more;  // with a small window nothing need be asked
  const bool slower = wanted.delay > 2 * asked_.delay;
  const bool faster = 2 * wanted.delay < asked_.delay;
  return more || fewer || slower || faster || wanted.reordering != asked_.reordering;
}

void AckFrequency::onPathChanged() {
  if (nextSequence_ == 0) return;
  asked_ = {.delay = most_};
  isDue_ = true;
  inFlight_.reset();
}

AckFrequencyFrame AckFrequency::frame() const {
  return {nextSequence_, asked_.threshold, static_cast<uint64_t>(asked_.delay.count()), asked_.reordering};
}

SentAckFrequency AckFrequency::onWritten() {
  isDue_ = false;
  inFlight_ = nextSequence_++;
  unconfirmed_ = std::max(unconfirmed_, asked_.delay);
  return {*inFlight_};
}

void AckFrequency::onAcked(const SentAckFrequency& sent) {
  if (inFlight_ != sent.sequence) return;  // the newest is still on its way
  inFlight_.reset();
  isDue_ = false;
  confirmed_ = asked_.delay;
  unconfirmed_ = Duration{0};
}

void AckFrequency::onLost(const SentAckFrequency& sent) {
  if (inFlight_ == sent.sequence) isDue_ = true;  // again, under a higher number
}

Duration AckFrequency::maxAckDelay(Duration parameter) const {
  return std::max(confirmed_.value_or(parameter), unconfirmed_);
}

}  // namespace quic
