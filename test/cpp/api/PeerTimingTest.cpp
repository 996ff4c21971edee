// Acknowledgments, timeouts, credit and identifiers as a peer meets them: the project's security cases, the X rows of part 3.3
// and the B and F rows that describe behaviour.
#include <gtest/gtest.h>

#include "cpp/api/PeerRows.h"

namespace quic::test {
namespace {

class TimingAtEitherEnd : public testing::TestWithParam<Role> {
 protected:
  static std::unique_ptr<MisbehavingPeer> connected(PeerSettings settings = MisbehavingPeer::againstServer()) {
    settings.endRole = GetParam();
    auto peer = std::make_unique<MisbehavingPeer>(settings);
    peer->connect();
    return peer;
  }
};
INSTANTIATE_TEST_SUITE_P(Ends, TimingAtEitherEnd, testing::Values(Role::Client, Role::Server),
                         [](const auto& info) { return info.param == Role::Client ? "Client" : "Server"; });

// X26. covers RFC 9002 §5.3
TEST_P(TimingAtEitherEnd, AnAckDelayBeyondReasonIsClamped) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  for (int i = 0; i < 20; ++i) {
    peer.forget();
    peer.send(hex("1a 0102030405060708"));
    ASSERT_FALSE(peer.heard.empty());
    const PacketNum number = peer.heard.back().number;
    peer.send(hex("02" + varintHex(number) + varintHex(kMaxVarint) + "00 00"));
  }
  EXPECT_LE(peer.end().stats().smoothedRtt, 1s);
  EXPECT_TRUE(peer.lives());
}

// X19. covers RFC 9000 §13.4.2
TEST_P(TimingAtEitherEnd, EcnCountsThatMakeNoSenseCloseNothing) {
  for (const char* counts : {"00 00 00", "05 00 00", "00 00 05", "c0000000ffffffff 00 c0000000ffffffff"}) {
    const auto held = connected();
    MisbehavingPeer& peer = *held;
    for (int i = 0; i < 3; ++i) {
      peer.forget();
      peer.send(hex("1a 0102030405060708"));
      peer.send(hex("03" + varintHex(peer.heard.back().number) + "00 00 00" + std::string(counts)));
    }
    EXPECT_TRUE(peer.lives()) << counts;
  }
}

struct IdleRow {
  Duration ours;
  uint64_t theirs;   // milliseconds
  Duration longest;  // 0: never
};

// X30. covers RFC 9000 §10.1
TEST_P(TimingAtEitherEnd, TheSmallerIdleTimeoutThatIsNotZeroCounts) {
  const IdleRow rows[] = {{30s, 0, 30s},  {30s, 5000, 5s}, {5s, 30000, 5s},
                          {0s, 7000, 7s}, {0s, 0, 0s},     {30s, kMaxVarint, 30s}};
  for (const IdleRow& row : rows) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.idleTimeout = row.ours;
    settings.parameters.maxIdleTimeout = row.theirs;
    const auto held = connected(settings);
    MisbehavingPeer& peer = *held;
    peer.ackEverything(EncryptionLevel::OneRtt);
    peer.send(hex("01"));
    if (row.longest == 0s) {
      peer.advance(1h);
      EXPECT_FALSE(peer.end().isClosing());
      continue;
    }
    peer.advance(row.longest - 10ms);
    EXPECT_FALSE(peer.end().isClosing()) << row.longest.count();
    peer.advance(20ms);
    EXPECT_TRUE(peer.end().isDrained()) << row.longest.count();
  }
}

// X31. covers RFC 9000 §10.1.2
TEST_P(TimingAtEitherEnd, KeepAliveOutlivesTheTimeout) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.idleTimeout = 10s;
  settings.end.keepAliveInterval = 3s;
  const auto held = connected(settings);
  MisbehavingPeer& peer = *held;
  for (int i = 0; i < 20; ++i) {
    peer.advance(3100ms);
    peer.ackEverything(EncryptionLevel::OneRtt);
    peer.forget();
  }
  EXPECT_TRUE(peer.lives());
}

// X34. covers RFC 9000 §11.2
TEST_P(TimingAtEitherEnd, ApplicationCodesOf62BitsArriveUnchanged) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  const std::string id = GetParam() == Role::Server ? "00" : "01";
  peer.send(hex("04" + id + varintHex(kMaxVarint) + "00"));
  peer.send(hex("05" + id + varintHex(kMaxVarint - 1)));
  std::vector<uint64_t> codes;
  for (const TransportEvent& event : peer.events) {
    const auto* stream = std::get_if<StreamEvent>(&event);
    if (stream == nullptr) continue;
    if (const auto* reset = std::get_if<StreamReset>(stream)) codes.push_back(reset->errorCode);
    if (const auto* stopped = std::get_if<StreamStopped>(stream)) codes.push_back(stopped->errorCode);
  }
  EXPECT_EQ(codes, (std::vector<uint64_t>{kMaxVarint, kMaxVarint - 1}));
}

// ---------------------------------------------------------------- B and F rows that are behaviour
// F71. covers RFC 9000 §4.6
TEST(PeerTiming, FinishedStreamsMakeRoomForNewOnes) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.streams.bidirectionalStreams = 10;
  MisbehavingPeer peer(settings);
  peer.connect();
  for (uint64_t i = 0; i < 10; ++i) {
    const std::string id = varintHex(i * 4);
    peer.send(hex("04" + id + "00 00 05" + id + "00"));
  }
  peer.ackEverything(EncryptionLevel::OneRtt);
  peer.advance(50ms);
  uint64_t limit = 10;
  for (const MaxStreamsFrame& frame : peer.all<MaxStreamsFrame>()) limit = std::max(limit, frame.limit);
  EXPECT_GE(limit, 15u);
}

// F72, F73. covers RFC 9000 §13.2.1
TEST_P(TimingAtEitherEnd, AcknowledgesWhatElicitsInTimeAndNothingElse) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  peer.advance(1s);
  peer.ackEverything(EncryptionLevel::OneRtt);
  peer.advance(1s);
  const uint64_t before = peer.datagramsHeard;
  peer.ackEverything(EncryptionLevel::OneRtt);
  peer.send(hex("00 00 00"));
  peer.advance(500ms);
  EXPECT_EQ(peer.datagramsHeard, before);
  const PacketNum number = peer.nextNumber(EncryptionLevel::OneRtt);
  peer.send(hex("01"));
  peer.advance(25ms);
  EXPECT_TRUE(peer.hasAcked(EncryptionLevel::OneRtt, number));
}

// B14. covers RFC 9000 §5.1.1
TEST_P(TimingAtEitherEnd, IssuesNoMoreIdsThanThePeerKeeps) {
  for (const uint64_t limit : {2u, 4u, 100u}) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.parameters.activeConnectionIdLimit = limit;
    const auto held = connected(settings);
    MisbehavingPeer& peer = *held;
    std::map<uint64_t, ConnectionId> issued;
    for (const NewConnectionIdFrame& frame : peer.all<NewConnectionIdFrame>()) issued[frame.sequence] = frame.id;
    EXPECT_EQ(issued.size(), std::min<uint64_t>(limit, kAdvertisedActiveConnectionIdLimit) - 1);
  }
}

// B18. covers RFC 9000 §18.2
TEST(PeerTiming, DatagramsNeverExceedWhatThePeerTakes) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.datagramSize = 1400;
  settings.parameters.maxUdpPayloadSize = 1250;
  MisbehavingPeer peer(settings);
  peer.connect();
  peer.send(hex("0a 00 01 61"));
  peer.forget();
  ASSERT_TRUE(peer.end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(8000)), true).hasValue());
  peer.deliver({0x00});
  size_t largest = 0;
  for (const HeardPacket& packet : peer.heard) largest = std::max(largest, packet.datagramSize);
  EXPECT_EQ(largest, 1250u);
}

}  // namespace
}  // namespace quic::test
