// A server that dies and comes back with nothing but its secret, with real TLS.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

TEST(StatelessResetSim, ClientsOfAServerThatWasRestartedHearItAtOnceAndComeBack) {
  for (const uint64_t seed : simSeeds()) {
    ServerEndpointSettings server;
    server.resetSecret = {9};
    server.transport.idleTimeout = 300s;
    Sim sim{{.seed = seed, .conditions = {.delay = 20ms, .loss = 0.1}, .server = server}};
    SimClient& client = sim.connect(server.transport);
    client.transfer(10'000);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 60s)) << "seed " << seed;
    sim.restartServer(server);
    client.request();
    ASSERT_TRUE(sim.runUntil([&] { return client.closeError.has_value(); }, 60s)) << "seed " << seed;
    EXPECT_EQ(std::get<LocalErrorCode>(client.closeError->code), LocalErrorCode::STATELESS_RESET);
    SimClient& again = sim.connectAgain(client, server.transport);
    again.transfer(10'000);
    ASSERT_TRUE(sim.runUntil([&] { return again.isDone(); }, 60s)) << "seed " << seed;
    EXPECT_EQ(again.wrong, 0u);
  }
}

TEST(StatelessResetSim, AnotherSecretEndsNothing) {
  ServerEndpointSettings server;
  server.resetSecret = {9};
  Sim sim{{.seed = 1, .server = server}};
  SimClient& client = sim.connect();
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 60s));
  server.resetSecret = {10};
  sim.restartServer(server);
  client.request();
  ASSERT_TRUE(sim.runUntil([&] { return client.closeError.has_value(); }, 600s));
  EXPECT_EQ(std::get<LocalErrorCode>(client.closeError->code), LocalErrorCode::IDLE_TIMEOUT);
}

}  // namespace
}  // namespace quic::test
