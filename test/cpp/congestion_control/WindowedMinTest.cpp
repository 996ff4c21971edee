#include "quic/congestion_control/WindowedMin.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

namespace quic {
namespace {

TEST(WindowedMin, IsTheLeastOfTheWindow) {
  std::mt19937_64 random(1);
  for (int run = 0; run < 50; ++run) {
    WindowedMin filter;
    std::deque<std::pair<TimePoint, Duration>> all;
    TimePoint now{1s};
    const Duration window{1 + static_cast<int64_t>(random() % 100'000)};
    for (int i = 0; i < 500; ++i) {
      now += Duration{static_cast<int64_t>(random() % 5'000)};
      const Duration value{static_cast<int64_t>(random() % 10'000)};
      all.emplace_back(now, value);
      while (all.front().first + window < now) all.pop_front();
      const Duration least =
          std::min_element(all.begin(), all.end(), [](auto& a, auto& b) { return a.second < b.second; })->second;
      const Duration told = filter.add(now, value, window);
      ASSERT_GE(told, least) << "never too low";
      // Random values leave few candidates, so none had to give way.
      ASSERT_EQ(told, least);
    }
  }
}

TEST(WindowedMin, StaysNearDuringALongRise) {
  WindowedMin filter;
  for (int i = 0; i < 1000; ++i) {
    const Duration told = filter.add(TimePoint{i * 1ms}, i * 1us, 100ms);
    EXPECT_LE(told, i * 1us);
    EXPECT_GE(told, std::max(i - 100, 0) * 1us);
  }
}

}  // namespace
}  // namespace quic
