// Assumes: NATs that rebind, clients with several addresses, an attacker who copies datagrams. Every byte is accounted for.
// Cannot see: kernel sockets, threads.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "sim/Sim.h"

namespace quic::test {
namespace {

TransportSettings patient() {
  TransportSettings settings;
  settings.idleTimeout = settings.handshakeTimeout = 0s;
  return settings;
}

SimOptions optionsFor(uint64_t seed, const LinkConditions& conditions = {.delay = 15ms}) {
  SimOptions options{.seed = seed, .conditions = conditions};
  options.server.transport = patient();
  return options;
}

/// Which connection IDs were sent to, from where to where (short headers, IDs of 8 bytes).
struct IdWatch {
  explicit IdWatch(Sim& sim) {
    sim.network.onSent = [this](TimePoint, const SimDatagram& datagram) {
      if (datagram.bytes.size() < 9 || (datagram.bytes[0] & 0x80) != 0) return;
      ids[ByteVector(datagram.bytes.begin() + 1, datagram.bytes.begin() + 9)].insert({datagram.from, datagram.to});
    };
  }
  size_t mostPathsOfAnId() const {
    size_t most = 0;
    for (const auto& [id, paths] : ids) most = std::max(most, paths.size());
    return most;
  }
  std::map<ByteVector, std::set<std::pair<SocketAddress, SocketAddress>>> ids;
};

SocketAddress clientAddress(int host, int port = 50000) {
  return simAddress("10.1.0." + std::to_string(host) + ":" + std::to_string(port));
}

bool isUnderWay(const SimClient& client) { return client.isConfirmed && client.answered > 5; }

// B04. covers RFC 9000 §9.3
TEST(ConnectionMigrationSim, ANatThatRebindsThePortIsFollowed) {
  Sim sim{optionsFor(1)};
  SimClient& client = sim.connect();
  client.requestEvery(10ms, 200);
  ASSERT_TRUE(sim.runUntil([&] { return isUnderWay(client); }, 5s));
  client.rebindNat(clientAddress(1, 50001));
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 30s));
  EXPECT_EQ(client.wrong, 0u);
  ASSERT_EQ(sim.server->pathChanges.size(), 1u);
  EXPECT_EQ(sim.server->pathChanges[0].peer, clientAddress(1, 50001));
  EXPECT_TRUE(client.pathChanges.empty()) << "the client does not know";
  EXPECT_LE(client.worstLatency, 250ms);
}

// covers RFC 9000 §9.2, §9.5
TEST(ConnectionMigrationSim, AClientThatMovesProbesFirstAndUsesFreshIdsBothWays) {
  Sim sim{optionsFor(2)};
  const IdWatch watch(sim);
  SimClient& client = sim.connect();
  client.requestEvery(10ms, 200);
  ASSERT_TRUE(sim.runUntil([&] { return isUnderWay(client); }, 5s));
  const SocketAddress target = clientAddress(99);
  ASSERT_TRUE(client.migrate(target));
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 30s));
  sim.runFor(10s);
  EXPECT_EQ(client.wrong, 0u);
  ASSERT_EQ(client.pathChanges.size(), 1u);
  EXPECT_EQ(client.pathChanges[0].local, target);
  ASSERT_EQ(sim.server->pathChanges.size(), 1u);
  EXPECT_EQ(sim.server->pathChanges[0].peer, target);
  EXPECT_EQ(client.released, std::vector<SocketAddress>{clientAddress(1)}) << "the old socket may be closed";
  EXPECT_EQ(watch.mostPathsOfAnId(), 1u) << "no ID is seen on two paths";
  EXPECT_LE(client.worstLatency, 100ms) << "nothing waits for the probe";
}

TEST(ConnectionMigrationSim, AnIdleClientsMoveIsFollowedToo) {
  Sim sim{optionsFor(3)};
  SimClient& client = sim.connect();
  client.request();
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.isConfirmed; }, 5s));
  sim.runFor(2s);
  ASSERT_TRUE(client.migrate(clientAddress(99)));
  sim.runFor(2s);
  ASSERT_EQ(sim.server->pathChanges.size(), 1u);
  EXPECT_EQ(sim.server->pathChanges[0].peer, clientAddress(99));
}

// T-26. covers RFC 9000 §9.1: failure means that the new path is not usable, and no more
TEST(ConnectionMigrationSim, AMoveToAnAddressThatReachesNobodyChangesNothing) {
  Sim sim{optionsFor(4)};
  SimClient& client = sim.connect();
  client.requestEvery(10ms, 800);
  ASSERT_TRUE(sim.runUntil([&] { return isUnderWay(client); }, 5s));
  const SocketAddress target = clientAddress(99);
  uint64_t probes = 0;
  sim.network.drop = [&](const SimDatagram& datagram) {
    probes += datagram.from == target ? 1 : 0;
    return datagram.from == target;
  };
  ASSERT_TRUE(client.migrate(target));
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 30s));
  EXPECT_EQ(client.wrong, 0u);
  ASSERT_EQ(client.pathFailures.size(), 1u);
  EXPECT_EQ(client.pathFailures[0].local, target);
  EXPECT_EQ(client.released, std::vector<SocketAddress>{target});
  EXPECT_TRUE(client.pathChanges.empty());
  EXPECT_TRUE(sim.server->pathChanges.empty());
  EXPECT_LE(probes, 4u) << "no more often than Initial packets";
  EXPECT_LE(client.worstLatency, 100ms);
}

TEST(ConnectionMigrationSim, ASocketThatIsReplacedTwiceASecondLosesNothing) {
  Sim sim{optionsFor(5)};
  const IdWatch watch(sim);
  SimClient& client = sim.connect();
  client.transfer(3'000'000);
  client.requestEvery(10ms, 400);
  ASSERT_TRUE(sim.runUntil([&] { return isUnderWay(client); }, 5s));
  int moves = 0;
  while (!client.isDone() && moves < 100) {
    sim.runFor(500ms);
    if (client.isDone()) break;
    ASSERT_TRUE(client.rebindSocket(clientAddress(1, 50001 + moves))) << moves;
    ++moves;
  }
  EXPECT_GE(moves, 6);
  EXPECT_EQ(client.wrong, 0u);
  EXPECT_FALSE(client.closeError);
  EXPECT_EQ(watch.mostPathsOfAnId(), 1u);
}

// covers RFC 9000 §9, §18.2
TEST(ConnectionMigrationSim, AClientThatIsAskedNotToMoveDoesNot) {
  SimOptions options = optionsFor(6);
  options.server.transport.disableActiveMigration = true;
  Sim sim{options};
  SimClient& client = sim.connect();
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
  const Result<> moved = client.migrate(clientAddress(99));
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, QuicErrorCode(LocalErrorCode::MIGRATION_FORBIDDEN));
  // A NAT cannot be asked: its client is served all the same.
  client.rebindNat(clientAddress(1, 50001));
  client.request();
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 10s));
  EXPECT_EQ(sim.server->pathChanges.size(), 1u);
}

// X16. covers RFC 9000 §9.3.3
TEST(ConnectionMigrationSim, AnAttackerWhoForwardsCopiesFasterIsLeftAgain) {
  Sim sim{optionsFor(7)};
  SimClient& client = sim.connect();
  client.requestEvery(20ms, 300);
  ASSERT_TRUE(sim.runUntil([&] { return isUnderWay(client); }, 5s));
  const SocketAddress attacker = simAddress("10.6.6.6:666");
  struct : SimReceiver {
    void onDatagram(SimDatagram&&) override { ++received; }
    void onUnreachable(const SocketAddress&) override {}
    uint64_t received = 0;
  } sink;
  sim.network.bind(attacker, sink);
  // The original is held up; a copy from elsewhere comes first.
  int copies = 0;
  sim.network.onSent = [&](TimePoint, const SimDatagram& datagram) {
    if (datagram.from != client.address() || copies >= 20) return;
    ++copies;
    sim.clock.after(1ms, [&sim, copy = datagram, attacker]() mutable {
      copy.from = attacker;
      sim.network.send(std::move(copy));
    });
  };
  sim.network.drop = [&](const SimDatagram& datagram) { return datagram.from == client.address() && copies < 20; };
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone(); }, 60s));
  sim.runFor(10s);
  EXPECT_GT(sink.received, 0u);
  EXPECT_EQ(client.wrong, 0u);
  ASSERT_FALSE(sim.server->pathChanges.empty());
  EXPECT_EQ(sim.server->pathChanges.back().peer, client.address());
}

// covers RFC 9000 §8.2.3, §8.2.4, §14.2: the address is proved, the path does not carry 1200 bytes
TEST(ConnectionMigrationSim, APathThatProvesTooNarrowEndsTheConnection) {
  Sim sim{optionsFor(8)};
  SimClient& client = sim.connect();
  client.requestEvery(10ms, 3000);
  ASSERT_TRUE(sim.runUntil([&] { return isUnderWay(client); }, 5s));
  const SocketAddress outside = clientAddress(99);
  sim.network.drop = [&](const SimDatagram& datagram) {
    return datagram.to == outside && datagram.bytes.size() >= 1200;
  };
  client.rebindNat(outside);
  ASSERT_TRUE(sim.runUntil([&] { return client.closeError.has_value(); }, 25s));
  EXPECT_EQ(client.closeError->code, QuicErrorCode(TransportErrorCode::NO_VIABLE_PATH));
  EXPECT_EQ(client.closeError->initiator, Initiator::Remote);
}

/// NATs that rebind ports and addresses, moves and replaced sockets, under loss, reordering and duplication.
TEST(ConnectionMigrationSim, NothingIsLostWhateverAddressesDo) {
  const std::vector<LinkConditions> conditions = {
      {.delay = 10ms},
      {.delay = 10ms, .loss = 0.03},
      {.delay = 10ms, .jitter = 3ms, .loss = 0.05, .reorder = 0.05},
      {.delay = 5ms, .jitter = 2ms, .duplicate = 0.05, .corrupt = 0.01},
      {.delay = 10ms, .bytesPerSecond = 1'000'000, .queueBytes = 30'000},
  };
  for (const uint64_t seed : simSeeds()) {
    Sim sim{optionsFor(seed, conditions[seed % conditions.size()])};
    SimRandom dice(seed);
    SimClient& client = sim.connect(patient());
    client.transfer(300'000);
    client.requestEvery(20ms, 200);
    ASSERT_TRUE(sim.runUntil([&] { return isUnderWay(client); }, 3600s)) << "seed " << seed;
    bool isMovable = true;  // behind this NAT the host's own addresses are not used
    for (int move = 0; move < 4; ++move) {
      const int host = 10 + move;
      switch (dice.below(4)) {
        case 0:
          if (!isMovable || move == 0) client.rebindNat(clientAddress(1, 50001 + move)), isMovable = false;
          break;
        case 1:
          if (!isMovable || move == 0) client.rebindNat(clientAddress(host)), isMovable = false;
          break;
        case 2:
          if (isMovable) (void)client.migrate(clientAddress(host));
          break;
        default:
          if (isMovable) (void)client.rebindSocket(clientAddress(host));
      }
      (void)sim.runUntil([&] { return client.isDone(); }, std::chrono::milliseconds(dice.below(3000)));
    }
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() || client.closeError; }, 3600s)) << "seed " << seed;
    ASSERT_FALSE(client.closeError) << "seed " << seed << ": " << client.closeReason;
    ASSERT_EQ(client.wrong, 0u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace quic::test
