// The one place that reads the time. One read a turn: everything a turn does happens at the same instant.
// CLOCK_BOOTTIME goes on while the machine sleeps, as the peer's clock does. What a freeze means for connections is said by
// ThawDetector and onResumed(): they are not idle while nobody could run.
#pragma once

#include <time.h>

#include "quic/common/QuicClock.h"

namespace quic {

inline constexpr clockid_t kSystemClock = CLOCK_BOOTTIME;

inline TimePoint systemNow() {
  timespec now{};
  clock_gettime(kSystemClock, &now);
  return TimePoint(std::chrono::seconds(now.tv_sec) + std::chrono::microseconds(now.tv_nsec / 1000));
}

/// How long the machine has slept since it was started.
inline Duration systemSlept() {
  timespec awake{};
  clock_gettime(CLOCK_MONOTONIC, &awake);
  return systemNow().time_since_epoch() -
         (std::chrono::seconds(awake.tv_sec) + std::chrono::microseconds(awake.tv_nsec / 1000));
}

/// What to add to systemNow() for the time of day, which may jump: for what outlives the process.
inline Duration unixOffset() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::microseconds(now.tv_nsec / 1000) -
         systemNow().time_since_epoch();
}

}  // namespace quic
