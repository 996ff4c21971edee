// What is known of a path after the server has moved, at both ends: RTT, congestion, MTU and ECN start anew, are kept for each
// path, and are found again on the way back. RFC 9000 §9.4. And what a freeze does to clocks.
#include <gtest/gtest.h>

#include "cpp/api/MovePair.h"

namespace quic::test {
namespace {

using enum ServerMigrationProtocol;

const SocketAddress kSecond = SocketAddress::v4({10, 0, 0, 2}, 4433);
const std::vector<SocketAddress> kPool = {kServerAddress, kSecond};

struct Kind {
  const char* name;
  ServerMigrationProtocol protocol;
};
const std::vector<Kind> kKinds = {{"explicit", EXPLICIT},
                                  {"pool", POOL_OF_ADDRESSES},
                                  {"symmetric", SYMMETRIC},
                                  {"synchronized", SYNCHRONIZED_SYMMETRIC}};

ServerEndpointSettings serverFor(const Kind& kind) {
  return MovePair::serverSpeaking({kind.protocol},
                                  kind.protocol == POOL_OF_ADDRESSES ? kPool : std::vector<SocketAddress>{});
}

std::optional<SocketAddress> targetOf(const Kind& kind, const SocketAddress& place) {
  return kind.protocol == EXPLICIT ? std::optional(place) : std::nullopt;
}

/// Of a connection that has just been made.
ConnectionStats freshStats() {
  MovePair pair;
  pair.connect({});
  return pair.follower().stats();
}

struct Warm : MovePair {
  explicit Warm(const Kind& kind, const ServerEndpointSettings& settings) : MovePair(settings) {
    begin(clientSpeaking({kind.protocol}));
    for (int i = 0; i < 5; ++i) {
      request(400'000);
      runFor(1s);
    }
    EXPECT_TRUE(isAllAnswered());
    prepare(kind.protocol, targetOf(kind, kSecond));
    runFor(200ms);
  }
  explicit Warm(const Kind& kind) : Warm(kind, serverFor(kind)) {}
};

// BUG 31, 34
TEST(MigrationPaths, EverythingStartsAnewOnTheNewPathAtBothEnds) {
  const ConnectionStats fresh = freshStats();
  for (const Kind& kind : kKinds) {
    Warm pair(kind);
    const ConnectionStats before = pair.moving().stats();
    ASSERT_GT(before.congestionWindow, 2 * fresh.congestionWindow) << kind.name;
    ASSERT_GT(before.datagramSize, fresh.datagramSize) << kind.name;
    ASSERT_LT(before.smoothedRtt, 100ms) << kind.name;
    pair.moveTo(kSecond);
    const ConnectionStats server = pair.moving().stats();
    EXPECT_EQ(server.congestionWindow, fresh.congestionWindow) << kind.name;
    EXPECT_EQ(server.datagramSize, fresh.datagramSize) << kind.name;
    EXPECT_EQ(server.smoothedRtt, fresh.smoothedRtt) << kind.name;
    EXPECT_EQ(server.bytesInFlight, 0u) << kind.name;
    EXPECT_EQ(server.ptoCount, 0u) << kind.name;
    EXPECT_EQ(server.ecn, "testing") << kind.name;
    // The client, as soon as it is there: a request makes it look.
    pair.request(10);
    for (int i = 0; i < 3000 && pair.follower().activePath().peer != kSecond; ++i) pair.runFor(1ms);
    ASSERT_EQ(pair.follower().activePath().peer, kSecond) << kind.name;
    const ConnectionStats client = pair.follower().stats();
    EXPECT_LE(client.congestionWindow, fresh.congestionWindow + 3000) << kind.name;
    EXPECT_EQ(client.datagramSize, fresh.datagramSize) << kind.name;
    EXPECT_EQ(client.ptoCount, 0u) << kind.name;
  }
}

// BUG 33
TEST(MigrationPaths, TheChosenCongestionControlStays) {
  for (const auto type : {CongestionControlType::NewReno, CongestionControlType::Bbr, CongestionControlType::Copa}) {
    ServerEndpointSettings settings = serverFor(kKinds[0]);
    settings.transport.congestionControl = type;
    MovePair pair(settings);
    TransportSettings client = MovePair::clientSpeaking({EXPLICIT});
    client.congestionControl = type;
    pair.begin(client);
    const std::string_view name = pair.moving().stats().congestionControl;
    pair.migrate(EXPLICIT, kSecond);
    EXPECT_EQ(pair.moving().stats().congestionControl, name);
    EXPECT_EQ(pair.follower().stats().congestionControl, name);
    ASSERT_EQ(pair.follower().activePath().peer, kSecond);
  }
}

// covers RFC 9000 §9.4. BUG 30
TEST(MigrationPaths, LossOnTheOldPathNeverShrinksTheNewWindow) {
  const ConnectionStats fresh = freshStats();
  for (const Kind& kind : kKinds) {
    Warm pair(kind);
    // Much is in flight in both directions, and all of it is lost with the old address.
    pair.request(300'000);
    pair.runFor(25ms);
    pair.isLost = [](const SentDatagram& datagram) {
      return datagram.path.peer == kServerAddress || datagram.path.local == kServerAddress;
    };
    pair.runFor(60ms);
    pair.moveTo(kSecond);
    uint64_t leastAtServer = pair.moving().stats().congestionWindow;
    uint64_t leastAtClient = UINT64_MAX;
    for (int i = 0; i < 3000; ++i) {
      pair.runFor(1ms);
      leastAtServer = std::min(leastAtServer, pair.moving().stats().congestionWindow);
      if (pair.follower().activePath().peer != kSecond) continue;
      leastAtClient = std::min(leastAtClient, pair.follower().stats().congestionWindow);
    }
    EXPECT_TRUE(pair.isAllAnswered()) << kind.name;
    EXPECT_GE(leastAtServer, fresh.congestionWindow) << kind.name;
    EXPECT_GE(leastAtClient, fresh.congestionWindow) << kind.name;
  }
}

TEST(MigrationPaths, AReturnSoonAfterFindsWhatWasKnown) {
  const ConnectionStats fresh = freshStats();
  for (const Kind& kind : kKinds) {
    Warm pair(kind);
    const ConnectionStats before = pair.moving().stats();
    pair.moveTo(kSecond);
    pair.runFor(6s);
    pair.prepare(kind.protocol, targetOf(kind, kServerAddress));
    pair.runFor(100ms);
    pair.moveTo(kServerAddress);
    const ConnectionStats after = pair.moving().stats();
    EXPECT_EQ(after.congestionWindow, before.congestionWindow) << kind.name;
    EXPECT_EQ(after.datagramSize, before.datagramSize) << kind.name;
    EXPECT_LT(after.smoothedRtt, 100ms) << kind.name;
    EXPECT_GT(after.congestionWindow, fresh.congestionWindow) << kind.name;
    pair.request(100'000);
    pair.runFor(3s);
    EXPECT_EQ(pair.follower().activePath().peer, kServerAddress) << kind.name;
    EXPECT_TRUE(pair.isAllAnswered()) << kind.name;
  }
}

// ---------------------------------------------------------------- freeze and thaw

// BUG 43: the clock of another machine, or a long sleep of this one
TEST(MigrationThaw, AServerWhoseClockJumpedGoesOnElsewhere) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.begin(MovePair::clientSpeaking({kind.protocol}));
    pair.prepare(kind.protocol, targetOf(kind, kSecond));
    pair.request(30'000);
    pair.runFor(100ms);
    pair.request(30'000);
    pair.runFor(15ms);
    pair.isServerUp = false;
    pair.runFor(4s);
    pair.serverClockAhead = 1h;
    pair.thawServer(1h + 4s);
    pair.moveTo(kSecond);
    pair.runFor(10s);
    EXPECT_TRUE(pair.isAllAnswered()) << kind.name;
    EXPECT_EQ(pair.follower().activePath().peer, kSecond) << kind.name;
    EXPECT_EQ(pair.heard<migration::Completed>(pair.serverEvents).size(), 1u) << kind.name;
  }
}

TEST(MigrationThaw, AServerThatIsNotToldTakesItForSilence) {
  MovePair pair;
  pair.begin({});
  pair.isServerUp = false;
  pair.serverClockAhead = 1h;
  pair.isServerUp = true;
  pair.runFor(10ms);
  EXPECT_EQ(EndpointPair::count<ConnectionClosed>(pair.serverEvents), 1u);
}

// covers SM-92
TEST(MigrationThaw, AnAnnouncementDoesNotAgeWhileTheClientStandsStill) {
  for (const bool isTold : {true, false}) {
    MovePair pair(MovePair::serverSpeaking({EXPLICIT}));
    TransportSettings settings = MovePair::clientSpeaking({EXPLICIT});
    settings.clientMigration.announcementLifetime = 20s;
    settings.idleTimeout = 0s;
    pair.begin(settings);
    pair.prepare(EXPLICIT, kSecond);
    pair.runFor(200ms);
    ASSERT_EQ(pair.follower().migrationState(), ServerMigrationClient::State::Announced);
    pair.now += 19s;
    if (isTold) pair.client.connections().onResumed(pair.now, 19s);
    pair.runFor(2s);
    EXPECT_EQ(pair.follower().migrationState(),
              isTold ? ServerMigrationClient::State::Announced : ServerMigrationClient::State::Idle);
  }
}

// What was overdue is due once: no burst of timeouts, no loss of what the peer has had all the time.
TEST(MigrationThaw, OverdueTimersFireOnce) {
  MovePair pair;
  pair.begin({});
  pair.request(100'000);
  pair.runFor(15ms);
  pair.isServerUp = false;
  pair.runFor(5s);
  pair.sent.clear();
  pair.serverClockAhead = 10min;
  pair.thawServer(10min + 5s);
  pair.pump();
  EXPECT_LE(pair.moving().stats().ptoCount, 1u);
  pair.runFor(5s);
  EXPECT_TRUE(pair.isAllAnswered());
}

}  // namespace
}  // namespace quic::test
