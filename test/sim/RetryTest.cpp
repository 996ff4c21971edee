// Retry and address tokens with real TLS, on links that lose, copy, reorder and damage. Cannot see: kernel sockets.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

ServerEndpointSettings alwaysRetry() {
  ServerEndpointSettings settings;
  settings.retry.mode = RetryMode::Always;
  settings.transport.handshakeTimeout = 0s;
  settings.transport.idleTimeout = 0s;
  return settings;
}

TEST(RetrySim, CostsOneRoundTrip) {
  Sim sim{{.seed = 1, .conditions = {.delay = 50ms}, .server = alwaysRetry()}};
  const TimePoint start = sim.clock.now();
  SimClient& client = sim.connect();
  ASSERT_TRUE(sim.runUntil([&] { return client.isFinished; }, 10s));
  EXPECT_EQ(sim.clock.now() - start, 200ms);
  EXPECT_EQ(sim.server->endpoint().stats().retries, 1u);
  EXPECT_EQ(sim.server->endpoint().stats().accepted, 1u);
}

TEST(RetrySim, HandshakesAndTransfersCompleteOnABadLink) {
  for (const uint64_t seed : simSeeds()) {
    ServerEndpointSettings server = alwaysRetry();
    server.tokens.retryLifetime = 24h;
    Sim sim{{.seed = seed,
             .conditions = {.delay = 20ms, .loss = 0.2, .reorder = 0.1, .duplicate = 0.1, .corrupt = 0.02},
             .server = server}};
    SimClient& client = sim.connect(server.transport);
    client.transfer(50'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 48h)) << "seed " << seed;
    EXPECT_EQ(client.wrong, 0u);
    EXPECT_GE(sim.server->endpoint().stats().retries, 1u);
  }
}

TEST(RetrySim, ATokenIsHandedOnOnABadLinkAndSparesTheNextRetry) {
  for (const uint64_t seed : simSeeds()) {
    ServerEndpointSettings server = alwaysRetry();
    server.tokens.retryLifetime = 24h;
    Sim sim{{.seed = seed, .conditions = {.delay = 20ms, .loss = 0.2}, .server = server}};
    SimClient& first = sim.connect(server.transport);
    ASSERT_TRUE(sim.runUntil([&] { return !first.addressTokens.empty(); }, 48h)) << "seed " << seed;
    EXPECT_EQ(first.addressTokens.size(), 1u);
    first.close();
    sim.runFor(10s);
    const uint64_t retries = sim.server->endpoint().stats().retries;
    sim.network.conditions.loss = 0;
    TransportSettings settings = server.transport;
    settings.addressToken = first.addressTokens.front();
    SimClient& again = sim.connectAgain(first, settings);
    ASSERT_TRUE(sim.runUntil([&] { return again.isConfirmed; }, 48h)) << "seed " << seed;
    EXPECT_EQ(sim.server->endpoint().stats().retries, retries) << "seed " << seed;
  }
}

TEST(RetrySim, AServerUnderLoadServesThoseWhoAreThere) {
  ServerEndpointSettings server = alwaysRetry();
  server.retry = {RetryMode::UnderLoad, 8, 1000};
  Sim sim{{.seed = 5, .conditions = {.delay = 50ms}, .server = server}};
  for (int i = 0; i < 40; ++i) sim.connect(server.transport);
  ASSERT_TRUE(sim.runUntil(
      [&] {
        return std::all_of(sim.clients.begin(), sim.clients.end(),
                           [](const auto& client) { return client->isConfirmed; });
      },
      60s));
  EXPECT_EQ(sim.server->endpoint().stats().accepted, 40u);
  EXPECT_EQ(sim.server->endpoint().stats().retries, 32u);
}

}  // namespace
}  // namespace quic::test
