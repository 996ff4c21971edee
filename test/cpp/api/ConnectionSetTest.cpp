// ConnectionSet: routes, turns, one clock for all timers, and nothing left of those that are gone.
#include "quic/api/ConnectionSet.h"

#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"

namespace quic::test {
namespace {

struct Fixture {
  std::unique_ptr<CryptoFactory> crypto = makeOpenSslCryptoFactory();
  SeededRandom random{1};
  RandomConnectionIds ids{random, 8};
  ConnectionSet set{*crypto, random};
  TimePoint now{1h};
  ByteVector buffer = ByteVector(1 << 16);

  void add(ConnectionHandle handle) {
    set.add(std::make_unique<QuicClientTransport>(
                now, FourTuple{kClientAddress, kServerAddress}, TransportSettings{},
                ClientDependencies{*crypto, random, ids, std::make_unique<FakeHandshake>(Role::Client)}),
            handle);
  }
  size_t transmitAll() {
    size_t sent = 0;
    while (set.pollTransmit(now, buffer)) ++sent;
    return sent;
  }
  std::vector<EndpointEvent> events(std::vector<ConnectionHandle>* removed = nullptr) {
    std::vector<EndpointEvent> all;
    while (auto event = set.pollEvent(removed)) all.push_back(std::move(*event));
    return all;
  }
};

TEST(ConnectionSet, ANewConnectionIsRoutedAndPolledAtOnce) {
  Fixture f;
  f.add(5);
  const auto transmit = f.set.pollTransmit(f.now, f.buffer);
  ASSERT_TRUE(transmit.has_value());
  MutableByteSpan bytes = MutableByteSpan(f.buffer).first(transmit->size);
  const auto packet = nextPacket(bytes, 8);
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(f.set.route(packet->sourceId), 5u);
  EXPECT_EQ(f.set.route(packet->destinationId), std::nullopt);
  EXPECT_NE(f.set.find(5), nullptr);
  EXPECT_EQ(f.set.find(6), nullptr);
}

TEST(ConnectionSet, ARouteIsNeverTakenFromWhoHasIt) {
  Fixture f;
  f.add(1);
  f.add(2);
  const ConnectionId id(fromHex("0102030405060708"));
  f.set.addRoute(id, 1);
  f.set.addRoute(id, 2);
  EXPECT_EQ(f.set.route(id), 1u);
  f.set.addRoute(ConnectionId(fromHex("aa")), 99);
  EXPECT_EQ(f.set.route(ConnectionId(fromHex("aa"))), std::nullopt) << "nobody of that name";
  f.set.removeRoute(id, 2);
  EXPECT_EQ(f.set.route(id), 1u) << "nor when another connection retires the same ID";
  f.set.removeRoute(id, 1);
  f.set.removeRoute(id, 1);
  EXPECT_EQ(f.set.route(id), std::nullopt);
}

TEST(ConnectionSet, TouchingTwiceAsksOnce) {
  Fixture f;
  f.add(1);
  f.transmitAll();
  for (int i = 0; i < 10; ++i) f.set.touch(1);
  f.set.touch(77);
  EXPECT_EQ(f.transmitAll(), 0u);
  EXPECT_TRUE(f.events().empty());
}

TEST(ConnectionSet, TheEarliestTimerCountsAndFiresForItsOwnerAlone) {
  Fixture f;
  f.add(1);
  f.transmitAll();
  const TimePoint first = f.set.nextTimeout().value();
  f.now += 100ms;
  f.add(2);
  f.transmitAll();
  EXPECT_EQ(f.set.nextTimeout(), first);
  f.now = first;
  f.set.onTimeout(f.now);
  EXPECT_GE(f.transmitAll(), 1u);
  EXPECT_EQ(f.set.nextTimeout(), first + 100ms);
}

TEST(ConnectionSet, AClosedConnectionLeavesNoRouteNoTimerAndItsName) {
  Fixture f;
  f.add(1);
  f.add(2);
  f.transmitAll();
  f.set.find(1)->close(f.now, ApplicationErrorCode{0}, "");
  f.set.touch(1);
  EXPECT_EQ(f.transmitAll(), 1u);
  std::vector<ConnectionHandle> removed;
  EXPECT_EQ(f.events(&removed).size(), 1u);
  EXPECT_TRUE(removed.empty()) << "it still closes";
  for (int i = 0; i < 100 && removed.empty(); ++i) {
    f.now = f.set.nextTimeout().value();
    f.set.onTimeout(f.now);
    f.transmitAll();
    f.events(&removed);
  }
  EXPECT_EQ(removed, std::vector<ConnectionHandle>{1});
  EXPECT_EQ(f.set.find(1), nullptr);
  EXPECT_EQ(f.set.size(), 1u);
}

TEST(ConnectionSet, ADiscardedConnectionIsGoneWithoutAWord) {
  Fixture f;
  f.add(1);
  f.set.discard(1);
  f.set.discard(1);
  EXPECT_EQ(f.set.size(), 0u);
  EXPECT_EQ(f.transmitAll(), 0u);
  EXPECT_TRUE(f.events().empty());
  EXPECT_EQ(f.set.nextTimeout(), std::nullopt);
}

TEST(ConnectionSet, ConnectionsTakeTurnsByTrains) {
  EndpointPair pair;
  for (int i = 0; i < 3; ++i) pair.connect();
  pair.exchange();
  for (ConnectionHandle handle = 1; handle <= 3; ++handle) {
    const auto id = pair.client.find(handle)->openStream(true);
    ASSERT_TRUE(pair.client.find(handle)->writeStream(*id, OwnedBytes::copyOf(ByteVector(10000)), true).hasValue());
    pair.client.touch(handle);
  }
  ByteVector buffer(kDefaultUdpPayloadSize);  // trains of one
  std::vector<uint64_t> before(4);
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(pair.client.pollTransmit(pair.now, buffer).has_value());
    for (ConnectionHandle handle = 1; handle <= 3; ++handle) {
      const uint64_t sent = pair.client.find(handle)->stats().bytesSent;
      EXPECT_GT(sent, before[handle]) << "each had its turn";
      before[handle] = sent;
    }
  }
}

}  // namespace
}  // namespace quic::test
