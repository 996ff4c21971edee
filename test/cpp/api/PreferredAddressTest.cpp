// preferred_address, each end alone against a peer that plays the other: RFC 9000 §9.6.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"
#include "quic/codec/FrameTraits.h"

namespace quic::test {
namespace {

const SocketAddress kPreferred = SocketAddress::v4({10, 0, 0, 200}, 4433);
const ConnectionId kPreferredId(ByteVector{7, 7, 7, 7, 7, 7, 7, 7});

std::vector<const HeardPacket*> on(const MisbehavingPeer& peer, const FourTuple& path) {
  std::vector<const HeardPacket*> found;
  for (const HeardPacket& packet : peer.heard) {
    if (packet.path == path) found.push_back(&packet);
  }
  return found;
}

template <class Frame>
std::vector<Frame> framesOf(const std::vector<const HeardPacket*>& packets) {
  std::vector<Frame> found;
  for (const HeardPacket* packet : packets) {
    ByteReader reader(packet->payload);
    while (!reader.atEnd()) {
      const auto frame = parseFrame(reader);
      if (!frame) break;
      if (const auto* match = std::get_if<Frame>(&*frame)) found.push_back(*match);
    }
  }
  return found;
}

bool onlyProbes(const std::vector<const HeardPacket*>& packets) {
  for (const HeardPacket* packet : packets) {
    ByteReader reader(packet->payload);
    while (!reader.atEnd()) {
      const auto frame = parseFrame(reader);
      if (!frame || !frameTraits(*frame).probing) return false;
    }
  }
  return true;
}

// ---------------------------------------------------------------- the client
PeerSettings serverThatPrefers(const SocketAddress& address) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  PreferredAddress preferred;
  (address.isV4() ? preferred.v4 : preferred.v6) = address;
  preferred.id = kPreferredId;
  settings.parameters.preferredAddress = preferred;
  return settings;
}

FourTuple preferredPath(const MisbehavingPeer& peer, const SocketAddress& address = kPreferred) {
  return {peer.path().local, address};
}

// covers RFC 9000 §9.6.1, §9.6.2, §5.1.1
TEST(PreferredAddress, AClientProbesItOnceTheHandshakeIsConfirmedAndGoesThereWhenItAnswers) {
  MisbehavingPeer peer(serverThatPrefers(kPreferred));
  peer.reachHandshakeLevel();
  peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
  EXPECT_TRUE(on(peer, preferredPath(peer)).empty()) << "not before it is confirmed";
  peer.send(FrameBytes().add(HandshakeDoneFrame{}));
  const auto probes = on(peer, preferredPath(peer));
  ASSERT_FALSE(probes.empty());
  EXPECT_TRUE(onlyProbes(probes));
  EXPECT_GE(probes[0]->datagramSize, 1200u);
  EXPECT_EQ(probes[0]->destinationId, kPreferredId);
  EXPECT_EQ(peer.end().activePath(), peer.path());
  const auto challenges = framesOf<PathChallengeFrame>(probes);
  ASSERT_FALSE(challenges.empty());
  peer.sendFrom(preferredPath(peer), FrameBytes().add(PathResponseFrame{challenges[0].data}));
  EXPECT_EQ(peer.end().activePath(), preferredPath(peer));
  EXPECT_FALSE(onlyProbes(on(peer, preferredPath(peer)))) << "so that the server follows";
  peer.advance(10s);
  const auto retired = peer.all<RetireConnectionIdFrame>();
  ASSERT_FALSE(retired.empty());
  EXPECT_EQ(retired[0].sequence, 0u);
}

// X13. covers RFC 9000 §9.6.1
TEST(PreferredAddress, AClientStaysWhenItDoesNotAnswer) {
  MisbehavingPeer peer(serverThatPrefers(kPreferred));
  peer.connect();
  peer.advance(20s);
  EXPECT_EQ(peer.end().activePath(), peer.path());
  EXPECT_TRUE(peer.lives());
  EXPECT_EQ(peer.count<PathChanged>(), 0u);
  EXPECT_EQ(peer.count<PathFailed>(), 1u);
  EXPECT_LE(on(peer, preferredPath(peer)).size(), 3u);
  EXPECT_EQ(peer.count<LocalAddressReleased>(), 0u) << "it is still sent from there";
}

TEST(PreferredAddress, AClientThatIsToldNotToFollowDoesNotProbeAndKeepsTheId) {
  PeerSettings settings = serverThatPrefers(kPreferred);
  settings.end.followsPreferredAddress = false;
  MisbehavingPeer peer(settings);
  peer.connect();
  peer.advance(5s);
  EXPECT_TRUE(on(peer, preferredPath(peer)).empty());
  auto& end = static_cast<QuicClientTransport&>(peer.end());
  ASSERT_TRUE(end.migrate(peer.now(), SocketAddress::v4({10, 0, 1, 77}, 7777)));
  peer.deliver(ByteVector{0});
  EXPECT_EQ(peer.heard.back().destinationId, kPreferredId) << "it may be used on any path";
}

// T-41. covers RFC 9000 §21.5.3
TEST(PreferredAddress, AClientIsSentToNoAddressThatItsPolicyRefuses) {
  for (const char* address : {"127.0.0.1:4433", "169.254.1.1:4433", "224.0.0.1:4433", "255.255.255.255:4433",
                              "10.0.0.200:0", "0.0.0.0:4433", "[2001:db8::1]:4433"}) {
    const SocketAddress named = *SocketAddress::parse(address);
    MisbehavingPeer peer(serverThatPrefers(named));
    peer.connect();
    peer.advance(5s);
    EXPECT_EQ(peer.bytesTo[named], 0u) << address;
    EXPECT_TRUE(peer.lives()) << address;
  }
}

TEST(PreferredAddress, OneThatIsTheSameAddressIsNoMove) {
  PeerSettings settings = serverThatPrefers(kPreferred);
  settings.parameters.preferredAddress->v4 = MisbehavingPeer(MisbehavingPeer::againstClient()).path().peer;
  MisbehavingPeer peer(settings);
  peer.connect();
  peer.advance(5s);
  EXPECT_EQ(peer.count<PathFailed>(), 0u);
  EXPECT_TRUE(peer.all<PathChallengeFrame>().empty());
}

// covers RFC 9000 §5.1.1: the same connection ID is not issued twice
TEST(PreferredAddress, OneWithTheConnectionIdOfTheHandshakeIsAnError) {
  PeerSettings settings = serverThatPrefers(kPreferred);
  settings.parameters.preferredAddress->id = MisbehavingPeer(settings).ownId();
  MisbehavingPeer peer(settings);
  peer.reachHandshakeLevel();
  peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
  EXPECT_EQ(nameOfCode(peer.closeCode()),
            nameOfCode(static_cast<uint64_t>(TransportErrorCode::TRANSPORT_PARAMETER_ERROR)));
}

// covers RFC 9000 §5.1.1: its sequence number is 1
TEST(PreferredAddress, ItsIdHasTheSequenceNumberOne) {
  MisbehavingPeer peer(serverThatPrefers(kPreferred));
  peer.connect();
  peer.send(FrameBytes().add(NewConnectionIdFrame{1, 0, kPreferredId, {}}));
  EXPECT_TRUE(peer.lives()) << "the same again";
  peer.send(FrameBytes().add(NewConnectionIdFrame{1, 0, ConnectionId(ByteVector(8, 3)), {}}));
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOfCode(static_cast<uint64_t>(TransportErrorCode::PROTOCOL_VIOLATION)));
}

// covers RFC 9000 §9.6.3
TEST(PreferredAddress, AClientThatMovesMeanwhileProbesBothFromItsNewAddress) {
  for (const bool isPreferredAlive : {true, false}) {
    MisbehavingPeer peer(serverThatPrefers(kPreferred));
    peer.connect();
    for (uint8_t i = 2; i < 6; ++i) {
      peer.send(FrameBytes().add(NewConnectionIdFrame{i, 0, ConnectionId(ByteVector(8, i)), {}}));
    }
    const SocketAddress local = SocketAddress::v4({10, 0, 1, 77}, 7777);
    auto& end = static_cast<QuicClientTransport&>(peer.end());
    ASSERT_TRUE(end.migrate(peer.now(), local));
    peer.deliver(ByteVector{0});
    const FourTuple original{local, peer.path().peer};
    const FourTuple preferred{local, kPreferred};
    const auto toOriginal = framesOf<PathChallengeFrame>(on(peer, original));
    const auto toPreferred = framesOf<PathChallengeFrame>(on(peer, preferred));
    ASSERT_EQ(toOriginal.size(), 1u);
    ASSERT_EQ(toPreferred.size(), 1u);
    peer.sendFrom(original, FrameBytes().add(PathResponseFrame{toOriginal[0].data}));
    EXPECT_EQ(end.activePath(), original);
    if (isPreferredAlive) peer.sendFrom(preferred, FrameBytes().add(PathResponseFrame{toPreferred[0].data}));
    peer.advance(10s);
    EXPECT_EQ(end.activePath(), isPreferredAlive ? preferred : original);
  }
}

// covers RFC 9000 §9: disable_active_migration is about the handshake's address
TEST(PreferredAddress, WhoWentThereMayMoveAlsoWhenTheServerForbadeIt) {
  PeerSettings settings = serverThatPrefers(kPreferred);
  settings.parameters.disableActiveMigration = true;
  MisbehavingPeer peer(settings);
  peer.connect();
  auto& end = static_cast<QuicClientTransport&>(peer.end());
  const SocketAddress local = SocketAddress::v4({10, 0, 1, 77}, 7777);
  EXPECT_FALSE(end.migrate(peer.now(), local));
  const auto challenges = framesOf<PathChallengeFrame>(on(peer, preferredPath(peer)));
  ASSERT_FALSE(challenges.empty());
  peer.sendFrom(preferredPath(peer), FrameBytes().add(PathResponseFrame{challenges[0].data}));
  ASSERT_EQ(end.activePath(), preferredPath(peer));
  peer.send(FrameBytes().add(NewConnectionIdFrame{2, 0, ConnectionId(ByteVector(8, 2)), {}}));
  EXPECT_TRUE(end.migrate(peer.now(), local));
}

// ---------------------------------------------------------------- the server
struct Server {
  Server() : peer(settings()) {}
  static PeerSettings settings() {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.preferredV4 = kPreferred;
    return settings;
  }
  void connect() {
    peer.connect();
    for (uint8_t i = 1; i < 5; ++i) {
      peer.send(FrameBytes().add(NewConnectionIdFrame{i, 0, ConnectionId(ByteVector(8, i)), {}}));
    }
    peer.forget();
  }
  FourTuple path() const { return {kPreferred, peer.path().peer}; }
  void sendThere(ByteSpan frames) {
    PacketOptions options;
    options.destinationId = peer.endParameters()->preferredAddress->id;
    peer.deliver(peer.seal(EncryptionLevel::OneRtt, frames, options), path());
  }
  MisbehavingPeer peer;
};

// covers RFC 9000 §9.6.1, §5.1.1
TEST(PreferredAddress, AServerTellsItWithAnIdThatItAccepts) {
  Server server;
  server.peer.connect();
  ASSERT_TRUE(server.peer.endParameters().has_value());
  const auto& preferred = server.peer.endParameters()->preferredAddress;
  ASSERT_TRUE(preferred.has_value());
  EXPECT_EQ(preferred->v4, kPreferred);
  EXPECT_NE(preferred->id, server.peer.endId());
  for (const auto& frame : server.peer.all<NewConnectionIdFrame>()) EXPECT_GE(frame.sequence, 2u);
  server.peer.useEndId(preferred->id);
  EXPECT_TRUE(server.peer.lives());
  server.peer.useEndId(server.peer.endId());
  server.peer.send(FrameBytes().add(RetireConnectionIdFrame{0}));
  EXPECT_TRUE(server.peer.lives()) << "sequence numbers 0 and 1 are known to the client";
}

// X14. covers RFC 9000 §9.6.3
TEST(PreferredAddress, AServerDoesNotSwitchBeforeTheHandshakeIsConfirmed) {
  Server server;
  server.peer.reachHandshakeLevel();
  server.peer.deliver(server.peer.seal(EncryptionLevel::OneRtt, fromHex("01")), server.path());
  server.peer.deliver(server.peer.seal(EncryptionLevel::Handshake, fromHex("01")), server.path());
  EXPECT_EQ(server.peer.end().activePath(), server.peer.path());
  EXPECT_TRUE(on(server.peer, server.path()).empty());
}

// covers RFC 9000 §9.6.2: a non-probing packet there and a path that was proved, both
TEST(PreferredAddress, AServerStaysAtItsOldAddressUntilTheClientIsThereAndProved) {
  Server server;
  server.connect();
  server.sendThere(FrameBytes().hex("01").padding(1150));
  EXPECT_EQ(server.peer.end().activePath(), server.peer.path());
  ASSERT_TRUE(onlyProbes(on(server.peer, server.path())));
  const auto challenges = framesOf<PathChallengeFrame>(on(server.peer, server.path()));
  ASSERT_FALSE(challenges.empty()) << "it probes from there";
  server.sendThere(FrameBytes().add(PathResponseFrame{challenges[0].data}));
  EXPECT_EQ(server.peer.end().activePath(), server.path());
  const ByteVector late = server.peer.seal(EncryptionLevel::OneRtt, fromHex("01"));
  server.peer.deliver(late, server.peer.path());
  EXPECT_EQ(server.peer.end().activePath(), server.path()) << "exclusively from there now";
  EXPECT_FALSE(server.peer.end().isClosing());
}

// covers RFC 9000 §9.6.2
TEST(PreferredAddress, AServerAnswersProbesThereAndFollowsTheFirstThatIsNone) {
  Server server;
  server.connect();
  server.sendThere(FrameBytes().add(PathChallengeFrame{PathData{9}}).padding(1150));
  const auto responses = framesOf<PathResponseFrame>(on(server.peer, server.path()));
  ASSERT_EQ(responses.size(), 1u);
  EXPECT_EQ(responses[0].data, PathData{9});
  const auto challenges = framesOf<PathChallengeFrame>(on(server.peer, server.path()));
  ASSERT_EQ(challenges.size(), 1u);
  server.sendThere(FrameBytes().add(PathResponseFrame{challenges[0].data}));
  EXPECT_EQ(server.peer.end().activePath(), server.peer.path());
  server.sendThere(fromHex("01"));
  EXPECT_EQ(server.peer.end().activePath(), server.path());
}

// covers RFC 9000 §9.3: once it is there, a client that moves is followed at once
TEST(PreferredAddress, AServerThatIsThereFollowsAClientsNat) {
  Server server;
  server.connect();
  server.sendThere(FrameBytes().hex("01").padding(1150));
  const auto challenges = framesOf<PathChallengeFrame>(on(server.peer, server.path()));
  ASSERT_FALSE(challenges.empty());
  server.sendThere(FrameBytes().add(PathResponseFrame{challenges[0].data}));
  const FourTuple moved{kPreferred, server.peer.pathFrom(6000).peer};
  PacketOptions options;
  options.destinationId = server.peer.endParameters()->preferredAddress->id;
  server.peer.deliver(server.peer.seal(EncryptionLevel::OneRtt, fromHex("01"), options), moved);
  EXPECT_EQ(server.peer.end().activePath(), moved);
}

// covers RFC 9000 §9.6.2: a spurious migration that an attacker starts comes to nothing
TEST(PreferredAddress, AServerWhoseChallengeThereIsNotAnsweredStays) {
  Server server;
  server.connect();
  server.sendThere(FrameBytes().hex("01").padding(1150));
  server.peer.advance(10s);
  EXPECT_EQ(server.peer.end().activePath(), server.peer.path());
  EXPECT_TRUE(server.peer.lives());
  EXPECT_EQ(server.peer.count<PathChanged>(), 0u);
}

}  // namespace
}  // namespace quic::test
