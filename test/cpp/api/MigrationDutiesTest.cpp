// What the engine owes the tables of server migration (section of that name in cpp/quic/servermigration/README.md), seen from
// the wire: a client of ours against a server that is played.
#include <gtest/gtest.h>

#include <set>

#include "cpp/api/MigrationPeers.h"

namespace quic::test {
namespace {

using enum ServerMigrationProtocol;
using Protocols = ServerMigrationProtocols;
using namespace migrationtesting;

constexpr EncryptionLevel k1 = EncryptionLevel::OneRtt;
const SocketAddress kNewHome = SocketAddress::v4({10, 0, 0, 2}, 4433);
const SocketAddress kElsewhere = SocketAddress::v4({10, 0, 0, 3}, 4433);

ServerMigrationFrame to(const SocketAddress& address) { return {QuicIPAddress::from(address)}; }

/// The place of the first packet with such a frame, among all that were heard; as many as there are when there is none.
template <class Frame>
size_t placeOf(const MisbehavingPeer& peer) {
  size_t place = 0;
  for (; place < peer.heard.size(); ++place) {
    ByteReader reader(peer.heard[place].payload);
    while (!reader.atEnd()) {
      const auto frame = parseFrame(reader);
      if (!frame) break;
      if (std::holds_alternative<Frame>(*frame)) return place;
    }
  }
  return place;
}

TEST(MigrationDuties, APacketNumberIsKnownBeforeWhatThePacketSays) {
  // covers SM-11, SM-80
  MisbehavingPeer peer(againstFollower({EXPLICIT}));
  peer.connect();
  const PacketNum next = peer.nextNumber(k1);
  peer.send(k1, FrameBytes().add(to(kNewHome)), {.number = next + 1});
  peer.send(k1, FrameBytes().add(to(kElsewhere)), {.number = next});  // what was said before that, and comes late
  EXPECT_EQ(told(peer), "announced");
  EXPECT_FALSE(peer.end().isClosing());
  peer.send(FrameBytes().add(to(kElsewhere)));
  EXPECT_TRUE(peer.end().isClosing()) << "in a newer packet it is a second announcement";
}

TEST(MigrationDuties, PacketsOfTheHandshakeMoveNobody) {
  // covers SM-80
  for (const bool isFirst : {false, true}) {
    MisbehavingPeer peer(againstFollower({SYMMETRIC}));
    peer.begin();
    if (!isFirst) {
      peer.send(EncryptionLevel::Initial, peer.helloFrames());
    }
    const EncryptionLevel level = isFirst ? EncryptionLevel::Initial : EncryptionLevel::Handshake;
    const FrameBytes ping = FrameBytes().add(PingFrame{}).padding(isFirst ? 1100 : 20);
    peer.deliver(peer.seal(level, ping), {peer.path().local, kNewHome});
    EXPECT_EQ(peer.end().activePath().peer, peer.path().peer);
    EXPECT_EQ(told(peer), "");
    EXPECT_FALSE(peer.bytesTo.contains(kNewHome));
  }
}

TEST(MigrationDuties, AProactiveClientProbesWhenItsAcknowledgmentHasLeftAndNotBefore) {
  // covers SM-22, SM-84
  MisbehavingPeer peer(againstFollower({EXPLICIT}, ExplicitProbing::Proactive));
  peer.connect();
  peer.forget();
  const PacketNum number = peer.nextNumber(k1);
  peer.send(FrameBytes().add(to(kNewHome)));
  const bool hasLeft = peer.hasAcked(k1, number);
  EXPECT_EQ(peer.bytesTo.contains(kNewHome), hasLeft);
  peer.advance(60ms);
  ASSERT_TRUE(peer.hasAcked(k1, number));
  ASSERT_LT(placeOf<PathChallengeFrame>(peer), peer.heard.size());
  const HeardPacket& acknowledging = peer.heard[placeOf<AckFrame>(peer)];
  EXPECT_LT(placeOf<AckFrame>(peer), placeOf<PathChallengeFrame>(peer));
  EXPECT_EQ(acknowledging.path.peer, peer.path().peer) << "the server is there still, and waits for it";
  EXPECT_EQ(peer.heard[placeOf<PathChallengeFrame>(peer)].path.peer, kNewHome);
}

TEST(MigrationDuties, DatagramsFromElsewhereAreNotEvenOpened) {
  // covers SM-81
  MisbehavingPeer peer(againstFollower({EXPLICIT}));
  peer.connect();
  const PacketNum number = peer.nextNumber(k1);
  peer.deliver(peer.seal(k1, FrameBytes().hex("3f")), {peer.path().local, kElsewhere});  // would be fatal, and
  peer.deliver(peer.seal(k1, FrameBytes().add(PingFrame{}), {.number = number}));        // the number is still free
  peer.advance(30ms);
  EXPECT_TRUE(peer.hasAcked(k1, number));
  EXPECT_FALSE(peer.end().isClosing());
}

TEST(MigrationDuties, NewDataPostponesNoSearch) {
  // covers SM-82
  MisbehavingPeer peer(againstFollower({EXPLICIT}));
  peer.connect();
  peer.send(FrameBytes().add(to(kNewHome)));
  peer.advance(30ms);
  peer.forget();
  const auto id = peer.end().openStream(true);
  ASSERT_TRUE(id);
  for (int i = 0; i < 100 && told(peer) == "announced"; ++i) {
    ASSERT_TRUE(peer.end().writeStream(*id, OwnedBytes::copyOf(ByteVector(10)), false));
    peer.poll();
    peer.advance(5ms);  // far less than a probe timeout
  }
  EXPECT_EQ(told(peer).substr(0, 18), "announced, probing");
}

TEST(MigrationDuties, ChallengesAreRepeatedWithFreshDataInFullDatagramsAndNothingElseUntilTheyAreGivenUp) {
  // covers SM-83
  MisbehavingPeer peer(againstFollower({EXPLICIT}, ExplicitProbing::Manual));
  peer.connect();
  peer.send(FrameBytes().add(to(kNewHome)));
  peer.advance(30ms);
  peer.forget();
  ASSERT_TRUE(static_cast<QuicClientTransport&>(peer.end()).startProbing(peer.now()));
  peer.poll();
  peer.advance(10s);
  std::set<PathData> challenges;
  size_t sent = 0;
  for (const HeardPacket& packet : peer.heard) {
    if (packet.path.peer != kNewHome) continue;
    ++sent;
    EXPECT_GE(packet.datagramSize, kMinInitialDatagramSize);
    ByteReader reader(packet.payload);
    while (!reader.atEnd()) {
      const auto frame = parseFrame(reader);
      ASSERT_TRUE(frame);
      const auto* challenge = std::get_if<PathChallengeFrame>(&*frame);
      EXPECT_TRUE(challenge != nullptr || std::holds_alternative<PaddingFrame>(*frame) ||
                  std::holds_alternative<AckFrame>(*frame));
      if (challenge != nullptr) challenges.insert(challenge->data);
    }
  }
  EXPECT_GE(sent, 3u);
  EXPECT_EQ(challenges.size(), sent);
  EXPECT_EQ(static_cast<QuicClientTransport&>(peer.end()).migrationState(), ServerMigrationClient::State::Announced);
}

// A server that was frozen, and goes on elsewhere, acknowledges there what came before.
TEST(MigrationDuties, AnAcknowledgmentFromElsewhereIsNoRoundTripOfThePathThatThePacketTook) {
  // covers RFC 9000 §9.4
  for (const bool isElsewhere : {true, false}) {
    MisbehavingPeer peer(againstFollower({POOL_OF_ADDRESSES}));
    peer.connect();
    peer.send(FrameBytes().add(PoolMigrationAddressFrame{QuicIPAddress::from(kNewHome)}));
    const auto id = peer.end().openStream(true);
    ASSERT_TRUE(id);
    ASSERT_TRUE(peer.end().writeStream(*id, OwnedBytes::copyOf(ByteVector(10)), false));
    peer.poll();
    const PacketNum number = peer.heard.back().number;
    const Duration before = peer.end().stats().smoothedRtt;
    peer.advance(10s);
    const FourTuple path = isElsewhere ? FourTuple{peer.path().local, kNewHome} : peer.path();
    peer.deliver(peer.seal(k1, FrameBytes().ack(0, number)), path);
    if (isElsewhere) {
      EXPECT_EQ(peer.end().stats().smoothedRtt, before);
    } else {
      EXPECT_GT(peer.end().stats().smoothedRtt, before);
    }
  }
}

TEST(MigrationDuties, AnswersFromBeforeTheSwitchCompleteNothing) {
  // covers SM-86
  MisbehavingPeer peer(againstMover({SYMMETRIC}));
  peer.connect();
  peer.server().onImminentServerMigration(peer.now(), SYMMETRIC, std::nullopt);
  peer.send(FrameBytes().add(PathChallengeFrame{{1, 2, 3}}).add(PingFrame{}));
  ASSERT_FALSE(peer.all<PathResponseFrame>().empty());
  const PacketNum answered = peer.heard.back().number;
  peer.server().onNetworkSwitch(peer.now(), kNewHome);
  peer.poll();
  peer.sendFrom({kNewHome, peer.path().peer}, FrameBytes().ack(0, answered));
  EXPECT_EQ(told(peer), "ready");
  EXPECT_EQ(peer.server().migrationState(), ServerMigrationServer::State::Switching);
}

}  // namespace
}  // namespace quic::test
