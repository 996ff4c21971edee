// The forms that a move of a server can take: by connection, for all, to an address that is none. On real sockets.
#include <gtest/gtest.h>

#include "HostTesting.h"

namespace quic {
namespace {

using testing::address;
using testing::EchoNet;
using enum ServerMigrationProtocol;

constexpr Duration kDeadline = 5s;

SocketAddress nextTo(const SocketAddress& present) { return address("127.0.0.2:1").withPort(present.port()); }

TEST(ServerMigrationForms, ByConnectionWhoIsNotNamedIsServedUntilTheSwitch) {
  EchoNet net;
  net.listen(2);
  net.startClients(false);
  net.connect(1, {EXPLICIT, SYMMETRIC});
  ASSERT_TRUE(net.untilConfirmed(1));
  const ConnectionHandle named = net.serverSide.of(RecordKind::HandshakeConfirmed)[0].connection;
  net.connect(2, {EXPLICIT, SYMMETRIC});
  ASSERT_TRUE(net.untilConfirmed(2));
  const SocketAddress next = nextTo(net.server->address());
  const std::map<ConnectionHandle, MigrationPlan> plans{{named, {EXPLICIT, QuicIPAddress::from(next)}},
                                                        {987'654, {SYMMETRIC, std::nullopt}}};
  ASSERT_TRUE(net.server->onImminentServerMigration(plans, kDeadline));
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationPrepared); }));
  const std::string prepared = net.serverSide.of(RecordKind::MigrationPrepared)[0].bytes;
  EXPECT_NE(prepared.find("ready"), std::string::npos) << prepared;
  EXPECT_NE(prepared.find("excluded"), std::string::npos) << prepared;
  EXPECT_EQ(prepared.find("987654"), std::string::npos) << "nobody has that name";
  for (const ConnectionHandle c : {1, 2}) net.write(c, 0, "before ", false);
  for (const ConnectionHandle c : {1, 2}) ASSERT_TRUE(net.untilEchoed(c, 0, "before "));

  ASSERT_TRUE(net.server->onNetworkSwitch(next, kDeadline));
  net.write(1, 0, "after", true);
  EXPECT_TRUE(net.untilEchoed(1, 0, "before after"));
  ASSERT_TRUE(net.until([&] { return net.clientSide.has(RecordKind::ConnectionClosed); }));
  const testing::Record closed = net.clientSide.of(RecordKind::ConnectionClosed)[0];
  EXPECT_EQ(closed.connection, 2u);
  EXPECT_NE(closed.bytes.find("CONNECTION_REFUSED"), std::string::npos) << closed.bytes;
}

TEST(ServerMigrationForms, ToTheOtherFamilyThereIsNoSwitch) {
  EchoNet net;
  net.listen(2);
  net.startClients(false);
  net.connect(1, {SYMMETRIC});
  ASSERT_TRUE(net.untilConfirmed(1));
  ASSERT_TRUE(net.server->onImminentServerMigration(SYMMETRIC, std::nullopt, kDeadline));
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::MigrationPrepared); }));
  const SocketAddress present = net.server->address();
  const Result<> refused = net.server->onNetworkSwitch(address("[::1]:1").withPort(present.port()), kDeadline);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, QuicErrorCode{LocalErrorCode::MIGRATION_INVALID_ADDRESS});
  EXPECT_EQ(net.server->address(), present);
  net.write(1, 0, "still here", true);
  EXPECT_TRUE(net.untilEchoed(1, 0, "still here"));
  ASSERT_TRUE(net.server->onNetworkSwitch(nextTo(present), kDeadline));  // the move itself is not over
  net.write(1, 4, "moved", true);
  EXPECT_TRUE(net.untilEchoed(1, 4, "moved"));
}

}  // namespace
}  // namespace quic
