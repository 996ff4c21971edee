// Packets that overtake the handshake messages that bring their keys: RFC 9001 §5.7.
#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"
#include "cpp/api/MisbehavingPeer.h"

namespace quic::test {
namespace {

constexpr EncryptionLevel kOne = EncryptionLevel::OneRtt;
constexpr EncryptionLevel kH = EncryptionLevel::Handshake;

ByteVector streamBytes(uint64_t id, ByteSpan data) {
  StreamFrame frame;
  frame.id = StreamId{id};
  frame.data = data;
  frame.fin = true;
  return FrameBytes().add(frame).bytes();
}

ByteVector finishedFrames() {
  const ByteVector finished = fakeMessage(FakeMessage::Finished);
  return FrameBytes().add(CryptoFrame{0, finished}).bytes();
}

size_t readable(const MisbehavingPeer& peer) {
  size_t found = 0;
  for (const TransportEvent& event : peer.events) {
    const auto* stream = std::get_if<StreamEvent>(&event);
    found += stream != nullptr && std::holds_alternative<StreamReadable>(*stream) ? 1 : 0;
  }
  return found;
}

TEST(EarlyPackets, AServerReadsOneRttDataOnceTheHandshakeIsComplete) {
  // covers RFC 9001 §5.7
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  const ByteVector text = fromHex("68656c6c6f");
  const PacketNum number = peer.nextNumber(kOne);
  peer.send(streamBytes(0, text));
  peer.advance(50ms);
  EXPECT_FALSE(peer.hasAcked(kOne, number)) << "nothing is processed before the handshake is complete";
  EXPECT_EQ(readable(peer), 0u);
  peer.send(kH, finishedFrames());
  EXPECT_TRUE(peer.hasAcked(kOne, number));
  ByteVector room(100);
  const auto read = peer.end().readStream(StreamId{0}, room);
  ASSERT_TRUE(read);
  EXPECT_EQ(toHex(ByteSpan(room).first(read->size)), toHex(text));
  EXPECT_TRUE(read->fin);
}

TEST(EarlyPackets, AClientReadsAHandshakePacketThatOvertookTheServerHello) {
  // covers RFC 9001 §5.7
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  peer.send(kH, peer.encryptedFrames());
  EXPECT_FALSE(peer.end().isHandshakeFinished());
  peer.send(EncryptionLevel::Initial, FrameBytes().ack(0, 0).raw(peer.helloFrames()));
  EXPECT_TRUE(peer.end().isHandshakeFinished());
}

TEST(EarlyPackets, AClientReadsOneRttPacketsThatOvertookTheWholeHandshake) {
  // covers RFC 9001 §5.7
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  peer.send(FrameBytes().add(HandshakeDoneFrame{}));
  peer.send(kH, peer.encryptedFrames());
  EXPECT_FALSE(peer.end().isHandshakeFinished());
  peer.send(EncryptionLevel::Initial, FrameBytes().ack(0, 0).raw(peer.helloFrames()));
  EXPECT_TRUE(peer.end().isHandshakeConfirmed());
  EXPECT_TRUE(peer.lives());
}

TEST(EarlyPackets, TheTimeOfWaitingIsToldInTheAckDelay) {
  // covers RFC 9000 §13.2.5
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  const PacketNum number = peer.nextNumber(kOne);
  peer.send(FrameBytes().add(PingFrame{}));
  peer.advance(80ms);
  peer.send(kH, finishedFrames());
  ASSERT_TRUE(peer.hasAcked(kOne, number));
  const auto acks = peer.all<AckFrame>();
  ASSERT_FALSE(acks.empty());
  EXPECT_EQ(acks.front().ackDelay << kDefaultAckDelayExponent, 80000u);  // microseconds
}

TEST(EarlyPackets, AreBounded) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  const PacketNum first = peer.nextNumber(kOne);
  constexpr PacketNum kSent = 1000;
  for (PacketNum i = 0; i < kSent; ++i) peer.send(FrameBytes().add(PingFrame{}).padding(1000));
  peer.send(kH, finishedFrames());
  size_t acked = 0;
  for (PacketNum i = 0; i < kSent; ++i) acked += peer.hasAcked(kOne, first + i) ? 1 : 0;
  EXPECT_EQ(acked, kMaxUndecryptablePackets);
  EXPECT_EQ(peer.end().stats().packetsDropped, kSent - kMaxUndecryptablePackets);
  EXPECT_TRUE(peer.lives());
}

// row T-09
TEST(EarlyPackets, JunkAmongThemDoesNoHarm) {
  for (const Role role : {Role::Server, Role::Client}) {
    MisbehavingPeer peer(MisbehavingPeer::against(role));
    peer.begin();
    for (const EncryptionLevel level : {kH, kOne}) {
      peer.send(level, FrameBytes().padding(500), {.breakTag = true});
    }
    peer.connect();
    EXPECT_TRUE(peer.lives());
  }
}

TEST(EarlyPackets, ArePartOfNoConnectionThatEndsBefore) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  peer.send(streamBytes(0, fromHex("61")));
  peer.end().close(peer.now(), ApplicationErrorCode{1}, "");
  peer.poll();
  peer.send(kH, finishedFrames());
  EXPECT_EQ(readable(peer), 0u);
  EXPECT_TRUE(peer.end().isClosing());
}

TEST(EarlyPackets, OfEveryOrderOfTheFirstFlightNoneNeedsARepetition) {
  // The datagrams of the server's first flight in every order: the client finishes without a timer.
  PeerSettings settings = MisbehavingPeer::againstClient();
  std::array<int, 3> order = {0, 1, 2};
  do {
    MisbehavingPeer peer(settings);
    peer.begin();
    for (const int step : order) {
      if (step == 0) peer.send(EncryptionLevel::Initial, FrameBytes().ack(0, 0).raw(peer.helloFrames()));
      if (step == 1) peer.send(kH, peer.encryptedFrames());
      if (step == 2) peer.send(FrameBytes().add(HandshakeDoneFrame{}));
    }
    EXPECT_TRUE(peer.end().isHandshakeConfirmed()) << order[0] << order[1] << order[2];
    EXPECT_EQ(peer.wakes, 0u);
  } while (std::next_permutation(order.begin(), order.end()));
}

}  // namespace
}  // namespace quic::test
