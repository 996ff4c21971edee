// Peers as the fork of mvfst makes them, with whatever they do otherwise than RFC 9000 or than we do: section "Old peers" of
// cpp/quic/servermigration/README.md. The peer is scripted; the end under test is ours.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "cpp/api/MigrationPeers.h"

namespace quic::test {
namespace {

using enum ServerMigrationProtocol;
using Protocols = ServerMigrationProtocols;
using namespace migrationtesting;

constexpr EncryptionLevel k1 = EncryptionLevel::OneRtt;
const SocketAddress kNewHome = SocketAddress::v4({10, 0, 0, 2}, 4433);

// ---------------------------------------------------------------- a server of old

/// Our client, and a server that announces its limit of IDs, but issues none: it has migration of clients off.
struct OldServer {
  explicit OldServer(Protocols protocols, ExplicitProbing probing = ExplicitProbing::Reactive)
      : peer(settingsFor(protocols, probing)) {
    peer.connect();
    clientId = peer.endId();
  }
  static PeerSettings settingsFor(Protocols protocols, ExplicitProbing probing) {
    PeerSettings settings = againstFollower(protocols, probing);
    settings.parameters.activeConnectionIdLimit = 10;
    settings.end.idleTimeout = 60s;
    return settings;
  }
  void announce(const SocketAddress& address) {
    peer.send(FrameBytes().add(ServerMigrationFrame{QuicIPAddress::from(address)}));
  }
  [[nodiscard]] FourTuple from(const SocketAddress& address) const { return {peer.path().local, address}; }
  /// The IDs that the client issued, its first one not among them.
  [[nodiscard]] std::vector<NewConnectionIdFrame> ids() const { return peer.all<NewConnectionIdFrame>(); }
  [[nodiscard]] std::vector<PathData> challengesTo(const SocketAddress& address) const {
    std::vector<PathData> found;
    for (const HeardPacket& packet : peer.heard) {
      if (packet.path.peer != address || packet.level != k1) continue;
      ByteReader reader(packet.payload);
      while (!reader.atEnd()) {
        const auto frame = parseFrame(reader);
        if (!frame) break;
        if (const auto* challenge = std::get_if<PathChallengeFrame>(&*frame)) found.push_back(challenge->data);
      }
    }
    return found;
  }
  /// As the fork answers: first it retires the ID that it has sent to, then the response, in a packet to the next ID.
  void answer(const SocketAddress& address, const PathData& challenge, const ConnectionId& next) {
    const FrameBytes frames = FrameBytes().add(RetireConnectionIdFrame{0}).add(PathResponseFrame{challenge});
    peer.deliver(peer.seal(k1, frames, {.destinationId = next}), from(address));
  }
  void askSomething() {
    const auto id = peer.end().openStream(true);
    ASSERT_TRUE(id);
    ASSERT_TRUE(peer.end().writeStream(*id, OwnedBytes::copyOf(ByteVector(50)), true));
    peer.poll();
  }

  MisbehavingPeer peer;
  ConnectionId clientId;
};

TEST(OldServers, GetSpareIdsBeforeTheyNeedThemNumberedFromOne) {
  const OldServer server({EXPLICIT});
  const auto ids = server.ids();
  ASSERT_GE(ids.size(), 1u);
  EXPECT_EQ(ids.front().sequence, 1u);
  for (const NewConnectionIdFrame& id : ids) EXPECT_EQ(id.id.size(), server.clientId.size());
}

TEST(OldServers, HearTheAcknowledgmentOfAnAnnouncementAtTheOldAddress) {
  for (const ExplicitProbing probing :
       {ExplicitProbing::Reactive, ExplicitProbing::Proactive, ExplicitProbing::Manual}) {
    OldServer server({EXPLICIT}, probing);
    server.peer.forget();
    const PacketNum number = server.peer.nextNumber(k1);
    server.announce(kNewHome);
    server.peer.advance(30ms);
    EXPECT_TRUE(server.peer.hasAcked(k1, number));
    for (const HeardPacket& packet : server.peer.heard) {
      ByteReader reader(packet.payload);
      const auto first = parseFrame(reader);
      if (first && std::holds_alternative<AckFrame>(*first)) {
        EXPECT_EQ(packet.path.peer, server.peer.path().peer);
      }
    }
  }
}

TEST(OldServers, ThatIssueNoIdsAreFoundWithTheOneThereIs) {
  OldServer server({EXPLICIT});
  server.announce(kNewHome);
  server.peer.advance(30ms);
  const ConnectionId known = server.peer.ownId();
  server.peer.forget();
  server.askSomething();  // and nobody answers
  server.peer.advance(1s);
  ASSERT_FALSE(server.challengesTo(kNewHome).empty());
  for (const HeardPacket& packet : server.peer.heard) EXPECT_EQ(packet.destinationId, known);
}

TEST(OldServers, ThatRetireTheFirstIdAndAnswerToTheNextCompleteTheMove) {
  OldServer server({EXPLICIT});
  const auto ids = server.ids();
  server.announce(kNewHome);
  server.peer.advance(30ms);
  server.askSomething();
  server.peer.advance(1s);
  const auto challenges = server.challengesTo(kNewHome);
  ASSERT_FALSE(challenges.empty());
  server.peer.forget();
  const PacketNum number = server.peer.nextNumber(k1);
  server.answer(kNewHome, challenges.back(), ids.front().id);
  server.peer.advance(30ms);
  EXPECT_EQ(told(server.peer), "announced, probing " + kNewHome.toString() + ", completed " + kNewHome.toString());
  EXPECT_FALSE(server.peer.end().isClosing());
  // Its signal that the move is over is the acknowledgment of that packet, at its new address.
  EXPECT_TRUE(server.peer.hasAcked(k1, number));
  for (const HeardPacket& packet : server.peer.heard) EXPECT_EQ(packet.path.peer, kNewHome);
}

TEST(OldServers, ThatBurnAnIdForEachRepeatedChallengeGetNewOnes) {
  OldServer server({EXPLICIT});
  std::map<uint64_t, ConnectionId> unused;
  for (uint64_t used = 0; used < 40; ++used) {
    for (const NewConnectionIdFrame& fresh : server.ids()) unused.emplace(fresh.sequence, fresh.id);
    server.peer.forget();
    ASSERT_TRUE(unused.contains(used + 1)) << used;
    const FrameBytes frames = FrameBytes().add(RetireConnectionIdFrame{used}).add(PingFrame{});
    server.peer.deliver(server.peer.seal(k1, frames, {.destinationId = unused.at(used + 1)}));
    ASSERT_FALSE(server.peer.end().isClosing()) << used;
    server.peer.useEndId(unused.at(used + 1));
    server.peer.ackEverything(k1);
  }
}

TEST(OldServers, ThatSayNothingFromTheirNewAddressAreFollowedAndThoseThatSayItAreToo) {
  for (const bool says : {false, true}) {
    OldServer server({SYMMETRIC});
    const FrameBytes first = says ? FrameBytes().add(ServerMigratedFrame{}) : FrameBytes().add(PingFrame{});
    server.peer.sendFrom(server.from(kNewHome), first);
    server.peer.advance(30ms);
    EXPECT_EQ(told(server.peer), "detected " + kNewHome.toString());
    EXPECT_FALSE(server.challengesTo(kNewHome).empty());
  }
}

TEST(OldServers, WhoseServerMigratedComesAgainWhenTheClientHasFollowedAreHeardOnce) {
  OldServer server({SYMMETRIC});
  const PacketNum late = server.peer.nextNumber(k1);
  server.peer.send(k1, FrameBytes().add(PingFrame{}), {.number = late + 1});
  server.peer.sendFrom(server.from(kNewHome), FrameBytes().add(PingFrame{}));
  for (const PacketNum number : {late, server.peer.nextNumber(k1)}) {  // a late copy, and one that a probe repeats
    server.peer.deliver(server.peer.seal(k1, FrameBytes().add(ServerMigratedFrame{}), {.number = number}),
                        server.from(kNewHome));
  }
  EXPECT_EQ(told(server.peer), "detected " + kNewHome.toString());
  EXPECT_FALSE(server.peer.end().isClosing());
}

TEST(OldServers, WhoseLateAnnouncementComesAfterTheMoveDoNoHarm) {
  OldServer server({EXPLICIT});
  const auto ids = server.ids();
  server.announce(kNewHome);
  server.peer.advance(30ms);
  server.askSomething();
  server.peer.advance(1s);
  const auto challenges = server.challengesTo(kNewHome);
  ASSERT_FALSE(challenges.empty());
  server.answer(kNewHome, challenges.back(), ids.front().id);
  server.peer.useEndId(ids.front().id);
  server.peer.sendFrom(server.from(kNewHome), FrameBytes().add(ServerMigrationFrame{QuicIPAddress::from(kNewHome)}));
  server.peer.advance(30ms);
  EXPECT_FALSE(server.peer.end().isClosing());
  EXPECT_EQ(server.peer.end().activePath().peer, kNewHome);
}

TEST(OldServers, ThatAreMovingAndNameAVersionThatIsNoneEndTheAttemptAtOnceSoThatAnotherMayFollow) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.clientMigration.protocols = {EXPLICIT};
  MisbehavingPeer peer(settings);
  peer.begin();
  // Version Negotiation (RFC 9000 §17.2.1): first byte, version 0, both IDs, and 0xfaceb00f alone.
  ByteVector packet = fromHex("c0 00000000");
  for (const ConnectionId& id : {peer.endId(), peer.originalDestinationId()}) {
    packet.push_back(static_cast<uint8_t>(id.size()));
    packet.insert(packet.end(), id.bytes().begin(), id.bytes().end());
  }
  const ByteVector version = fromHex("faceb00f");
  packet.insert(packet.end(), version.begin(), version.end());
  peer.deliver(packet);
  peer.advance(1s);
  const auto closed = std::find_if(peer.events.begin(), peer.events.end(), [](const TransportEvent& event) {
    return std::holds_alternative<ConnectionClosed>(event);
  });
  ASSERT_NE(closed, peer.events.end());
  EXPECT_EQ(std::get<ConnectionClosed>(*closed).error.code, QuicErrorCode{LocalErrorCode::VERSION_NEGOTIATION});
}

// ---------------------------------------------------------------- a client of old

/// Our server, and a client that offers everything.
struct OldClient {
  explicit OldClient(Protocols protocols = {EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC})
      : peer(settingsFor(protocols)) {
    peer.connect();
  }
  static PeerSettings settingsFor(Protocols protocols) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.serverMigration = Protocols(0xf);
    settings.parameters.serverMigrationSuite = protocols.bits();
    settings.parameters.activeConnectionIdLimit = 10;
    if (protocols.empty()) settings.parameters.serverMigrationSuite.reset();
    return settings;
  }
  /// Numbers as the fork gives them: the first ID that it issues has that of the handshake's.
  void issueIds(uint8_t count) {
    FrameBytes frames;
    for (uint8_t sequence = 0; sequence < count; ++sequence) {
      const ConnectionId id(ByteVector{7, 7, 7, 7, 7, 7, 7, sequence});
      frames.add(NewConnectionIdFrame{sequence, 0, id, {7, sequence}});
    }
    peer.send(frames);
  }
  void prepare(ServerMigrationProtocol protocol, const std::optional<SocketAddress>& address = std::nullopt) {
    const auto announced = address ? std::optional(QuicIPAddress::from(*address)) : std::nullopt;
    peer.server().onImminentServerMigration(peer.now(), protocol, announced);
    peer.poll();
    peer.ackEverything(k1);
  }
  void moveTo(const SocketAddress& address) {
    peer.server().onNetworkSwitch(peer.now(), address);
    peer.poll();
  }
  [[nodiscard]] FourTuple at(const SocketAddress& address) const { return {address, peer.path().peer}; }

  MisbehavingPeer peer;
};

TEST(OldClients, AreToldHowManyIdsTheyMayIssue) {
  const OldClient client;
  ASSERT_TRUE(client.peer.endParameters());
  EXPECT_GE(client.peer.endParameters()->activeConnectionIdLimit, 2u);
  const ByteVector parameters = encodeTransportParameters(*client.peer.endParameters());
  EXPECT_NE(toHex(parameters).find("0e01"), std::string::npos) << "it is not left to a default";
}

TEST(OldClients, MayGiveTheNumberOfTheFirstIdAwayTwice) {
  OldClient client;
  const auto limit = static_cast<uint8_t>(client.peer.endParameters()->activeConnectionIdLimit);
  client.issueIds(limit - 1);
  EXPECT_TRUE(client.peer.lives());
  client.issueIds(limit - 1);  // sent again, as lost ones are
  EXPECT_TRUE(client.peer.lives());
}

TEST(OldClients, AloneMayDoSo) {
  OldClient stranger{Protocols{}};
  stranger.issueIds(1);
  EXPECT_EQ(nameOfCode(stranger.peer.closeCode()),
            nameOfCode(static_cast<uint64_t>(TransportErrorCode::PROTOCOL_VIOLATION)));
}

TEST(OldClients, AreServedAtTheNewAddressOnAnIdOfTheirs) {
  OldClient client;
  client.issueIds(4);
  client.prepare(EXPLICIT, kNewHome);
  client.peer.forget();
  client.moveTo(kNewHome);
  const PacketNum number = client.peer.nextNumber(k1);
  client.peer.sendFrom(client.at(kNewHome), FrameBytes().add(PingFrame{}));
  client.peer.advance(30ms);
  EXPECT_TRUE(client.peer.hasAcked(k1, number)) << "what shows the server to them";
  for (const HeardPacket& packet : client.peer.heard) {
    EXPECT_EQ(packet.path.local, kNewHome);
    EXPECT_EQ(packet.destinationId.bytes()[0], 7) << "one of those that it issued";
    EXPECT_NE(packet.destinationId.bytes()[7], 0) << "not the one whose number is taken";
  }
}

TEST(OldClients, SendSmallChallengesAndGetAnAnswerFromWhereTheyAskedEachTime) {
  OldClient client;
  client.issueIds(4);
  client.prepare(EXPLICIT, kNewHome);
  client.moveTo(kNewHome);
  for (uint8_t attempt = 1; attempt <= 3; ++attempt) {
    client.peer.forget();
    const PathData data{attempt, 2, 3, 4, 5, 6, 7, 8};
    client.peer.sendFrom(client.at(kNewHome), FrameBytes().add(PathChallengeFrame{data}).add(PingFrame{}));
    const auto responses = client.peer.all<PathResponseFrame>();
    ASSERT_GE(responses.size(), 1u);
    EXPECT_EQ(responses.front().data, data);
    for (const HeardPacket& packet : client.peer.heard) EXPECT_EQ(packet.path.local, kNewHome);
  }
}

TEST(OldClients, HearNothingFromASecondAddressBeforeTheMove) {
  OldClient client;
  client.issueIds(4);
  client.prepare(EXPLICIT, kNewHome);
  client.peer.advance(5s);
  for (const HeardPacket& packet : client.peer.heard) EXPECT_EQ(packet.path.local, client.peer.path().local);
}

TEST(OldClients, HearNoAnnouncementOnceItIsAcknowledged) {
  OldClient client;
  client.prepare(EXPLICIT, kNewHome);
  client.moveTo(kNewHome);
  client.peer.forget();
  client.peer.sendFrom(client.at(kNewHome), FrameBytes().add(PingFrame{}));
  client.peer.advance(10s);
  EXPECT_TRUE(client.peer.all<ServerMigrationFrame>().empty());
}

TEST(OldClients, MoveSynchronouslyOnlyWithServersThatWaitForTheirAcknowledgment) {
  OldClient client;
  client.peer.server().onImminentServerMigration(client.peer.now(), SYNCHRONIZED_SYMMETRIC, std::nullopt);
  client.peer.poll();
  client.moveTo(kNewHome);
  EXPECT_EQ(told(client.peer), "failed INVALID_STATE");
  EXPECT_TRUE(client.peer.all<ServerMigratedFrame>().empty());
}

TEST(OldClients, AreNamedAnAddressOfTheirOwnFamily) {
  OldClient client;
  client.prepare(EXPLICIT, *SocketAddress::parse("[2001:db8::1]:4433"));
  EXPECT_EQ(told(client.peer), "failed INVALID_ADDRESS");
  EXPECT_TRUE(client.peer.all<ServerMigrationFrame>().empty());
}

TEST(OldClients, CompleteByAcknowledgingTheResponse) {
  for (const ServerMigrationProtocol kind : {EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    OldClient client;
    client.issueIds(4);
    client.prepare(kind, kind == EXPLICIT ? std::optional(kNewHome) : std::nullopt);
    client.moveTo(kNewHome);
    const PathData data{1, 2, 3, 4, 5, 6, 7, 8};
    client.peer.sendFrom(client.at(kNewHome), FrameBytes().add(PathChallengeFrame{data}).add(PingFrame{}));
    client.peer.sendFrom(client.at(kNewHome), FrameBytes().ack(0, client.peer.heard.back().number));
    EXPECT_EQ(told(client.peer).substr(0, 16), "ready, completed");
  }
}

}  // namespace
}  // namespace quic::test
