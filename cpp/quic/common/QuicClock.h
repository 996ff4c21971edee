// Time as the core knows it: an argument. QuicClock has no now(), so that a call to it does not compile.
// io/ and the simulator are the two places that make a TimePoint.
#pragma once

#include <chrono>

namespace quic {

struct QuicClock {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<QuicClock, duration>;
  static constexpr bool is_steady = true;
};

using TimePoint = QuicClock::time_point;
using Duration = QuicClock::duration;

using namespace std::chrono_literals;

}  // namespace quic
