#include "quic/loss/RttEstimator.h"

#include <gtest/gtest.h>

#include <random>

namespace quic {
namespace {

constexpr Duration kUnlimited = Duration::max();

TEST(RttEstimator, StartsFromTheInitialRttSoThatTheFirstPtoIsOneSecond) {  // covers RFC 9002 §6.2.2
  const RttEstimator rtt;
  EXPECT_FALSE(rtt.hasSample());
  EXPECT_EQ(rtt.smoothed(), 333ms);
  EXPECT_EQ(rtt.variation(), 166500us);
  EXPECT_EQ(rtt.pto(0ms), 999ms);
}

TEST(RttEstimator, ForgetsTheInitialRttWithTheFirstSample) {  // covers RFC 9002 §5.2, §5.3
  RttEstimator rtt;
  rtt.onSample(100ms, 40ms, kUnlimited, TimePoint{7s});
  EXPECT_EQ(rtt.firstSampleAt(), TimePoint{7s});
  EXPECT_EQ(rtt.latest(), 100ms);
  EXPECT_EQ(rtt.min(), 100ms);
  EXPECT_EQ(rtt.smoothed(), 100ms) << "the delay of the first is not subtracted";
  EXPECT_EQ(rtt.variation(), 50ms);
}

struct Step {
  const char* what;
  Duration latest, ackDelay, maxAckDelay;
  Duration smoothed, variation, min;
};

TEST(RttEstimator, FollowsTheMovingAverages) {  // covers RFC 9002 §5.2, §5.3, §A.7
  const Step steps[] = {
      {"first", 80ms, 0ms, 25ms, 80ms, 40ms, 80ms},
      {"plain", 160ms, 0ms, 25ms, 90ms, 50ms, 80ms},
      {"delay subtracted", 100ms, 10ms, 25ms, 90ms, 37500us, 80ms},
      {"delay capped at max_ack_delay", 115ms, 1000ms, 25ms, 90ms, 28125us, 80ms},
      {"delay uncapped before confirmation", 1090ms, 1000ms, kUnlimited, 90ms, 21093us, 80ms},
      {"delay would go below the minimum: not subtracted", 90ms, 11ms, 25ms, 90ms, 15819us, 80ms},
      {"new minimum ignores the delay", 50ms, 25ms, 25ms, 85ms, 21864us, 50ms},
  };
  RttEstimator rtt;
  for (const Step& step : steps) {
    rtt.onSample(step.latest, step.ackDelay, step.maxAckDelay, TimePoint{1s});
    EXPECT_EQ(rtt.smoothed(), step.smoothed) << step.what;
    EXPECT_EQ(rtt.variation(), step.variation) << step.what;
    EXPECT_EQ(rtt.min(), step.min) << step.what;
    EXPECT_EQ(rtt.latest(), step.latest) << step.what;
  }
}

// covers RFC 9002 §5.3
TEST(RttEstimator, TellsASampleThatWasHeldBack) {
  RttEstimator rtt;
  EXPECT_FALSE(rtt.isHeldBack(100ms, 25ms)) << "a peer may mean this delay";
  EXPECT_TRUE(rtt.isHeldBack(100ms, 26ms)) << "nothing to compare with yet";
  rtt.onSample(40ms, 0ms, 25ms);
  EXPECT_FALSE(rtt.isHeldBack(1040ms, 1000ms));
  EXPECT_TRUE(rtt.isHeldBack(1040ms, 1001ms));
  EXPECT_TRUE(rtt.isHeldBack(1040ms, Duration::max()));
  EXPECT_FALSE(rtt.isHeldBack(41ms, 2ms)) << "below the minimum, but by no more than a clock may err";
}

TEST(RttEstimator, SubtractsADelayThatLeavesExactlyTheMinimum) {  // covers RFC 9002 §5.3
  RttEstimator rtt;
  rtt.onSample(80ms, 0ms, 25ms);
  rtt.onSample(100ms, 20ms, 25ms);
  EXPECT_EQ(rtt.smoothed(), 80ms);
}

TEST(RttEstimator, TakesTheNewestSampleAsMinimumAfterPersistentCongestion) {  // covers RFC 9002 §5.2
  RttEstimator rtt;
  rtt.onSample(10ms, 0ms, 25ms);
  rtt.onSample(90ms, 0ms, 25ms);
  rtt.onPersistentCongestion();
  EXPECT_EQ(rtt.min(), 90ms);
}

TEST(RttEstimator, KeepsTheTimerGranularityAsFloor) {  // covers RFC 9002 §6.1.2, §6.2.1
  RttEstimator rtt;
  rtt.onSample(40us, 0us, 25ms);
  EXPECT_EQ(rtt.lossDelay(), 1ms);
  EXPECT_EQ(rtt.pto(0ms), 1040us);
  EXPECT_EQ(rtt.pto(25ms), 26040us);
}

TEST(RttEstimator, WaitsNineEighthsOfTheLargerOfLatestAndSmoothed) {  // covers RFC 9002 §6.1.2
  RttEstimator rtt;
  rtt.onSample(80ms, 0ms, 25ms);
  EXPECT_EQ(rtt.lossDelay(), 90ms);
  rtt.onSample(160ms, 0ms, 25ms);
  EXPECT_EQ(rtt.lossDelay(), 180ms) << "latest is above smoothed";
  rtt.onSample(8ms, 0ms, 25ms);
  EXPECT_EQ(rtt.lossDelay(), rtt.smoothed() * 9 / 8) << "latest is below smoothed";
}

TEST(RttEstimator, StaysFiniteAndPositiveWhateverDelaysAreReported) {
  std::mt19937_64 random(1);
  const Duration delays[] = {Duration::max(), Duration::min(), Duration{-1}, 0us, 1us, 24h, Duration{int64_t{1} << 62}};
  RttEstimator rtt;
  for (int i = 0; i < 20000; ++i) {
    const Duration latest{static_cast<int64_t>(random() % 2'000'000) - 1000};
    rtt.onSample(latest, delays[random() % std::size(delays)], delays[random() % std::size(delays)]);
    ASSERT_GT(rtt.min(), 0us);
    ASSERT_GE(rtt.smoothed(), rtt.min()) << "RFC 9002 §5.3: never below the minimum";
    ASSERT_LE(rtt.smoothed(), 2s);
    ASSERT_GE(rtt.variation(), 0us);
    ASSERT_GE(rtt.pto(Duration::max()), kTimerGranularity);
    ASSERT_LE(rtt.pto(Duration::max()), 1min);
  }
}

}  // namespace
}  // namespace quic
