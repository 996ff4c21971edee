// A server that asks for proof of an address: Retry without state, tokens good and bad, and what a validated client may have.
// Rows R of the project's security cases §3.1.
#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"
#include "quic/api/QuicPacketBuilder.h"
#include "quic/api/QuicReadCodec.h"

namespace quic::test {
namespace {

ServerEndpointSettings with(RetryMode mode) {
  ServerEndpointSettings settings;
  settings.retry.mode = mode;
  return settings;
}

/// A server that answers every first Initial with a Retry, a client that has heard it, and what the client says then.
struct AfterRetry {
  explicit AfterRetry(const ServerEndpointSettings& settings = with(RetryMode::Always)) : pair(settings) {
    pair.connect();
    const auto initials = pair.takeFromClient();
    original = idsOf(initials.front().bytes).destinationId;
    pair.giveServer(initials.front().bytes);
    const auto answers = pair.takeFromServer();
    retry = answers.empty() ? ByteVector() : answers.front().bytes;
    for (const WireDatagram& answer : answers) pair.giveClient(answer.bytes);
    const auto again = pair.takeFromClient();
    second = again.empty() ? ByteVector() : again.front().bytes;
  }
  static ProtectedPacket idsOf(ByteVector bytes) {
    MutableByteSpan rest(bytes);
    return nextPacket(rest, 8).value_or(ProtectedPacket{});
  }
  EndpointPair pair;
  ConnectionId original;
  ByteVector retry;
  ByteVector second;
};

std::optional<uint64_t> closeCodeOf(const CryptoFactory& crypto, const ConnectionId& keyedBy, ByteVector datagram) {
  const PacketProtection keys = crypto.initialProtection(kQuicVersion1, keyedBy.bytes()).server;
  MutableByteSpan rest(datagram);
  const auto packet = nextPacket(rest, 0);
  if (!packet || packet->type != PacketType::Initial) return std::nullopt;
  const auto opened = openPacket({keys, AckTracker()}, *packet);
  if (!opened) return std::nullopt;
  ByteReader reader(opened->payload);
  const auto frame = parseFrame(reader);
  const auto* close = frame ? std::get_if<ConnectionCloseFrame>(&*frame) : nullptr;
  return close == nullptr ? std::nullopt : std::optional(close->errorCode);
}
constexpr auto kInvalidToken = static_cast<uint64_t>(TransportErrorCode::INVALID_TOKEN);

// R01. covers RFC 9000 §17.2.5.1; RFC 9001 §5.8
TEST(ServerRetry, ItsPacketIsAsItMustBeAndLeavesNothingBehind) {
  EndpointPair pair(with(RetryMode::Always));
  pair.connect();
  const auto initials = pair.takeFromClient();
  ByteVector first = initials.front().bytes;
  const ProtectedPacket asked = AfterRetry::idsOf(first);
  pair.giveServer(first);
  EXPECT_EQ(pair.server.connections().size(), 0u);
  EXPECT_EQ(pair.server.nextTimeout(), std::nullopt);
  EXPECT_EQ(pair.handshakes.made, 0u);
  const auto answers = pair.takeFromServer();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_LT(answers[0].bytes.size(), first.size());
  ByteVector bytes = answers[0].bytes;
  MutableByteSpan rest(bytes);
  const auto packet = nextPacket(rest, 0);
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->type, PacketType::Retry);
  EXPECT_EQ(packet->version, kQuicVersion1);
  EXPECT_EQ(packet->destinationId, asked.sourceId);
  EXPECT_NE(packet->sourceId, asked.destinationId);
  EXPECT_FALSE(packet->token.empty());
  const auto tag = pair.crypto->retryIntegrityTag(kQuicVersion1, asked.destinationId.bytes(),
                                                  ByteSpan(bytes).first(bytes.size() - 16));
  EXPECT_TRUE(sameBytes(packet->retryIntegrityTag, ByteVector(tag.begin(), tag.end())));
}

// R02, R06. covers RFC 9000 §7.3, §8.1.2
TEST(ServerRetry, TheHandshakeCompletesAfterOneRetry) {
  EndpointPair pair(with(RetryMode::Always));
  pair.connect();
  pair.exchange();
  pair.advance(100ms);
  EXPECT_TRUE(pair.client.find(1)->isHandshakeConfirmed());
  EXPECT_EQ(pair.server.stats().retries, 1u);
  EXPECT_EQ(pair.server.stats().accepted, 1u);
  EXPECT_EQ(pair.server.connections().size(), 1u);
}

TEST(ServerRetry, ShortConnectionIdsOfOursMayKeyInitials) {
  ServerEndpointSettings settings = with(RetryMode::Always);
  settings.transport.connectionIdSize = 4;
  settings.connectionIds.key = ConnectionIdKey{1};
  EndpointPair pair(settings);
  pair.connect();
  const std::vector<WireDatagram> initial = pair.takeFromClient();
  pair.giveServer(initial.at(0).bytes);
  const std::vector<WireDatagram> retry = pair.takeFromServer();
  ASSERT_EQ(retry.size(), 1u);
  ByteVector bytes = retry[0].bytes;
  MutableByteSpan rest(bytes);
  const auto packet = nextPacket(rest, 0);
  ASSERT_TRUE(packet && packet->type == PacketType::Retry);
  ASSERT_LT(packet->sourceId.size(), kMinInitialDestinationConnectionIdSize);
  pair.giveClient(retry[0].bytes);
  pair.exchange();
  EXPECT_TRUE(pair.client.find(1)->isHandshakeConfirmed());
}

// covers RFC 9000 §8.1: a validated client is not limited to three times what it sent
TEST(ServerRetry, LiftsTheAmplificationLimitAtOnce) {
  struct LargeHandshakes final : HandshakeFactory {
    std::unique_ptr<HandshakeLayer> makeHandshake() override {
      return std::make_unique<FakeHandshake>(Role::Server, FakeHandshakeOptions{.certificateSize = 8000});
    }
  };
  const auto bytesAfterOneInitial = [](RetryMode mode) {
    EndpointPair pair;
    LargeHandshakes handshakes;
    QuicServerEndpoint server(with(mode), *pair.crypto, handshakes, pair.random, 0);
    const auto feed = [&](ByteVector bytes) {
      EXPECT_EQ(server.onDatagram(pair.now, {{kServerAddress, kClientAddress}, Ecn::NotEct, bytes}), std::nullopt);
      std::vector<ByteVector> sent;
      ByteVector buffer(1 << 16);
      while (const auto transmit = server.pollTransmit(pair.now, buffer)) {
        sent.emplace_back(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(transmit->size));
      }
      return sent;
    };
    pair.connect();
    auto answers = feed(pair.takeFromClient().front().bytes);
    if (mode == RetryMode::Always) {
      pair.giveClient(answers.front());
      answers = feed(pair.takeFromClient().front().bytes);
    }
    size_t total = 0;
    for (const ByteVector& answer : answers) total += answer.size();
    return total;
  };
  EXPECT_LE(bytesAfterOneInitial(RetryMode::Never), 3600u);
  EXPECT_GT(bytesAfterOneInitial(RetryMode::Always), 8000u);
}

// R04. covers RFC 9000 §8.1.2, §8.1.4
TEST(ServerRetry, ARetryTokenFromAnotherPortIsRefused) {
  AfterRetry after;
  ASSERT_FALSE(after.second.empty());
  after.pair.giveServer(after.second, kClientAddress.withPort(5001));
  const auto answers = after.pair.takeFromServer();
  ASSERT_EQ(answers.size(), 1u);
  const ConnectionId keyedBy = AfterRetry::idsOf(after.second).destinationId;
  EXPECT_EQ(closeCodeOf(*after.pair.crypto, keyedBy, answers[0].bytes), kInvalidToken);
  EXPECT_EQ(after.pair.server.connections().size(), 0u) << "no closing period: there is nothing to close";
  EXPECT_EQ(after.pair.server.stats().invalidTokens, 1u);
  after.pair.giveServer(after.second);
  EXPECT_EQ(after.pair.server.connections().size(), 1u) << "its owner is not hurt";
}

TEST(ServerRetry, ALateRetryTokenIsRefusedAndTheClientHearsIt) {
  AfterRetry after;
  after.pair.now += 11s;
  after.pair.giveServer(after.second);
  for (const WireDatagram& answer : after.pair.takeFromServer()) after.pair.giveClient(answer.bytes);
  after.pair.takeFromClient();
  ASSERT_FALSE(after.pair.clientEvents.empty());
  const auto* closed = std::get_if<ConnectionClosed>(&after.pair.clientEvents.back().event);
  ASSERT_NE(closed, nullptr);
  EXPECT_EQ(std::get<TransportErrorCode>(closed->error.code), TransportErrorCode::INVALID_TOKEN);
}

/// An Initial made by hand.
ByteVector sealInitial(const CryptoFactory& crypto, const ConnectionId& destination, const ConnectionId& source,
                       ByteSpan token) {
  const PacketProtection keys = crypto.initialProtection(kQuicVersion1, destination.bytes()).client;
  ByteVector datagram(1200);
  auto builder = QuicPacketBuilder::begin(
      datagram, {EncryptionLevel::Initial, kQuicVersion1, destination, source, false, token}, 0, std::nullopt);
  TransportParameters parameters = MisbehavingPeer::usualParameters();
  parameters.initialSourceConnectionId = source;
  const ByteVector hello = fakeMessage(FakeMessage::ClientHello, encodeTransportParameters(parameters));
  writeFrame(builder->frames(), CryptoFrame{0, hello});
  builder->padTo(1200);
  datagram.resize(builder->seal(keys));
  return datagram;
}

// R05. covers RFC 9000 §8.1.2
TEST(ServerRetry, ARetryTokenWithAnotherDestinationIsRefused) {
  AfterRetry after;
  const ConnectionId source = AfterRetry::idsOf(after.second).sourceId;
  ByteVector copy = after.second;
  MutableByteSpan rest(copy);
  const auto packet = nextPacket(rest, 8);
  const ByteVector token(packet->token.begin(), packet->token.end());
  for (const ConnectionId& destination : {after.original, ConnectionId(fromHex("0908070605040302"))}) {
    after.pair.giveServer(sealInitial(*after.pair.crypto, destination, source, token));
    const auto answers = after.pair.takeFromServer();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(closeCodeOf(*after.pair.crypto, destination, answers[0].bytes), kInvalidToken);
  }
  EXPECT_EQ(after.pair.server.connections().size(), 0u);
}

// covers RFC 9000 §8.1.2: of an Initial packet that is otherwise valid
TEST(ServerRetry, ATokenThatWasDamagedOnTheWayIsNotAnswered) {
  AfterRetry after;
  ByteVector damaged = after.second;
  damaged[40] ^= 1;  // within the token
  after.pair.giveServer(damaged);
  EXPECT_TRUE(after.pair.takeFromServer().empty());
  EXPECT_EQ(after.pair.server.connections().size(), 0u);
  after.pair.giveServer(after.second);
  EXPECT_EQ(after.pair.server.connections().size(), 1u);
}

TEST(ServerRetry, CopiesOfBothFirstInitialsMakeOneConnection) {
  AfterRetry after;
  after.pair.giveServer(after.second);
  after.pair.giveServer(after.second);
  EXPECT_EQ(after.pair.server.connections().size(), 1u);
  after.pair.exchange();
  EXPECT_TRUE(after.pair.client.find(1)->isHandshakeConfirmed());
  after.pair.giveServer(after.second);
  EXPECT_EQ(after.pair.server.connections().size(), 1u);
}

// covers RFC 9000 §17.2.5.1
TEST(ServerRetry, OneDatagramBringsOneRetry) {
  EndpointPair pair(with(RetryMode::Always));
  const ConnectionId destination(fromHex("0908070605040302"));
  ByteVector datagram = sealInitial(*pair.crypto, destination, ConnectionId(fromHex("a1a2")), {});
  const ByteVector again = datagram;
  datagram.insert(datagram.end(), again.begin(), again.end());
  pair.giveServer(datagram);
  EXPECT_EQ(pair.takeFromServer().size(), 1u);
}

// T-37. covers RFC 9000 §8.1.3: an unknown token is as none
TEST(ServerRetry, TokensOfNobodyAreAsNone) {
  for (const RetryMode mode : {RetryMode::Never, RetryMode::Always}) {
    EndpointPair pair(with(mode));
    Seeded random(5);
    for (uint64_t i = 0; i < 200; ++i) {
      ByteVector token = randomBytes(random, 1 + below(random, 300));
      if (token[0] == 1) token[0] = 77;
      const ConnectionId destination{ByteSpan(randomBytes(random, 8))};
      pair.giveServer(sealInitial(*pair.crypto, destination, ConnectionId(fromHex("a1a2")), token));
    }
    EXPECT_EQ(pair.server.stats().invalidTokens, 0u);
    EXPECT_EQ(pair.server.connections().size(), mode == RetryMode::Never ? 200u : 0u);
  }
}

// T-19. covers RFC 9000 §8.1.2
TEST(ServerRetry, UnderLoadEverybodyProvesAnAddressFirst) {
  ServerEndpointSettings settings = with(RetryMode::UnderLoad);
  settings.retry.halfOpen = 5;
  EndpointPair pair(settings);
  for (uint8_t i = 0; i < 50; ++i) {
    const ConnectionId destination(ByteVector{i, 1, 2, 3, 4, 5, 6, 7});
    pair.giveServer(sealInitial(*pair.crypto, destination, ConnectionId(fromHex("a1a2")), {}),
                    SocketAddress::v4({10, 7, 0, i}, 1000));
    pair.takeFromServer();
  }
  EXPECT_EQ(pair.server.connections().size(), 5u);
  EXPECT_EQ(pair.server.stats().retries, 45u);
  pair.connect();
  pair.exchange();
  EXPECT_TRUE(pair.client.find(1)->isHandshakeConfirmed()) << "a client that is really there comes in";
  EXPECT_EQ(pair.server.stats().retries, 46u);
}

TEST(ServerRetry, ASourceWithTooManyHandshakesProvesItsAddressAloneFirst) {
  ServerEndpointSettings settings = with(RetryMode::UnderLoad);
  settings.retry.halfOpenPerSource = 3;
  EndpointPair pair(settings);
  for (uint8_t i = 0; i < 10; ++i) {
    const ConnectionId destination(ByteVector{i, 1, 2, 3, 4, 5, 6, 7});
    pair.giveServer(sealInitial(*pair.crypto, destination, ConnectionId(fromHex("a1a2")), {}),
                    SocketAddress::v4({10, 7, 0, 1}, static_cast<uint16_t>(1000 + i)));
    pair.takeFromServer();
  }
  EXPECT_EQ(pair.server.connections().size(), 3u);
  EXPECT_EQ(pair.server.stats().retries, 7u);
  pair.connect();
  pair.exchange();
  EXPECT_EQ(pair.server.stats().retries, 7u) << "other sources are not bothered";
}

// ---------------------------------------------------------------- tokens for later
AddressToken tokenOf(const EndpointPair& pair) {
  AddressToken token;
  for (const EndpointEvent& event : pair.clientEvents) {
    if (const auto* heard = std::get_if<AddressToken>(&event.event)) token = *heard;
  }
  return token;
}

// B10. covers RFC 9000 §8.1.3
TEST(ServerRetry, ATokenOfOneConnectionSparesTheNextTheRetryOnce) {
  EndpointPair pair(with(RetryMode::Always));
  pair.connect();
  pair.exchange();
  pair.advance(100ms);
  ASSERT_EQ(EndpointPair::count<AddressToken>(pair.clientEvents), 1u);
  EXPECT_EQ(pair.server.stats().retries, 1u);
  const AddressToken first = tokenOf(pair);
  TransportSettings settings;
  settings.addressToken = first;
  pair.connect(settings);
  pair.exchange();
  pair.advance(100ms);
  EXPECT_TRUE(pair.client.find(2)->isHandshakeConfirmed());
  EXPECT_EQ(pair.server.stats().retries, 1u) << "no Retry";
  EXPECT_NE(tokenOf(pair), first) << "each connection has its own";

  pair.connect(settings);
  pair.exchange();
  EXPECT_TRUE(pair.client.find(3)->isHandshakeConfirmed());
  EXPECT_EQ(pair.server.stats().retries, 2u) << "used up: as if there were none";
}

TEST(ServerRetry, ADamagedCopyDoesNotUseATokenUp) {
  EndpointPair pair(with(RetryMode::Always));
  pair.connect();
  pair.exchange();
  TransportSettings settings;
  settings.addressToken = tokenOf(pair);
  pair.connect(settings);
  const auto initials = pair.takeFromClient();
  ByteVector damaged = initials.front().bytes;
  damaged[900] ^= 1;
  pair.giveServer(damaged);
  pair.giveServer(initials.front().bytes);
  pair.exchange();
  EXPECT_TRUE(pair.client.find(2)->isHandshakeConfirmed());
  EXPECT_EQ(pair.server.stats().retries, 1u);
}

TEST(ServerRetry, IssuesNoTokensWhenToldSo) {
  ServerEndpointSettings settings;
  settings.tokens.newTokenLifetime = Duration{0};
  EndpointPair pair(settings);
  pair.connect();
  pair.exchange();
  pair.advance(100ms);
  EXPECT_EQ(EndpointPair::count<AddressToken>(pair.clientEvents), 0u);
}

}  // namespace
}  // namespace quic::test
