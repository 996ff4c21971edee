// What floods cost, in bytes of memory and in packets sent: the attacks of the project's security cases whose harm is that an
// end remembers or does too much. AttackTest.cpp has what they do to a connection; here each is a row that runs long after the
// end has reached its bounds. Nothing is timed.
#include <gtest/gtest.h>

#include "cpp/api/PeerRows.h"
#include "cpp/support/HeapUse.h"

namespace quic::test {
namespace {

ConnectionId idOf(uint64_t number) {
  return ConnectionId(ByteVector{3, 3, 3, 3, 3, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8),
                                 static_cast<uint8_t>(number)});
}

constexpr size_t kSlack = 8192;

/// One flood: what the peer sends as its packet number `i`, and what it may cost.
struct Flood {
  const char* row;
  std::function<void(MisbehavingPeer& peer, Role end, uint64_t i)> step;
  uint64_t steps;
  size_t bytes;           // at any time more than before the flood
  double packetsPerStep;  // sent by the end, on the average
  bool mayClose = false;
};

/// Connected, nothing kept by the peer itself.
std::unique_ptr<MisbehavingPeer> victim(Role end) {
  PeerSettings settings = MisbehavingPeer::against(end);
  settings.end.idleTimeout = 600s;
  settings.end.streams.streamWindow = 4096;
  settings.end.streams.connectionWindow = 4096;
  auto peer = std::make_unique<MisbehavingPeer>(settings);
  peer->connect();
  peer->ackEverything(k1);
  peer->keepsHeard = false;
  peer->forget();
  peer->heard.shrink_to_fit();
  return peer;
}

uint64_t streamOfPeer(Role end, uint64_t ordinal) { return ordinal * 4 + (end == Role::Client ? 1 : 0); }

FrameBytes challenges(uint64_t i) {
  FrameBytes frames;
  for (uint8_t n = 0; n < 100; ++n) {
    frames.add(PathChallengeFrame{{n, static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)}});
  }
  return frames;
}

const std::vector<Flood>& floods() {
  constexpr size_t kKiB = 1024;
  static const std::vector<Flood> all = {
      {"T-01", [](MisbehavingPeer& peer, Role, uint64_t i) { peer.send(challenges(i)); }, 3000, 128 * kKiB, 1.1},
      {"T-02 nothing is acknowledged",
       [](MisbehavingPeer& peer, Role, uint64_t i) {
         peer.send(FrameBytes().add(NewConnectionIdFrame{i + 1, i + 1, idOf(i), {}}));
       },
       2000, 32 * kKiB, 1.1, true},
      {"T-02 retired and acknowledged for ever",
       [](MisbehavingPeer& peer, Role, uint64_t i) {
         peer.send(FrameBytes().add(NewConnectionIdFrame{i + 1, i + 1, idOf(i), {}}));
         peer.useEndId(peer.endId());
         if (i % 4 == 3) peer.ackEverything(k1);
       },
       2000, 32 * kKiB, 2.5, true},
      {"T-05 gaps",
       [](MisbehavingPeer& peer, Role, uint64_t i) { peer.send(hex("06" + varintHex(60000 - 2 * i) + "01 61")); }, 2000,
       256 * kKiB, 1.1, true},
      {"T-05 tickets",
       [](MisbehavingPeer& peer, Role, uint64_t i) {
         const ByteVector ticket = fakeMessage(FakeMessage::NewSessionTicket, ByteVector(100));
         peer.send(FrameBytes().add(CryptoFrame{i * ticket.size(), ticket}));
       },
       1500, 64 * kKiB, 1.1, true},
      {"T-06, X22",
       [](MisbehavingPeer& peer, Role end, uint64_t i) {
         peer.send(hex("0e" + varintHex(streamOfPeer(end, 0)) + varintHex(2 * i + 1) + "01 61"));
       },
       100'000, 256 * kKiB, 1.1, true},
      {"T-07",
       [](MisbehavingPeer& peer, Role, uint64_t) {
         PacketOptions options;
         options.number = peer.nextNumber(k1) + 1;
         peer.send(k1, hex("01"), options);
       },
       4'000, 256 * kKiB, 1.1},
      {"T-08",
       [](MisbehavingPeer& peer, Role end, uint64_t i) {
         peer.send(hex("0e" + varintHex(streamOfPeer(end, 0)) + varintHex(i % 4096) + "01 61"));
       },
       9'000, 96 * kKiB, 1.1},
      {"T-11",
       [](MisbehavingPeer& peer, Role end, uint64_t i) {
         peer.send(hex("0a" + varintHex(streamOfPeer(end, i % 100)) + "01 61"));
       },
       2000, 256 * kKiB, 1.1},
      {"T-14",
       [](MisbehavingPeer& peer, Role end, uint64_t i) {
         const std::string id = varintHex(streamOfPeer(end, i));
         peer.send(hex("0a" + id + "01 61 04" + id + "00 01 05" + id + "00"));
         if (i % 10 == 9) peer.ackEverything(k1);
       },
       5000, 128 * kKiB, 2.5, true},
      {"T-24 credit",
       [](MisbehavingPeer& peer, Role, uint64_t i) {
         FrameBytes frames;
         for (uint64_t n = 0; n < 100; ++n) frames.hex("10" + varintHex(1'000'000 + i * 100 + n));
         peer.send(frames);
       },
       800, 64 * kKiB, 1.1},
      {"T-24 blocked",
       [](MisbehavingPeer& peer, Role, uint64_t) {
         FrameBytes frames;
         for (int n = 0; n < 100; ++n) frames.hex("14 05 16 05 17 05");
         peer.send(frames);
       },
       800, 64 * kKiB, 1.1},
      {"tokens",
       [](MisbehavingPeer& peer, Role, uint64_t i) {
         peer.send(FrameBytes().add(NewTokenFrame{ByteVector(700, static_cast<uint8_t>(i))}));
       },
       3000, 96 * kKiB, 1.1, true},
  };
  return all;
}

class FloodAt : public testing::TestWithParam<Role> {};
INSTANTIATE_TEST_SUITE_P(Ends, FloodAt, testing::Values(Role::Client, Role::Server),
                         [](const auto& info) { return info.param == Role::Client ? "Client" : "Server"; });

// covers RFC 9000 §21.9
TEST_P(FloodAt, CostsABoundedNumberOfBytesAndPackets) {
  for (const Flood& flood : floods()) {
    const auto peer = victim(GetParam());
    const uint64_t packets = peer->end().stats().packetsSent;
    const uint64_t wakes = peer->wakes;
    const HeapGrowth heap;
    size_t most = 0;
    size_t mostOfFirstHalf = 0;
    uint64_t done = 0;
    for (; done < flood.steps && !peer->end().isClosing(); ++done) {
      flood.step(*peer, GetParam(), done);
      peer->events.clear();
      most = std::max(most, heap.bytes());
      if (done == flood.steps / 2) mostOfFirstHalf = most;
    }
    EXPECT_LE(most, flood.bytes) << flood.row;
    // Whoever has met the bounds by then needs nothing more for the other half.
    if (done == flood.steps) {
      EXPECT_LE(most - mostOfFirstHalf, kSlack) << flood.row;
    }
    const auto sent = static_cast<double>(peer->end().stats().packetsSent - packets);
    EXPECT_LE(sent, flood.packetsPerStep * static_cast<double>(done) + 40) << flood.row;
    EXPECT_TRUE(flood.mayClose || !peer->end().isClosing()) << flood.row;
    EXPECT_EQ(peer->wakes, wakes) << flood.row;
    peer->advance(20s);
    EXPECT_LE(peer->wakes - wakes, 400u) << flood.row;
  }
}

// T-03: IDs come and are retired while several paths use them; every packet is done with in one turn
TEST(Flood, IdsOfManyPathsThatAreRetiredCostABoundedNumberOfPackets) {
  const auto peer = victim(Role::Server);
  const HeapGrowth heap;
  const uint64_t packets = peer->end().stats().packetsSent;
  uint64_t steps = 0;
  for (uint64_t i = 1; i < 1500 && !peer->end().isClosing(); ++i) {
    const FourTuple from = peer->pathFrom(static_cast<uint16_t>(6000 + i % 7), static_cast<uint8_t>(1 + i % 5));
    peer->sendFrom(from, FrameBytes()
                             .add(NewConnectionIdFrame{i, i > 3 ? i - 3 : 0, idOf(i), {static_cast<uint8_t>(i)}})
                             .add(PathChallengeFrame{{static_cast<uint8_t>(i)}})
                             .padding(900));
    peer->ackEverything(k1);
    peer->events.clear();
    ++steps;
  }
  EXPECT_LE(heap.bytes(), 64u * 1024);
  EXPECT_LE(peer->end().stats().packetsSent - packets, 8 * steps + 40);
}

// T-26, T-18: addresses without end, none of which answers
TEST(Flood, AddressesWithoutEndCostNoMemoryAndThreeTimesTheirBytes) {
  const auto peer = victim(Role::Server);
  for (uint8_t i = 1; i < 7; ++i) peer->send(FrameBytes().add(NewConnectionIdFrame{i, 0, idOf(i), {i}}));
  peer->ackEverything(k1);
  const uint64_t before = peer->bytesHeard;
  uint64_t given = 0;
  const HeapGrowth heap;
  for (uint32_t i = 0; i < 5000; ++i) {
    const ByteVector packet = peer->seal(k1, hex("01"));
    given += packet.size();
    // One address more each time; the peer's own table of them is kept small.
    peer->deliver(packet, peer->pathFrom(static_cast<uint16_t>(1000 + i), static_cast<uint8_t>(i >> 8)));
    peer->bytesTo.clear();
    peer->events.clear();
  }
  EXPECT_LE(heap.bytes(), 80u * 1024);
  EXPECT_LE(peer->bytesHeard - before, 3 * given + 20 * 1200);
  EXPECT_FALSE(peer->end().isClosing());
}

// ---------------------------------------------------------------- acknowledgments
/// An ACK frame of single numbers with a gap of one between them: `count` ranges down from `largest`.
FrameBytes sparseAck(PacketNum largest, size_t count) {
  FrameBytes frames;
  frames.hex("02").varint(largest).varint(0).varint(count - 1).varint(0);
  for (size_t i = 1; i < count; ++i) frames.varint(0).varint(0);
  return frames;
}

// X24. covers RFC 9000 §13.2.3
TEST(Flood, AnAcknowledgmentOfTenThousandRangesIsDoneWithAtOnce) {
  const auto peer = victim(Role::Server);
  peer->keepsHeard = true;
  for (int i = 0; i < 45'000; ++i) {
    peer->send(hex("01"));
    if (peer->heard.size() > 1000) peer->heard.erase(peer->heard.begin(), peer->heard.end() - 1);
  }
  ASSERT_FALSE(peer->heard.empty());
  const PacketNum largest = peer->heard.back().number;
  ASSERT_GT(largest, 20'000u);
  peer->forget();
  const uint64_t packets = peer->end().stats().packetsSent;
  const HeapGrowth heap;
  for (int i = 0; i < 20; ++i) {
    // Numbers that were skipped may be among them, and then it ends the connection.
    peer->send(sparseAck(largest - static_cast<PacketNum>(i % 2), 10'000));
    peer->forget();
  }
  EXPECT_LE(heap.bytes(), 64u * 1024);
  EXPECT_LE(peer->end().stats().packetsSent - packets, 25u);
  const auto fresh = victim(Role::Server);
  fresh->keepsHeard = true;
  fresh->send(sparseAck(9'000, 10'000));
  EXPECT_EQ(nameOfCode(fresh->closeCode()),
            nameOfCode(static_cast<uint64_t>(TransportErrorCode::FRAME_ENCODING_ERROR)));
}

FrameBytes delayedAck(PacketNum number, Duration delay) {
  FrameBytes frames;
  frames.hex("02").varint(number).varint(static_cast<uint64_t>(delay.count()) >> kDefaultAckDelayExponent).varint(0);
  return frames.varint(0);
}

// X27. covers RFC 9002 §5.3
TEST_P(FloodAt, AnAckDelayAboveWhatThePeerPromisedIsClamped) {
  const auto peer = victim(GetParam());
  peer->keepsHeard = true;
  const auto sampleWith = [&](Duration elapsed, Duration delay) {
    peer->forget();
    peer->send(FrameBytes().add(PathChallengeFrame{PathData{1}}));
    const PacketNum number = peer->heard.back().number;
    peer->advance(elapsed);
    peer->send(delayedAck(number, delay));
  };
  for (int i = 0; i < 30; ++i) sampleWith(20ms, 0ms);
  const Duration before = peer->end().stats().smoothedRtt;
  EXPECT_LT(before, 25ms);
  sampleWith(100ms, 60ms);
  // 100 - 25 = 75, not 100 - 60 = 40: RFC 9002 §5.3 with max_ack_delay, which is 25 ms by default.
  const Duration after = peer->end().stats().smoothedRtt;
  EXPECT_NEAR(static_cast<double>(after.count()), static_cast<double>((7 * before + 75ms).count()) / 8, 2);
}

// X29. covers RFC 9002 §7.6
TEST(Flood, PersistentCongestionLeavesTheSmallestWindow) {
  const auto peer = victim(Role::Server);
  peer->keepsHeard = true;
  peer->send(hex("0a 00 01 61"));
  ASSERT_TRUE(peer->end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(200'000)), false).hasValue());
  for (int i = 0; i < 3; ++i) {
    peer->advance(20ms);
    peer->ackEverything(k1);
  }
  EXPECT_GT(peer->end().stats().congestionWindow, 12'000u);
  peer->forget();
  // Silence for seconds, until a probe that is answered in time: its round trip must not make the time look short.
  const TimePoint silentSince = peer->now();
  do {
    peer->advance(20ms);
  } while (peer->now() < silentSince + 3s || peer->heard.back().at + 20ms < peer->now());
  const PacketNum last = peer->heard.back().number;
  peer->send(FrameBytes().ack(last, last));
  // The minimum, and what the acknowledged probe has added to it in slow start.
  EXPECT_LE(peer->end().stats().congestionWindow, kMinWindowPackets * 1200 + 1200);
}

}  // namespace
}  // namespace quic::test
