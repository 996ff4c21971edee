// Versions with real TLS on bad links: the change to version 2 within a handshake, and beginning again after a Version
// Negotiation packet.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

constexpr uint32_t kReserved = 0x1a2a3a4a;
const std::vector<uint32_t> kOneFirst = {kQuicVersion1, kQuicVersion2};
const std::vector<uint32_t> kTwoFirst = {kQuicVersion2, kQuicVersion1};

ServerEndpointSettings patient() {
  ServerEndpointSettings settings;
  settings.transport.handshakeTimeout = 0s;
  settings.transport.idleTimeout = 0s;
  return settings;
}

/// Nothing is damaged: a Version Negotiation packet has no integrity of its own (RFC 8999 §6) but UDP's checksum.
void transferOverABadLink(const ServerEndpointSettings& server, const TransportSettings& client, uint32_t expected) {
  for (const uint64_t seed : simSeeds()) {
    Sim sim{
        {.seed = seed, .conditions = {.delay = 20ms, .loss = 0.2, .reorder = 0.1, .duplicate = 0.1}, .server = server}};
    SimClient& node = sim.connect(client);
    node.transfer(50'000);
    ASSERT_TRUE(sim.runUntil([&] { return node.isDone() && node.isConfirmed; }, 48h))
        << "seed " << seed << " " << node.closeReason;
    EXPECT_EQ(node.wrong, 0u);
    EXPECT_EQ(node.connection()->version(), expected);
  }
}

TEST(VersionSim, ACompatibleChangeToVersion2CostsNoRoundTrip) {
  ServerEndpointSettings server;
  server.transport.versions = kTwoFirst;
  Sim sim{{.seed = 1, .conditions = {.delay = 50ms}, .server = server}};
  const TimePoint start = sim.clock.now();
  TransportSettings settings;
  settings.versions = kOneFirst;
  SimClient& client = sim.connect(settings);
  ASSERT_TRUE(sim.runUntil([&] { return client.isFinished; }, 10s));
  EXPECT_EQ(sim.clock.now() - start, 100ms);
  EXPECT_EQ(client.connection()->version(), kQuicVersion2);
}

TEST(VersionSim, ACompatibleChangeHoldsOnABadLink) {
  ServerEndpointSettings server = patient();
  server.transport.versions = kTwoFirst;
  TransportSettings client = server.transport;
  client.versions = kOneFirst;
  transferOverABadLink(server, client, kQuicVersion2);
  server.transport.versions = kOneFirst;
  client.versions = kTwoFirst;
  transferOverABadLink(server, client, kQuicVersion1);
}

TEST(VersionSim, ARetryAndAChangeHoldTogetherOnABadLink) {
  ServerEndpointSettings server = patient();
  server.transport.versions = kTwoFirst;
  server.retry.mode = RetryMode::Always;
  server.tokens.retryLifetime = 24h;
  TransportSettings client = server.transport;
  client.versions = kOneFirst;
  transferOverABadLink(server, client, kQuicVersion2);
}

TEST(VersionSim, AClientBeginsAgainOnABadLink) {
  ServerEndpointSettings server = patient();
  TransportSettings client = server.transport;
  client.versions = {kReserved, kQuicVersion1};
  transferOverABadLink(server, client, kQuicVersion1);
  server.transport.versions = {kQuicVersion2};
  client.versions = kOneFirst;
  transferOverABadLink(server, client, kQuicVersion2);
}

TEST(VersionSim, BeginningAgainCostsOneRoundTrip) {
  Sim sim{{.seed = 1, .conditions = {.delay = 50ms}}};
  TransportSettings settings;
  settings.versions = {kReserved, kQuicVersion1};
  const TimePoint start = sim.clock.now();
  SimClient& client = sim.connect(settings);
  ASSERT_TRUE(sim.runUntil([&] { return client.isFinished; }, 10s));
  EXPECT_EQ(sim.clock.now() - start, 200ms);
}

TEST(VersionSim, ATokenIsOfTheNegotiatedVersion) {
  // covers RFC 9369 §5
  ServerEndpointSettings server;
  server.transport.versions = kTwoFirst;
  server.retry.mode = RetryMode::Always;
  Sim sim{{.seed = 1, .server = server}};
  TransportSettings settings;
  settings.versions = kOneFirst;
  SimClient& first = sim.connect(settings);
  ASSERT_TRUE(sim.runUntil([&] { return !first.addressTokens.empty(); }, 10s));
  EXPECT_EQ(first.addressTokens.front().version, kQuicVersion2);
  settings.addressToken = first.addressTokens.front();
  SimClient& second = sim.connectAgain(first, settings);
  ASSERT_TRUE(sim.runUntil([&] { return second.isConfirmed; }, 10s));
  EXPECT_EQ(sim.server->endpoint().stats().retries, 2u) << "it is good for no connection that begins in version 1";
  settings.versions = kTwoFirst;
  SimClient& third = sim.connectAgain(second, settings);
  ASSERT_TRUE(sim.runUntil([&] { return third.isConfirmed; }, 10s));
  EXPECT_EQ(sim.server->endpoint().stats().retries, 2u);
}

}  // namespace
}  // namespace quic::test
