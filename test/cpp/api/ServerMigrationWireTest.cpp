// What the wire does to a move of a server, and what is counted. Requirements SM-nn are those of servermigration/README.md.
#include <gtest/gtest.h>

#include "cpp/api/MigrationPeers.h"
#include "cpp/api/MoveKinds.h"

namespace quic::test {
namespace {

// ---------------------------------------------------------------- what the wire does

// covers SM-86. BUG 9: a client that asks before the move has not moved
TEST(ServerMove, AnswersFromBeforeTheSwitchCompleteNothing) {
  MisbehavingPeer peer(againstMover({EXPLICIT}));
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

/// A client of a symmetric mover that says what it likes, to the ID and from the path that it likes.
struct OutspokenClient {
  MisbehavingPeer peer{againstMover({SYMMETRIC})};
  std::vector<NewConnectionIdFrame> ids;

  OutspokenClient() {
    peer.connect();
    ids = peer.all<NewConnectionIdFrame>();
  }
  void say(const FrameBytes& frames, size_t id, const FourTuple& path) {
    peer.deliver(peer.seal(EncryptionLevel::OneRtt, frames, {.destinationId = ids.at(id).id}), path);
  }
  void sayTo(const SocketAddress& server, size_t id, const FrameBytes& frames) {
    say(frames, id, {server, peer.path().peer});
  }
  void moveServer(const SocketAddress& to) {
    peer.server().onImminentServerMigration(peer.now(), SYMMETRIC, std::nullopt);
    switchServer(to);
  }
  void switchServer(const SocketAddress& to) {
    peer.server().onNetworkSwitch(peer.now(), to);
    peer.poll();
  }
  [[nodiscard]] FrameBytes retirement(size_t id) const {
    return FrameBytes().add(RetireConnectionIdFrame{ids.at(id).sequence});
  }
  void expectAwaited() {
    EXPECT_EQ(peer.server().migrationState(), ServerMigrationServer::State::Switching);
    EXPECT_EQ(peer.server().stats().migration.completed, 0u);
  }
};

// covers SM-57, SM-86. Nobody has to acknowledge what it has not told in time (RFC 9000 §13.2.4).
TEST(ServerMove, IsOverWhenTheClientGivesUpAtTheNewAddressTheIdItUsedBefore) {
  for (const bool isThere : {true, false}) {
    OutspokenClient client;
    const SocketAddress before = client.peer.path().local;
    client.sayTo(before, 0, FrameBytes().add(RetireConnectionIdFrame{0}));
    client.moveServer(kSecond);
    client.sayTo(kSecond, 1, FrameBytes().add(PathChallengeFrame{{2}}).add(PingFrame{}));
    ASSERT_EQ(client.peer.all<PathResponseFrame>().size(), 1u);
    ASSERT_EQ(client.peer.server().migrationState(), ServerMigrationServer::State::Switching);
    client.sayTo(isThere ? kSecond : before, 1, client.retirement(0));
    EXPECT_EQ(client.peer.server().stats().migration.completed, isThere ? 1u : 0u);
  }
}

// covers SM-57. The path that a client leaves for the next address may never have been good.
TEST(ServerMove, IsNotOverWhenTheClientGivesUpTheIdOfAnAddressItNeverProved) {
  OutspokenClient client;
  client.moveServer(kSecond);
  client.sayTo(kSecond, 0, FrameBytes().add(PingFrame{}));
  client.switchServer(kThirdPlace);
  client.sayTo(kThirdPlace, 1, client.retirement(0));
  client.expectAwaited();
}

// covers SM-57, SM-58. Calling a move off does not prove the address either.
TEST(ServerMove, IsNotOverByAnIdOfAMoveThatWasCalledOffAfterItsSwitch) {
  OutspokenClient client;
  client.moveServer(kSecond);
  client.sayTo(kSecond, 0, FrameBytes().add(PingFrame{}));
  client.peer.server().cancelServerMigration();
  client.moveServer(kThirdPlace);
  client.sayTo(kThirdPlace, 1, client.retirement(0));
  client.expectAwaited();
}

// covers SM-57. A client on the move gives up what it used at its old address, whatever it knows of the server's new one.
TEST(ServerMove, IsNotOverWhenTheClientGivesUpItsIdForAMoveOfItsOwn) {
  const FourTuple elsewhere{kSecond, SocketAddress::v4({203, 0, 113, 77}, 4433)};
  for (const bool isBack : {false, true}) {
    OutspokenClient client;
    client.sayTo(client.peer.path().local, 0, FrameBytes().add(PingFrame{}));
    client.moveServer(kSecond);
    client.say(FrameBytes().add(PingFrame{}), 1, elsewhere);
    if (isBack) client.sayTo(kSecond, 2, FrameBytes().add(PingFrame{}));
    client.say(client.retirement(0), isBack ? 2 : 1, isBack ? FourTuple{kSecond, client.peer.path().peer} : elsewhere);
    client.expectAwaited();
  }
}

// covers SM-57. Nor has it, in the middle of such a move, proved the path that the server's move takes from it.
TEST(ServerMove, IsNotOverWhenTheClientGivesUpTheIdOfAMoveThatTheServerOvertook) {
  OutspokenClient client;
  const SocketAddress elsewhere = SocketAddress::v4({203, 0, 113, 77}, 4433);
  client.say(FrameBytes().add(PingFrame{}), 1, {client.peer.path().local, elsewhere});
  client.moveServer(kSecond);
  client.say(client.retirement(1), 2, {kSecond, elsewhere});
  client.expectAwaited();
}

// covers SM-57. It may come from there in the very packet that says so first.
TEST(ServerMove, IsNotOverByTheFirstPacketFromAnotherAddressOfTheClient) {
  const FourTuple elsewhere{kSecond, SocketAddress::v4({203, 0, 113, 77}, 4433)};
  OutspokenClient client;
  client.sayTo(client.peer.path().local, 0, FrameBytes().add(PingFrame{}));
  client.moveServer(kSecond);
  client.say(client.retirement(0), 1, elsewhere);
  client.expectAwaited();
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
