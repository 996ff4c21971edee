// Loss recovery and congestion over links that do one thing only. Assumes: NewReno. Cannot see: real queues, real clocks.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

// covers RFC 9002 §6.1: what is only late is soon not taken for lost, and costs no window
TEST(RecoverySim, LearnsToBearReordering) {
  const std::vector<uint64_t> seeds = simSeeds();
  size_t reduced = 0;
  for (const uint64_t seed : seeds) {
    Sim sim{{.seed = seed, .conditions = {.delay = 10ms, .reorder = 0.03}}};
    SimClient& client = sim.connect();
    ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
    client.transfer(1'000'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s)) << seed;
    sim.runFor(1s);
    const ConnectionStats stats = client.connection()->stats();
    EXPECT_EQ(stats.packetsLost, stats.packetsSpuriouslyLost) << "nothing was lost, seed " << seed;
    EXPECT_LE(stats.packetsLost, 60u) << seed;
    reduced += stats.congestionWindow < 200'000 ? 1 : 0;
  }
  // One alone may stand: when another begins before the last packet behind the first has arrived. That is rare.
  EXPECT_LE(reduced, 1 + seeds.size() / 100) << "reductions are taken back";
}

// covers RFC 9000 §13.4.2
TEST(RecoverySim, ConnectsOverAPathThatSwallowsMarkedPackets) {
  Sim sim{{.seed = 5, .conditions = {.delay = 10ms}}};
  sim.network.drop = [](const SimDatagram& datagram) { return datagram.ecn != Ecn::NotEct; };
  SimClient& client = sim.connect();
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 10s));
  client.transfer(100'000);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 10s));
  EXPECT_EQ(client.wrong, 0u);
}

}  // namespace
}  // namespace quic::test
