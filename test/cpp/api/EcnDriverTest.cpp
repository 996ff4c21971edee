// Congestion marks on a whole connection: what is sent with one, and what a peer's report of them does. The rules that
// judge a report are in test/cpp/state/EcnValidationTest.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"

namespace quic::test {
namespace {

class EcnAtEitherEnd : public testing::TestWithParam<Role> {
 protected:
  static PeerSettings reporting() {
    PeerSettings settings = MisbehavingPeer::against(GetParam());
    settings.reportsEcn = true;
    return settings;
  }
  /// The mark of the next datagram of the end.
  static Ecn nextMark(MisbehavingPeer& peer) {
    peer.forget();
    peer.send(fromHex("1a 0102030405060708"));
    EXPECT_FALSE(peer.heard.empty());
    return peer.heard.empty() ? Ecn::Ce : peer.heard.back().ecn;
  }
};
INSTANTIATE_TEST_SUITE_P(Ends, EcnAtEitherEnd, testing::Values(Role::Client, Role::Server),
                         [](const auto& info) { return info.param == Role::Client ? "Client" : "Server"; });

struct ReportRow {
  const char* what;
  int64_t ect0, ect1, ce;  // added to what is true
  bool isReported;
  bool isBelieved;
};

// row X19. covers RFC 9000 §13.4.2.1, §13.4.2.2
TEST_P(EcnAtEitherEnd, MarksUntilAReportCannotBeTrue) {
  const ReportRow rows[] = {
      {"the truth", 0, 0, 0, true, true},     {"one met congestion", -1, 0, 1, true, true},
      {"nothing", 0, 0, 0, false, false},     {"one mark less", -1, 0, 0, true, false},
      {"remarked", -1, 1, 0, true, false},    {"a mark that was never set", 0, 1, 0, true, false},
      {"more marks", 100, 0, 0, true, false}, {"more congestion", 0, 0, 100, true, false},
  };
  for (const ReportRow& row : rows) {
    MisbehavingPeer peer(reporting());
    peer.connect();
    ASSERT_EQ(nextMark(peer), Ecn::Ect0) << row.what;
    EcnCounts counts = peer.honestCounts();
    counts.ect0 += static_cast<uint64_t>(row.ect0);
    counts.ect1 += static_cast<uint64_t>(row.ect1);
    counts.ce += static_cast<uint64_t>(row.ce);
    peer.ackWith(row.isReported ? std::optional(counts) : std::nullopt);
    EXPECT_EQ(nextMark(peer), row.isBelieved ? Ecn::Ect0 : Ecn::NotEct) << row.what;
    EXPECT_TRUE(peer.lives()) << row.what;
  }
}

// row X19. covers RFC 9000 §13.4.2.1
TEST_P(EcnAtEitherEnd, StopsMarkingWhenCountsGoDown) {
  MisbehavingPeer peer(reporting());
  peer.connect();
  ASSERT_EQ(nextMark(peer), Ecn::Ect0);
  const EcnCounts before = peer.honestCounts();
  peer.ackWith(before);
  ASSERT_EQ(nextMark(peer), Ecn::Ect0);
  peer.ackWith(EcnCounts{before.ect0 - 1, 0, 5});
  EXPECT_EQ(nextMark(peer), Ecn::NotEct);
}

// covers RFC 9000 §13.4.2.1: an old frame that comes late proves nothing
TEST_P(EcnAtEitherEnd, ConcludesNothingFromAFrameThatDoesNotRaiseTheLargest) {
  MisbehavingPeer peer(reporting());
  peer.connect();
  ASSERT_EQ(nextMark(peer), Ecn::Ect0);
  const PacketNum first = peer.heard.back().number;
  ASSERT_EQ(nextMark(peer), Ecn::Ect0);
  const PacketNum second = peer.heard.back().number;
  std::array<uint8_t, 100> room{};
  ByteWriter writer(room);
  IntervalSet newer;
  newer.insert(second);
  writeAckFrame(writer, newer, 0, peer.honestCounts());
  peer.send(ByteSpan(room).first(writer.offset()));
  peer.send(FrameBytes().ack(first, first));  // without counts
  EXPECT_EQ(nextMark(peer), Ecn::Ect0);
}

// covers RFC 9002 §7.1, RFC 9000 §13.4.2
TEST_P(EcnAtEitherEnd, TreatsANewMarkAsCongestionOnce) {
  MisbehavingPeer peer(reporting());
  peer.connect();
  ASSERT_EQ(nextMark(peer), Ecn::Ect0);
  const uint64_t window = peer.end().stats().congestionWindow;
  EcnCounts counts = peer.honestCounts();
  --counts.ect0;
  ++counts.ce;
  peer.ackWith(counts);
  EXPECT_EQ(peer.end().stats().congestionMarks, 1u);
  const uint64_t reduced = peer.end().stats().congestionWindow;
  EXPECT_LT(reduced, window);
  ASSERT_EQ(nextMark(peer), Ecn::Ect0);
  ++counts.ect0;
  peer.ackWith(counts);
  EXPECT_EQ(peer.end().stats().congestionMarks, 1u) << "the count has not grown";
  EXPECT_GE(peer.end().stats().congestionWindow, reduced);
}

// covers RFC 9000 §13.4.1
TEST_P(EcnAtEitherEnd, MarksNothingWhenItIsOffAndReportsNevertheless) {
  PeerSettings settings = reporting();
  settings.end.ecn = false;
  MisbehavingPeer peer(settings);
  peer.mark = Ecn::Ect0;
  peer.connect();
  EXPECT_EQ(nextMark(peer), Ecn::NotEct);
  for (const HeardPacket& packet : peer.heard) EXPECT_EQ(packet.ecn, Ecn::NotEct);
  peer.forget();
  peer.mark = Ecn::Ce;
  peer.send(fromHex("01"));
  const auto acks = peer.all<AckFrame>();
  ASSERT_FALSE(acks.empty()) << "a congestion mark is reported at once";
  ASSERT_TRUE(acks.back().ecn);
  EXPECT_GE(acks.back().ecn->ect0, 1u);
  EXPECT_EQ(acks.back().ecn->ce, 1u);
}

// covers RFC 9000 §13.4.2: a path that swallows marked packets is tried with ten of them
TEST(EcnDriver, StopsMarkingWhenNobodyAnswersMarkedPackets) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.handshakeTimeout = 60s;
  MisbehavingPeer peer(settings);
  peer.begin();
  peer.advance(30s);
  size_t marked = 0;
  bool hasStopped = false;
  for (const HeardPacket& packet : peer.heard) {
    EXPECT_FALSE(hasStopped && packet.ecn != Ecn::NotEct);
    hasStopped = hasStopped || packet.ecn == Ecn::NotEct;
    marked += packet.ecn == Ecn::Ect0 ? 1 : 0;
  }
  EXPECT_TRUE(hasStopped);
  EXPECT_GE(marked, 1u);
  EXPECT_LE(marked, 10u);
}

}  // namespace
}  // namespace quic::test
