// Peers that lie about where they are, or want us to send to somebody else: the project's security cases, T-18, X16 and the
// B rows about addresses. Counted, never timed.
#include <gtest/gtest.h>

#include "cpp/api/PeerRows.h"
#include "quic/codec/FrameTraits.h"

namespace quic::test {
namespace {

// T-18, B01. covers RFC 9000 §8.1
TEST(PathAttack, AServerSendsNoMoreThanThreeTimesWhatItReceivedBeforeValidation) {
  for (const size_t certificate : {100u, 3000u, 20000u}) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.handshake.certificateSize = certificate;
    MisbehavingPeer peer(settings);
    peer.begin();
    EXPECT_LE(peer.bytesHeard, 3600u) << certificate;
    peer.advance(4s);
    EXPECT_LE(peer.bytesHeard, 3600u) << certificate;
    uint64_t given = 1200;
    for (int i = 0; i < 3; ++i) {
      peer.send(kI, hex("01"));
      given += 1200;
      peer.advance(500ms);
      EXPECT_LE(peer.bytesHeard, 3 * given) << certificate;
    }
    EXPECT_LE(peer.wakes, 60u);
    peer.advance(30s);
    EXPECT_TRUE(peer.end().isDrained());
  }
}

bool elicitsAck(const HeardPacket& packet) {
  ByteReader reader(packet.payload);
  while (!reader.atEnd()) {
    const auto frame = parseFrame(reader);
    if (!frame) return false;
    if (frameTraits(*frame).ackEliciting) return true;
  }
  return false;
}

// covers RFC 9000 §14.1
TEST(PathAttack, AServersInitialFillsItsDatagramOrWaits) {
  for (const size_t datagramSize : {1200u, 1252u, 1300u, 1400u}) {
    for (const size_t certificate : {100u, 1150u, 20000u}) {
      PeerSettings settings = MisbehavingPeer::againstServer();
      settings.handshake.certificateSize = certificate;
      settings.end.datagramSize = datagramSize;
      MisbehavingPeer peer(settings);
      peer.begin();
      for (int i = 0; i < 3; ++i) {
        peer.advance(1500ms);
        peer.send(kI, hex("01"));
      }
      for (const HeardPacket& packet : peer.heard) {
        if (packet.level != kI || !elicitsAck(packet)) continue;
        EXPECT_GE(packet.datagramSize, 1200u) << datagramSize << " " << certificate;
      }
    }
  }
}

// covers RFC 9000 §8.1: a Handshake packet proves the address
TEST(PathAttack, AHandshakePacketLiftsTheLimit) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.handshake.certificateSize = 20000;
  MisbehavingPeer peer(settings);
  peer.begin();
  ASSERT_LE(peer.bytesHeard, 3600u);
  peer.send(kH, hex("01"));
  for (int i = 0; i < 20; ++i) {
    peer.ackEverything(kH);
    peer.advance(50ms);
  }
  EXPECT_GE(peer.bytesHeard, 20000u);
}

// B02. covers RFC 9002 §6.2
TEST(PathAttack, TheHandshakeFlightIsRepeatedWithinTheLimit) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.begin();
  peer.forget();
  peer.advance(3s);
  EXPECT_FALSE(peer.all<CryptoFrame>(kI).empty());
  EXPECT_FALSE(peer.all<CryptoFrame>(kH).empty());
  EXPECT_LE(peer.bytesHeard, 3600u);
}

/// Answers every challenge that came to `path` since `from`; the sizes of the datagrams that carried one.
std::vector<size_t> answerChallenges(MisbehavingPeer& peer, const FourTuple& path) {
  std::vector<size_t> sizes;
  std::vector<PathData> asked;
  for (const HeardPacket& packet : peer.heard) {
    ByteReader reader(packet.payload);
    while (packet.path.peer == path.peer && !reader.atEnd()) {
      const auto frame = parseFrame(reader);
      if (!frame) break;
      const auto* challenge = std::get_if<PathChallengeFrame>(&*frame);
      if (challenge == nullptr) continue;
      asked.push_back(challenge->data);
      sizes.push_back(packet.datagramSize);
    }
  }
  peer.forget();
  for (const PathData& data : asked) peer.sendFrom(path, FrameBytes().add(PathResponseFrame{data}));
  return sizes;
}

// B04. covers RFC 9000 §9.3, §8.2.1
TEST(PathAttack, ANewPortIsChallengedAndServed) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  peer.forget();
  const FourTuple moved = peer.pathFrom(6000);
  peer.sendFrom(moved, hex("01"));
  const auto small = answerChallenges(peer, moved);
  ASSERT_EQ(small.size(), 1u);
  EXPECT_LT(small[0], 1200u) << "no more than three times what came";
  const auto full = answerChallenges(peer, moved);
  ASSERT_EQ(full.size(), 1u);
  EXPECT_EQ(full[0], 1200u) << "then the path must carry a full datagram";
  EXPECT_TRUE(answerChallenges(peer, moved).empty());
  EXPECT_EQ(peer.end().activePath(), moved);
  EXPECT_EQ(peer.count<PathChanged>(), 1u);
  peer.advance(10s);
  EXPECT_EQ(peer.end().activePath(), moved);
}

// B05. covers RFC 9000 §8.1, §9.3.1, §9.3.2
TEST(PathAttack, AnAddressThatNeverAnswersGetsThreeTimesItsBytesAndIsLeftAgain) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.idleTimeout = 60s;
  for (const size_t padding : {0u, 20u, 300u, 1100u}) {
    MisbehavingPeer peer(settings);
    peer.connect();
    const FourTuple forged = peer.pathFrom(7000, 66);
    const ByteVector packet =
        peer.seal(EncryptionLevel::OneRtt, FrameBytes().hex("01 01 0a 00 01 61").padding(padding));
    const size_t given = packet.size();
    peer.deliver(packet, forged);
    EXPECT_TRUE(peer.end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(50000)), true).hasValue());
    const uint64_t wakes = peer.wakes;
    peer.advance(20s);
    EXPECT_LE(peer.bytesTo[forged.peer], 3 * given) << padding;
    EXPECT_LE(peer.wakes - wakes, 200u);
    EXPECT_EQ(peer.end().activePath(), peer.path()) << "back to the last address that was proved";
    EXPECT_TRUE(peer.lives());
  }
}

// X16. covers RFC 9000 §9.3.3
TEST(PathAttack, ACopyThatOvertakesTheOriginalIsFoundOut) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  peer.forget();
  const FourTuple attacker = peer.pathFrom(7000, 66);
  const ByteVector packet = peer.seal(EncryptionLevel::OneRtt, hex("01"));
  peer.deliver(packet, attacker);
  peer.deliver(packet);
  size_t challengedTrue = 0;
  for (const HeardPacket& heard : peer.heard) {
    if (heard.path.peer != peer.path().peer) continue;
    ByteReader reader(heard.payload);
    while (!reader.atEnd()) {
      const auto frame = parseFrame(reader);
      ASSERT_TRUE(frame.hasValue());
      challengedTrue += std::holds_alternative<PathChallengeFrame>(*frame) ? 1 : 0;
    }
  }
  EXPECT_GE(challengedTrue, 1u) << "the previous path is asked too";
  peer.send(hex("01"));
  EXPECT_EQ(peer.end().activePath(), peer.path()) << "any new packet of the true peer brings it back";
  EXPECT_TRUE(peer.lives());
}

// Eviction: covers RFC 9000 §9.3.2
TEST(PathAttack, ManyForgedAddressesDoNotLoseTheTrueOne) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  for (uint8_t i = 1; i < 7; ++i) {
    peer.send(FrameBytes().add(NewConnectionIdFrame{i, 0, ConnectionId(ByteVector{8, 8, 8, 8, 8, 8, 8, i}), {}}));
  }
  for (uint8_t host = 2; host < 200; ++host) {
    peer.sendFrom(peer.pathFrom(7000, host), hex("01"));
    peer.forget();
    ASSERT_FALSE(peer.end().isClosing());
  }
  peer.advance(10s);
  EXPECT_EQ(peer.end().activePath(), peer.path());
  EXPECT_TRUE(peer.lives());
  EXPECT_LE(peer.end().stats().bytesInFlight, 20u * 1200);
}

// A peer that gave no spare ID: all paths share one, and dropping a path must not retire it.
TEST(PathAttack, ASharedDestinationIdIsNeverRetiredWhileItIsUsed) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  for (uint8_t host = 2; host < 50; ++host) peer.sendFrom(peer.pathFrom(7000, host), hex("01"));
  peer.advance(10s);
  EXPECT_TRUE(peer.all<RetireConnectionIdFrame>().empty());
  EXPECT_TRUE(peer.lives());
}

TEST(PathAttack, AlternatingAddressesCostsTheServerNoMoreThanTheWindow) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  peer.send(hex("0a 00 01 61"));
  ASSERT_TRUE(peer.end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(200000)), true).hasValue());
  for (int i = 0; i < 500; ++i) {
    peer.sendFrom(i % 2 == 0 ? peer.pathFrom(6000, 9) : peer.path(), hex("01"));
    peer.forget();
  }
  EXPECT_LE(peer.bytesTo[peer.pathFrom(6000, 9).peer], 3u * 250 * 40);
  EXPECT_FALSE(peer.end().isClosing());
}

}  // namespace
}  // namespace quic::test
