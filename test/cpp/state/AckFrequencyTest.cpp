#include "quic/state/AckFrequency.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

constexpr uint64_t kReordering = 3;

RttEstimator rttOf(Duration rtt) {
  RttEstimator estimator;
  estimator.onSample(rtt, 0us, 0us, TimePoint{});
  return estimator;
}

struct AckFrequencyTest : ::testing::Test {
  AckFrequencyTest() { frequency.enable(1ms, 25ms); }
  AckFrequency frequency;
  RttEstimator rtt = rttOf(40ms);
};

TEST_F(AckFrequencyTest, AsksNothingOfAPeerThatDoesNotOfferIt) {
  AckFrequency off;
  off.onAck(10'000, rtt, kReordering);
  off.onPathChanged();
  EXPECT_FALSE(off.isDue());
  EXPECT_EQ(off.maxAckDelay(25ms), 25ms);
}

TEST_F(AckFrequencyTest, AsksForFewerAcknowledgmentsWhenTheWindowIsLarge) {
  frequency.onAck(10, rtt, kReordering);
  EXPECT_FALSE(frequency.isDue()) << "the default is what a small window wants";
  frequency.onAck(10'000, RttEstimator{}, kReordering);
  EXPECT_FALSE(frequency.isDue()) << "not before the path is known";
  frequency.onAck(80, rtt, kReordering);
  ASSERT_TRUE(frequency.isDue());
  EXPECT_EQ(frequency.frame(), (AckFrequencyFrame{0, 5, 10'000, 3}));
}

struct WantedRow {
  uint64_t window;
  Duration rtt;
  AckFrequencyFrame frame;
};

TEST_F(AckFrequencyTest, KeepsToTheBoundsOfTheDraftAndOfThePeer) {
  const WantedRow rows[] = {
      {32, 40ms, {0, 2, 10'000, 3}},
      {1'000'000, 40ms, {0, 10, 10'000, 3}},
      {100, 1s, {0, 6, 25'000, 3}},
      {100, 40us, {0, 6, 1'000, 3}},
  };
  for (const WantedRow& row : rows) {
    AckFrequency fresh;
    fresh.enable(500us, 25ms);
    fresh.onAck(row.window, rttOf(row.rtt), kReordering);
    ASSERT_TRUE(fresh.isDue());
    EXPECT_EQ(fresh.frame(), row.frame) << row.window;
  }
  AckFrequency slow;
  slow.enable(20ms, 25ms);
  slow.onAck(100, rtt, kReordering);
  EXPECT_EQ(slow.frame().maxAckDelay, 20'000u) << "not below min_ack_delay";
}

TEST_F(AckFrequencyTest, AsksAgainOnlyForWhatIsWorthAFrame) {
  frequency.onAck(80, rtt, kReordering);
  const SentAckFrequency first = frequency.onWritten();
  EXPECT_EQ(first.sequence, 0u);
  frequency.onAck(1000, rtt, kReordering);
  EXPECT_FALSE(frequency.isDue()) << "one at a time";
  frequency.onAcked(first);
  frequency.onAck(100, rtt, kReordering);
  EXPECT_FALSE(frequency.isDue()) << "6 is not twice 5";
  frequency.onAck(160, rtt, kReordering);
  ASSERT_TRUE(frequency.isDue());
  EXPECT_EQ(frequency.frame(), (AckFrequencyFrame{1, 10, 10'000, 3}));
  frequency.onAcked(frequency.onWritten());
  frequency.onAck(20, rtt, kReordering);
  EXPECT_EQ(frequency.frame().elicitingThreshold, 1u) << "a window that shrank wants to hear more";
  frequency.onAcked(frequency.onWritten());
  frequency.onAck(20, rtt, 8);
  EXPECT_TRUE(frequency.isDue()) << "another tolerance of reordering";
}

TEST_F(AckFrequencyTest, SaysWhatWasLostAgainUnderAHigherNumber) {
  frequency.onAck(80, rtt, kReordering);
  const SentAckFrequency first = frequency.onWritten();
  frequency.onLost(first);
  ASSERT_TRUE(frequency.isDue());
  EXPECT_EQ(frequency.frame(), (AckFrequencyFrame{1, 5, 10'000, 3}));
  const SentAckFrequency second = frequency.onWritten();
  frequency.onLost(first);
  EXPECT_FALSE(frequency.isDue()) << "a newer one is on its way";
  frequency.onAcked(second);
  EXPECT_FALSE(frequency.isDue());
}

TEST_F(AckFrequencyTest, SaysNothingAgainWhenTheLossWasNone) {
  frequency.onAck(80, rtt, kReordering);
  const SentAckFrequency first = frequency.onWritten();
  frequency.onLost(first);
  frequency.onAcked(first);
  EXPECT_FALSE(frequency.isDue());
}

// draft-ietf-quic-ack-frequency §7
TEST_F(AckFrequencyTest, TimersCountWithTheLongestDelayThatMayBeInForce) {
  EXPECT_EQ(frequency.maxAckDelay(25ms), 25ms);
  frequency.onAck(80, rtt, kReordering);
  const SentAckFrequency first = frequency.onWritten();
  EXPECT_EQ(frequency.maxAckDelay(25ms), 25ms) << "the peer may not have heard it";
  frequency.onAcked(first);
  EXPECT_EQ(frequency.maxAckDelay(25ms), 10ms);
  frequency.onAck(80, rttOf(100ms), kReordering);
  ASSERT_TRUE(frequency.isDue());
  const SentAckFrequency second = frequency.onWritten();
  EXPECT_EQ(frequency.maxAckDelay(25ms), 25ms) << "the peer may have heard it";
  frequency.onLost(second);
  EXPECT_EQ(frequency.maxAckDelay(25ms), 25ms);
}

TEST_F(AckFrequencyTest, BeginsAnewOnAnotherPath) {
  frequency.onPathChanged();
  EXPECT_FALSE(frequency.isDue()) << "nothing was asked";
  frequency.onAck(160, rtt, kReordering);
  const SentAckFrequency first = frequency.onWritten();
  frequency.onPathChanged();
  ASSERT_TRUE(frequency.isDue());
  EXPECT_EQ(frequency.frame(), (AckFrequencyFrame{1, 1, 25'000, 1})) << "what holds without a request";
  frequency.onAcked(first);
  EXPECT_TRUE(frequency.isDue());
}

}  // namespace
}  // namespace quic
