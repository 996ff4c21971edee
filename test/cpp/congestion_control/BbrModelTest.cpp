#include "quic/congestion_control/BbrModel.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

TimePoint at(int64_t milliseconds) { return TimePoint{std::chrono::milliseconds{milliseconds}}; }

RateSample sampleOf(uint64_t rate, uint64_t before, uint64_t inAll) {
  RateSample sample;
  sample.bytesPerSecond = rate;
  sample.delivered = inAll - before;
  sample.deliveredBefore = before;
  sample.deliveredInAll = inAll;
  return sample;
}

TEST(BbrModel, CountsARoundWhenSomethingSentInItIsAcknowledged) {
  BbrModel model;
  const struct {
    uint64_t before;
    uint64_t inAll;
    bool starts;
  } rows[] = {{0, 1000, true},    {0, 2000, false},    {500, 3000, false},
              {1000, 4000, true}, {3999, 5000, false}, {4000, 6000, true}};
  for (const auto& row : rows) {
    model.onSample(sampleOf(1, row.before, row.inAll), false);
    EXPECT_EQ(model.isRoundStart(), row.starts) << row.before;
    EXPECT_EQ(model.isLossRoundStart(), row.starts) << row.before;
  }
}

TEST(BbrModel, KeepsTheHighestRateOfTwoCycles) {
  BbrModel model;
  model.onSample(sampleOf(500, 0, 1), false);
  model.onSample(sampleOf(300, 0, 2), false);
  EXPECT_EQ(model.maxBandwidth(), 500u);
  model.advanceBandwidthFilter();
  model.onSample(sampleOf(400, 0, 3), false);
  EXPECT_EQ(model.maxBandwidth(), 500u) << "of the cycle before";
  model.advanceBandwidthFilter();
  EXPECT_EQ(model.maxBandwidth(), 400u);
  model.advanceBandwidthFilter();
  EXPECT_EQ(model.maxBandwidth(), 400u) << "a cycle without samples forgets nothing";
}

TEST(BbrModel, CountsALimitedRateOnlyWhenItIsTheHighest) {
  BbrModel model;
  model.onSample(sampleOf(500, 0, 1), false);
  model.advanceBandwidthFilter();
  model.onSample(sampleOf(400, 0, 2), true);
  model.advanceBandwidthFilter();
  EXPECT_EQ(model.maxBandwidth(), 500u);
  model.onSample(sampleOf(600, 0, 3), true);
  EXPECT_EQ(model.maxBandwidth(), 600u);
}

TEST(BbrModel, RemembersTheShortestRoundTripAndSaysWhenToLookAgain) {
  BbrModel model;
  EXPECT_EQ(model.minRtt(), std::nullopt);
  model.onRoundTrip(at(1000), 50ms);
  model.onRoundTrip(at(1100), 80ms);
  EXPECT_EQ(model.minRtt(), 50ms);
  EXPECT_FALSE(model.isProbeRttDue());
  model.onRoundTrip(at(6000), 70ms);
  EXPECT_FALSE(model.isProbeRttDue());
  model.onRoundTrip(at(6001), 70ms);
  EXPECT_TRUE(model.isProbeRttDue()) << "five seconds without one as short";
  EXPECT_EQ(model.minRtt(), 50ms) << "it still stands";
  model.onRoundTrip(at(6100), 60ms);
  EXPECT_FALSE(model.isProbeRttDue());
  model.onRoundTrip(at(11'002), 75ms);
  EXPECT_EQ(model.minRtt(), 60ms) << "ten seconds later what was found since takes its place";
}

TEST(BbrModel, MultipliesBandwidthAndRoundTrip) {
  BbrModel model;
  EXPECT_EQ(model.volume(1'000'000, 1), std::nullopt);
  model.onRoundTrip(at(0), 50ms);
  EXPECT_EQ(model.volume(1'000'000, 1), 50'000u);
  EXPECT_EQ(model.volume(1'000'000, 2), 100'000u);
  EXPECT_LE(*model.volume(UINT64_MAX, 2), uint64_t{1} << 40);
}

TEST(BbrModel, MeasuresInWhatLumpsAPathAcknowledges) {
  BbrModel model;
  uint64_t inAll = 0;
  for (int i = 0; i < 40; ++i) {  // 1 MB/s, in lumps of 20 kB every 20 ms
    inAll += 20'000;
    model.onSample(sampleOf(1'000'000, inAll - 20'000, inAll), false);
    model.onAggregation(at(20 * i), 20'000, 1'000'000, 1'000'000);
  }
  EXPECT_GE(model.extraAcked(), 19'000u);
  EXPECT_LE(model.extraAcked(), 21'000u);
  for (int i = 0; i < 400; ++i) {  // the same, evenly
    inAll += 1'000;
    model.onSample(sampleOf(1'000'000, inAll - 1'000, inAll), false);
    model.onAggregation(at(800 + i), 1'000, 1'000'000, 1'000'000);
  }
  EXPECT_LE(model.extraAcked(), 2'000u) << "ten rounds later it is forgotten";
}

TEST(BbrModel, NeverTakesAggregationForMoreThanTheWindow) {
  BbrModel model;
  model.onSample(sampleOf(1, 0, 1), false);
  model.onAggregation(at(0), 5'000'000, 1'000, 30'000);
  EXPECT_EQ(model.extraAcked(), 30'000u);
}

TEST(BbrModel, ForgetsTheSignalsOfARoundWhenTheNextHasBegun) {
  BbrModel model;
  const auto play = [&](uint64_t rate, uint64_t before, uint64_t inAll) {
    const RateSample sample = sampleOf(rate, before, inAll);
    model.onSample(sample, false);
    const uint64_t latest = model.latestBandwidth();
    model.finishSample(sample);
    return latest;
  };
  EXPECT_EQ(play(900, 0, 1000), 900u);
  EXPECT_EQ(play(500, 500, 2000), 900u);
  EXPECT_EQ(play(400, 1000, 3000), 900u) << "the round ends with this one";
  EXPECT_EQ(play(300, 2000, 4000), 400u) << "which begins the next";
}

}  // namespace
}  // namespace quic
