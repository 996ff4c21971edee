// The one timer of LossRecovery: RFC 9002 §6.2, and what a frozen process does to it.
#include <gtest/gtest.h>

#include "LossTesting.h"
#include "quic/loss/LossRecovery.h"

namespace quic {
namespace {

using testing::Ack;
using testing::at;
using testing::numbersOf;
using testing::packet;

constexpr auto kInitial = PacketNumberSpace::Initial;
constexpr auto kHandshake = PacketNumberSpace::Handshake;
constexpr auto kApp = PacketNumberSpace::AppData;

class LossRecoveryPtoTest : public ::testing::Test {
 protected:
  LossRecoveryPtoTest() { rtt.onSample(80ms, 0us, 0us, TimePoint{}); }  // PTO: 80 + 4 * 40 = 240 ms
  void send(PacketNumberSpace space, PacketNum number, TimePoint when) {
    recovery.onPacketSent(space, packet(number, when));
  }
  void acknowledge(PacketNumberSpace space, PacketNum number, TimePoint now) {
    outcome.clear();
    ASSERT_TRUE(recovery.onAckReceived(space, Ack(number).frame(), now, outcome));
    recovery.detectLost(space, now, rtt, outcome);
  }
  /// Nothing one microsecond before `due`, the PTO at `due`.
  void expectPto(TimePoint due, PacketNumberSpace space, int count) {
    ASSERT_EQ(recovery.nextTimeout(due - 1us, context), due);
    const int before = recovery.ptoCount();
    EXPECT_FALSE(recovery.onTimeout(due - 1us, context, outcome));
    EXPECT_EQ(recovery.ptoCount(), before);
    const auto probes = recovery.onTimeout(due, context, outcome);
    ASSERT_TRUE(probes);
    EXPECT_EQ(probes->space, space);
    EXPECT_EQ(probes->count, count);
    EXPECT_EQ(recovery.ptoCount(), before + 1);
    EXPECT_TRUE(outcome.lost.empty()) << "a PTO loses nothing";
  }

  LossRecovery recovery;
  RecoveryOutcome outcome;
  RttEstimator rtt;
  PtoContext context{.rtt = rtt, .maxAckDelay = 25ms, .handshakeConfirmed = true};
};

TEST_F(LossRecoveryPtoTest, ArmsNothingWhenNothingIsInFlight) {
  EXPECT_EQ(recovery.nextTimeout(at(0), context), std::nullopt);
  EXPECT_FALSE(recovery.onTimeout(at(1'000'000'000), context, outcome));
  recovery.onPacketSent(kApp, testing::ackOnly(0, at(0)));
  EXPECT_EQ(recovery.nextTimeout(at(0), context), std::nullopt);
}

TEST_F(LossRecoveryPtoTest, AddsTheMaximumAckDelayForApplicationDataOnly) {  // covers RFC 9002 §6.2.1
  send(kApp, 0, at(1000));
  expectPto(at(1000) + 265ms, kApp, 2);
  LossRecovery other;
  other.onPacketSent(kHandshake, packet(0, at(1000)));
  EXPECT_EQ(other.nextTimeout(at(1000), context), at(1000) + 240ms);
}

TEST_F(LossRecoveryPtoTest, RestartsWithEachAckElicitingPacketSent) {  // covers RFC 9002 §6.2.1
  send(kApp, 0, at(0));
  send(kApp, 1, at(100'000));
  recovery.onPacketSent(kApp, testing::ackOnly(2, at(200'000)));
  expectPto(at(365'000), kApp, 2);
}

TEST_F(LossRecoveryPtoTest, IsNotPostponedByProbesOfAnotherPathHoweverManyThereAre) {
  send(kApp, 0, at(0));
  recovery.onPacketSent(kApp, packet(1, at(100'000)), true);
  recovery.onPacketSent(kApp, packet(2, at(200'000)), true);
  expectPto(at(265'000), kApp, 2);
  LossRecovery other;
  other.onPacketSent(kApp, packet(0, at(1000)), true);
  EXPECT_EQ(other.nextTimeout(at(1000), context), at(1000) + 265ms) << "alone it is waited for";
}

TEST_F(LossRecoveryPtoTest, DoublesWithEachPtoAcrossSpacesAndStartsAnewAfterAReset) {  // covers RFC 9002 §6.2.1
  send(kInitial, 0, at(0));
  send(kHandshake, 0, at(100'000));
  expectPto(at(240'000), kInitial, 2);
  send(kInitial, 1, at(240'000));
  expectPto(at(100'000) + 480ms, kHandshake, 2);
  send(kHandshake, 1, at(580'000));
  expectPto(at(240'000) + 960ms, kInitial, 2);
  recovery.resetPtoCount();
  EXPECT_EQ(recovery.nextTimeout(at(0), context), at(580'000) + 240ms);
}

TEST_F(LossRecoveryPtoTest, ChoosesTheEarliestSpace) {  // covers RFC 9002 §6.2.1
  send(kHandshake, 0, at(0));
  send(kInitial, 0, at(1));
  EXPECT_EQ(recovery.nextTimeout(at(1), context), at(240'000));
  EXPECT_EQ(recovery.onTimeout(at(240'001), context, outcome)->space, kHandshake);
}

TEST_F(LossRecoveryPtoTest, DoesNotArmForApplicationDataBeforeConfirmation) {  // covers RFC 9002 §6.2.1
  context.handshakeConfirmed = false;
  send(kApp, 0, at(0));
  EXPECT_EQ(recovery.nextTimeout(at(0), context), std::nullopt);
  send(kHandshake, 0, at(50'000));
  EXPECT_EQ(recovery.nextTimeout(at(50'000), context), at(290'000));
  context.handshakeConfirmed = true;
  EXPECT_EQ(recovery.nextTimeout(at(50'000), context), at(265'000));
}

TEST_F(LossRecoveryPtoTest, GivesWayToTheTimeThreshold) {  // covers RFC 9002 §6.2.1
  send(kApp, 0, at(0));
  send(kApp, 1, at(10));
  acknowledge(kApp, 1, at(80'010));
  send(kHandshake, 0, at(80'010));
  EXPECT_EQ(recovery.nextTimeout(at(80'010), context), at(90'000));
  EXPECT_FALSE(recovery.onTimeout(at(89'999), context, outcome));
  EXPECT_TRUE(outcome.lost.empty());
  EXPECT_FALSE(recovery.onTimeout(at(90'000), context, outcome));
  EXPECT_EQ(numbersOf(outcome.lost), std::vector<PacketNum>{0});
  EXPECT_EQ(recovery.ptoCount(), 0) << "a loss is not a PTO";
  EXPECT_EQ(recovery.nextTimeout(at(90'000), context), at(80'010) + 240ms);
}

TEST_F(LossRecoveryPtoTest, TakesTheLossesOfAllSpacesThatAreDue) {
  for (const auto space : {kInitial, kHandshake}) {
    send(space, 0, at(0));
    send(space, 1, at(0));
    acknowledge(space, 1, at(80'000));
  }
  EXPECT_FALSE(recovery.onTimeout(at(90'000), context, outcome));
  EXPECT_EQ(outcome.lost.size(), 2u);
  EXPECT_EQ(recovery.nextTimeout(at(90'000), context), std::nullopt);
}

TEST_F(LossRecoveryPtoTest, LooksAgainWhenTheRttGrewSinceTheLossTimerWasSet) {
  send(kApp, 0, at(0));
  send(kApp, 1, at(0));
  acknowledge(kApp, 1, at(80'000));
  rtt.onSample(160ms, 0us, 0us);
  EXPECT_FALSE(recovery.onTimeout(at(90'000), context, outcome));
  EXPECT_TRUE(outcome.lost.empty());
  EXPECT_EQ(recovery.nextTimeout(at(90'000), context), at(180'000));
}

TEST_F(LossRecoveryPtoTest, WaitsAtTheAmplificationLimitAndIsDueAtOnceWhenItIsLifted) {  // covers RFC 9002 §6.2.2.1
  context.handshakeConfirmed = false;
  context.atAmplificationLimit = true;
  send(kInitial, 0, at(0));
  EXPECT_EQ(recovery.nextTimeout(at(0), context), std::nullopt);
  EXPECT_FALSE(recovery.onTimeout(at(500'000), context, outcome));
  context.atAmplificationLimit = false;
  EXPECT_LE(*recovery.nextTimeout(at(500'000), context), at(500'000));
  EXPECT_TRUE(recovery.onTimeout(at(500'000), context, outcome));
}

TEST_F(LossRecoveryPtoTest, ProbesAgainstDeadlockWithNothingInFlight) {  // covers RFC 9002 §6.2.2.1
  context.handshakeConfirmed = false;
  context.peerCompletedAddressValidation = false;
  EXPECT_EQ(recovery.nextTimeout(at(0), context), std::nullopt) << "nothing was ever sent";
  send(kInitial, 0, at(0));
  acknowledge(kInitial, 0, at(80'000));
  EXPECT_EQ(recovery.nextTimeout(at(300'000), context), at(320'000)) << "it does not move with the asking";
  expectPto(at(320'000), kInitial, 1);
  context.hasHandshakeKeys = true;
  expectPto(at(320'000) + 480ms, kHandshake, 1);
  context.peerCompletedAddressValidation = true;
  EXPECT_EQ(recovery.nextTimeout(at(900'000), context), std::nullopt);
}

TEST_F(LossRecoveryPtoTest, ProbesAgainstDeadlockWhenOnlyEarlyDataIsInFlight) {  // covers RFC 9002 §6.2.2.1
  context.handshakeConfirmed = false;
  context.peerCompletedAddressValidation = false;
  send(kInitial, 0, at(0));
  send(kApp, 0, at(0));
  acknowledge(kInitial, 0, at(80'000));
  expectPto(at(320'000), kInitial, 1);
}

TEST_F(LossRecoveryPtoTest, ResetsTheBackoffWhenASpaceIsDiscarded) {  // covers RFC 9002 §6.2.2
  send(kInitial, 0, at(0));
  send(kHandshake, 0, at(0));
  ASSERT_TRUE(recovery.onTimeout(at(240'000), context, outcome));
  recovery.discardSpace(kInitial, outcome);
  EXPECT_EQ(recovery.ptoCount(), 0);
  EXPECT_EQ(recovery.nextTimeout(at(240'000), context), at(240'000)) << "Handshake, without backoff";
}

TEST_F(LossRecoveryPtoTest, FiresOnceHoweverLateEvenIfNoProbeCouldLeave) {
  send(kApp, 0, at(0));
  const TimePoint late{std::chrono::hours{1}};
  EXPECT_TRUE(recovery.onTimeout(late, context, outcome));
  EXPECT_FALSE(recovery.onTimeout(late, context, outcome));
  EXPECT_EQ(recovery.nextTimeout(late, context), late + 2 * 265ms);
}

// covers RFC 9002 §6.2.1
TEST_F(LossRecoveryPtoTest, DoublesUpToAMinuteAndNeverOverflows) {
  send(kApp, 0, at(0));
  TimePoint now{};
  Duration previous{0};
  for (int i = 0; i < 200; ++i) {
    const auto due = recovery.nextTimeout(now, context);
    ASSERT_TRUE(due);
    ASSERT_GT(*due, now);
    ASSERT_EQ(*due - now, std::min(Duration{i == 0 ? 265ms : 2 * previous}, kLongestPto));
    previous = *due - now;
    now = *due;
    ASSERT_TRUE(recovery.onTimeout(now, context, outcome));
  }
  EXPECT_EQ(previous, 60s);
}

TEST_F(LossRecoveryPtoTest, WaitsForARoundTripThatIsLongerThanTheLongestBackoff) {
  rtt = RttEstimator{};
  rtt.onSample(200s, 0us, 0us, TimePoint{});
  send(kApp, 0, at(0));
  const Duration period = rtt.pto(context.maxAckDelay);
  ASSERT_GT(period, kLongestPto);
  EXPECT_EQ(recovery.nextTimeout(at(0), context), at(0) + period);
  ASSERT_TRUE(recovery.onTimeout(at(0) + period, context, outcome));
  EXPECT_EQ(recovery.nextTimeout(at(0), context), at(0) + 2 * period);
}

TEST_F(LossRecoveryPtoTest, DoesNotCountTheTimeItWasFrozen) {
  send(kApp, 0, at(0));
  recovery.onResumed(at(10'100'000), 10s);  // frozen from 100 ms on
  EXPECT_EQ(recovery.nextTimeout(at(10'100'000), context), at(10'265'000));
  outcome.clear();
  const auto sample = recovery.onAckReceived(kApp, Ack(0).frame(), at(10'150'000), outcome);
  ASSERT_TRUE(sample);
  ASSERT_TRUE(*sample);
  EXPECT_EQ((*sample)->latest, 150ms) << "the freeze is no round trip";
}

TEST_F(LossRecoveryPtoTest, MovesTheLossTimerByTheFreeze) {
  send(kApp, 0, at(0));
  send(kApp, 1, at(0));
  acknowledge(kApp, 1, at(80'000));
  recovery.onResumed(at(3'085'000), 3s);
  EXPECT_EQ(recovery.nextTimeout(at(3'085'000), context), at(3'090'000));
  EXPECT_FALSE(recovery.onTimeout(at(3'089'999), context, outcome));
  EXPECT_TRUE(outcome.lost.empty());
  recovery.onTimeout(at(3'090'000), context, outcome);
  EXPECT_EQ(outcome.lost.size(), 1u);
}

TEST_F(LossRecoveryPtoTest, IsDueOnceWhenItWasOverdueBeforeTheFreeze) {
  send(kApp, 0, at(0));
  const TimePoint now = at(7'300'000);
  recovery.onResumed(now, 7s);
  EXPECT_LE(*recovery.nextTimeout(now, context), now);
  EXPECT_TRUE(recovery.onTimeout(now, context, outcome));
  EXPECT_FALSE(recovery.onTimeout(now, context, outcome));
}

TEST_F(LossRecoveryPtoTest, BearsAFreezeThatIsSaidToBeLongerThanTheLifeOfThePacket) {
  send(kApp, 0, at(0));
  recovery.onResumed(at(1'000'000), 24h);
  EXPECT_EQ(recovery.nextTimeout(at(1'000'000), context), at(1'265'000));
  recovery.onResumed(at(1'100'000), Duration{-5});
  EXPECT_EQ(recovery.nextTimeout(at(1'100'000), context), at(1'265'000));
}

}  // namespace
}  // namespace quic
