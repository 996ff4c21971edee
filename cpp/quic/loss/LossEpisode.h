// The losses of one path behind one reduction of its window (RFC 9002 §7.3.2): losses of packets sent before the
// reduction belong to it, one of a packet sent later begins the next. When all of them have arrived after all, the
// reduction was for nothing. It knows times and counts only; what to do about it is the controller's.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "quic/common/QuicClock.h"

namespace quic {

class LossEpisode {
 public:
  /// `count` packets, of which the latest was sent at `largestSentAt`, were told to the controller as lost.
  void onLost(TimePoint now, TimePoint largestSentAt, uint64_t count) {
    if (!beganAt_ || largestSentAt > *beganAt_) {
      beganAt_ = now;
      missing_ = 0;
    }
    missing_ += count;
  }
  /// One that was declared lost at `lostAt` has arrived. When it was the last that was missing: when the window shrank.
  std::optional<TimePoint> onLate(TimePoint lostAt) {
    if (!beganAt_ || lostAt < *beganAt_ || --missing_ > 0) return std::nullopt;
    return std::exchange(beganAt_, std::nullopt);
  }

 private:
  std::optional<TimePoint> beganAt_;
  uint64_t missing_ = 0;
};

}  // namespace quic
