#include "quic/loss/RttEstimator.h"

#include <algorithm>

namespace quic {
namespace {
// A trip within the resolution of the clock. Not zero, so that rates of bytes per round trip stay finite.
constexpr Duration kShortestRtt{1};
// RFC 9000 §18.2: max_ack_delay is below 2^14 ms. A larger one is somebody's "no limit" and would overflow sums.
constexpr Duration kMaxAckDelayLimit = std::chrono::milliseconds{1 << 14};
}  // namespace

void RttEstimator::onSample(Duration latest, Duration ackDelay, Duration maxAckDelay, TimePoint now) {
  latest_ = std::max(latest, kShortestRtt);
  if (!hasSample()) {
    firstSampleAt_ = now;
    min_ = latest_;
    smoothed_ = latest_;
    variation_ = latest_ / 2;
    return;
  }
  min_ = std::min(min_, latest_);
  // RFC 9002 §5.3: never adjusted to below the minimum, so that a peer that lies gains nothing. The comparison is
  // written without a sum because a reported delay may be as large as the type.
  const Duration delay = std::max(std::min(ackDelay, maxAckDelay), Duration{0});
  const Duration adjusted = delay <= latest_ - min_ ? latest_ - delay : latest_;
  // RFC 9002 §A.7: the variation is measured against the mean before this sample.
  variation_ = (3 * variation_ + std::chrono::abs(smoothed_ - adjusted)) / 4;
  smoothed_ = (7 * smoothed_ + adjusted) / 8;
}

Duration RttEstimator::pto(Duration maxAckDelay) const {
  return smoothed_ + std::max(4 * variation_, kTimerGranularity) + std::min(maxAckDelay, kMaxAckDelayLimit);
}

Duration RttEstimator::lossDelay() const { return std::max(std::max(latest_, smoothed_) * 9 / 8, kTimerGranularity); }

}  // namespace quic
