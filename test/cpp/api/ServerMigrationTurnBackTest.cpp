// A client that has followed a symmetric server, cannot prove the new address in time and turns back to where nobody is any
// more: whoever waits there for the server's next word is found again.
#include <gtest/gtest.h>

#include <utility>

#include "cpp/api/MovePair.h"

namespace quic::test {
namespace {

using enum ServerMigrationProtocol;

const SocketAddress kSecond = SocketAddress::v4({10, 0, 0, 2}, 4433);

/// What answers a challenge fills its datagram (RFC 9000 §8.2.2).
bool mayHoldAnAnswer(const SentDatagram& datagram) { return !datagram.toServer && datagram.bytes.size() >= 1200; }

// covers SM-88
TEST(ServerMoveTurnBack, AServerSpeaksUntilItsClientIsKnownToBeThere) {
  for (const ServerMigrationProtocol protocol : {SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    MovePair pair(MovePair::serverSpeaking({protocol}));
    pair.begin(MovePair::clientSpeaking({protocol}));
    pair.prepare(protocol);
    pair.runFor(200ms);
    bool isFirstWord = true;  // of a server with nothing else to say: it fills its datagram too
    pair.isLost = [&](const SentDatagram& datagram) {
      return mayHoldAnAnswer(datagram) && !std::exchange(isFirstWord, false);
    };
    pair.moveTo(kSecond);
    for (int i = 0; i < 100 && pair.follower().stats().migration.reverted == 0; ++i) pair.runFor(100ms);
    ASSERT_EQ(pair.follower().stats().migration.reverted, 1u);
    ASSERT_EQ(pair.follower().activePath().peer, kServerAddress);
    pair.isLost = nullptr;
    pair.runFor(10s);
    EXPECT_EQ(pair.follower().activePath().peer, kSecond);
    EXPECT_EQ(pair.moving().stats().migration.completed, 1u);
    const size_t before = pair.sent.size();
    pair.runFor(10s);
    EXPECT_EQ(pair.sent.size(), before) << "once it is known to be there, nothing more is said";
  }
}

// covers SM-88
TEST(ServerMoveTurnBack, ACancelledMoveIsSpokenOfNoMore) {
  MovePair pair(MovePair::serverSpeaking({SYMMETRIC}));
  pair.begin(MovePair::clientSpeaking({SYMMETRIC}));
  pair.prepare(SYMMETRIC);
  pair.runFor(200ms);
  bool isFirstWord = true;
  pair.isLost = [&](const SentDatagram& datagram) {
    return mayHoldAnAnswer(datagram) && !std::exchange(isFirstWord, false);
  };
  pair.moveTo(kSecond);
  pair.runFor(2s);
  ASSERT_EQ(pair.moving().migrationState(), ServerMigrationServer::State::Switching);
  pair.moving().cancelServerMigration();
  pair.runFor(5s);
  const size_t before = pair.sent.size();
  pair.runFor(10s);
  for (size_t i = before; i < pair.sent.size(); ++i) EXPECT_TRUE(pair.sent[i].toServer);
}

}  // namespace
}  // namespace quic::test
