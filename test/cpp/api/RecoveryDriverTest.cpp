// What acknowledgments and losses mean to a whole connection.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"

namespace quic::test {
namespace {

/// A connected server with one stream, over which it has sent `bytes`; the numbers of those packets.
struct SendingEnd {
  explicit SendingEnd(size_t bytes) : peer(MisbehavingPeer::againstServer()) {
    peer.connect();
    peer.send(fromHex("0a 00 01 61"));
    peer.advance(50ms);
    peer.ackEverything(EncryptionLevel::OneRtt);
    peer.forget();
    write(bytes);
    for (const HeardPacket& packet : peer.heard) numbers.push_back(packet.number);
  }
  void write(size_t bytes) {
    EXPECT_TRUE(peer.end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(bytes)), false).hasValue());
    peer.deliver({0x00});  // nothing to anybody, but the end is polled
  }
  void ack(PacketNum first, PacketNum last) { peer.send(FrameBytes().ack(first, last)); }
  ConnectionStats stats() { return peer.end().stats(); }

  MisbehavingPeer peer;
  std::vector<PacketNum> numbers;
};

// covers RFC 9000 §13.3
TEST(RecoveryDriver, TakesBackALossThatWasNone) {
  SendingEnd end(11'000);
  const size_t count = end.numbers.size();
  ASSERT_GE(count, 9u);
  const uint64_t window = end.stats().congestionWindow;
  end.ack(end.numbers.back(), end.numbers.back());
  ASSERT_EQ(end.stats().packetsLost, count - 3);
  EXPECT_EQ(end.stats().congestionWindow, window / 2);
  EXPECT_EQ(end.stats().packetsSpuriouslyLost, 0u);
  end.ack(end.numbers.front(), end.numbers.back());
  EXPECT_EQ(end.stats().packetsSpuriouslyLost, count - 3);
  EXPECT_GE(end.stats().congestionWindow, window);
  end.peer.forget();
  end.peer.advance(2s);
  EXPECT_TRUE(end.peer.all<StreamFrame>().empty()) << "everything has arrived";
}

TEST(RecoveryDriver, KeepsTheReductionWhenOneLossWasTrue) {
  SendingEnd end(11'000);
  const uint64_t window = end.stats().congestionWindow;
  end.ack(end.numbers.back(), end.numbers.back());
  end.ack(end.numbers.front() + 1, end.numbers.back());
  EXPECT_EQ(end.stats().packetsSpuriouslyLost + 1, end.stats().packetsLost);
  EXPECT_LT(end.stats().congestionWindow, window);
  EXPECT_FALSE(end.peer.end().isClosing());
}

}  // namespace
}  // namespace quic::test
