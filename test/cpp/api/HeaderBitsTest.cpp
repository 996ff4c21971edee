// The bits of a header that nothing depends on: the fixed bit of a peer that takes either value (RFC 9287), and the spin bit
// (RFC 9000 §17.4). Reserved bits are in the must-close tests.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"

namespace quic::test {
namespace {

constexpr EncryptionLevel kOne = EncryptionLevel::OneRtt;
constexpr uint8_t kFixedBit = 0x40;
constexpr uint8_t kSpinBit = 0x20;

struct Seen {
  size_t set = 0;
  size_t clear = 0;
};

Seen countBit(const MisbehavingPeer& peer, uint8_t bit, std::optional<EncryptionLevel> level = std::nullopt) {
  Seen seen;
  for (const HeardPacket& packet : peer.heard) {
    if (level && packet.level != *level) continue;
    ++((packet.firstByte & bit) != 0 ? seen.set : seen.clear);
  }
  return seen;
}

void exchangePings(MisbehavingPeer& peer, int count) {
  for (int i = 0; i < count; ++i) {
    peer.send(FrameBytes().add(PingFrame{}));
    peer.advance(30ms);
  }
}

class HeaderBits : public ::testing::TestWithParam<Role> {
 protected:
  static PeerSettings settings(bool peerOffers, bool endOffers = true) {
    PeerSettings settings = MisbehavingPeer::against(GetParam());
    settings.parameters.greaseQuicBit = peerOffers;
    settings.end.greaseQuicBit = endOffers;
    return settings;
  }
};
INSTANTIATE_TEST_SUITE_P(BothRoles, HeaderBits, ::testing::Values(Role::Server, Role::Client),
                         [](const auto& info) { return info.param == Role::Server ? "Server" : "Client"; });

TEST_P(HeaderBits, TheFixedBitIsDrawnAtRandomForAPeerThatTakesEither) {
  // covers RFC 9287 §3.1
  MisbehavingPeer peer(settings(true));
  peer.connect();
  peer.forget();
  exchangePings(peer, 100);
  const Seen seen = countBit(peer, kFixedBit, kOne);
  EXPECT_GT(seen.set, 20u);
  EXPECT_GT(seen.clear, 20u);
}

TEST_P(HeaderBits, TheFixedBitIsSetForAPeerThatHasNotOffered) {
  // covers RFC 9000 §17.2, §17.3.1
  for (const bool endOffers : {true, false}) {
    MisbehavingPeer peer(settings(!endOffers, endOffers));
    peer.connect();
    exchangePings(peer, 50);
    EXPECT_EQ(countBit(peer, kFixedBit).clear, 0u);
  }
}

TEST(HeaderBitsOfAClient, AreNotDrawnBeforeItKnowsTheServersParameters) {
  // covers RFC 9287 §3.1
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.parameters.greaseQuicBit = true;
  MisbehavingPeer peer(settings);
  peer.begin();
  peer.advance(20s);  // repeats its ClientHello
  EXPECT_GT(peer.heard.size(), 3u);
  EXPECT_EQ(countBit(peer, kFixedBit).clear, 0u);
}

TEST_P(HeaderBits, TheOfferIsATransportParameter) {
  // covers RFC 9287 §3
  for (const bool endOffers : {true, false}) {
    MisbehavingPeer peer(settings(true, endOffers));
    peer.connect();
    ASSERT_TRUE(peer.endParameters().has_value());
    EXPECT_EQ(peer.endParameters()->greaseQuicBit, endOffers);
  }
}

// row P09
TEST_P(HeaderBits, AFixedBitOfZeroIsTakenOnlyByAnEndThatOffered) {
  // covers RFC 9287 §3, RFC 9000 §17.3.1
  for (const bool endOffers : {true, false}) {
    MisbehavingPeer peer(settings(false, endOffers));
    peer.connect();
    const PacketNum number = peer.nextNumber(kOne);
    peer.send(kOne, FrameBytes().add(PingFrame{}), {.clearBits = kFixedBit});
    EXPECT_TRUE(peer.lives());
    EXPECT_EQ(peer.hasAcked(kOne, number), endOffers);
  }
}

TEST_P(HeaderBits, TheSpinBitFollowsThePeersOnMostPaths) {
  // covers RFC 9000 §17.4
  constexpr uint64_t kConnections = 64;
  uint64_t following = 0;
  for (uint64_t seed = 1; seed <= kConnections; ++seed) {
    PeerSettings peerSettings = settings(false);
    peerSettings.seed = seed;
    MisbehavingPeer peer(peerSettings);
    peer.connect();
    bool follows = true;
    for (int i = 0; i < 12; ++i) {
      const bool bit = i % 3 == 0;
      peer.forget();
      peer.send(kOne, FrameBytes().add(PingFrame{}), {.setBits = bit ? kSpinBit : uint8_t{0}});
      peer.advance(30ms);
      const Seen seen = countBit(peer, kSpinBit, kOne);
      follows &= seen.set + seen.clear > 0 && ((bit == (GetParam() == Role::Server)) ? seen.clear : seen.set) == 0;
    }
    following += follows ? 1 : 0;
  }
  EXPECT_GT(following, kConnections * 3 / 4);
  EXPECT_LT(following, kConnections) << "some paths do not spin";
}

TEST_P(HeaderBits, TheSpinBitIsRandomWhereItIsNotWanted) {
  // covers RFC 9000 §17.4
  PeerSettings peerSettings = settings(false);
  peerSettings.end.spinBit = false;
  MisbehavingPeer peer(peerSettings);
  peer.connect();
  peer.forget();
  for (int i = 0; i < 100; ++i) {
    peer.send(kOne, FrameBytes().add(PingFrame{}), {.setBits = i % 2 == 0 ? kSpinBit : uint8_t{0}});
    peer.advance(30ms);
  }
  const Seen seen = countBit(peer, kSpinBit, kOne);
  EXPECT_GT(seen.set, 20u);
  EXPECT_GT(seen.clear, 20u);
}

}  // namespace
}  // namespace quic::test
