// Resumption and 0-RTT with real TLS, on links that lose, copy, reorder and damage. Cannot see: kernel sockets, another clock
// for the age of tickets than the one of the simulation.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

/// A Version Negotiation packet has no integrity of its own (RFC 8999 §6): what a link damages there UDP's checksum would catch.
constexpr LinkConditions kLossyLink{.delay = 20ms, .loss = 0.2, .reorder = 0.1, .duplicate = 0.1};
constexpr LinkConditions kBadLink{.delay = 20ms, .loss = 0.2, .reorder = 0.1, .duplicate = 0.1, .corrupt = 0.02};

ServerEndpointSettings answering() {
  ServerEndpointSettings settings;
  settings.transport.earlyData = true;
  settings.transport.handshakeTimeout = 0s;
  settings.transport.idleTimeout = 0s;
  settings.tokens.retryLifetime = 24h;
  return settings;
}

/// What a client gives that comes back with all that it was given.
TransportSettings resuming(const SimClient& before, const TransportSettings& first) {
  TransportSettings settings = first;
  settings.resumption = before.sessions.front();
  settings.earlyData = true;
  return settings;
}

/// A first connection, over a good link, that leaves a session behind.
SimClient& meet(Sim& sim, const TransportSettings& settings) {
  const LinkConditions conditions = sim.network.conditions;
  sim.network.conditions = {.delay = 20ms};
  SimClient& client = sim.connect(settings);
  EXPECT_TRUE(sim.runUntil([&] { return client.isConfirmed && !client.sessions.empty(); }, 10s));
  EXPECT_FALSE(client.handshake->isResumed);
  client.close();
  sim.runFor(10s);
  sim.network.conditions = conditions;
  return client;
}

TEST(EarlyDataSim, IsAnsweredAfterOneRoundTrip) {
  for (const bool early : {true, false}) {
    Sim sim{{.seed = 1, .conditions = {.delay = 50ms}, .server = answering()}};
    SimClient& first = meet(sim, {});
    ASSERT_FALSE(first.sessions.empty());
    TransportSettings settings = resuming(first, {});
    settings.earlyData = early;
    const TimePoint start = sim.clock.now();
    SimClient& client = sim.connectAgain(first, settings);
    client.transfer(500);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 10s));
    EXPECT_EQ(*client.lastDoneAt - start, early ? 100ms : 200ms);
    EXPECT_TRUE(client.handshake->isResumed);
    EXPECT_EQ(client.handshake->earlyData, early ? EarlyDataOutcome::Accepted : EarlyDataOutcome::NotOffered);
    EXPECT_EQ(client.wrong, 0u);
  }
}

TEST(EarlyDataSim, TransfersCompleteOnABadLink) {
  for (const uint64_t seed : simSeeds()) {
    Sim sim{{.seed = seed, .conditions = kBadLink, .server = answering()}};
    const TransportSettings base = answering().transport;
    SimClient& first = meet(sim, base);
    SimClient& client = sim.connectAgain(first, resuming(first, base));
    for (int i = 0; i < 5; ++i) client.transfer(20'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 48h))
        << "seed " << seed << " " << client.closeReason;
    EXPECT_EQ(client.wrong, 0u) << "seed " << seed;
    EXPECT_EQ(client.handshake->earlyData, EarlyDataOutcome::Accepted) << "seed " << seed;
    EXPECT_FALSE(client.closeError) << "seed " << seed;
  }
}

TEST(EarlyDataSim, WaitsAtAServerThatAnswersOnlyWhomItKnows) {
  // row X45
  for (const uint64_t seed : simSeeds()) {
    ServerEndpointSettings server = answering();
    server.transport.earlyData = false;
    Sim sim{{.seed = seed, .conditions = kBadLink, .server = server}};
    SimClient& first = meet(sim, server.transport);
    SimClient& client = sim.connectAgain(first, resuming(first, server.transport));
    for (int i = 0; i < 5; ++i) client.transfer(5'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 48h))
        << "seed " << seed << " " << client.closeReason;
    EXPECT_EQ(client.wrong, 0u) << "seed " << seed;
    EXPECT_EQ(client.handshake->earlyData, EarlyDataOutcome::Accepted) << "seed " << seed;
  }
}

TEST(EarlyDataSim, IsSentAgainToAServerThatHasBecomeSmaller) {
  // covers RFC 9001 §4.6.2
  for (const uint64_t seed : simSeeds()) {
    Sim sim{{.seed = seed, .conditions = kBadLink, .server = answering()}};
    const TransportSettings base = answering().transport;
    SimClient& first = meet(sim, base);
    ServerEndpointSettings smaller = answering();
    smaller.transport.streams.bidirectionalStreams = 2;
    smaller.transport.streams.initialStreamWindow = 3'000;
    smaller.transport.streams.initialConnectionWindow = 5'000;
    sim.restartServer(smaller);
    SimClient& client = sim.connectAgain(first, resuming(first, base));
    for (int i = 0; i < 5; ++i) client.transfer(20'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 48h))
        << "seed " << seed << " " << client.closeReason;
    EXPECT_EQ(client.wrong, 0u) << "seed " << seed;
    EXPECT_EQ(client.handshake->earlyData, EarlyDataOutcome::Rejected) << "seed " << seed;
    EXPECT_TRUE(client.handshake->isResumed) << "seed " << seed;
    EXPECT_FALSE(client.closeError) << "seed " << seed;
  }
}

TEST(EarlyDataSim, IsRefusedByAServerThatAsksForAnotherClientHello) {
  // covers RFC 9001 §4.6.2
  for (const uint64_t seed : simSeeds()) {
    Sim sim{{.seed = seed, .conditions = kBadLink, .server = answering()}};
    const TransportSettings base = answering().transport;
    SimClient& first = meet(sim, base);
    SimClient& client = sim.connectAgain(first, resuming(first, base), SimHello::Retried);
    for (int i = 0; i < 5; ++i) client.transfer(5'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 48h))
        << "seed " << seed << " " << client.closeReason;
    EXPECT_EQ(client.wrong, 0u) << "seed " << seed;
    EXPECT_EQ(client.handshake->earlyData, EarlyDataOutcome::Rejected) << "seed " << seed;
    EXPECT_TRUE(client.handshake->isResumed) << "seed " << seed;
  }
}

TEST(EarlyDataSim, OutlivesARetry) {
  // covers RFC 9000 §17.2.5.3
  for (const uint64_t seed : simSeeds()) {
    ServerEndpointSettings server = answering();
    server.retry.mode = RetryMode::Always;
    Sim sim{{.seed = seed, .conditions = kBadLink, .server = server}};
    SimClient& first = meet(sim, server.transport);
    SimClient& client = sim.connectAgain(first, resuming(first, server.transport));
    for (int i = 0; i < 5; ++i) client.transfer(5'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 48h))
        << "seed " << seed << " " << client.closeReason;
    EXPECT_EQ(client.wrong, 0u) << "seed " << seed;
    EXPECT_EQ(client.handshake->earlyData, EarlyDataOutcome::Accepted) << "seed " << seed;
  }
}

TEST(EarlyDataSim, IsSentAgainInAnotherVersionOfQuic) {
  for (const uint64_t seed : simSeeds()) {
    ServerEndpointSettings server = answering();
    server.transport.versions = {kQuicVersion2, kQuicVersion1};
    Sim sim{{.seed = seed, .conditions = kLossyLink, .server = server}};
    SimClient& first = meet(sim, server.transport);
    const TransportSettings settings = resuming(first, server.transport);
    server.transport.versions = {kQuicVersion1};
    sim.restartServer(server);
    SimClient& client = sim.connectAgain(first, settings);
    for (int i = 0; i < 5; ++i) client.transfer(5'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 48h))
        << "seed " << seed << " " << client.closeReason;
    EXPECT_EQ(client.wrong, 0u) << "seed " << seed;
    EXPECT_EQ(client.handshake->earlyData, EarlyDataOutcome::Rejected) << "seed " << seed;
    EXPECT_EQ(client.connection()->version(), kQuicVersion1) << "seed " << seed;
  }
}

TEST(EarlyDataSim, StaysInItsVersionWhenTheServerGoesOverToAnother) {
  // covers RFC 9369 §4.1
  for (const uint64_t seed : simSeeds()) {
    ServerEndpointSettings server = answering();
    Sim sim{{.seed = seed, .conditions = kBadLink, .server = server}};
    SimClient& first = meet(sim, server.transport);
    server.transport.versions = {kQuicVersion2, kQuicVersion1};
    sim.restartServer(server);
    TransportSettings settings = resuming(first, server.transport);
    settings.versions = {kQuicVersion1, kQuicVersion2};
    SimClient& client = sim.connectAgain(first, settings);
    for (int i = 0; i < 5; ++i) client.transfer(5'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 48h))
        << "seed " << seed << " " << client.closeReason;
    EXPECT_EQ(client.wrong, 0u) << "seed " << seed;
    EXPECT_EQ(client.handshake->earlyData, EarlyDataOutcome::Accepted) << "seed " << seed;
    EXPECT_EQ(client.connection()->version(), kQuicVersion2) << "seed " << seed;
  }
}

TEST(EarlyDataSim, WithAnAddressTokenItNeedsNoRetry) {
  ServerEndpointSettings server = answering();
  server.retry.mode = RetryMode::Always;
  Sim sim{{.seed = 3, .conditions = {.delay = 50ms}, .server = server}};
  SimClient& first = meet(sim, {});
  ASSERT_FALSE(first.addressTokens.empty());
  TransportSettings settings = resuming(first, {});
  settings.addressToken = first.addressTokens.front();
  const TimePoint start = sim.clock.now();
  SimClient& client = sim.connectAgain(first, settings);
  client.transfer(500);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 10s));
  EXPECT_EQ(*client.lastDoneAt - start, 100ms);
}

}  // namespace
}  // namespace quic::test
