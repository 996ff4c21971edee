// When the keys of a level go, seen from outside: what an end still sends at a level, and what it still reads there.
#include <gtest/gtest.h>

#include <algorithm>

#include "MisbehavingPeer.h"

namespace quic::test {
namespace {

constexpr auto kI = EncryptionLevel::Initial;
constexpr auto kH = EncryptionLevel::Handshake;
constexpr auto kOne = EncryptionLevel::OneRtt;

size_t heardAt(const MisbehavingPeer& peer, EncryptionLevel level) {
  return static_cast<size_t>(std::ranges::count(peer.heard, level, &HeardPacket::level));
}

std::vector<std::pair<uint64_t, std::string>> cryptoAt(const MisbehavingPeer& peer, EncryptionLevel level) {
  std::vector<std::pair<uint64_t, std::string>> found;
  for (const CryptoFrame& frame : peer.all<CryptoFrame>(level)) found.emplace_back(frame.offset, toHex(frame.data));
  return found;
}

// covers RFC 9001 §4.9
TEST(KeyDiscard, LostHandshakeBytesGoAgainAtTheLevelThatTheyWereSentAt) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.begin();
  const auto hello = cryptoAt(peer, kI);
  const auto rest = cryptoAt(peer, kH);
  ASSERT_EQ(hello.size(), 1u);
  ASSERT_EQ(rest.size(), 1u);
  peer.forget();
  peer.advance(3s);
  ASSERT_FALSE(cryptoAt(peer, kI).empty());
  ASSERT_FALSE(cryptoAt(peer, kH).empty());
  for (const auto& again : cryptoAt(peer, kI)) EXPECT_EQ(again, hello[0]);
  for (const auto& again : cryptoAt(peer, kH)) EXPECT_EQ(again, rest[0]);
}

// covers RFC 9001 §4.9
TEST(KeyDiscard, NewDataGoesAtTheHighestLevelThatThereIs) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.reachHandshakeLevel();
  peer.send(kH, peer.encryptedFrames());
  ASSERT_FALSE(peer.end().isHandshakeConfirmed()) << "the keys of the handshake are still there";
  const auto stream = peer.end().openStream(true);
  ASSERT_TRUE(stream);
  ASSERT_TRUE(peer.end().writeStream(*stream, OwnedBytes::copyOf(fromHex("6869")), true));
  peer.advance(1s);
  EXPECT_FALSE(peer.all<StreamFrame>(kOne).empty());
  EXPECT_TRUE(peer.all<StreamFrame>(kH).empty());
}

// covers RFC 9001 §4.9.1
TEST(KeyDiscard, AClientSendsNoInitialPacketAfterItsFirstHandshakePacket) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.reachHandshakeLevel();
  peer.send(kH, peer.encryptedFrames());
  ASSERT_GT(heardAt(peer, kH), 0u);
  peer.forget();
  peer.send(kI, FrameBytes().add(PingFrame{}));
  peer.advance(5s);
  EXPECT_EQ(heardAt(peer, kI), 0u);
  EXPECT_TRUE(peer.lives());
}

// covers RFC 9001 §4.9.1
TEST(KeyDiscard, AServerSendsNoInitialPacketAfterTheFirstHandshakePacketCame) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  peer.send(kH, FrameBytes().add(PingFrame{}));
  ASSERT_GT(heardAt(peer, kI), 0u);
  peer.forget();
  peer.send(kI, FrameBytes().add(PingFrame{}));
  peer.advance(5s);
  EXPECT_EQ(heardAt(peer, kI), 0u);
  EXPECT_GT(heardAt(peer, kH), 0u) << "its own flight is not acknowledged yet";
  EXPECT_FALSE(peer.end().isClosing());
}

// covers RFC 9001 §4.9.2
TEST(KeyDiscard, HandshakePacketsAreNeitherReadNorSentOnceTheHandshakeIsConfirmed) {
  for (const PeerSettings& settings : {MisbehavingPeer::againstServer(), MisbehavingPeer::againstClient()}) {
    MisbehavingPeer peer(settings);
    peer.connect();
    ASSERT_TRUE(peer.end().isHandshakeConfirmed());
    peer.forget();
    const uint64_t dropped = peer.end().stats().packetsDropped;
    peer.send(kH, FrameBytes().add(PingFrame{}));
    peer.advance(5s);
    EXPECT_EQ(heardAt(peer, kH), 0u);
    EXPECT_GT(peer.end().stats().packetsDropped, dropped);
    EXPECT_TRUE(peer.lives());
  }
}

}  // namespace
}  // namespace quic::test
