// Whole moves of a server in memory, each protocol, one after another, together with moves of the client. Time is virtual,
// nothing is lost but what the move loses; loss and delay are the simulator's (test/sim), sockets those of test/io.
#include <gtest/gtest.h>

#include "cpp/api/MovingServer.h"

namespace quic::test {
namespace {

using namespace migrationtesting;
using enum ServerMigrationProtocol;
using Protocols = ServerMigrationProtocols;

constexpr Protocols kAllButPool{EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};

std::optional<SocketAddress> planned(ServerMigrationProtocol protocol, const SocketAddress& target) {
  return protocol == EXPLICIT ? std::optional(target) : std::nullopt;
}

// ---- each protocol

TEST(ServerMoves, AnExplicitMoveIsToldInThisOrderAtBothEnds) {
  for (const ExplicitProbing probing : {ExplicitProbing::Reactive, ExplicitProbing::Proactive}) {
    MovingServer net(kAllButPool);
    const ConnectionHandle client = net.join(MovingServer::offering(kAllButPool, probing));
    net.forget();
    net.prepare(EXPLICIT, kTarget);
    EXPECT_EQ(MovingServer::told(net.serverEvents), "ready");
    EXPECT_TRUE(net.echoes(client, "still at the old address"));
    net.moveTo(kTarget);
    EXPECT_TRUE(net.echoes(client, "and now at the new one"));
    net.advance(2s);
    EXPECT_EQ(net.clientHeard(client), "announced, probing target, completed target");
    EXPECT_EQ(MovingServer::told(net.serverEvents).substr(0, 16), "ready, completed");
    EXPECT_EQ(net.peerOf(client), kTarget);
    EXPECT_EQ(net.served().size(), 1u);
  }
}

TEST(ServerMoves, APoolIsToldAndSearchedUntilTheServerIsFound) {
  MovingServer net({POOL_OF_ADDRESSES}, {kOther, kTarget, kThird, kMoved});
  const ConnectionHandle client = net.join(MovingServer::offering({POOL_OF_ADDRESSES}));
  const std::string atOnce = net.clientHeard(client);
  for (const char* entry : {"pool-address target", "pool-address other", "pool-address third", "pool-address moved"}) {
    EXPECT_NE(atOnce.find(entry), std::string::npos) << entry << " in " << atOnce;
  }
  EXPECT_EQ(MovingServer::told(net.serverEvents), "pool-acknowledged");
  net.forget();
  net.prepare(POOL_OF_ADDRESSES);
  EXPECT_EQ(MovingServer::told(net.serverEvents), "ready");
  net.moveTo(kMoved);
  EXPECT_TRUE(net.echoes(client, "found you"));
  net.advance(2s);
  EXPECT_EQ(net.peerOf(client), kMoved);
  EXPECT_NE(net.clientHeard(client).find("probing moved"), std::string::npos);
  EXPECT_NE(net.clientHeard(client).find("completed moved"), std::string::npos);
  EXPECT_NE(MovingServer::told(net.serverEvents).find("completed"), std::string::npos);
}

TEST(ServerMoves, ASymmetricMoveIsSeenAndValidated) {
  for (const ServerMigrationProtocol kind : {SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    MovingServer net({kind});
    const ConnectionHandle client = net.join(MovingServer::offering({kind}));
    net.forget();
    net.prepare(kind);
    EXPECT_EQ(MovingServer::told(net.serverEvents), "ready");
    net.moveTo(kTarget);
    net.advance(2s);
    const std::string expected =
        kind == SYMMETRIC ? "detected target, completed target" : "announced, detected target, completed target";
    EXPECT_EQ(net.clientHeard(client), expected);
    EXPECT_NE(MovingServer::told(net.serverEvents).find("completed"), std::string::npos);
    EXPECT_TRUE(net.echoes(client, "reachable"));
  }
}

TEST(ServerMoves, ToAnotherPortOfTheSameHostIsAMoveLikeAnyOther) {
  const SocketAddress port = kOld.withPort(9999);
  for (const ServerMigrationProtocol kind : {EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    MovingServer net(kAllButPool);
    const ConnectionHandle client = net.join(MovingServer::offering(kAllButPool));
    net.prepare(kind, planned(kind, port));
    net.moveTo(port);
    EXPECT_TRUE(net.echoes(client, "other port"));
    net.advance(2s);
    EXPECT_EQ(net.peerOf(client), port);
    EXPECT_NE(net.clientHeard(client).find("completed"), std::string::npos);
  }
}

// ---- many

TEST(ServerMoves, ClientsOfDifferentProtocolsGoWithTheSameMove) {
  MovingServer net(Protocols(0xf), {kTarget, kOther});
  struct Guest {
    ServerMigrationProtocol protocol;
    ConnectionHandle atClient = 0;
    ConnectionHandle atServer = 0;
  };
  std::vector<Guest> guests;
  for (const ServerMigrationProtocol kind : {EXPLICIT, POOL_OF_ADDRESSES, SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    const ConnectionHandle client = net.join(MovingServer::offering({kind}));
    guests.push_back({kind, client, net.served().back()});
  }
  for (const Guest& guest : guests) net.prepareOne(guest.atServer, guest.protocol, planned(guest.protocol, kTarget));
  for (const Guest& guest : guests) {
    EXPECT_NE(MovingServer::told(net.serverEvents, guest.atServer).find("ready"), std::string::npos);
  }
  net.moveTo(kTarget);
  for (const Guest& guest : guests) {
    EXPECT_TRUE(net.echoes(guest.atClient, "all aboard")) << serverMigrationProtocolToString(guest.protocol);
  }
  net.advance(2s);
  for (const Guest& guest : guests) {
    EXPECT_NE(MovingServer::told(net.serverEvents, guest.atServer).find("completed"), std::string::npos);
    EXPECT_EQ(net.peerOf(guest.atClient), kTarget);
  }
}

TEST(ServerMoves, OneAfterAnotherWithAnyProtocolOnTheSameConnection) {
  MovingServer net(kAllButPool);
  const ConnectionHandle client = net.join(MovingServer::offering(kAllButPool));
  const std::array stations{kTarget, kOther, kThird, kOld};
  const std::array kinds{EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};
  for (size_t i = 0; i < 12; ++i) {
    const SocketAddress& next = stations[i % stations.size()];
    net.forget();
    net.prepare(kinds[i % 3], planned(kinds[i % 3], next));
    ASSERT_NE(MovingServer::told(net.serverEvents).find("ready"), std::string::npos) << i;
    net.moveTo(next);
    ASSERT_TRUE(net.echoes(client, "move")) << i;
    net.advance(2s);
    ASSERT_EQ(net.peerOf(client), next) << i;
    ASSERT_NE(MovingServer::told(net.serverEvents).find("completed"), std::string::npos) << i;
  }
}

TEST(ServerMoves, WithinAPoolThereAndBack) {
  MovingServer net({POOL_OF_ADDRESSES}, {kOld, kTarget, kOther});
  const ConnectionHandle client = net.join(MovingServer::offering({POOL_OF_ADDRESSES}));
  for (const SocketAddress& next : {kOther, kOld, kTarget, kOld}) {
    net.forget();
    net.prepare(POOL_OF_ADDRESSES);
    net.moveTo(next);
    ASSERT_TRUE(net.echoes(client, "round trip"));
    net.advance(2s);
    ASSERT_EQ(net.peerOf(client), next);
    ASSERT_NE(MovingServer::told(net.serverEvents).find("completed"), std::string::npos);
  }
}

// ---- with the client on the move as well

TEST(ServerMoves, TogetherWithAMoveOfTheClient) {
  const SocketAddress elsewhere = SocketAddress::v4({10, 0, 1, 9}, 6000);
  MovingServer net({EXPLICIT});
  const ConnectionHandle client = net.join(MovingServer::offering({EXPLICIT}));
  net.prepare(EXPLICIT, kTarget);
  ASSERT_TRUE(net.client.find(client)->rebind(net.now, elsewhere));
  net.client.touch(client);
  net.moveTo(kTarget);
  EXPECT_TRUE(net.echoes(client, "both of us"));
  net.advance(5s);
  EXPECT_EQ(net.peerOf(client), kTarget);
  EXPECT_EQ(net.client.find(client)->activePath().local, elsewhere);
  EXPECT_EQ(net.server.find(net.served().front())->activePath().peer, elsewhere);
  EXPECT_TRUE(net.echoes(client, "settled"));
}

// ---- what is not a move

TEST(ServerMoves, ASwitchWithoutPreparationReplacesTheSocketAllTheSame) {
  // covers SM-87
  MovingServer net({SYMMETRIC});
  const ConnectionHandle client = net.join(MovingServer::offering({SYMMETRIC}));
  net.forget();
  net.moveTo(kTarget);
  EXPECT_EQ(MovingServer::told(net.serverEvents), "");
  EXPECT_EQ(net.server.find(net.served().front())->activePath().local, kTarget);
  net.advance(5s);
  EXPECT_EQ(net.server.connections().size(), 1u);
  EXPECT_FALSE(net.client.find(client)->isClosing());
}

TEST(ServerMoves, AFailedPreparationLeavesTheConnectionAlone) {
  // covers SM-50
  MovingServer net({EXPLICIT, SYMMETRIC});
  const ConnectionHandle client = net.join(MovingServer::offering({SYMMETRIC}));
  net.forget();
  net.prepare(EXPLICIT, kTarget);
  net.prepare(SYMMETRIC, kTarget);
  EXPECT_EQ(MovingServer::told(net.serverEvents), "failed PROTOCOL_NOT_NEGOTIATED, failed INVALID_ADDRESS");
  EXPECT_TRUE(net.echoes(client, "unharmed"));
}

TEST(ServerMoves, NeitherEndForgetsWhatWasAgreedWhenTheServerAsksForARetry) {
  // covers SM-01
  MovingServer net(kAllButPool, {}, RetryMode::Always);
  const ConnectionHandle client = net.join(MovingServer::offering(kAllButPool));
  ASSERT_EQ(net.server.stats().retries, 1u);
  ASSERT_EQ(net.served().size(), 1u);
  EXPECT_EQ(net.server.find(net.served().front())->negotiatedMigration(), kAllButPool);
  net.prepare(EXPLICIT, kTarget);
  net.moveTo(kTarget);
  EXPECT_TRUE(net.echoes(client, "after a Retry"));
  EXPECT_EQ(net.peerOf(client), kTarget);
}

}  // namespace
}  // namespace quic::test
