// Round trips that are longer than the first timer assumes, and links that go dark for a while.
// Cannot see: kernel sockets, threads; what a router tells of a link that is down.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

// ---------------------------------------------------------------- long round trips
// covers RFC 9002 §6.2.2: the first timer assumes 333 ms, and what it causes is no loss
TEST(LongRttSim, AHandshakeTakesItsRoundTripsWhateverTheFirstTimerAssumed) {
  Sim sim{{.seed = 1, .conditions = {.delay = 750ms}}};
  uint64_t fromClient = 0;
  sim.network.onSent = [&](TimePoint, const SimDatagram& datagram) {
    fromClient += datagram.to == sim.server->address() ? 1 : 0;
  };
  const TimePoint start = sim.clock.now();
  SimClient& client = sim.connect();
  ASSERT_TRUE(sim.runUntil([&] { return fromClient >= 2; }, 10s));
  EXPECT_LT(sim.clock.now() - start, 1500ms) << "it asks again before an answer can be there";
  ASSERT_TRUE(sim.runUntil([&] { return client.isFinished; }, 10s));
  EXPECT_EQ(sim.clock.now() - start, 1500ms);
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 10s));
  EXPECT_EQ(sim.clock.now() - start, 3000ms);
  const ConnectionStats stats = client.connection()->stats();
  EXPECT_EQ(stats.minRtt, 1500ms) << "the second copy's answer is no round trip of the first";
  EXPECT_EQ(stats.packetsLost, 0u);
  EXPECT_GE(stats.congestionWindow, 10u * kMinInitialDatagramSize);
}

TEST(LongRttSim, TransfersComeBackWhole) {
  for (const uint64_t seed : simSeeds()) {
    TransportSettings settings;
    settings.handshakeTimeout = 0s;
    settings.idleTimeout = 0s;
    const LinkConditions link{.delay = Duration(500ms) * (1 + seed % 4), .loss = seed % 3 * 0.01, .reorder = 0.01};
    Sim sim{{.seed = seed, .conditions = link, .server = {.transport = settings}}};
    SimClient& client = sim.connect(settings);
    client.transfer(50'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() || client.closeError; }, 600s)) << "seed " << seed;
    ASSERT_FALSE(client.closeError) << "seed " << seed << ": " << client.closeReason;
    ASSERT_EQ(client.wrong, 0u) << "seed " << seed;
  }
}

// ---------------------------------------------------------------- black holes
/// A link that carries nothing for a while, in one direction or in both.
struct BlackHole {
  TimePoint from;
  TimePoint until;
  enum class Way : uint8_t { Both, ToServer, ToClient } way = Way::Both;
  uint64_t swallowedLate = 0;  // later than a few round trips after its beginning

  void openOn(Sim& sim) {
    sim.network.drop = [this, &sim](const SimDatagram& datagram) {
      const TimePoint now = sim.clock.now();
      const bool isToServer = datagram.to == sim.server->address();
      if (now < from || now >= until || way == (isToServer ? Way::ToClient : Way::ToServer)) return false;
      swallowedLate += now >= from + 200ms ? 1 : 0;
      return true;
    };
  }
  [[nodiscard]] Duration length() const { return until - from; }
};

BlackHole holeFor(Sim& sim, uint64_t seed, Duration latest, Duration longest) {
  const auto random = [&](Duration below) {
    return Duration(static_cast<int64_t>(sim.chance.below(static_cast<uint64_t>(below.count()))));
  };
  BlackHole hole;
  hole.from = sim.clock.now() + random(latest);
  hole.until = hole.from + 100ms + random(longest);
  hole.way = static_cast<BlackHole::Way>(seed % 3);
  return hole;
}

/// A timer that doubles asks again before the silence has doubled; then the rest takes a few round trips.
TimePoint recoveredBy(const BlackHole& hole) { return hole.until + hole.length() + 4s; }

TEST(BlackHoleSim, ATransferGoesOnWhenTheLinkIsBack) {
  for (const uint64_t seed : simSeeds()) {
    Sim sim{{.seed = seed, .conditions = {.delay = 10ms, .bytesPerSecond = 500'000, .queueBytes = 50'000}}};
    SimClient& client = sim.connect();
    ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
    // Twice that, and the connection is still not idle for too long.
    BlackHole hole = holeFor(sim, seed, 300ms, 10s);
    hole.openOn(sim);
    client.transfer(150'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() || client.closeError; }, 60s)) << "seed " << seed;
    ASSERT_FALSE(client.closeError) << "seed " << seed << ": " << client.closeReason;
    ASSERT_EQ(client.wrong, 0u) << "seed " << seed;
    ASSERT_LE(sim.clock.now(), recoveredBy(hole)) << "seed " << seed;
    // Two probes of either end for each doubling of the silence.
    ASSERT_LE(hole.swallowedLate, 50u) << "seed " << seed;
  }
}

TEST(BlackHoleSim, AHandshakeGoesOnWhenTheLinkIsBack) {
  for (const uint64_t seed : simSeeds()) {
    Sim sim{{.seed = seed, .conditions = {.delay = 10ms}, .hasLongChain = seed % 2 == 0}};
    BlackHole hole = holeFor(sim, seed, 60ms, 3s);
    hole.openOn(sim);
    SimClient& client = sim.connect();
    ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed || client.closeError; }, 60s)) << "seed " << seed;
    ASSERT_FALSE(client.closeError) << "seed " << seed << ": " << client.closeReason;
    ASSERT_LE(sim.clock.now(), recoveredBy(hole)) << "seed " << seed;
  }
}

// covers RFC 9000 §10.1
TEST(BlackHoleSim, EndsBothEndsSilentlyWhenItOutlastsTheIdleTimeout) {
  for (const uint64_t seed : simSeeds()) {
    Sim sim{{.seed = seed, .conditions = {.delay = 10ms, .bytesPerSecond = 500'000, .queueBytes = 50'000}}};
    TransportSettings settings;
    settings.idleTimeout = 5s;
    SimClient& client = sim.connect(settings);
    ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
    BlackHole hole = holeFor(sim, seed, 300ms, 1ms);
    hole.until = hole.from + 120s;
    hole.way = BlackHole::Way::Both;
    hole.openOn(sim);
    client.transfer(500'000);
    const auto areEnded = [&] { return client.closeError && !sim.server->closeErrors.empty(); };
    ASSERT_TRUE(sim.runUntil(areEnded, 60s)) << "seed " << seed;
    // What is sent first after something was heard begins the time again, no more than that.
    ASSERT_LE(sim.clock.now(), hole.from + 5s + 1s) << "seed " << seed;
    EXPECT_EQ(std::get<LocalErrorCode>(client.closeError->code), LocalErrorCode::IDLE_TIMEOUT) << "seed " << seed;
    EXPECT_EQ(std::get<LocalErrorCode>(sim.server->closeErrors[0].code), LocalErrorCode::IDLE_TIMEOUT)
        << "seed " << seed;
    const uint64_t sent = sim.network.sent();
    sim.runFor(60s);
    EXPECT_EQ(sim.network.sent(), sent) << "seed " << seed;
  }
}

}  // namespace
}  // namespace quic::test
