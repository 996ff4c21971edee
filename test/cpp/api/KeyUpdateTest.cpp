// Key updates and the limits of keys, as a peer meets them: K and X rows of the project's security cases.
#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"
#include "cpp/api/PeerRows.h"

namespace quic::test {
namespace {

using enum TransportErrorCode;
constexpr EncryptionLevel kOne = EncryptionLevel::OneRtt;

ByteVector ping() { return FrameBytes().add(PingFrame{}).bytes(); }

class KeyUpdate : public ::testing::TestWithParam<Role> {
 protected:
  static PeerSettings settings() { return MisbehavingPeer::against(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(BothRoles, KeyUpdate, ::testing::Values(Role::Server, Role::Client),
                         [](const auto& info) { return info.param == Role::Server ? "Server" : "Client"; });

// rows K01, CK01
TEST_P(KeyUpdate, OfThePeerIsFollowed) {
  // covers RFC 9001 §6.2
  MisbehavingPeer peer(settings());
  peer.connect();
  peer.updateKeys();
  peer.forget();
  ASSERT_TRUE(peer.lives());
  for (const HeardPacket& packet : peer.heard) EXPECT_EQ(packet.generation, 1u);
  EXPECT_EQ(peer.end().stats().keyUpdates, 1u);
}

// row K02
TEST_P(KeyUpdate, ManyInARowAreFollowedEachAfterAnAcknowledgment) {
  MisbehavingPeer peer(settings());
  peer.connect();
  for (uint32_t i = 1; i <= 5; ++i) {
    peer.updateKeys();
    ASSERT_TRUE(peer.lives()) << i << " " << nameOfCode(peer.closeCode());
    EXPECT_EQ(peer.heard.back().generation, i);
  }
}

// row K03
TEST_P(KeyUpdate, OldKeysForAHigherNumberAreNeverAccepted) {
  // covers RFC 9001 §6.4
  MisbehavingPeer peer(settings());
  peer.connect();
  peer.updateKeys();
  ASSERT_TRUE(peer.lives());
  const PacketNum number = peer.nextNumber(kOne);
  peer.send(kOne, ping(), {.generation = 0});
  EXPECT_TRUE(peer.lives());
  EXPECT_FALSE(peer.hasAcked(kOne, number));
}

// row K03
TEST_P(KeyUpdate, OldKeysForAHigherNumberAreAnErrorOnceTheyAreCaught) {
  // covers RFC 9001 §6.4
  MisbehavingPeer peer(settings());
  peer.connect();
  const PacketNum first = peer.nextNumber(kOne);
  peer.updateKeys();
  peer.send(kOne, ping(), {.number = first + 5});
  peer.send(kOne, ping(), {.number = first + 3, .generation = 0});
  ASSERT_FALSE(peer.end().isClosing());
  peer.send(kOne, ping(), {.number = first + 2});
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(KEY_UPDATE_ERROR));
}

// row K04
TEST_P(KeyUpdate, AWrongKeyPhaseBitIsNotAuthentic) {
  // covers RFC 9001 §6.3
  MisbehavingPeer peer(settings());
  peer.connect();
  const PacketNum number = peer.nextNumber(kOne);
  peer.send(kOne, ping(), {.setBits = 0x04});
  EXPECT_TRUE(peer.lives());
  EXPECT_FALSE(peer.hasAcked(kOne, number));
  EXPECT_EQ(peer.end().stats().keyUpdates, 0u);
}

// row K05
TEST_P(KeyUpdate, AnOldPacketWithALowerNumberIsReadForAWhile) {
  // covers RFC 9001 §6.5
  MisbehavingPeer peer(settings());
  peer.connect();
  const PacketNum first = peer.nextNumber(kOne);
  peer.updateKeys();
  peer.send(kOne, ping(), {.number = first + 5});
  peer.send(kOne, ping(), {.number = first + 1, .generation = 0});
  peer.advance(30ms);
  EXPECT_TRUE(peer.hasAcked(kOne, first + 1));
  peer.advance(10s);  // far beyond three PTOs
  peer.send(kOne, ping(), {.number = first + 2, .generation = 0});
  EXPECT_TRUE(peer.lives());
  EXPECT_FALSE(peer.hasAcked(kOne, first + 2));
}

// row X04
TEST_P(KeyUpdate, AnAcknowledgmentUnderOldKeysOfWhatNewOnesSealedEndsTheConnection) {
  // covers RFC 9001 §6.2
  MisbehavingPeer peer(settings());
  peer.connect();
  ASSERT_TRUE(peer.end().updateKeys(peer.now()));
  peer.poll();
  ASSERT_EQ(peer.heard.back().generation, 1u);
  peer.ackEverything(kOne, {.generation = 0});
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(KEY_UPDATE_ERROR));
}

// row X05
TEST_P(KeyUpdate, AnUpdateUponAnUnacknowledgedUpdateEndsTheConnection) {
  // covers RFC 9001 §6.2
  MisbehavingPeer peer(settings());
  peer.connect();
  peer.updateKeys();
  peer.send(ping());
  ASSERT_FALSE(peer.hasAcked(kOne, peer.nextNumber(kOne) - 1)) << "one packet is not acknowledged at once";
  peer.updateKeys();
  peer.send(ping());
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(KEY_UPDATE_ERROR));
}

TEST_P(KeyUpdate, OursIsSealedWithTheNextKeysAndNotRepeatedBeforeItIsConfirmed) {
  // covers RFC 9001 §6.1, §6.5
  MisbehavingPeer peer(settings());
  peer.connect();
  const auto isRefused = [&] {
    const Result<> result = peer.end().updateKeys(peer.now());
    return !result && result.error().code == QuicErrorCode(LocalErrorCode::KEY_UPDATE_NOT_READY);
  };
  ASSERT_FALSE(isRefused());
  EXPECT_TRUE(isRefused()) << "nothing of the new phase was sent";
  peer.poll();
  ASSERT_EQ(peer.heard.back().generation, 1u) << "a PING tells the peer";
  EXPECT_TRUE(isRefused()) << "nothing of it was acknowledged";
  peer.updateKeys();
  peer.ackEverything(kOne);
  EXPECT_TRUE(isRefused()) << "the peer still keeps its old keys";
  peer.advance(5s);
  EXPECT_FALSE(isRefused());
  peer.poll();
  EXPECT_EQ(peer.heard.back().generation, 2u);
  EXPECT_EQ(peer.end().stats().keyUpdates, 2u);
}

TEST_P(KeyUpdate, NotBeforeTheHandshakeIsConfirmed) {
  // covers RFC 9001 §6.1
  MisbehavingPeer peer(settings());
  peer.reachHandshakeLevel();
  ASSERT_TRUE(peer.end().updateKeys(peer.now())) << "it waits";
  EXPECT_FALSE(peer.end().isKeyUpdateFollowed());
  const Result<> another = peer.end().updateKeys(peer.now());
  ASSERT_FALSE(another);
  EXPECT_EQ(another.error().code, QuicErrorCode(LocalErrorCode::KEY_UPDATE_NOT_READY));
  peer.advance(100ms);
  EXPECT_EQ(peer.end().stats().keyUpdates, 0u);
  if (peer.end().role() == Role::Server) {
    peer.send(kH, FrameBytes().add(CryptoFrame{0, fakeMessage(FakeMessage::Finished)}));
  } else {
    peer.send(kH, peer.encryptedFrames());
    EXPECT_EQ(peer.end().stats().keyUpdates, 0u) << "complete is not confirmed";
    peer.send(FrameBytes().add(HandshakeDoneFrame{}));
  }
  ASSERT_TRUE(peer.end().isHandshakeConfirmed());
  EXPECT_EQ(peer.end().stats().keyUpdates, 1u);
  EXPECT_EQ(peer.heard.back().generation, 1u) << "the peer hears of it";
  EXPECT_FALSE(peer.end().isKeyUpdateFollowed());
  peer.updateKeys();
  peer.ackEverything(kOne);
  EXPECT_TRUE(peer.end().isKeyUpdateFollowed());
  EXPECT_EQ(peer.end().stats().keyUpdates, 1u);
}

TEST_P(KeyUpdate, OldKeysStayUntilThePeerFollows) {
  // covers RFC 9001 §6.1
  MisbehavingPeer peer(settings());
  peer.connect();
  ASSERT_TRUE(peer.end().updateKeys(peer.now()));
  peer.advance(20s);
  EXPECT_TRUE(peer.lives()) << "still sent with the old keys";
  EXPECT_EQ(peer.end().stats().keyUpdates, 1u);
}

// ---------------------------------------------------------------- limits of use
TEST_P(KeyUpdate, HappensByItselfBeforeAKeyIsUsedUp) {
  // covers RFC 9001 §6.6
  PeerSettings limited = settings();
  limited.end.aeadLimits = AeadLimits{400, 1000};
  MisbehavingPeer peer(limited);
  peer.connect();
  std::map<uint32_t, uint64_t> sealed;
  for (int i = 0; i < 3000; ++i) {
    peer.send(ping());
    peer.advance(100ms);
    if (i % 5 == 0) peer.ackEverything(kOne);
    if (!peer.heard.empty() && peer.heard.back().generation > peer.generation()) peer.updateKeys();
    for (const HeardPacket& packet : peer.heard) ++sealed[packet.generation];
    peer.forget();
  }
  EXPECT_FALSE(peer.end().isClosing()) << nameOfCode(peer.closeCode());
  EXPECT_GE(peer.end().stats().keyUpdates, 10u);
  for (const auto& [generation, count] : sealed) EXPECT_LE(count, 400u) << generation;
}

TEST_P(KeyUpdate, AKeyThatIsUsedUpAndCannotBeUpdatedEndsTheConnection) {
  // covers RFC 9001 §6.6
  PeerSettings limited = settings();
  limited.end.aeadLimits = AeadLimits{100, 1000};
  MisbehavingPeer peer(limited);
  peer.connect();
  uint64_t sealed = peer.heard.size();
  for (int i = 0; i < 1000; ++i) {  // the end answers, and is never acknowledged beyond the first phase
    peer.send(ping());
    peer.advance(30ms);
  }
  for (const HeardPacket& packet : peer.heard) sealed += packet.generation == 1 ? 1 : 0;
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(AEAD_LIMIT_REACHED));
  EXPECT_LE(sealed, 100u + 100u);
  EXPECT_EQ(peer.end().stats().keyUpdates, 1u) << "only the first one was possible";
}

// row X06
TEST_P(KeyUpdate, TooManyForgedPacketsEndTheConnectionAndThenThereIsSilence) {
  // covers RFC 9001 §6.6
  PeerSettings limited = settings();
  limited.end.aeadLimits = AeadLimits{1000, 10};
  MisbehavingPeer peer(limited);
  peer.connect();
  for (int i = 0; i < 10; ++i) peer.send(kOne, ping(), {.breakTag = true});
  ASSERT_TRUE(peer.lives());
  peer.send(kOne, ping(), {.breakTag = true});
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(AEAD_LIMIT_REACHED));
  const uint64_t datagrams = peer.datagramsHeard;
  for (int i = 0; i < 100; ++i) peer.send(ping());
  EXPECT_EQ(peer.datagramsHeard, datagrams);
}

TEST(KeyUpdateLimits, AreThoseOfTheRfc) {
  // covers RFC 9001 §6.6
  EXPECT_EQ(aeadLimits(CipherSuite::AES_128_GCM_SHA256), (AeadLimits{1ull << 23, 1ull << 52}));
  EXPECT_EQ(aeadLimits(CipherSuite::AES_256_GCM_SHA384), (AeadLimits{1ull << 23, 1ull << 52}));
  EXPECT_EQ(aeadLimits(CipherSuite::CHACHA20_POLY1305_SHA256), (AeadLimits{1ull << 62, 1ull << 36}));
}

// ---------------------------------------------------------------- two real ends
TEST(KeyUpdateOfTwoEnds, AtTheSameTimeIsOneUpdate) {
  EndpointPair pair;
  const ConnectionHandle handle = pair.connect();
  pair.exchange();
  pair.advance(1s);
  QuicClientTransport& client = *pair.client.find(handle);
  QuicTransportBase* server = nullptr;
  pair.server.connections().forEach([&](ConnectionHandle, QuicTransportBase& connection) { server = &connection; });
  ASSERT_NE(server, nullptr);
  ASSERT_TRUE(client.updateKeys(pair.now));
  ASSERT_TRUE(server->updateKeys(pair.now));
  pair.client.touch(handle);
  pair.server.connections().forEach([&](ConnectionHandle h, QuicTransportBase&) { pair.server.touch(h); });
  pair.exchange();
  pair.advance(5s);
  EXPECT_EQ(client.stats().keyUpdates, 1u);
  EXPECT_EQ(server->stats().keyUpdates, 1u);
  EXPECT_FALSE(client.isClosing());
  EXPECT_FALSE(server->isClosing());
  ASSERT_TRUE(client.updateKeys(pair.now));
  pair.client.touch(handle);
  pair.exchange();
  EXPECT_EQ(server->stats().keyUpdates, 2u);
}

}  // namespace
}  // namespace quic::test
