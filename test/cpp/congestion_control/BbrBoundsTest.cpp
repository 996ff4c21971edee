#include "quic/congestion_control/BbrBounds.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

TEST(BbrBounds, DoNotBindUntilSomethingWasLost) {
  const BbrBounds bounds;
  EXPECT_EQ(bounds.bandwidthLo(), BbrBounds::kNone);
  EXPECT_EQ(bounds.inFlightLo(), BbrBounds::kNone);
  EXPECT_EQ(bounds.inFlightHi(), BbrBounds::kNone);
  EXPECT_EQ(bounds.inFlightWithHeadroom(), BbrBounds::kNone);
}

TEST(BbrBounds, FollowWhatIsDeliveredInLossyRoundsButNotByMoreThanBeta) {
  BbrBounds bounds;
  bounds.onLossyRound({.bandwidth = 950, .inFlight = 9'000, .maxBandwidth = 1'000, .window = 20'000});
  EXPECT_EQ(bounds.bandwidthLo(), 950u);
  EXPECT_EQ(bounds.inFlightLo(), 14'000u) << "0.7 of the window";
  bounds.onLossyRound({.bandwidth = 100, .inFlight = 13'000, .maxBandwidth = 1'000, .window = 14'000});
  EXPECT_EQ(bounds.bandwidthLo(), 665u) << "0.7 of 950";
  EXPECT_EQ(bounds.inFlightLo(), 13'000u);
  bounds.forgetShortTerm();
  EXPECT_EQ(bounds.bandwidthLo(), BbrBounds::kNone);
  EXPECT_EQ(bounds.inFlightLo(), BbrBounds::kNone);
}

TEST(BbrBounds, CallMoreThanTwoPercentTooMuchUnlessItMayBeChance) {
  const struct {
    uint64_t inFlight;  // datagrams
    uint64_t most;      // lost, that are not too much
  } rows[] = {{0, 2}, {4, 2}, {50, 2}, {100, 3}, {150, 4}, {1'000, 24}, {10'000, 214}, {1'000'000, 20'141}};
  for (const auto& row : rows) {
    EXPECT_FALSE(BbrBounds::isTooMuch(row.most * 1'200, row.inFlight * 1'200, 1'200)) << row.inFlight;
    EXPECT_TRUE(BbrBounds::isTooMuch((row.most + 1) * 1'200, row.inFlight * 1'200, 1'200)) << row.inFlight;
  }
}

TEST(BbrBounds, FindWhereWithinAPacketTheLossesBecameTooMany) {
  // 100 packets were in flight, two were lost before: at the start of the third it was 2 % of 99 and a bit more.
  const uint64_t volume = BbrBounds::volumeAtThreshold(100'000, 3'000, 1'000);
  EXPECT_LE(volume, 99'000u);
  EXPECT_GE(volume, 98'000u);
  EXPECT_EQ(BbrBounds::volumeAtThreshold(1'000, 1'000, 1'000), 0u) << "the first of all";
  EXPECT_EQ(BbrBounds::volumeAtThreshold(0, UINT64_MAX, UINT64_MAX), 0u);
}

TEST(BbrBounds, RiseOnlyOnceTheyAreSet) {
  BbrBounds bounds;
  bounds.raiseInFlightHi(50'000);
  bounds.steepenClimb(10'000, 1'000);
  bounds.climb(10'000);
  EXPECT_EQ(bounds.inFlightHi(), BbrBounds::kNone);
  bounds.setInFlightHi(40'000);
  EXPECT_EQ(bounds.inFlightWithHeadroom(), 34'000u);
  bounds.raiseInFlightHi(30'000);
  EXPECT_EQ(bounds.inFlightHi(), 40'000u);
  bounds.raiseInFlightHi(50'000);
  EXPECT_EQ(bounds.inFlightHi(), 50'000u);
}

TEST(BbrBounds, ClimbByTwiceAsManyDatagramsInEachRound) {
  BbrBounds bounds;
  bounds.setInFlightHi(100'000);
  bounds.startClimb();
  uint64_t expected = 100'000;
  for (const uint64_t datagrams : {1u, 2u, 4u, 8u, 16u}) {
    bounds.steepenClimb(100'000, 1'000);
    for (int i = 0; i < 100; ++i) bounds.climb(1'000);  // a window, packet by packet
    expected += datagrams * 1'000;
    EXPECT_NEAR(static_cast<double>(bounds.inFlightHi()), static_cast<double>(expected), 2) << datagrams;
  }
}

}  // namespace
}  // namespace quic
