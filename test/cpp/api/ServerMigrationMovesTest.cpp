// Moves of a server from end to end in memory: every protocol, one after another, there and back.
// Requirements SM-nn are those of servermigration/README.md.
#include <gtest/gtest.h>

#include "cpp/api/MoveKinds.h"

namespace quic::test {
namespace {

// covers SM-20, SM-30, SM-41, SM-57
TEST(ServerMove, AnIdleConnectionOfEveryKindArrives) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.begin(clientFor(kind));
    pair.migrate(kind.protocol, kSecond);
    expectAt(pair, kSecond, kind.name);
    EXPECT_EQ(pair.heard<migration::Completed>(pair.clientEvents).size(), 1u) << kind.name;
    EXPECT_EQ(pair.heard<migration::Completed>(pair.serverEvents).size(), 1u) << kind.name;
    pair.request();
    pair.runFor(200ms);
    EXPECT_TRUE(pair.isAllAnswered()) << kind.name;
  }
}

TEST(ServerMove, ABusyConnectionOfEveryKindLosesNothingAcrossManyMoves) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.begin(clientFor(kind));
    const std::vector<SocketAddress> places = {kSecond, kThirdPlace,    kServerAddress,
                                               kSecond, kServerAddress, kThirdPlace};
    for (const SocketAddress& place : places) {
      pair.request(200'000);
      pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(place) : std::nullopt);
      pair.runFor(100ms);
      pair.request(50'000);
      pair.runFor(15ms);
      pair.moveTo(place);
      pair.request(2'000);
      pair.runFor(3s);
      expectAt(pair, place, kind.name);
    }
    EXPECT_EQ(pair.follower().stats().migration.completed, places.size()) << kind.name;
    EXPECT_EQ(pair.moving().stats().migration.completed, places.size()) << kind.name;
  }
}

// The server is off the network for a while.
TEST(ServerMove, AFrozenServerOfEveryKindIsFoundWhenItIsBack) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.begin(clientFor(kind));
    pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(100ms);
    pair.isServerUp = false;
    pair.serverAt = kElsewhere;
    pair.request(20'000);
    pair.runFor(8s);
    pair.moveTo(kSecond);
    pair.runFor(8s);
    expectAt(pair, kSecond, kind.name);
  }
}

// covers SM-41, SM-56: a client that is at home in both places still proves each move
TEST(ServerMove, MovesBackBeforeTheOldPathIsForgotten) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.begin(clientFor(kind));
    for (int i = 0; i < 6; ++i) {
      const SocketAddress place = i % 2 == 0 ? kSecond : kServerAddress;
      pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(place) : std::nullopt);
      pair.runFor(60ms);
      pair.moveTo(place);
      pair.request(100);
      pair.runFor(250ms);
      expectAt(pair, place, kind.name);
    }
    EXPECT_EQ(pair.heard<migration::Completed>(pair.serverEvents).size(), 6u) << kind.name;
  }
}

// covers SM-42: a second move while the first is still being validated
TEST(ServerMove, TheNewestAddressWinsWhenASymmetricServerMovesTwice) {
  for (const ServerMigrationProtocol protocol : {SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    MovePair pair(MovePair::serverSpeaking({protocol}));
    pair.begin(MovePair::clientSpeaking({protocol}));
    pair.prepare(protocol);
    pair.runFor(100ms);
    pair.moveTo(kSecond);
    pair.runFor(11ms);  // its word has arrived, the answer has not
    pair.moveTo(kThirdPlace);
    pair.request();
    pair.runFor(3s);
    expectAt(pair, kThirdPlace, "twice");
  }
}

TEST(ServerMove, DifferentProtocolsFollowOneAnotherOnOneConnection) {
  MovePair pair(MovePair::serverSpeaking(kAllButPool));
  pair.begin(MovePair::clientSpeaking(kAllButPool));
  const std::vector<std::pair<ServerMigrationProtocol, SocketAddress>> moves = {
      {EXPLICIT, kSecond},
      {SYMMETRIC, kThirdPlace},
      {SYNCHRONIZED_SYMMETRIC, kServerAddress},
      {SYMMETRIC, kSecond},
      {EXPLICIT, kServerAddress},
      {EXPLICIT, kThirdPlace},
      {SYNCHRONIZED_SYMMETRIC, kSecond},
      {SYNCHRONIZED_SYMMETRIC, kThirdPlace},
      {EXPLICIT, kSecond}};
  uint64_t completed = 0;
  for (const auto& [protocol, place] : moves) {
    pair.request(5000);
    pair.migrate(protocol, place);
    expectAt(pair, place, std::to_string(++completed));
    const auto events = pair.heard<migration::Completed>(pair.clientEvents);
    ASSERT_EQ(events.size(), completed);
    EXPECT_EQ(events.back().protocol, protocol);
    EXPECT_EQ(pair.heard<migration::Completed>(pair.serverEvents).back().protocol, protocol);
  }
}

// covers SM-04, SM-50: whatever else was negotiated
TEST(ServerMove, PoolOfAddressesExcludesAllOthers) {
  MovePair pair(MovePair::serverSpeaking(kAll, kPool));
  pair.begin(MovePair::clientSpeaking(kAll));
  for (const ServerMigrationProtocol protocol : {EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    pair.prepare(protocol, protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(50ms);
    const auto failed = pair.heard<migration::Failed>(pair.serverEvents);
    ASSERT_FALSE(failed.empty());
    EXPECT_EQ(failed.back().error, ServerMigrationError::INVALID_STATE);
  }
  EXPECT_FALSE(pair.follower().isClosing());
  pair.request();
  pair.migrate(POOL_OF_ADDRESSES, kThirdPlace);
  expectAt(pair, kThirdPlace, "pool");
}

// covers SM-04
TEST(ServerMove, AnEmptyPoolCannotMoveAndSaysSo) {
  MovePair pair(MovePair::serverSpeaking({POOL_OF_ADDRESSES, EXPLICIT}));
  pair.begin(MovePair::clientSpeaking({POOL_OF_ADDRESSES, EXPLICIT}));
  pair.prepare(POOL_OF_ADDRESSES);
  pair.runFor(50ms);
  const auto failed = pair.heard<migration::Failed>(pair.serverEvents);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].error, ServerMigrationError::EMPTY_POOL_MIGRATION_ADDRESSES);
  pair.request();
  pair.runFor(1s);
  EXPECT_TRUE(pair.isAllAnswered());
}

// covers SM-59. BUG 47: a move within the pool that nobody was told of
TEST(ServerMove, APoolMoveWithoutPreparationIsCompletedToo) {
  MovePair pair(MovePair::serverSpeaking({POOL_OF_ADDRESSES}, kPool));
  pair.begin(MovePair::clientSpeaking({POOL_OF_ADDRESSES}));
  pair.moveTo(kThirdPlace);
  pair.runFor(2s);
  expectAt(pair, kThirdPlace, "unprepared");
  EXPECT_EQ(pair.heard<migration::Completed>(pair.serverEvents).size(), 1u);
}

// covers SM-38
TEST(ServerMove, APoolIsTriedInTheOrderOfTheApplication) {
  const std::vector<SocketAddress> pool = {SocketAddress::v4({10, 0, 0, 5}, 1), SocketAddress::v4({10, 0, 0, 6}, 1),
                                           SocketAddress::v4({10, 0, 0, 7}, 1), SocketAddress::v4({10, 0, 0, 8}, 1)};
  const auto probedIn = [&](const std::vector<SocketAddress>& order) {
    MovePair pair(MovePair::serverSpeaking({POOL_OF_ADDRESSES}, pool));
    TransportSettings settings = MovePair::clientSpeaking({POOL_OF_ADDRESSES});
    settings.clientMigration.poolOrder = order;
    pair.begin(settings);
    pair.isServerUp = false;
    pair.request();
    pair.runFor(3s);
    std::vector<SocketAddress> probed;
    for (const auto& event : pair.heard<migration::ProbingStarted>(pair.clientEvents)) probed.push_back(event.address);
    if (probed.size() > pool.size()) probed.resize(pool.size());
    return probed;
  };
  EXPECT_EQ(probedIn({}), pool) << "ascending";
  EXPECT_EQ(probedIn({pool[2], kElsewhere, pool[0]}), (std::vector<SocketAddress>{pool[2], pool[0], pool[1], pool[3]}));
  EXPECT_EQ(probedIn({pool[3], pool[2], pool[1], pool[0]}),
            (std::vector<SocketAddress>{pool[3], pool[2], pool[1], pool[0]}));
}

// covers SM-82: a candidate farther away than a timeout of the old path
TEST(ServerMove, AFarCandidateOfAPoolIsFoundInALaterRound) {
  MovePair pair(MovePair::serverSpeaking({POOL_OF_ADDRESSES}, kPool));
  pair.delay = 1ms;
  pair.begin(MovePair::clientSpeaking({POOL_OF_ADDRESSES}));
  pair.request();
  pair.runFor(500ms);
  pair.prepare(POOL_OF_ADDRESSES);
  pair.runFor(100ms);
  pair.delay = 100ms;
  pair.isLost = [](const SentDatagram& datagram) { return !datagram.toServer && datagram.bytes.size() < 1200; };
  pair.moveTo(kSecond);  // what it says first is lost: the search is the client's
  pair.request();
  pair.runFor(1s);
  pair.isLost = nullptr;
  pair.runFor(30s);
  expectAt(pair, kSecond, "far");
}

// covers SM-83: satellites
TEST(ServerMove, ALongWayIsNoObstacle) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.delay = 400ms;
    pair.begin(clientFor(kind));
    pair.request(2000);
    pair.runFor(3s);
    pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(3s);
    pair.request(2000);
    pair.moveTo(kSecond);
    pair.runFor(20s);
    expectAt(pair, kSecond, kind.name);
  }
}

// BUG 51: new data never postpones the search
TEST(ServerMove, SteadySendingDoesNotStarveTheSearch) {
  MovePair pair(MovePair::serverSpeaking({POOL_OF_ADDRESSES}, kPool));
  pair.begin(MovePair::clientSpeaking({POOL_OF_ADDRESSES}));
  pair.isServerUp = false;
  for (int i = 0; i < 100; ++i) {
    pair.request(100);
    pair.runFor(5ms);
  }
  EXPECT_GE(pair.heard<migration::ProbingStarted>(pair.clientEvents).size(), 2u);
  pair.moveTo(kThirdPlace);
  pair.runFor(3s);
  expectAt(pair, kThirdPlace, "steady");
}

TEST(ServerMove, AnotherPortOfTheSameHostAndAnotherHostWithTheSamePort) {
  for (const Kind& kind : kKinds) {
    for (const SocketAddress& place : {kOtherPort, kSecond}) {
      ServerEndpointSettings settings = serverFor(kind);
      if (kind.protocol == POOL_OF_ADDRESSES) settings.transport.migrationPool = {QuicIPAddress::from(place)};
      MovePair pair(settings);
      pair.begin(clientFor(kind));
      pair.request();
      pair.migrate(kind.protocol, place);
      expectAt(pair, place, kind.name);
    }
  }
}

// covers SM-07: each client reads the half of its family
TEST(ServerMove, ADualStackAnnouncementServesBothFamilies) {
  const SocketAddress six = *SocketAddress::parse("[2001:db8::1]:4433");
  const SocketAddress sixSecond = *SocketAddress::parse("[2001:db8::2]:4434");
  QuicIPAddress both = QuicIPAddress::from(kSecond);
  both.ipv6 = QuicIPAddress::from(sixSecond).ipv6;
  both.ipv6Port = sixSecond.port();
  for (const bool isV6 : {false, true}) {
    for (const ServerMigrationProtocol protocol : {EXPLICIT, POOL_OF_ADDRESSES}) {
      ServerEndpointSettings settings = MovePair::serverSpeaking({protocol});
      if (protocol == POOL_OF_ADDRESSES) settings.transport.migrationPool = {both};
      MovePair pair(settings);
      if (isV6) {
        pair.serverAt = six;
        pair.clientAt = *SocketAddress::parse("[2001:db8::c]:5000");
      }
      pair.begin(MovePair::clientSpeaking({protocol}));
      pair.announce(protocol, protocol == EXPLICIT ? std::optional(both) : std::nullopt);
      pair.runFor(100ms);
      EXPECT_EQ(pair.moving().migrationState(), ServerMigrationServer::State::Ready);
      pair.request();
      pair.moveTo(isV6 ? sixSecond : kSecond);
      pair.runFor(2s);
      expectAt(pair, isV6 ? sixSecond : kSecond, isV6 ? "IPv6" : "IPv4");
    }
  }
}

// The socket is a wildcard and is kept; the machine has another address now.
TEST(ServerMove, AWildcardSocketIsKeptWhileTheNetworkMoves) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.begin(clientFor(kind));
    pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(100ms);
    pair.serverAt = kSecond;
    // The kernel chooses the source address.
    pair.rewriteSource = [](const SentDatagram& datagram) {
      return datagram.path.local.isUnspecified() ? std::optional(kSecond) : std::nullopt;
    };
    pair.moving().onNetworkSwitch(pair.now, SocketAddress::v4({0, 0, 0, 0}, 4433));
    pair.server.touch(pair.handle);
    pair.request();
    pair.runFor(3s);
    expectAt(pair, kSecond, kind.name);
  }
}

}  // namespace
}  // namespace quic::test
