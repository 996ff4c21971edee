// What BBR believes of a path, from measurements alone: how fast it delivers, how long its round trip is without a queue, in
// what lumps it acknowledges, and what the last round trip delivered. draft-cardwell-iccrg-bbr-congestion-control-02 §4.5;
// section numbers here and in Bbr*.h are that draft's. It decides nothing.
// Rates are bytes a second. A round is the time until something sent in it is acknowledged (§4.5.1).
#pragma once

#include <array>
#include <optional>

#include "quic/congestion_control/DeliveryRateEstimator.h"

namespace quic {

class BbrModel {
 public:
  // ---- for each acknowledgment, in this order
  /// Rounds, the maximum of the rate, and what this round delivers (§4.5.1, §4.5.2.4, §4.5.6.3). A rate that the application
  /// limited counts only when it is higher than all others.
  void onSample(const RateSample& sample, bool isAppLimited);
  /// How much more was acknowledged than `bytesPerSecond` explains (§4.5.5).
  void onAggregation(TimePoint now, uint64_t ackedBytes, uint64_t bytesPerSecond, uint64_t window);
  /// §4.3.4.4.
  void onRoundTrip(TimePoint now, Duration roundTrip);
  /// Once it was used: the signals of a finished round make room for the next one's.
  void finishSample(const RateSample& sample);

  // ---- rate
  [[nodiscard]] uint64_t maxBandwidth() const { return std::max(bandwidths_[0], bandwidths_[1]); }
  /// A cycle of probing is over: rates of the one before it are forgotten (§4.5.2.5).
  void advanceBandwidthFilter();

  // ---- rounds
  [[nodiscard]] bool isRoundStart() const { return isRoundStart_; }
  /// The current round ends when something sent from now on is acknowledged.
  void startRound() { roundEnd_ = deliveredInAll_; }
  [[nodiscard]] uint64_t delivered() const { return deliveredInAll_; }

  // ---- the last round trip, for those who answer to losses
  [[nodiscard]] bool isLossRoundStart() const { return isLossRoundStart_; }
  [[nodiscard]] uint64_t latestBandwidth() const { return latestBandwidth_; }
  [[nodiscard]] uint64_t latestInFlight() const { return latestInFlight_; }
  void forgetLatest() { latestBandwidth_ = latestInFlight_ = 0; }

  // ---- round-trip time
  [[nodiscard]] std::optional<Duration> minRtt() const { return minRtt_; }
  /// No round trip as short as the shortest was seen for so long that it is time to drain the queue and look.
  [[nodiscard]] bool isProbeRttDue() const { return isProbeRttDue_; }
  void onProbeRttDone(TimePoint now) { probeRttMinAt_ = now; }
  /// `gain` times the bandwidth-delay product at `bytesPerSecond`. nullopt: no round trip was measured yet.
  [[nodiscard]] std::optional<uint64_t> volume(uint64_t bytesPerSecond, double gain) const;

  // ---- aggregation
  [[nodiscard]] uint64_t extraAcked() const;
  void restartAggregation(TimePoint now) {
    aggregationBeganAt_ = now;
    aggregated_ = 0;
  }

 private:
  static constexpr size_t kAggregationRounds = 10;

  std::array<uint64_t, 2> bandwidths_{};  // maxima of the cycle before and of this one
  uint64_t deliveredInAll_ = 0;
  uint64_t roundEnd_ = 0;
  bool isRoundStart_ = false;

  uint64_t latestBandwidth_ = 0;
  uint64_t latestInFlight_ = 0;
  uint64_t lossRoundEnd_ = 0;
  bool isLossRoundStart_ = false;

  std::optional<Duration> minRtt_;  // of the last 10 s
  TimePoint minRttAt_{};
  std::optional<Duration> probeRttMin_;  // of the last 5 s
  TimePoint probeRttMinAt_{};
  bool isProbeRttDue_ = false;

  std::optional<TimePoint> aggregationBeganAt_;
  uint64_t aggregated_ = 0;                                // acknowledged since then
  std::array<uint64_t, kAggregationRounds> extraAcked_{};  // maxima of the last rounds, in a ring
  size_t aggregationRound_ = 0;
};

}  // namespace quic
