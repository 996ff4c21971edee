// What losses have taught BBR about a path: bounds on the rate and on the volume in flight (§4.3.3.6, §4.5.6).
// The long-term bound, inflightHi, is the most that was in flight without too many losses; it is lowered when probing loses
// too much, and raised, ever faster, while probing does not. The short-term bounds, bandwidthLo and inflightLo, follow what
// is delivered in rounds with losses between two probes, and are forgotten at the next. A bound not set does not bind.
// The draft also names a bw_hi, but no step of it ever sets one.
#pragma once

#include <algorithm>

#include "quic/congestion_control/WindowBounds.h"

namespace quic {

class BbrBounds {
 public:
  static constexpr uint64_t kNone = UINT64_MAX;
  static constexpr double kBeta = 0.7;            // §2.8: what losses take in a round at most
  static constexpr double kHeadroom = 0.85;       // §2.8: of inflightHi, while others may want the rest
  static constexpr double kLossThreshold = 0.02;  // §2.8: of what was in flight

  static constexpr uint64_t kFewLost = 3;  // datagrams

  struct Latest {
    uint64_t bandwidth = 0;  // of the last round
    uint64_t inFlight = 0;
    uint64_t maxBandwidth = 0;
    uint64_t window = 0;
  };
  /// A round with losses, while not probing (§4.5.6.3).
  void onLossyRound(const Latest& latest);
  void forgetShortTerm() { bandwidthLo_ = inFlightLo_ = kNone; }

  /// Whether so much was lost of what was in flight that chance does not explain it on a path that loses kLossThreshold:
  /// more than the datagrams expected there and their standard deviation, and no fewer than kFewLost.
  [[nodiscard]] static bool isTooMuch(uint64_t lost, uint64_t inFlightAtSend, uint64_t datagram);
  /// Where within a lost packet the losses became too many (§4.5.6.2).
  [[nodiscard]] static uint64_t volumeAtThreshold(uint64_t inFlightAtSend, uint64_t lost, uint64_t bytes);
  void setInFlightHi(uint64_t volume) { inFlightHi_ = std::min(volume, kMaxCongestionWindow); }
  void raiseInFlightHi(uint64_t volume) {
    if (inFlightHi_ != kNone && volume > inFlightHi_) setInFlightHi(volume);
  }
  /// Probing upward begins, or another round of it: the bound grows by twice as much in this round as in the last (§4.3.3.4).
  void startClimb() { climbRounds_ = 0; }
  void steepenClimb(uint64_t window, uint64_t datagram);
  /// While the whole bound is in use.
  void climb(uint64_t ackedBytes);

  [[nodiscard]] uint64_t bandwidthLo() const { return bandwidthLo_; }
  [[nodiscard]] uint64_t inFlightLo() const { return inFlightLo_; }
  [[nodiscard]] uint64_t inFlightHi() const { return inFlightHi_; }
  /// §4.6.1. The draft's pseudocode and its table disagree; the table says what §4.3.3.1 explains.
  [[nodiscard]] uint64_t inFlightWithHeadroom() const {
    if (inFlightHi_ == kNone) return kNone;
    return static_cast<uint64_t>(kHeadroom * static_cast<double>(inFlightHi_));
  }

 private:
  static constexpr uint64_t kMaxClimbRounds = 30;

  uint64_t bandwidthLo_ = kNone;
  uint64_t inFlightLo_ = kNone;
  uint64_t inFlightHi_ = kNone;
  uint64_t climbRounds_ = 0;
  double climbPerByte_ = 0;  // bytes of the bound for each byte acknowledged
  double climbed_ = 0;       // what has not made a whole byte yet
};

}  // namespace quic
