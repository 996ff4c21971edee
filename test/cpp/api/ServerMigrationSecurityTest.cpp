// What a moving server, or somebody who plays one, can make a client do: to whom it sends how much, what it listens to, and what
// outsiders can link. RFC 9000 §8.2, §9.3, §9.5, §10.3, §21.5.
#include <gtest/gtest.h>

#include "cpp/api/MovePair.h"
#include "quic/codec/FrameTraits.h"

namespace quic::test {
namespace {

using enum ServerMigrationProtocol;

const SocketAddress kSecond = SocketAddress::v4({10, 0, 0, 2}, 4433);
const SocketAddress kThirdPlace = SocketAddress::v4({10, 0, 0, 3}, 4433);
const SocketAddress kStranger = SocketAddress::v4({10, 0, 66, 6}, 666);

struct Kind {
  const char* name;
  ServerMigrationProtocol protocol;
  ExplicitProbing probing = ExplicitProbing::Reactive;
};
const std::vector<Kind> kKinds = {{"reactive", EXPLICIT},
                                  {"proactive", EXPLICIT, ExplicitProbing::Proactive},
                                  {"pool", POOL_OF_ADDRESSES},
                                  {"symmetric", SYMMETRIC},
                                  {"synchronized", SYNCHRONIZED_SYMMETRIC}};

/// A client against somebody who knows its keys.
struct Client {
  explicit Client(const Kind& kind, const std::function<void(TransportSettings&)>& adjust = {})
      : peer(settings(kind, adjust)), first(peer.path()) {
    peer.connect();
    FrameBytes ids;
    for (uint8_t i = 1; i <= 4; ++i) {
      ids.add(NewConnectionIdFrame{i, 0, ConnectionId(ByteVector{8, 8, 8, 8, 8, 8, 8, i}), {i}});
    }
    peer.send(ids);
    peer.ackEverything(EncryptionLevel::OneRtt);
    peer.forget();
  }
  static PeerSettings settings(const Kind& kind, const std::function<void(TransportSettings&)>& adjust) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    settings.end.clientMigration.protocols = {kind.protocol};
    settings.end.clientMigration.explicitProbing = kind.probing;
    settings.parameters.serverMigrationSuite = static_cast<uint64_t>(kind.protocol);
    if (adjust) adjust(settings.end);
    return settings;
  }
  void announce(ServerMigrationProtocol protocol, const SocketAddress& address) {
    const QuicIPAddress named = QuicIPAddress::from(address);
    if (protocol == EXPLICIT) peer.send(FrameBytes().add(ServerMigrationFrame{named}));
    if (protocol == POOL_OF_ADDRESSES) peer.send(FrameBytes().add(PoolMigrationAddressFrame{named}));
    if (protocol == SYNCHRONIZED_SYMMETRIC) peer.send(FrameBytes().add(ServerMigrationFrame{}));
  }
  /// A stream with more to say than fits anywhere.
  void speak(size_t size = 20000) {
    const auto stream = peer.end().openStream(false);
    ASSERT_TRUE(stream.hasValue());
    ASSERT_TRUE(peer.end().writeStream(*stream, OwnedBytes::copyOf(ByteVector(size, 7)), true).hasValue());
    peer.poll();
  }
  [[nodiscard]] FourTuple from(const SocketAddress& address) const { return {first.local, address}; }
  [[nodiscard]] std::vector<const HeardPacket*> towards(const SocketAddress& address) const {
    std::vector<const HeardPacket*> found;
    for (const HeardPacket& packet : peer.heard) {
      if (packet.path.peer == address) found.push_back(&packet);
    }
    return found;
  }
  [[nodiscard]] const TransportEvent* closed() const {
    for (const TransportEvent& event : peer.events) {
      if (std::holds_alternative<ConnectionClosed>(event)) return &event;
    }
    return nullptr;
  }

  MisbehavingPeer peer;
  FourTuple first;
};

template <class Frame>
std::vector<Frame> framesOf(const HeardPacket& packet) {
  std::vector<Frame> found;
  ByteReader reader(packet.payload);
  while (!reader.atEnd()) {
    const auto frame = parseFrame(reader);
    if (!frame) break;
    if (const auto* match = std::get_if<Frame>(&*frame)) found.push_back(*match);
  }
  return found;
}

// covers RFC 9000 §8.2.1, §21.5; SM-83. BUG 22, 26
TEST(MigrationSecurity, WhatGoesToAnUnprovenAddressIsAPaddedChallengeAndNoData) {
  for (const Kind& kind : kKinds) {
    if (kind.protocol != EXPLICIT && kind.protocol != POOL_OF_ADDRESSES) continue;
    Client client(kind);
    client.announce(kind.protocol, kSecond);
    client.speak();
    client.peer.advance(2s);
    const auto probes = client.towards(kSecond);
    ASSERT_GE(probes.size(), 2u) << kind.name;
    for (const HeardPacket* probe : probes) {
      EXPECT_GE(probe->datagramSize, kMinUdpPayloadSize) << kind.name;
      EXPECT_EQ(framesOf<PathChallengeFrame>(*probe).size(), 1u) << kind.name;
      EXPECT_TRUE(framesOf<StreamFrame>(*probe).empty()) << kind.name;
      EXPECT_TRUE(framesOf<DatagramFrame>(*probe).empty()) << kind.name;
    }
    EXPECT_LE(probes.size(), 25u) << kind.name << ": few, however long nobody answers";
  }
}

// BUG 10, 11: each has data of its own, and one lost answer is nothing
TEST(MigrationSecurity, EveryChallengeIsFreshAndALateAnswerToTheLastOnesCounts) {
  Client client({"reactive", EXPLICIT});
  client.announce(EXPLICIT, kSecond);
  client.speak();
  client.peer.advance(1s);
  std::set<PathData> seen;
  PathData last{};
  for (const HeardPacket* probe : client.towards(kSecond)) {
    for (const PathChallengeFrame& frame : framesOf<PathChallengeFrame>(*probe)) {
      EXPECT_TRUE(seen.insert(frame.data).second);
      last = frame.data;
    }
  }
  ASSERT_GE(seen.size(), 2u);
  client.peer.sendFrom(client.from(kSecond), FrameBytes().add(PathResponseFrame{last}));
  EXPECT_EQ(client.peer.end().activePath().peer, kSecond);
  EXPECT_FALSE(client.towards(kSecond).empty());
}

// covers RFC 9000 §8.1, §9.3; SM-41: whoever forges a source address gains nothing by the client
TEST(MigrationSecurity, ASymmetricClientSendsThreeTimesWhatItReceivedUntilTheAddressIsProven) {
  for (const Kind& kind : kKinds) {
    if (kind.protocol != SYMMETRIC && kind.protocol != SYNCHRONIZED_SYMMETRIC) continue;
    for (const size_t size : {1, 40, 300, 1200}) {
      Client client(kind);
      client.announce(kind.protocol, kSecond);
      const ByteVector datagram =
          client.peer.seal(EncryptionLevel::OneRtt, FrameBytes().add(PingFrame{}).padding(size));
      const uint64_t received = datagram.size();
      client.peer.deliver(datagram, client.from(kSecond));
      client.speak();
      client.peer.advance(2s);
      EXPECT_GT(client.peer.bytesTo[kSecond], 0u) << kind.name << " " << size;
      EXPECT_LE(client.peer.bytesTo[kSecond], 3 * received) << kind.name << " " << size;
    }
  }
}

TEST(MigrationSecurity, ASymmetricClientIsFreeOnceTheAddressIsProven) {
  Client client({"symmetric", SYMMETRIC});
  client.peer.sendFrom(client.from(kSecond), FrameBytes().add(ServerMigratedFrame{}).padding(40));
  client.speak();
  client.peer.advance(1ms);
  std::optional<PathData> asked;
  for (const HeardPacket* probe : client.towards(kSecond)) {
    for (const PathChallengeFrame& frame : framesOf<PathChallengeFrame>(*probe)) asked = frame.data;
  }
  ASSERT_TRUE(asked.has_value()) << "a short word leaves room for a short question";
  client.peer.sendFrom(client.from(kSecond), FrameBytes().add(PathResponseFrame{*asked}));
  client.peer.advance(100ms);
  EXPECT_GT(client.peer.bytesTo[kSecond], 8000u);
}

// SM-56: so that the first request need not wait for a round trip
TEST(MigrationSecurity, ASymmetricServersFirstWordLeavesRoomForAFullChallenge) {
  MovePair pair(MovePair::serverSpeaking({SYMMETRIC}));
  pair.begin(MovePair::clientSpeaking({SYMMETRIC}));
  pair.prepare(SYMMETRIC);
  pair.moveTo(kSecond);
  pair.sent.clear();
  pair.runFor(11ms);
  size_t words = 0;
  size_t challenges = 0;
  for (const SentDatagram& datagram : pair.sent) {
    if (datagram.path.local == kSecond && datagram.bytes.size() >= kMinUdpPayloadSize) ++words;
    if (datagram.toServer && datagram.path.peer == kSecond && datagram.bytes.size() >= kMinUdpPayloadSize) ++challenges;
  }
  EXPECT_GE(words, 1u);
  EXPECT_GE(challenges, 1u);
}

// covers RFC 9000 §9; SM-06, SM-81. BUG 21
TEST(MigrationSecurity, PacketsFromUnlistedAddressesAreDroppedUnlessASymmetricKindIsUsed) {
  for (const Kind& kind : kKinds) {
    Client client(kind);
    const bool follows = kind.protocol == SYMMETRIC;
    if (kind.protocol != SYNCHRONIZED_SYMMETRIC) client.announce(kind.protocol, kSecond);
    const uint64_t dropped = client.peer.end().stats().packetsDropped;
    const PacketNum number = client.peer.nextNumber(EncryptionLevel::OneRtt);
    client.peer.sendFrom(client.from(kStranger), FrameBytes().add(PingFrame{}));
    client.peer.advance(100ms);
    EXPECT_EQ(client.peer.hasAcked(EncryptionLevel::OneRtt, number), follows) << kind.name;
    EXPECT_EQ(client.peer.end().stats().packetsDropped > dropped, !follows) << kind.name;
    EXPECT_FALSE(client.peer.end().isClosing()) << kind.name;
    EXPECT_EQ(client.towards(kStranger).empty(), !follows) << kind.name;
  }
}

// covers SM-10; RFC 9000 §21.5. BUG 22
TEST(MigrationSecurity, WhatTheAddressPolicyRefusesIsNeverSentTo) {
  for (const char* refused : {"127.0.0.1:22", "169.254.1.1:80", "224.0.0.1:5353", "255.255.255.255:9"}) {
    const SocketAddress address = *SocketAddress::parse(refused);
    for (const Kind& kind : kKinds) {
      Client client(kind);
      client.announce(kind.protocol, address);
      client.peer.deliver(client.peer.seal(EncryptionLevel::OneRtt, FrameBytes().add(PingFrame{})),
                          client.from(address));
      if (!client.peer.end().isClosing()) client.speak();
      client.peer.advance(1s);
      EXPECT_TRUE(client.towards(address).empty()) << kind.name << " " << refused;
      if (kind.protocol != EXPLICIT) continue;
      const TransportEvent* closed = client.closed();
      ASSERT_NE(closed, nullptr) << refused;
      EXPECT_EQ(std::get<ConnectionClosed>(*closed).error.code,
                QuicErrorCode(LocalErrorCode::MIGRATION_ADDRESS_REFUSED));
    }
  }
}

// covers SM-33. BUG 28
TEST(MigrationSecurity, AFloodOfAnnouncementsLeavesAFewEventsAndAFewAddresses) {
  Client pool({"pool", POOL_OF_ADDRESSES});
  for (int i = 0; i < 3000; ++i) {
    pool.announce(POOL_OF_ADDRESSES,
                  SocketAddress::v4({10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}, 1));
  }
  EXPECT_LE(pool.peer.count<MigrationEvent>(), kMaxPoolAddresses);
  EXPECT_FALSE(pool.peer.end().isClosing());
  Client announced({"reactive", EXPLICIT});
  for (int i = 0; i < 3000; ++i) announced.announce(EXPLICIT, kSecond);
  EXPECT_EQ(announced.peer.count<MigrationEvent>(), 1u);
  EXPECT_FALSE(announced.peer.end().isClosing());
}

// ---------------------------------------------------------------- stampedes
std::vector<Duration> delaysOfFirstProbes(Duration probeDelay, ServerMigrationProtocol protocol) {
  std::vector<Duration> delays;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<SocketAddress> pool = {kSecond, kThirdPlace};
    MovePair pair(MovePair::serverSpeaking({protocol}, protocol == POOL_OF_ADDRESSES ? pool : decltype(pool){}));
    pair.random = SeededRandom(seed + 100);
    TransportSettings settings = MovePair::clientSpeaking({protocol});
    settings.clientMigration.probeDelay = probeDelay;
    pair.begin(settings);
    pair.prepare(protocol, protocol == EXPLICIT ? std::optional(kSecond) : std::nullopt);
    pair.runFor(200ms);
    pair.isServerUp = false;
    pair.sent.clear();
    const TimePoint asked = pair.now;
    pair.request();
    pair.runFor(3s);
    for (const SentDatagram& datagram : pair.sent) {
      if (datagram.path.peer == kServerAddress) continue;
      delays.push_back(datagram.at - asked);
      break;
    }
    pair.moveTo(kSecond);
    pair.runFor(5s);
    EXPECT_EQ(pair.follower().activePath().peer, kSecond);
    EXPECT_TRUE(pair.isAllAnswered());
  }
  std::sort(delays.begin(), delays.end());
  return delays;
}

// covers SM-89
TEST(MigrationSecurity, TheFirstProbeOfASearchWaitsForARandomTime) {
  for (const ServerMigrationProtocol protocol : {EXPLICIT, POOL_OF_ADDRESSES}) {
    const auto atOnce = delaysOfFirstProbes(0ms, protocol);
    const auto spread = delaysOfFirstProbes(1s, protocol);
    ASSERT_EQ(atOnce.size(), 20u);
    ASSERT_EQ(spread.size(), 20u);
    EXPECT_LT(atOnce.back() - atOnce.front(), 20ms);
    EXPECT_GT(spread.back() - spread.front(), 500ms);
    EXPECT_GE(spread.front(), atOnce.front());
    EXPECT_LE(spread.back(), atOnce.back() + 1s);
    const auto early =
        std::count_if(spread.begin(), spread.end(), [&](Duration d) { return d < atOnce.front() + 500ms; });
    EXPECT_GT(early, 3);
    EXPECT_LT(early, 17);
  }
}

// A client whose server is back in time does not probe at all.
TEST(MigrationSecurity, AFalseAlarmCallsADelayedProbeOff) {
  MovePair pair(MovePair::serverSpeaking({EXPLICIT}));
  TransportSettings settings = MovePair::clientSpeaking({EXPLICIT});
  settings.clientMigration.probeDelay = 30s;
  pair.begin(settings);
  pair.prepare(EXPLICIT, kSecond);
  pair.runFor(200ms);
  pair.isServerUp = false;
  pair.request();
  pair.runFor(200ms);
  pair.isServerUp = true;
  pair.runFor(50s);
  EXPECT_TRUE(pair.isAllAnswered());
  for (const SentDatagram& datagram : pair.sent) EXPECT_NE(datagram.path.peer, kSecond);
}

// ---------------------------------------------------------------- linkability
std::set<ByteVector> idsOn(const MovePair& pair, const SocketAddress& serversAddress, bool toServer) {
  std::set<ByteVector> ids;
  for (const SentDatagram& datagram : pair.sent) {
    const SocketAddress& servers = toServer ? datagram.path.peer : datagram.path.local;
    if (datagram.toServer != toServer || servers != serversAddress || (datagram.bytes[0] & 0x80) != 0) continue;
    const ConnectionId id = datagram.destinationId();
    ids.insert(ByteVector(id.bytes().begin(), id.bytes().end()));
  }
  return ids;
}

// covers RFC 9000 §9.5. BUG 23
TEST(MigrationSecurity, BothEndsUseFreshIdsOnEveryNewPath) {
  for (const Kind& kind : kKinds) {
    const std::vector<SocketAddress> pool = {kServerAddress, kSecond, kThirdPlace};
    MovePair pair(
        MovePair::serverSpeaking({kind.protocol}, kind.protocol == POOL_OF_ADDRESSES ? pool : decltype(pool){}));
    pair.begin(MovePair::clientSpeaking({kind.protocol}, kind.probing));
    pair.request(20'000);
    pair.runFor(1s);
    for (const SocketAddress& place : {kSecond, kThirdPlace}) {
      pair.request(20'000);
      pair.migrate(kind.protocol, place);
    }
    for (const bool toServer : {false, true}) {
      const auto first = idsOn(pair, kServerAddress, toServer);
      const auto second = idsOn(pair, kSecond, toServer);
      const auto third = idsOn(pair, kThirdPlace, toServer);
      EXPECT_FALSE(second.empty());
      EXPECT_FALSE(third.empty());
      std::set<ByteVector> all = first;
      all.insert(second.begin(), second.end());
      all.insert(third.begin(), third.end());
      EXPECT_EQ(all.size(), first.size() + second.size() + third.size())
          << kind.name << (toServer ? ": of the server" : ": of the client");
    }
  }
}

// BUG 3, 4, 15, 24: however often it moves
TEST(MigrationSecurity, IdsNeverRunOut) {
  for (const Kind& kind : kKinds) {
    MovePair pair(
        MovePair::serverSpeaking({kind.protocol}, kind.protocol == POOL_OF_ADDRESSES
                                                      ? std::vector<SocketAddress>{kServerAddress, kSecond, kThirdPlace}
                                                      : std::vector<SocketAddress>{}));
    pair.begin(MovePair::clientSpeaking({kind.protocol}, kind.probing));
    for (int i = 0; i < 30; ++i) {
      const SocketAddress place = i % 2 == 0 ? kSecond : kThirdPlace;
      const size_t before = idsOn(pair, place, false).size();
      pair.request(300);
      pair.migrate(kind.protocol, place);
      ASSERT_EQ(pair.follower().activePath().peer, place) << kind.name << " " << i;
      EXPECT_GT(idsOn(pair, place, false).size(), before) << kind.name << " " << i;
    }
    EXPECT_TRUE(pair.isAllAnswered()) << kind.name;
  }
}

// covers RFC 9000 §10.3. BUG 27: a server that has lost its state at the new address is understood
TEST(MigrationSecurity, AResetFromTheNewAddressIsUnderstood) {
  ServerEndpointSettings settings = MovePair::serverSpeaking({SYMMETRIC});
  settings.resetSecret = {7};
  MovePair pair(settings);
  pair.begin(MovePair::clientSpeaking({SYMMETRIC}));
  pair.migrate(SYMMETRIC, kSecond);
  ASSERT_EQ(pair.follower().activePath().peer, kSecond);
  QuicServerEndpoint reborn(settings, *pair.crypto, pair.handshakes, pair.random, 0);
  pair.isServerUp = false;
  pair.sent.clear();
  pair.request();
  pair.pump();
  ASSERT_FALSE(pair.sent.empty());
  ByteVector bytes = pair.sent.back().bytes;
  (void)reborn.onDatagram(pair.now, {{kSecond, kClientAddress}, Ecn::NotEct, bytes});
  ByteVector buffer(1 << 16);
  const auto reset = reborn.pollTransmit(pair.now, buffer);
  ASSERT_TRUE(reset.has_value());
  ByteVector answer(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(reset->size));
  pair.client.onDatagram(pair.now, {{kClientAddress, kSecond}, Ecn::NotEct, answer});
  pair.pump();
  ASSERT_GE(EndpointPair::count<ConnectionClosed>(pair.clientEvents), 1u);
  for (const EndpointEvent& event : pair.clientEvents) {
    if (const auto* closed = std::get_if<ConnectionClosed>(&event.event)) {
      EXPECT_EQ(closed->error.code, QuicErrorCode(LocalErrorCode::STATELESS_RESET));
    }
  }
}

}  // namespace
}  // namespace quic::test
