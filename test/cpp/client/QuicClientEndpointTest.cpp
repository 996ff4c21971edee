// The client's endpoint: connections behind one socket, what is theirs, and what the network says about a server.
#include "quic/client/QuicClientEndpoint.h"

#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"

namespace quic::test {
namespace {

LocalErrorCode localCodeOf(const EndpointEvent& event) {
  const auto* closed = std::get_if<ConnectionClosed>(&event.event);
  const auto* code = closed == nullptr ? nullptr : std::get_if<LocalErrorCode>(&closed->error.code);
  return code == nullptr ? LocalErrorCode::INVALID_ARGUMENT : *code;
}

TEST(QuicClientEndpoint, ConnectsAndCarriesAStream) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  EXPECT_TRUE(pair.client.find(1)->isHandshakeConfirmed());
  const auto stream = pair.client.find(1)->openStream(false);
  ASSERT_TRUE(stream.hasValue());
  ASSERT_TRUE(pair.client.find(1)->writeStream(*stream, OwnedBytes::copyOf(ByteVector(100000, 5)), true).hasValue());
  pair.client.touch(1);
  pair.exchange();
  pair.advance(200ms);
  const ConnectionHandle handle = pair.serverEvents.front().connection;
  ByteVector room(200000);
  uint64_t got = 0;
  bool fin = false;
  for (int i = 0; i < 200 && !fin; ++i) {
    const auto read = pair.server.find(handle)->readStream(*stream, room);
    ASSERT_TRUE(read.hasValue());
    got += read->size;
    fin = read->fin;
    pair.server.touch(handle);
    pair.exchange();
    pair.advance(30ms);
  }
  EXPECT_EQ(got, 100000u);
  EXPECT_TRUE(fin);
}

TEST(QuicClientEndpoint, EventsWaitUntilTheyAreAskedFor) {
  EndpointPair pair;
  pair.connect();
  ByteVector buffer(1 << 16);
  const auto transmit = pair.client.pollTransmit(pair.now, buffer);
  ASSERT_TRUE(transmit.has_value());
  pair.giveServer(ByteVector(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(transmit->size)));
  for (const WireDatagram& datagram : pair.takeFromServer()) pair.giveClient(datagram.bytes);
  EXPECT_TRUE(pair.client.find(1)->isHandshakeFinished()) << "routing does not wait for whoever takes the events";
}

TEST(QuicClientEndpoint, DropsWhatIsForNobody) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  Seeded random(1);
  for (size_t size = 0; size < 100; ++size) pair.giveClient(randomBytes(random, size));
  ByteVector longIds = fromHex("c0 1a2a3a4a ff");
  longIds.resize(600, 3);
  pair.giveClient(longIds);
  EXPECT_TRUE(pair.takeFromClient().empty());
  EXPECT_FALSE(pair.client.find(1)->isClosing());
}

// CS01. covers RFC 9000 §10.3.1: its destination ID means nothing, so only the token finds the connection
TEST(QuicClientEndpoint, FindsTheConnectionThatAStatelessResetIsFor) {
  ServerEndpointSettings settings;
  settings.resetSecret = {7};
  EndpointPair pair(settings);
  pair.connect();
  pair.connect();
  pair.exchange();
  const auto algo = ServerConnectionIds(0, 8, pair.random, *pair.crypto, settings.resetSecret);
  const ConnectionHandle first = pair.serverEvents.front().connection;
  const StatelessResetToken token = algo.resetToken(pair.server.find(first)->originalConnectionId());
  Seeded random(4);
  ByteVector reset = randomBytes(random, 43);
  reset[0] = 0x45;
  std::copy(token.begin(), token.end(), reset.end() - 16);
  pair.giveClient(reset, SocketAddress::v4({10, 9, 9, 9}, 4433));
  EXPECT_FALSE(pair.client.find(1)->isClosing());
  pair.giveClient(reset);
  EXPECT_NE(pair.client.find(1)->isClosing(), pair.client.find(2)->isClosing());
  pair.takeFromClient();
  EXPECT_EQ(localCodeOf(pair.clientEvents.back()), LocalErrorCode::STATELESS_RESET);
}

// covers RFC 9000 §14.2.1: such messages prove little
TEST(QuicClientEndpoint, UnreachableIsBelievedOnlyBeforeAnythingWasHeard) {
  EndpointPair pair;
  pair.connect();
  pair.client.onUnreachable(pair.now, SocketAddress::v4({10, 9, 9, 9}, 1));
  EXPECT_FALSE(pair.client.find(1)->isClosing());
  pair.client.onUnreachable(pair.now, kServerAddress);
  EXPECT_TRUE(pair.client.find(1)->isClosing());
  EXPECT_TRUE(pair.takeFromClient().empty());
  EXPECT_EQ(localCodeOf(pair.clientEvents.back()), LocalErrorCode::PEER_UNREACHABLE);
  EXPECT_EQ(pair.client.find(1), nullptr);

  pair.connect();
  pair.exchange();
  pair.client.onUnreachable(pair.now, kServerAddress);
  EXPECT_FALSE(pair.client.find(2)->isClosing());
}

TEST(QuicClientEndpoint, ASilentServerEndsInATimeoutOfTheHandshake) {
  EndpointPair pair;
  pair.connect();
  int datagrams = static_cast<int>(pair.takeFromClient().size());
  while (const auto next = pair.client.nextTimeout()) {
    pair.now = std::max(pair.now, *next);
    pair.client.onTimeout(pair.now);
    datagrams += static_cast<int>(pair.takeFromClient().size());
    ASSERT_LT(datagrams, 100);
  }
  pair.takeFromClient();
  ASSERT_FALSE(pair.clientEvents.empty());
  EXPECT_EQ(localCodeOf(pair.clientEvents.back()), LocalErrorCode::HANDSHAKE_TIMEOUT);
  EXPECT_EQ(pair.now, TimePoint(1h) + 10s);
  EXPECT_EQ(pair.client.connections().size(), 0u);
}

}  // namespace
}  // namespace quic::test
