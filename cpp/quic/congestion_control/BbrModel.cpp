#include "quic/congestion_control/BbrModel.h"

#include <algorithm>

#include "quic/congestion_control/WindowBounds.h"

namespace quic {
namespace {
constexpr Duration kMinRttFilter = 10s;     // §2.14.1
constexpr Duration kProbeRttInterval = 5s;  // §2.14.2
constexpr Duration kLongestEpisode = 1h;    // of aggregation, so that products stay finite

double toSeconds(Duration duration) { return static_cast<double>(duration.count()) * 1e-6; }
}  // namespace

void BbrModel::onSample(const RateSample& sample, bool isAppLimited) {
  deliveredInAll_ = sample.deliveredInAll;
  const uint64_t rate = sample.bytesPerSecond.value_or(0);
  latestBandwidth_ = std::max(latestBandwidth_, rate);
  latestInFlight_ = std::max(latestInFlight_, std::min(sample.delivered, kMaxCongestionWindow));
  isLossRoundStart_ = sample.deliveredBefore >= lossRoundEnd_;
  if (isLossRoundStart_) lossRoundEnd_ = deliveredInAll_;

  isRoundStart_ = sample.deliveredBefore >= roundEnd_;
  if (isRoundStart_) {
    startRound();
    aggregationRound_ = (aggregationRound_ + 1) % kAggregationRounds;
    extraAcked_[aggregationRound_] = 0;
  }
  if (!isAppLimited || rate >= maxBandwidth()) bandwidths_[1] = std::max(bandwidths_[1], rate);
}

void BbrModel::finishSample(const RateSample& sample) {
  if (!isLossRoundStart_) return;
  latestBandwidth_ = sample.bytesPerSecond.value_or(0);
  latestInFlight_ = std::min(sample.delivered, kMaxCongestionWindow);
}

void BbrModel::advanceBandwidthFilter() {
  if (bandwidths_[1] == 0) return;  // nothing was learnt in this cycle: the last one still stands
  bandwidths_ = {bandwidths_[1], 0};
}

void BbrModel::onAggregation(TimePoint now, uint64_t ackedBytes, uint64_t bytesPerSecond, uint64_t window) {
  if (!aggregationBeganAt_) aggregationBeganAt_ = now;
  const Duration interval = std::clamp<Duration>(now - *aggregationBeganAt_, Duration{0}, kLongestEpisode);
  double expected = static_cast<double>(bytesPerSecond) * toSeconds(interval);
  if (static_cast<double>(aggregated_) <= expected) {
    restartAggregation(now);
    expected = 0;
  }
  aggregated_ = grownWindow(aggregated_, ackedBytes);
  const double extra = std::max(static_cast<double>(aggregated_) - expected, 0.0);
  uint64_t& best = extraAcked_[aggregationRound_];
  best = std::max(best, std::min(static_cast<uint64_t>(extra), window));
}

uint64_t BbrModel::extraAcked() const { return *std::max_element(extraAcked_.begin(), extraAcked_.end()); }

void BbrModel::onRoundTrip(TimePoint now, Duration roundTrip) {
  isProbeRttDue_ = probeRttMin_ && now > probeRttMinAt_ + kProbeRttInterval;
  if (!probeRttMin_ || roundTrip < *probeRttMin_ || isProbeRttDue_) {
    probeRttMin_ = roundTrip;
    probeRttMinAt_ = now;
  }
  const bool isExpired = now > minRttAt_ + kMinRttFilter;
  if (minRtt_ && *probeRttMin_ >= *minRtt_ && !isExpired) return;
  minRtt_ = probeRttMin_;
  minRttAt_ = probeRttMinAt_;
}

std::optional<uint64_t> BbrModel::volume(uint64_t bytesPerSecond, double gain) const {
  if (!minRtt_) return std::nullopt;
  const double bytes = gain * static_cast<double>(bytesPerSecond) * static_cast<double>(minRtt_->count()) / 1e6;
  return static_cast<uint64_t>(std::min(bytes, static_cast<double>(kMaxCongestionWindow)));
}

}  // namespace quic
