// A process that stood still, told by the times of its turns alone; and hosts that are told of it.
#include "io/ThawDetector.h"

#include <gtest/gtest.h>

#include "HostTesting.h"

namespace quic {
namespace {

const TimePoint kStart{1h};

TEST(ThawDetector, NoticesATurnThatIsLate) {
  ThawDetector detector;
  EXPECT_EQ(detector.onTurn(kStart, 0s), 0s);
  detector.onWaiting(kStart + 100ms);
  EXPECT_EQ(detector.onTurn(kStart + 100ms + 40s, 0s), 40s);
  detector.onWaiting(kStart + 50s);
  EXPECT_EQ(detector.onTurn(kStart + 50s + 10ms, 0s), 0s) << "once";
}

TEST(ThawDetector, TakesABusyMachineForABusyMachine) {
  ThawDetector detector;
  TimePoint now = kStart;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(detector.onTurn(now, 0s), 0s);
    detector.onWaiting(now + 10ms);
    now += 10ms + ThawDetector::kThreshold - 1us;
  }
}

TEST(ThawDetector, ALongWaitThatWasAskedForIsNoFreeze) {
  ThawDetector detector;
  (void)detector.onTurn(kStart, 0s);
  detector.onWaiting(kStart + 30s);
  EXPECT_EQ(detector.onTurn(kStart + 20s, 0s), 0s) << "woken before";
  detector.onWaiting(std::nullopt);
  EXPECT_EQ(detector.onTurn(kStart + 2h, 0s), 0s) << "nothing was asked for";
}

// What was overdue before it waited is no older than the turn before.
TEST(ThawDetector, CountsFromTheTurnBeforeAtTheEarliest) {
  ThawDetector detector;
  (void)detector.onTurn(kStart, 0s);
  detector.onWaiting(kStart - 1min);
  EXPECT_EQ(detector.onTurn(kStart + 5s, 0s), 5s);
}

TEST(ThawDetector, NoticesThatTheMachineSleptThoughNothingWasDue) {
  ThawDetector detector;
  EXPECT_EQ(detector.onTurn(kStart, 3h), 0s) << "before it began";
  detector.onWaiting(kStart + 1h);
  EXPECT_EQ(detector.onTurn(kStart + 20min, 3h + 19min), 19min);
  EXPECT_EQ(detector.onTurn(kStart + 21min, 3h + 19min), 0s);
}

TEST(ThawDetector, NoFreezeIsLongerThanThereWasNoTurn) {
  ThawDetector detector;
  (void)detector.onTurn(kStart, 0s);
  detector.onWaiting(kStart + 1ms);
  EXPECT_EQ(detector.onTurn(kStart + 2s, 100h), 2s) << "the clocks of another machine may say anything";
  detector.onWaiting(kStart + 10s);
  EXPECT_EQ(detector.onTurn(kStart + 3s, 1h), 0s);
}

TEST(ThawDetector, WhatTheHostTellsIsNotCountedTwice) {
  ThawDetector detector;
  (void)detector.onTurn(kStart, 0s);
  detector.onWaiting(kStart + 1ms);
  ASSERT_GE(detector.onTurn(kStart + 40s, 0s), 39s);
  EXPECT_LE(detector.onTold(kStart + 41s, 40s), 1s);
  EXPECT_EQ(detector.onTold(kStart + 42s, 40s), 0s);
  EXPECT_EQ(detector.onTold(kStart + 43s, 45s), 5s);
  EXPECT_EQ(detector.onTold(kStart + 10min, 45s), 45s) << "another one";
  EXPECT_EQ(detector.onTold(kStart + 20min, 0s), 0s) << "it is not known for how long";
}

// The whole way down and back: entropy and clocks are renewed under connections that go on.
TEST(ThawedHosts, GoOnAsIfNothingHadBeen) {
  for (const size_t workers : {size_t{0}, size_t{2}}) {
    testing::EchoNet net;
    net.listen(workers);
    net.startClients(workers > 0);
    for (ConnectionHandle c = 1; c <= 4; ++c) net.connect(c);
    ASSERT_TRUE(net.untilConfirmed(4));
    net.server->thaw();
    net.client->thaw(2min);
    net.server->thaw(1h);
    for (ConnectionHandle c = 1; c <= 4; ++c) net.write(c, 0, "after", true);
    for (ConnectionHandle c = 1; c <= 4; ++c) EXPECT_TRUE(net.untilEchoed(c, 0, "after"));
    net.connect(5);
    EXPECT_TRUE(net.untilConfirmed(5));
    EXPECT_FALSE(net.clientSide.has(RecordKind::ConnectionClosed));
  }
}

}  // namespace
}  // namespace quic
