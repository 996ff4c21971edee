// Moves of clients, each end alone against a peer that plays the other: RFC 9000 §8.2, §9. Whole moves under loss are the
// simulator's.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"
#include "quic/codec/FrameTraits.h"

namespace quic::test {
namespace {

ConnectionId idOf(uint8_t number) { return ConnectionId(ByteVector{8, 8, 8, 8, 8, 8, 8, number}); }

FrameBytes newIds(uint8_t first, uint8_t last) {
  FrameBytes frames;
  for (uint8_t i = first; i <= last; ++i) frames.add(NewConnectionIdFrame{i, 0, idOf(i), {i}});
  return frames;
}

/// Of what went out on one path.
template <class Frame>
std::vector<Frame> on(const MisbehavingPeer& peer, const FourTuple& path) {
  std::vector<Frame> found;
  for (const HeardPacket& packet : peer.heard) {
    if (packet.path != path || packet.level != EncryptionLevel::OneRtt) continue;
    ByteReader reader(packet.payload);
    while (!reader.atEnd()) {
      const auto frame = parseFrame(reader);
      if (!frame) break;
      if (const auto* match = std::get_if<Frame>(&*frame)) found.push_back(*match);
    }
  }
  return found;
}

const HeardPacket* firstOn(const MisbehavingPeer& peer, const FourTuple& path) {
  for (const HeardPacket& packet : peer.heard) {
    if (packet.path == path) return &packet;
  }
  return nullptr;
}

bool isProbing(const HeardPacket& packet) {
  ByteReader reader(packet.payload);
  while (!reader.atEnd()) {
    const auto frame = parseFrame(reader);
    if (!frame || !frameTraits(*frame).probing) return false;
  }
  return true;
}

// ---------------------------------------------------------------- the client's own moves
struct Client {
  explicit Client(uint8_t spareIds = 4, const std::function<void(PeerSettings&)>& adjust = {})
      : peer(settings(adjust)), first(peer.path()), second{SocketAddress::v4({10, 0, 1, 77}, 7777), first.peer} {
    peer.connect();
    if (spareIds > 0) peer.send(newIds(1, spareIds));
    peer.forget();
  }
  static PeerSettings settings(const std::function<void(PeerSettings&)>& adjust) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    if (adjust) adjust(settings);
    return settings;
  }
  QuicClientTransport& end() { return static_cast<QuicClientTransport&>(peer.end()); }
  Result<> migrate(const SocketAddress& local) {
    const Result<> result = end().migrate(peer.now(), local);
    peer.advance(0ms);
    wake();
    return result;
  }
  Result<> rebind(const SocketAddress& local) {
    const Result<> result = end().rebind(peer.now(), local);
    wake();
    return result;
  }
  /// The end is polled, as it would be after every verb: by a datagram that means nothing.
  void wake() { peer.deliver(ByteVector{0}); }
  void answer() {
    const auto challenges = on<PathChallengeFrame>(peer, second);
    ASSERT_FALSE(challenges.empty());
    peer.sendFrom(second, FrameBytes().add(PathResponseFrame{challenges.back().data}));
  }
  MisbehavingPeer peer;
  FourTuple first;
  FourTuple second;
};

template <class Code>
bool isRefusedWith(const Result<>& result, Code code) {
  return !result && result.error().code == QuicErrorCode(code);
}

// T-43. covers RFC 9000 §9: not before the handshake is confirmed
TEST(ClientMigration, WaitsForTheHandshakeToBeConfirmed) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.reachHandshakeLevel();
  auto& end = static_cast<QuicClientTransport&>(peer.end());
  const SocketAddress local = SocketAddress::v4({10, 0, 1, 77}, 7777);
  const FourTuple there{local, peer.path().peer};
  EXPECT_TRUE(end.migrate(peer.now(), local));
  peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
  ASSERT_TRUE(end.isHandshakeFinished());
  peer.send(newIds(1, 2));
  EXPECT_EQ(firstOn(peer, there), nullptr) << "the handshake is complete, and not confirmed";
  peer.send(FrameBytes().add(HandshakeDoneFrame{}));
  ASSERT_NE(firstOn(peer, there), nullptr);
  EXPECT_EQ(end.activePath(), peer.path());
  const auto challenges = peer.all<PathChallengeFrame>();
  ASSERT_FALSE(challenges.empty());
  peer.sendFrom(there, FrameBytes().add(PathResponseFrame{challenges.back().data}));
  EXPECT_EQ(end.activePath(), there);
  EXPECT_EQ(peer.count<PathChanged>(), 1u);
}

// covers RFC 9000 §9: the IDs that come with HANDSHAKE_DONE serve as well
TEST(ClientMigration, RebindsWhatWaitedOnceTheHandshakeIsConfirmed) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.reachHandshakeLevel();
  auto& end = static_cast<QuicClientTransport&>(peer.end());
  const SocketAddress local = SocketAddress::v4({10, 0, 1, 77}, 7777);
  EXPECT_TRUE(end.rebind(peer.now(), local));
  peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
  EXPECT_EQ(end.activePath(), peer.path());
  peer.send(FrameBytes().add(HandshakeDoneFrame{}).raw(newIds(1, 2)));
  EXPECT_EQ(end.activePath().local, local);
}

TEST(ClientMigration, OfTwoThatWaitTheLaterIsDone) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.reachHandshakeLevel();
  auto& end = static_cast<QuicClientTransport&>(peer.end());
  const SocketAddress first = SocketAddress::v4({10, 0, 1, 77}, 7777);
  const SocketAddress second = SocketAddress::v4({10, 0, 1, 78}, 7778);
  EXPECT_TRUE(end.migrate(peer.now(), first));
  EXPECT_TRUE(end.migrate(peer.now(), second));
  EXPECT_TRUE(end.migrate(peer.now(), second));
  peer.poll();
  ASSERT_EQ(peer.count<LocalAddressReleased>(), 1u) << "its socket may go";
  peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
  peer.send(FrameBytes().add(HandshakeDoneFrame{}).raw(newIds(1, 2)));
  EXPECT_EQ(firstOn(peer, {first, peer.path().peer}), nullptr);
  EXPECT_NE(firstOn(peer, {second, peer.path().peer}), nullptr);
}

/// What an application hears of a move that has waited in vain.
struct VainRow {
  const char* what;
  std::function<void(PeerSettings&)> prepare;
  LocalErrorCode code;
};

// covers RFC 9000 §9, §9.5, §18.2
TEST(ClientMigration, WhatWaitedAndMayNotBeIsToldWithItsReason) {
  const VainRow rows[] = {
      {"forbidden", [](PeerSettings& s) { s.parameters.disableActiveMigration = true; },
       LocalErrorCode::MIGRATION_FORBIDDEN},
      {"no IDs at all", [](PeerSettings& s) { s.sourceIdSize = 0; }, LocalErrorCode::NO_CONNECTION_ID},
      {"no unused ID", [](PeerSettings&) {}, LocalErrorCode::NO_CONNECTION_ID},
  };
  for (const VainRow& row : rows) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    row.prepare(settings);
    MisbehavingPeer peer(settings);
    peer.reachHandshakeLevel();
    auto& end = static_cast<QuicClientTransport&>(peer.end());
    const SocketAddress local = SocketAddress::v4({10, 0, 1, 77}, 7777);
    EXPECT_TRUE(end.migrate(peer.now(), local)) << row.what;
    peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
    peer.send(FrameBytes().add(HandshakeDoneFrame{}));
    const PathFailed* failed = nullptr;
    for (const TransportEvent& event : peer.events) {
      if (const auto* found = std::get_if<PathFailed>(&event)) failed = found;
    }
    ASSERT_NE(failed, nullptr) << row.what;
    EXPECT_EQ(failed->path, (FourTuple{local, peer.path().peer})) << row.what;
    EXPECT_EQ(failed->error.code, QuicErrorCode(row.code)) << row.what;
    EXPECT_EQ(peer.count<LocalAddressReleased>(), 1u) << row.what;
    EXPECT_EQ(firstOn(peer, {local, peer.path().peer}), nullptr) << row.what;
    EXPECT_TRUE(peer.lives()) << row.what;
  }
}

TEST(ClientMigration, WhatWaitsEndsWithTheConnection) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.reachHandshakeLevel();
  auto& end = static_cast<QuicClientTransport&>(peer.end());
  const SocketAddress local = SocketAddress::v4({10, 0, 1, 77}, 7777);
  EXPECT_TRUE(
      isRefusedWith(end.migrate(peer.now(), SocketAddress::v6({1}, 1)), LocalErrorCode::MIGRATION_INVALID_ADDRESS))
      << "what is wrong in itself is told at once";
  EXPECT_TRUE(end.migrate(peer.now(), local));
  peer.end().close(peer.now(), ApplicationErrorCode{1}, "");
  peer.poll();
  EXPECT_TRUE(isRefusedWith(end.migrate(peer.now(), local), LocalErrorCode::CONNECTION_CLOSED));
  peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
  peer.send(FrameBytes().add(HandshakeDoneFrame{}).raw(newIds(1, 2)));
  EXPECT_EQ(firstOn(peer, {local, peer.path().peer}), nullptr);
  EXPECT_EQ(peer.count<PathFailed>() + peer.count<PathChanged>(), 0u);
}

// covers RFC 9000 §9, §18.2
TEST(ClientMigration, IsRefusedWhenTheServerForbidsIt) {
  Client client(4, [](PeerSettings& settings) { settings.parameters.disableActiveMigration = true; });
  EXPECT_TRUE(isRefusedWith(client.migrate(client.second.local), LocalErrorCode::MIGRATION_FORBIDDEN));
  EXPECT_TRUE(isRefusedWith(client.rebind(client.second.local), LocalErrorCode::MIGRATION_FORBIDDEN));
  EXPECT_EQ(firstOn(client.peer, client.second), nullptr);
}

// X36. covers RFC 9000 §9.5: not with a server that uses zero-length IDs; and §19.15: it is sent none
TEST(ClientMigration, IsRefusedWhenTheServerUsesNoIds) {
  Client client(0, [](PeerSettings& settings) { settings.sourceIdSize = 0; });
  EXPECT_TRUE(isRefusedWith(client.migrate(client.second.local), LocalErrorCode::NO_CONNECTION_ID));
  EXPECT_TRUE(client.peer.lives());
  EXPECT_TRUE(client.peer.all<RetireConnectionIdFrame>().empty());
}

// covers RFC 9000 §9.5: without a spare ID nothing can be probed
TEST(ClientMigration, IsRefusedWithoutAnUnusedId) {
  Client client(0);
  EXPECT_TRUE(isRefusedWith(client.migrate(client.second.local), LocalErrorCode::NO_CONNECTION_ID));
  EXPECT_TRUE(isRefusedWith(client.rebind(client.second.local), LocalErrorCode::NO_CONNECTION_ID));
  client.peer.send(newIds(1, 1));
  EXPECT_TRUE(client.migrate(client.second.local));
}

TEST(ClientMigration, IsRefusedToAnAddressThatIsNone) {
  Client client;
  const auto code = LocalErrorCode::MIGRATION_INVALID_ADDRESS;
  EXPECT_TRUE(isRefusedWith(client.migrate(client.first.local), code));
  EXPECT_TRUE(isRefusedWith(client.migrate(*SocketAddress::parse("[2001:db8::1]:7777")), code));
  EXPECT_TRUE(isRefusedWith(client.migrate(client.second.local.withPort(0)), code));
  client.end().close(client.peer.now(), ApplicationErrorCode{0}, "");
  EXPECT_TRUE(isRefusedWith(client.migrate(client.second.local), LocalErrorCode::CONNECTION_CLOSED));
}

// covers RFC 9000 §8.2.1, §9.1, §9.5
TEST(ClientMigration, ProbesInAFullDatagramWithAFreshIdAndNothingElse) {
  Client client;
  ASSERT_TRUE(client.migrate(client.second.local));
  const HeardPacket* probe = firstOn(client.peer, client.second);
  ASSERT_NE(probe, nullptr);
  EXPECT_GE(probe->datagramSize, 1200u);
  EXPECT_TRUE(isProbing(*probe));
  EXPECT_EQ(probe->destinationId, idOf(1));
  EXPECT_EQ(on<PathChallengeFrame>(client.peer, client.second).size(), 1u);
  EXPECT_EQ(client.end().activePath(), client.first);
}

// covers RFC 9000 §8.2.3, §9.2
TEST(ClientMigration, MovesWhenItsChallengeIsAnsweredAndSaysSoWithMoreThanAProbe) {
  Client client;
  ASSERT_TRUE(client.migrate(client.second.local));
  client.answer();
  EXPECT_EQ(client.end().activePath(), client.second);
  EXPECT_EQ(client.peer.count<PathChanged>(), 1u);
  EXPECT_FALSE(on<PingFrame>(client.peer, client.second).empty());
}

// covers RFC 9000 §8.2.3: on whatever path the answer comes
TEST(ClientMigration, AnAnswerOnTheOldPathCountsToo) {
  Client client;
  ASSERT_TRUE(client.migrate(client.second.local));
  const auto challenges = on<PathChallengeFrame>(client.peer, client.second);
  ASSERT_EQ(challenges.size(), 1u);
  client.peer.send(FrameBytes().add(PathResponseFrame{challenges[0].data}));
  EXPECT_EQ(client.end().activePath(), client.second);
}

// covers RFC 9000 §8.2.3: an acknowledgment is no answer, and neither is other data
TEST(ClientMigration, AnAcknowledgmentOfTheChallengeIsNotEnough) {
  Client client;
  ASSERT_TRUE(client.migrate(client.second.local));
  client.peer.ackEverything(EncryptionLevel::OneRtt);
  client.peer.sendFrom(client.second, FrameBytes().add(PathResponseFrame{PathData{1, 2, 3}}));
  EXPECT_EQ(client.end().activePath(), client.first);
  EXPECT_TRUE(client.peer.lives());
}

// covers RFC 9000 §8.2.1, §8.2.4, §9.1
TEST(ClientMigration, GivesUpAfterAFewAttemptsAndStays) {
  Client client;
  ASSERT_TRUE(client.migrate(client.second.local));
  client.peer.advance(20s);
  const auto challenges = on<PathChallengeFrame>(client.peer, client.second);
  EXPECT_GE(challenges.size(), 2u);
  EXPECT_LE(challenges.size(), 3u);
  for (size_t i = 1; i < challenges.size(); ++i) EXPECT_NE(challenges[i].data, challenges[i - 1].data);
  EXPECT_EQ(client.peer.count<PathFailed>(), 1u);
  EXPECT_EQ(client.peer.count<LocalAddressReleased>(), 1u);
  EXPECT_EQ(client.end().activePath(), client.first);
  const auto retired = client.peer.all<RetireConnectionIdFrame>();
  ASSERT_FALSE(retired.empty());
  EXPECT_EQ(retired[0].sequence, 1u) << "the ID was seen on a path that is no more";
}

// covers RFC 9000 §5.1.2: the ID of an address that is not used any more is retired
TEST(ClientMigration, TheOldIdIsRetiredSomeTimeAfterTheMove) {
  Client client;
  ASSERT_TRUE(client.migrate(client.second.local));
  client.answer();
  EXPECT_TRUE(client.peer.all<RetireConnectionIdFrame>().empty()) << "packets may be on their way there";
  client.peer.ackEverything(EncryptionLevel::OneRtt);
  client.peer.advance(10s);
  const auto retired = client.peer.all<RetireConnectionIdFrame>();
  ASSERT_FALSE(retired.empty());
  EXPECT_EQ(retired[0].sequence, 0u);
  EXPECT_EQ(client.peer.count<LocalAddressReleased>(), 1u);
}

TEST(ClientMigration, WhatIsOnItsWayToTheOldAddressIsStillHeard) {
  Client client;
  ASSERT_TRUE(client.migrate(client.second.local));
  client.answer();
  const PacketNum number = client.peer.nextNumber(EncryptionLevel::OneRtt);
  client.peer.sendFrom(client.first, fromHex("01"));
  client.peer.advance(30ms);
  EXPECT_TRUE(client.peer.hasAcked(EncryptionLevel::OneRtt, number));
  EXPECT_EQ(client.end().activePath(), client.second) << "a client is moved by nobody but itself";
}

TEST(ClientMigration, ASecondMoveTakesThePlaceOfTheFirst) {
  Client client;
  ASSERT_TRUE(client.migrate(client.second.local));
  const auto challenges = on<PathChallengeFrame>(client.peer, client.second);
  const FourTuple third{client.second.local.withPort(7778), client.second.peer};
  ASSERT_TRUE(client.migrate(third.local));
  client.peer.sendFrom(client.first, FrameBytes().add(PathResponseFrame{challenges[0].data}));
  EXPECT_EQ(client.end().activePath(), client.first);
  const auto others = on<PathChallengeFrame>(client.peer, third);
  ASSERT_EQ(others.size(), 1u);
  client.peer.sendFrom(third, FrameBytes().add(PathResponseFrame{others[0].data}));
  EXPECT_EQ(client.end().activePath(), third);
}

// covers RFC 9000 §9.2: without asking, and validated there
TEST(ClientMigration, AReplacedSocketIsUsedAtOnceAndValidated) {
  Client client;
  ASSERT_TRUE(client.rebind(client.second.local));
  EXPECT_EQ(client.end().activePath(), client.second);
  EXPECT_FALSE(on<PathChallengeFrame>(client.peer, client.second).empty());
  EXPECT_FALSE(on<PingFrame>(client.peer, client.second).empty());
  for (const HeardPacket& packet : client.peer.heard) EXPECT_EQ(packet.destinationId, idOf(1));
  client.answer();
  EXPECT_EQ(client.peer.count<PathFailed>(), 0u);
  EXPECT_TRUE(client.peer.end().isClosing() == false);
}

TEST(ClientMigration, AReplacedSocketThatReachesNobodyIsToldAndAnotherMayFollow) {
  Client client;
  ASSERT_TRUE(client.rebind(client.second.local));
  client.peer.advance(5s);
  EXPECT_EQ(client.peer.count<PathFailed>(), 1u);
  EXPECT_EQ(client.end().activePath(), client.second);
  const FourTuple third{client.second.local.withPort(7778), client.second.peer};
  ASSERT_TRUE(client.rebind(third.local));
  EXPECT_EQ(client.end().activePath(), third);
}

// covers RFC 9000 §9: packets from unknown server addresses are discarded
TEST(ClientMigration, AServerAtAnotherAddressIsNotHeard) {
  Client client;
  const PacketNum number = client.peer.nextNumber(EncryptionLevel::OneRtt);
  client.peer.sendFrom({client.first.local, SocketAddress::v4({10, 9, 9, 9}, 4433)}, fromHex("01"));
  client.peer.advance(30ms);
  EXPECT_FALSE(client.peer.hasAcked(EncryptionLevel::OneRtt, number));
  EXPECT_TRUE(client.peer.lives());
}

// covers RFC 9000 §9.3.3: a challenge on the active path elicits more than a probe
TEST(ClientMigration, AChallengeOnTheActivePathIsAnsweredWithMoreThanAProbe) {
  Client client;
  client.peer.send(FrameBytes().add(PathChallengeFrame{PathData{5}}));
  ASSERT_EQ(on<PathResponseFrame>(client.peer, client.first).size(), 1u);
  EXPECT_EQ(on<PathResponseFrame>(client.peer, client.first)[0].data, PathData{5});
  EXPECT_FALSE(isProbing(*firstOn(client.peer, client.first)));
}

// ---------------------------------------------------------------- the server's answer
struct Server {
  explicit Server(uint8_t spareIds = 4, const std::function<void(PeerSettings&)>& adjust = {})
      : peer(settings(adjust)), first(peer.path()), second(peer.pathFrom(6000, 9)) {
    peer.connect();
    for (const auto& frame : peer.all<NewConnectionIdFrame>()) issued.push_back(frame.id);
    if (spareIds > 0) peer.send(newIds(1, spareIds));
    peer.forget();
  }
  static PeerSettings settings(const std::function<void(PeerSettings&)>& adjust) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.idleTimeout = 60s;
    if (adjust) adjust(settings);
    return settings;
  }
  void sendFrom(const FourTuple& path, ByteSpan frames, const std::optional<ConnectionId>& id = std::nullopt) {
    PacketOptions options;
    options.destinationId = id;
    peer.deliver(peer.seal(EncryptionLevel::OneRtt, frames, options), path);
  }
  MisbehavingPeer peer;
  FourTuple first;
  FourTuple second;
  std::vector<ConnectionId> issued;
};

// covers RFC 9000 §9.3: a probing packet moves nobody; §9.6.3: its address is asked all the same
TEST(ServerAndMovingClient, AProbeIsAnsweredOnItsPathAndMovesNothing) {
  Server server;
  server.sendFrom(server.second, FrameBytes().add(PathChallengeFrame{PathData{7}}).padding(1150), server.issued.at(0));
  const auto responses = on<PathResponseFrame>(server.peer, server.second);
  ASSERT_EQ(responses.size(), 1u);
  EXPECT_EQ(responses[0].data, PathData{7});
  EXPECT_EQ(on<PathChallengeFrame>(server.peer, server.second).size(), 1u);
  EXPECT_EQ(firstOn(server.peer, server.second)->datagramSize, 1200u);
  EXPECT_TRUE(isProbing(*firstOn(server.peer, server.second)));
  EXPECT_EQ(server.peer.end().activePath(), server.first);
}

// covers RFC 9000 §8.2.2: not more than three times what came
TEST(ServerAndMovingClient, TheAnswerToASmallProbeIsSmall) {
  Server server;
  server.sendFrom(server.second, FrameBytes().add(PathChallengeFrame{PathData{7}}), server.issued.at(0));
  EXPECT_EQ(on<PathResponseFrame>(server.peer, server.second).size(), 1u);
  EXPECT_LE(server.peer.bytesTo[server.second.peer], 3u * 50);
}

// covers RFC 9000 §9.3, §9.5: a fresh ID for a client that uses one
TEST(ServerAndMovingClient, IsFollowedWithAFreshId) {
  Server server;
  server.sendFrom(server.second, fromHex("01"), server.issued.at(0));
  EXPECT_EQ(server.peer.end().activePath(), server.second);
  for (const HeardPacket& packet : server.peer.heard) {
    EXPECT_EQ(packet.destinationId == server.peer.ownId(), packet.path == server.first);
  }
}

// covers RFC 9000 §9.3, §9.5: nothing can be sent there without one
TEST(ServerAndMovingClient, IsAnsweredOnlyOnceItHasGivenAnId) {
  Server server(0);
  server.sendFrom(server.second, fromHex("01"), server.issued.at(0));
  EXPECT_EQ(server.peer.end().activePath(), server.second);
  EXPECT_EQ(firstOn(server.peer, server.second), nullptr);
  server.peer.advance(1s);
  EXPECT_EQ(firstOn(server.peer, server.second), nullptr);
  server.sendFrom(server.second, newIds(1, 1), server.issued.at(0));
  ASSERT_NE(firstOn(server.peer, server.second), nullptr);
  EXPECT_EQ(firstOn(server.peer, server.second)->destinationId, idOf(1));
}

// covers RFC 9000 §9.5: a NAT's client has changed no ID, and may have given no other
TEST(ServerAndMovingClient, BehindANatIsServedOnTheIdThatItKnows) {
  Server server(0);
  server.sendFrom(server.second, fromHex("01"));
  ASSERT_NE(firstOn(server.peer, server.second), nullptr);
  EXPECT_EQ(firstOn(server.peer, server.second)->destinationId, server.peer.ownId());
}

// covers RFC 9000 §9.3: only the highest-numbered packet moves it
TEST(ServerAndMovingClient, AReorderedPacketFromTheOldAddressDoesNotMoveItBack) {
  Server server;
  const ByteVector late = server.peer.seal(EncryptionLevel::OneRtt, fromHex("01"));
  server.sendFrom(server.second, fromHex("01"));
  server.peer.deliver(late, server.first);
  EXPECT_EQ(server.peer.end().activePath(), server.second);
}

// covers RFC 9000 §9, §18.2: dropped, and nothing closes or resets
TEST(ServerAndMovingClient, WhoWasAskedNotToMoveIsNotHeardElsewhere) {
  Server server(4, [](PeerSettings& settings) { settings.end.disableActiveMigration = true; });
  EXPECT_TRUE(server.peer.endParameters()->disableActiveMigration);
  server.peer.send(fromHex("01"));
  server.sendFrom(server.second, fromHex("01"), server.issued.at(0));
  EXPECT_EQ(server.peer.bytesTo[server.second.peer], 0u);
  EXPECT_EQ(server.peer.end().activePath(), server.first);
  EXPECT_TRUE(server.peer.lives());
  // Without a change of ID it is not the client's doing.
  server.sendFrom(server.second, fromHex("01"));
  EXPECT_EQ(server.peer.end().activePath(), server.second);
}

// covers RFC 9000 §9.3.3: the previous path is asked, and a path that is not used any more is forgotten
TEST(ServerAndMovingClient, TheOldPathIsAskedAndForgottenAndItsIdRetired) {
  Server server;
  server.sendFrom(server.second, FrameBytes().hex("01").padding(1150), server.issued.at(0));
  EXPECT_EQ(on<PathChallengeFrame>(server.peer, server.first).size(), 1u);
  const auto challenges = on<PathChallengeFrame>(server.peer, server.second);
  ASSERT_FALSE(challenges.empty());
  server.sendFrom(server.second, FrameBytes().add(PathResponseFrame{challenges[0].data}), server.issued.at(0));
  server.peer.advance(15s);
  const auto retired = server.peer.all<RetireConnectionIdFrame>();
  ASSERT_FALSE(retired.empty());
  EXPECT_EQ(retired[0].sequence, 0u);
  EXPECT_EQ(server.peer.end().activePath(), server.second);
  EXPECT_FALSE(server.peer.end().isClosing());
}

// covers RFC 9000 §9.4: a port alone changes nothing about the network
TEST(ServerAndMovingClient, KeepsItsWindowWhenOnlyThePortChanged) {
  for (const bool isPortOnly : {true, false}) {
    Server server;
    server.peer.send(fromHex("0a 00 01 61"));
    ASSERT_TRUE(server.peer.end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(200'000)), false));
    for (int i = 0; i < 4; ++i) {
      server.peer.advance(10ms);
      server.peer.ackEverything(EncryptionLevel::OneRtt);
    }
    const uint64_t before = server.peer.end().stats().congestionWindow;
    ASSERT_GT(before, 20000u);
    server.sendFrom(isPortOnly ? server.peer.pathFrom(6000) : server.second, fromHex("01"));
    const uint64_t after = server.peer.end().stats().congestionWindow;
    EXPECT_EQ(after == before, isPortOnly) << after;
  }
}

}  // namespace
}  // namespace quic::test
