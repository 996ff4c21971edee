// Assumes: one server, one client, links as given. Cannot see: kernel sockets, threads.
#include <gtest/gtest.h>

#include "sim/Sim.h"

namespace quic::test {
namespace {

TEST(HandshakeSim, CompletesAndIsConfirmedInTwoRoundTripsOnACleanLink) {
  Sim sim{{.seed = 1, .conditions = {.delay = 50ms}}};
  const TimePoint start = sim.clock.now();
  SimClient& client = sim.connect();
  ASSERT_TRUE(sim.runUntil([&] { return client.isFinished; }, 10s));
  EXPECT_EQ(sim.clock.now() - start, 100ms);
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 10s));
  EXPECT_EQ(sim.clock.now() - start, 200ms);
}

TEST(HandshakeSim, SurvivesThirtyPercentLoss) {
  for (const uint64_t seed : simSeeds()) {
    TransportSettings settings;
    settings.handshakeTimeout = 0s;
    settings.idleTimeout = 0s;
    Sim sim{{.seed = seed, .conditions = {.delay = 20ms, .loss = 0.3}, .server = {.transport = settings}}};
    SimClient& client = sim.connect(settings);
    ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 48h)) << "seed " << seed;
  }
}

TEST(HandshakeSim, TimesOutAtAServerThatIsSilent) {
  Sim sim{{.seed = 3}};
  sim.network.drop = [](const SimDatagram&) { return true; };
  SimClient& client = sim.connect();
  const TimePoint start = sim.clock.now();
  ASSERT_TRUE(sim.runUntil([&] { return client.closeError.has_value(); }, 60s));
  EXPECT_EQ(std::get<LocalErrorCode>(client.closeError->code), LocalErrorCode::HANDSHAKE_TIMEOUT);
  EXPECT_EQ(sim.clock.now() - start, 10s);
}

TEST(HandshakeSim, FailsAtOnceWhenTheNetworkSaysThatNobodyListens) {
  Sim sim{{.seed = 3, .conditions = {.delay = 10ms}}};
  sim.network.unbind(sim.server->address());
  SimClient& client = sim.connect();
  const TimePoint start = sim.clock.now();
  ASSERT_TRUE(sim.runUntil([&] { return client.closeError.has_value(); }, 60s));
  EXPECT_EQ(std::get<LocalErrorCode>(client.closeError->code), LocalErrorCode::PEER_UNREACHABLE);
  EXPECT_EQ(sim.clock.now() - start, 20ms);
}

TEST(HandshakeSim, SendsAtMostThreeTimesWhatAnUnvalidatedClientSent) {
  // covers RFC 9000 §8.1
  Sim sim{{.seed = 4}};
  uint64_t fromClient = 0;
  uint64_t fromServer = 0;
  sim.network.onSent = [&](TimePoint, const SimDatagram& datagram) {
    (datagram.from == sim.server->address() ? fromServer : fromClient) += datagram.bytes.size();
  };
  int seen = 0;
  sim.network.drop = [&](const SimDatagram& datagram) {  // only the first datagram of the client arrives
    return datagram.from == sim.server->address() || seen++ > 0;
  };
  sim.connect();
  sim.runFor(8s);
  EXPECT_GT(fromServer, 1200u);
  EXPECT_LE(fromServer, 3 * 1200u);
}

TEST(HandshakeSim, SameSeedSameEventsToTheByte) {
  const auto run = [](uint64_t seed) {
    Sim sim{{.seed = seed, .conditions = {.delay = 10ms, .loss = 0.05, .reorder = 0.05, .duplicate = 0.02}}};
    SimClient& client = sim.connect();
    client.transfer(100'000);
    EXPECT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s));
    return sim.network.hash();
  };
  EXPECT_EQ(run(11), run(11));
  EXPECT_NE(run(11), run(12));
}

TEST(HandshakeSim, RefusedWhileTheServerIsAboutToMove) {
  // covers RFC 9000 §5.2.2
  Sim sim{{.seed = 5}};
  sim.server->endpoint().refuseNewConnections(true);
  SimClient& client = sim.connect();
  ASSERT_TRUE(sim.runUntil([&] { return client.closeError.has_value(); }, 5s));
  EXPECT_EQ(std::get<TransportErrorCode>(client.closeError->code), TransportErrorCode::CONNECTION_REFUSED);
  EXPECT_EQ(client.closeError->initiator, Initiator::Remote);
}

TEST(HandshakeSim, IdleConnectionsEndAtTheIdleTimeout) {
  // covers RFC 9000 §10.1
  Sim sim{{.seed = 6}};
  TransportSettings settings;
  settings.idleTimeout = 5s;
  SimClient& client = sim.connect(settings);
  ASSERT_TRUE(sim.runUntil([&] { return client.closeError.has_value(); }, 60s));
  EXPECT_EQ(std::get<LocalErrorCode>(client.closeError->code), LocalErrorCode::IDLE_TIMEOUT);
  ASSERT_TRUE(sim.runUntil([&] { return !sim.server->closeErrors.empty(); }, 5s));
}

TEST(HandshakeSim, KeepAliveOutlivesTheIdleTimeout) {
  // covers RFC 9000 §10.1.2
  Sim sim{{.seed = 7}};
  TransportSettings settings;
  settings.idleTimeout = 5s;
  settings.keepAliveInterval = 2s;
  SimClient& client = sim.connect(settings);
  sim.runFor(60s);
  EXPECT_FALSE(client.closeError.has_value());
}

TEST(HandshakeSim, AnApplicationCloseReachesThePeerWithItsCode) {
  // covers RFC 9000 §10.2
  Sim sim{{.seed = 8}};
  SimClient& client = sim.connect();
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
  client.connection()->close(sim.clock.now(), ApplicationErrorCode{77}, "bye");
  client.endpoint().touch(1);
  client.wake();
  ASSERT_TRUE(sim.runUntil([&] { return !sim.server->closeErrors.empty(); }, 5s));
  EXPECT_EQ(std::get<ApplicationErrorCode>(sim.server->closeErrors[0].code), ApplicationErrorCode{77});
  sim.runFor(5s);
  EXPECT_EQ(sim.server->endpoint().connections().size(), 0u);
  EXPECT_EQ(client.endpoint().connections().size(), 0u);
}

}  // namespace
}  // namespace quic::test
