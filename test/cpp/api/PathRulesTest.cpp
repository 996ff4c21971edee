// Addresses, IDs and what is known of a network: the rules of RFC 9000 §5.1, §8.1, §9.4, §9.6, §10.3, §11 that no other test of
// moves looks at. Counted, never timed.
#include <gtest/gtest.h>

#include <set>

#include "cpp/api/EndpointPair.h"
#include "cpp/api/PeerRows.h"
#include "quic/server/ServerConnectionIds.h"

namespace quic::test {
namespace {

template <class Frame>
std::vector<std::pair<Frame, const HeardPacket*>> on(const MisbehavingPeer& peer, const FourTuple& path) {
  std::vector<std::pair<Frame, const HeardPacket*>> found;
  for (const HeardPacket& packet : peer.heard) {
    if (packet.path != path || packet.level != k1) continue;
    ByteReader reader(packet.payload);
    while (!reader.atEnd()) {
      const auto frame = parseFrame(reader);
      if (!frame) break;
      if (const auto* match = std::get_if<Frame>(&*frame)) found.emplace_back(*match, &packet);
    }
  }
  return found;
}

// ---------------------------------------------------------------- connection IDs
/// Every ID that the end ever gave: its peer retires each but the one in use, again and again.
std::vector<ConnectionId> idsGivenBy(Role role, size_t rounds) {
  MisbehavingPeer peer(MisbehavingPeer::against(role));
  peer.connect();
  std::vector<ConnectionId> ids = {peer.endId()};
  uint64_t next = 1;
  for (size_t round = 0; round < rounds; ++round) {
    const auto fresh = peer.all<NewConnectionIdFrame>();
    peer.forget();
    FrameBytes retire;
    for (const NewConnectionIdFrame& frame : fresh) {
      if (frame.sequence < next) continue;
      EXPECT_EQ(frame.sequence, next) << "numbers rise by one";
      next = frame.sequence + 1;
      ids.push_back(frame.id);
      retire.add(RetireConnectionIdFrame{frame.sequence});
    }
    peer.send(retire.add(PingFrame{}));
    peer.ackEverything(k1);
  }
  EXPECT_FALSE(peer.end().isClosing());
  return ids;
}

// covers RFC 9000 §5.1
TEST(IdRules, NoIdIsGivenTwice) {
  for (const Role role : {Role::Client, Role::Server}) {
    const auto ids = idsGivenBy(role, 300);
    EXPECT_GE(ids.size(), 250u);
    EXPECT_EQ(std::set<ConnectionId>(ids.begin(), ids.end()).size(), ids.size());
  }
}

// covers RFC 9000 §5.1: the first byte of a server's says which of its workers it is, the same for all connections there
TEST(IdRules, IdsOfOneConnectionShowNothingThatLinksThem) {
  for (const Role role : {Role::Client, Role::Server}) {
    const auto ids = idsGivenBy(role, 300);
    for (size_t at = role == Role::Server ? 1 : 0; at < ids[0].size(); ++at) {
      std::set<uint8_t> values;
      size_t repeats = 0;
      for (size_t i = 0; i < ids.size(); ++i) {
        values.insert(ids[i].bytes()[at]);
        repeats += i > 0 && ids[i].bytes()[at] == ids[i - 1].bytes()[at] ? 1 : 0;
      }
      EXPECT_GT(values.size(), 150u) << "byte " << at;
      EXPECT_LT(repeats, ids.size() / 20) << "byte " << at;
    }
  }
}

// covers RFC 9000 §10.3.2: a token must not end another connection, of this server or of one that shares its secret
TEST(IdRules, ServersOfOneSecretMakeNoIdTwice) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom first(1);
  SeededRandom second(2);
  ServerConnectionIds one(0, 8, first, *crypto, {7});
  ServerConnectionIds other(0, 8, second, *crypto, {7});
  std::set<ConnectionId> ids;
  std::set<StatelessResetToken> tokens;
  for (int i = 0; i < 5000; ++i) {
    for (ServerConnectionIds* algo : {&one, &other}) {
      const GeneratedConnectionId made = algo->make();
      ids.insert(made.id);
      tokens.insert(made.token);
    }
  }
  EXPECT_EQ(ids.size(), 10000u);
  EXPECT_EQ(tokens.size(), 10000u);
}

// covers RFC 9000 §19.15
TEST(IdRules, ARetirePriorToThatDoesNotGrowIsIgnored) {
  for (const Role role : {Role::Client, Role::Server}) {
    MisbehavingPeer peer(MisbehavingPeer::against(role));
    peer.connect();
    const auto give = [&](uint64_t sequence, uint64_t retirePriorTo) {
      const ConnectionId id(ByteVector{5, 5, 5, 5, 5, 5, 5, static_cast<uint8_t>(sequence)});
      peer.send(FrameBytes().add(NewConnectionIdFrame{sequence, retirePriorTo, id, {static_cast<uint8_t>(sequence)}}));
    };
    give(1, 0);
    give(2, 0);
    give(3, 2);
    peer.ackEverything(k1);
    peer.forget();
    give(4, 1);
    give(5, 0);
    give(6, 2);
    EXPECT_TRUE(peer.lives());
    EXPECT_TRUE(peer.all<RetireConnectionIdFrame>().empty());
  }
}

// covers RFC 9000 §19.7
TEST(IdRules, AClientSendsNoToken) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.connect();
  peer.send(FrameBytes().add(NewTokenFrame{ByteVector(20, 3)}));
  for (uint8_t i = 1; i < 4; ++i) {
    peer.send(FrameBytes().add(NewConnectionIdFrame{i, 0, ConnectionId(ByteVector(8, i)), {i}}));
  }
  auto& end = static_cast<QuicClientTransport&>(peer.end());
  ASSERT_TRUE(end.rebind(peer.now(), SocketAddress::v4({10, 0, 1, 77}, 7777)));
  peer.advance(2s);
  EXPECT_TRUE(peer.all<NewTokenFrame>().empty());
}

// ---------------------------------------------------------------- resets
size_t resetsFor(EndpointPair& pair, const ByteVector& datagram, int copies) {
  const uint64_t before = pair.server.stats().resets;
  for (int i = 0; i < copies; ++i) {
    ByteVector damaged = datagram;
    damaged[damaged.size() - 1 - static_cast<size_t>(i) % 8] ^= static_cast<uint8_t>(1 + i);
    pair.giveServer(damaged);
    pair.takeFromServer();
  }
  return pair.server.stats().resets - before;
}

// covers RFC 9000 §11: while a frame can be sent there is no reset
TEST(ResetRules, AConnectionThatIsKnownIsNotReset) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  pair.advance(100ms);
  const auto stream = pair.client.find(1)->openStream(false);
  ASSERT_TRUE(pair.client.find(1)->writeStream(*stream, OwnedBytes::copyOf(ByteVector(100)), true).hasValue());
  pair.client.touch(1);
  const ByteVector packet = pair.takeFromClient().front().bytes;
  EXPECT_EQ(resetsFor(pair, packet, 100), 0u);
  const ConnectionHandle handle = pair.serverEvents.back().connection;
  pair.server.find(handle)->close(pair.now, ApplicationErrorCode{1}, "");
  pair.server.touch(handle);
  EXPECT_FALSE(pair.takeFromServer().empty()) << "CONNECTION_CLOSE";
  EXPECT_EQ(resetsFor(pair, packet, 100), 0u) << "it is closing, and knows the connection";
  pair.advance(60s);
  ASSERT_EQ(pair.server.connections().size(), 0u);
  EXPECT_GT(resetsFor(pair, packet, 3), 0u) << "now nothing is known any more";
}

// ---------------------------------------------------------------- tokens of NEW_TOKEN
struct LargeHandshakes final : HandshakeFactory {
  std::unique_ptr<HandshakeLayer> makeHandshake() override {
    return std::make_unique<FakeHandshake>(Role::Server, FakeHandshakeOptions{.certificateSize = 9000});
  }
};

// covers RFC 9000 §8.1.4, §8.1
TEST(TokenRules, ATokenOfAnotherAddressDoesNotLiftTheLimit) {
  ServerEndpointSettings settings;
  AddressTokenKey key;
  key.fill(9);
  settings.tokens.keys = {key};
  const auto bytesFor = [&](const SocketAddress& from) {
    EndpointPair pair(settings);
    pair.connect();
    pair.exchange();
    pair.advance(100ms);
    TransportSettings again;
    for (const EndpointEvent& event : pair.clientEvents) {
      if (const auto* token = std::get_if<AddressToken>(&event.event)) again.addressToken = *token;
    }
    EXPECT_FALSE(again.addressToken.bytes.empty());
    LargeHandshakes handshakes;
    QuicServerEndpoint server(settings, *pair.crypto, handshakes, pair.random, 0);
    pair.connect(again);
    ByteVector initial = pair.takeFromClient().front().bytes;
    EXPECT_EQ(server.onDatagram(pair.now, {{kServerAddress, from}, Ecn::NotEct, initial}), std::nullopt);
    size_t sent = 0;
    ByteVector buffer(1 << 16);
    while (const auto transmit = server.pollTransmit(pair.now, buffer)) sent += transmit->size;
    return sent;
  };
  EXPECT_GT(bytesFor(kClientAddress), 9000u);
  EXPECT_LE(bytesFor(SocketAddress::v4({10, 99, 0, 1}, kClientAddress.port())), 3600u);
}

// ---------------------------------------------------------------- what is known of a network
/// A server that has measured 20 ms and opened its window, and whose packets are under way.
struct Measured {
  Measured() : peer(settings()), first(peer.path()) {
    peer.connect();
    peer.send(hex("0a 00 01 61"));
    EXPECT_TRUE(peer.end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(300'000)), false).hasValue());
    for (int i = 0; i < 4; ++i) {
      peer.advance(20ms);
      peer.ackEverything(k1);
    }
    for (uint8_t i = 1; i < 5; ++i) {
      peer.send(FrameBytes().add(NewConnectionIdFrame{i, 0, ConnectionId(ByteVector(8, i)), {i}}));
    }
    EXPECT_GT(peer.end().stats().bytesInFlight, 10'000u);
  }
  static PeerSettings settings() {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.idleTimeout = 120s;
    return settings;
  }
  void ackOldPath(const FourTuple& from) {
    for (const auto& [number, path] : numbers()) {
      if (path == first) peer.sendFrom(from, FrameBytes().ack(number, number));
    }
  }
  std::vector<std::pair<PacketNum, FourTuple>> numbers() const {
    std::vector<std::pair<PacketNum, FourTuple>> found;
    for (const HeardPacket& packet : peer.heard) {
      if (packet.level == k1) found.emplace_back(packet.number, packet.path);
    }
    return found;
  }
  MisbehavingPeer peer;
  FourTuple first;
};

// covers RFC 9000 §9.4
TEST(PathRules, ANewHostBeginsWithNothingKnownAndANewPortWithAll) {
  for (const bool isPortOnly : {true, false}) {
    Measured server;
    const ConnectionStats before = server.peer.end().stats();
    EXPECT_LT(before.smoothedRtt, 50ms);
    server.peer.sendFrom(isPortOnly ? server.peer.pathFrom(6000) : server.peer.pathFrom(6000, 9),
                         FrameBytes().hex("01").padding(1150));
    const ConnectionStats after = server.peer.end().stats();
    if (isPortOnly) {
      EXPECT_EQ(after.smoothedRtt, before.smoothedRtt);
      EXPECT_EQ(after.congestionWindow, before.congestionWindow);
    } else {
      EXPECT_EQ(after.smoothedRtt, kInitialRtt);
      EXPECT_LE(after.congestionWindow, kInitialWindowPackets * after.datagramSize + 3000);
      EXPECT_LT(after.congestionWindow, before.congestionWindow);
    }
  }
}

// covers RFC 9000 §9.4
TEST(PathRules, AcknowledgmentsOfTheOldPathSayNothingAboutTheNewOne) {
  Measured server;
  const FourTuple moved = server.peer.pathFrom(6000, 9);
  server.peer.sendFrom(moved, FrameBytes().hex("01").padding(1150));
  ASSERT_EQ(server.peer.end().activePath(), moved);
  const ConnectionStats before = server.peer.end().stats();
  server.ackOldPath(moved);
  const ConnectionStats after = server.peer.end().stats();
  EXPECT_EQ(after.smoothedRtt, before.smoothedRtt);
  EXPECT_EQ(after.congestionWindow, before.congestionWindow);
  EXPECT_EQ(server.peer.end().activePath(), moved);
  EXPECT_FALSE(server.peer.end().isClosing());
}

// covers RFC 9000 §9.4: no more often than a probe timeout, on a path of which nothing is known that of the initial RTT
TEST(PathRules, ChallengesKeepTheirDistance) {
  for (const bool isPortOnly : {true, false}) {
    Measured server;
    const Duration rtt = server.peer.end().stats().smoothedRtt;
    const FourTuple moved = isPortOnly ? server.peer.pathFrom(6000) : server.peer.pathFrom(6000, 9);
    server.peer.forget();
    for (int i = 0; i < 30; ++i) {
      server.peer.sendFrom(moved, FrameBytes().hex("01").padding(1150));
      server.peer.advance(150ms);
    }
    const auto challenges = on<PathChallengeFrame>(server.peer, moved);
    ASSERT_GE(challenges.size(), 2u);
    const Duration least = isPortOnly ? rtt + kDefaultMaxAckDelay : 3 * kInitialRtt;
    for (size_t i = 1; i < challenges.size(); ++i) {
      EXPECT_GE(challenges[i].second->at - challenges[i - 1].second->at, least) << isPortOnly;
    }
  }
}

// ---------------------------------------------------------------- preferred address
const SocketAddress kPreferred = SocketAddress::v4({10, 0, 0, 200}, 4433);

// covers RFC 9000 §9.6.3, §9.3.1, §9.3.2: somebody else sends to the preferred address what it has overheard
TEST(PathRules, AnotherSourceAtThePreferredAddressIsGuardedAgainst) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.preferredV4 = kPreferred;
  settings.end.idleTimeout = 120s;
  MisbehavingPeer peer(settings);
  peer.connect();
  for (uint8_t i = 1; i < 5; ++i) {
    peer.send(FrameBytes().add(NewConnectionIdFrame{i, 0, ConnectionId(ByteVector(8, i)), {i}}));
  }
  peer.send(hex("0a 00 01 61"));
  peer.ackEverything(k1);
  peer.forget();
  const FourTuple forged{kPreferred, SocketAddress::v4({10, 66, 0, 1}, 6666)};
  PacketOptions options;
  options.destinationId = peer.endParameters()->preferredAddress->id;
  const ByteVector packet = peer.seal(k1, FrameBytes().hex("01").padding(300), options);
  peer.deliver(packet, forged);
  ASSERT_TRUE(peer.end().writeStream(StreamId{0}, OwnedBytes::copyOf(ByteVector(100'000)), true).hasValue());
  EXPECT_EQ(on<PathChallengeFrame>(peer, forged).size(), 1u) << "it is asked";
  EXPECT_TRUE(on<StreamFrame>(peer, forged).empty()) << "and given nothing";
  for (int i = 0; i < 20; ++i) {
    peer.advance(500ms);
    peer.ackEverything(k1);
  }
  EXPECT_LE(peer.bytesTo[forged.peer], 3 * packet.size());
  EXPECT_EQ(peer.end().activePath(), peer.path());
  EXPECT_TRUE(peer.lives());
}

// covers RFC 9000 §9.6.2
TEST(PathRules, APreferredAddressIsForItsConnectionAlone) {
  ServerEndpointSettings settings;
  settings.transport.preferredV4 = kPreferred;
  EndpointPair pair(settings);
  pair.connect();
  bool hasProbed = false;
  for (int round = 0; round < 20; ++round) {
    for (WireDatagram& datagram : pair.takeFromClient()) {
      hasProbed |= datagram.path.peer == kPreferred;
      pair.giveServer(datagram.bytes);
    }
    for (WireDatagram& datagram : pair.takeFromServer()) pair.giveClient(datagram.bytes);
  }
  EXPECT_TRUE(hasProbed);
  EXPECT_EQ(pair.client.find(1)->activePath().peer, kPreferred);
  pair.connect();
  for (const WireDatagram& datagram : pair.takeFromClient()) {
    EXPECT_EQ(datagram.path.peer, kServerAddress) << "the next connection goes where it is told";
  }
}

}  // namespace
}  // namespace quic::test
