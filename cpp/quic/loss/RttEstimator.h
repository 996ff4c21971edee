// Round-trip time of one path. RFC 9002 §5. It knows no packets and no timers: samples go in, periods come out.
// Invariant: everything it says is finite and positive, whatever delays a peer reports.
#pragma once

#include <optional>

#include "quic/QuicConstants.h"

namespace quic {

class RttEstimator {
 public:
  explicit RttEstimator(Duration initialRtt = kInitialRtt) : smoothed_(initialRtt), variation_(initialRtt / 2) {}

  /// `ackDelay` as the peer reported it, decoded; it is capped at `maxAckDelay` once the handshake is confirmed: the
  /// caller passes Duration::max() before that (RFC 9002 §5.3). `now` dates the first sample for persistent congestion
  /// (§7.6.2); without it every packet counts as sent after that.
  void onSample(Duration latest, Duration ackDelay, Duration maxAckDelay, TimePoint now = {});
  /// RFC 9002 §5.3: before the handshake is confirmed a sample may be ignored when its acknowledgment delay would bring it
  /// below the minimum. An acknowledgment that is repeated because the first one was lost is such a sample, and as the
  /// first of all it would make every later timer long. Only for delays that no peer intends: kDefaultMaxAckDelay.
  [[nodiscard]] bool isHeldBack(Duration latest, Duration ackDelay) const {
    return ackDelay > kDefaultMaxAckDelay && (!hasSample() || latest - ackDelay < min_);
  }
  /// RFC 9002 §5.2: the old minimum may be of a path that is no more.
  void onPersistentCongestion() { min_ = latest_; }

  [[nodiscard]] bool hasSample() const { return firstSampleAt_.has_value(); }
  [[nodiscard]] std::optional<TimePoint> firstSampleAt() const { return firstSampleAt_; }
  [[nodiscard]] Duration latest() const { return latest_; }
  [[nodiscard]] Duration smoothed() const { return smoothed_; }
  [[nodiscard]] Duration variation() const { return variation_; }
  [[nodiscard]] Duration min() const { return min_; }
  /// RFC 9002 §6.2.1 without backoff: smoothed + max(4 * variation, granularity) + maxAckDelay.
  [[nodiscard]] Duration pto(Duration maxAckDelay) const;
  /// RFC 9002 §6.1.2.
  [[nodiscard]] Duration lossDelay() const;

 private:
  Duration latest_{0};
  Duration smoothed_;
  Duration variation_;
  Duration min_{0};
  std::optional<TimePoint> firstSampleAt_;
};

}  // namespace quic
