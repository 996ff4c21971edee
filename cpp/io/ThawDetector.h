// Whether the process stood still, and for how long: a turn that comes much later than it was asked for, or a machine that slept
// (CLOCK_BOOTTIME ran on, CLOCK_MONOTONIC did not). It reads no clock. What it cannot see: a freeze that ended before anything
// was due; no timer is hurt by that one.
// A thread that was merely blocked for so long is the same thing: nothing could be done in that time.
#pragma once

#include <optional>

#include "quic/common/QuicClock.h"

namespace quic {

class ThawDetector {
 public:
  /// Less is a busy machine.
  static constexpr Duration kThreshold = 1s;
  /// A host that says it as well does so within this time, and means the same freeze.
  static constexpr Duration kSameThaw = 10s;

  /// A turn begins. `slept`: how far the one clock is ahead of the other. For how long nothing ran; mostly 0.
  Duration onTurn(TimePoint now, Duration slept);
  /// The turn is over; when the next one is asked for at the latest.
  void onWaiting(std::optional<TimePoint> deadline) { due_ = deadline; }
  /// The host says that it was frozen for so long: what of it was not noticed before.
  Duration onTold(TimePoint now, Duration frozenFor);

 private:
  std::optional<TimePoint> lastTurnAt_;
  std::optional<TimePoint> due_;
  Duration slept_{0};
  std::optional<TimePoint> noticedAt_;
  Duration noticed_{0};  // of the latest freeze
};

}  // namespace quic
