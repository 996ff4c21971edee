// Moves of a server from end to end in memory: every protocol, one after another, there and back, while the client moves too.
// Requirements SM-nn are those of servermigration/README.md.
#include <gtest/gtest.h>

#include "cpp/api/MovePair.h"

namespace quic::test {
namespace {

using enum ServerMigrationProtocol;
using Names = std::vector<std::string>;

const SocketAddress kSecond = SocketAddress::v4({10, 0, 0, 2}, 4433);
const SocketAddress kThirdPlace = SocketAddress::v4({10, 0, 0, 3}, 4433);
const SocketAddress kOtherPort = SocketAddress::v4({10, 0, 0, 1}, 5544);
const SocketAddress kElsewhere = SocketAddress::v4({10, 0, 9, 9}, 9999);
const SocketAddress kClientsSecond = SocketAddress::v4({10, 0, 1, 2}, 5001);

constexpr ServerMigrationProtocols kAllButPool{EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};
constexpr ServerMigrationProtocols kAll{EXPLICIT, POOL_OF_ADDRESSES, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};
const std::vector<SocketAddress> kPool = {kServerAddress, kSecond, kThirdPlace};

struct Kind {
  const char* name;
  ServerMigrationProtocol protocol;
  ExplicitProbing probing = ExplicitProbing::Reactive;
};
const std::vector<Kind> kKinds = {{"reactive", EXPLICIT},
                                  {"proactive", EXPLICIT, ExplicitProbing::Proactive},
                                  {"pool", POOL_OF_ADDRESSES},
                                  {"symmetric", SYMMETRIC},
                                  {"synchronized", SYNCHRONIZED_SYMMETRIC}};

ServerEndpointSettings serverFor(const Kind& kind) {
  const bool isPool = kind.protocol == POOL_OF_ADDRESSES;
  return MovePair::serverSpeaking({kind.protocol}, isPool ? kPool : std::vector<SocketAddress>{});
}

TransportSettings clientFor(const Kind& kind) { return MovePair::clientSpeaking({kind.protocol}, kind.probing); }

/// Where both ends are, and that nothing is missing.
void expectAt(MovePair& pair, const SocketAddress& address, const std::string& what) {
  ASSERT_NE(pair.client.find(1), nullptr) << what;
  ASSERT_FALSE(pair.follower().isClosing()) << what;
  EXPECT_EQ(pair.follower().activePath().peer, address) << what;
  EXPECT_EQ(pair.moving().activePath().local, address) << what;
  EXPECT_EQ(pair.moving().migrationState(), ServerMigrationServer::State::Idle) << what;
  EXPECT_EQ(pair.follower().migrationState(), ServerMigrationClient::State::Idle) << what;
  EXPECT_TRUE(pair.isAllAnswered()) << what;
}

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

// ---------------------------------------------------------------- while the client moves too

// Its new socket first, then the server's: each finds the other.
TEST(ServerMove, AClientThatReplacesItsSocketWhileItIsToldFollows) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.begin(clientFor(kind));
    pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(5ms);  // the announcement is under way
    ASSERT_TRUE(pair.follower().rebind(pair.now, kClientsSecond).hasValue());
    pair.client.touch(1);
    pair.clientAt = kClientsSecond;
    pair.request();
    pair.runFor(500ms);
    pair.moveTo(kSecond);
    pair.runFor(3s);
    expectAt(pair, kSecond, kind.name);
    EXPECT_EQ(pair.moving().activePath().peer, kClientsSecond) << kind.name;
  }
}

// Both at the same instant: neither hears the other where it was. A symmetric server cannot know where its client went, and
// the client not where the server did: that is the limit of those protocols.
TEST(ServerMove, BothEndsMoveAtTheSameInstant) {
  for (const Kind& kind : kKinds) {
    if (kind.protocol != EXPLICIT && kind.protocol != POOL_OF_ADDRESSES) continue;
    MovePair pair(serverFor(kind));
    pair.begin(clientFor(kind));
    pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(100ms);
    pair.moveTo(kSecond);
    ASSERT_TRUE(pair.follower().rebind(pair.now, kClientsSecond).hasValue());
    pair.client.touch(1);
    pair.clientAt = kClientsSecond;
    pair.request(30'000);
    pair.runFor(5s);
    expectAt(pair, kSecond, kind.name);
    EXPECT_EQ(pair.follower().activePath().local, kClientsSecond) << kind.name;
    EXPECT_EQ(pair.heard<migration::Completed>(pair.serverEvents).size(), 1u)
        << kind.name << ": the server hears of it";
  }
}

// covers SM-91: the client was probing when its own socket went: the probe goes on from the new one.
TEST(ServerMove, AnOpenProbeMovesWithTheClient) {
  MovePair pair(MovePair::serverSpeaking({EXPLICIT}));
  pair.begin(MovePair::clientSpeaking({EXPLICIT}));
  pair.prepare(EXPLICIT, kSecond);
  pair.runFor(100ms);
  pair.isServerUp = false;
  pair.request();
  pair.runFor(500ms);
  ASSERT_EQ(pair.follower().migrationState(), ServerMigrationClient::State::Probing);
  ASSERT_TRUE(pair.follower().rebind(pair.now, kClientsSecond).hasValue());
  pair.client.touch(1);
  pair.clientAt = kClientsSecond;
  pair.sent.clear();
  pair.runFor(300ms);
  size_t probes = 0;
  for (const SentDatagram& datagram : pair.sent) {
    if (datagram.path.peer != kSecond) continue;
    EXPECT_EQ(datagram.path.local, kClientsSecond);
    ++probes;
  }
  EXPECT_GE(probes, 1u);
  pair.moveTo(kSecond);
  pair.runFor(2s);
  expectAt(pair, kSecond, "probe");
}

// covers SM-91: a careful move of the client (probed first) is under way when the server goes.
TEST(ServerMove, AClientsOwnMoveGoesOnTowardsTheNewAddress) {
  for (const Kind& kind : kKinds) {
    if (kind.protocol != EXPLICIT && kind.protocol != POOL_OF_ADDRESSES) continue;
    MovePair pair(serverFor(kind));
    pair.begin(clientFor(kind));
    pair.alsoClientAt = {kClientsSecond};
    pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(100ms);
    pair.moveTo(kSecond);
    ASSERT_TRUE(pair.follower().migrate(pair.now, kClientsSecond).hasValue());
    pair.client.touch(1);
    pair.request();
    pair.runFor(5s);
    expectAt(pair, kSecond, kind.name);
    EXPECT_EQ(pair.follower().activePath().local, kClientsSecond) << kind.name;
    EXPECT_EQ(EndpointPair::count<PathFailed>(pair.clientEvents), 0u) << kind.name;
  }
}

// A symmetric move is being validated when the client's own socket goes.
TEST(ServerMove, ASymmetricMoveIsCompletedFromTheClientsNewSocket) {
  MovePair pair(MovePair::serverSpeaking({SYMMETRIC}));
  pair.begin(MovePair::clientSpeaking({SYMMETRIC}));
  pair.prepare(SYMMETRIC);
  pair.moveTo(kSecond);
  pair.runFor(11ms);
  ASSERT_EQ(pair.follower().migrationState(), ServerMigrationClient::State::Validating);
  ASSERT_TRUE(pair.follower().rebind(pair.now, kClientsSecond).hasValue());
  pair.client.touch(1);
  pair.clientAt = kClientsSecond;
  pair.request();
  pair.runFor(5s);
  expectAt(pair, kSecond, "symmetric");
}

// ---------------------------------------------------------------- preparation

// covers SM-90: whoever is still shaking hands is not left behind for that
TEST(ServerMove, APreparationDuringTheHandshakeWaitsForIt) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.handshakes.options.certificateSize = 3000;
    pair.connect(clientFor(kind));
    pair.runFor(15ms);
    pair.server.connections().forEach([&](ConnectionHandle each, QuicTransportBase&) { pair.handle = each; });
    ASSERT_FALSE(pair.moving().isHandshakeConfirmed()) << kind.name;
    pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(500ms);
    EXPECT_EQ(pair.moving().migrationState(), ServerMigrationServer::State::Ready) << kind.name;
    pair.request();
    pair.moveTo(kSecond);
    pair.runFor(3s);
    expectAt(pair, kSecond, kind.name);
  }
}

TEST(ServerMove, ACancelledPreparationDuringTheHandshakeIsForgotten) {
  MovePair pair(MovePair::serverSpeaking({EXPLICIT}));
  pair.connect(MovePair::clientSpeaking({EXPLICIT}));
  pair.runFor(15ms);
  pair.server.connections().forEach([&](ConnectionHandle each, QuicTransportBase&) { pair.handle = each; });
  pair.prepare(EXPLICIT, kSecond);
  pair.moving().cancelServerMigration();
  pair.runFor(500ms);
  EXPECT_TRUE(pair.serverMoves().empty());
  EXPECT_TRUE(pair.clientMoves().empty());
}

// covers SM-55, SM-85
TEST(ServerMove, AnAnnouncementThatCameTooLateIsNotSentFromTheNewAddress) {
  MovePair pair(MovePair::serverSpeaking({EXPLICIT}));
  pair.begin(MovePair::clientSpeaking({EXPLICIT}));
  pair.isLost = [](const SentDatagram& datagram) { return !datagram.toServer; };
  pair.prepare(EXPLICIT, kSecond);
  pair.runFor(5ms);
  pair.moveTo(kSecond);
  pair.isLost = nullptr;
  pair.runFor(1s);
  EXPECT_EQ(pair.serverMoves(), (Names{"failed"}));
  EXPECT_TRUE(pair.clientMoves().empty()) << "it cannot hear the server any more, and was told nothing";
}

// covers SM-58
TEST(ServerMove, ACancelledMoveMayBeMadeAgainToTheSameAddress) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.begin(clientFor(kind));
    const auto target = kind.protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt;
    pair.prepare(kind.protocol, target);
    pair.runFor(100ms);
    pair.moving().cancelServerMigration();
    pair.request();
    pair.runFor(2s);
    EXPECT_EQ(pair.follower().activePath().peer, kServerAddress) << kind.name;
    pair.prepare(kind.protocol, target);
    pair.runFor(100ms);
    pair.request();
    pair.moveTo(kSecond);
    pair.runFor(3s);
    expectAt(pair, kSecond, kind.name);
  }
}

// ---------------------------------------------------------------- what the wire does

// covers SM-86. BUG 9: a client that asks before the move has not moved
TEST(ServerMove, AnswersFromBeforeTheSwitchCompleteNothing) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.serverMigration = {EXPLICIT};
  settings.parameters.serverMigrationSuite = static_cast<uint64_t>(EXPLICIT);
  MisbehavingPeer peer(settings);
  peer.connect();
  peer.server().onImminentServerMigration(peer.now(), EXPLICIT, QuicIPAddress::from(kSecond));
  peer.poll();
  peer.ackEverything(EncryptionLevel::OneRtt);
  ASSERT_EQ(peer.server().migrationState(), ServerMigrationServer::State::Ready);
  peer.send(FrameBytes().add(PathChallengeFrame{{1}}));
  ASSERT_EQ(peer.all<PathResponseFrame>().size(), 1u);
  peer.server().onNetworkSwitch(peer.now(), kSecond);
  peer.poll();
  peer.ackEverything(EncryptionLevel::OneRtt);  // the answer from the old address among the rest
  peer.advance(100ms);
  EXPECT_EQ(peer.server().migrationState(), ServerMigrationServer::State::Switching);
  const FourTuple moved{kSecond, peer.path().peer};
  peer.sendFrom(moved, FrameBytes().add(PathChallengeFrame{{2}}).add(PingFrame{}));
  ASSERT_EQ(peer.all<PathResponseFrame>().size(), 2u);
  EXPECT_EQ(peer.server().migrationState(), ServerMigrationServer::State::Switching);
  peer.deliver(peer.seal(EncryptionLevel::OneRtt, FrameBytes().ack(0, peer.heard.back().number)), moved);
  EXPECT_EQ(peer.server().migrationState(), ServerMigrationServer::State::Idle);
}

// covers SM-57, SM-86. Nobody has to acknowledge what it has not told in time (RFC 9000 §13.2.4).
TEST(ServerMove, IsOverWhenTheClientGivesUpAtTheNewAddressTheIdItUsedBefore) {
  for (const bool isThere : {true, false}) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.serverMigration = {SYMMETRIC};
    settings.parameters.serverMigrationSuite = static_cast<uint64_t>(SYMMETRIC);
    MisbehavingPeer peer(settings);
    peer.connect();
    const auto ids = peer.all<NewConnectionIdFrame>();
    ASSERT_GE(ids.size(), 2u);
    const auto say = [&](const FrameBytes& frames, size_t id, const SocketAddress& to) {
      const FourTuple path{to, peer.path().peer};
      peer.deliver(peer.seal(EncryptionLevel::OneRtt, frames, {.destinationId = ids[id].id}), path);
    };
    say(FrameBytes().add(RetireConnectionIdFrame{0}), 0, peer.path().local);
    peer.server().onImminentServerMigration(peer.now(), SYMMETRIC, std::nullopt);
    peer.server().onNetworkSwitch(peer.now(), kSecond);
    peer.poll();
    say(FrameBytes().add(PathChallengeFrame{{2}}).add(PingFrame{}), 1, kSecond);
    ASSERT_EQ(peer.all<PathResponseFrame>().size(), 1u);
    ASSERT_EQ(peer.server().migrationState(), ServerMigrationServer::State::Switching);
    const FrameBytes retire = FrameBytes().add(RetireConnectionIdFrame{ids[0].sequence});
    say(retire, 1, isThere ? kSecond : peer.path().local);
    EXPECT_EQ(peer.server().stats().migration.completed, isThere ? 1u : 0u);
  }
}

// BUG 10
TEST(ServerMove, ALostAnswerToAChallengeIsNothing) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    pair.begin(clientFor(kind));
    pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(100ms);
    int lost = 0;  // full datagrams from the new address: answers to challenges
    pair.isLost = [&](const SentDatagram& datagram) {
      const bool isAnswer = !datagram.toServer && datagram.path.local == kSecond && datagram.bytes.size() >= 1200;
      return isAnswer && lost++ < 3;
    };
    pair.moveTo(kSecond);
    pair.request(100);
    pair.runFor(5s);
    EXPECT_GE(lost, 2) << kind.name;
    expectAt(pair, kSecond, kind.name);
  }
}

// BUG 13: a copy with a forged source makes it go, the true server makes it come back
TEST(ServerMove, AForgedSourceLeadsNobodyAwayForLong) {
  for (const ServerMigrationProtocol protocol : {SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    MovePair pair(MovePair::serverSpeaking({protocol}));
    pair.begin(MovePair::clientSpeaking({protocol}));
    pair.prepare(protocol);
    pair.runFor(100ms);
    pair.request(20'000);
    pair.runFor(15ms);
    int forged = 0;
    pair.rewriteSource = [&](const SentDatagram& datagram) {
      const bool isForged = !datagram.toServer && forged++ == 3;
      return isForged ? std::optional(kElsewhere) : std::nullopt;
    };
    pair.runFor(5s);
    EXPECT_EQ(pair.follower().activePath().peer, kServerAddress);
    EXPECT_TRUE(pair.isAllAnswered());
    EXPECT_GE(pair.follower().stats().migration.reverted, 1u);
    pair.request(1000);
    pair.moveTo(kSecond);
    pair.runFor(5s);
    expectAt(pair, kSecond, "after the forgery");
  }
}

// covers SM-87. BUG 37
TEST(ServerMove, AConnectionWithoutServerMigrationLeavesFromTheNewSocketToo) {
  MovePair pair;
  pair.begin({});
  pair.moveTo(kSecond);
  pair.sent.clear();
  pair.moving().close(pair.now, TransportErrorCode::CONNECTION_REFUSED, "server migrated: reconnect");
  pair.server.touch(pair.handle);
  pair.runFor(100ms);
  size_t sent = 0;
  for (const SentDatagram& datagram : pair.sent) {
    if (datagram.toServer) continue;
    EXPECT_EQ(datagram.path.local, kSecond);
    ++sent;
  }
  EXPECT_GE(sent, 1u);
}

// covers SM-88: what it says first is lost, and said again
TEST(ServerMove, WhatTheServerSaysFirstIsSaidAgainWhenItIsLost) {
  for (const Kind& kind : kKinds) {
    MovePair pair(serverFor(kind));
    TransportSettings settings = clientFor(kind);
    pair.begin(settings);
    pair.prepare(kind.protocol, kind.protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(100ms);
    int lost = 0;
    pair.isLost = [&](const SentDatagram& datagram) { return datagram.path.local == kSecond && lost++ < 2; };
    pair.moveTo(kSecond);
    pair.runFor(10s);
    expectAt(pair, kSecond, kind.name);
  }
}

// ---------------------------------------------------------------- what is counted
TEST(ServerMove, CountsWhatHappensOnBothEnds) {
  MovePair pair(MovePair::serverSpeaking(kAllButPool));
  pair.begin(MovePair::clientSpeaking(kAllButPool));
  pair.migrate(EXPLICIT, kSecond);
  pair.migrate(SYMMETRIC, kServerAddress);
  pair.prepare(POOL_OF_ADDRESSES);
  const MigrationStats client = pair.follower().stats().migration;
  const MigrationStats server = pair.moving().stats().migration;
  EXPECT_EQ(client.announced, 1u);
  EXPECT_EQ(client.probed, 2u);
  EXPECT_EQ(client.reverted, 0u);
  EXPECT_EQ(client.completed, 2u);
  EXPECT_EQ(client.failed, 0u);
  EXPECT_GT(client.downtime, 0ms);
  EXPECT_LT(client.downtime, 5s) << "of an idle connection it is idle time for the most part";
  EXPECT_EQ(server.announced, 1u);
  EXPECT_EQ(server.completed, 2u);
  EXPECT_EQ(server.failed, 1u);
  EXPECT_EQ(server.downtime, 0ms);
}

TEST(ServerMove, CountsFalseAlarmsAndAnnouncementsThatExpire) {
  MovePair pair(MovePair::serverSpeaking({EXPLICIT}));
  TransportSettings settings = MovePair::clientSpeaking({EXPLICIT});
  settings.clientMigration.announcementLifetime = 5s;
  pair.begin(settings);
  pair.prepare(EXPLICIT, kSecond);
  pair.runFor(100ms);
  pair.isServerUp = false;
  pair.request();
  pair.runFor(300ms);
  pair.isServerUp = true;
  pair.runFor(10s);
  const MigrationStats stats = pair.follower().stats().migration;
  EXPECT_EQ(stats.reverted, 1u);
  EXPECT_EQ(stats.failed, 1u);
  EXPECT_EQ(stats.completed, 0u);
  EXPECT_TRUE(pair.isAllAnswered());
}

}  // namespace
}  // namespace quic::test
