// Acknowledgments, loss by threshold, discarded spaces and paths, persistent congestion. Timers: LossRecoveryPtoTest.
#include "quic/loss/LossRecovery.h"

#include <gtest/gtest.h>

#include "LossTesting.h"

namespace quic {
namespace {

using testing::Ack;
using testing::ackOnly;
using testing::at;
using testing::numbersOf;
using testing::packet;
using Numbers = std::vector<PacketNum>;

constexpr auto kApp = PacketNumberSpace::AppData;
constexpr PathId kPath{1};
constexpr PathId kOtherPath{2};

RttEstimator rttOf(Duration rtt) {
  RttEstimator estimator;
  estimator.onSample(rtt, 0us, 0us, TimePoint{});
  return estimator;
}

class LossRecoveryTest : public ::testing::Test {
 protected:
  void send(PacketNum first, PacketNum last, TimePoint when, PathId path = kPath) {
    for (PacketNum number = first; number <= last; ++number) recovery.onPacketSent(kApp, packet(number, when, path));
  }
  std::optional<RttSample> ack(const Ack& ack, TimePoint now) {
    outcome.clear();
    const auto sample = recovery.onAckReceived(kApp, ack.frame(), now, outcome);
    EXPECT_TRUE(sample);
    return sample ? *sample : std::nullopt;
  }
  void expectViolation(const Ack& ack) {
    const auto result = recovery.onAckReceived(kApp, ack.frame(), at(0), outcome);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, QuicErrorCode{TransportErrorCode::PROTOCOL_VIOLATION});
    EXPECT_EQ(result.error().frameType, 2u);
  }

  [[nodiscard]] Numbers unacked(PacketNumberSpace space) const {
    Numbers numbers;
    recovery.forEachUnacked(space, [&](const SentPacket& packet) {
      numbers.push_back(packet.number);
      return true;
    });
    return numbers;
  }

  LossRecovery recovery;
  RecoveryOutcome outcome;
  RttEstimator rtt = rttOf(80ms);
};

TEST_F(LossRecoveryTest, HandsOutEachAcknowledgedPacketOnceAscending) {
  send(0, 9, at(0));
  ack(Ack({{8, 8}, {4, 6}, {0, 1}}), at(10));
  EXPECT_EQ(numbersOf(outcome.acked), (Numbers{0, 1, 4, 5, 6, 8}));
  EXPECT_FALSE(ack(Ack({{8, 8}, {4, 6}, {0, 1}}), at(11)));
  EXPECT_TRUE(outcome.acked.empty()) << "a duplicate brings nothing";
  EXPECT_FALSE(ack(Ack(0, 5), at(12))) << "an older one that comes late is no sample";
  EXPECT_EQ(numbersOf(outcome.acked), (Numbers{2, 3}));
  EXPECT_EQ(recovery.largestAcked(kApp), 8u);
}

TEST_F(LossRecoveryTest, TakesManySmallRangesInOneFrame) {
  send(0, 599, at(0));
  std::set<PacketNum> odd;
  for (PacketNum number = 1; number < 600; number += 2) odd.insert(number);
  const Ack everySecond(Ack::rangesOf(odd));
  ack(everySecond, at(10));
  EXPECT_EQ(numbersOf(outcome.acked), Numbers(odd.begin(), odd.end()));
  recovery.detectLost(kApp, at(10), rtt, outcome);
  EXPECT_EQ(outcome.lost.size(), 299u) << "all but 598";
}

// row X24. covers RFC 9000 §13.2.3
TEST_F(LossRecoveryTest, BearsTenThousandRangesAgainAndAgain) {
  send(0, 19'999, at(0));
  std::set<PacketNum> odd;
  for (PacketNum number = 1; number < 20'000; number += 2) odd.insert(number);
  const Ack everySecond(Ack::rangesOf(odd));
  ack(everySecond, at(10));
  EXPECT_EQ(outcome.acked.size(), 10'000u);
  for (int i = 0; i < 100; ++i) {
    ack(everySecond, at(11));
    ASSERT_TRUE(outcome.acked.empty());
  }
}

TEST_F(LossRecoveryTest, AcceptsRangesOfAnyLengthAtTheCostOfWhatWasSent) {
  constexpr PacketNum kFar = PacketNum{1} << 61;
  recovery.onPacketSent(kApp, packet(kFar, at(0)));
  recovery.onPacketSent(kApp, packet(kFar + 1, at(0)));
  ack(Ack(0, kFar), at(5));
  EXPECT_EQ(numbersOf(outcome.acked), Numbers{kFar});
}

TEST_F(LossRecoveryTest, RefusesAnAcknowledgmentOfANumberNeverSent) {  // covers RFC 9000 §13.1
  expectViolation(Ack(0));
  send(0, 3, at(0));
  expectViolation(Ack(4));
  expectViolation(Ack(0, 4));
  expectViolation(Ack(kMaxVarint));
  EXPECT_TRUE(recovery.onAckReceived(kApp, Ack(3).frame(), at(1), outcome));
}

TEST_F(LossRecoveryTest, RefusesAnAcknowledgmentInASpaceInWhichNothingWasSent) {  // covers RFC 9000 §13.1
  send(0, 3, at(0));
  EXPECT_FALSE(recovery.onAckReceived(PacketNumberSpace::Initial, Ack(0).frame(), at(1), outcome));
}

TEST_F(LossRecoveryTest, CatchesOptimisticAcknowledgmentOfASkippedNumber) {  // covers RFC 9000 §21.4
  send(0, 3, at(0));
  send(5, 9, at(0));
  expectViolation(Ack(2, 7));
  expectViolation(Ack(4));
  ack(Ack({{5, 9}, {0, 3}}), at(10));
  EXPECT_EQ(outcome.acked.size(), 9u);
}

TEST_F(LossRecoveryTest, RemembersOnlyTheNewestSkipsSoThatTheyTakeNoRoom) {
  for (PacketNum number = 0; number < 1000; number += 2) send(number, number, at(0));
  expectViolation(Ack(990, 998));
  ack(Ack(0, 10), at(1));  // forgotten, and harmless: nothing is kept under these numbers
  EXPECT_EQ(outcome.acked.size(), 6u);
}

TEST_F(LossRecoveryTest, SamplesTheRttOfTheLargestWhenItIsNewAndSomethingElicited) {  // covers RFC 9002 §5.1
  send(0, 0, at(100), kOtherPath);
  send(1, 1, at(300));
  recovery.onPacketSent(kApp, ackOnly(2, at(400)));
  recovery.onPacketSent(kApp, ackOnly(3, at(500)));
  const auto sample = ack(Ack(1, 2), at(1000));
  ASSERT_TRUE(sample) << "the largest itself need not have elicited";
  EXPECT_EQ(sample->latest, 600us);
  EXPECT_FALSE(ack(Ack(3), at(1100))) << "nothing new elicited";
  EXPECT_FALSE(ack(Ack({{3, 3}, {0, 0}}), at(1200))) << "the largest is not new";
  EXPECT_EQ(numbersOf(outcome.acked), Numbers{0});
}

TEST_F(LossRecoveryTest, NamesThePathOfTheSample) {  // covers RFC 9000 §9.4
  send(0, 0, at(100), kPath);
  send(1, 1, at(300), kOtherPath);
  const auto sample = ack(Ack(0, 1), at(1000));
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->path, kOtherPath);
  EXPECT_EQ(sample->latest, 700us);
}

TEST_F(LossRecoveryTest, LosesByPacketThreshold) {  // covers RFC 9002 §6.1.1
  send(0, 9, at(0));
  ack(Ack(2), at(1));
  recovery.detectLost(kApp, at(1), rtt, outcome);
  EXPECT_TRUE(outcome.lost.empty()) << "two packets of reordering are tolerated";
  ack(Ack(3), at(2));
  recovery.detectLost(kApp, at(2), rtt, outcome);
  EXPECT_EQ(numbersOf(outcome.lost), Numbers{0});
  ack(Ack(9), at(3));
  recovery.detectLost(kApp, at(3), rtt, outcome);
  EXPECT_EQ(numbersOf(outcome.lost), (Numbers{1, 4, 5, 6}));
  EXPECT_EQ(numbersOf(outcome.acked), Numbers{9});
}

TEST_F(LossRecoveryTest, DoesNotCountSkippedNumbersAsPackets) {  // covers RFC 9002 §6.1.1
  send(0, 0, at(0));
  send(5, 8, at(0));
  ack(Ack(6), at(1));
  recovery.detectLost(kApp, at(1), rtt, outcome);
  EXPECT_TRUE(outcome.lost.empty()) << "6 is the second packet after 0";
  ack(Ack(7), at(2));
  recovery.detectLost(kApp, at(2), rtt, outcome);
  EXPECT_EQ(numbersOf(outcome.lost), Numbers{0});
}

TEST_F(LossRecoveryTest, LosesByTimeThresholdAtTheMicrosecond) {  // covers RFC 9002 §6.1.2
  send(0, 0, at(0));
  send(1, 1, at(5));
  ack(Ack(1), at(80000));
  recovery.detectLost(kApp, at(89999), rtt, outcome);
  EXPECT_TRUE(outcome.lost.empty());
  const PtoContext context{.rtt = rtt, .handshakeConfirmed = true};
  EXPECT_EQ(recovery.nextTimeout(at(89999), context), at(90000)) << "9/8 of 80 ms";
  recovery.detectLost(kApp, at(90000), rtt, outcome);
  EXPECT_EQ(numbersOf(outcome.lost), Numbers{0});
  EXPECT_EQ(recovery.nextTimeout(at(90000), context), std::nullopt);
}

TEST_F(LossRecoveryTest, LosesNothingSentAfterTheLargestAcknowledged) {  // covers RFC 9002 §6.1
  send(0, 5, at(0));
  ack(Ack(0, 1), at(1));
  recovery.detectLost(kApp, at(1'000'000'000), rtt, outcome);
  EXPECT_TRUE(outcome.lost.empty());
}

TEST_F(LossRecoveryTest, ForgetsUnacknowledgedPacketsOfOnlyAcksWithoutCallingThemLost) {  // covers RFC 9002 §6.1
  recovery.onPacketSent(kApp, ackOnly(0, at(0)));
  send(1, 3, at(0));
  ack(Ack(2, 3), at(1));
  recovery.detectLost(kApp, at(1), rtt, outcome);
  EXPECT_TRUE(outcome.lost.empty());
  ack(Ack(0, 3), at(2));
  EXPECT_EQ(numbersOf(outcome.acked), Numbers{1});
}

TEST_F(LossRecoveryTest, KeepsSpacesApart) {  // covers RFC 9002 §6.1
  for (PacketNum number = 0; number < 5; ++number) {
    recovery.onPacketSent(PacketNumberSpace::Initial, packet(number, at(0)));
    recovery.onPacketSent(kApp, packet(number, at(0)));
  }
  ack(Ack(4), at(1));
  recovery.detectLost(kApp, at(1), rtt, outcome);
  recovery.detectLost(PacketNumberSpace::Initial, at(1), rtt, outcome);
  EXPECT_EQ(numbersOf(outcome.lost), (Numbers{0, 1}));
  EXPECT_EQ(unacked(PacketNumberSpace::Initial), (Numbers{0, 1, 2, 3, 4}));
  EXPECT_EQ(unacked(kApp), (Numbers{2, 3}));
  EXPECT_EQ(unacked(PacketNumberSpace::Handshake), Numbers{});
}

TEST_F(LossRecoveryTest, HandsOutTheFlightOfADiscardedSpace) {  // covers RFC 9002 §6.4
  recovery.onPacketSent(PacketNumberSpace::Initial, packet(0, at(0)));
  recovery.onPacketSent(PacketNumberSpace::Initial, ackOnly(1, at(0)));
  recovery.onPacketSent(PacketNumberSpace::Handshake, packet(0, at(0)));
  recovery.discardSpace(PacketNumberSpace::Initial, outcome);
  EXPECT_EQ(numbersOf(outcome.lost), Numbers{0});
  EXPECT_FALSE(recovery.hasAckElicitingInFlight(PacketNumberSpace::Initial));
  EXPECT_TRUE(recovery.hasAckElicitingInFlight());
}

TEST_F(LossRecoveryTest, HandsOutTheFlightOfAnAbandonedPathAndWhatOfItIsLate) {
  send(0, 4, at(0), kPath);
  recovery.onPacketSent(kApp, ackOnly(5, at(0)));
  send(6, 8, at(10), kOtherPath);
  recovery.abandonPath(kPath, at(0), rtt, outcome);
  EXPECT_EQ(numbersOf(outcome.lost), (Numbers{0, 1, 2, 3, 4}));
  EXPECT_FALSE(ack(Ack(0, 3), at(20))) << "no sample: that path is no more";
  EXPECT_TRUE(outcome.acked.empty());
  EXPECT_EQ(numbersOf(outcome.late), (Numbers{0, 1, 2, 3}));
  for (const LostPacket& late : outcome.late) EXPECT_EQ(late.cause, LossCause::Abandoned);
  const auto sample = ack(Ack(0, 8), at(30));
  EXPECT_EQ(numbersOf(outcome.acked), (Numbers{5, 6, 7, 8}));
  EXPECT_EQ(numbersOf(outcome.late), Numbers{4});
  EXPECT_EQ(recovery.reordering().packets(), 3u) << "nothing is learned about reordering";
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->path, kOtherPath);
  recovery.detectLost(kApp, at(30), rtt, outcome);
  EXPECT_TRUE(outcome.lost.empty());
}

TEST_F(LossRecoveryTest, DisarmsTheLossTimerThatOnlyAnAbandonedPathHad) {
  send(0, 1, at(0), kPath);
  ack(Ack(1), at(1000));
  recovery.detectLost(kApp, at(1000), rtt, outcome);
  const PtoContext context{.rtt = rtt, .handshakeConfirmed = true};
  ASSERT_TRUE(recovery.nextTimeout(at(1000), context));
  recovery.abandonPath(kPath, at(0), rtt, outcome);
  EXPECT_EQ(recovery.nextTimeout(at(1000), context), std::nullopt);
}

// ---- persistent congestion

class PersistentCongestionTest : public LossRecoveryTest {
 protected:
  /// Loses what is unacknowledged and tells whether that is persistent congestion. `maxAckDelay` makes the PTO 2 s.
  bool loseBy(PacketNum acked, TimePoint now) {
    ack(Ack(acked), now);
    recovery.detectLost(kApp, now, rtt, outcome);
    return LossRecovery::isPersistentCongestion(outcome.lost, kPath, rtt, maxAckDelay());
  }
  [[nodiscard]] Duration maxAckDelay() const { return Duration{2s} - rtt.pto(0s); }
  void sendAtSecond(PacketNum number, double second) { send(number, number, at(static_cast<int64_t>(second * 1e6))); }
  RttEstimator rtt = [] {
    RttEstimator estimator;
    estimator.onSample(200ms, 0us, 0us, TimePoint{-1s});
    return estimator;
  }();
};

// row X29
TEST_F(PersistentCongestionTest, IsEstablishedInTheExampleOfTheRfc) {  // covers RFC 9002 §7.6.3
  ASSERT_EQ(rtt.pto(maxAckDelay()), 2s);
  sendAtSecond(1, 0);
  sendAtSecond(2, 1);
  ack(Ack(1), at(1'200'000));
  const double times[] = {2, 3, 4, 5, 6, 8, 12};
  PacketNum number = 3;
  for (const double time : times) sendAtSecond(number++, time);
  EXPECT_TRUE(loseBy(9, at(12'200'000)));
  EXPECT_EQ(numbersOf(outcome.lost), (Numbers{2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(PersistentCongestionTest, NeedsMoreThanTheDuration) {  // covers RFC 9002 §7.6.2
  for (const int64_t excess : {0, 1}) {
    recovery = LossRecovery{};
    send(1, 1, at(0));
    send(2, 2, at(6'000'000 + excess));
    send(3, 3, at(7'000'000));
    EXPECT_EQ(loseBy(3, at(9'000'000)), excess == 1);
    EXPECT_EQ(outcome.lost.size(), 2u);
  }
}

TEST_F(PersistentCongestionTest, IsInterruptedByAnAcknowledgedPacket) {  // covers RFC 9002 §7.6.2
  for (PacketNum number = 0; number < 10; ++number) sendAtSecond(number, static_cast<double>(number));
  ack(Ack(4), at(4'100'000));
  EXPECT_FALSE(loseBy(9, at(12'000'000)));
  EXPECT_EQ(outcome.lost.size(), 8u);
}

TEST_F(PersistentCongestionTest, IsNotInterruptedByOurOwnPacketsOfOnlyAcksNorBySkippedNumbers) {
  sendAtSecond(0, 0);
  recovery.onPacketSent(kApp, ackOnly(1, at(3'000'000)));
  sendAtSecond(5, 7);
  sendAtSecond(6, 8);
  EXPECT_TRUE(loseBy(6, at(12'000'000)));
  EXPECT_EQ(numbersOf(outcome.lost), (Numbers{0, 5}));
}

TEST_F(PersistentCongestionTest, SeesAnAcknowledgedPacketOfOnlyAcks) {  // covers RFC 9002 §7.6.2
  sendAtSecond(0, 0);
  recovery.onPacketSent(kApp, ackOnly(1, at(3'000'000)));
  recovery.onPacketSent(kApp, ackOnly(2, at(4'000'000)));
  sendAtSecond(5, 7);
  sendAtSecond(6, 8);
  ack(Ack(1), at(7'500'000));
  EXPECT_FALSE(loseBy(6, at(12'000'000)));
}

TEST_F(PersistentCongestionTest, CountsOnlyPacketsSentAfterTheFirstSampleOfTheirPath) {  // covers RFC 9002 §7.6.2
  rtt = RttEstimator{};
  rtt.onSample(200ms, 0us, 0us, TimePoint{2s});
  sendAtSecond(0, 1);
  sendAtSecond(1, 2);
  sendAtSecond(2, 3);
  sendAtSecond(3, 9);
  sendAtSecond(4, 10);
  EXPECT_FALSE(loseBy(4, at(12'000'000))) << "3 to 9 is not more than 6 s";
  EXPECT_EQ(outcome.lost.size(), 4u);
  EXPECT_FALSE(LossRecovery::isPersistentCongestion(outcome.lost, kPath, RttEstimator{}, 0ms)) << "no sample at all";
}

TEST_F(PersistentCongestionTest, CountsOnlyAckElicitingPacketsOfThePath) {  // covers RFC 9002 §7.6.2
  SentPacket padding = packet(0, at(0), kPath);
  padding.ackEliciting = false;
  recovery.onPacketSent(kApp, std::move(padding));
  send(1, 1, at(1'000'000), kOtherPath);
  send(2, 2, at(4'000'000), kPath);
  send(3, 3, at(8'000'000), kPath);
  send(4, 4, at(9'000'000), kOtherPath);
  send(5, 5, at(10'000'000), kPath);
  EXPECT_FALSE(loseBy(5, at(12'000'000)));
  EXPECT_EQ(outcome.lost.size(), 5u);
  EXPECT_TRUE(LossRecovery::isPersistentCongestion(outcome.lost, kOtherPath, rtt, maxAckDelay()));
}

}  // namespace
}  // namespace quic
