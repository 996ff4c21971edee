// What ends write into the headers of their packets, and which headers they believe: RFC 9000 §5.1, §5.2, §12.2, §12.3, §17.
// What a whole handshake puts on the wire is looked at between two real ends; what is believed is tried with a peer that
// writes anything.
#include <gtest/gtest.h>

#include <set>

#include "cpp/api/EndpointPair.h"
#include "cpp/api/PeerRows.h"
#include "quic/api/HandshakeDriver.h"
#include "quic/api/QuicConnectionState.h"
#include "quic/api/QuicPacketBuilder.h"
#include "quic/api/StatelessPackets.h"
#include "quic/api/TransmitDriver.h"

namespace quic::test {
namespace {

std::vector<ProtectedPacket> packetsOf(MutableByteSpan datagram) {
  std::vector<ProtectedPacket> packets;
  while (!datagram.empty()) {
    const auto packet = nextPacket(datagram, 8);
    if (!packet) break;
    packets.push_back(*packet);
  }
  return packets;
}

/// Every datagram of a handshake, with a stream there and back.
struct Conversation {
  explicit Conversation(const ServerEndpointSettings& settings = {}) : pair(settings) {
    pair.connect();
    exchange();
    const auto stream = pair.client.find(1)->openStream(false);
    EXPECT_TRUE(pair.client.find(1)->writeStream(*stream, OwnedBytes::copyOf(ByteVector(5000)), true).hasValue());
    pair.client.touch(1);
    exchange();
    EXPECT_TRUE(pair.client.find(1)->isHandshakeConfirmed());
  }
  void exchange() {
    for (int idle = 0, round = 0; idle < 2 && round < 1000; ++round) {
      const bool isClient = round % 2 == 0;
      const auto datagrams = isClient ? pair.takeFromClient() : pair.takeFromServer();
      idle = datagrams.empty() ? idle + 1 : 0;
      for (const WireDatagram& datagram : datagrams) {
        (isClient ? fromClient : fromServer).push_back(datagram.bytes);
        isClient ? pair.giveServer(datagram.bytes) : pair.giveClient(datagram.bytes);
      }
    }
  }
  EndpointPair pair;
  std::vector<ByteVector> fromClient;
  std::vector<ByteVector> fromServer;
};

// covers RFC 9000 §12.2
TEST(HeaderRules, PacketsOfOneDatagramHaveOneDestination) {
  for (const RetryMode mode : {RetryMode::Never, RetryMode::Always}) {
    ServerEndpointSettings settings;
    settings.retry.mode = mode;
    Conversation talk(settings);
    size_t coalesced = 0;
    for (auto* datagrams : {&talk.fromClient, &talk.fromServer}) {
      for (ByteVector& datagram : *datagrams) {
        const auto packets = packetsOf(datagram);
        coalesced += packets.size() > 1 ? 1 : 0;
        for (const ProtectedPacket& packet : packets) EXPECT_EQ(packet.destinationId, packets[0].destinationId);
      }
    }
    EXPECT_GE(coalesced, 2u);
  }
}

// covers RFC 9000 §5.1, §19.15, §18.2: every end can be told apart by its ID
TEST(HeaderRules, NoEndGivesItselfAnEmptyId) {
  ServerEndpointSettings settings;
  for (const size_t size : {0u, 1u, 8u, 20u}) {
    settings.transport.connectionIdSize = size;
    EndpointPair pair(settings);
    QuicClientEndpoint client(*pair.crypto, pair.random, size);
    client.connect(pair.now, 1, {kClientAddress, kServerAddress}, {}, std::make_unique<FakeHandshake>(Role::Client));
    ByteVector buffer(1 << 16);
    const auto transmit = client.pollTransmit(pair.now, buffer);
    ASSERT_TRUE(transmit.has_value());
    ByteVector initial(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(transmit->size));
    EXPECT_GE(packetsOf(initial).at(0).sourceId.size(), 4u) << size;
    pair.giveServer(initial);
    for (WireDatagram& answer : pair.takeFromServer()) {
      EXPECT_GE(packetsOf(answer.bytes).at(0).sourceId.size(), 4u) << size;
    }
  }
}

// covers RFC 9000 §7.2: the server's destination is the source of the first Initial, whatever comes after it
TEST(HeaderRules, AServerAnswersTheFirstSourceId) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.begin();
  PacketOptions other;
  other.sourceId = ConnectionId(hex("0102030405060708"));
  peer.send(kI, hex("01"), other);
  peer.advance(1s);
  ASSERT_FALSE(peer.heard.empty());
  for (const HeardPacket& packet : peer.heard) EXPECT_EQ(packet.destinationId, peer.ownId());
}

// ---------------------------------------------------------------- versions and bits
ByteVector initialOf(const MisbehavingPeer& peer, Role writer, uint32_t version) {
  const auto crypto = makeOpenSslCryptoFactory();
  InitialProtection keys = crypto->initialProtection(kQuicVersion1, peer.originalDestinationId().bytes());
  ByteVector datagram(1200);
  auto builder =
      QuicPacketBuilder::begin(datagram, {kI, version, peer.endId(), peer.ownId(), false, {}}, 100, std::nullopt);
  writeFrame(builder->frames(), PingFrame{});
  builder->padTo(1200);
  datagram.resize(builder->seal(writer == Role::Client ? keys.client : keys.server));
  return datagram;
}

// covers RFC 9000 §5.2.1
TEST(HeaderRules, PacketsOfAnotherVersionAreDiscarded) {
  for (const Role role : {Role::Client, Role::Server}) {
    MisbehavingPeer peer(MisbehavingPeer::against(role));
    peer.begin();
    const uint64_t before = peer.end().stats().packetsReceived;
    const Role writer = role == Role::Client ? Role::Server : Role::Client;
    for (const uint32_t version : {0x1a2a3a4au, 2u, 0xff00001du}) peer.deliver(initialOf(peer, writer, version));
    EXPECT_EQ(peer.end().stats().packetsReceived, before);
    EXPECT_FALSE(peer.end().isClosing());
    peer.deliver(initialOf(peer, writer, kQuicVersion1));
    EXPECT_EQ(peer.end().stats().packetsReceived, before + 1) << "it was the version";
  }
}

// covers RFC 9000 §17.2
TEST(HeaderRules, LongHeadersWithoutTheFixedBitAreDiscarded) {
  PacketOptions without;
  without.clearBits = 0x40;
  for (const Role role : {Role::Client, Role::Server}) {
    for (const EncryptionLevel level : {kI, kH}) {
      PeerSettings settings = MisbehavingPeer::against(role);
      settings.end.greaseQuicBit = false;
      MisbehavingPeer peer(settings);
      peer.begin();
      if (level == kH) peer.reachHandshakeLevel();
      const uint64_t before = peer.end().stats().packetsReceived;
      peer.send(level, hex("01"), without);
      EXPECT_EQ(peer.end().stats().packetsReceived, before);
      EXPECT_FALSE(peer.end().isClosing());
      peer.send(level, hex("01"));
      EXPECT_EQ(peer.end().stats().packetsReceived, before + 1);
    }
  }
}

// ---------------------------------------------------------------- Retry
// covers RFC 9000 §17.2.5
TEST(HeaderRules, TheUnusedBitsOfARetryMeanNothing) {
  const auto crypto = makeOpenSslCryptoFactory();
  const ConnectionId source(hex("1122334455667788"));
  for (uint8_t bits = 0; bits < 16; ++bits) {
    MisbehavingPeer peer(MisbehavingPeer::againstClient());
    peer.begin();
    ByteVector packet(200);
    ByteWriter writer(packet);
    const ByteVector token(10, 7);
    writeRetryWithoutTag(writer, {PacketType::Retry, kQuicVersion1, peer.endId(), source, token}, bits);
    packet.resize(writer.offset());
    EXPECT_EQ(packet[0] & 0x0f, bits);
    const auto tag = crypto->retryIntegrityTag(kQuicVersion1, peer.originalDestinationId().bytes(), packet);
    packet.insert(packet.end(), tag.begin(), tag.end());
    peer.rekeyInitial(source);
    peer.deliver(packet);
    ASSERT_EQ(peer.heard.size(), 2u);
    EXPECT_EQ(peer.heard.back().token, token) << int{bits};
  }
}

// covers RFC 9000 §17.2.5.2, §17.2.5.1
TEST(HeaderRules, AClientKeepsItsSourceIdAfterARetry) {
  ServerEndpointSettings settings;
  settings.retry.mode = RetryMode::Always;
  Conversation talk(settings);
  EXPECT_EQ(talk.pair.server.stats().retries, 1u);
  std::set<ConnectionId> sources;
  for (ByteVector& datagram : talk.fromClient) {
    for (const ProtectedPacket& packet : packetsOf(datagram)) {
      if (packet.type != PacketType::OneRtt) sources.insert(packet.sourceId);
    }
  }
  EXPECT_EQ(sources.size(), 1u);
}

// covers RFC 9000 §17.2.5.1: however many Initials a datagram has
TEST(HeaderRules, OneDatagramGetsOneRetry) {
  ServerEndpointSettings settings;
  settings.retry.mode = RetryMode::Always;
  EndpointPair pair(settings);
  pair.connect();
  const ByteVector initial = pair.takeFromClient().front().bytes;
  ByteVector twice = initial;
  twice.insert(twice.end(), initial.begin(), initial.end());
  pair.giveServer(twice);
  EXPECT_EQ(pair.takeFromServer().size(), 1u);
  EXPECT_EQ(pair.server.stats().retries, 1u);
}

// covers RFC 9000 §8.1.3: it is for the attempt under way alone
TEST(HeaderRules, ATokenOfARetryIsNotHandedOnForLater) {
  ServerEndpointSettings settings;
  settings.retry.mode = RetryMode::Always;
  Conversation talk(settings);
  ByteVector ofRetry;
  for (ByteVector& datagram : talk.fromServer) {
    for (const ProtectedPacket& packet : packetsOf(datagram)) {
      if (packet.type == PacketType::Retry) ofRetry.assign(packet.token.begin(), packet.token.end());
    }
  }
  ASSERT_FALSE(ofRetry.empty());
  for (const EndpointEvent& event : talk.pair.clientEvents) {
    const auto* token = std::get_if<AddressToken>(&event.event);
    if (token != nullptr) {
      EXPECT_NE(token->bytes, ofRetry);
    }
  }
  talk.pair.connect();
  ByteVector next = talk.pair.takeFromClient().front().bytes;
  EXPECT_TRUE(packetsOf(next).at(0).token.empty()) << "the next connection has none";
}

// ---------------------------------------------------------------- packet numbers and acknowledgments
// covers RFC 9000 §12.2: each packet of a datagram for itself
TEST(HeaderRules, CoalescedPacketsAreAcknowledgedEach) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  PacketOptions initial;
  initial.number = 7;
  PacketOptions handshake;
  handshake.number = 11;
  ByteVector datagram = peer.seal(kI, FrameBytes().ack(0, 0).raw(peer.helloFrames()), initial);
  const ByteVector broken = peer.seal(kH, hex("01"), PacketOptions{.number = 10, .breakTag = true});
  const ByteVector good = peer.seal(kH, peer.encryptedFrames(), handshake);
  datagram.insert(datagram.end(), broken.begin(), broken.end());
  datagram.insert(datagram.end(), good.begin(), good.end());
  datagram.resize(1200);
  peer.deliver(datagram);
  peer.advance(100ms);
  EXPECT_TRUE(peer.hasAcked(kI, 7));
  EXPECT_TRUE(peer.hasAcked(kH, 11));
  EXPECT_FALSE(peer.hasAcked(kH, 10)) << "what does not open is not acknowledged, and keeps nothing else from it";
}

// covers RFC 9000 §13.2.6, §17.2.3: numbers of one space are acknowledged in it and nowhere else
TEST(HeaderRules, AcknowledgmentsStayInTheirSpace) {
  for (const Role role : {Role::Client, Role::Server}) {
    MisbehavingPeer peer(MisbehavingPeer::against(role));
    peer.begin();
    PacketOptions options;
    options.number = 100;
    peer.send(kI, hex("01"), options);
    peer.reachHandshakeLevel();
    options.number = 200;
    peer.send(kH, hex("01"), options);
    peer.advance(10ms);
    peer.connect();
    options.number = 300;
    peer.send(k1, hex("01 01"), options);
    peer.advance(100ms);
    EXPECT_TRUE(peer.hasAcked(k1, 300));
    for (const AckFrame& ack : peer.all<AckFrame>(kI)) EXPECT_LT(ack.largest, 200u);
    for (const AckFrame& ack : peer.all<AckFrame>(kH)) EXPECT_LT(ack.largest, 300u);
    for (const PacketNum number : {100u, 200u}) EXPECT_FALSE(peer.hasAcked(k1, number));
  }
}

// covers RFC 9000 §12.3
TEST(HeaderRules, WhoHasUsedUpItsPacketNumbersEndsWithoutAWord) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  RandomConnectionIds ids(random, 8);
  for (const PacketNum left : {0u, 1u, 3u}) {
    QuicConnectionState state(Role::Client, {}, {*crypto, random, ids}, {kClientAddress, kServerAddress}, true);
    state.now = TimePoint{1h};
    state.handshake.tls = std::make_unique<FakeHandshake>(Role::Client);
    state.handshake.originalDestinationId = ConnectionId(hex("0102030405060708"));
    state.peerIds.setFirst(state.handshake.originalDestinationId);
    state.paths.active().destination = state.peerIds.all().front();
    state.settings.aeadLimits = AeadLimits{.confidentiality = ~uint64_t{0}, .integrity = ~uint64_t{0}};
    installInitialKeys(state);
    startClientHandshake(state);
    PacketSpace& space = state.space(PacketNumberSpace::Initial);
    space.nextNumber = kMaxVarint - left;
    ByteVector buffer(1 << 16);
    size_t sent = 0;
    for (int i = 0; i < 10; ++i) {
      space.probesToSend = 1;
      sent += pollTransmit(state, buffer).has_value() ? 1 : 0;
    }
    EXPECT_EQ(sent, left);
    EXPECT_TRUE(std::holds_alternative<life::Closed>(state.life));
    EXPECT_EQ(space.nextNumber, kMaxVarint);
  }
}

}  // namespace
}  // namespace quic::test
