// The agreement on server migration with real TLS: after HelloRetryRequest, in resumed connections, with early data that is
// accepted or refused; and that a move works afterwards. The other ways into a connection are in test/cpp/api.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

using enum ServerMigrationProtocol;

const SocketAddress kNew = simAddress("10.0.0.2:4433");

SimOptions optionsFor(uint64_t seed, ServerMigrationProtocol protocol) {
  SimOptions options{.seed = seed, .conditions = {.delay = 10ms}};
  options.server.transport.serverMigration = {protocol};
  options.server.transport.earlyData = true;
  if (protocol == POOL_OF_ADDRESSES) options.server.transport.migrationPool = {QuicIPAddress::from(kNew)};
  return options;
}

TransportSettings settingsFor(ServerMigrationProtocol protocol) {
  TransportSettings settings;
  settings.clientMigration.protocols = {protocol};
  return settings;
}

void expectMove(Sim& sim, SimClient& client, ServerMigrationProtocol protocol) {
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 10s)) << client.closeReason;
  EXPECT_EQ(client.handshake->serverMigration, ServerMigrationProtocols{protocol});
  client.request();
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 10s));
  sim.server->prepare(protocol, kNew);
  ASSERT_TRUE(sim.runUntil([&] { return sim.server->ready.size() == sim.server->connections.size(); }, 10s));
  sim.server->moveTo(kNew, 0ms);
  client.request();
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && !sim.server->completed.empty(); }, 10s));
  EXPECT_EQ(client.connection()->activePath().peer, kNew);
  EXPECT_EQ(client.wrong, 0u);
  EXPECT_FALSE(client.closeError);
}

/// A connection that leaves a session behind.
SimClient& meet(Sim& sim, const TransportSettings& settings) {
  SimClient& client = sim.connect(settings);
  EXPECT_TRUE(sim.runUntil([&] { return client.isConfirmed && !client.sessions.empty(); }, 10s));
  client.close();
  sim.runFor(10s);
  return client;
}

constexpr std::array kProtocols = {EXPLICIT, POOL_OF_ADDRESSES, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};

TEST(MigrationNegotiationSim, AfterAHelloRetryRequest) {
  for (const ServerMigrationProtocol protocol : kProtocols) {
    Sim sim{optionsFor(1, protocol)};
    SimClient& before = meet(sim, settingsFor(protocol));
    SimClient& client = sim.connectAgain(before, settingsFor(protocol), SimHello::Retried);
    expectMove(sim, client, protocol);
    EXPECT_FALSE(client.handshake->isResumed);
  }
}

TEST(MigrationNegotiationSim, AfterAHelloRetryRequestThatRefusesEarlyData) {
  for (const ServerMigrationProtocol protocol : kProtocols) {
    Sim sim{optionsFor(2, protocol)};
    SimClient& before = meet(sim, settingsFor(protocol));
    ASSERT_FALSE(before.sessions.empty());
    TransportSettings settings = settingsFor(protocol);
    settings.resumption = before.sessions.front();
    settings.earlyData = true;
    SimClient& client = sim.connectAgain(before, settings, SimHello::Retried);
    client.mayUseEarlyData = true;
    client.transfer(3000);
    expectMove(sim, client, protocol);
    EXPECT_EQ(client.handshake->earlyData, EarlyDataOutcome::Rejected);
  }
}

TEST(MigrationNegotiationSim, WithEarlyDataAndWithout) {
  for (const bool early : {true, false}) {
    for (const ServerMigrationProtocol protocol : kProtocols) {
      Sim sim{optionsFor(3, protocol)};
      SimClient& before = meet(sim, settingsFor(protocol));
      ASSERT_FALSE(before.sessions.empty());
      TransportSettings settings = settingsFor(protocol);
      settings.resumption = before.sessions.front();
      settings.earlyData = early;
      SimClient& client = sim.connectAgain(before, settings);
      client.transfer(3000);
      expectMove(sim, client, protocol);
      EXPECT_TRUE(client.handshake->isResumed);
      EXPECT_EQ(client.handshake->earlyData, early ? EarlyDataOutcome::Accepted : EarlyDataOutcome::NotOffered);
    }
  }
}

}  // namespace
}  // namespace quic::test
