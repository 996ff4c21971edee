// BBR, version 2: draft-cardwell-iccrg-bbr-congestion-control-02. It paces at the rate that the path was seen to deliver,
// keeps about two bandwidth-delay products in flight, and looks now and then whether there is more (ProbeBw) and how long
// the round trip is without a queue (ProbeRtt). Losses only bound it. Bbr.cpp turns model and state into rate and window;
// BbrStates.cpp is the state machine.
// A path that never measured a rate, because no acknowledgment carried one, stays at the initial window.
// Differences from the draft, each where it is silent or contradicts itself: a CE mark counts as a round with losses and as
// too much while probing; the bandwidth filter advances once in a cycle; losses in Startup set inflight_hi too; a round, or a
// probe, has lost too much when chance does not explain it (BbrBounds::isTooMuch), else a path that loses half of what §3.1
// tolerates would be throttled by every second packet lost; recovery goes on while each of its round trips has new losses,
// and conserves packets in the first only; a window that was not used up does not grow (RFC 9002 §7.8); persistent congestion
// falls to two datagrams (RFC 9002 §7.6.2) and grows from there as after a retransmission timeout.
// Invariant: the window is never below two datagrams, and below four only after persistent congestion.
#pragma once

#include <cstddef>
#include <optional>

#include "quic/congestion_control/BbrBounds.h"
#include "quic/congestion_control/BbrModel.h"
#include "quic/congestion_control/BytesInFlight.h"
#include "quic/congestion_control/CongestionController.h"
#include "quic/congestion_control/RecoveryPeriod.h"

namespace quic {

class Bbr final : public CongestionController {
 public:
  enum class State : uint8_t { Startup, Drain, ProbeBwDown, ProbeBwCruise, ProbeBwRefill, ProbeBwUp, ProbeRtt };

  /// `seed` spreads the times of probing, so that flows do not probe together (§4.3.3.5).
  Bbr(size_t maxDatagramSize, uint64_t seed);

  void onPacketSent(TimePoint now, uint64_t bytes) override;
  void onAck(const CongestionAckEvent& event, const RttEstimator& rtt) override;
  void onPacketLost(const LossSample& sample) override;
  void onLoss(const CongestionLossEvent& event) override;
  void onEcnCe(TimePoint now, TimePoint sentAt) override;
  void onSpuriousLoss(const CongestionSpuriousLossEvent& event) override;
  void onAppLimited() override { hasRunDry_ = true; }
  void onDiscarded(uint64_t bytes) override { flight_.remove(bytes); }
  void onMaxDatagramSize(size_t size) override;

  [[nodiscard]] uint64_t congestionWindow() const override { return window_; }
  [[nodiscard]] uint64_t bytesInFlight() const override { return flight_.count(); }
  [[nodiscard]] bool inSlowStart() const override { return state_ == State::Startup; }
  [[nodiscard]] std::string_view stateName() const override {
    static constexpr std::string_view kNames[] = {"startup",         "drain",       "probe_bw_down", "probe_bw_cruise",
                                                  "probe_bw_refill", "probe_bw_up", "probe_rtt"};
    return kNames[static_cast<size_t>(state_)];
  }
  [[nodiscard]] std::optional<uint64_t> pacingRate() const override { return pacingRate_; }
  [[nodiscard]] std::string_view name() const override { return "bbr"; }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const BbrModel& model() const { return model_; }
  [[nodiscard]] const BbrBounds& bounds() const { return bounds_; }

 private:
  /// What an acknowledgment brings, as the steps of the draft want it.
  struct Ack {
    TimePoint now;
    uint64_t bytes = 0;
    Duration roundTrip{0};
    RateSample rate;
    bool isAppLimited = false;  // the rate is of the application
    bool hadRoom = false;       // the window was not used up (RFC 9002 §7.8)
  };
  struct Undo {
    uint64_t window = 0;
    BbrBounds bounds;
  };

  // ---- the state machine (BbrStates.cpp)
  void enterStartup();
  void checkStartupDone(const Ack& ack);
  void checkStartupFullBandwidth(const Ack& ack);
  void onPipeFilledByLoss();
  void checkDrain(TimePoint now);
  void startProbeBwDown(TimePoint now);
  void startProbeBwCruise();
  void startProbeBwRefill();
  void startProbeBwUp(TimePoint now);
  void updateProbeBw(const Ack& ack);
  void adaptUpperBounds(const Ack& ack);
  bool checkTimeToProbe(TimePoint now);
  [[nodiscard]] bool isTimeToCruise() const;
  void pickProbeWait();
  void onTooMuchInFlight(TimePoint now, uint64_t volume, bool isAppLimited);
  void checkProbeRtt(const Ack& ack);
  void handleProbeRtt(const Ack& ack);
  void checkProbeRttDone(TimePoint now);
  void setGains(State state, double pacing, double window);

  // ---- rate and window (Bbr.cpp)
  void updateModelAndState(const Ack& ack);
  void updateCongestionSignals();
  void setPacingRate(double gain);
  void setWindow(const Ack& ack);
  void boundWindow();
  void enterRecovery(TimePoint now);
  void onRecoveryRoundOver();
  void saveWindow();
  void restoreWindow() { window_ = std::max(window_, priorWindow_); }
  void restartFromIdle(TimePoint now);
  [[nodiscard]] uint64_t minPipe() const { return 4 * maxDatagramSize_; }  // §2.8
  [[nodiscard]] uint64_t bandwidth() const;
  [[nodiscard]] uint64_t sendQuantum() const;
  [[nodiscard]] uint64_t volume(uint64_t bytesPerSecond, double gain) const;
  [[nodiscard]] uint64_t withBudget(uint64_t volume) const;
  [[nodiscard]] uint64_t targetInFlight() const;
  [[nodiscard]] uint64_t probeRttWindow() const;
  [[nodiscard]] bool isInProbeBw() const;
  [[nodiscard]] bool isProbingBandwidth() const;
  [[nodiscard]] bool isWindowLimited() const { return isWindowFull_ || wasWindowFull_; }
  uint64_t nextRandom();

  uint64_t maxDatagramSize_;
  uint64_t randomState_;
  uint64_t window_;
  std::optional<uint64_t> pacingRate_;
  BytesInFlight flight_;
  BbrModel model_;
  BbrBounds bounds_;

  State state_ = State::Startup;
  double pacingGain_ = 0;
  double windowGain_ = 0;

  bool isPipeFilled_ = false;  // the available bandwidth was used in full at least once
  uint64_t fullBandwidth_ = 0;
  int fullBandwidthRounds_ = 0;

  TimePoint cycleAt_{};
  Duration probeWait_{0};
  uint64_t roundsSinceProbe_ = 0;
  bool isProbeUnanswered_ = false;  // nothing yet has shown that the last probe was too much
  bool isCycleEnding_ = false;      // the last of what was sent while probing is being acknowledged

  std::optional<TimePoint> probeRttDoneAt_;
  bool isProbeRttRoundDone_ = false;
  std::optional<uint64_t>
      probeRttSince_;  // what was sent before this was delivered is as if the application limited it

  RecoveryPeriod recovery_;          // the current round trip of loss recovery
  bool isRecovering_ = false;        // over one or more of them, as long as each has new losses
  bool isConserving_ = false;        // in the first of them: packet conservation (§4.6.4.4)
  uint64_t inFlightAtRecovery_ = 0;  // when that round trip began
  uint64_t lostInRecovery_ = 0;      // since then
  int lossRuns_ = 0;                 // since then: separate runs of lost packets
  std::optional<PacketNum> lastLost_;
  uint64_t lostInRound_ = 0;
  bool isMarkedInRound_ = false;  // by CE
  uint64_t newlyLost_ = 0;        // since the last acknowledgment
  uint64_t priorWindow_ = 0;
  std::optional<Undo> undo_;

  bool hasRunDry_ = false;      // the application had nothing to send since the last packet
  bool isIdleRestart_ = false;  // and nothing was in flight either
  bool isWindowFull_ = false;   // in this round
  bool wasWindowFull_ = false;  // in the last one
};

}  // namespace quic
