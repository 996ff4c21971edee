// Stateless resets: what is sent for packets that nobody knows, how large and how often, and what ends a connection.
#include "quic/api/StatelessReset.h"

#include <gtest/gtest.h>

#include <set>

#include "cpp/api/EndpointPair.h"

namespace quic::test {
namespace {

const StatelessResetSecret kSecret = {7};
const TimePoint kStart{1h};

struct Sender {
  explicit Sender(const ReplyLimits& settings = {.total = {}, .perSource = {}}) : resetter(key, random, settings) {}
  ByteVector answer(size_t trigger, TimePoint now = kStart, const SocketAddress& from = kClientAddress) {
    ByteVector bytes(trigger, 0x55);
    return resetter.answer(now, {{kServerAddress, from}, Ecn::NotEct, bytes}, id);
  }
  std::unique_ptr<CryptoFactory> crypto = makeOpenSslCryptoFactory();
  SeededRandom random{1};
  ConnectionId id{fromHex("0001020304050607")};
  StatelessResetKey key{*crypto, kSecret};
  StatelessResetter resetter;
};

// P22. covers RFC 9000 §10.3, §10.3.3
TEST(StatelessReset, IsSmallerThanWhatItAnswersAndEndsInTheToken) {
  Sender sender;
  const StatelessResetToken token = sender.key.tokenOf(sender.id);
  for (size_t trigger = 1; trigger <= 1500; ++trigger) {
    const ByteVector reset = sender.answer(trigger);
    if (trigger <= kMinStatelessResetSize) {
      EXPECT_TRUE(reset.empty()) << trigger;
      continue;
    }
    ASSERT_FALSE(reset.empty()) << trigger;
    EXPECT_LT(reset.size(), trigger);
    EXPECT_GE(reset.size(), kMinStatelessResetSize);
    EXPECT_EQ(reset[0] & 0xc0, 0x40) << "a short header with the fixed bit";
    EXPECT_TRUE(std::equal(token.begin(), token.end(), reset.end() - 16));
    EXPECT_TRUE(trigger <= 43 ? reset.size() == trigger - 1 : reset.size() >= 43) << trigger;
  }
}

// covers RFC 9000 §10.3
TEST(StatelessReset, LooksLikeAnyPacket) {
  Sender sender;
  std::set<size_t> sizes;
  std::array<std::set<uint8_t>, 27> values;
  for (int i = 0; i < 500; ++i) {
    const ByteVector reset = sender.answer(1200);
    sizes.insert(reset.size());
    for (size_t at = 0; at < values.size(); ++at) values[at].insert(reset[at]);
  }
  EXPECT_GT(sizes.size(), 20u);
  EXPECT_GT(values[0].size(), 32u);
  for (size_t at = 1; at < values.size(); ++at) EXPECT_GT(values[at].size(), 128u) << "byte " << at;
}

TEST(StatelessReset, ALongHeaderIsNotAnswered) {
  Sender sender;
  ByteVector bytes(1200, 0xc0);
  EXPECT_TRUE(
      sender.resetter.answer(kStart, {{kServerAddress, kClientAddress}, Ecn::NotEct, bytes}, sender.id).empty());
}

// covers RFC 9000 §10.3.3
TEST(StatelessReset, IsSentSeldomToOneSourceAndInAll) {
  Sender sender({.total = {100, 100}, .perSource = {10, 10}});
  size_t toOne = 0;
  for (int i = 0; i < 1000; ++i) toOne += sender.answer(100).empty() ? 0 : 1;
  EXPECT_EQ(toOne, 10u);
  size_t inAll = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    const auto from = SocketAddress::v4({10, 5, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}, 1);
    inAll += sender.answer(100, kStart, from).empty() ? 0 : 1;
  }
  EXPECT_EQ(inAll, 90u);
  EXPECT_FALSE(sender.answer(100, kStart + 1s).empty());
}

TEST(StatelessReset, TokensDependOnTheIdAndTheSecretAlone) {
  const auto crypto = makeOpenSslCryptoFactory();
  const ConnectionId id(fromHex("0001020304050607"));
  const StatelessResetKey key(*crypto, kSecret);
  EXPECT_EQ(key.tokenOf(id), StatelessResetKey(*crypto, kSecret).tokenOf(id));
  EXPECT_NE(key.tokenOf(id), StatelessResetKey(*crypto, {8}).tokenOf(id));
  EXPECT_NE(key.tokenOf(id), key.tokenOf(ConnectionId(fromHex("0001020304050608"))));
}

// ---------------------------------------------------------------- a server that has forgotten
ServerEndpointSettings withSecret() {
  ServerEndpointSettings settings;
  settings.resetSecret = kSecret;
  return settings;
}

ByteVector oneRtt(const ConnectionId& id, size_t size) {
  ByteVector bytes(size, 0x11);
  bytes[0] = 0x41;
  std::copy(id.bytes().begin(), id.bytes().end(), bytes.begin() + 1);
  return bytes;
}

/// The code that the client's connection ended with.
std::optional<LocalErrorCode> endOf(const EndpointPair& pair) {
  for (const EndpointEvent& event : pair.clientEvents) {
    const auto* closed = std::get_if<ConnectionClosed>(&event.event);
    const auto* code = closed == nullptr ? nullptr : std::get_if<LocalErrorCode>(&closed->error.code);
    if (code != nullptr) return *code;
  }
  return std::nullopt;
}

// covers RFC 9000 §10.3.1, §10.3.2: restarted with the same secret
TEST(StatelessReset, AServerThatWasRestartedEndsItsOldConnections) {
  EndpointPair pair(withSecret());
  pair.connect();
  pair.exchange();
  pair.advance(100ms);
  QuicServerEndpoint restarted(withSecret(), *pair.crypto, pair.handshakes, pair.random, 0);
  const auto stream = pair.client.find(1)->openStream(false);
  ASSERT_TRUE(stream.hasValue());
  ASSERT_TRUE(pair.client.find(1)->writeStream(*stream, OwnedBytes::copyOf(ByteVector(1)), true).hasValue());
  pair.client.touch(1);
  const auto sent = pair.takeFromClient();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_GE(sent[0].bytes.size(), 22u + 8) << "so that its answer can be smaller and still pass for a packet";
  ByteVector bytes = sent[0].bytes;
  EXPECT_EQ(restarted.onDatagram(pair.now, {{kServerAddress, kClientAddress}, Ecn::NotEct, bytes}), std::nullopt);
  EXPECT_EQ(restarted.stats().resets, 1u);
  ByteVector buffer(1500);
  const auto reset = restarted.pollTransmit(pair.now, buffer);
  ASSERT_TRUE(reset.has_value());
  EXPECT_LT(reset->size, sent[0].bytes.size());
  buffer.resize(reset->size);
  pair.giveClient(buffer);
  EXPECT_TRUE(pair.takeFromClient().empty()) << "CS01: nothing more is sent";
  EXPECT_EQ(endOf(pair), LocalErrorCode::STATELESS_RESET);
}

TEST(StatelessReset, OnlyIdsOfThisWorkerAreAnswered) {
  EndpointPair pair(withSecret(), 3);
  pair.giveServer(oneRtt(ConnectionId(fromHex("0401020304050607")), 100));
  EXPECT_EQ(pair.forwarded, 4);
  EXPECT_TRUE(pair.takeFromServer().empty());
  pair.giveServer(oneRtt(ConnectionId(fromHex("0301020304050607")), 100));
  EXPECT_EQ(pair.takeFromServer().size(), 1u);
}

TEST(StatelessReset, TwoServersThatResetEachOtherFallSilent) {
  EndpointPair pair(withSecret());
  QuicServerEndpoint other(withSecret(), *pair.crypto, pair.handshakes, pair.random, 0);
  ByteVector bytes = oneRtt(ConnectionId(fromHex("0001020304050607")), 1200);
  int exchanged = 0;
  for (QuicServerEndpoint* from = &pair.server; !bytes.empty(); from = from == &other ? &pair.server : &other) {
    ASSERT_LT(++exchanged, 1200);
    bytes[1] = 0;  // whatever its random destination, it gets where it would do most harm
    EXPECT_EQ(from->onDatagram(pair.now, {{kServerAddress, kClientAddress}, Ecn::NotEct, bytes}), std::nullopt);
    ByteVector buffer(1500);
    const auto reset = from->pollTransmit(pair.now, buffer);
    buffer.resize(reset ? reset->size : 0);
    bytes = buffer;
  }
  EXPECT_GT(exchanged, 2);
  EXPECT_LE(exchanged, 60);
}

TEST(StatelessReset, ASecretThatNobodySetIsNotTheSameForAll) {
  EndpointPair pair;
  pair.giveServer(oneRtt(ConnectionId(fromHex("0001020304050607")), 100));
  const auto resets = pair.takeFromServer();
  ASSERT_EQ(resets.size(), 1u);
  const StatelessResetToken zeros =
      StatelessResetKey(*pair.crypto, {}).tokenOf(ConnectionId(fromHex("0001020304050607")));
  EXPECT_FALSE(std::equal(zeros.begin(), zeros.end(), resets[0].bytes.end() - 16));
}

// ---------------------------------------------------------------- a client that has forgotten
TEST(StatelessReset, AClientAnswersForItsIdsOnlyWithASecretThatOutlivesIt) {
  EndpointPair pair;
  const ConnectionId id(fromHex("a0a1a2a3a4a5a6a7"));
  pair.giveClient(oneRtt(id, 100));
  EXPECT_TRUE(pair.takeFromClient().empty());
  QuicClientEndpoint client(*pair.crypto, pair.random, 8, kSecret);
  ByteVector bytes = oneRtt(id, 100);
  client.onDatagram(pair.now, {{kClientAddress, kServerAddress}, Ecn::NotEct, bytes});
  ByteVector buffer(1500);
  const auto reset = client.pollTransmit(pair.now, buffer);
  ASSERT_TRUE(reset.has_value());
  const StatelessResetToken token = StatelessResetKey(*pair.crypto, kSecret).tokenOf(id);
  EXPECT_TRUE(std::equal(token.begin(), token.end(), buffer.begin() + static_cast<ptrdiff_t>(reset->size) - 16));
}

// ---------------------------------------------------------------- detecting
constexpr StatelessResetToken kTokenOfOne = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

ByteVector resetWith(const StatelessResetToken& token, size_t size = 43, uint8_t first = 0x45) {
  Seeded random(4);
  ByteVector bytes = randomBytes(random, size);
  bytes[0] = first;
  std::copy(token.begin(), token.end(), bytes.end() - 16);
  return bytes;
}

/// A server or client whose peer has told it about ID 1, and made it use that when `inUse`.
std::unique_ptr<MisbehavingPeer> withTokenOfOne(Role end, bool inUse) {
  auto peer = std::make_unique<MisbehavingPeer>(MisbehavingPeer::against(end));
  peer->connect();
  NewConnectionIdFrame frame;
  frame.sequence = 1;
  frame.retirePriorTo = inUse ? 1 : 0;
  frame.id = ConnectionId(fromHex("b0b1b2b3b4b5b6b7"));
  frame.token = kTokenOfOne;
  peer->send(FrameBytes().add(frame));
  return peer;
}

bool ends(MisbehavingPeer& peer, ByteVector datagram) {
  const uint64_t before = peer.datagramsHeard;
  peer.end().onUnroutedDatagram(peer.now(), {peer.path(), Ecn::NotEct, datagram});
  if (!peer.end().isClosing()) peer.deliver(std::move(datagram));
  EXPECT_TRUE(!peer.end().isClosing() || peer.datagramsHeard == before) << "an end that was reset is silent";
  return peer.end().isClosing();
}

// covers RFC 9000 §10.3.1: servers too are reset, and only by tokens that are in use
TEST(StatelessReset, BothRolesBelieveTokensOfIdsThatTheyUse) {
  for (const Role role : {Role::Server, Role::Client}) {
    EXPECT_TRUE(ends(*withTokenOfOne(role, true), resetWith(kTokenOfOne)));
    EXPECT_TRUE(ends(*withTokenOfOne(role, true), resetWith(kTokenOfOne, 21))) << "the smallest";
    EXPECT_TRUE(ends(*withTokenOfOne(role, true), resetWith(kTokenOfOne, 1200)));
    EXPECT_TRUE(ends(*withTokenOfOne(role, true), resetWith(kTokenOfOne, 60, 0xe5))) << "another version's header";
    EXPECT_FALSE(ends(*withTokenOfOne(role, true), resetWith(kTokenOfOne, 20))) << "too small";
    EXPECT_FALSE(ends(*withTokenOfOne(role, false), resetWith(kTokenOfOne))) << "unused";
    StatelessResetToken almost = kTokenOfOne;
    almost[15] ^= 1;
    EXPECT_FALSE(ends(*withTokenOfOne(role, true), resetWith(almost)));
    ByteVector inside = resetWith(kTokenOfOne);
    inside.push_back(0);
    EXPECT_FALSE(ends(*withTokenOfOne(role, true), inside)) << "the last 16 bytes count";
  }
}

// covers RFC 9000 §10.3.1: tokens of retired IDs are not checked
TEST(StatelessReset, ARetiredIdsTokenIsForgotten) {
  auto peer = withTokenOfOne(Role::Server, true);
  NewConnectionIdFrame frame;
  frame.sequence = 2;
  frame.retirePriorTo = 2;
  frame.id = ConnectionId(fromHex("c0c1c2c3c4c5c6c7"));
  frame.token = {2};
  peer->send(FrameBytes().add(frame));
  EXPECT_FALSE(ends(*peer, resetWith(kTokenOfOne)));
  EXPECT_TRUE(ends(*peer, resetWith(frame.token)));
}

TEST(StatelessReset, ATokenFromAnotherAddressIsNotBelieved) {
  auto peer = withTokenOfOne(Role::Server, true);
  ByteVector bytes = resetWith(kTokenOfOne);
  EXPECT_FALSE(peer->end().onUnroutedDatagram(peer->now(), {peer->pathFrom(999, 9), Ecn::NotEct, bytes}));
  EXPECT_FALSE(peer->end().isClosing());
}

// covers RFC 9000 §10.3.1: one look, however many connections there are
TEST(StatelessReset, FindsTheConnectionOfATokenAmongMany) {
  EndpointPair pair(withSecret());
  for (int i = 0; i < 20; ++i) pair.connect();
  pair.exchange();
  pair.advance(100ms);
  const auto closing = [&] {
    size_t count = 0;
    pair.client.connections().forEach(
        [&](ConnectionHandle, QuicTransportBase& connection) { count += connection.isClosing() ? 1 : 0; });
    return count;
  };
  const ConnectionHandle last = pair.serverEvents.back().connection;
  const StatelessResetKey key(*pair.crypto, kSecret);
  const StatelessResetToken token = key.tokenOf(pair.server.find(last)->originalConnectionId());
  pair.giveClient(resetWith(token), SocketAddress::v4({10, 9, 9, 9}, 4433));
  EXPECT_EQ(closing(), 0u) << "from elsewhere";
  pair.giveClient(resetWith(token));
  EXPECT_EQ(closing(), 1u);
  pair.giveClient(resetWith(token));
  EXPECT_EQ(closing(), 1u);
}

}  // namespace
}  // namespace quic::test
