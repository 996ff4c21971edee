// Peers that want us to remember too much, compute too much, or send too much: the project's security cases, T-numbers of
// part 2 and X-numbers of part 3.3. What is asserted is counted, never timed: packets, bytes, events, wakes. MisbehavingPeer
// fails by itself when an end never stops sending or asks for a timer in the past again and again.
#include <gtest/gtest.h>

#include "cpp/api/PeerRows.h"

namespace quic::test {
namespace {

using enum TransportErrorCode;

class AtEitherEnd : public testing::TestWithParam<Role> {
 protected:
  static std::unique_ptr<MisbehavingPeer> connected(PeerSettings settings = MisbehavingPeer::againstServer()) {
    settings.endRole = GetParam();
    auto peer = std::make_unique<MisbehavingPeer>(settings);
    peer->connect();
    return peer;
  }
};
INSTANTIATE_TEST_SUITE_P(Ends, AtEitherEnd, testing::Values(Role::Client, Role::Server),
                         [](const auto& info) { return info.param == Role::Client ? "Client" : "Server"; });

// ---------------------------------------------------------------- memory
// T-01. covers RFC 9000 §8.2.2
TEST_P(AtEitherEnd, ChallengesThatAreNeverAcknowledgedGetABoundedNumberOfAnswers) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  const uint64_t before = peer.end().stats().packetsSent;
  for (int datagram = 0; datagram < 2000; ++datagram) {
    FrameBytes frames;
    for (uint8_t i = 0; i < 100; ++i) frames.add(PathChallengeFrame{{i, static_cast<uint8_t>(datagram)}});
    peer.send(frames);
    peer.forget();
  }
  EXPECT_FALSE(peer.end().isClosing());
  EXPECT_LE(peer.end().stats().bytesInFlight, 20u * 1200);
  EXPECT_LE(peer.end().stats().packetsSent - before, 2000u + 20) << "one ACK each, and a window full of answers";
}

TEST_P(AtEitherEnd, AnHonestChallengeIsAnsweredAtOnceWithAFullDatagram) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  peer.forget();
  peer.send(FrameBytes().add(PathChallengeFrame{{1, 2, 3}}));
  const auto responses = peer.all<PathResponseFrame>();
  ASSERT_EQ(responses.size(), 1u);
  EXPECT_EQ(responses[0].data, (PathData{1, 2, 3}));
  EXPECT_EQ(peer.heard.front().datagramSize, 1200u);
}

// T-02, X09. covers RFC 9000 §5.1.2
TEST_P(AtEitherEnd, ConnectionIdsThatRetireEachOtherEndInALimit) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  uint64_t sequence = 1;
  for (; sequence < 1000 && !peer.end().isClosing(); ++sequence) {
    NewConnectionIdFrame frame{
        sequence, sequence, ConnectionId(ByteVector{1, 2, 3, 4, 5, 6, 7, static_cast<uint8_t>(sequence)}), {}};
    peer.send(FrameBytes().add(frame));
  }
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(CONNECTION_ID_LIMIT_ERROR));
  EXPECT_LE(sequence, kMaxRetireQueue + 3);
}

// T-03 (CVE-2025-7054). covers RFC 9000 §5.1.2
TEST(Attack, RetiringIdsOfSeveralPathsAtOnceLeavesNoneOnARetiredId) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  const auto announce = [&](uint64_t from, uint64_t to, uint64_t retirePriorTo) {
    for (uint64_t sequence = from; sequence <= to; ++sequence) {
      const NewConnectionIdFrame frame{
          sequence, retirePriorTo, ConnectionId(ByteVector{9, 9, 9, 9, 9, 9, 9, static_cast<uint8_t>(sequence)}), {}};
      peer.send(FrameBytes().add(frame));
    }
  };
  announce(1, 7, 0);
  for (uint8_t host = 2; host <= 4; ++host) {
    for (int i = 0; i < 3; ++i) peer.sendFrom(peer.pathFrom(6000, host), FrameBytes().add(PathChallengeFrame{{host}}));
  }
  announce(8, 8, 8);
  peer.ackEverything(EncryptionLevel::OneRtt);
  peer.forget();
  for (uint8_t host = 1; host <= 4; ++host) {
    peer.sendFrom(peer.pathFrom(host == 1 ? 5000 : 6000, host), FrameBytes().add(PathChallengeFrame{{host}}));
  }
  EXPECT_TRUE(peer.lives());
  for (const HeardPacket& packet : peer.heard) EXPECT_EQ(packet.destinationId.bytes().back(), 8u);
}

// T-04 is in the tables of *MustCloseTest.
// T-05. covers RFC 9000 §7.5
TEST(Attack, EndlessTicketsAfterTheHandshakeReachTheHostInABoundedNumber) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.connect();
  const ByteVector ticket = fakeMessage(FakeMessage::NewSessionTicket, ByteVector(100));
  uint64_t offset = 0;
  for (int i = 0; i < 5000; ++i) {
    peer.send(FrameBytes().add(CryptoFrame{offset, ticket}));
    offset += ticket.size();
    peer.forget();
  }
  EXPECT_TRUE(peer.lives());
  EXPECT_GE(peer.count<SessionTicket>(), 1u);
  EXPECT_LE(peer.count<SessionTicket>(), kMaxSessionTickets);
}

// T-05
TEST_P(AtEitherEnd, CryptoGapsAreCutShort) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  for (uint64_t offset = 60000; offset > 1 && !peer.end().isClosing(); offset -= 2) {
    peer.send(hex("06" + varintHex(offset) + "01 61"));
    peer.forget();
  }
  EXPECT_TRUE(peer.end().isClosing());
}

// T-06, X22. covers RFC 9000 §21.9
TEST_P(AtEitherEnd, EveryOtherByteOfAStreamEndsInAClose) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  const std::string id = GetParam() == Role::Server ? "00" : "01";
  uint64_t sent = 0;
  for (uint64_t offset = 1; offset < 200000 && !peer.end().isClosing(); offset += 2) {
    peer.send(hex("0e" + id + varintHex(offset) + "01 61"));
    peer.forget();
    ++sent;
  }
  EXPECT_LE(sent, kMaxStreamGaps + 2);
}

// T-07. covers RFC 9000 §13.2.3
TEST_P(AtEitherEnd, SkippedPacketNumbersMakeNoLongerAcks) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  for (int i = 0; i < 3000; ++i) {
    PacketOptions options;
    options.number = peer.nextNumber(EncryptionLevel::OneRtt) + 1;
    peer.forget();
    peer.send(EncryptionLevel::OneRtt, hex("01"), options);
    for (const AckFrame& ack : peer.all<AckFrame>()) ASSERT_LT(ack.rangeCount, kMaxAckRanges);
  }
  EXPECT_TRUE(peer.lives());
}

// T-08
TEST(Attack, OneByteFramesThatNobodyReadsStayWithinTheWindow) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.streams.streamWindow = 5000;
  settings.end.streams.connectionWindow = 5000;
  MisbehavingPeer peer(settings);
  peer.connect();
  for (uint64_t offset = 0; offset < 5000; ++offset) {
    peer.send(hex("0e 00" + varintHex(offset) + "01 61"));
    peer.forget();
  }
  EXPECT_TRUE(peer.lives());
  for (const MaxDataFrame& frame : peer.all<MaxDataFrame>()) EXPECT_LE(frame.limit, 5000u);
  peer.send(hex("0e 00" + varintHex(5000) + "01 61"));
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(FLOW_CONTROL_ERROR));
}

// T-11. covers RFC 9000 §4.6
TEST(Attack, StreamsOpenedToTheLimitAndLeftAloneCostNoWork) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.idleTimeout = 300s;
  MisbehavingPeer peer(settings);
  peer.connect();
  for (uint64_t i = 0; i < 100; ++i) peer.send(hex("0a" + varintHex(i * 4) + "01 61"));
  peer.ackEverything(EncryptionLevel::OneRtt);
  EXPECT_EQ(peer.end().stats().openStreams, 100u);
  peer.advance(5s);
  const uint64_t wakes = peer.wakes;
  peer.advance(100s);
  EXPECT_LE(peer.wakes - wakes, 40u) << "only probes that back off";
  EXPECT_TRUE(peer.lives());
}

// T-14: the cousin of HTTP/2's rapid reset
TEST(Attack, StreamsOpenedAndResetAgainAndAgainLeaveNothingBehind) {
  for (const bool drains : {true, false}) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.streams.bidirectionalStreams = 10;
    MisbehavingPeer peer(settings);
    peer.connect();
    peer.drainsEvents = drains;
    uint64_t limit = 10;
    uint64_t opened = 0;
    for (int round = 0; round < 5000 && !peer.end().isClosing(); ++round) {
      if (opened < limit) {
        const std::string id = varintHex(opened * 4);
        peer.send(hex("0a" + id + "01 61 04" + id + "00 01 05" + id + "00"));
        ++opened;
      }
      for (const MaxStreamsFrame& frame : peer.all<MaxStreamsFrame>()) limit = std::max(limit, frame.limit);
      peer.ackEverything(EncryptionLevel::OneRtt);
      peer.forget();
    }
    EXPECT_FALSE(peer.end().isClosing()) << nameOfCode(peer.closeCode());
    EXPECT_LE(peer.end().stats().openStreams, 10u);
    const size_t before = peer.events.size();
    peer.drainsEvents = true;
    peer.advance(1ms);
    peer.send(hex("01"));
    if (!drains) {
      EXPECT_LE(peer.events.size() - before, 1000u) << "a host that is behind, " << opened << " streams";
    }
  }
}

TEST_P(AtEitherEnd, FloodsOfSmallFramesAreCheap) {
  const char* floods[] = {"01", "00", "10 40ff", "11 00 40ff", "14 05", "16 05", "12 05", "1b 0102030405060708"};
  for (const char* frame : floods) {
    const auto held = connected();
    MisbehavingPeer& peer = *held;
    ASSERT_TRUE(GetParam() == Role::Server || peer.end().openStream(false).hasValue());
    if (GetParam() == Role::Server) peer.send(hex("0a 00 01 61"));
    peer.ackEverything(EncryptionLevel::OneRtt);
    const uint64_t bytes = peer.bytesHeard;
    const uint64_t packets = peer.end().stats().packetsSent;
    FrameBytes many;
    while (many.bytes().size() < 1000) many.hex(frame);
    for (int i = 0; i < 500; ++i) {
      peer.send(many);
      peer.forget();
    }
    EXPECT_TRUE(peer.lives()) << frame;
    EXPECT_LE(peer.end().stats().packetsSent - packets, 550u) << frame;
    EXPECT_LE(peer.bytesHeard - bytes, 550u * 60) << frame << ": T-24, storms of credit are answered by ACKs alone";
  }
}

TEST(Attack, AFloodOfNewTokensIsForgottenAtOnce) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.connect();
  const size_t events = peer.events.size();
  for (int i = 0; i < 1000; ++i) peer.send(FrameBytes().add(NewTokenFrame{ByteVector(900, 1)}));
  EXPECT_EQ(peer.events.size(), events);
  EXPECT_TRUE(peer.lives());
}

// ---------------------------------------------------------------- hosts that are behind
TEST(Attack, PathChangesPileUpNoHigherThanTheBoundWhenTheHostIsBehind) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  peer.drainsEvents = false;
  for (int i = 0; i < 2000; ++i) {
    peer.sendFrom(i % 2 == 0 ? peer.pathFrom(6000) : peer.path(), hex("01"));
    peer.forget();
  }
  const size_t before = peer.events.size();
  peer.drainsEvents = true;
  peer.deliver({0x00});
  EXPECT_LE(peer.events.size() - before, kMaxQueuedEvents + 10);
  EXPECT_TRUE(peer.lives());
}

// ---------------------------------------------------------------- work
// T-21, T-22
TEST_P(AtEitherEnd, EveryFrameCutAtEveryByteIsAnsweredAndDoneWith) {
  const std::string token = "000102030405060708090a0b0c0d0e0f";
  const std::string frames[] = {"02 4001 00 01 00 00 00",
                                "03 4001 00 00 00 05 06 07",
                                "04 00 4000 4000",
                                "05 00 4000",
                                "06 4000 4003 616263",
                                "07 03 616263",
                                "0f 00 4000 4003 616263",
                                "10 80000000",
                                "11 00 80000000",
                                "12 8000ffff",
                                "13 8000ffff",
                                "14 80000000",
                                "15 00 4000",
                                "16 80000001",
                                "17 80000001",
                                "18 01 00 08 a1a1a1a1a1a1a1a1" + token,
                                "19 4000",
                                "1a 0102030405060708",
                                "1b 0102030405060708",
                                "1c 4000 4000 03 616263",
                                "1d 4000 03 616263",
                                "31 03 616263",
                                "32" + toHex(ByteVector(24))};
  for (const std::string& text : frames) {
    const ByteVector whole = hex(text);
    for (size_t size = 1; size < whole.size(); ++size) {
      const auto held = connected();
      MisbehavingPeer& peer = *held;
      peer.send(ByteSpan(whole).first(size));
      peer.advance(100ms);
      if (peer.end().isClosing()) continue;
      EXPECT_TRUE(peer.lives()) << text << " cut at " << size;
    }
  }
}

// T-23
TEST_P(AtEitherEnd, EmptyDatagramsChangeNothing) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  const uint64_t before = peer.datagramsHeard;
  for (int i = 0; i < 10000; ++i) peer.deliver({});
  EXPECT_EQ(peer.datagramsHeard, before);
  EXPECT_TRUE(peer.lives());
}

/// T-25: anything, anywhere, at any time.
TEST_P(AtEitherEnd, RandomFramesAtRandomLevelsNeverHangIt) {
  const std::string token = "000102030405060708090a0b0c0d0e0f";
  const std::string frames[] = {"00",
                                "01",
                                "02 00 00 00 00",
                                "04 00 00 00",
                                "05 00 00",
                                "06 00 04 14000000",
                                "06 4400 01 61",
                                "07 01 aa",
                                "0a 00 01 61",
                                "0b 01 01 61",
                                "10 4444",
                                "11 00 4444",
                                "12 4444",
                                "14 05",
                                "18 01 00 08 a1a1a1a1a1a1a1a1" + token,
                                "18 02 02 08 a2a2a2a2a2a2a2a2" + token,
                                "19 01",
                                "1a 0102030405060708",
                                "1b 0102030405060708",
                                "1c 00 00 00",
                                "1e",
                                "33",
                                "3f"};
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Seeded random(seed);
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.endRole = GetParam();
    MisbehavingPeer peer(settings);
    const uint64_t stage = below(random, 3);
    if (stage == 0) peer.begin();
    if (stage == 1) peer.reachHandshakeLevel();
    if (stage == 2) peer.connect();
    for (int i = 0; i < 20; ++i) {
      const EncryptionLevel levels[] = {kI, kH, EncryptionLevel::OneRtt};
      FrameBytes payload;
      for (uint64_t n = 1 + below(random, 3); n > 0; --n) payload.hex(frames[below(random, std::size(frames))]);
      peer.send(levels[below(random, 3)], payload);
      if (below(random, 3) == 0) peer.advance(std::chrono::milliseconds(below(random, 500)));
    }
    peer.advance(200s);
    EXPECT_TRUE(peer.end().isDrained()) << "seed " << seed;
    EXPECT_LE(peer.count<ConnectionClosed>(), 1u) << "seed " << seed;
    EXPECT_LE(peer.wakes, 2000u) << "seed " << seed;
    if (testing::Test::HasFailure()) return;
  }
}

/// Flipped bits of real datagrams, headers included.
TEST_P(AtEitherEnd, DamagedDatagramsAreDropped) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  Seeded random(5);
  for (int i = 0; i < 3000; ++i) {
    ByteVector datagram = peer.seal(EncryptionLevel::OneRtt, hex("01"));
    datagram[below(random, datagram.size())] ^= static_cast<uint8_t>(1 + below(random, 255));
    peer.deliver(std::move(datagram));
  }
  EXPECT_TRUE(peer.lives());
}

}  // namespace
}  // namespace quic::test
