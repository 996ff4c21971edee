#include "io/DeadlineTimer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "io/SystemClock.h"

namespace quic {

DeadlineTimer::~DeadlineTimer() {
  if (fd_ >= 0) close(fd_);
}

int DeadlineTimer::open() { return fd_ = timerfd_create(kSystemClock, TFD_NONBLOCK | TFD_CLOEXEC); }

void DeadlineTimer::onFired() {
  armed_.reset();
  uint64_t expirations = 0;
  // Nothing to do when it fails: the timer was set anew since it fired.
  if (fd_ >= 0 && read(fd_, &expirations, sizeof expirations) < 0) return;
}

void DeadlineTimer::arm(std::optional<TimePoint> deadline) {
  if (!deadline || (armed_ && *armed_ <= *deadline)) return;
  armed_ = deadline;
  set(*deadline);
}

void DeadlineTimer::set(TimePoint deadline) {
  const Duration sinceEpoch = std::max(deadline.time_since_epoch(), Duration(1));  // 0 would disarm
  if (fd_ >= 0) {
    itimerspec spec{};
    spec.it_value.tv_sec = sinceEpoch.count() / 1'000'000;
    spec.it_value.tv_nsec = sinceEpoch.count() % 1'000'000 * 1000;
    timerfd_settime(fd_, TFD_TIMER_ABSTIME, &spec, nullptr);
  } else if (fallback_ != nullptr) {
    const Duration left = std::max(deadline - systemNow(), Duration(0));
    uv_update_time(fallback_->loop);
    uv_timer_start(fallback_, onDue_, static_cast<uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count()),
                   0);
  }
}

}  // namespace quic
