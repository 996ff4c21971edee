// The server's endpoint: routing, accepting, answering without a connection, and what floods of first packets leave behind.
#include "quic/server/QuicServerEndpoint.h"

#include <gtest/gtest.h>

#include <set>

#include "cpp/api/EndpointPair.h"
#include "quic/api/QuicPacketBuilder.h"
#include "quic/api/QuicReadCodec.h"

namespace quic::test {
namespace {

/// An Initial of a client that is made by hand.
struct Initial {
  ConnectionId destination{fromHex("0102030405060708")};
  ConnectionId source{fromHex("a1a2a3a4")};
  bool hasHello = true;
  size_t size = 1200;

  [[nodiscard]] ByteVector seal(const CryptoFactory& crypto) const {
    const PacketProtection keys = crypto.initialProtection(kQuicVersion1, destination.bytes()).client;
    ByteVector datagram(size);
    auto builder = QuicPacketBuilder::begin(datagram, {EncryptionLevel::Initial, kQuicVersion1, destination, source}, 0,
                                            std::nullopt);
    if (!builder) return {};
    TransportParameters parameters = MisbehavingPeer::usualParameters();
    parameters.initialSourceConnectionId = source;
    const ByteVector hello = fakeMessage(hasHello ? FakeMessage::ClientHello : FakeMessage::KeyUpdate,
                                         encodeTransportParameters(parameters));
    writeFrame(builder->frames(), CryptoFrame{0, hello});
    builder->padTo(size);
    datagram.resize(builder->seal(keys));
    return datagram;
  }
};

ConnectionId numbered(uint64_t number) {
  ByteVector bytes(8);
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(number >> 8 * i);
  return ConnectionId(bytes);
}

/// The code of a CONNECTION_CLOSE in an Initial packet of the server.
std::optional<uint64_t> closeCodeOf(const CryptoFactory& crypto, const ConnectionId& destination, ByteVector datagram) {
  const PacketProtection keys = crypto.initialProtection(kQuicVersion1, destination.bytes()).server;
  MutableByteSpan rest(datagram);
  const auto packet = nextPacket(rest, 0);
  if (!packet || packet->type != PacketType::Initial) return std::nullopt;
  const auto opened = openPacket({keys, AckTracker()}, *packet);
  if (!opened) return std::nullopt;
  ByteReader reader(opened->payload);
  while (!reader.atEnd()) {
    const auto frame = parseFrame(reader);
    if (!frame) return std::nullopt;
    if (const auto* close = std::get_if<ConnectionCloseFrame>(&*frame)) return close->errorCode;
  }
  return std::nullopt;
}

ByteVector longHeader(std::string_view hex, size_t size = 1200) {
  ByteVector bytes = fromHex(hex);
  bytes.resize(size);
  return bytes;
}

// ---------------------------------------------------------------- answers without a connection
// P03. covers RFC 9000 §6.1, §17.2.1
TEST(QuicServerEndpoint, AnswersAnUnknownVersionWithItsOwn) {
  ServerEndpointSettings settings;
  settings.transport.versions = {kQuicVersion2, kQuicVersion1};
  EndpointPair pair(settings);
  pair.giveServer(longHeader("c0 1a2a3a4a 08 0102030405060708 04 a1a2a3a4"));
  const auto answers = pair.takeFromServer();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].path.peer, kClientAddress);
  ByteVector bytes = answers[0].bytes;
  MutableByteSpan rest(bytes);
  const auto packet = nextPacket(rest, 0);
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->type, PacketType::VersionNegotiation);
  EXPECT_EQ(packet->destinationId, ConnectionId(fromHex("a1a2a3a4")));
  EXPECT_EQ(packet->sourceId, ConnectionId(fromHex("0102030405060708")));
  ASSERT_EQ(packet->supportedVersions.size(), 12u);
  int reserved = 0;
  std::set<uint64_t> offered;
  for (ByteReader reader(packet->supportedVersions); !reader.atEnd();) {
    const uint64_t version = reader.readBigEndian(4).value_or(0);
    reserved += isReservedVersion(static_cast<uint32_t>(version)) ? 1 : 0;
    EXPECT_NE(version, 0x1a2a3a4au) << "that would look like an answer to something else";
    offered.insert(version);
  }
  EXPECT_EQ(reserved, 1) << "RFC 9000 §6.3";
  EXPECT_TRUE(offered.contains(kQuicVersion1) && offered.contains(kQuicVersion2));
  EXPECT_EQ(pair.server.connections().size(), 0u);
}

TEST(QuicServerEndpoint, MirrorsTheLongestIdsOfAnUnknownVersionAndStaysSmaller) {
  EndpointPair pair;
  const std::string id = toHex(ByteVector(255, 7));
  pair.giveServer(longHeader("c0 1a2a3a4a ff" + id + "ff" + id));
  const auto answers = pair.takeFromServer();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_LT(answers[0].bytes.size(), 1200u);
}

struct SilentRow {
  const char* id;
  ByteVector datagram;
};

TEST(QuicServerEndpoint, IsSilentTowardsWhatItCannotAcceptAndKeepsNothing) {
  EndpointPair pair;
  Initial shortId;
  shortId.destination = ConnectionId(fromHex("01020304050607"));
  Initial small;
  small.size = 1199;
  ByteVector damaged = Initial().seal(*pair.crypto);
  damaged[600] ^= 1;
  const SilentRow rows[] = {
      {"P02: a 7-byte destination", shortId.seal(*pair.crypto)},
      {"P07: a 21-byte destination", longHeader("c0 00000001 15 " + toHex(ByteVector(21)) + "00")},
      {"P17: a token past the end", longHeader("c0 00000001 08 0102030405060708 00 7fff")},
      {"P18: a Length past the end", longHeader("c0 00000001 08 0102030405060708 00 00 7fff")},
      {"P19: a Length too small", longHeader("c0 00000001 08 0102030405060708 00 00 13 00")},
      {"an Initial that is too small", small.seal(*pair.crypto)},
      {"an Initial that is damaged", damaged},
      {"a Handshake packet", longHeader("e0 00000001 08 0102030405060708 00 4400")},
      {"a 0-RTT packet", longHeader("d0 00000001 08 0102030405060708 00 4400")},
      {"a Retry packet", longHeader("f0 00000001 08 0102030405060708 00 4400")},
      {"an Initial without the fixed bit", longHeader("80 00000001 08 0102030405060708 00 00 4400")},
      {"a version negotiation packet", longHeader("c0 00000000 08 0102030405060708 00 00000001")},
      {"an unknown version that is too small", longHeader("c0 1a2a3a4a 08 0102030405060708 00", 1199)},
      {"a short packet that is too small to be reset", longHeader("40 00", 21)},
      {"one byte", {0x40}},
      {"P20: nothing", {}},
  };
  for (const SilentRow& row : rows) {
    pair.giveServer(row.datagram);
    EXPECT_TRUE(pair.takeFromServer().empty()) << row.id;
    EXPECT_EQ(pair.server.connections().size(), 0u) << row.id;
    EXPECT_EQ(pair.server.nextTimeout(), std::nullopt) << row.id;
  }
  EXPECT_EQ(pair.server.stats().accepted, 0u);
}

// X50. covers RFC 9000 §5.2.2
TEST(QuicServerEndpoint, RefusesWhatIsBeyondItsCapacity) {
  const auto refusal = [](ServerEndpointSettings settings, bool refuses) {
    EndpointPair pair(settings);
    pair.server.refuseNewConnections(refuses);
    Initial initial;
    initial.destination = numbered(1);
    pair.giveServer(initial.seal(*pair.crypto));
    pair.takeFromServer();
    initial.destination = numbered(2);
    pair.giveServer(initial.seal(*pair.crypto));
    const auto answers = pair.takeFromServer();
    return answers.empty() ? std::nullopt : closeCodeOf(*pair.crypto, initial.destination, answers.front().bytes);
  };
  const auto refused = static_cast<uint64_t>(TransportErrorCode::CONNECTION_REFUSED);
  ServerEndpointSettings settings;
  EXPECT_EQ(refusal(settings, false), std::nullopt);
  EXPECT_EQ(refusal(settings, true), refused);
  settings.maxHandshakes = 1;
  EXPECT_EQ(refusal(settings, false), refused);
  settings = {};
  settings.maxConnections = 1;
  EXPECT_EQ(refusal(settings, false), refused);
}

TEST(QuicServerEndpoint, ARefusalDoesNotHurtThoseItKnows) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  pair.server.refuseNewConnections(true);
  const auto stream = pair.client.find(1)->openStream(false);
  ASSERT_TRUE(stream.hasValue());
  ASSERT_TRUE(pair.client.find(1)->writeStream(*stream, OwnedBytes::copyOf(ByteVector(10)), true).hasValue());
  pair.client.touch(1);
  pair.exchange();
  EXPECT_GE(EndpointPair::count<StreamEvent>(pair.serverEvents), 1u);
}

TEST(QuicServerEndpoint, ASourceThatComesTooOftenIsRefusedUntilItSlowsDown) {
  ServerEndpointSettings settings;
  settings.retry.mode = RetryMode::Never;
  settings.handshakesPerSource = {10, 5};
  EndpointPair pair(settings);
  const auto knock = [&](uint64_t number, const SocketAddress& from) {
    Initial initial;
    initial.destination = numbered(number);
    pair.giveServer(initial.seal(*pair.crypto), from);
    pair.takeFromServer();
  };
  for (uint64_t i = 0; i < 20; ++i) knock(i, kClientAddress.withPort(static_cast<uint16_t>(i)));
  EXPECT_EQ(pair.server.stats().accepted, 5u);
  EXPECT_EQ(pair.server.stats().refused, 15u);
  knock(100, SocketAddress::v4({10, 44, 0, 1}, 1));
  EXPECT_EQ(pair.server.stats().accepted, 6u) << "others come in";
  pair.now += 100ms;
  knock(101, kClientAddress);
  EXPECT_EQ(pair.server.stats().accepted, 7u);
}

TEST(QuicServerEndpoint, ASourceThatComesTooOftenProvesItsAddressBeforeItIsRefused) {
  ServerEndpointSettings settings;
  settings.handshakesPerSource = {10, 1};
  EndpointPair pair(settings);
  pair.connect();
  pair.exchange();
  pair.connect();
  for (const WireDatagram& datagram : pair.takeFromClient()) pair.giveServer(datagram.bytes);
  EXPECT_EQ(pair.server.stats().retries, 1u) << "who knows whether it was the source that sent it";
  EXPECT_EQ(pair.server.stats().refused, 0u);
  pair.exchange();
  EXPECT_EQ(pair.server.stats().refused, 1u);
}

TEST(QuicServerEndpoint, AShutdownRefusesWhatIsNewAndLetsTheRestFinish) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  Initial initial;
  pair.giveServer(initial.seal(*pair.crypto), kClientAddress.withPort(7));
  pair.takeFromServer();
  ASSERT_EQ(pair.server.connections().size(), 2u);
  pair.server.beginShutdown(pair.now);
  const auto answers = pair.takeFromServer();
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(answers.front().path.peer.port(), 7) << "the one that was still shaking hands";
  initial.destination = numbered(3);
  pair.giveServer(initial.seal(*pair.crypto), kClientAddress.withPort(8));
  EXPECT_EQ(closeCodeOf(*pair.crypto, initial.destination, pair.takeFromServer().front().bytes),
            static_cast<uint64_t>(TransportErrorCode::CONNECTION_REFUSED));
  const auto stream = pair.client.find(1)->openStream(false);
  ASSERT_TRUE(stream.hasValue());
  ASSERT_TRUE(pair.client.find(1)->writeStream(*stream, OwnedBytes::copyOf(ByteVector(10)), true).hasValue());
  pair.client.touch(1);
  pair.exchange();
  EXPECT_GE(EndpointPair::count<StreamEvent>(pair.serverEvents), 1u);
  pair.client.find(1)->close(pair.now, ApplicationErrorCode{0}, "");
  pair.client.touch(1);
  pair.exchange();
  pair.advance(10s);
  EXPECT_EQ(pair.server.connections().size(), 0u);
}

// ---------------------------------------------------------------- floods
// T-10 (CVE-2026-14456), T-17: IDs that a peer chooses are kept in ordered maps, no hash to collide
TEST(QuicServerEndpoint, AFloodOfDistinctInitialsIsBounded) {
  ServerEndpointSettings settings;
  settings.maxHandshakes = 50;
  settings.maxStatelessReplies = 10;
  EndpointPair pair(settings);
  for (uint64_t i = 0; i < 20000; ++i) {
    Initial initial;
    initial.destination = numbered(i << 32);
    pair.giveServer(initial.seal(*pair.crypto));
    ASSERT_LE(pair.server.connections().size(), 50u);
  }
  EXPECT_EQ(pair.handshakes.made, 50u);
  EXPECT_LE(pair.takeFromServer().size(), 50u * 3 + 10);
  EXPECT_EQ(pair.server.stats().refused, 20000u - 50);
  pair.advance(15s);
  EXPECT_EQ(pair.server.connections().size(), 0u) << "half-open ones do not last";
  EXPECT_EQ(pair.server.nextTimeout(), std::nullopt);
  pair.connect();
  pair.exchange();
  EXPECT_EQ(EndpointPair::count<HandshakeConfirmed>(pair.serverEvents), 1u);
}

// T-09 (CVE-2025-54939)
TEST(QuicServerEndpoint, InitialsWithJunkBehindThemLeaveNothing) {
  EndpointPair pair;
  Seeded random(1);
  for (uint64_t i = 0; i < 2000; ++i) {
    Initial initial;
    initial.destination = numbered(i);
    initial.size = 1200 + i % 50;
    ByteVector datagram = initial.seal(*pair.crypto);
    const ByteVector junk = randomBytes(random, 1 + below(random, 300));
    datagram.insert(datagram.end(), junk.begin(), junk.end());
    pair.giveServer(datagram);
    pair.takeFromServer();
  }
  pair.advance(15s);
  EXPECT_EQ(pair.server.connections().size(), 0u);
  EXPECT_EQ(pair.server.nextTimeout(), std::nullopt);
}

TEST(QuicServerEndpoint, AFloodOfJunkMakesNoConnection) {
  EndpointPair pair;
  Seeded random(2);
  for (int i = 0; i < 2000; ++i) {
    ByteVector datagram = longHeader("c0 00000001 08 0000000000000000 04 a1a2a3a4 00 449a");
    for (size_t at = 6; at < 14; ++at) datagram[at] = static_cast<uint8_t>(random());
    pair.giveServer(datagram);
    ASSERT_EQ(pair.server.connections().size(), 0u);
  }
  EXPECT_TRUE(pair.takeFromServer().empty());
  EXPECT_EQ(pair.handshakes.made, 0u) << "junk costs no TLS engine";
}

// covers RFC 9000 §10.2.1: the closing state answers, it does not begin anew
TEST(QuicServerEndpoint, AFailedHandshakeCountsUntilItIsGoneAndItsCopiesMakeNoOther) {
  ServerEndpointSettings settings;
  settings.maxHandshakes = 1;
  EndpointPair pair(settings);
  Initial bad;
  bad.hasHello = false;
  const ByteVector datagram = bad.seal(*pair.crypto);
  pair.giveServer(datagram);
  auto answers = pair.takeFromServer();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(closeCodeOf(*pair.crypto, bad.destination, answers[0].bytes), 0x10au);
  for (int i = 0; i < 10; ++i) pair.giveServer(datagram);
  answers = pair.takeFromServer();
  EXPECT_GE(answers.size(), 1u);
  EXPECT_EQ(pair.handshakes.made, 1u);
  EXPECT_EQ(pair.server.connections().size(), 1u);
  pair.advance(10s);
  EXPECT_EQ(pair.server.connections().size(), 0u);
  pair.giveServer(datagram);
  EXPECT_EQ(pair.handshakes.made, 2u);
}

TEST(QuicServerEndpoint, ALateCopyOfTheFirstInitialMakesNoSecondConnection) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  ASSERT_EQ(EndpointPair::count<HandshakeConfirmed>(pair.serverEvents), 1u);
  pair.giveServer(pair.carried.front().bytes);
  EXPECT_EQ(pair.server.connections().size(), 1u);
  EXPECT_TRUE(pair.takeFromServer().empty());
}

// ---------------------------------------------------------------- routing
TEST(QuicServerEndpoint, HandsPacketsOfAnotherWorkerOver) {
  EndpointPair pair({}, 2);
  pair.giveServer(longHeader("40 03 01020304050607", 100));
  EXPECT_EQ(pair.forwarded, 3);
  pair.giveServer(longHeader("40 02 01020304050607", 100));
  EXPECT_EQ(pair.forwarded, std::nullopt);
  pair.giveServer(longHeader("e0 00000001 08 0301020304050607 00 4400"));
  EXPECT_EQ(pair.forwarded, 3) << "a Handshake packet carries an ID of ours";
  Initial initial;
  initial.destination = ConnectionId(fromHex("0301020304050607"));
  pair.giveServer(initial.seal(*pair.crypto));
  EXPECT_EQ(pair.forwarded, std::nullopt) << "an Initial's destination is the client's invention";
  EXPECT_EQ(pair.server.connections().size(), 1u);
}

TEST(QuicServerEndpoint, ResetsWhatNamesAWorkerThatThereIsNoLonger) {
  ServerEndpointSettings settings;
  settings.workers = 3;
  EndpointPair pair(settings, 0);
  pair.giveServer(longHeader("40 02 01020304050607", 100));
  EXPECT_EQ(pair.forwarded, 2);
  pair.giveServer(longHeader("40 03 01020304050607", 100));
  EXPECT_EQ(pair.forwarded, std::nullopt);
  EXPECT_EQ(pair.server.stats().resets, 1u) << "this server had more workers before it was restarted";
}

TEST(QuicServerEndpoint, HandlesCarryTheWorker) {
  EndpointPair pair({}, 7);
  pair.connect();
  pair.exchange();
  ASSERT_FALSE(pair.serverEvents.empty());
  EXPECT_EQ(workerOf(pair.serverEvents.front().connection), 7);
  EXPECT_NE(pair.server.find(pair.serverEvents.front().connection), nullptr);
}

TEST(QuicServerEndpoint, RoutesHundredConnectionsApartAndForgetsThemAll) {
  EndpointPair pair;
  for (int i = 0; i < 100; ++i) pair.connect();
  pair.exchange();
  EXPECT_EQ(EndpointPair::count<HandshakeConfirmed>(pair.serverEvents), 100u);
  EXPECT_EQ(EndpointPair::count<HandshakeConfirmed>(pair.clientEvents), 100u);
  for (ConnectionHandle handle = 1; handle <= 100; ++handle) {
    pair.client.find(handle)->close(pair.now, ApplicationErrorCode{0}, "bye");
    pair.client.touch(handle);
  }
  pair.exchange();
  pair.advance(10s);
  EXPECT_EQ(pair.server.connections().size(), 0u);
  EXPECT_EQ(pair.client.connections().size(), 0u);
  EXPECT_EQ(EndpointPair::count<ConnectionClosed>(pair.serverEvents), 100u);
  EXPECT_EQ(pair.server.nextTimeout(), std::nullopt);
  EXPECT_EQ(pair.client.nextTimeout(), std::nullopt);
}

}  // namespace
}  // namespace quic::test
