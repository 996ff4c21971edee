// HyStart++: RFC 9406. Leaves the first slow start when round trips grow longer, before the queue overflows: first into
// Conservative Slow Start, and, unless the delay proves a passing one, out of slow start for good.
// It knows no window: it says by how much an acknowledgment may let one grow. The limit L of RFC 9406 §4.3 is infinite
// because every sender here is paced.
#pragma once

#include <cstdint>
#include <optional>

#include "quic/common/QuicClock.h"

namespace quic {

class HyStart {
 public:
  struct Ack {
    TimePoint now;
    TimePoint sentAt;  // of the largest newly acknowledged packet, whose round trip is the sample
    uint64_t bytes = 0;
  };
  enum class Phase : uint8_t { SlowStart, Conservative, Done };

  /// How many bytes the window may grow by. 0 once done.
  uint64_t onAck(const Ack& ack);
  [[nodiscard]] Phase phase() const { return phase_; }

 private:
  void beginRound(TimePoint now);
  void countSample(Duration rtt);

  Phase phase_ = Phase::SlowStart;
  std::optional<TimePoint> roundBeganAt_;  // a round ends when a packet sent since then is acknowledged
  std::optional<Duration> lastRoundMinRtt_;
  std::optional<Duration> currentRoundMinRtt_;
  Duration conservativeBaseline_{0};  // the least round trip of the round that led into Conservative Slow Start
  int samples_ = 0;                   // of the current round
  int conservativeRounds_ = 0;
};

}  // namespace quic
