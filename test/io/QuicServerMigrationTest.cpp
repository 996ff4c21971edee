// A server that really moves, from 127.0.0.1 to 127.0.0.2, under its clients. The protocols' finer points, losses and
// delays are the simulator's.
#include <gtest/gtest.h>

#include "HostTesting.h"

namespace quic {
namespace {

using testing::address;
using testing::EchoNet;
using testing::Record;

constexpr Duration kDeadline = 5s;

SocketAddress nextTo(const SocketAddress& present) { return address("127.0.0.2:1").withPort(present.port()); }

struct Move {
  ServerMigrationProtocol protocol;
  size_t workers;
  bool steer;
};
std::string nameOf(const ::testing::TestParamInfo<Move>& info) {
  std::string name(serverMigrationProtocolToString(info.param.protocol));
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name + "Workers" + std::to_string(info.param.workers) + (info.param.steer ? "" : "Forwarding");
}

class EveryMove : public ::testing::TestWithParam<Move> {};
INSTANTIATE_TEST_SUITE_P(Moves, EveryMove,
                         ::testing::Values(Move{ServerMigrationProtocol::EXPLICIT, 0, true},
                                           Move{ServerMigrationProtocol::EXPLICIT, 4, true},
                                           Move{ServerMigrationProtocol::EXPLICIT, 4, false},
                                           Move{ServerMigrationProtocol::POOL_OF_ADDRESSES, 0, true},
                                           Move{ServerMigrationProtocol::POOL_OF_ADDRESSES, 4, false},
                                           Move{ServerMigrationProtocol::SYMMETRIC, 1, true},
                                           Move{ServerMigrationProtocol::SYMMETRIC, 4, false},
                                           Move{ServerMigrationProtocol::SYNCHRONIZED_SYMMETRIC, 2, true}),
                         nameOf);

TEST_P(EveryMove, TakesItsConnectionsAlong) {
  constexpr size_t kClients = 8;
  EchoNet net;
  // A pool is announced before the server knows its own port: these are kept free for it until it moves.
  std::vector<UdpSocket> reserved;
  for (const char* place : {"127.0.0.3:0", "127.0.0.4:0"}) {
    reserved.push_back(testing::mustOpen(place));
    net.pool.push_back(QuicIPAddress::from(reserved.back().localAddress()));
  }
  net.listen(GetParam().workers, GetParam().steer);
  net.startClients(false);
  for (ConnectionHandle c = 1; c <= kClients; ++c) net.connect(c, {GetParam().protocol});
  ASSERT_TRUE(net.untilConfirmed(kClients));
  for (ConnectionHandle c = 1; c <= kClients; ++c) net.write(c, 0, "before ", false);
  for (ConnectionHandle c = 1; c <= kClients; ++c) ASSERT_TRUE(net.untilEchoed(c, 0, "before "));

  const bool isToPool = GetParam().protocol == ServerMigrationProtocol::POOL_OF_ADDRESSES;
  const SocketAddress next = isToPool ? reserved.back().localAddress() : nextTo(net.server->address());
  std::optional<QuicIPAddress> announced;
  if (GetParam().protocol == ServerMigrationProtocol::EXPLICIT) announced = QuicIPAddress::from(next);
  ASSERT_TRUE(net.server->onImminentServerMigration(GetParam().protocol, announced, kDeadline));
  EXPECT_FALSE(net.server->onImminentServerMigration(GetParam().protocol, announced, kDeadline));
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationPrepared); }));
  const std::string prepared = net.serverSide.of(RecordKind::MigrationPrepared)[0].bytes;
  EXPECT_EQ(prepared.find("excluded"), std::string::npos) << prepared;

  reserved.clear();
  ASSERT_TRUE(net.server->onNetworkSwitch(next, kDeadline));
  EXPECT_EQ(net.server->address(), next);
  for (ConnectionHandle c = 1; c <= kClients; ++c) net.write(c, 0, "after", true);
  for (ConnectionHandle c = 1; c <= kClients; ++c) ASSERT_TRUE(net.untilEchoed(c, 0, "before after")) << c;
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationCompleted); }));
  const std::string completed = net.serverSide.of(RecordKind::MigrationCompleted)[0].bytes;
  EXPECT_EQ(completed.find("closed"), std::string::npos) << completed;
  EXPECT_NE(completed.find("migrated"), std::string::npos) << completed;
  EXPECT_GE(net.clientSide.count(RecordKind::PathChanged), kClients);
  EXPECT_FALSE(net.clientSide.has(RecordKind::ConnectionClosed));
  if (!GetParam().steer) {
    EXPECT_GT(net.server->serverStats().forwarded, 0u);
  }

  net.connect(100);  // and new ones are welcome again, there
  EXPECT_TRUE(net.untilConfirmed(kClients + 1));
}

class PreparedServer : public ::testing::Test {
 protected:
  void SetUp() override {
    net.listen(2);
    net.startClients(false);
    net.connect(1, {ServerMigrationProtocol::SYMMETRIC});
    net.connect(2, {});
    ASSERT_TRUE(net.untilConfirmed(2));
    ASSERT_TRUE(net.server->onImminentServerMigration(ServerMigrationProtocol::SYMMETRIC, std::nullopt, kDeadline));
    ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationPrepared); }));
  }
  EchoNet net;
};

TEST_F(PreparedServer, KeepsTheOldAddressWhenTheNewOneCannotBeBound) {
  const SocketAddress present = net.server->address();
  const SocketAddress next = nextTo(present);
  {
    UdpSocketOptions options;
    options.local = next;
    UdpSocket stranger = testing::mustOpen(options);
    ASSERT_TRUE(stranger.isOpen());
    ASSERT_TRUE(net.server->onNetworkSwitch(next, kDeadline));
    ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationFailed); }));
    EXPECT_NE(net.serverSide.of(RecordKind::MigrationFailed)[0].bytes.find("EADDRINUSE"), std::string::npos);
  }
  EXPECT_EQ(net.server->address(), present);
  net.write(1, 0, "still here", true);
  net.write(2, 0, "me too", true);
  EXPECT_TRUE(net.untilEchoed(1, 0, "still here"));
  EXPECT_TRUE(net.untilEchoed(2, 0, "me too"));
  // The stranger has gone: the same move succeeds.
  ASSERT_TRUE(net.server->onNetworkSwitch(next, kDeadline));
  net.write(1, 4, "moved", true);
  EXPECT_TRUE(net.untilEchoed(1, 4, "moved"));
}

TEST_F(PreparedServer, ServesWhoCannotMoveUntilTheSwitchAndThenSaysReconnect) {
  EXPECT_NE(net.serverSide.of(RecordKind::MigrationPrepared)[0].bytes.find("excluded"), std::string::npos);
  net.write(2, 0, "served", true);
  ASSERT_TRUE(net.untilEchoed(2, 0, "served"));
  ASSERT_TRUE(net.server->onNetworkSwitch(nextTo(net.server->address()), kDeadline));
  ASSERT_TRUE(net.until([&] { return net.clientSide.has(RecordKind::ConnectionClosed); }));
  const Record atClient = net.clientSide.of(RecordKind::ConnectionClosed)[0];
  EXPECT_EQ(atClient.connection, 2u);
  EXPECT_NE(atClient.bytes.find("CONNECTION_REFUSED"), std::string::npos);
  EXPECT_NE(atClient.bytes.find("server migrated: reconnect"), std::string::npos);
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::ConnectionClosed); }));
  EXPECT_NE(net.serverSide.of(RecordKind::ConnectionClosed)[0].bytes.find("MIGRATED_WITHOUT_CONNECTION"),
            std::string::npos);
}

TEST_F(PreparedServer, SaysAtAnyTimeWhoWaitsForWhat) {
  using Phase = ServerMigrationCoordinator::Phase;
  using Status = MigrationOutcome::Status;
  const auto statuses = [&] {
    std::map<Status, size_t> counts;
    for (const MigrationOutcome& outcome : net.server->migrationStatus().connections) ++counts[outcome.status];
    return counts;
  };
  EXPECT_EQ(net.server->migrationStatus().phase, Phase::Prepared);
  EXPECT_EQ(statuses(), (std::map<Status, size_t>{{Status::Ready, 1}, {Status::Excluded, 1}}));
  for (const MigrationOutcome& outcome : net.server->migrationStatus().connections) {
    if (outcome.status == Status::Excluded) {
      EXPECT_EQ(outcome.reason, ServerMigrationError::MIGRATION_DISABLED);
    }
  }
  EXPECT_NE(net.serverSide.of(RecordKind::MigrationPrepared)[0].bytes.find("MIGRATION_DISABLED"), std::string::npos);
  ASSERT_TRUE(net.server->onNetworkSwitch(nextTo(net.server->address()), kDeadline));
  EXPECT_EQ(net.server->migrationStatus().phase, Phase::Relocating);
  EXPECT_EQ(statuses(), (std::map<Status, size_t>{{Status::Switching, 1}, {Status::Excluded, 1}}));
  net.write(1, 0, "moved", true);
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationCompleted); }));
  EXPECT_EQ(net.server->migrationStatus().phase, Phase::Done);
  EXPECT_EQ(statuses()[Status::Migrated], 1u);
}

// And a cancelled move leaves nothing behind.
TEST_F(PreparedServer, ServesWhoCannotMoveEvenWhileOthersWait) {
  EXPECT_EQ(net.server->migrationStatus().connections.size(), 2u);
  net.write(2, 0, "served ", false);
  ASSERT_TRUE(net.untilEchoed(2, 0, "served "));
  net.write(2, 0, "still", true);
  ASSERT_TRUE(net.untilEchoed(2, 0, "served still"));
  net.server->cancelServerMigration();
  EXPECT_EQ(net.server->migrationStatus().phase, ServerMigrationCoordinator::Phase::Idle);
}

TEST_F(PreparedServer, RefusesNewConnectionsUntilTheMoveIsCancelled) {
  net.connect(3);
  ASSERT_TRUE(net.until([&] { return net.clientSide.has(RecordKind::ConnectionClosed); }));
  EXPECT_NE(net.clientSide.of(RecordKind::ConnectionClosed)[0].bytes.find("CONNECTION_REFUSED"), std::string::npos);
  net.server->cancelServerMigration();
  EXPECT_FALSE(net.server->onNetworkSwitch(kDeadline)) << "there is no move any more";
  net.connect(4);
  EXPECT_TRUE(net.untilConfirmed(3));
}

TEST_F(PreparedServer, CompletesASwitchThatKeepsTheSocketsWhenClientsAreHeardOf) {
  ASSERT_TRUE(net.server->onNetworkSwitch(200ms));
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationCompleted); }));
}

TEST(QuicServerMigration, IsPreparedAtOnceWithoutConnections) {
  EchoNet net;
  net.listen(3);
  ASSERT_TRUE(net.server->onImminentServerMigration(MigrationPlans{}, kDeadline));
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationPrepared); }));
  EXPECT_EQ(net.serverSide.of(RecordKind::MigrationPrepared)[0].bytes, "[]");
  ASSERT_TRUE(net.server->onNetworkSwitch(nextTo(net.server->address()), kDeadline));
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationCompleted); }));
}

// The map form: each by a protocol of its own, one by none, one that is not named at all.
TEST(QuicServerMigration, MovesEachConnectionByItsOwnPlan) {
  using enum ServerMigrationProtocol;
  EchoNet net;
  net.listen(2);
  net.startClients(false);
  const std::vector<ServerMigrationProtocols> offers = {
      {EXPLICIT}, {SYMMETRIC}, {SYNCHRONIZED_SYMMETRIC}, {}, {EXPLICIT, SYMMETRIC}};
  for (size_t i = 0; i < offers.size(); ++i) net.connect(i + 1, offers[i]);
  ASSERT_TRUE(net.untilConfirmed(offers.size()));
  const SocketAddress next = nextTo(net.server->address());
  std::map<ConnectionHandle, MigrationPlan> plans;
  for (const Record& record : net.serverSide.of(RecordKind::ConnectionOpened)) {
    const auto has = [&](ServerMigrationProtocols bits) {
      return record.bytes.find("\"serverMigration\":" + std::to_string(bits.bits()) + ",") != std::string::npos ||
             record.bytes.find("\"serverMigration\":" + std::to_string(bits.bits()) + "}") != std::string::npos;
    };
    if (has({EXPLICIT})) plans[record.connection] = {EXPLICIT, QuicIPAddress::from(next)};
    if (has({SYMMETRIC})) plans[record.connection] = {SYMMETRIC, std::nullopt};
    if (has({SYNCHRONIZED_SYMMETRIC})) plans[record.connection] = {SYNCHRONIZED_SYMMETRIC, std::nullopt};
    if (has({})) plans[record.connection] = {EXPLICIT, QuicIPAddress::from(next)};  // it cannot
  }
  ASSERT_EQ(plans.size(), 4u);
  ASSERT_TRUE(net.server->onImminentServerMigration(plans, kDeadline));
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationPrepared); }));
  std::map<MigrationOutcome::Status, size_t> counts;
  for (const MigrationOutcome& outcome : net.server->migrationStatus().connections) ++counts[outcome.status];
  EXPECT_EQ(counts[MigrationOutcome::Status::Ready], 3u);
  EXPECT_EQ(counts[MigrationOutcome::Status::Excluded], 2u);
  for (ConnectionHandle c = 1; c <= offers.size(); ++c) net.write(c, 0, "served ", false);
  for (ConnectionHandle c = 1; c <= offers.size(); ++c) ASSERT_TRUE(net.untilEchoed(c, 0, "served "));
  ASSERT_TRUE(net.server->onNetworkSwitch(next, kDeadline));
  for (ConnectionHandle c = 1; c <= 3; ++c) net.write(c, 0, "moved", true);
  for (ConnectionHandle c = 1; c <= 3; ++c) ASSERT_TRUE(net.untilEchoed(c, 0, "served moved")) << c;
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationCompleted); }));
  ASSERT_TRUE(net.until([&] { return net.clientSide.count(RecordKind::ConnectionClosed) == 2; }));
  for (const Record& record : net.clientSide.of(RecordKind::ConnectionClosed)) EXPECT_GE(record.connection, 4u);
}

TEST(QuicServerMigration, LeavesOutWhoIsNotReadyInTime) {
  EchoNet net;
  net.listen(1);
  net.startClients(true);
  net.connect(1, {ServerMigrationProtocol::EXPLICIT});
  ASSERT_TRUE(net.untilConfirmed(1));
  net.client.reset();  // it will acknowledge nothing; the server hears its close, or its silence
  const auto announced = QuicIPAddress::from(nextTo(net.server->address()));
  ASSERT_TRUE(net.server->onImminentServerMigration(ServerMigrationProtocol::EXPLICIT, announced, 50ms));
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationPrepared); }));
  EXPECT_EQ(net.serverSide.of(RecordKind::MigrationPrepared)[0].bytes.find("ready"), std::string::npos);
}

}  // namespace
}  // namespace quic
