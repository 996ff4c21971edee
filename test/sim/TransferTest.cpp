// Assumes: echo server; every byte that comes back is compared with what was sent. Cannot see: kernel sockets, threads.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

struct NamedConditions {
  const char* name;
  LinkConditions conditions;
};

const std::vector<NamedConditions>& allConditions() {
  static const std::vector<NamedConditions> all = {
      {"clean", {.delay = 10ms}},
      {"loss", {.delay = 10ms, .loss = 0.03}},
      {"heavy loss", {.delay = 10ms, .loss = 0.2}},
      {"reordering", {.delay = 10ms, .jitter = 3ms, .reorder = 0.1}},
      {"duplication", {.delay = 10ms, .duplicate = 0.2}},
      {"corruption", {.delay = 10ms, .corrupt = 0.03}},
      {"narrow", {.delay = 10ms, .bytesPerSecond = 500'000, .queueBytes = 20'000}},
      {"all of it",
       {.delay = 10ms,
        .jitter = 3ms,
        .bytesPerSecond = 2'000'000,
        .queueBytes = 50'000,
        .loss = 0.02,
        .reorder = 0.03,
        .duplicate = 0.03,
        .corrupt = 0.01}},
  };
  return all;
}

TEST(TransferSim, EveryByteComesBackOnceUnderEveryCondition) {
  for (const uint64_t seed : simSeeds()) {
    const NamedConditions& named = allConditions()[seed % allConditions().size()];
    TransportSettings settings;
    // At 20 % loss a doubling timer may well outlast any idle timeout: what is asked here is that nothing is lost.
    settings.handshakeTimeout = 0s;
    settings.idleTimeout = 0s;
    Sim sim{{.seed = seed, .conditions = named.conditions, .server = {.transport = settings}}};
    SimClient& client = sim.connect(settings);
    client.transfer(120'000);
    for (int i = 0; i < 20; ++i) client.request();
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() || client.closeError; }, 3600s))
        << named.name << ", seed " << seed;
    ASSERT_FALSE(client.closeError) << named.name << ", seed " << seed << ": " << client.closeReason;
    ASSERT_EQ(client.wrong, 0u) << named.name << ", seed " << seed;
  }
}

TEST(TransferSim, KeysChangeUnderwayUnderEveryCondition) {
  // covers RFC 9001 §6
  uint64_t updates = 0;
  for (const uint64_t seed : simSeeds()) {
    const NamedConditions& named = allConditions()[seed % allConditions().size()];
    TransportSettings settings;
    settings.handshakeTimeout = 0s;
    settings.idleTimeout = 0s;
    settings.keyUpdateInterval = 10;
    TransportSettings serverSettings = settings;
    if (seed % 2 == 0) serverSettings.keyUpdateInterval = 0;
    Sim sim{{.seed = seed, .conditions = named.conditions, .server = {.transport = serverSettings}}};
    SimClient& client = sim.connect(settings);
    client.transfer(120'000);
    client.requestEvery(20ms, 50);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() || client.closeError; }, 3600s))
        << named.name << ", seed " << seed;
    ASSERT_FALSE(client.closeError) << named.name << ", seed " << seed << ": " << client.closeReason;
    ASSERT_EQ(client.wrong, 0u) << named.name << ", seed " << seed;
    updates += client.connection()->stats().keyUpdates;
  }
  EXPECT_GE(updates, simSeeds().size());
}

TEST(TransferSim, MoreStreamsThanTheLimitTakeTheirTurns) {
  Sim sim{{.seed = 2}};
  SimClient& client = sim.connect();
  for (int i = 0; i < 1000; ++i) client.request();
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s));
  EXPECT_EQ(client.wrong, 0u);
}

TEST(TransferSim, AWindowOfAFewKilobytesIsRefilled) {
  SimOptions options{.seed = 3};
  options.server.transport.streams.streamWindow = 4096;
  options.server.transport.streams.connectionWindow = 8192;
  Sim sim{options};
  TransportSettings settings;
  settings.streams.streamWindow = 5000;
  settings.streams.connectionWindow = 5000;
  SimClient& client = sim.connect(settings);
  client.transfer(300'000);
  client.transfer(100'000);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s));
  EXPECT_EQ(client.wrong, 0u);
}

TEST(TransferSim, FillsANarrowLink) {
  Sim sim{{.seed = 4, .conditions = {.delay = 20ms, .bytesPerSecond = 1'250'000, .queueBytes = 100'000}}};
  SimClient& client = sim.connect();
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
  const TimePoint start = sim.clock.now();
  client.transfer(5'000'000);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 120s));
  // Both directions carry it at once: 4 s at the link's rate, some headers, a start, a last round trip.
  EXPECT_LT(sim.clock.now() - start, 6s);
}

}  // namespace
}  // namespace quic::test
