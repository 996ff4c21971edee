// Assumes: a server with a second address that it prefers. Every byte is accounted for. Cannot see: kernel sockets.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

const SocketAddress kFirst = simAddress("10.0.0.1:4433");
const SocketAddress kPreferred = simAddress("10.0.0.9:4433");

SimOptions optionsFor(uint64_t seed, const LinkConditions& conditions) {
  SimOptions options{.seed = seed, .conditions = conditions};
  options.server.transport.idleTimeout = options.server.transport.handshakeTimeout = 0s;
  options.server.transport.preferredV4 = kPreferred;
  return options;
}

TransportSettings patient() {
  TransportSettings settings;
  settings.idleTimeout = settings.handshakeTimeout = 0s;
  return settings;
}

// covers RFC 9000 §9.6
TEST(PreferredAddressSim, AClientGoesThereAndNothingWaits) {
  Sim sim{optionsFor(1, {.delay = 15ms})};
  sim.server->addAddress(kPreferred);
  SimClient& client = sim.connect();
  client.requestEvery(10ms, 200);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 30s));
  EXPECT_EQ(client.wrong, 0u);
  EXPECT_EQ(client.connection()->activePath().peer, kPreferred);
  ASSERT_EQ(sim.server->pathChanges.size(), 1u);
  EXPECT_EQ(sim.server->pathChanges[0].local, kPreferred);
  EXPECT_LE(client.worstLatency, 150ms);
  EXPECT_TRUE(client.released.empty());
}

// X13
TEST(PreferredAddressSim, AnAddressWhereNobodyListensIsNotMissed) {
  Sim sim{optionsFor(2, {.delay = 15ms})};
  SimClient& client = sim.connect();
  client.requestEvery(10ms, 500);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 30s));
  EXPECT_EQ(client.connection()->activePath().peer, kFirst);
  EXPECT_EQ(client.pathFailures.size(), 1u);
  EXPECT_LE(client.worstLatency, 150ms);
}

TEST(PreferredAddressSim, NothingIsLostUnderAnyConditionAlsoWhenTheClientMoves) {
  const std::vector<LinkConditions> conditions = {
      {.delay = 10ms},
      {.delay = 10ms, .loss = 0.05},
      {.delay = 10ms, .jitter = 3ms, .loss = 0.02, .reorder = 0.05},
      {.delay = 5ms, .jitter = 2ms, .duplicate = 0.05, .corrupt = 0.01},
  };
  for (const uint64_t seed : simSeeds()) {
    Sim sim{optionsFor(seed, conditions[seed % conditions.size()])};
    SimRandom dice(seed);
    const bool isThere = seed % 5 != 0;
    if (isThere) sim.server->addAddress(kPreferred);
    SimClient& client = sim.connect(patient());
    client.transfer(300'000);
    client.requestEvery(20ms, 100);
    ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 3600s)) << "seed " << seed;
    (void)sim.runUntil([&] { return client.isDone(); }, std::chrono::milliseconds(dice.below(60)));
    switch (dice.below(4)) {
      case 0: (void)client.migrate(simAddress("10.1.0.50:50000")); break;
      case 1: (void)client.rebindSocket(simAddress("10.1.0.50:50000")); break;
      case 2: client.rebindNat(simAddress("10.1.0.1:50001")); break;
      default: break;
    }
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() || client.closeError; }, 3600s)) << "seed " << seed;
    ASSERT_FALSE(client.closeError) << "seed " << seed << ": " << client.closeReason;
    ASSERT_EQ(client.wrong, 0u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace quic::test
