// 0-RTT packets that overtake the Initial packet of their connection: what is kept of them, for whom, and how little.
#include "quic/server/EarlyArrivals.h"

#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"
#include "cpp/support/HeapUse.h"

namespace quic::test {
namespace {

constexpr TimePoint kStart{1h};

ConnectionId numbered(uint64_t number) {
  ByteVector bytes(8);
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(number >> 8 * i);
  return ConnectionId(bytes);
}

SocketAddress host(uint32_t number, uint16_t port = 5000) {
  return SocketAddress::v4(
      {10, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)}, port);
}

bool hold(EarlyArrivals& early, TimePoint now, const SocketAddress& from, const ConnectionId& id, ByteVector bytes) {
  return early.hold(now, id, {{kServerAddress, from}, Ecn::Ect0, bytes});
}

// ---------------------------------------------------------------- alone
TEST(EarlyArrivals, AreHandedOutOnceInTheirOrderToTheirConnectionOnly) {
  EarlyArrivals early;
  ASSERT_TRUE(hold(early, kStart, host(1), numbered(1), {1}));
  ASSERT_TRUE(hold(early, kStart, host(1, 5001), numbered(1), {2}));
  ASSERT_TRUE(hold(early, kStart, host(1), numbered(2), {3}));
  ASSERT_TRUE(hold(early, kStart + 1ms, host(1), numbered(1), {4}));
  const auto taken = early.take(kStart + 2ms, host(1), numbered(1));
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].bytes, ByteVector{1});
  EXPECT_EQ(taken[0].ecn, Ecn::Ect0);
  EXPECT_EQ(taken[1].bytes, ByteVector{4});
  EXPECT_TRUE(early.take(kStart + 2ms, host(1), numbered(1)).empty());
  EXPECT_EQ(early.size(), 2u);
  EXPECT_EQ(early.bytes(), 2u);
}

TEST(EarlyArrivals, AreForgottenAfterTheirTime) {
  EarlyArrivals early;
  ASSERT_TRUE(hold(early, kStart, host(1), numbered(1), {1}));
  ASSERT_TRUE(hold(early, kStart + 1ms, host(1), numbered(2), {2}));
  EXPECT_EQ(early.expire(kStart + kEarlyArrivalLifetime - 1us), 0u);
  EXPECT_TRUE(early.take(kStart + kEarlyArrivalLifetime, host(1), numbered(1)).empty());
  EXPECT_EQ(early.expire(kStart + kEarlyArrivalLifetime + 1ms), 1u);
  EXPECT_EQ(early.size(), 0u);
  EXPECT_EQ(early.bytes(), 0u);
}

TEST(EarlyArrivals, AreSoManyAndSoLargeAndSoManyOfOneSource) {
  EarlyArrivals early;
  for (uint32_t i = 0; i < 100; ++i) {
    const bool isHeld = hold(early, kStart, host(7, static_cast<uint16_t>(5000 + i)), numbered(i), ByteVector(10));
    EXPECT_EQ(isHeld, i < kMaxEarlyArrivalsPerSource) << i;
  }
  for (uint32_t i = 0; i < 200; ++i) (void)hold(early, kStart, host(100 + i), numbered(i), ByteVector(10));
  EXPECT_EQ(early.size(), kMaxEarlyArrivals);
  EXPECT_FALSE(hold(early, kStart, host(1000), numbered(1), {1}));
  EarlyArrivals large;
  for (uint32_t i = 0; i < 200; ++i) (void)hold(large, kStart, host(i), numbered(i), ByteVector(9000));
  EXPECT_EQ(large.size(), kMaxEarlyArrivalBytes / 9000);
  EXPECT_LE(large.bytes(), kMaxEarlyArrivalBytes);
  EXPECT_EQ(large.expire(kStart + 1h), kMaxEarlyArrivalBytes / 9000);
  EXPECT_EQ(large.bytes(), 0u);
}

// ---------------------------------------------------------------- at an endpoint
/// A client that has met the server before, with bytes to say at once.
struct Early {
  explicit Early(RetryMode mode = RetryMode::Never) : pair(answering(mode)) {
    pair.handshakes.options.issuesTicket = true;
    pair.connect();
    pair.exchange();
    pair.advance(1s);
    TransportSettings settings;
    settings.earlyData = true;
    for (const EndpointEvent& event : pair.clientEvents) {
      if (const auto* ticket = std::get_if<SessionTicket>(&event.event)) settings.resumption = ticket->bytes;
    }
    EXPECT_FALSE(settings.resumption.empty());
    pair.client.find(1)->close(pair.now, ApplicationErrorCode{0}, "");
    pair.client.touch(1);
    pair.exchange();
    pair.advance(30s);
    pair.serverEvents.clear();
    pair.connect(settings);
    const auto stream = pair.client.find(2)->openStream(false);
    EXPECT_TRUE(stream && pair.client.find(2)->writeStream(*stream, OwnedBytes::copyOf(ByteVector(3000, 'a')), true));
    pair.client.touch(2);
    flight = pair.takeFromClient();
    EXPECT_GE(flight.size(), 3u) << "an Initial packet, and 0-RTT packets in datagrams of their own";
  }
  static ServerEndpointSettings answering(RetryMode mode) {
    ServerEndpointSettings settings;
    settings.transport.earlyData = true;
    settings.retry.mode = mode;
    return settings;
  }
  /// Of the client's first stream, so far.
  size_t bytesAtServer() {
    ByteVector room(1 << 16);
    pair.server.connections().forEach([&](ConnectionHandle, QuicTransportBase& connection) {
      const auto read = connection.readStream(StreamId{0}, room);
      bytesRead += read ? read->size : 0;
    });
    return bytesRead;
  }
  EndpointPair pair;
  std::vector<WireDatagram> flight;
  size_t bytesRead = 0;
};

// covers RFC 9000 §5.2.2
TEST(EarlyArrivalsAtAServer, AreReadAsSoonAsTheInitialIsThere) {
  Early early;
  for (size_t i = 1; i < early.flight.size(); ++i) early.pair.giveServer(early.flight[i].bytes);
  EXPECT_EQ(early.pair.server.connections().size(), 0u);
  EXPECT_EQ(early.pair.server.stats().dropped, 0u);
  EXPECT_TRUE(early.pair.takeFromServer().empty()) << "nothing is answered to who has proved nothing";
  early.pair.now += 50ms;
  early.pair.giveServer(early.flight[0].bytes);
  EXPECT_EQ(early.bytesAtServer(), 3000u);
  early.pair.exchange();
  EXPECT_TRUE(early.pair.client.find(2)->isHandshakeConfirmed());
  EXPECT_EQ(early.pair.client.find(2)->stats().packetsLost, 0u);
}

TEST(EarlyArrivalsAtAServer, AreSentAgainWhenTheInitialIsTooLate) {
  Early early;
  for (size_t i = 1; i < early.flight.size(); ++i) early.pair.giveServer(early.flight[i].bytes);
  early.pair.now += kEarlyArrivalLifetime;
  early.pair.giveServer(early.flight[0].bytes);
  EXPECT_LT(early.bytesAtServer(), 3000u);
  early.pair.exchange();
  early.pair.advance(5s);
  EXPECT_EQ(early.bytesAtServer(), 3000u);
}

// covers RFC 9000 §8.1.2: nothing is kept for an address that is to be proved first
TEST(EarlyArrivalsAtAServer, AreNotKeptForWhoMustProveAnAddress) {
  Early early(RetryMode::Always);
  const uint64_t before = early.pair.server.stats().dropped;
  for (size_t i = 1; i < early.flight.size(); ++i) early.pair.giveServer(early.flight[i].bytes);
  EXPECT_EQ(early.pair.server.stats().dropped, before + early.flight.size() - 1);
}

TEST(EarlyArrivalsAtAServer, AreNotKeptByAServerThatTakesNobody) {
  Early early;
  early.pair.server.refuseNewConnections(true);
  for (size_t i = 1; i < early.flight.size(); ++i) early.pair.giveServer(early.flight[i].bytes);
  EXPECT_EQ(early.pair.server.stats().dropped, early.flight.size() - 1);
}

TEST(EarlyArrivalsAtAServer, AFloodOfThemTakesABoundedMemoryAndNoConnection) {
  Early early;
  const HeapGrowth growth;
  for (uint32_t i = 0; i < 20'000; ++i) {
    ByteVector bytes = early.flight[1].bytes;
    for (size_t at = 0; at < 4; ++at) bytes[6 + at] = static_cast<uint8_t>(i >> 8 * at);  // of the destination ID
    early.pair.giveServer(bytes, host(i));
  }
  EXPECT_LE(growth.bytes(), kMaxEarlyArrivalBytes + kMaxEarlyArrivals * (sizeof(EarlyArrival) + 64));
  EXPECT_EQ(early.pair.server.connections().size(), 0u);
  EXPECT_TRUE(early.pair.takeFromServer().empty());
  EXPECT_GE(early.pair.server.stats().dropped, 20'000u - kMaxEarlyArrivals);
  early.pair.giveServer(early.flight[0].bytes);
  early.pair.exchange();
  EXPECT_TRUE(early.pair.client.find(2)->isHandshakeConfirmed()) << "who is honest loses a convenience";
}

}  // namespace
}  // namespace quic::test
