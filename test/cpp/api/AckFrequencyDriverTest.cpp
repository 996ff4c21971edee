// The acknowledgment frequency extension as a peer meets it: draft-ietf-quic-ack-frequency.
#include <gtest/gtest.h>

#include "cpp/api/PeerRows.h"

namespace quic::test {
namespace {

using enum TransportErrorCode;

class AckFrequencyAtEitherEnd : public testing::TestWithParam<Role> {
 protected:
  static PeerSettings offering() {
    PeerSettings settings = MisbehavingPeer::against(GetParam());
    settings.end.ackFrequency = true;
    settings.parameters.minAckDelay = 1000;
    return settings;
  }
  static size_t acksAfterPings(MisbehavingPeer& peer, int pings) {
    peer.forget();
    for (int i = 0; i < pings; ++i) peer.send(FrameBytes().add(PingFrame{}));
    return peer.all<AckFrame>().size();
  }
};
INSTANTIATE_TEST_SUITE_P(Ends, AckFrequencyAtEitherEnd, testing::Values(Role::Client, Role::Server),
                         [](const auto& info) { return info.param == Role::Client ? "Client" : "Server"; });

TEST_P(AckFrequencyAtEitherEnd, IsOffUnlessItIsOffered) {
  for (const bool isImmediate : {false, true}) {
    MisbehavingPeer peer(MisbehavingPeer::against(GetParam()));
    peer.connect();
    ASSERT_TRUE(peer.endParameters());
    EXPECT_FALSE(peer.endParameters()->minAckDelay);
    if (isImmediate) {
      peer.send(FrameBytes().add(ImmediateAckFrame{}));
    } else {
      peer.send(FrameBytes().add(AckFrequencyFrame{0, 1, 25'000, 1}));
    }
    EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(FRAME_ENCODING_ERROR)) << "to us they are unknown types";
  }
}

TEST_P(AckFrequencyAtEitherEnd, ObeysTheNewestRequest) {
  MisbehavingPeer peer(offering());
  peer.connect();
  EXPECT_EQ(peer.endParameters()->minAckDelay, 1000u);
  peer.send(FrameBytes().add(AckFrequencyFrame{4, 9, 100'000, 0}));
  peer.advance(200ms);
  EXPECT_EQ(acksAfterPings(peer, 9), 0u);
  EXPECT_EQ(acksAfterPings(peer, 1), 1u);
  peer.send(FrameBytes().add(AckFrequencyFrame{3, 0, 100'000, 0}));
  EXPECT_EQ(acksAfterPings(peer, 8), 0u) << "that was an older one";
  peer.send(FrameBytes().add(AckFrequencyFrame{5, 0, 100'000, 0}));
  EXPECT_EQ(acksAfterPings(peer, 3), 3u);
  EXPECT_FALSE(peer.end().isClosing());
}

TEST_P(AckFrequencyAtEitherEnd, WaitsNoLongerThanItWasAsked) {
  MisbehavingPeer peer(offering());
  peer.connect();
  peer.send(FrameBytes().add(AckFrequencyFrame{0, 100, 3'000, 1}));
  peer.advance(1s);
  EXPECT_EQ(acksAfterPings(peer, 1), 0u);
  peer.advance(3ms);
  EXPECT_EQ(peer.all<AckFrame>().size(), 1u);
}

TEST_P(AckFrequencyAtEitherEnd, AnswersAtOnceWhenAsked) {
  MisbehavingPeer peer(offering());
  peer.connect();
  peer.send(FrameBytes().add(AckFrequencyFrame{0, 100, 100'000, 0}));
  peer.advance(1s);
  peer.forget();
  const PacketNum number = peer.nextNumber(EncryptionLevel::OneRtt);
  peer.send(FrameBytes().add(ImmediateAckFrame{}));
  EXPECT_TRUE(peer.hasAcked(EncryptionLevel::OneRtt, number));
}

constexpr uint64_t kLongestDelay = 1'000 * (1 << 14) - 1;  // microseconds

TEST_P(AckFrequencyAtEitherEnd, ClosesOnADelayThatCannotBe) {
  for (const uint64_t delay : {uint64_t{999}, kLongestDelay + 1, kMaxVarint}) {
    MisbehavingPeer peer(offering());
    peer.connect();
    peer.send(FrameBytes().add(AckFrequencyFrame{0, 1, delay, 1}));
    EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(PROTOCOL_VIOLATION)) << delay;
  }
}

TEST_P(AckFrequencyAtEitherEnd, BearsTheLargestOfEverything) {
  MisbehavingPeer peer(offering());
  peer.connect();
  peer.send(FrameBytes().add(AckFrequencyFrame{kMaxVarint, kMaxVarint, kLongestDelay, kMaxVarint}));
  peer.advance(20s);
  EXPECT_EQ(acksAfterPings(peer, 100), 0u);
  peer.advance(17s);
  EXPECT_FALSE(peer.all<AckFrame>().empty());
}

/// A server that sends in bulk, to a peer that acknowledges all of it.
struct BulkEnd {
  explicit BulkEnd(bool isOffered) : peer(settings(isOffered)) {
    peer.connect();
    peer.send(fromHex("0a 00 01 61"));
  }
  static PeerSettings settings(bool isOffered) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.ackFrequency = true;
    settings.parameters.initialMaxData = 1 << 26;
    settings.parameters.initialMaxStreamDataBidiLocal = 1 << 26;
    if (isOffered) settings.parameters.minAckDelay = 2000;
    return settings;
  }
  void send(size_t bytes) {
    EXPECT_TRUE(peer.end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(bytes)), false).hasValue());
    for (int i = 0; i < 30; ++i) {
      peer.advance(20ms);
      peer.ackEverything(EncryptionLevel::OneRtt);
    }
  }
  MisbehavingPeer peer;
};

TEST(AckFrequencyDriver, AsksForFewerAcknowledgmentsOnceTheWindowIsLarge) {
  BulkEnd bulk(true);
  bulk.send(1'000'000);
  const auto asked = bulk.peer.all<AckFrequencyFrame>();
  ASSERT_FALSE(asked.empty());
  EXPECT_LE(asked.size(), 8u);
  EXPECT_EQ(asked.front().sequence, 0u);
  for (const AckFrequencyFrame& frame : asked) {
    EXPECT_GE(frame.maxAckDelay, 2000u);
    EXPECT_LE(frame.maxAckDelay, 25'000u);
    EXPECT_LE(frame.elicitingThreshold, 10u);
    EXPECT_GE(frame.reorderingThreshold, 3u);
  }
  EXPECT_GE(asked.back().elicitingThreshold, 2u);
}

TEST(AckFrequencyDriver, AsksNothingOfAPeerThatDoesNotOfferIt) {
  BulkEnd bulk(false);
  bulk.send(1'000'000);
  EXPECT_TRUE(bulk.peer.all<AckFrequencyFrame>().empty());
  bulk.peer.forget();
  bulk.peer.send(FrameBytes().add(PathChallengeFrame{}));
  bulk.peer.advance(1s);
  EXPECT_TRUE(bulk.peer.all<ImmediateAckFrame>().empty());
}

TEST(AckFrequencyDriver, ItsProbesAskForAnImmediateAnswer) {
  BulkEnd bulk(true);
  bulk.peer.forget();
  EXPECT_TRUE(bulk.peer.end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(10)), false).hasValue());
  bulk.peer.advance(1s);
  EXPECT_FALSE(bulk.peer.all<ImmediateAckFrame>().empty());
}

}  // namespace
}  // namespace quic::test
