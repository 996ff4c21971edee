// One deadline of one loop, to the microsecond: a timerfd. Where there is none, libuv's timer, to the millisecond.
// A deadline that moves away costs no system call: the timer then fires once for nothing and is armed again.
#pragma once

#include <uv.h>

#include <optional>

#include "quic/common/QuicClock.h"

namespace quic {

class DeadlineTimer {
 public:
  DeadlineTimer() = default;
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;
  ~DeadlineTimer();

  /// -1: there is no timerfd, arm() uses `fallback`.
  int open();
  /// The fallback's handle and what it calls when due.
  void useFallback(uv_timer_t* fallback, uv_timer_cb onDue) {
    fallback_ = fallback;
    onDue_ = onDue;
  }
  void arm(std::optional<TimePoint> deadline);
  /// It fired: what was armed is not any more.
  void onFired();

 private:
  void set(TimePoint deadline);

  int fd_ = -1;
  uv_timer_t* fallback_ = nullptr;
  uv_timer_cb onDue_ = nullptr;
  std::optional<TimePoint> armed_;
};

}  // namespace quic
