// What the kernel was asked for, not how late a loaded machine wakes.
#include "io/DeadlineTimer.h"

#include <gtest/gtest.h>
#include <sys/timerfd.h>

#include "io/SystemClock.h"

namespace quic {
namespace {

/// What remained was true at one moment between the two readings of the clock.
void expectArmedFor(int fd, TimePoint deadline) {
  itimerspec spec{};
  const TimePoint before = systemNow();
  ASSERT_EQ(timerfd_gettime(fd, &spec), 0);
  const TimePoint after = systemNow();
  const Duration remaining = std::chrono::seconds(spec.it_value.tv_sec) + Duration(spec.it_value.tv_nsec / 1000);
  EXPECT_GE(deadline - remaining, before - 1us);
  EXPECT_LE(deadline - remaining, after + 1us);
}

TEST(DeadlineTimer, HoldsADeadlineToTheMicrosecond) {
  for (const Duration ahead : {Duration(10s + 1us), Duration(10s + 137us), Duration(10s + 999us), Duration(3600s)}) {
    DeadlineTimer timer;
    const int fd = timer.open();
    ASSERT_GE(fd, 0);
    const TimePoint deadline = systemNow() + ahead;
    timer.arm(deadline);
    expectArmedFor(fd, deadline);
  }
}

TEST(DeadlineTimer, BringsADeadlineForwardByLessThanAMillisecondAndNeverPutsItOff) {
  DeadlineTimer timer;
  const int fd = timer.open();
  ASSERT_GE(fd, 0);
  const TimePoint deadline = systemNow() + 10s;
  timer.arm(deadline);
  timer.arm(deadline - 300us);
  expectArmedFor(fd, deadline - 300us);
  timer.arm(deadline + 1h);
  timer.arm(std::nullopt);
  expectArmedFor(fd, deadline - 300us);
  timer.onFired();
  timer.arm(deadline + 1h);
  expectArmedFor(fd, deadline + 1h);
}

}  // namespace
}  // namespace quic
