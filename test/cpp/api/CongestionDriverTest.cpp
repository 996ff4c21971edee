// Congestion control of a whole connection: when its window grows, how it paces, what its statistics say.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"

namespace quic::test {
namespace {

/// A connected server with one stream, on a path of 50 ms.
class SendingEnd {
 public:
  explicit SendingEnd(CongestionControlType type = CongestionControlType::Cubic) : peer(settingsFor(type)) {
    peer.connect();
    // Copa compares with the shortest round trip of ten seconds, and this handshake took no time.
    if (type == CongestionControlType::Copa) peer.advance(11s);
    peer.send(fromHex("0a 00 01 61"));
    peer.advance(50ms);
    peer.ackEverything(EncryptionLevel::OneRtt);
    peer.forget();
  }
  /// Returns the bytes that left at once.
  uint64_t write(size_t bytes) {
    const uint64_t before = peer.end().stats().bytesSent;
    EXPECT_TRUE(peer.end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(bytes)), false).hasValue());
    peer.poll();
    return peer.end().stats().bytesSent - before;
  }
  void answer() {
    peer.advance(50ms);
    peer.ackEverything(EncryptionLevel::OneRtt);
  }
  ConnectionStats stats() { return peer.end().stats(); }

  MisbehavingPeer peer;

 private:
  static PeerSettings settingsFor(CongestionControlType type) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.congestionControl = type;
    settings.end.pathMtuDiscovery = false;
    settings.parameters.initialMaxData = settings.parameters.initialMaxStreamDataBidiLocal = 100'000'000;
    return settings;
  }
};

struct Named {
  CongestionControlType type;
  std::string_view name;
};
constexpr Named kAll[] = {{CongestionControlType::NewReno, "newreno"},
                          {CongestionControlType::Cubic, "cubic"},
                          {CongestionControlType::Bbr, "bbr"},
                          {CongestionControlType::Copa, "copa"}};

TEST(CongestionDriver, HoldsTheWindowOfAnApplicationThatDoesNotUseIt) {
  // covers RFC 9002 §7.8
  for (const Named& named : kAll) {
    SendingEnd end(named.type);
    const uint64_t before = end.stats().congestionWindow;
    for (int i = 0; i < 20; ++i) {
      end.write(3'000);
      end.answer();
    }
    EXPECT_EQ(end.stats().congestionWindow, before) << named.name;
    EXPECT_EQ(end.stats().slowStartExits, 0u) << named.name;
  }
}

TEST(CongestionDriver, DoublesAWindowThatIsUsedUp) {
  for (const Named& named : kAll) {
    SendingEnd end(named.type);
    const uint64_t before = end.stats().congestionWindow;
    end.write(200'000);
    end.answer();
    EXPECT_GE(end.stats().congestionWindow, before * 18 / 10) << named.name;
    EXPECT_LE(end.stats().congestionWindow, before * 21 / 10) << named.name;
  }
}

TEST(CongestionDriver, NamesItsControllerAndTheRatesInTheStatistics) {
  for (const Named& named : kAll) {
    SendingEnd end(named.type);
    EXPECT_EQ(end.stats().congestionControl, named.name);
    for (int i = 0; i < 3; ++i) {
      end.write(20'000);
      end.answer();
    }
    const ConnectionStats stats = end.stats();
    EXPECT_GT(stats.pacingRate, 0u) << named.name;
    // Some ten packets in each 50 ms.
    EXPECT_GE(stats.deliveryRate, 100'000u) << named.name;
    EXPECT_LE(stats.deliveryRate, 800'000u) << named.name;
  }
}

TEST(CongestionDriver, SendsNoBurstBeyondTheInitialWindowAfterIdleness) {
  // covers RFC 9002 §7.7
  for (const Named& named : kAll) {
    SendingEnd end(named.type);
    for (int i = 0; i < 6; ++i) {
      end.write(200'000);
      end.answer();
      end.answer();
    }
    for (int i = 0; i < 40; ++i) end.answer();
    ASSERT_EQ(end.stats().bytesInFlight, 0u) << named.name;
    ASSERT_GT(end.stats().congestionWindow, 30'000u) << named.name;
    end.peer.advance(1s);
    EXPECT_LE(end.write(200'000), 12'000u) << named.name;
    end.peer.advance(10ms);
    EXPECT_GT(end.stats().bytesInFlight, 12'000u) << named.name << ": more follows at the pace, before any answer";
  }
}

TEST(CongestionDriver, CountsTheEndOfASlowStart) {
  SendingEnd end(CongestionControlType::NewReno);
  end.write(11'000);
  ASSERT_GE(end.peer.heard.size(), 8u);
  const PacketNum last = end.peer.heard.back().number;
  end.peer.send(FrameBytes().ack(last, last));
  EXPECT_EQ(end.stats().slowStartExits, 1u);
  EXPECT_GT(end.stats().packetsLost, 0u);
}

}  // namespace
}  // namespace quic::test
