// draft-ietf-quic-ack-frequency between two ends of ours: what it saves, and that it costs nothing.
// Cannot see: foreign ends (npm run test:interop).
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

struct Cost {
  uint64_t datagrams = 0;
  Duration time{0};
};

Cost costOf(bool clientOffers, bool serverOffers) {
  TransportSettings settings;
  settings.ackFrequency = serverOffers;
  Sim sim{{.seed = 1,
           .conditions = {.delay = 20ms, .bytesPerSecond = 5'000'000, .queueBytes = 100'000},
           .server = {.transport = settings}}};
  settings.ackFrequency = clientOffers;
  SimClient& client = sim.connect(settings);
  EXPECT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
  const TimePoint start = sim.clock.now();
  const uint64_t before = sim.network.sent();
  client.transfer(1'000'000);
  EXPECT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s));
  EXPECT_EQ(client.wrong, 0u);
  return {sim.network.sent() - before, sim.clock.now() - start};
}

TEST(AckFrequencySim, SavesDatagramsWhenBothEndsOfferIt) {
  const Cost without = costOf(false, false);
  const Cost with = costOf(true, true);
  EXPECT_LT(with.datagrams, without.datagrams * 95 / 100);
  EXPECT_LT(with.time, without.time * 11 / 10);
  const Cost half = costOf(true, false);
  EXPECT_EQ(half.datagrams, without.datagrams) << "one end alone changes nothing";
}

TEST(AckFrequencySim, NothingIsLostUnderAnyCondition) {
  for (const uint64_t seed : simSeeds()) {
    TransportSettings settings;
    settings.ackFrequency = true;
    settings.handshakeTimeout = 0s;
    settings.idleTimeout = 0s;
    const LinkConditions link{.jitter = 3ms,
                              .loss = static_cast<double>(seed % 4) * 0.03,
                              .reorder = seed % 3 * 0.05,
                              .duplicate = 0.02,
                              .corrupt = 0.01};
    Sim sim{{.seed = seed, .conditions = link, .server = {.transport = settings}}};
    SimClient& client = sim.connect(settings);
    client.transfer(200'000);
    client.requestEvery(20ms, 20);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() || client.closeError; }, 3600s)) << "seed " << seed;
    ASSERT_FALSE(client.closeError) << "seed " << seed << ": " << client.closeReason;
    ASSERT_EQ(client.wrong, 0u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace quic::test
