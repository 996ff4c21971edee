// Copa, its default mode: Arun and Balakrishnan, "Copa: Practical Delay-Based Congestion Control for the Internet", NSDI
// 2018. It steers the window so that it leaves about 1/delta = 2 datagrams in the queue: the rate that it aims at is
// 1 / (delta * queueing delay), and the queueing delay is what round trips of the last half round trip have over the
// shortest of the last ten seconds. Section numbers are the paper's.
// It has no mode for competing with flows that fill the queue: beside those it gets little. The paper leaves losses to that
// mode; here a round trip that loses more than a tenth halves the window, as does a CE mark, so that a path whose queue is
// too short to be felt is not overrun.
// Invariant: the window is never below two datagrams.
#pragma once

#include <cstddef>
#include <optional>

#include "quic/congestion_control/BytesInFlight.h"
#include "quic/congestion_control/CongestionController.h"
#include "quic/congestion_control/RecoveryPeriod.h"
#include "quic/congestion_control/WindowBounds.h"
#include "quic/congestion_control/WindowedMin.h"

namespace quic {

class Copa final : public CongestionController {
 public:
  explicit Copa(size_t maxDatagramSize);

  void onPacketSent([[maybe_unused]] TimePoint now, uint64_t bytes) override { flight_.add(bytes); }
  void onAck(const CongestionAckEvent& event, const RttEstimator& rtt) override;
  void onLoss(const CongestionLossEvent& event) override;
  void onEcnCe(TimePoint now, TimePoint sentAt) override;
  void onSpuriousLoss(const CongestionSpuriousLossEvent& event) override;
  void onDiscarded(uint64_t bytes) override { flight_.remove(bytes); }
  void onMaxDatagramSize(size_t size) override;

  [[nodiscard]] uint64_t congestionWindow() const override { return window_; }
  [[nodiscard]] uint64_t bytesInFlight() const override { return flight_.count(); }
  [[nodiscard]] bool inSlowStart() const override { return isSlowStart_; }
  /// §2.1: twice the window in a round trip.
  [[nodiscard]] std::optional<uint64_t> pacingRate() const override;
  [[nodiscard]] std::string_view name() const override { return "copa"; }

  [[nodiscard]] uint64_t velocity() const { return velocity_; }

 private:
  enum class Direction : uint8_t { Up, Down };

  [[nodiscard]] Direction wanted() const;
  void beginRound(TimePoint now);
  void steer(uint64_t ackedBytes, bool mayGrow);
  void halve(TimePoint now);

  uint64_t maxDatagramSize_;
  uint64_t window_;
  double fraction_ = 0;  // of a byte, that the window is owed
  BytesInFlight flight_;
  RecoveryPeriod recovery_;
  std::optional<uint64_t> undoWindow_;  // before the last halving, when only losses caused it
  bool isSlowStart_ = true;
  bool isInitial_ = true;  // the window was never changed

  WindowedMin shortest_;
  WindowedMin recent_;
  Duration shortestRtt_{0};
  std::optional<Duration> standingRtt_;

  std::optional<TimePoint> roundBeganAt_;  // a round ends when a packet sent since then is acknowledged
  uint64_t windowAtRound_ = 0;
  uint64_t lostInRound_ = 0;
  Direction direction_ = Direction::Up;
  int roundsInDirection_ = 0;
  uint64_t velocity_ = 1;  // how many times 1/delta datagrams the window moves in a round trip
};

}  // namespace quic
