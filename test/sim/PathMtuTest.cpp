// Assumes: links that drop what is larger than their MTU and tell nobody. Every byte is accounted for. Cannot see: the
// kernel's own refusal of large datagrams, ICMP.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

TransportSettings patient(size_t maxDatagramSize = 0) {
  TransportSettings settings;
  settings.idleTimeout = settings.handshakeTimeout = 0s;
  settings.maxDatagramSize = maxDatagramSize;
  return settings;
}

uint64_t sizeOf(SimClient& client) { return client.connection()->stats().datagramSize; }

uint64_t serverSizeOf(Sim& sim) {
  return sim.server->endpoint().find(*sim.server->connections.begin())->stats().datagramSize;
}

// covers RFC 9000 §14.3
TEST(PathMtuSim, BothEndsFindWhatTheLinkCarries) {
  struct Case {
    size_t mtu, least, most;
  };
  const Case cases[] = {{1200, 1200, 1200}, {1300, 1278, 1300}, {1400, 1378, 1400}, {1500, 1472, 1472}};
  for (const Case& link : cases) {
    Sim sim{{.seed = 1, .conditions = {.delay = 5ms, .mtu = link.mtu}}};
    SimClient& client = sim.connect();
    client.transfer(5'000'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s)) << link.mtu;
    EXPECT_EQ(client.wrong, 0u);
    EXPECT_GE(sizeOf(client), link.least);
    EXPECT_LE(sizeOf(client), link.most);
    EXPECT_GE(serverSizeOf(sim), link.least);
    EXPECT_LE(serverSizeOf(sim), link.most);
  }
}

TEST(PathMtuSim, JumboFramesAreUsedWhereTheyAreAllowed) {
  SimOptions options{.seed = 2, .conditions = {.delay = 5ms, .mtu = 9000}};
  options.server.transport = patient(65507);
  Sim sim{options};
  SimClient& client = sim.connect(patient(65507));
  client.transfer(3'000'000);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s));
  EXPECT_GE(sizeOf(client), 8800u);
  EXPECT_LE(sizeOf(client), 9000u);
}

// covers RFC 9000 §14.2: nothing but a probe is larger than what is known
TEST(PathMtuSim, SwitchedOffNothingIsLargerThanTheBase) {
  SimOptions options{.seed = 3};
  options.server.transport.pathMtuDiscovery = false;
  TransportSettings settings;
  settings.pathMtuDiscovery = false;
  Sim sim{options};
  size_t largest = 0;
  sim.network.onSent = [&](TimePoint, const SimDatagram& datagram) {
    largest = std::max(largest, datagram.bytes.size());
  };
  SimClient& client = sim.connect(settings);
  client.transfer(300'000);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s));
  EXPECT_EQ(largest, 1200u);
}

// covers RFC 9000 §14.4: a lost probe is no sign of congestion
TEST(PathMtuSim, LostProbesDoNotSlowATransferDown) {
  Duration took[2];
  for (const bool discovers : {false, true}) {
    SimOptions options{.seed = 4, .conditions = {.delay = 20ms, .mtu = 1300}};
    options.server.transport.pathMtuDiscovery = discovers;
    TransportSettings settings;
    settings.pathMtuDiscovery = discovers;
    Sim sim{options};
    SimClient& client = sim.connect(settings);
    client.transfer(2'000'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s));
    took[discovers ? 1 : 0] = sim.clock.now() - *client.finishedAt;
  }
  EXPECT_LE(took[1], took[0] + 60ms);
}

/// The link's MTU changes in the middle, to and fro; bytes and requests all arrive.
TEST(PathMtuSim, NothingIsLostWhenTheLinkBecomesNarrowerOrWider) {
  for (const uint64_t seed : simSeeds()) {
    SimRandom dice(seed);
    const size_t kSizes[] = {1200, 1280, 1350, 1420, 1500, 9000};
    SimOptions options{.seed = seed,
                       .conditions = {.delay = 10ms,
                                      .jitter = seed % 3 == 0 ? 2ms : 0ms,
                                      .loss = seed % 2 == 0 ? 0.0 : 0.02,
                                      .mtu = kSizes[dice.below(std::size(kSizes))]}};
    const size_t most = seed % 4 == 0 ? 8972 : 0;
    options.server.transport = patient(most);
    Sim sim{options};
    SimClient& client = sim.connect(patient(most));
    client.transfer(1'000'000);
    client.requestEvery(20ms, 150);
    for (int change = 0; change < 4; ++change) {
      (void)sim.runUntil([&] { return client.isDone(); }, std::chrono::milliseconds(dice.below(800)));
      sim.network.conditions.mtu = kSizes[dice.below(std::size(kSizes))];
    }
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() || client.closeError; }, 3600s)) << "seed " << seed;
    ASSERT_FALSE(client.closeError) << "seed " << seed << ": " << client.closeReason;
    ASSERT_EQ(client.wrong, 0u) << "seed " << seed;
  }
}

// covers RFC 9000 §14.2.1 and RFC 8899 §4.3: a black hole is noticed without any message of the network
TEST(PathMtuSim, ABlackHoleIsLeftWithinAFewRoundTrips) {
  Sim sim{{.seed = 5, .conditions = {.delay = 10ms}}};
  SimClient& client = sim.connect();
  client.transfer(2'000'000);
  ASSERT_TRUE(sim.runUntil([&] { return client.isFinished && sizeOf(client) == 1472; }, 5s));
  sim.network.conditions.mtu = 1300;
  ASSERT_TRUE(sim.runUntil([&] { return sizeOf(client) <= 1300; }, 1s));
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s));
  EXPECT_EQ(client.wrong, 0u);
  EXPECT_GE(sizeOf(client), 1280u);
}

// covers RFC 9000 §14.2, §8.2.4: below 1200 bytes there is no viable path, and that can still be said
// row M01
TEST(PathMtuSim, APathBelowTheLeastSizeEndsTheConnection) {
  Sim sim{{.seed = 6, .conditions = {.delay = 10ms}}};
  SimClient& client = sim.connect();
  client.transfer(2'000'000);
  ASSERT_TRUE(sim.runUntil([&] { return client.isFinished && sizeOf(client) == 1472; }, 5s));
  sim.network.conditions.mtu = 1100;
  ASSERT_TRUE(sim.runUntil([&] { return client.closeError && !sim.server->closeErrors.empty(); }, 25s));
  EXPECT_EQ(client.closeError->code, QuicErrorCode(TransportErrorCode::NO_VIABLE_PATH));
  EXPECT_EQ(sim.server->closeErrors[0].code, QuicErrorCode(TransportErrorCode::NO_VIABLE_PATH));
}

TEST(PathMtuSim, AnIdleConnectionProbesNothing) {
  Sim sim{{.seed = 7, .conditions = {.delay = 10ms}}};
  SimClient& client = sim.connect();
  client.request();
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 5s));
  sim.runFor(2s);
  const uint64_t sent = sim.network.sent();
  sim.runFor(20s);
  EXPECT_EQ(sim.network.sent(), sent);
  EXPECT_EQ(sizeOf(client), 1200u);
}

}  // namespace
}  // namespace quic::test
