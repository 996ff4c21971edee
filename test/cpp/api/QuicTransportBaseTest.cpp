// One connection through its four kinds of doors: life, verbs, the order of events, trains, timers.
#include "quic/api/QuicTransportBase.h"

#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"

namespace quic::test {
namespace {

bool isClosedError(const QuicError& error) {
  const auto* code = std::get_if<LocalErrorCode>(&error.code);
  return code != nullptr && *code == LocalErrorCode::CONNECTION_CLOSED;
}

TEST(QuicTransportBase, VerbsAfterTheEndFailAndSendNothing) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  const auto id = peer.end().openStream(true);
  ASSERT_TRUE(id.hasValue());
  peer.end().close(peer.now(), ApplicationErrorCode{5}, "enough");
  peer.deliver({0x00});
  EXPECT_EQ(peer.closeCode(), 5u);
  peer.forget();
  const uint64_t before = peer.datagramsHeard;
  EXPECT_TRUE(isClosedError(peer.end().openStream(true).error()));
  EXPECT_TRUE(isClosedError(peer.end().writeStream(*id, OwnedBytes::copyOf(ByteVector(5)), true).error()));
  EXPECT_TRUE(isClosedError(peer.end().resetStream(*id, 0).error()));
  EXPECT_TRUE(isClosedError(peer.end().stopSending(*id, 0).error()));
  peer.end().close(peer.now(), ApplicationErrorCode{6}, "again");
  peer.advance(1ms);
  EXPECT_EQ(peer.datagramsHeard, before);
  EXPECT_EQ(peer.count<ConnectionClosed>(), 1u);
}

// covers RFC 9000 §10.2: the words are cut so that the frame fits
TEST(QuicTransportBase, LongWordsAreCut) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  peer.end().close(peer.now(), ApplicationErrorCode{5}, std::string(100000, 'x'));
  peer.deliver({0x00});
  const auto closes = peer.all<ConnectionCloseFrame>();
  ASSERT_EQ(closes.size(), 1u);
  EXPECT_EQ(closes[0].reason.size(), 256u);
}

TEST(QuicTransportBase, ThePeersWordsAreCutToo) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  MisbehavingPeer peer(settings);
  peer.connect();
  const ByteVector words(5000, 'y');
  peer.send(FrameBytes().add(ConnectionCloseFrame{true, 9, 0, words}));
  ASSERT_FALSE(peer.events.empty());
  const auto* closed = std::get_if<ConnectionClosed>(&peer.events.back());
  ASSERT_NE(closed, nullptr);
  EXPECT_EQ(closed->reason.size(), 1024u);
  EXPECT_EQ(closed->error.initiator, Initiator::Remote);
}

TEST(QuicTransportBase, HandshakeFinishedComesBeforeAnyStreamAndTheEndComesLast) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.drainsEvents = false;
  peer.connect();
  peer.send(fromHex("0a 00 01 61"));
  peer.send(fromHex("1d 00 00"));
  peer.drainsEvents = true;
  peer.deliver({0x00});
  ASSERT_GE(peer.events.size(), 4u);
  EXPECT_TRUE(std::holds_alternative<HandshakeFinished>(peer.events[0]));
  EXPECT_TRUE(std::holds_alternative<HandshakeConfirmed>(peer.events[1]));
  EXPECT_TRUE(std::holds_alternative<StreamEvent>(peer.events[2]));
  EXPECT_TRUE(std::holds_alternative<ConnectionClosed>(peer.events.back()));
}

TEST(QuicTransportBase, ATrainIsMadeOfEqualDatagramsOfWhichOnlyTheLastMayBeShorter) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  const auto id = pair.client.find(1)->openStream(true);
  ASSERT_TRUE(id.hasValue());
  ASSERT_TRUE(pair.client.find(1)->writeStream(*id, OwnedBytes::copyOf(ByteVector(6000)), true).hasValue());
  ByteVector buffer(1 << 16);
  const auto train = pair.client.find(1)->pollTransmit(pair.now, buffer);
  ASSERT_TRUE(train.has_value());
  EXPECT_EQ(train->segmentSize, kDefaultUdpPayloadSize);
  EXPECT_GT(train->size, 5u * train->segmentSize);
}

TEST(QuicTransportBase, ABufferForOneDatagramGetsOne) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  const auto id = pair.client.find(1)->openStream(true);
  ASSERT_TRUE(pair.client.find(1)->writeStream(*id, OwnedBytes::copyOf(ByteVector(6000)), true).hasValue());
  ByteVector buffer(kDefaultUdpPayloadSize);
  const auto one = pair.client.find(1)->pollTransmit(pair.now, buffer);
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->size, one->segmentSize);
  EXPECT_LE(one->size, buffer.size());
  ByteVector tooSmall(kDefaultUdpPayloadSize - 1);
  EXPECT_FALSE(pair.client.find(1)->pollTransmit(pair.now, tooSmall).has_value());
}

// covers RFC 9000 §10.1
TEST(QuicTransportBase, ASilentConnectionEndsWithoutAWord) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  const uint64_t before = peer.datagramsHeard;
  peer.advance(31s);
  EXPECT_TRUE(peer.end().isDrained());
  EXPECT_EQ(peer.datagramsHeard, before);
  EXPECT_EQ(peer.end().nextTimeout(), std::nullopt);
}

TEST(QuicTransportBase, TimeThatStoodStillIsNotIdleTime) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  peer.advance(20s);
  ASSERT_FALSE(peer.end().isClosing());
  EXPECT_TRUE(peer.lives());
  const TimePoint thawed = peer.now() + 1h;
  peer.end().onResumed(thawed, 1h);
  const auto next = peer.end().nextTimeout();
  ASSERT_TRUE(next.has_value());
  EXPECT_GT(*next, thawed + 20s);
}

TEST(QuicTransportBase, AHandshakeThatNeverEndsIsGivenUp) {
  for (const Role role : {Role::Client, Role::Server}) {
    MisbehavingPeer peer(MisbehavingPeer::against(role));
    peer.reachHandshakeLevel();
    for (int i = 0; i < 99; ++i) {
      peer.send(EncryptionLevel::Handshake, fromHex("01"));
      peer.advance(100ms);
    }
    EXPECT_FALSE(peer.end().isClosing());
    peer.advance(200ms);
    EXPECT_TRUE(peer.end().isDrained()) << "a peer that keeps it busy gains nothing";
  }
}

// covers RFC 9000 §8.1: what is sent on the first path counts, handshake and close alike
TEST(QuicTransportBase, ACloseBeforeValidationKeepsToTheLimit) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.handshake.certificateSize = 20000;
  MisbehavingPeer peer(settings);
  peer.begin();
  ASSERT_LE(peer.bytesHeard, 3600u);
  peer.end().close(peer.now(), TransportErrorCode::INTERNAL_ERROR, "no");
  for (int i = 0; i < 100; ++i) peer.deliver(ByteVector(30, 0x40));
  EXPECT_LE(peer.bytesHeard, 3600u);
}

}  // namespace
}  // namespace quic::test
