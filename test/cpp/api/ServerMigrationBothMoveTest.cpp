// Moves of a server while its client moves too, and while it prepares. Requirements SM-nn are those of servermigration/README.md.
#include <gtest/gtest.h>

#include "cpp/api/MoveKinds.h"

namespace quic::test {
namespace {

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

}  // namespace
}  // namespace quic::test
