// Floods of first packets: what they cost in bytes and in work, and that they leave nothing behind. T-10, T-19, T-37.
#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"
#include "cpp/support/HeapUse.h"
#include "quic/api/QuicPacketBuilder.h"

namespace quic::test {
namespace {

/// A connection whose handshake is under way, without its TLS engine: this many bytes at the most.
constexpr size_t kHalfOpenBytes = 48 * 1024;
constexpr size_t kSlack = 256 * 1024;  // queues and tables that keep their size

ByteVector initialOf(const CryptoFactory& crypto, uint64_t number, ByteSpan token = {}) {
  ByteVector id(8);
  for (size_t i = 0; i < 8; ++i) id[i] = static_cast<uint8_t>(number >> 8 * i);
  const ConnectionId destination(id);
  const ConnectionId source(fromHex("a1a2a3a4"));
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

SocketAddress sourceOf(uint64_t number) {
  return SocketAddress::v4(
      {10, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)}, 4000);
}

/// Bytes that the server sends, which nobody hears.
size_t swallow(EndpointPair& pair) {
  size_t bytes = 0;
  for (const WireDatagram& datagram : pair.takeFromServer()) bytes += datagram.bytes.size();
  pair.serverEvents.clear();
  return bytes;
}

// T-10 (CVE-2026-14456)
TEST(ServerFlood, DistinctInitialsFillNoMoreThanTheConfiguredHandshakes) {
  ServerEndpointSettings settings;
  settings.retry.mode = RetryMode::Never;
  settings.maxHandshakes = 64;
  EndpointPair pair(settings);
  const HeapGrowth growth;
  for (uint64_t i = 0; i < 10000; ++i) {
    pair.giveServer(initialOf(*pair.crypto, i), sourceOf(i));
    if (i % 16 == 0) swallow(pair);
  }
  swallow(pair);
  EXPECT_EQ(pair.handshakes.made, 64u);
  EXPECT_LE(growth.bytes(), 64 * kHalfOpenBytes + kSlack);
  pair.advance(15s);
  swallow(pair);
  EXPECT_EQ(pair.server.connections().size(), 0u);
  EXPECT_LE(growth.bytes(), kSlack) << "the flood leaves nothing";
  pair.connect();
  pair.exchange();
  EXPECT_EQ(EndpointPair::count<HandshakeConfirmed>(pair.clientEvents), 1u);
}

// T-19 (arXiv 2412.08936). covers RFC 9000 §8.1
TEST(ServerFlood, SpoofedSourcesMeetARetryThatCostsNothingAndReturnsLess) {
  ServerEndpointSettings settings;
  settings.retry = {RetryMode::UnderLoad, 16, 1000};
  EndpointPair pair(settings);
  for (uint64_t i = 0; i < 16; ++i) pair.giveServer(initialOf(*pair.crypto, i), sourceOf(i));
  swallow(pair);
  const HeapGrowth growth;
  size_t in = 0;
  size_t out = 0;
  for (uint64_t i = 16; i < 10000; ++i) {
    const ByteVector initial = initialOf(*pair.crypto, i);
    in += initial.size();
    pair.giveServer(initial, sourceOf(i));
    out += swallow(pair);
  }
  EXPECT_EQ(pair.handshakes.made, 16u) << "no TLS engine for who has not proved an address";
  EXPECT_EQ(pair.server.connections().size(), 16u);
  EXPECT_EQ(pair.server.stats().retries, 10000u - 16);
  EXPECT_LE(growth.bytes(), kSlack);
  EXPECT_LT(out * 5, in) << "an amplifier below one";
}

/// How many answers there are to `count` datagrams at one moment, each of which is smaller than what it answers.
template <class Datagram>
size_t answersTo(EndpointPair& pair, uint64_t count, bool areSourcesForged, Datagram&& datagram) {
  size_t answers = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const ByteVector bytes = datagram(i);
    pair.giveServer(bytes, sourceOf(areSourcesForged ? i : 1));
    for (const WireDatagram& answer : pair.takeFromServer()) {
      EXPECT_LT(answer.bytes.size(), bytes.size());
      ++answers;
    }
  }
  return answers;
}

// T-18: nobody is made to flood anybody else
TEST(ServerFlood, UnknownVersionsAreAnsweredSeldomAndWithLess) {
  EndpointPair pair;
  const auto unknown = [](uint64_t) {
    ByteVector bytes = fromHex("c0 1a2a3a4a 08 0102030405060708 04 a1a2a3a4");
    bytes.resize(1200);
    return bytes;
  };
  const HeapGrowth growth;
  EXPECT_EQ(answersTo(pair, 5000, false, unknown), 50u);
  EXPECT_EQ(answersTo(pair, 5000, true, unknown), 950u) << "in all";
  EXPECT_LE(growth.bytes(), kSlack);
  pair.advance(1s);
  EXPECT_EQ(answersTo(pair, 5000, false, unknown), 20u) << "and again when it has been quiet";
}

TEST(ServerFlood, RefusalsAreSentSeldom) {
  ServerEndpointSettings settings;
  settings.retry.mode = RetryMode::Never;
  EndpointPair pair(settings);
  pair.server.refuseNewConnections(true);
  const auto initial = [&](uint64_t i) { return initialOf(*pair.crypto, i); };
  EXPECT_EQ(answersTo(pair, 200, false, initial), 50u);
  EXPECT_EQ(answersTo(pair, 3000, true, initial), 950u);
  EXPECT_EQ(pair.server.stats().refused, 3200u);
}

TEST(ServerFlood, AnswersThatNobodyFetchesAreDropped) {
  ServerEndpointSettings settings;
  settings.retry.mode = RetryMode::Always;
  settings.maxStatelessReplies = 32;
  EndpointPair pair(settings);
  const HeapGrowth growth;
  for (uint64_t i = 0; i < 5000; ++i) pair.giveServer(initialOf(*pair.crypto, i), sourceOf(i));
  EXPECT_LE(growth.bytes(), kSlack);
  EXPECT_EQ(pair.takeFromServer().size(), 32u);
}

TEST(ServerFlood, ReplayedTokensOpenTheDoorOnceAndAreRememberedWithinABound) {
  ServerEndpointSettings settings;
  settings.retry = {RetryMode::UnderLoad, 0, 0};
  EndpointPair pair(settings);
  pair.connect();
  pair.exchange();
  pair.advance(100ms);
  ByteVector token;
  for (const EndpointEvent& event : pair.clientEvents) {
    if (const auto* heard = std::get_if<AddressToken>(&event.event)) token = heard->bytes;
  }
  ASSERT_FALSE(token.empty());
  const uint64_t made = pair.handshakes.made;
  for (uint64_t i = 0; i < 2000; ++i) {
    pair.giveServer(initialOf(*pair.crypto, i, token));
    swallow(pair);
  }
  EXPECT_EQ(pair.handshakes.made, made + 1);
}

TEST(ServerFlood, TheGuardAgainstReplayHoldsItsBoundInBytes) {
  const HeapGrowth growth;
  TokenReplayGuard guard;
  for (uint64_t i = 0; i < 4 * TokenReplayGuard::kMaxUsed; ++i) guard.onUsed(i * 0x9e3779b97f4a7c15, Duration(i));
  EXPECT_LE(guard.size(), 2 * TokenReplayGuard::kMaxUsed);
  EXPECT_LE(growth.bytes(), 8u * 1024 * 1024);
}

// T-10, T-37: half of it is damaged, half of it has made-up tokens
TEST(ServerFlood, JunkCostsNoTlsEngineAndNoMemory) {
  ServerEndpointSettings settings;
  settings.retry.mode = RetryMode::Never;
  EndpointPair pair(settings);
  Seeded random(3);
  const HeapGrowth growth;
  for (uint64_t i = 0; i < 5000; ++i) {
    ByteVector initial = initialOf(*pair.crypto, i, i % 2 == 0 ? ByteVector() : randomBytes(random, 60));
    initial[100 + below(random, 1000)] ^= 0x20;
    pair.giveServer(initial, sourceOf(i));
    swallow(pair);
  }
  EXPECT_EQ(pair.handshakes.made, 0u);
  EXPECT_EQ(pair.server.stats().dropped, 5000u);
  EXPECT_LE(growth.bytes(), kSlack);
}

// T-17: what a peer chooses cannot make a table slow, because its hash is keyed
TEST(ServerFlood, SourcesAreCountedInATableOfFixedSize) {
  SeededRandom random(1);
  const HeapGrowth growth;
  SourceRates rates(random, {10, 10});
  const size_t before = growth.bytes();
  for (uint64_t i = 0; i < 100000; ++i) rates.take(TimePoint(1h), sourceOf(i));
  EXPECT_LE(growth.bytes(), before + 1024);
}

}  // namespace
}  // namespace quic::test
