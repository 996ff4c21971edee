#include "quic/congestion_control/HyStart.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

/// Rounds of packets, each acknowledged a given time after it was sent. Returns the bytes that a window may grow by.
class Rounds {
 public:
  uint64_t play(Duration rtt, int packets = 10) {
    const TimePoint sentAt = now_;
    now_ += rtt;
    uint64_t growth = 0;
    for (int i = 0; i < packets; ++i) growth += hyStart.onAck({now_, sentAt, 1000});
    return growth;
  }
  HyStart hyStart;

 private:
  TimePoint now_{1s};
};

TEST(HyStart, LetsTheWindowGrowByAllThatIsAcknowledgedWhileTheDelayStays) {
  Rounds rounds;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(rounds.play(100ms), 10'000u);
  EXPECT_EQ(rounds.hyStart.phase(), HyStart::Phase::SlowStart);
}

struct ThresholdRow {
  Duration before;
  Duration after;
  bool leaves;
};

TEST(HyStart, LeavesSlowStartWhenARoundIsSlowerByAnEighthButAtLeastFourAndAtMostSixteenMilliseconds) {  // RFC 9406 §4.2
  const ThresholdRow rows[] = {
      {10ms, 13'999us, false},   {10ms, 14ms, true},    // 4 ms are the least
      {80ms, 89'999us, false},   {80ms, 90ms, true},    // an eighth
      {400ms, 415'999us, false}, {400ms, 416ms, true},  // 16 ms are the most
      {10ms, 5ms, false},
  };
  for (const ThresholdRow& row : rows) {
    Rounds rounds;
    rounds.play(row.before);
    rounds.play(row.after);
    EXPECT_EQ(rounds.hyStart.phase() == HyStart::Phase::Conservative, row.leaves)
        << row.before.count() << " us, then " << row.after.count() << " us";
  }
}

TEST(HyStart, WantsEightSamplesOfARound) {
  Rounds rounds;
  rounds.play(100ms, 8);
  rounds.play(200ms, 7);
  EXPECT_EQ(rounds.hyStart.phase(), HyStart::Phase::SlowStart);
  Rounds enough;
  enough.play(100ms, 8);
  enough.play(200ms, 8);
  EXPECT_EQ(enough.hyStart.phase(), HyStart::Phase::Conservative);
}

TEST(HyStart, GrowsByAQuarterForFiveRoundsAndIsDone) {
  Rounds rounds;
  rounds.play(100ms);
  EXPECT_EQ(rounds.play(200ms), 8 * 1000u + 2 * 250u) << "the round in which it changes counts as the first";
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(rounds.hyStart.phase(), HyStart::Phase::Conservative) << i;
    EXPECT_EQ(rounds.play(200ms), 2'500u) << i;
  }
  rounds.play(200ms, 1);
  EXPECT_EQ(rounds.hyStart.phase(), HyStart::Phase::Done);
  EXPECT_EQ(rounds.play(50ms), 0u) << "for good";
  EXPECT_EQ(rounds.hyStart.phase(), HyStart::Phase::Done);
}

TEST(HyStart, ResumesSlowStartWhenTheDelayWasPassing) {
  Rounds rounds;
  rounds.play(100ms);
  rounds.play(200ms);
  ASSERT_EQ(rounds.hyStart.phase(), HyStart::Phase::Conservative);
  rounds.play(199ms, 7);
  EXPECT_EQ(rounds.hyStart.phase(), HyStart::Phase::Conservative) << "seven samples are not enough";
  rounds.play(199ms, 8);
  EXPECT_EQ(rounds.hyStart.phase(), HyStart::Phase::SlowStart);
  EXPECT_EQ(rounds.play(199ms), 10'000u);
  rounds.play(300ms);
  EXPECT_EQ(rounds.hyStart.phase(), HyStart::Phase::Conservative) << "and it watches again";
}

}  // namespace
}  // namespace quic
