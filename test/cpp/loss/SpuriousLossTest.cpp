// Losses that were none: what LossRecovery says of them and learns from them. RFC 9002 §6.1, RFC 9000 §13.3.
#include <gtest/gtest.h>

#include "LossTesting.h"
#include "quic/loss/LossRecovery.h"

namespace quic {
namespace {

using testing::Ack;
using testing::at;
using testing::numbersOf;
using testing::packet;
using Numbers = std::vector<PacketNum>;

constexpr auto kApp = PacketNumberSpace::AppData;
constexpr PathId kPath{1};

class SpuriousLossTest : public ::testing::Test {
 protected:
  SpuriousLossTest() { rtt.onSample(80ms, 0us, 0us, TimePoint{}); }  // time threshold 90 ms
  void send(PacketNum first, PacketNum last, TimePoint when) {
    for (PacketNum number = first; number <= last; ++number) recovery.onPacketSent(kApp, packet(number, when, kPath));
  }
  std::optional<RttSample> ack(const Ack& ack, TimePoint now) {
    outcome.clear();
    const auto sample = recovery.onAckReceived(kApp, ack.frame(), now, outcome);
    EXPECT_TRUE(sample);
    recovery.detectLost(kApp, now, rtt, outcome);
    return sample ? *sample : std::nullopt;
  }
  [[nodiscard]] Duration timeThreshold() const { return recovery.reordering().delay(rtt); }

  LossRecovery recovery;
  RecoveryOutcome outcome;
  RttEstimator rtt;
};

// covers RFC 9000 §13.3
TEST_F(SpuriousLossTest, HandsOutAPacketThatIsAcknowledgedAfterItsLoss) {
  send(0, 4, at(0));
  ack(Ack(3, 4), at(1));
  ASSERT_EQ(numbersOf(outcome.lost), (Numbers{0, 1}));
  EXPECT_TRUE(outcome.late.empty());
  ack(Ack({{3, 4}, {0, 0}}), at(2));
  ASSERT_EQ(numbersOf(outcome.late), Numbers{0});
  EXPECT_EQ(outcome.late[0].cause, LossCause::PacketThreshold);
  EXPECT_EQ(outcome.late[0].lostAt, at(1));
  EXPECT_TRUE(outcome.acked.empty());
  ack(Ack({{3, 4}, {0, 0}}), at(3));
  EXPECT_TRUE(outcome.late.empty()) << "once";
}

TEST_F(SpuriousLossTest, ForgetsAPacketAfterThreeProbeTimeouts) {  // covers RFC 9000 §13.3
  for (const bool isTooLate : {false, true}) {
    recovery = LossRecovery{};
    send(0, 3, at(0));
    ack(Ack(3), at(1));
    ASSERT_EQ(numbersOf(outcome.lost), Numbers{0});
    const TimePoint end = at(1) + 3 * rtt.pto(kDefaultMaxAckDelay);
    ack(Ack({{3, 3}, {0, 0}}), isTooLate ? end : end - 1us);
    EXPECT_EQ(numbersOf(outcome.late), isTooLate ? Numbers{} : Numbers{0});
  }
}

TEST_F(SpuriousLossTest, KeepsNothingOfADiscardedSpace) {
  send(0, 3, at(0));
  ack(Ack(3), at(1));
  ASSERT_EQ(numbersOf(outcome.lost), Numbers{0});
  recovery.discardSpace(kApp, outcome);
  ack(Ack(0, 3), at(2));
  EXPECT_TRUE(outcome.late.empty());
}

// covers RFC 9002 §5.1
TEST_F(SpuriousLossTest, CountsALatePacketAsNewlyAcknowledgedForTheSample) {
  send(0, 3, at(0));
  recovery.onPacketSent(kApp, testing::ackOnly(4, at(5)));
  ack(Ack(3), at(10));
  ASSERT_EQ(numbersOf(outcome.lost), Numbers{0});
  const auto sample = ack(Ack({{3, 4}, {0, 0}}), at(105));
  ASSERT_TRUE(sample) << "4 is the largest and new, and 0 elicited";
  EXPECT_EQ(sample->latest, 100us);
}

// covers RFC 9002 §6.1.1
TEST_F(SpuriousLossTest, RaisesThePacketThresholdToWhatWouldHaveSufficed) {
  send(0, 20, at(0));
  ack(Ack(1, 3), at(1));
  ASSERT_EQ(numbersOf(outcome.lost), Numbers{0});
  ack(Ack(0, 7), at(2));
  EXPECT_EQ(recovery.reordering().packets(), 8u);
  EXPECT_EQ(timeThreshold(), 90ms) << "time was not what failed";
  ack(Ack({{9, 15}, {0, 7}}), at(3));
  EXPECT_TRUE(outcome.lost.empty()) << "seven packets behind";
  ack(Ack({{9, 16}, {0, 7}}), at(4));
  EXPECT_EQ(numbersOf(outcome.lost), Numbers{8});
}

TEST_F(SpuriousLossTest, DoesNotCountSkippedNumbersAsDistance) {  // covers RFC 9002 §6.1.1
  send(0, 3, at(0));
  send(10, 12, at(0));
  ack(Ack(3), at(1));
  ASSERT_EQ(numbersOf(outcome.lost), Numbers{0});
  ack(Ack({{10, 12}, {0, 3}}), at(2));
  EXPECT_EQ(recovery.reordering().packets(), 7u) << "1, 2, 3, 10, 11 and 12 came before it";
}

// covers RFC 9002 §6.1.2
TEST_F(SpuriousLossTest, RaisesTheTimeThresholdByAnEighthForEachLossByTimeThatWasNone) {
  Duration expected = 90ms;
  PacketNum next = 0;
  for (int i = 0; i < 20; ++i) {
    const TimePoint sentAt = at(1'000'000 * i);
    send(next, next + 1, sentAt);
    ack(Ack(next + 1), sentAt + expected - 1us);
    ASSERT_TRUE(outcome.lost.empty()) << i;
    const PtoContext context{.rtt = rtt, .handshakeConfirmed = true};
    ASSERT_EQ(recovery.nextTimeout(sentAt, context), sentAt + expected);
    recovery.onTimeout(sentAt + expected, context, outcome);
    ASSERT_EQ(numbersOf(outcome.lost), Numbers{next}) << i;
    ack(Ack(next, next + 1), sentAt + expected + 1us);
    ASSERT_EQ(numbersOf(outcome.late), Numbers{next});
    expected = std::min(expected + 10ms, Duration{160ms});
    ASSERT_EQ(timeThreshold(), expected) << "two round trips at the most";
    next += 2;
  }
  EXPECT_EQ(recovery.reordering().packets(), 3u) << "numbers were not what failed";
}

TEST_F(SpuriousLossTest, BoundsThePacketThreshold) {
  send(0, 1000, at(0));
  ack(Ack(1, 1000), at(1));
  ack(Ack(0, 1000), at(2));
  EXPECT_EQ(recovery.reordering().packets(), ReorderingTolerance::kMaxPackets);
  recovery.resetReordering();
  EXPECT_EQ(recovery.reordering().packets(), 3u);
}

TEST_F(SpuriousLossTest, MeasuresNoRoundTripAcrossAFreeze) {
  send(0, 3, at(0));
  recovery.onPacketSent(kApp, testing::ackOnly(4, at(0)));
  ack(Ack(3), at(1));
  recovery.onResumed(at(5'000'001), 5s);
  const auto sample = ack(Ack({{3, 4}, {0, 0}}), at(5'000'010));
  ASSERT_EQ(numbersOf(outcome.late), Numbers{0});
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->latest, 10us);
}

}  // namespace
}  // namespace quic
