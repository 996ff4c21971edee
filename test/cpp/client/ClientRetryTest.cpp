// A client and Retry packets: which it believes, and how its handshake goes on. Rows CR of the project's security cases §3.2.
#include <gtest/gtest.h>

#include <set>

#include "cpp/api/MisbehavingPeer.h"
#include "quic/api/StatelessPackets.h"
#include "quic/codec/QuicPacketHeaders.h"
#include "quic/tls/OpenSslTls.h"

namespace quic::test {
namespace {

constexpr EncryptionLevel kI = EncryptionLevel::Initial;
constexpr EncryptionLevel kH = EncryptionLevel::Handshake;
const ConnectionId kRetryId(fromHex("11223344556677"));

struct RetryPacket {
  ConnectionId original;
  ConnectionId clientId;
  ConnectionId source = kRetryId;
  ByteVector token = {5, 6, 7, 8};
  uint32_t version = kQuicVersion1;

  explicit RetryPacket(const MisbehavingPeer& peer) : original(peer.originalDestinationId()), clientId(peer.endId()) {}
  [[nodiscard]] ByteVector bytes() const {
    const auto crypto = makeOpenSslCryptoFactory();
    SeededRandom random(1);
    ByteVector packet = makeRetry(*crypto, random, {kQuicVersion1, original, clientId}, source, token);
    if (version != kQuicVersion1) packet[4] = static_cast<uint8_t>(version);
    return packet;
  }
};

/// The last Initial packet that was heard.
const HeardPacket* lastInitial(const MisbehavingPeer& peer) {
  for (auto packet = peer.heard.rbegin(); packet != peer.heard.rend(); ++packet) {
    if (packet->level == kI) return &*packet;
  }
  return nullptr;
}

// CI01 with Retry. covers RFC 9000 §8.1.2, §17.2.5.2, §17.2.5.3; RFC 9002 §6.3
TEST(ClientRetry, ItsHandshakeGoesOnWithTheTokenAndTheNewId) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  ASSERT_EQ(peer.heard.size(), 1u);
  const HeardPacket first = peer.heard.front();
  const RetryPacket retry(peer);
  peer.rekeyInitial(kRetryId);
  peer.deliver(retry.bytes());
  ASSERT_EQ(peer.heard.size(), 2u);
  const HeardPacket& second = peer.heard.back();
  EXPECT_EQ(second.token, retry.token);
  EXPECT_EQ(second.destinationId, kRetryId);
  EXPECT_GE(second.datagramSize, 1200u);
  EXPECT_GT(second.number, first.number) << "packet numbers go on";
  const auto crypto = peer.all<CryptoFrame>(kI);
  ASSERT_EQ(crypto.size(), 2u);
  EXPECT_EQ(crypto[0].offset, crypto[1].offset);
  EXPECT_TRUE(sameBytes(crypto[0].data, ByteVector(crypto[1].data.begin(), crypto[1].data.end())));
  EXPECT_EQ(peer.end().activePath().peer, peer.path().peer);
  // What is sent again on a timer has the token too.
  peer.advance(2s);
  EXPECT_GT(peer.heard.size(), 2u);
  for (size_t i = 1; i < peer.heard.size(); ++i) EXPECT_EQ(peer.heard[i].token, retry.token);
}

void completeAfterRetry(MisbehavingPeer& peer) {
  peer.send(kI, FrameBytes().ack(1, 1).raw(peer.helloFrames()));
  peer.send(kH, peer.encryptedFrames());
  peer.advance(1ms);
}

// R02, CR06. covers RFC 9000 §7.3
TEST(ClientRetry, TheParametersMustNameBothIds) {
  const auto outcome = [](std::optional<ConnectionId> named) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    settings.parameters.retrySourceConnectionId = named;
    MisbehavingPeer peer(settings);
    peer.begin();
    peer.rekeyInitial(kRetryId);
    peer.deliver(RetryPacket(peer).bytes());
    completeAfterRetry(peer);
    return nameOfCode(peer.closeCode());
  };
  const std::string refused = nameOfCode(static_cast<uint64_t>(TransportErrorCode::TRANSPORT_PARAMETER_ERROR));
  EXPECT_EQ(outcome(kRetryId), "lives");
  EXPECT_EQ(outcome(std::nullopt), refused) << "CR06";
  EXPECT_EQ(outcome(ConnectionId(fromHex("11223344556678"))), refused);
}

/// The handshake without the Retry completes: it was discarded.
bool isDiscarded(void (*change)(RetryPacket&), void (*damage)(ByteVector&) = nullptr) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  RetryPacket retry(peer);
  change(retry);
  ByteVector bytes = retry.bytes();
  if (damage != nullptr) damage(bytes);
  peer.deliver(bytes);
  EXPECT_EQ(peer.heard.size(), 1u) << "nothing is sent for it";
  peer.send(kI, FrameBytes().ack(0, 0).raw(peer.helloFrames()));
  peer.send(kH, peer.encryptedFrames());
  return peer.end().isHandshakeFinished() && peer.end().stats().packetsDropped > 0;
}

// CR02 to CR04. covers RFC 9000 §17.2.5.1, §17.2.5.2; RFC 9001 §5.8
TEST(ClientRetry, DiscardsWhatIsNotGenuine) {
  const auto as = [](RetryPacket&) {};
  EXPECT_TRUE(isDiscarded(as, [](ByteVector& bytes) { bytes.back() ^= 1; })) << "CR02";
  EXPECT_TRUE(isDiscarded(as, [](ByteVector& bytes) { bytes[bytes.size() - 17] ^= 1; })) << "another token";
  EXPECT_TRUE(isDiscarded(as, [](ByteVector& bytes) { bytes[0] &= 0xbf; })) << "no fixed bit";
  EXPECT_TRUE(isDiscarded([](RetryPacket& retry) { retry.token.clear(); })) << "CR03";
  EXPECT_TRUE(isDiscarded([](RetryPacket& retry) { retry.source = retry.original; })) << "CR04";
  EXPECT_TRUE(isDiscarded([](RetryPacket& retry) { retry.original = kRetryId; })) << "who did not see our Initial";
  EXPECT_TRUE(isDiscarded([](RetryPacket& retry) { retry.clientId = kRetryId; })) << "for somebody else";
  EXPECT_TRUE(isDiscarded([](RetryPacket& retry) { retry.token.resize(kMaxAddressTokenSize + 1); }))
      << "no room for it";
}

// covers RFC 9000 §17.2.5
TEST(ClientRetry, TheUnusedBitsMeanNothing) {
  std::set<int> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    MisbehavingPeer peer(MisbehavingPeer::againstClient());
    peer.begin();
    const auto crypto = makeOpenSslCryptoFactory();
    SeededRandom random(seed);
    const ByteVector retry = makeRetry(*crypto, random, {kQuicVersion1, peer.originalDestinationId(), peer.endId()},
                                       kRetryId, ByteVector{1});
    if (!seen.insert(retry[0] & 0x0f).second) continue;
    peer.rekeyInitial(kRetryId);
    peer.deliver(retry);
    EXPECT_EQ(lastInitial(peer)->destinationId, kRetryId) << (retry[0] & 0x0f);
  }
  EXPECT_EQ(seen.size(), 16u);
}

TEST(ClientRetry, ATokenOfTheLargestSizeLeavesRoomForTheHandshake) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.parameters.retrySourceConnectionId = kRetryId;
  MisbehavingPeer peer(settings);
  peer.begin();
  RetryPacket retry(peer);
  retry.token.resize(kMaxAddressTokenSize);
  peer.rekeyInitial(kRetryId);
  peer.deliver(retry.bytes());
  ASSERT_NE(lastInitial(peer), nullptr);
  EXPECT_EQ(lastInitial(peer)->token, retry.token);
  EXPECT_EQ(lastInitial(peer)->datagramSize, 1200u);
  completeAfterRetry(peer);
  EXPECT_TRUE(peer.end().isHandshakeFinished());
}

// CR05, T-28 (CVE-2024-45311). covers RFC 9000 §17.2.5.2
TEST(ClientRetry, BelievesOneAlone) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  RetryPacket retry(peer);
  peer.rekeyInitial(kRetryId);
  peer.deliver(retry.bytes());
  peer.deliver(retry.bytes());
  retry.source = ConnectionId(fromHex("99887766554433"));
  peer.deliver(retry.bytes());
  retry.original = kRetryId;
  peer.deliver(retry.bytes());
  EXPECT_EQ(peer.heard.size(), 2u);
  EXPECT_EQ(lastInitial(peer)->destinationId, kRetryId);
  // Nor a Version Negotiation packet after it (RFC 9000 §6.2).
  ByteVector packet(100);
  const std::array<uint32_t, 1> versions = {0x2a2a2a2a};
  packet.resize(
      writeVersionNegotiation(packet, 0x55, peer.endId().bytes(), peer.originalDestinationId().bytes(), versions));
  peer.deliver(packet);
  EXPECT_FALSE(peer.end().isClosing());
}

// CR07. covers RFC 9000 §17.2.5.2
TEST(ClientRetry, IsTooLateAfterAnInitialOfTheServer) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  const RetryPacket retry(peer);
  peer.send(kI, FrameBytes().ack(0, 0));
  peer.deliver(retry.bytes());
  peer.send(kI, peer.helloFrames());
  peer.send(kH, peer.encryptedFrames());
  EXPECT_TRUE(peer.end().isHandshakeFinished());
  for (const HeardPacket& packet : peer.heard) EXPECT_TRUE(packet.token.empty());
}

// T-28
TEST(ClientRetry, ComesTooLateForAConnectionThatHasClosed) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  const RetryPacket retry(peer);
  peer.end().close(peer.now(), ApplicationErrorCode{0}, "");
  peer.deliver(retry.bytes());
  peer.deliver(retry.bytes());
  for (const HeardPacket& packet : peer.heard) EXPECT_TRUE(packet.token.empty());
  EXPECT_TRUE(peer.end().isClosing());
}

TEST(ClientRetry, AServerIsNotMovedByOne) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.begin();
  peer.deliver(RetryPacket(peer).bytes());
  peer.connect();
}

// ---------------------------------------------------------------- tokens of earlier connections
// covers RFC 9000 §8.1.3
TEST(ClientRetry, ATokenOfAnEarlierConnectionGoesIntoEveryInitialUntilARetryReplacesIt) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.addressToken = {{1, 2, 3}, kQuicVersion1};
  MisbehavingPeer peer(settings);
  peer.begin();
  peer.advance(2s);
  ASSERT_GE(peer.heard.size(), 2u);
  for (const HeardPacket& packet : peer.heard) EXPECT_EQ(packet.token, (ByteVector{1, 2, 3}));
  const RetryPacket retry(peer);
  peer.rekeyInitial(kRetryId);
  peer.deliver(retry.bytes());
  EXPECT_EQ(lastInitial(peer)->token, retry.token);
}

// covers RFC 9369 §5
TEST(ClientRetry, ATokenOfAnotherVersionOrOfAbsurdSizeIsNotUsed) {
  const ByteVector absurd(kMaxAddressTokenSize + 1);
  for (const AddressToken& token : {AddressToken{{1, 2, 3}, 0x6b3343cf}, AddressToken{absurd, kQuicVersion1}}) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    settings.end.addressToken = token;
    MisbehavingPeer peer(settings);
    peer.begin();
    ASSERT_EQ(peer.heard.size(), 1u);
    EXPECT_TRUE(peer.heard.front().token.empty());
  }
}

// covers RFC 9000 §19.7
TEST(ClientRetry, HandsTokensOnOnceEach) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.connect();
  const ByteVector token = {9, 8, 7};
  peer.send(FrameBytes().add(NewTokenFrame{token}).add(NewTokenFrame{token}));
  peer.send(FrameBytes().add(NewTokenFrame{token}));
  ASSERT_EQ(peer.count<AddressToken>(), 1u);
  for (const TransportEvent& event : peer.events) {
    const auto* heard = std::get_if<AddressToken>(&event);
    if (heard == nullptr) continue;
    EXPECT_EQ(*heard, (AddressToken{token, kQuicVersion1}));
  }
  for (uint8_t i = 0; i < 100; ++i) peer.send(FrameBytes().add(NewTokenFrame{ByteVector(700, i)}));
  EXPECT_EQ(peer.count<AddressToken>(), kMaxAddressTokens);
  EXPECT_TRUE(peer.lives());
}

}  // namespace
}  // namespace quic::test
