// CUBIC: RFC 9438. After a reduction the window follows a cubic function of time back to where it was, rests there, and
// then looks for more; where that is slower than Reno would be, it follows Reno. The first slow start is HyStart++
// (RFC 9406). Windows are bytes; the RFC's segments are datagrams of the path's size.
// Like NewReno it sees sums, no packets, and reduces once per round trip.
// Invariant: the window is never below two datagrams.
#pragma once

#include <cstddef>
#include <optional>

#include "quic/congestion_control/BytesInFlight.h"
#include "quic/congestion_control/CongestionController.h"
#include "quic/congestion_control/HyStart.h"
#include "quic/congestion_control/RecoveryPeriod.h"
#include "quic/congestion_control/WindowBounds.h"

namespace quic {

class Cubic final : public CongestionController {
 public:
  explicit Cubic(size_t maxDatagramSize);

  void onPacketSent(TimePoint now, uint64_t bytes) override;
  void onAck(const CongestionAckEvent& event, const RttEstimator& rtt) override;
  void onLoss(const CongestionLossEvent& event) override;
  void onEcnCe(TimePoint now, TimePoint sentAt) override;
  void onSpuriousLoss(const CongestionSpuriousLossEvent& event) override;
  void onDiscarded(uint64_t bytes) override { flight_.remove(bytes); }
  void onMaxDatagramSize(size_t size) override;

  [[nodiscard]] uint64_t congestionWindow() const override { return window_; }
  [[nodiscard]] uint64_t bytesInFlight() const override { return flight_.count(); }
  [[nodiscard]] bool inSlowStart() const override { return window_ < slowStartThreshold_; }
  [[nodiscard]] std::string_view name() const override { return "cubic"; }

 private:
  /// A congestion avoidance stage: RFC 9438 §4.1.2. Bytes and seconds, as fractions.
  struct Stage {
    double maxWindow = 0;     // W_max: where the cubic function rests
    double renoWindow = 0;    // W_est: what Reno's would be
    double secondsToMax = 0;  // K
    Duration elapsed{0};      // t: only time in which the window was in use (RFC 9438 §5.8)
  };
  struct Prior {
    uint64_t window;
    uint64_t slowStartThreshold;
    double lastMaxWindow;
    double windowBefore;
    std::optional<Stage> stage;
  };

  void onCongestion(TimePoint now, TimePoint sentAt);
  void growInSlowStart(const CongestionAckEvent& event);
  void growInAvoidance(const CongestionAckEvent& event, Duration smoothedRtt);
  [[nodiscard]] double cubicWindow(double seconds) const;

  uint64_t maxDatagramSize_;
  uint64_t window_;
  uint64_t slowStartThreshold_ = UINT64_MAX;
  BytesInFlight flight_;
  RecoveryPeriod recovery_;
  HyStart hyStart_;             // speaks while the threshold is not known
  std::optional<Stage> stage_;  // none until a slow start has ended
  TimePoint clockAt_{};         // up to when `elapsed` has counted, or passed over, the time
  double lastMaxWindow_ = 0;    // W_max of the last reduction, for fast convergence
  double windowBefore_ = 0;     // cwnd_prior: before the last reduction
  double fraction_ = 0;         // of a byte, that the window is still owed
  std::optional<Prior> prior_;  // before the last reduction, while only losses asked for it
};

}  // namespace quic
