// What acknowledgments and losses mean to a whole connection.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"
#include "quic/codec/FrameTraits.h"

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
  void awaitProbes() {
    peer.forget();
    for (int i = 0; i < 1000 && peer.heard.empty(); ++i) peer.advance(1ms);
  }
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
  EXPECT_EQ(end.stats().congestionWindow, window * 7 / 10) << "Cubic's reduction";
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

// ---------------------------------------------------------------- numbers that were never sent
class RecoveryAtEitherEnd : public testing::TestWithParam<Role> {
 protected:
  void SetUp() override { peer.connect(); }
  /// A number that the end left out between two that it used.
  PacketNum findSkipped() {
    std::optional<PacketNum> before;
    for (int i = 0; i < 1000; ++i) {
      peer.forget();
      peer.send(fromHex("1a 0102030405060708"));
      for (const HeardPacket& packet : peer.heard) {
        if (before && packet.number > *before + 1) return *before + 1;
        before = packet.number;
      }
    }
    ADD_FAILURE() << "nothing was skipped";
    return 0;
  }

  MisbehavingPeer peer{MisbehavingPeer::against(GetParam())};
};
INSTANTIATE_TEST_SUITE_P(Ends, RecoveryAtEitherEnd, testing::Values(Role::Client, Role::Server),
                         [](const auto& info) { return info.param == Role::Client ? "Client" : "Server"; });

// rows X25, T-15. covers RFC 9000 §21.4, §13.1
TEST_P(RecoveryAtEitherEnd, ClosesOnTheAcknowledgmentOfASkippedNumber) {
  const PacketNum skipped = findSkipped();
  peer.send(FrameBytes().ack(skipped, skipped + 1));
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOfCode(uint64_t{0x0a}));
}

// row T-16. covers RFC 9000 §13.1
TEST_P(RecoveryAtEitherEnd, ClosesOnTheAcknowledgmentOfANumberAhead) {
  peer.forget();
  peer.send(fromHex("1a 0102030405060708"));
  peer.send(FrameBytes().ack(peer.heard.back().number, peer.heard.back().number + 100));
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOfCode(uint64_t{0x0a}));
}

TEST_P(RecoveryAtEitherEnd, SkippedNumbersTroubleNoHonestPeer) {
  for (int i = 0; i < 3000; ++i) {
    peer.forget();
    peer.send(fromHex("1a 0102030405060708"));
    peer.ackEverything(EncryptionLevel::OneRtt);
  }
  EXPECT_TRUE(peer.lives());
  EXPECT_EQ(peer.end().stats().packetsLost, 0u);
}

// ---------------------------------------------------------------- round trips
struct HeldBackRow {
  const char* what;
  uint64_t ackDelay;  // microseconds
  Duration smoothed;
};

// covers RFC 9002 §5.3
TEST(RecoveryDriver, IgnoresASampleOfTheHandshakeThatWasHeldBack) {
  const HeldBackRow rows[] = {{"a repeated report", 480'000, kInitialRtt},
                              {"as the network is", 0, 500ms},
                              {"a delay that is meant", 20'000, 500ms}};
  for (const HeldBackRow& row : rows) {
    MisbehavingPeer peer(MisbehavingPeer::againstServer());
    peer.begin();
    peer.advance(500ms);
    peer.send(EncryptionLevel::Initial, FrameBytes().hex("02 00").varint(row.ackDelay >> 3).hex("00 00"));
    EXPECT_EQ(peer.end().stats().smoothedRtt, row.smoothed) << row.what;
  }
}

// covers RFC 9000 §13.2.5
TEST(RecoveryDriver, ReportsHowLongAnAcknowledgmentOfTheHandshakeWasHeldBack) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.begin();
  const auto first = peer.all<AckFrame>(EncryptionLevel::Initial);
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(first.back().ackDelay, 0u);
  peer.advance(1100ms);
  const auto repeated = peer.all<AckFrame>(EncryptionLevel::Initial);
  ASSERT_GT(repeated.size(), first.size()) << "the flight was sent again, and its report with it";
  EXPECT_EQ(repeated.back().ackDelay, 999'000u >> 3) << "three initial round trips";
}

// ---------------------------------------------------------------- probes
// covers RFC 9002 §6.2.4
TEST(RecoveryDriver, ProbesOfTheHandshakeTakeApplicationDataAlong) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.reachHandshakeLevel();
  peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
  const auto stream = peer.end().openStream(true);
  ASSERT_TRUE(stream);
  ASSERT_TRUE(peer.end().writeStream(*stream, OwnedBytes::copyOf(fromHex("61 62")), true).hasValue());
  peer.deliver({0x00});
  ASSERT_EQ(peer.all<StreamFrame>().size(), 1u);
  peer.forget();
  peer.advance(50ms);
  EXPECT_FALSE(peer.all<CryptoFrame>(EncryptionLevel::Handshake).empty());
  EXPECT_FALSE(peer.all<StreamFrame>().empty());
  ASSERT_FALSE(peer.end().isHandshakeConfirmed());
  EXPECT_LE(peer.datagramsHeard, 40u) << "each probe doubles the wait for the next";
}

// ---------------------------------------------------------------- acknowledgments
// row X27. covers RFC 9002 §5.3
TEST_P(RecoveryAtEitherEnd, CapsTheReportedDelayAtMaxAckDelay) {
  peer.forget();
  peer.send(fromHex("1a 0102030405060708"));
  const PacketNum number = peer.heard.back().number;
  const Duration before = peer.end().stats().smoothedRtt;
  peer.advance(100ms);
  peer.send(FrameBytes().hex("02").varint(number).varint(90'000 >> 3).hex("00 00"));
  EXPECT_EQ(peer.end().stats().latestRtt, 100ms);
  EXPECT_EQ(peer.end().stats().smoothedRtt, (7 * before + 75ms) / 8) << "25 ms of it are believed";
}

// covers RFC 9000 §13.2.1, §13.2.4
TEST_P(RecoveryAtEitherEnd, WhoOnlyAcknowledgesAsksForAnAnswerNowAndThen) {
  peer.forget();
  constexpr int kPackets = 400;
  for (int i = 0; i < kPackets; ++i) {
    PacketOptions options;
    options.number = peer.nextNumber(EncryptionLevel::OneRtt) + 1;
    peer.send(EncryptionLevel::OneRtt, fromHex("01"), options);
  }
  EXPECT_EQ(peer.all<AckFrame>().size(), static_cast<size_t>(kPackets)) << "each tells of a gap";
  const size_t pings = peer.all<PingFrame>().size();
  EXPECT_GE(pings, 10u);
  EXPECT_LE(pings, 20u) << "as many as the window lets out, one in twenty at the most";
  peer.ackEverything(EncryptionLevel::OneRtt);
  peer.forget();
  peer.send(fromHex("01 01"));
  peer.advance(30ms);
  ASSERT_FALSE(peer.all<AckFrame>().empty());
  EXPECT_LE(peer.all<AckFrame>().back().rangeCount, 2u) << "what the peer knows to be acknowledged is forgotten";
}

// covers RFC 9000 §13.2.6: what comes in one space is acknowledged there and nowhere else
TEST(RecoveryDriver, AcknowledgesEachSpaceInItself) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  constexpr PacketNum kInitial = 10;
  constexpr PacketNum kHandshake = 20;
  constexpr PacketNum kOneRtt = 30;
  PacketOptions options;
  options.number = kInitial;
  peer.send(EncryptionLevel::Initial, peer.helloFrames(), options);
  options.number = kHandshake;
  const ByteVector finished = fakeMessage(FakeMessage::Finished);
  peer.send(EncryptionLevel::Handshake, FrameBytes().add(PingFrame{}), options);
  ++*options.number;
  peer.send(EncryptionLevel::Handshake, FrameBytes().add(CryptoFrame{0, finished}), options);
  options.number = kOneRtt;
  peer.send(EncryptionLevel::OneRtt, fromHex("01"), options);
  peer.advance(30ms);
  for (const EncryptionLevel level : {EncryptionLevel::Initial, EncryptionLevel::Handshake, EncryptionLevel::OneRtt}) {
    EXPECT_EQ(peer.hasAcked(level, kInitial), level == EncryptionLevel::Initial);
    EXPECT_EQ(peer.hasAcked(level, kHandshake), level == EncryptionLevel::Handshake);
    EXPECT_EQ(peer.hasAcked(level, kOneRtt), level == EncryptionLevel::OneRtt);
  }
}

// ---------------------------------------------------------------- window and probes
// covers RFC 9002 §7, §7.5
TEST(RecoveryDriver, SendsNothingBeyondTheWindowButProbes) {
  SendingEnd end(200'000);
  const ConnectionStats full = end.stats();
  EXPECT_LE(full.bytesInFlight, full.congestionWindow);
  EXPECT_GT(full.bytesInFlight + 2 * 1200, full.congestionWindow) << "and that is used";
  end.awaitProbes();
  EXPECT_EQ(end.stats().ptoCount, 1u);
  EXPECT_EQ(end.peer.heard.size(), 2u);
  EXPECT_GT(end.stats().bytesInFlight, full.congestionWindow) << "probes are not held back, and count";
  EXPECT_EQ(end.stats().packetsLost, 0u) << "nothing is lost by a timer";
}

size_t elicitingAmong(const MisbehavingPeer& peer, EncryptionLevel level) {
  size_t count = 0;
  for (const QuicFrame& frame : peer.frames(level)) count += frameTraits(frame).ackEliciting ? 1 : 0;
  return count;
}

// covers RFC 9002 §6.2.4
TEST(RecoveryDriver, EachProbeElicitsAnAcknowledgmentInItsSpace) {
  SendingEnd end(100);
  end.awaitProbes();
  ASSERT_EQ(end.peer.heard.size(), 2u);
  EXPECT_EQ(end.peer.all<StreamFrame>().size(), 1u) << "what is unanswered goes first";
  EXPECT_EQ(end.peer.all<PingFrame>().size(), 1u) << "and when that is all, a PING";
  EXPECT_EQ(elicitingAmong(end.peer, EncryptionLevel::OneRtt), 2u);

  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.begin();
  peer.forget();
  peer.advance(1s);
  EXPECT_GE(elicitingAmong(peer, EncryptionLevel::Initial), 1u);
  EXPECT_GE(elicitingAmong(peer, EncryptionLevel::Handshake), 1u);
}

// covers RFC 9000 §17.2.2
// covers RFC 9002 §6.2.4
TEST(RecoveryDriver, EveryProbeOfTheFirstFlightCarriesIt) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  peer.forget();
  for (int i = 0; i < 3000 && peer.heard.empty(); ++i) peer.advance(1ms);
  ASSERT_EQ(peer.heard.size(), 2u);
  const auto frames = peer.all<CryptoFrame>(EncryptionLevel::Initial);
  ASSERT_EQ(frames.size(), 2u) << "whichever probe comes first is the first packet that the server sees";
  EXPECT_EQ(frames[0].offset, 0u);
  EXPECT_EQ(frames[1].offset, 0u);
  EXPECT_TRUE(peer.all<PingFrame>(EncryptionLevel::Initial).empty());
}

}  // namespace
}  // namespace quic::test
