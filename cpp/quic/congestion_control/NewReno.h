// NewReno: RFC 9002 §7.3 and appendix B. Slow start, one reduction per round trip, then one datagram per window.
// It does not look at single packets: what an acknowledgment or a loss brought comes as one sum.
// Invariant: the window is never below two datagrams.
#pragma once

#include <cstddef>
#include <optional>

#include "quic/congestion_control/BytesInFlight.h"
#include "quic/congestion_control/CongestionController.h"
#include "quic/congestion_control/RecoveryPeriod.h"
#include "quic/congestion_control/WindowBounds.h"

namespace quic {

class NewReno final : public CongestionController {
 public:
  explicit NewReno(size_t maxDatagramSize);

  void onPacketSent([[maybe_unused]] TimePoint now, uint64_t bytes) override { flight_.add(bytes); }
  void onAck(const CongestionAckEvent& event, const RttEstimator& rtt) override;
  void onLoss(const CongestionLossEvent& event) override;
  void onSpuriousLoss(const CongestionSpuriousLossEvent& event) override;
  void onEcnCe(TimePoint now, TimePoint sentAt) override;
  void onDiscarded(uint64_t bytes) override { flight_.remove(bytes); }
  void onMaxDatagramSize(size_t size) override;

  [[nodiscard]] uint64_t congestionWindow() const override { return window_; }
  [[nodiscard]] uint64_t bytesInFlight() const override { return flight_.count(); }
  [[nodiscard]] bool inSlowStart() const override { return window_ < slowStartThreshold_; }
  [[nodiscard]] std::string_view name() const override { return "newreno"; }

 private:
  /// What a reduction took, as long as it may be given back.
  struct Reduction {
    uint64_t window = 0;
    uint64_t slowStartThreshold = 0;
  };
  void onCongestion(TimePoint now, TimePoint sentAt);

  uint64_t maxDatagramSize_;
  uint64_t window_;
  uint64_t slowStartThreshold_ = UINT64_MAX;
  BytesInFlight flight_;
  RecoveryPeriod recovery_;
  uint64_t ackedOfWindow_ = 0;         // in congestion avoidance, towards the next increase
  std::optional<Reduction> undoable_;  // the last one, when only losses caused it
};

}  // namespace quic
