// Assumes: the Explicit protocol; the server leaves the network for a while between two addresses. Every byte and every
// request is accounted for. Cannot see: kernel sockets, threads, the other protocols.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

const SocketAddress kOld = simAddress("10.0.0.1:4433");
const SocketAddress kNew = simAddress("10.0.0.2:4433");

TransportSettings clientSettings(ExplicitProbing probing) {
  TransportSettings settings;
  settings.clientMigration.protocols = {ServerMigrationProtocol::EXPLICIT};
  settings.clientMigration.explicitProbing = probing;
  return settings;
}

TransportSettings patient(ExplicitProbing probing) {
  TransportSettings settings = clientSettings(probing);
  settings.idleTimeout = settings.handshakeTimeout = 0s;
  return settings;
}

SimOptions optionsFor(uint64_t seed, const LinkConditions& conditions) {
  SimOptions options{.seed = seed, .conditions = conditions};
  options.server.transport.serverMigration = {ServerMigrationProtocol::EXPLICIT};
  return options;
}

/// Announce, wait until every connection is ready, move.
void move(Sim& sim, const SocketAddress& target, Duration silentFor) {
  sim.server->prepare(ServerMigrationProtocol::EXPLICIT, target);
  ASSERT_TRUE(sim.runUntil([&] { return sim.server->ready.size() == sim.server->connections.size(); }, 3600s));
  sim.server->moveTo(target, silentFor);
}

TEST(ExplicitMigrationSim, ReactiveClientFollowsAndTellsSo) {
  Sim sim{optionsFor(1, {.delay = 15ms})};
  SimClient& client = sim.connect(clientSettings(ExplicitProbing::Reactive));
  client.requestEvery(10ms, 300);
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed && client.answered > 20; }, 5s));
  move(sim, kNew, 0ms);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 30s));
  EXPECT_EQ(client.migrationEvents, (std::vector<std::string>{"announced", "probing", "completed"}));
  EXPECT_EQ(client.connection()->activePath().peer, kNew);
  EXPECT_EQ(sim.server->completed.size(), 1u);
  EXPECT_EQ(client.wrong, 0u);
  EXPECT_LE(*client.downtime, 200ms);
}

TEST(ExplicitMigrationSim, ProactiveClientIsThereAsSoonAsTheServer) {
  Sim sim{optionsFor(2, {.delay = 15ms})};
  SimClient& client = sim.connect(clientSettings(ExplicitProbing::Proactive));
  client.requestEvery(10ms, 300);
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed && client.answered > 20; }, 5s));
  move(sim, kNew, 0ms);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 30s));
  EXPECT_EQ(client.connection()->activePath().peer, kNew);
  EXPECT_EQ(client.wrong, 0u);
  EXPECT_LE(*client.downtime, 200ms);
}

TEST(ExplicitMigrationSim, AManualClientProbesWhenItIsTold) {
  Sim sim{optionsFor(3, {.delay = 15ms})};
  SimClient& client = sim.connect(clientSettings(ExplicitProbing::Manual));
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
  EXPECT_FALSE(client.connection()->startProbing(sim.clock.now()));
  sim.server->prepare(ServerMigrationProtocol::EXPLICIT, kNew);
  ASSERT_TRUE(sim.runUntil([&] { return !sim.server->ready.empty(); }, 5s));
  sim.runFor(1s);
  EXPECT_EQ(client.migrationEvents, (std::vector<std::string>{"announced"}));
  ASSERT_TRUE(client.connection()->startProbing(sim.clock.now()));
  client.endpoint().touch(1);
  client.wake();
  sim.server->moveTo(kNew, 100ms);
  ASSERT_TRUE(sim.runUntil([&] { return client.downtime.has_value(); }, 5s));
  EXPECT_EQ(client.migrationEvents, (std::vector<std::string>{"announced", "probing", "completed"}));
  client.request();
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 5s));
  EXPECT_EQ(client.wrong, 0u);
}

TEST(ExplicitMigrationSim, AnIdleClientFollowsToo) {
  Sim sim{optionsFor(4, {.delay = 15ms})};
  SimClient& client = sim.connect(clientSettings(ExplicitProbing::Reactive));
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
  sim.runFor(2s);
  move(sim, kNew, 0ms);
  ASSERT_TRUE(sim.runUntil([&] { return client.downtime.has_value(); }, 5s));
  EXPECT_EQ(client.connection()->activePath().peer, kNew);
  client.request();
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 5s));
}

TEST(ExplicitMigrationSim, NothingIsLostThereAndBackUnderAnyCondition) {
  const std::vector<LinkConditions> conditions = {
      {.delay = 10ms},
      {.delay = 10ms, .loss = 0.03},
      {.delay = 10ms, .loss = 0.1, .reorder = 0.05},
      {.delay = 5ms, .jitter = 2ms, .duplicate = 0.05, .corrupt = 0.01},
      {.delay = 10ms, .bytesPerSecond = 1'000'000, .queueBytes = 30'000},
  };
  constexpr Duration kSilences[] = {0ms, 30ms, 200ms, 1500ms};
  for (const uint64_t seed : simSeeds()) {
    // Timeouts are off: at 10 % loss a doubling timer may outlast them, and what is asked here is that nothing is lost.
    SimOptions options = optionsFor(seed, conditions[seed % conditions.size()]);
    options.server.transport.idleTimeout = options.server.transport.handshakeTimeout = 0s;
    Sim sim{options};
    const Duration silence = kSilences[seed / conditions.size() % std::size(kSilences)];
    SimClient& reactive = sim.connect(patient(ExplicitProbing::Reactive));
    SimClient& proactive = sim.connect(patient(ExplicitProbing::Proactive));
    const auto all = [&](auto&& predicate) { return predicate(reactive) && predicate(proactive); };
    for (SimClient* client : {&reactive, &proactive}) {
      client->transfer(100'000);
      client->requestEvery(20ms, 60);
    }
    ASSERT_TRUE(sim.runUntil([&] { return all([](SimClient& c) { return c.isConfirmed && c.answered > 3; }); }, 3600s))
        << "seed " << seed;
    move(sim, kNew, silence);
    ASSERT_TRUE(sim.runUntil(
        [&] {
          return sim.server->completed.size() == 2 && all([](SimClient& c) {
                   return c.connection() == nullptr || c.connection()->activePath().peer == kNew;
                 });
        },
        3600s))
        << "seed " << seed;
    move(sim, kOld, silence);
    ASSERT_TRUE(sim.runUntil([&] { return all([](SimClient& c) { return c.isDone() || c.closeError; }); }, 3600s))
        << "seed " << seed;
    for (SimClient* client : {&reactive, &proactive}) {
      ASSERT_FALSE(client->closeError) << "seed " << seed << ": " << client->closeReason;
      ASSERT_EQ(client->wrong, 0u) << "seed " << seed;
      ASSERT_EQ(client->answered, client->asked) << "seed " << seed;
    }
  }
}

TEST(ExplicitMigrationSim, AServerWithAFullWindowIsAnsweredAtItsNewAddress) {
  // What the server sends from its new address fills its window; its answer to the challenge waits for acknowledgments, and
  // those must not go to the address that it has left.
  Sim sim{optionsFor(7, {.delay = 15ms})};
  SimClient& client = sim.connect(clientSettings(ExplicitProbing::Reactive));
  client.transfer(3'000'000);
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
  sim.server->prepare(ServerMigrationProtocol::EXPLICIT, kNew);
  ASSERT_TRUE(sim.runUntil([&] { return !sim.server->ready.empty(); }, 5s));
  int challenges = 0;
  sim.network.drop = [&](const SimDatagram& datagram) {  // the first challenges do not arrive, the server's data does
    return datagram.to == kNew && challenges++ < 3;
  };
  sim.server->moveTo(kNew, 0ms);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone() || client.closeError; }, 60s));
  EXPECT_FALSE(client.closeError);
  EXPECT_EQ(client.wrong, 0u);
  EXPECT_EQ(sim.server->completed.size(), 1u);
}

TEST(ExplicitMigrationSim, AClientWithoutTheExtensionIsServedUntilTheMoveAndIsNotTold) {
  Sim sim{optionsFor(5, {.delay = 15ms})};
  SimClient& client = sim.connect();
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
  sim.server->prepare(ServerMigrationProtocol::EXPLICIT, kNew);
  client.request();
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 5s));
  EXPECT_EQ(sim.server->failed, 1u);
  EXPECT_TRUE(client.migrationEvents.empty());
}

TEST(ExplicitMigrationSim, ADatagramFromAnAddressNobodyAnnouncedIsDropped) {
  Sim sim{optionsFor(6, {.delay = 15ms})};
  SimClient& client = sim.connect(clientSettings(ExplicitProbing::Reactive));
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
  sim.server->moveTo(kNew, 0ms);
  sim.runFor(1s);
  EXPECT_EQ(client.connection()->activePath().peer, kOld);
  EXPECT_FALSE(client.closeError);
}

}  // namespace
}  // namespace quic::test
