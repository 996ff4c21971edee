// How a connection ends and what keeps it from ending: RFC 9000 §10. Both ends, in every state.
#include <gtest/gtest.h>

#include "cpp/api/PeerRows.h"

namespace quic::test {
namespace {

using enum TransportErrorCode;

enum class Reach : uint8_t { Begun, HandshakeLevel, Connected };

void reach(MisbehavingPeer& peer, Reach how) {
  if (how == Reach::Begun) return peer.begin();
  if (how == Reach::HandshakeLevel) return peer.reachHandshakeLevel();
  peer.connect();
}

std::vector<EncryptionLevel> levelsOfClose(const MisbehavingPeer& peer) {
  std::vector<EncryptionLevel> levels;
  for (const EncryptionLevel level : {kI, kH, k1}) {
    if (!peer.all<ConnectionCloseFrame>(level).empty()) levels.push_back(level);
  }
  return levels;
}

class Life : public testing::TestWithParam<Role> {
 protected:
  static std::unique_ptr<MisbehavingPeer> connected(PeerSettings settings = MisbehavingPeer::againstServer()) {
    settings.endRole = GetParam();
    auto peer = std::make_unique<MisbehavingPeer>(settings);
    peer->connect();
    peer->ackEverything(k1);
    return peer;
  }
};
INSTANTIATE_TEST_SUITE_P(Ends, Life, testing::Values(Role::Client, Role::Server),
                         [](const auto& info) { return info.param == Role::Client ? "Client" : "Server"; });

// ---------------------------------------------------------------- immediate close
// covers RFC 9000 §10.2.3, §12.5
TEST_P(Life, ACloseGoesOutAtEveryLevelThatThePeerMayReadAndNoOther) {
  for (const Reach how : {Reach::Begun, Reach::HandshakeLevel, Reach::Connected}) {
    for (const bool isApplication : {false, true}) {
      MisbehavingPeer peer(MisbehavingPeer::against(GetParam()));
      reach(peer, how);
      peer.forget();
      const QuicErrorCode code =
          isApplication ? QuicErrorCode(ApplicationErrorCode{77}) : QuicErrorCode(INTERNAL_ERROR);
      peer.end().close(peer.now(), code, "private");
      peer.deliver({0x00});
      const std::vector<EncryptionLevel> levels = levelsOfClose(peer);
      ASSERT_FALSE(levels.empty());
      if (how == Reach::Connected) {
        EXPECT_EQ(levels, std::vector{k1});
      }
      for (const EncryptionLevel level : levels) {
        for (const ConnectionCloseFrame& frame : peer.all<ConnectionCloseFrame>(level)) {
          const bool isHidden = isApplication && level != k1;
          EXPECT_EQ(frame.isApplication, isApplication && level == k1);
          EXPECT_EQ(frame.errorCode, isHidden        ? static_cast<uint64_t>(APPLICATION_ERROR)
                                     : isApplication ? 77u
                                                     : static_cast<uint64_t>(INTERNAL_ERROR));
          EXPECT_EQ(frame.reason.empty(), isHidden);
        }
      }
      EXPECT_EQ(peer.count<ConnectionClosed>(), 1u);
      EXPECT_TRUE(peer.end().isClosing());
      EXPECT_FALSE(peer.end().isDrained());
    }
  }
}

// covers RFC 9000 §10.2.3: after confirmation closes are 1-RTT packets
TEST_P(Life, OnceConfirmedACloseIsA1RttPacketAlone) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  ASSERT_TRUE(peer.end().isHandshakeConfirmed());
  peer.forget();
  peer.end().close(peer.now(), INTERNAL_ERROR, "");
  peer.deliver({0x00});
  ASSERT_EQ(peer.heard.size(), 1u);
  EXPECT_EQ(peer.heard[0].level, k1);
}

// covers RFC 9000 §14.1
TEST(LifeOfAClient, ACloseInAnInitialPacketFillsItsDatagram) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  peer.forget();
  peer.end().close(peer.now(), INTERNAL_ERROR, "");
  peer.deliver({0x00});
  ASSERT_FALSE(peer.heard.empty());
  EXPECT_GE(peer.heard[0].datagramSize, kMinInitialDatagramSize);
}

// covers RFC 9000 §10.2, §10.2.1
TEST_P(Life, ClosingLastsThreePtosAnswersEverMoreRarelyAndThenIsSilent) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  peer.end().close(peer.now(), ApplicationErrorCode{1}, "");
  peer.deliver({0x00});
  const auto until = peer.end().nextTimeout();
  ASSERT_TRUE(until.has_value());
  const Duration rtt = peer.end().stats().smoothedRtt;
  EXPECT_GE(*until - peer.now(), 3 * rtt);
  std::vector<uint64_t> answeredAt;
  for (uint64_t i = 1; i <= 200; ++i) {
    const uint64_t before = peer.datagramsHeard;
    peer.send(hex("01"));
    if (peer.datagramsHeard > before) answeredAt.push_back(i);
  }
  EXPECT_LE(answeredAt.size(), 9u) << "an exponential back-off";
  EXPECT_GE(answeredAt.size(), 3u);
  peer.advance(*until - peer.now() + 1ms);
  EXPECT_TRUE(peer.end().isDrained());
  const uint64_t before = peer.datagramsHeard;
  for (int i = 0; i < 20; ++i) peer.send(hex("01"));
  peer.advance(1h);
  EXPECT_EQ(peer.datagramsHeard, before);
  EXPECT_EQ(peer.end().nextTimeout(), std::nullopt);
  EXPECT_EQ(peer.count<ConnectionClosed>(), 1u);
}

// covers RFC 9000 §10.2.1: nobody is amplified towards who sends junk
TEST_P(Life, WhatIsSentWhileClosingIsAtMostThreeTimesWhatCame) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  peer.end().close(peer.now(), ApplicationErrorCode{1}, std::string(256, 'x'));
  peer.deliver({});
  ASSERT_EQ(peer.all<ConnectionCloseFrame>().size(), 1u);
  const uint64_t before = peer.bytesHeard;
  uint64_t came = 0;
  for (int i = 0; i < 3000; ++i) {
    peer.deliver(ByteVector(2, 0x41));
    came += 2;
    ASSERT_LE(peer.bytesHeard - before, 3 * came);
  }
  EXPECT_GT(peer.bytesHeard, before);
}

// CS03, B17. covers RFC 9000 §10.2.2, §10.2.3
TEST_P(Life, APeersCloseAtAnyLevelDrainsInSilence) {
  for (const EncryptionLevel level : {kI, kH, k1}) {
    MisbehavingPeer peer(MisbehavingPeer::against(GetParam()));
    reach(peer, level == k1 ? Reach::Connected : Reach::HandshakeLevel);
    const bool isInitialGone = level == kI && GetParam() == Role::Server;
    const uint64_t before = peer.datagramsHeard;
    peer.send(level, hex("1c 02 00 02 6f6b"));
    ASSERT_TRUE(peer.end().isClosing() || isInitialGone);
    for (int i = 0; i < 30; ++i) peer.send(level, hex("01"));
    EXPECT_EQ(peer.datagramsHeard, before);
    ASSERT_EQ(peer.count<ConnectionClosed>(), 1u);
    const auto* closed = std::get_if<ConnectionClosed>(&peer.events.back());
    ASSERT_NE(closed, nullptr);
    EXPECT_EQ(closed->error.code, QuicErrorCode(CONNECTION_REFUSED));
    EXPECT_EQ(closed->error.initiator, Initiator::Remote);
    EXPECT_EQ(closed->reason, "ok");
    EXPECT_FALSE(peer.end().isDrained());
    peer.advance(10s);
    EXPECT_TRUE(peer.end().isDrained());
    EXPECT_EQ(peer.datagramsHeard, before);
  }
}

// covers RFC 9000 §10.2: whoever was closed does not close
TEST_P(Life, NothingIsSaidWhileDraining) {
  const auto held = connected();
  MisbehavingPeer& peer = *held;
  const auto id = peer.end().openStream(true);
  ASSERT_TRUE(id.hasValue());
  peer.send(hex("1d 05 00"));
  const uint64_t before = peer.datagramsHeard;
  peer.end().close(peer.now(), ApplicationErrorCode{6}, "me too");
  EXPECT_FALSE(peer.end().writeStream(*id, OwnedBytes::copyOf(ByteVector(10)), true).hasValue());
  peer.deliver({0x00});
  EXPECT_EQ(peer.datagramsHeard, before);
  EXPECT_EQ(peer.count<ConnectionClosed>(), 1u);
}

// ---------------------------------------------------------------- confirmation
// covers RFC 9000 §13.3, §19.20: HANDSHAKE_DONE follows the handshake and is repeated until it is acknowledged
TEST(LifeOfAServer, HandshakeDoneIsRepeatedUntilAcknowledged) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  peer.advance(3s);
  EXPECT_TRUE(peer.all<HandshakeDoneFrame>().empty()) << "not before the handshake is complete";
  peer.send(kH, FrameBytes().add(CryptoFrame{0, fakeMessage(FakeMessage::Finished)}));
  EXPECT_GE(peer.all<HandshakeDoneFrame>().size(), 1u);
  for (int i = 0; i < 2; ++i) {
    peer.forget();
    peer.advance(20s);
    EXPECT_GE(peer.all<HandshakeDoneFrame>().size(), 1u);
    peer.send(hex("01"));  // heard, and not acknowledged
  }
  peer.ackEverything(k1);
  peer.forget();
  peer.advance(20s);
  EXPECT_TRUE(peer.all<HandshakeDoneFrame>().empty());
}

// ---------------------------------------------------------------- idle
// covers RFC 9000 §10.1: never less than three PTOs
TEST_P(Life, TheIdleTimeoutIsAtLeastThreePtos) {
  PeerSettings settings = MisbehavingPeer::against(GetParam());
  settings.end.idleTimeout = 1ms;
  settings.end.maxAckDelay = 20ms;
  MisbehavingPeer peer(settings);
  peer.connect();
  ASSERT_FALSE(peer.end().isClosing());
  peer.ackEverything(k1);
  peer.send(hex("01"));
  const Duration least = 3 * (peer.end().stats().smoothedRtt + 1ms + kDefaultMaxAckDelay);
  peer.advance(least - 1ms);
  EXPECT_FALSE(peer.end().isClosing());
  peer.advance(10s);
  EXPECT_TRUE(peer.end().isDrained());
}

// covers RFC 9000 §10.1: restarted by what is received, and by the first that is sent after that
TEST_P(Life, OnlyTheFirstQuestionAfterAnAnswerPostponesTheIdleTimeout) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.idleTimeout = 10s;
  const auto held = connected(settings);
  MisbehavingPeer& peer = *held;
  const auto id = peer.end().openStream(true);
  peer.send(hex("01"));
  peer.advance(6s);
  ASSERT_TRUE(peer.end().writeStream(*id, OwnedBytes::copyOf(ByteVector(10)), false).hasValue());
  peer.deliver({0x00});
  peer.advance(9s);  // probes go out all the time
  EXPECT_FALSE(peer.end().isClosing()) << "15 s after the last word, 9 s after the first question";
  peer.advance(1100ms);
  EXPECT_TRUE(peer.end().isDrained());
}

// X31. covers RFC 9000 §10.1.2
TEST_P(Life, AKeepAliveThatWouldComeTooLateComesInTime) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.idleTimeout = 300s;
  settings.end.keepAliveInterval = 100s;
  settings.parameters.maxIdleTimeout = 10000;  // the peer's is shorter
  const auto held = connected(settings);
  MisbehavingPeer& peer = *held;
  for (int i = 0; i < 100; ++i) {
    peer.advance(1s);
    peer.ackEverything(k1);
    peer.forget();
  }
  EXPECT_TRUE(peer.lives());
}

TEST_P(Life, WithoutKeepAliveNobodySpeaks) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.idleTimeout = 0s;
  const auto held = connected(settings);
  MisbehavingPeer& peer = *held;
  peer.advance(1s);
  const uint64_t before = peer.datagramsHeard;
  peer.advance(1h);
  EXPECT_EQ(peer.datagramsHeard, before);
}

struct HeldUpRow {
  const char* what;
  uint64_t maxData;
  uint64_t maxStreamData;
  size_t dataBlocked;
  size_t streamDataBlocked;
};

// covers RFC 9000 §4.1: who is held up says so periodically, or the idle timeout would end it
TEST_P(Life, ASenderThatWaitsForCreditKeepsTheConnection) {
  const HeldUpRow rows[] = {{"by the connection", 100, 1000, 1, 0}, {"by the stream", 1000, 100, 0, 1}};
  for (const HeldUpRow& row : rows) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.idleTimeout = 10s;
    settings.parameters.initialMaxData = row.maxData;
    settings.parameters.initialMaxStreamDataUni = row.maxStreamData;
    const auto held = connected(settings);
    MisbehavingPeer& peer = *held;
    const auto id = peer.end().openStream(true);
    ASSERT_TRUE(peer.end().writeStream(*id, OwnedBytes::copyOf(ByteVector(5000)), true).hasValue());
    peer.deliver({0x00});
    size_t dataBlocked = 0;
    size_t streamDataBlocked = 0;
    for (int i = 0; i < 60; ++i) {
      if (!peer.heard.empty()) peer.ackEverything(k1);
      dataBlocked += peer.all<DataBlockedFrame>().size();
      streamDataBlocked += peer.all<StreamDataBlockedFrame>().size();
      peer.forget();
      peer.advance(1s);
    }
    EXPECT_FALSE(peer.end().isClosing()) << row.what;
    EXPECT_GE(dataBlocked, row.dataBlocked * 10) << row.what;
    EXPECT_LE(dataBlocked, row.dataBlocked * 15) << row.what;
    EXPECT_GE(streamDataBlocked, row.streamDataBlocked * 10) << row.what;
    EXPECT_LE(streamDataBlocked, row.streamDataBlocked * 15) << row.what;
  }
}

// X23. covers RFC 9000 §21.6
TEST_P(Life, AReaderOfAByteASecondCostsAFrameASecondAndNoMemory) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.parameters.initialMaxStreamDataUni = 1;
  const auto held = connected(settings);
  MisbehavingPeer& peer = *held;
  const auto id = peer.end().openStream(true);
  ASSERT_TRUE(peer.end().writeStream(*id, OwnedBytes::copyOf(ByteVector(100000)), true).hasValue());
  peer.deliver({0x00});
  const uint64_t packets = peer.end().stats().packetsSent;
  for (uint64_t second = 1; second <= 100; ++second) {
    peer.send(FrameBytes().add(MaxStreamDataFrame{*id, 1 + second}));
    peer.ackEverything(k1);
    peer.forget();
    peer.advance(1s);
  }
  EXPECT_EQ(peer.end().bufferedBytes(*id), 100000u - 101);
  EXPECT_LE(peer.end().stats().packetsSent - packets, 400u);
  EXPECT_EQ(peer.end().stats().openStreams, 1u);
  peer.advance(60s);
  EXPECT_TRUE(peer.end().isDrained()) << "and a reader that falls silent is given up";
}

}  // namespace
}  // namespace quic::test
