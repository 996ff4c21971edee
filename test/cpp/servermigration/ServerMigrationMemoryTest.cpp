// What the tables remember from one fact to a much later one: found by mutants that nothing else killed.
#include <gtest/gtest.h>

#include "cpp/servermigration/MigrationTesting.h"
#include "quic/server/ServerMigrationCoordinator.h"
#include "quic/servermigration/ServerMigrationClient.h"
#include "quic/servermigration/ServerMigrationServer.h"

namespace quic {
namespace {

using namespace migrationtesting;
using enum ServerMigrationProtocol;

constexpr TimePoint kStart = TimePoint{} + 1s;

ServerMigrationClient clientOf(ServerMigrationProtocols protocols) {
  ServerMigrationClientSettings settings;
  settings.protocols = protocols;
  ServerMigrationClient made(settings, kOld);
  made.onNegotiated(protocols);
  return made;
}

TEST(ServerMigrationMemory, AServerHeardAtItsNewAddressIsNotLookedForAgainInSilence) {
  // covers SM-24, SM-26
  ServerMigrationClient client = clientOf({EXPLICIT});
  (void)client.onServerMigration(kStart, announce(kTarget));
  (void)client.onLatestNonProbingPacket(kTarget);
  EXPECT_FALSE(client.watchesSilence());
  EXPECT_EQ(describe(client.onProbeTimeout()), "");
}

TEST(ServerMigrationMemory, ASynchronizedAnnouncementMadeAgainLivesLonger) {
  // covers SM-15
  ServerMigrationClient client = clientOf({SYNCHRONIZED_SYMMETRIC});
  client.onPacket(1);
  (void)client.onServerMigration(kStart, {kNowhere});
  client.onPacket(2);
  (void)client.onServerMigration(kStart + 10s, {kNowhere});
  EXPECT_EQ(client.nextTimeout(), kStart + 10s + kDefaultAnnouncementLifetime);
}

TEST(ServerMigrationMemory, WhatIsOverStaysOverThoughALatePacketEndedIt) {
  // covers SM-11
  ServerMigrationClient client = clientOf({EXPLICIT});
  client.onPacket(9);
  (void)client.onServerMigration(kStart, announce(kTarget));
  (void)client.onProbeTimeout();
  client.onPacket(5);  // the response was overtaken
  EXPECT_EQ(describe(client.onPathValidated(kTarget)), "MoveToPath(target), *completed target*");
  client.onPacket(7);
  EXPECT_EQ(describe(client.onServerMigration(kStart, announce(kOther))), "");
  client.onPacket(10);
  EXPECT_EQ(describe(client.onServerMigration(kStart, announce(kOther))), "*announced*");
}

TEST(ServerMigrationMemory, ACancelledSynchronizedAnnouncementMayBeMadeAgain) {
  // covers SM-58
  ServerMigrationServer server;
  server.onNegotiated({EXPLICIT, SYNCHRONIZED_SYMMETRIC}, 0);
  server.onHandshakeConfirmed();
  const FourTuple path{kOld, kClient};
  (void)server.prepare(SYNCHRONIZED_SYMMETRIC, std::nullopt, path);
  server.cancel();
  EXPECT_EQ(describe(server.prepare(EXPLICIT, QuicIPAddress::from(kTarget), path)), "*failed INVALID_STATE*");
  EXPECT_EQ(describe(server.prepare(SYNCHRONIZED_SYMMETRIC, std::nullopt, path)), "Send SERVER_MIGRATION(∅)");
}

TEST(ServerMigrationMemory, AConnectionThatIsGoneIsNotLeftOut) {
  // covers SM-64
  ServerMigrationCoordinator coordinator;
  ASSERT_TRUE(coordinator.begin({1, 2}, kStart));
  coordinator.onClosed(1);
  coordinator.onExcluded(1);
  EXPECT_EQ(coordinator.outcomes().front().status, MigrationOutcome::Status::Closed);
  EXPECT_EQ(coordinator.phase(), ServerMigrationCoordinator::Phase::Preparing);
}

TEST(ServerMigrationMemory, ACancelledMoveHasNoOutcomes) {
  // covers SM-66
  ServerMigrationCoordinator coordinator;
  ASSERT_TRUE(coordinator.begin({1, 2}, kStart));
  coordinator.cancel();
  EXPECT_TRUE(coordinator.outcomes().empty());
}

}  // namespace
}  // namespace quic
