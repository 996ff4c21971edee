// Which version two ends speak in the end, and who cannot make them speak another. RFC 9000 §6, RFC 9368, RFC 9369 §4.
#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"

namespace quic::test {
namespace {

constexpr uint32_t kReserved = 0x1a2a3a4a;
using Versions = std::vector<uint32_t>;
using enum TransportErrorCode;

struct Outcome {
  bool isConfirmed = false;
  uint32_t client = 0;
  uint32_t server = 0;
  bool operator==(const Outcome&) const = default;
};

struct Case {
  Versions clients = {kQuicVersion1, kQuicVersion2};
  Versions servers = {kQuicVersion1, kQuicVersion2};
  RetryMode retry = RetryMode::Never;
};

Outcome negotiate(const Case& with) {
  ServerEndpointSettings server;
  server.transport.versions = with.servers;
  server.retry.mode = with.retry;
  EndpointPair pair(server);
  TransportSettings client;
  client.versions = with.clients;
  pair.connect(client);
  pair.exchange();
  pair.advance(200ms);
  if (pair.client.find(1) == nullptr || !pair.client.find(1)->isHandshakeConfirmed()) return {};
  uint32_t servers = 0;
  pair.server.connections().forEach(
      [&](ConnectionHandle, QuicTransportBase& connection) { servers = connection.version(); });
  // 1-RTT packets are of that version too.
  const auto stream = pair.client.find(1)->openStream(false);
  EXPECT_TRUE(stream && pair.client.find(1)->writeStream(*stream, OwnedBytes::copyOf(ByteVector(10)), true));
  pair.client.touch(1);
  pair.exchange();
  EXPECT_GE(EndpointPair::count<StreamEvent>(pair.serverEvents), 1u);
  return {true, pair.client.find(1)->version(), servers};
}

constexpr Outcome kBoth1{true, kQuicVersion1, kQuicVersion1};
constexpr Outcome kBoth2{true, kQuicVersion2, kQuicVersion2};

const Versions kOneFirst = {kQuicVersion1, kQuicVersion2};
const Versions kTwoFirst = {kQuicVersion2, kQuicVersion1};

// X40. covers RFC 9368 §2.3; RFC 9369 §4.1
TEST(VersionNegotiation, AServerChangesToTheVersionThatItPrefers) {
  EXPECT_EQ(negotiate({kOneFirst, kOneFirst}), kBoth1);
  EXPECT_EQ(negotiate({kOneFirst, kTwoFirst}), kBoth2);
  EXPECT_EQ(negotiate({kTwoFirst, kOneFirst}), kBoth1);
  EXPECT_EQ(negotiate({kTwoFirst, kTwoFirst}), kBoth2);
  EXPECT_EQ(negotiate({{kQuicVersion1}, kTwoFirst}), kBoth1) << "what was not offered";
  EXPECT_EQ(negotiate({{kQuicVersion2}, kOneFirst}), kBoth2) << "what was not offered";
  EXPECT_EQ(negotiate({kOneFirst, {kReserved, kQuicVersion2, kQuicVersion1}}), kBoth2)
      << "nobody speaks a reserved one";
}

// covers RFC 9369 §4.1: Retry is of the original version
TEST(VersionNegotiation, ARetryComesBeforeTheChange) {
  EXPECT_EQ(negotiate({kOneFirst, kTwoFirst, RetryMode::Always}), kBoth2);
  EXPECT_EQ(negotiate({kTwoFirst, kOneFirst, RetryMode::Always}), kBoth1);
  EXPECT_EQ(negotiate({kTwoFirst, kTwoFirst, RetryMode::Always}), kBoth2);
}

// covers RFC 9368 §2.1
TEST(VersionNegotiation, AClientBeginsAgainInAVersionOfBoth) {
  EXPECT_EQ(negotiate({kTwoFirst, {kQuicVersion1}}), kBoth1);
  EXPECT_EQ(negotiate({kOneFirst, {kQuicVersion2}}), kBoth2);
  // RFC 9368 §2.1, Figure 1: both mechanisms one after the other.
  EXPECT_EQ(negotiate({{kReserved, kQuicVersion1, kQuicVersion2}, kTwoFirst}), kBoth2);
}

// covers RFC 9000 §6.3, §15; RFC 9368 §6
TEST(VersionNegotiation, AClientMayBeginInAVersionThatNobodySpeaks) {
  const Versions oneAfterReserved = {kReserved, kQuicVersion1, kQuicVersion2};
  EXPECT_EQ(negotiate({oneAfterReserved, kOneFirst}), kBoth1);
  EXPECT_EQ(negotiate({{kReserved, kQuicVersion2, kQuicVersion1}, kTwoFirst}), kBoth2);
  EXPECT_EQ(negotiate({{0xfafafafa, kQuicVersion2}, kOneFirst}), kBoth2);
  EXPECT_EQ(negotiate({{0x00000077, kQuicVersion1}, kOneFirst}), kBoth1);
  EXPECT_EQ(negotiate({oneAfterReserved, kOneFirst, RetryMode::Always}), kBoth1);
}

TEST(VersionNegotiation, WithoutAVersionOfBothTheAttemptEnds) {
  EXPECT_EQ(negotiate({{kQuicVersion1}, {kQuicVersion2}}), Outcome{});
  EXPECT_EQ(negotiate({{kReserved}, kOneFirst}), Outcome{});
}

TEST(VersionNegotiation, AClientWithoutAVersionSpeaksTheFirst) {
  EXPECT_EQ(negotiate({{}, kOneFirst}), kBoth1);
  EXPECT_EQ(negotiate({{0, kQuicVersion2}, {kQuicVersion1}}), kBoth1) << "0 is no version (RFC 9000 §17.2.1)";
}

TEST(VersionNegotiation, AServerWithoutAVersionSpeaksTheFirst) {
  EXPECT_EQ(negotiate({.servers = {}}), kBoth1);
  EXPECT_EQ(negotiate({.servers = {kReserved}}), kBoth1);
}

// ---------------------------------------------------------------- a server and hostile clients
std::string serverClosesWith(const VersionInformation& information) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.versions = kOneFirst;
  settings.parameters.versionInformation = information;
  MisbehavingPeer peer(settings);
  peer.begin();
  return nameOfCode(peer.closeCode());
}
std::string named(TransportErrorCode code) { return nameOfCode(static_cast<uint64_t>(code)); }

// T25, T26. covers RFC 9368 §4
TEST(VersionNegotiation, AServerChecksWhatTheClientSaysOfVersions) {
  EXPECT_EQ(serverClosesWith({kQuicVersion1, {kQuicVersion1}}), "lives");
  EXPECT_EQ(serverClosesWith({kQuicVersion1, {kReserved, kQuicVersion1}}), "lives");
  EXPECT_EQ(serverClosesWith({kQuicVersion2, {kQuicVersion2, kQuicVersion1}}), named(VERSION_NEGOTIATION_ERROR))
      << "T26";
  EXPECT_EQ(serverClosesWith({kQuicVersion1, {kQuicVersion2}}), named(TRANSPORT_PARAMETER_ERROR));
  EXPECT_EQ(serverClosesWith({0, {kQuicVersion1}}), named(TRANSPORT_PARAMETER_ERROR));
}

// covers RFC 9369 §4: it is always sent
TEST(VersionNegotiation, BothEndsTellTheirVersions) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.versions = {kReserved, kQuicVersion1, kQuicVersion2, 0x00000077};
  MisbehavingPeer client(settings);
  client.connect();
  ASSERT_TRUE(client.endParameters() && client.endParameters()->versionInformation);
  EXPECT_EQ(*client.endParameters()->versionInformation,
            (VersionInformation{kQuicVersion1, {kReserved, kQuicVersion1, kQuicVersion2}}))
      << "what it cannot speak it does not offer";
  settings = MisbehavingPeer::againstClient();
  settings.end.versions = {kQuicVersion2, 0x00000077};
  MisbehavingPeer server(settings);
  server.speak(kQuicVersion2);
  server.begin();
  ASSERT_TRUE(server.endParameters() && server.endParameters()->versionInformation);
  EXPECT_EQ(*server.endParameters()->versionInformation, (VersionInformation{kQuicVersion2, {kQuicVersion2}}));
}

// covers RFC 9000 §6.2; RFC 9368 §2.1
TEST(VersionNegotiation, AServerIgnoresVersionNegotiationPackets) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  ByteVector packet(1200);
  const std::array<uint32_t, 1> versions = {kReserved};
  const ConnectionId id = pair.server.find(pair.serverEvents.front().connection)->originalConnectionId();
  const size_t size = writeVersionNegotiation(packet, 0, id.bytes(), id.bytes(), versions);
  pair.giveServer(packet);
  packet.resize(size);
  pair.giveServer(packet);
  EXPECT_TRUE(pair.takeFromServer().empty());
  EXPECT_FALSE(pair.server.find(pair.serverEvents.front().connection)->isClosing());
}

// ---------------------------------------------------------------- a client and hostile servers
/// A client that began in `original` and is answered in that version by a server that says `information`.
std::string clientClosesWith(const std::optional<VersionInformation>& information, uint32_t original = kQuicVersion1) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.versions = {original};
  settings.parameters.versionInformation = information;
  MisbehavingPeer peer(settings);
  peer.speak(original);
  peer.reachHandshakeLevel();
  peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
  return nameOfCode(peer.closeCode());
}

// X39. covers RFC 9368 §4
TEST(VersionNegotiation, AClientChecksThatTheServerSpeaksWhatItChose) {
  EXPECT_EQ(clientClosesWith(std::nullopt), "lives");
  EXPECT_EQ(clientClosesWith(VersionInformation{kQuicVersion1, {}}), "lives");
  EXPECT_EQ(clientClosesWith(VersionInformation{kQuicVersion1, {kQuicVersion2}}), "lives");
  EXPECT_EQ(clientClosesWith(VersionInformation{kQuicVersion2, {kQuicVersion2}}), named(VERSION_NEGOTIATION_ERROR))
      << "X39";
  EXPECT_EQ(clientClosesWith(VersionInformation{kReserved, {kQuicVersion1}}), named(VERSION_NEGOTIATION_ERROR));
  EXPECT_EQ(clientClosesWith(VersionInformation{kQuicVersion2, {kQuicVersion2}}, kQuicVersion2), "lives");
}

/// A client with `ours` that is sent `negotiation` and then meets a server that speaks `spoken` and says `information`.
std::string afterVersionNegotiation(const Versions& ours, const Versions& negotiation, uint32_t spoken,
                                    const std::optional<VersionInformation>& information) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.versions = ours;
  settings.parameters.versionInformation = information;
  MisbehavingPeer peer(settings);
  peer.speak(ours.front());
  peer.begin();
  ByteVector packet(100);
  packet.resize(
      writeVersionNegotiation(packet, 0x55, peer.endId().bytes(), peer.originalDestinationId().bytes(), negotiation));
  peer.speak(spoken);
  const ConnectionId first = peer.originalDestinationId();
  peer.deliver(packet);
  if (peer.originalDestinationId() == first) return "no second attempt";
  peer.deliver(packet);  // RFC 9368 §4: not believed twice
  peer.send(EncryptionLevel::Initial, FrameBytes().ack(1, 1).raw(peer.helloFrames()));
  peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
  EXPECT_TRUE(peer.closeCode() || peer.end().isHandshakeFinished());
  return nameOfCode(peer.closeCode());
}

// X39. covers RFC 9368 §4
TEST(VersionNegotiation, AForgedVersionNegotiationPacketIsFoundOut) {
  const std::string refused = named(VERSION_NEGOTIATION_ERROR);
  const auto says = [](uint32_t chosen, const Versions& available) { return VersionInformation{chosen, available}; };
  const Versions one = {kQuicVersion1};
  const Versions two = {kQuicVersion2};
  // Genuine: the server speaks version 1 alone.
  EXPECT_EQ(afterVersionNegotiation(kTwoFirst, one, kQuicVersion1, says(kQuicVersion1, one)), "lives");
  // Forged: it speaks both, and the client would have taken version 2.
  EXPECT_EQ(afterVersionNegotiation(kTwoFirst, one, kQuicVersion1, says(kQuicVersion1, kTwoFirst)), refused);
  EXPECT_EQ(afterVersionNegotiation(kTwoFirst, one, kQuicVersion1, says(kQuicVersion1, {})), refused)
      << "an empty list proves nothing";
  EXPECT_EQ(afterVersionNegotiation(kOneFirst, two, kQuicVersion2, says(kQuicVersion2, two)), "lives");
  EXPECT_EQ(afterVersionNegotiation(kOneFirst, two, kQuicVersion2, says(kQuicVersion2, kTwoFirst)), refused);
  EXPECT_EQ(afterVersionNegotiation(kOneFirst, two, kQuicVersion2, std::nullopt), refused)
      << "version 2 has version_information";
  // RFC 9368 §8: servers that speak nothing but version 1 may know nothing of this.
  EXPECT_EQ(afterVersionNegotiation(kTwoFirst, one, kQuicVersion1, std::nullopt), "lives");
  EXPECT_EQ(afterVersionNegotiation(kOneFirst, {kReserved, 0x77}, kQuicVersion1, std::nullopt), "no second attempt");
  EXPECT_EQ(afterVersionNegotiation(kOneFirst, kOneFirst, kQuicVersion1, std::nullopt), "no second attempt")
      << "CV01: it lists what was tried";
}

// covers RFC 9369 §4.1
TEST(VersionNegotiation, AClientFollowsAnInitialOfAnotherVersionOnlyIntoOneThatItOffered) {
  const auto follows = [](const Versions& ours, uint32_t into, bool isAuthentic) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    settings.end.versions = ours;
    MisbehavingPeer peer(settings);
    peer.begin();
    peer.speak(into);
    peer.installKeys();
    PacketOptions options;
    options.breakTag = !isAuthentic;
    peer.send(EncryptionLevel::Initial, FrameBytes().ack(0, 0), options);
    return peer.end().version();
  };
  EXPECT_EQ(follows({kQuicVersion1, kQuicVersion2}, kQuicVersion2, true), kQuicVersion2);
  EXPECT_EQ(follows({kQuicVersion1, kQuicVersion2}, kQuicVersion2, false), kQuicVersion1);
  EXPECT_EQ(follows({kQuicVersion1}, kQuicVersion2, true), kQuicVersion1);
}

TEST(VersionNegotiation, NothingIsFollowedOnceTheServerHasSpoken) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.versions = kOneFirst;
  MisbehavingPeer peer(settings);
  peer.reachHandshakeLevel();
  peer.speak(kQuicVersion2);
  peer.installKeys();
  peer.send(EncryptionLevel::Initial, FrameBytes().add(PingFrame{}));
  EXPECT_EQ(peer.end().version(), kQuicVersion1);
}

// X39: a long header that was forged on the way is found out by what is said under protection
TEST(VersionNegotiation, AServerThatIsSaidToHaveChangedAndSaysNothingOfItIsRefused) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.versions = kOneFirst;
  MisbehavingPeer peer(settings);
  peer.begin();
  peer.speak(kQuicVersion2);
  peer.installKeys();
  peer.send(EncryptionLevel::Initial, FrameBytes().ack(0, 0).raw(peer.helloFrames()));
  peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
  EXPECT_EQ(nameOfCode(peer.closeCode()), named(VERSION_NEGOTIATION_ERROR));
}

}  // namespace
}  // namespace quic::test
