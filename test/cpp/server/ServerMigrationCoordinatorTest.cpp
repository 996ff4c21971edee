#include "quic/server/ServerMigrationCoordinator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace quic {
namespace {

using enum ServerMigrationProtocol;
using Phase = ServerMigrationCoordinator::Phase;
using Status = MigrationOutcome::Status;

constexpr TimePoint kDeadline = TimePoint{} + 10s;

ServerMigrationCoordinator begun(std::vector<ConnectionHandle> connections) {
  ServerMigrationCoordinator made;
  EXPECT_TRUE(made.begin(connections, kDeadline));
  return made;
}

std::vector<Status> statuses(const ServerMigrationCoordinator& coordinator) {
  std::vector<Status> all;
  for (const MigrationOutcome& outcome : coordinator.outcomes()) all.push_back(outcome.status);
  return all;
}

TEST(ServerMigrationCoordinator, IsPreparedWhenEveryConnectionIsReady) {
  // covers SM-61
  ServerMigrationCoordinator c = begun({1, 2});
  EXPECT_EQ(c.phase(), Phase::Preparing);
  EXPECT_TRUE(c.blocksHandshakes());
  c.onReady(1, EXPLICIT);
  EXPECT_EQ(c.phase(), Phase::Preparing);
  c.onReady(2, SYMMETRIC);
  EXPECT_EQ(c.phase(), Phase::Prepared);
  EXPECT_EQ(c.nextTimeout(), std::nullopt);
  EXPECT_TRUE(c.blocksHandshakes());
  EXPECT_EQ(c.outcomes()[0].protocol, EXPLICIT);
  EXPECT_EQ(c.outcomes()[1].protocol, SYMMETRIC);
}

TEST(ServerMigrationCoordinator, IsPreparedAtOnceWithoutConnections) {
  // covers SM-61
  ServerMigrationCoordinator c = begun({});
  EXPECT_EQ(c.phase(), Phase::Prepared);
  ASSERT_TRUE(c.onNetworkSwitched(kDeadline));
  EXPECT_EQ(c.phase(), Phase::Done);
  EXPECT_FALSE(c.blocksHandshakes());
}

TEST(ServerMigrationCoordinator, GoesThroughAWholeMove) {
  // covers SM-61, SM-63
  ServerMigrationCoordinator c = begun({1, 2, 3});
  c.onReady(1, EXPLICIT);
  c.onExcluded(2);
  c.onReady(3, EXPLICIT);
  ASSERT_TRUE(c.onNetworkSwitched(kDeadline + 10s));
  EXPECT_EQ(c.phase(), Phase::Relocating);
  EXPECT_EQ(c.nextTimeout(), kDeadline + 10s);
  EXPECT_EQ(statuses(c), (std::vector{Status::Switching, Status::Excluded, Status::Switching}));
  c.onClosed(2);  // by the caller, now that the server is gone from there
  c.onCompleted(3);
  EXPECT_EQ(c.phase(), Phase::Relocating);
  c.onCompleted(1);
  EXPECT_EQ(c.phase(), Phase::Done);
  EXPECT_FALSE(c.blocksHandshakes());
  EXPECT_EQ(statuses(c), (std::vector{Status::Migrated, Status::Closed, Status::Migrated}));
}

TEST(ServerMigrationCoordinator, DoesNotRelocateWhileOnlyAPartIsReady) {
  // covers SM-62
  ServerMigrationCoordinator c = begun({1, 2});
  c.onReady(1, EXPLICIT);
  const Result<> early = c.onNetworkSwitched(kDeadline);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, QuicErrorCode{LocalErrorCode::MIGRATION_INVALID_STATE});
  EXPECT_EQ(c.phase(), Phase::Preparing);
  EXPECT_FALSE(ServerMigrationCoordinator().onNetworkSwitched(kDeadline));
}

TEST(ServerMigrationCoordinator, AConnectionThatClosesDuringPreparationIsNotWaitedFor) {
  // covers SM-61
  ServerMigrationCoordinator c = begun({1, 2});
  c.onReady(1, EXPLICIT);
  c.onClosed(2);
  EXPECT_EQ(c.phase(), Phase::Prepared);
  c.onReady(2, EXPLICIT);  // its worker's last word came late
  EXPECT_EQ(statuses(c)[1], Status::Closed);
  c.onClosed(1);
  EXPECT_EQ(c.phase(), Phase::Prepared);
  ASSERT_TRUE(c.onNetworkSwitched(kDeadline));
  EXPECT_EQ(c.phase(), Phase::Done);
}

TEST(ServerMigrationCoordinator, ListsAtTheDeadlineWhoIsNotReady) {
  // covers SM-65
  ServerMigrationCoordinator c = begun({1, 2, 3});
  c.onReady(2, EXPLICIT);
  EXPECT_TRUE(c.onTimeout(kDeadline - 1us).empty());
  EXPECT_EQ(c.onTimeout(kDeadline), (std::vector<ConnectionHandle>{1, 3}));
  EXPECT_EQ(c.nextTimeout(), std::nullopt);
  EXPECT_TRUE(c.onTimeout(kDeadline + 1h).empty());
  EXPECT_EQ(c.phase(), Phase::Preparing);
  c.onExcluded(1);
  c.onClosed(3);
  EXPECT_EQ(c.phase(), Phase::Prepared);
}

TEST(ServerMigrationCoordinator, ListsAtTheSecondDeadlineWhoHasNotArrived) {
  // covers SM-65
  ServerMigrationCoordinator c = begun({1, 2});
  c.onReady(1, EXPLICIT);
  c.onReady(2, EXPLICIT);
  ASSERT_TRUE(c.onNetworkSwitched(kDeadline));
  c.onCompleted(1);
  EXPECT_EQ(c.onTimeout(kDeadline), (std::vector<ConnectionHandle>{2}));
  c.onExcluded(2);
  EXPECT_EQ(c.phase(), Phase::Done);
}

TEST(ServerMigrationCoordinator, RefusesASecondMoveDuringTheFirst) {
  // covers SM-60
  ServerMigrationCoordinator c = begun({1});
  const Result<> second = c.begin({2}, kDeadline);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, QuicErrorCode{LocalErrorCode::MIGRATION_IN_PROGRESS});
  c.onReady(1, EXPLICIT);
  EXPECT_FALSE(c.begin({2}, kDeadline));
  ASSERT_TRUE(c.onNetworkSwitched(kDeadline));
  EXPECT_FALSE(c.begin({2}, kDeadline));
  c.onCompleted(1);
  EXPECT_TRUE(c.begin({2}, kDeadline));
  EXPECT_EQ(c.outcomes().size(), 1u);
  EXPECT_EQ(c.outcomes()[0].connection, 2u);
}

TEST(ServerMigrationCoordinator, CancelForgetsTheMoveAtAnyTime) {
  // covers SM-66
  ServerMigrationCoordinator c = begun({1, 2});
  c.onReady(1, EXPLICIT);
  c.cancel();
  EXPECT_EQ(c.phase(), Phase::Idle);
  EXPECT_FALSE(c.blocksHandshakes());
  EXPECT_EQ(c.nextTimeout(), std::nullopt);
  c.onReady(2, EXPLICIT);  // already on its way when it was cancelled
  EXPECT_EQ(c.phase(), Phase::Idle);
  ASSERT_TRUE(c.begin({2}, kDeadline));
  EXPECT_EQ(c.phase(), Phase::Preparing);
}

TEST(ServerMigrationCoordinator, ACompletionMayOvertakeTheNewsOfTheSwitch) {
  // covers SM-64
  ServerMigrationCoordinator c = begun({1, 2});
  c.onReady(1, EXPLICIT);
  c.onReady(2, EXPLICIT);
  c.onCompleted(1);
  ASSERT_TRUE(c.onNetworkSwitched(kDeadline));
  EXPECT_EQ(statuses(c), (std::vector{Status::Migrated, Status::Switching}));
  c.onCompleted(2);
  EXPECT_EQ(c.phase(), Phase::Done);
}

TEST(ServerMigrationCoordinator, AConnectionThatArrivedAndClosedHasMigrated) {
  // covers SM-64
  ServerMigrationCoordinator c = begun({1, 2});
  c.onReady(1, EXPLICIT);
  c.onReady(2, EXPLICIT);
  ASSERT_TRUE(c.onNetworkSwitched(kDeadline));
  c.onCompleted(1);
  c.onClosed(1);
  EXPECT_EQ(statuses(c)[0], Status::Migrated);
}

TEST(ServerMigrationCoordinator, CountsAConnectionOnceHoweverOftenItIsNamed) {
  ServerMigrationCoordinator c = begun({7, 7, 7});
  c.onReady(7, EXPLICIT);
  c.onReady(7, EXPLICIT);
  EXPECT_EQ(c.phase(), Phase::Prepared);
  EXPECT_EQ(c.outcomes().size(), 1u);
  c.onReady(8, EXPLICIT);
  c.onClosed(9);
  EXPECT_EQ(c.outcomes().size(), 1u);
}

TEST(ServerMigrationCoordinator, WaitsExactlyWhileSomebodyIsAwaitedWhateverTheOrderOfNews) {
  // covers SM-61, SM-63
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 random(seed);
    ServerMigrationCoordinator c = begun({1, 2, 3, 4});
    for (int i = 0; i < 40; ++i) {
      const ConnectionHandle handle = 1 + random() % 5;
      switch (random() % 6) {
        case 0: c.onReady(handle, EXPLICIT); break;
        case 1: c.onExcluded(handle); break;
        case 2: c.onClosed(handle); break;
        case 3: (void)c.onNetworkSwitched(kDeadline); break;
        case 4: c.onCompleted(handle); break;
        default: break;
      }
      const std::vector<Status> all = statuses(c);
      const auto waits = [&](Status s) { return std::find(all.begin(), all.end(), s) != all.end(); };
      ASSERT_EQ(c.phase() == Phase::Preparing, waits(Status::Pending)) << "seed " << seed;
      ASSERT_EQ(c.phase() == Phase::Relocating, waits(Status::Switching)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace quic
