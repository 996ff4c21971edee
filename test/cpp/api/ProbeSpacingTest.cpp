// How often a client asks a server that has moved, or is about to, whether it is there: RFC 9000 §8.2.1, §8.2.4, §9.4.
#include <gtest/gtest.h>

#include "cpp/api/PeerRows.h"

namespace quic::test {
namespace {

const SocketAddress kTarget = SocketAddress::v4({10, 0, 0, 2}, 4433);

struct Moving {
  Moving(Duration rtt, uint64_t maxAckDelay) : peer(settings(maxAckDelay)) {
    peer.reachHandshakeLevel();
    peer.send(kH, peer.encryptedFrames());
    peer.send(FrameBytes()
                  .add(HandshakeDoneFrame{})
                  .add(NewConnectionIdFrame{1, 0, ConnectionId(ByteVector{7, 7, 7, 7, 7, 7, 7, 1}), {1}}));
    const StreamId stream = *peer.end().openStream(false);
    for (int i = 0; i < 60; ++i) {  // until the estimate has settled
      EXPECT_TRUE(peer.end().writeStream(stream, OwnedBytes::copyOf(ByteVector(10)), false));
      peer.poll();
      const PacketNum number = peer.heard.back().number;
      peer.advance(rtt);
      peer.send(FrameBytes().ack(number, number));
    }
    peer.ackEverything(k1);
    peer.forget();
  }
  static PeerSettings settings(uint64_t maxAckDelay) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    settings.end.clientMigration.protocols = ServerMigrationProtocols{ServerMigrationProtocol::EXPLICIT};
    settings.end.clientMigration.explicitProbing = ExplicitProbing::Proactive;
    settings.end.idleTimeout = 0s;
    settings.parameters.serverMigrationSuite = settings.end.clientMigration.protocols.bits();
    settings.parameters.maxAckDelay = maxAckDelay;
    return settings;
  }
  /// When the target was asked, for as long as it is.
  std::vector<TimePoint> askedAt() {
    peer.send(FrameBytes().add(ServerMigrationFrame{QuicIPAddress::from(kTarget)}));
    for (int i = 0; i < 1500; ++i) peer.advance(10ms);
    std::vector<TimePoint> times;
    for (const HeardPacket& packet : peer.heard) {
      if (packet.path.peer == kTarget) times.push_back(packet.at);
    }
    return times;
  }
  MisbehavingPeer peer;
};

// covers RFC 9000 §8.2.4, §9.4
TEST(ProbeSpacing, IsNeverShorterThanAProbeTimeout) {
  for (const Duration rtt : {Duration{20ms}, Duration{600ms}}) {
    for (const uint64_t maxAckDelay : {25u, 400u}) {
      Moving moving(rtt, maxAckDelay);
      const Duration least = moving.peer.end().stats().smoothedRtt + std::chrono::milliseconds(maxAckDelay);
      ASSERT_GE(least, rtt * 3 / 4) << "a long path, as far as the client knows";
      const std::vector<TimePoint> times = moving.askedAt();
      ASSERT_GE(times.size(), 2u);
      for (size_t i = 1; i < times.size(); ++i) {
        EXPECT_GE(times[i] - times[i - 1], least) << i << " of " << times.size();
      }
      const Duration fresh = RttEstimator(kInitialRtt).pto(std::chrono::milliseconds(maxAckDelay));
      EXPECT_GE(times.back() - times.front() + 2 * least, 3 * fresh - least) << "three probe timeouts of a new path";
    }
  }
}

}  // namespace
}  // namespace quic::test
