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
  /// Each packet is answered 50 ms after it left.
  void play(Duration length) {
    for (const TimePoint end = peer.now() + length; peer.now() < end;) {
      peer.advance(1ms);
      FrameBytes frames;
      for (; answered_ < peer.heard.size() && peer.heard[answered_].at + 50ms <= peer.now(); ++answered_) {
        frames.ack(peer.heard[answered_].number, peer.heard[answered_].number);
      }
      if (!frames.bytes().empty()) peer.send(frames);
    }
  }
  ConnectionStats stats() { return peer.end().stats(); }

  MisbehavingPeer peer;

 private:
  size_t answered_ = 0;  // of peer.heard
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

TEST(CongestionDriver, FillsTheInitialWindowAndNoMoreBeforeTheFirstAnswer) {
  // covers RFC 9002 §7.2
  for (const Named& named : kAll) {
    SendingEnd end(named.type);
    const uint64_t window = end.stats().congestionWindow;
    EXPECT_LE(window, 14'720u) << named.name << ": hardly anything was sent yet";
    EXPECT_GE(window, 12'000u) << named.name;
    end.write(200'000);
    end.peer.advance(49ms);
    EXPECT_LE(end.stats().bytesInFlight, window) << named.name;
    EXPECT_GT(end.stats().bytesInFlight + 1200, window) << named.name;
  }
}

TEST(CongestionDriver, FallsToTheLeastWindowInPersistentCongestion) {
  // covers RFC 9002 §7.6.2
  for (const Named& named : kAll) {
    SendingEnd end(named.type);
    end.write(200'000);
    end.answer();
    end.peer.advance(40ms);
    ASSERT_GT(end.stats().congestionWindow, 12'000u) << named.name;
    // Everything is lost for some seconds, probes as well, but for the last of them.
    for (const TimePoint began = end.peer.now(); end.peer.heard.back().at < began + 3s;) end.peer.advance(10ms);
    const PacketNum last = end.peer.heard.back().number;
    end.peer.forget();
    end.peer.send(FrameBytes().ack(last, last));
    // BBR goes back to the least that its model works with as soon as anything arrives.
    const uint64_t most = named.type == CongestionControlType::Bbr ? 4 * 1200 : 3 * 1200;
    EXPECT_LE(end.stats().congestionWindow, most) << named.name;
    EXPECT_GE(end.stats().congestionWindow, 2 * 1200u) << named.name;
    end.play(5s);
    EXPECT_EQ(end.stats().bytesInFlight, 0u) << named.name << ": it was all said again";
  }
}

/// What left at one moment, and when.
struct Burst {
  TimePoint at;
  uint64_t bytes = 0;
};
std::vector<Burst> burstsOf(const MisbehavingPeer& peer) {
  std::vector<Burst> bursts;
  for (const HeardPacket& packet : peer.heard) {
    if (bursts.empty() || bursts.back().at != packet.at) bursts.push_back({packet.at});
    bursts.back().bytes += packet.datagramSize;
  }
  return bursts;
}

TEST(CongestionDriver, SendsTrainsNoLongerThanThePacersBurstAndLessThanAMillisecondApart) {
  // covers RFC 9002 §7.7
  for (const Named& named : kAll) {
    SendingEnd end(named.type);
    end.write(400'000);
    end.play(2s);
    ASSERT_EQ(end.stats().bytesInFlight, 0u) << named.name;
    end.peer.forget();
    end.write(400'000);
    const ConnectionStats stats = end.stats();
    ASSERT_GT(stats.pacingRate, 1'200'000u) << named.name << ": a datagram takes less than a millisecond";
    const bool namesRate = named.type == CongestionControlType::Bbr || named.type == CongestionControlType::Copa;
    const uint64_t burst = namesRate
                               ? std::max<uint64_t>(2 * 1200, stats.pacingRate / 1000)
                               : std::max<uint64_t>({12'000, stats.pacingRate / 1000, stats.congestionWindow / 2});
    end.peer.advance(20ms);
    ASSERT_EQ(end.stats().pacingRate, stats.pacingRate) << named.name << ": no answer has come";
    const std::vector<Burst> bursts = burstsOf(end.peer);
    ASSERT_GE(bursts.size(), 3u) << named.name;
    size_t close = 0;
    for (size_t i = 0; i < bursts.size(); ++i) {
      EXPECT_LE(bursts[i].bytes, burst) << named.name << ' ' << i;
      if (i > 0 && bursts[i].at - bursts[i - 1].at < 1ms) ++close;
    }
    EXPECT_GT(close, 0u) << named.name;
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
