// Stories of one client. Each single cell of the table is in ServerMigrationTablesTest; here are sequences, error
// values and what the table cannot show. No connection: what the engine does with the steps is not seen.
#include "quic/servermigration/ServerMigrationClient.h"

#include <gtest/gtest.h>

#include "cpp/servermigration/MigrationTesting.h"

namespace quic {
namespace {

using namespace migrationtesting;
using enum ServerMigrationProtocol;
using State = ServerMigrationClient::State;

constexpr TimePoint kStart = TimePoint{} + 1s;

ServerMigrationClient client(ServerMigrationProtocols protocols, ExplicitProbing probing = ExplicitProbing::Reactive,
                             const SocketAddress& server = kOld) {
  ServerMigrationClientSettings settings;
  settings.protocols = protocols;
  settings.explicitProbing = probing;
  ServerMigrationClient made(settings, server);
  made.onNegotiated(protocols);
  return made;
}

std::string hear(ServerMigrationClient& c, const SocketAddress& announced, TimePoint now = kStart) {
  return describe(c.onServerMigration(now, announce(announced)));
}
std::string hearPool(ServerMigrationClient& c, const SocketAddress& entry) {
  return describe(c.onPoolMigrationAddress(poolEntry(entry)));
}

const QuicError* failure(const MigrationSteps& steps) {
  if (steps.actions.empty()) return nullptr;
  const auto* fail = std::get_if<migration::Fail>(&steps.actions.back());
  return fail ? &fail->error : nullptr;
}

// ---- errors

TEST(ServerMigrationClient, NamesTheFrameOfAViolation) {
  // covers SM-08
  const auto expectViolation = [](const MigrationSteps& steps, FrameType frame) {
    ASSERT_NE(failure(steps), nullptr);
    EXPECT_EQ(failure(steps)->code, QuicErrorCode{TransportErrorCode::PROTOCOL_VIOLATION});
    EXPECT_EQ(failure(steps)->frameType, static_cast<uint64_t>(frame));
    EXPECT_FALSE(failure(steps)->reason.empty());
  };
  ServerMigrationClient c = client({});
  expectViolation(c.onServerMigration(kStart, announce(kTarget)), FrameType::SERVER_MIGRATION);
  expectViolation(c.onServerMigration(kStart, {kNowhere}), FrameType::SERVER_MIGRATION);
  expectViolation(c.onPoolMigrationAddress(poolEntry(kTarget)), FrameType::POOL_MIGRATION_ADDRESS);
  expectViolation(c.onServerMigrated(kTarget, true), FrameType::SERVER_MIGRATED);
}

TEST(ServerMigrationClient, ReportsTheRefusalOfTheAddressPolicyAsItsOwnError) {
  // covers SM-10
  ServerMigrationClient c = client({EXPLICIT});
  const MigrationSteps steps = c.onServerMigration(kStart, announce(kRefused));
  ASSERT_NE(failure(steps), nullptr);
  EXPECT_EQ(failure(steps)->code, QuicErrorCode{LocalErrorCode::MIGRATION_ADDRESS_REFUSED});
  EXPECT_EQ(failure(steps)->frameType, 0x32u);
}

TEST(ServerMigrationClient, FollowsALoopbackServerOverLoopback) {
  // covers SM-10
  const SocketAddress first = *SocketAddress::parse("127.0.0.2:4433");
  ServerMigrationClient c = client({EXPLICIT}, ExplicitProbing::Reactive, first);
  EXPECT_EQ(hear(c, *SocketAddress::parse("127.0.0.3:4433")), "*announced*");
}

TEST(ServerMigrationClient, TreatsEveryFrameAsAViolationBeforeTheNegotiation) {
  // covers SM-05
  ServerMigrationClientSettings settings;
  settings.protocols = {EXPLICIT};
  ServerMigrationClient c(settings, kOld);
  EXPECT_EQ(hear(c, kTarget), "violation");
  EXPECT_TRUE(c.negotiated().empty());
}

// ---- Explicit

TEST(ServerMigrationClient, FollowsAReactiveMove) {
  // covers SM-20, SM-21
  ServerMigrationClient c = client({EXPLICIT});
  EXPECT_FALSE(c.watchesSilence());
  EXPECT_EQ(hear(c, kTarget), "*announced*");
  EXPECT_TRUE(c.watchesSilence());
  EXPECT_EQ(describe(c.onAnnouncementAckSent()), "");
  EXPECT_EQ(describe(c.onProbeTimeout()), "ProbePath(target), *probing target*");
  EXPECT_FALSE(c.watchesSilence());
  EXPECT_EQ(describe(c.onLatestNonProbingPacket(kTarget)), "");
  EXPECT_EQ(describe(c.onPathValidated(kTarget)), "MoveToPath(target), *completed target*");
  EXPECT_EQ(c.state(), State::Idle);
  EXPECT_FALSE(c.mayReceiveFrom(kOld));
}

TEST(ServerMigrationClient, ProactiveProbingThatComesTooEarlyBeginsAgainInSilence) {
  // covers SM-22, SM-24
  ServerMigrationClient c = client({EXPLICIT}, ExplicitProbing::Proactive);
  hear(c, kTarget);
  EXPECT_EQ(describe(c.onAnnouncementAckSent()), "ProbePath(target), *probing target*");
  EXPECT_EQ(describe(c.onLatestNonProbingPacket(kOld)), "");  // the server has not moved yet; no harm
  EXPECT_EQ(describe(c.onPathFailed(kTarget)), "DropPath(target)");
  EXPECT_EQ(c.state(), State::Announced);
  EXPECT_TRUE(c.watchesSilence());
  EXPECT_EQ(describe(c.onProbeTimeout()), "ProbePath(target), *probing target*");
  EXPECT_EQ(describe(c.onPathValidated(kTarget)), "MoveToPath(target), *completed target*");
}

TEST(ServerMigrationClient, SilenceDuringAProactiveProbeBeginsItAfreshOncePerSilence) {
  // covers SM-24
  ServerMigrationClient c = client({EXPLICIT}, ExplicitProbing::Proactive);
  hear(c, kTarget);
  (void)c.onAnnouncementAckSent();
  EXPECT_TRUE(c.watchesSilence());
  EXPECT_EQ(describe(c.onProbeTimeout()), "DropPath(target), ProbePath(target)");
  EXPECT_FALSE(c.watchesSilence());
  EXPECT_EQ(describe(c.onProbeTimeout()), "");
  (void)c.onLatestNonProbingPacket(kOld);  // a false alarm
  EXPECT_TRUE(c.watchesSilence());
  EXPECT_EQ(describe(c.onProbeTimeout()), "DropPath(target), ProbePath(target)");
}

TEST(ServerMigrationClient, ManualProbingWaitsForTheApplication) {
  // covers SM-23
  ServerMigrationClient c = client({EXPLICIT}, ExplicitProbing::Manual);
  const Result<MigrationSteps> early = c.startProbing();
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, QuicErrorCode{LocalErrorCode::MIGRATION_INVALID_STATE});
  hear(c, kTarget);
  EXPECT_FALSE(c.watchesSilence());
  const Result<MigrationSteps> begun = c.startProbing();
  ASSERT_TRUE(begun);
  EXPECT_EQ(describe(*begun), "ProbePath(target), *probing target*");
  EXPECT_FALSE(c.startProbing());
}

TEST(ServerMigrationClient, StartsProbingByHandOnlyInManualMode) {
  // covers SM-23
  for (const ExplicitProbing mode : {ExplicitProbing::Reactive, ExplicitProbing::Proactive}) {
    ServerMigrationClient c = client({EXPLICIT}, mode);
    hear(c, kTarget);
    EXPECT_FALSE(c.startProbing());
  }
}

TEST(ServerMigrationClient, AFalseAlarmIsTakenBackAndTheNextSilenceProbesAgain) {
  // covers SM-25
  ServerMigrationClient c = client({EXPLICIT});
  hear(c, kTarget);
  (void)c.onProbeTimeout();
  EXPECT_EQ(describe(c.onLatestNonProbingPacket(kOld)), "DropPath(target), *reverted old*");
  EXPECT_EQ(describe(c.onProbeTimeout()), "ProbePath(target), *probing target*");
}

TEST(ServerMigrationClient, APacketFromTheAnnouncedAddressIsATriggerInEveryMode) {
  // covers SM-26
  for (const ExplicitProbing mode : {ExplicitProbing::Reactive, ExplicitProbing::Proactive, ExplicitProbing::Manual}) {
    ServerMigrationClient c = client({EXPLICIT}, mode);
    hear(c, kTarget);
    EXPECT_EQ(describe(c.onLatestNonProbingPacket(kTarget)), "ProbePath(target), *probing target*");
  }
}

TEST(ServerMigrationClient, ADuplicateOfACompletedAnnouncementIsHarmless) {
  // covers SM-12
  ServerMigrationClient c = client({EXPLICIT, SYMMETRIC});
  hear(c, kTarget);
  (void)c.onProbeTimeout();
  (void)c.onPathValidated(kTarget);
  EXPECT_EQ(hear(c, kTarget), "");
  (void)c.onLatestNonProbingPacket(kMoved);  // a symmetric move, not proven yet
  EXPECT_EQ(hear(c, kTarget), "");
  EXPECT_EQ(c.state(), State::Validating);
}

TEST(ServerMigrationClient, ALateCopyOfAnEarlierAnnouncementIsKnownByItsPacketNumber) {
  // covers SM-11
  ServerMigrationClient c = client({EXPLICIT});
  const auto move = [&](PacketNum number, const SocketAddress& to) {
    c.onPacket(number);
    hear(c, to);
    (void)c.onProbeTimeout();
    c.onPacket(number + 5);
    (void)c.onPathValidated(to);
  };
  move(10, kTarget);
  move(20, kOld);
  c.onPacket(12);  // a copy of the first announcement, sent again before its acknowledgment came
  EXPECT_EQ(hear(c, kTarget), "");
  EXPECT_EQ(c.state(), State::Idle);
  c.onPacket(30);
  EXPECT_EQ(hear(c, kTarget), "*announced*");
}

TEST(ServerMigrationClient, FollowsManyMovesThereAndBack) {
  // covers SM-20
  ServerMigrationClient c = client({EXPLICIT});
  PacketNum number = 0;
  for (int i = 0; i < 100; ++i) {
    const SocketAddress to = i % 2 == 0 ? kTarget : kOld;
    c.onPacket(++number);
    ASSERT_EQ(hear(c, to), "*announced*");
    (void)c.onProbeTimeout();
    c.onPacket(++number);
    ASSERT_EQ(describe(c.onPathValidated(to)), "MoveToPath(" + nameOf(to) + "), *completed " + nameOf(to) + "*");
  }
}

TEST(ServerMigrationClient, AnAnnouncementMadeAgainLivesLonger) {
  // covers SM-15
  ServerMigrationClient c = client({EXPLICIT});
  c.onPacket(1);
  hear(c, kTarget, kStart);
  const TimePoint first = *c.nextTimeout();
  EXPECT_EQ(first, kStart + kDefaultAnnouncementLifetime);
  hear(c, kTarget, kStart + 10s);  // the same packet: a duplicate
  EXPECT_EQ(c.nextTimeout(), first);
  c.onPacket(2);
  hear(c, kTarget, kStart + 10s);
  EXPECT_EQ(c.nextTimeout(), first + 10s);
  (void)c.onProbeTimeout();
  c.onPacket(3);
  hear(c, kTarget, kStart + 20s);
  EXPECT_EQ(c.nextTimeout(), first + 20s);
}

TEST(ServerMigrationClient, ExpiresAtItsTimeAndNotBefore) {
  // covers SM-14
  ServerMigrationClient c = client({EXPLICIT});
  hear(c, kTarget);
  EXPECT_EQ(describe(c.onTimeout(kStart + kDefaultAnnouncementLifetime - 1us)), "");
  EXPECT_EQ(describe(c.onTimeout(kStart + kDefaultAnnouncementLifetime)), "*expired*");
  EXPECT_EQ(c.nextTimeout(), std::nullopt);
  EXPECT_EQ(hear(c, kTarget), "*announced*");
}

TEST(ServerMigrationClient, TakesTheHalfOfADualAddressThatItsConnectionUses) {
  // covers SM-07
  QuicIPAddress both = QuicIPAddress::from(*SocketAddress::parse("[2001:db8::2]:4433"));
  both.ipv4 = {192, 0, 2, 10};
  both.ipv4Port = 4433;
  ServerMigrationClient four = client({EXPLICIT});
  (void)four.onServerMigration(kStart, {both});
  EXPECT_TRUE(four.mayReceiveFrom(kTarget));
  ServerMigrationClient six =
      client({EXPLICIT}, ExplicitProbing::Reactive, *SocketAddress::parse("[2001:db8::1]:4433"));
  (void)six.onServerMigration(kStart, {both});
  EXPECT_TRUE(six.mayReceiveFrom(*SocketAddress::parse("[2001:db8::2]:4433")));
}

TEST(ServerMigrationClient, ReadsALinkLocalAddressOnTheLinkInUse) {
  // covers SM-07
  std::array<uint8_t, 16> ip{0xfe, 0x80};
  ip[15] = 1;
  ServerMigrationClient c = client({EXPLICIT}, ExplicitProbing::Reactive, SocketAddress::v6(ip, 4433, 3));
  ip[15] = 2;
  EXPECT_EQ(hear(c, SocketAddress::v6(ip, 4433)), "*announced*");
  EXPECT_TRUE(c.mayReceiveFrom(SocketAddress::v6(ip, 4433, 3)));
}

// ---- Pool of Addresses

TEST(ServerMigrationClient, SearchesThePoolAndCompletesWhereItIsAnswered) {
  // covers SM-30, SM-36
  ServerMigrationClient c = client({POOL_OF_ADDRESSES});
  EXPECT_FALSE(c.watchesSilence());
  for (const SocketAddress& entry : {kThird, kTarget, kOther}) hearPool(c, entry);
  EXPECT_TRUE(c.watchesSilence());
  EXPECT_EQ(describe(c.onProbeTimeout()), "ProbePath(target), *probing target*");
  EXPECT_EQ(describe(c.onProbeTimeout()), "DropPath(target), ProbePath(other), *probing other*");
  EXPECT_EQ(describe(c.onPathFailed(kOther)), "DropPath(other), ProbePath(third), *probing third*");
  EXPECT_EQ(describe(c.onProbeTimeout()), "DropPath(third), ProbePath(target), *probing target*");
  EXPECT_EQ(describe(c.onPathValidated(kTarget)), "MoveToPath(target), *completed target*");
  EXPECT_EQ(describe(c.onProbeTimeout()), "ProbePath(other), *probing other*");  // and searches from there
}

TEST(ServerMigrationClient, APoolOfTheAddressInUseIsNothingToProbe) {
  // covers SM-37
  ServerMigrationClient c = client({POOL_OF_ADDRESSES});
  hearPool(c, kOld);
  EXPECT_FALSE(c.watchesSilence());
  EXPECT_EQ(describe(c.onProbeTimeout()), "");
  hearPool(c, kTarget);
  (void)c.onProbeTimeout();
  EXPECT_FALSE(c.watchesSilence());  // the only candidate: its prober repeats
  EXPECT_EQ(describe(c.onProbeTimeout()), "");
  EXPECT_EQ(describe(c.onPathFailed(kTarget)), "DropPath(target)");
  EXPECT_EQ(describe(c.onProbeTimeout()), "ProbePath(target), *probing target*");
}

TEST(ServerMigrationClient, HearingFromAPoolAddressEndsTheSearch) {
  // covers SM-34
  ServerMigrationClient c = client({POOL_OF_ADDRESSES});
  for (const SocketAddress& entry : {kTarget, kOther, kThird}) hearPool(c, entry);
  (void)c.onProbeTimeout();
  EXPECT_EQ(describe(c.onLatestNonProbingPacket(kThird)), "DropPath(target), ProbePath(third), *probing third*");
  EXPECT_EQ(describe(c.onPathFailed(kThird)), "DropPath(third), ProbePath(other), *probing other*");
  EXPECT_EQ(describe(c.onPathFailed(kOther)), "DropPath(other), ProbePath(third), *probing third*");
  EXPECT_EQ(describe(c.onPathFailed(kThird)), "DropPath(third)");
}

TEST(ServerMigrationClient, ACandidateThatJustFailedIsNotTheNextOne) {
  // covers SM-36
  ServerMigrationClient c = client({POOL_OF_ADDRESSES});
  for (const SocketAddress& entry : {kTarget, kOther}) hearPool(c, entry);
  EXPECT_EQ(describe(c.onLatestNonProbingPacket(kTarget)), "ProbePath(target), *probing target*");
  EXPECT_EQ(describe(c.onPathFailed(kTarget)), "DropPath(target), ProbePath(other), *probing other*");
}

TEST(ServerMigrationClient, KeepsNoMorePoolAddressesThanItsCapAndIgnoresTheRest) {
  // covers SM-33
  ServerMigrationClient c = client({POOL_OF_ADDRESSES});
  for (uint8_t i = 0; i < 50; ++i) {
    EXPECT_EQ(hearPool(c, host(static_cast<uint8_t>(100 + i))).empty(), i >= kMaxPoolAddresses);
  }
  EXPECT_TRUE(c.mayReceiveFrom(host(100 + kMaxPoolAddresses - 1)));
  EXPECT_FALSE(c.mayReceiveFrom(host(100 + kMaxPoolAddresses)));
}

TEST(ServerMigrationClient, ClosesThePoolAtTheFirstMoveButForgivesLateCopies) {
  // covers SM-11, SM-31, SM-32
  ServerMigrationClient c = client({POOL_OF_ADDRESSES});
  c.onPacket(1);
  hearPool(c, kTarget);
  EXPECT_EQ(hearPool(c, kRefused), "");
  (void)c.onProbeTimeout();
  c.onPacket(9);
  (void)c.onPathValidated(kTarget);
  EXPECT_EQ(hearPool(c, kTarget), "");
  EXPECT_EQ(hearPool(c, kRefused), "");
  c.onPacket(2);
  EXPECT_EQ(hearPool(c, kOther), "");
  EXPECT_FALSE(c.mayReceiveFrom(kOther));
  c.onPacket(10);
  EXPECT_EQ(hearPool(c, kOther), "violation");
}

// ---- the symmetric kinds

TEST(ServerMigrationClient, FollowsASymmetricMoveAndTheNextOneDuringValidation) {
  // covers SM-41, SM-42
  ServerMigrationClient c = client({SYMMETRIC});
  EXPECT_EQ(describe(c.onServerMigrated(kMoved, true)), "MoveToPath(moved), *detected moved*");
  EXPECT_EQ(describe(c.onLatestNonProbingPacket(kMoved)), "");  // the same packet, as a fact of its own
  EXPECT_EQ(describe(c.onLatestNonProbingPacket(kThird)), "MoveToPath(third), DropPath(moved), *detected third*");
  EXPECT_EQ(describe(c.onPathValidated(kMoved)), "");
  EXPECT_EQ(describe(c.onPathValidated(kThird)), "*completed third*");
}

TEST(ServerMigrationClient, ALateServerMigratedMovesNothing) {
  // covers SM-13
  ServerMigrationClient c = client({SYMMETRIC});
  EXPECT_EQ(describe(c.onServerMigrated(kThird, false)), "");
  (void)c.onLatestNonProbingPacket(kMoved);
  EXPECT_EQ(describe(c.onServerMigrated(kMoved, true)), "");
  EXPECT_EQ(describe(c.onServerMigrated(kThird, false)), "");
  EXPECT_EQ(describe(c.onPathValidated(kMoved)), "*completed moved*");
}

TEST(ServerMigrationClient, AnUnprovenMoveThatFailsLeadsBackToTheLastProvenAddress) {
  // covers SM-43
  ServerMigrationClient c = client({SYMMETRIC});
  (void)c.onLatestNonProbingPacket(kMoved);
  (void)c.onLatestNonProbingPacket(kThird);
  EXPECT_EQ(describe(c.onPathFailed(kThird)), "DropPath(third), *reverted old*");
  EXPECT_EQ(describe(c.onLatestNonProbingPacket(kOld)), "");
}

TEST(ServerMigrationClient, ASynchronizedMoveIsStillAwaitedAfterAForgedOne) {
  // covers SM-43
  ServerMigrationClient c = client({SYNCHRONIZED_SYMMETRIC});
  (void)c.onServerMigration(kStart, {kNowhere});
  (void)c.onLatestNonProbingPacket(kThird);  // somebody rewrote a source address
  EXPECT_EQ(describe(c.onLatestNonProbingPacket(kOld)), "DropPath(third), *reverted old*");
  EXPECT_EQ(c.state(), State::Announced);
  EXPECT_EQ(c.nextTimeout(), kStart + kDefaultAnnouncementLifetime);
  EXPECT_EQ(describe(c.onServerMigrated(kMoved, true)), "MoveToPath(moved), *detected moved*");
  EXPECT_EQ(describe(c.onPathValidated(kMoved)), "*completed moved*");
}

TEST(ServerMigrationClient, ALateCopyOfASynchronizedAnnouncementBeginsNothing) {
  // covers SM-11
  ServerMigrationClient c = client({SYNCHRONIZED_SYMMETRIC});
  c.onPacket(1);
  (void)c.onServerMigration(kStart, {kNowhere});
  c.onPacket(5);
  (void)c.onLatestNonProbingPacket(kMoved);
  c.onPacket(6);
  (void)c.onPathValidated(kMoved);
  c.onPacket(2);
  EXPECT_EQ(describe(c.onServerMigration(kStart, {kNowhere})), "");
  EXPECT_EQ(c.state(), State::Idle);
}

// ---- datagrams before decryption

TEST(ServerMigrationClient, LooksOnlyAtDatagramsFromPlausibleAddresses) {
  // covers SM-06, RFC 9000 §9
  ServerMigrationClient off = client({});
  EXPECT_TRUE(off.mayReceiveFrom(kOld));
  EXPECT_FALSE(off.mayReceiveFrom(kThird));
  ServerMigrationClient symmetric = client({SYMMETRIC});
  EXPECT_TRUE(symmetric.mayReceiveFrom(kThird));
  EXPECT_FALSE(symmetric.mayReceiveFrom(kRefused));
  ServerMigrationClient synchronized = client({SYNCHRONIZED_SYMMETRIC});
  EXPECT_FALSE(synchronized.mayReceiveFrom(kThird));
  (void)synchronized.onServerMigration(kStart, {kNowhere});
  EXPECT_TRUE(synchronized.mayReceiveFrom(kThird));
  (void)synchronized.onLatestNonProbingPacket(kThird);
  EXPECT_TRUE(synchronized.mayReceiveFrom(kOld));  // still the last proven one
}

}  // namespace
}  // namespace quic
