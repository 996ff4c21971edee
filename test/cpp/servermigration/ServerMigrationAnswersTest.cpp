// What the tables answer to facts that fit nothing, and to frames of the wrong family; sequences that the tables of the README
// do not show. Not a cell twice: single cells are in ServerMigrationTablesTest.
#include <gtest/gtest.h>

#include "cpp/servermigration/MigrationTesting.h"
#include "quic/servermigration/PoolOrder.h"
#include "quic/servermigration/ServerMigrationClient.h"
#include "quic/servermigration/ServerMigrationServer.h"

namespace quic {
namespace {

using namespace migrationtesting;
using enum ServerMigrationProtocol;
using Protocols = ServerMigrationProtocols;

constexpr TimePoint kStart = TimePoint{} + 1s;
constexpr std::array kKinds{EXPLICIT, POOL_OF_ADDRESSES, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};
const FourTuple kPath{kOld, kClient};
const SocketAddress kSix = *SocketAddress::parse("[2001:db8::1]:4433");

// ---- a server and acknowledgments that fit nothing

ServerMigrationServer serverWith(Protocols protocols, uint32_t poolSize) {
  ServerMigrationServer made;
  made.onNegotiated(protocols, poolSize);
  made.onHandshakeConfirmed();
  return made;
}

std::optional<QuicIPAddress> planned(ServerMigrationProtocol protocol) {
  return protocol == EXPLICIT ? std::optional(QuicIPAddress::from(kTarget)) : std::nullopt;
}

/// A server in each state that it can be in under `kind`; the pool of two is acknowledged but for its second address.
std::vector<ServerMigrationServer> serversOf(ServerMigrationProtocol kind) {
  std::vector<ServerMigrationServer> all{serverWith({}, 0), serverWith({kind}, 2)};
  ServerMigrationServer server = all.back();
  (void)server.prepare(kind, planned(kind), kPath);
  all.push_back(server);
  (void)server.onPoolAddressAcked(0);
  all.push_back(server);
  ServerMigrationServer cancelled = server;
  cancelled.cancel();
  all.push_back(cancelled);
  (void)server.onPoolAddressAcked(1);
  (void)server.onAnnouncementAcked(1);
  all.push_back(server);
  (void)server.onNetworkSwitched(true);
  all.push_back(server);
  (void)server.onClientArrived(kClient);
  all.push_back(server);
  return all;
}

TEST(ServerMigrationAnswers, AnAcknowledgmentThatFitsNothingIsNoErrorAndChangesNothing) {
  // covers SM-53
  for (const ServerMigrationProtocol kind : kKinds) {
    for (const ServerMigrationServer& before : serversOf(kind)) {
      const bool isAwaited = before.state() == ServerMigrationServer::State::Announcing && kind != POOL_OF_ADDRESSES;
      for (const uint32_t epoch : {0u, 1u, 2u, 99u}) {
        if (isAwaited && epoch == 1) continue;
        ServerMigrationServer server = before;
        EXPECT_EQ(describe(server.onAnnouncementAcked(epoch)), "") << epoch;
        EXPECT_TRUE(server == before);
      }
      for (const uint32_t unknown : {2u, 3u, 4'000'000'000u}) {
        ServerMigrationServer server = before;
        EXPECT_EQ(describe(server.onPoolAddressAcked(unknown)), "");
        EXPECT_TRUE(server == before);
      }
      if (kind == POOL_OF_ADDRESSES) continue;
      ServerMigrationServer server = before;  // no pool was negotiated: no address of it was ever sent
      EXPECT_EQ(describe(server.onPoolAddressAcked(0)), "");
      EXPECT_TRUE(server == before);
    }
  }
}

TEST(ServerMigrationAnswers, EachPoolAddressCountsOnceHoweverOftenItIsAcknowledged) {
  // covers SM-54
  ServerMigrationServer server = serverWith({POOL_OF_ADDRESSES}, 3);
  for (int copy = 0; copy < 5; ++copy) EXPECT_EQ(describe(server.onPoolAddressAcked(0)), "");
  for (int copy = 0; copy < 5; ++copy) EXPECT_EQ(describe(server.onPoolAddressAcked(2)), "");
  EXPECT_EQ(describe(server.onPoolAddressAcked(1)), "*pool-acknowledged*");
}

TEST(ServerMigrationAnswers, AMoveUnderWayIsTheReasonWhateverElseIsWrong) {
  // covers SM-50
  for (const ServerMigrationProtocol kind : kKinds) {
    ServerMigrationServer server = kind == POOL_OF_ADDRESSES
                                       ? serverWith({POOL_OF_ADDRESSES}, 2)
                                       : serverWith({EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC}, 0);
    (void)server.prepare(kind, planned(kind), kPath);
    const ServerMigrationServer before = server;
    for (const ServerMigrationProtocol next : kKinds) {
      if (!server.negotiated().has(next)) continue;
      for (const auto& address : {planned(EXPLICIT), std::optional<QuicIPAddress>()}) {
        EXPECT_EQ(describe(server.prepare(next, address, kPath)), "*failed MIGRATION_ALREADY_IN_PROGRESS*");
        EXPECT_TRUE(server == before);
      }
    }
  }
}

TEST(ServerMigrationAnswers, AnAddressIsTakenInTheFamilyOfTheClient) {
  // covers SM-51
  const FourTuple six{kSix, *SocketAddress::parse("[2001:db8::99]:5")};
  QuicIPAddress both = QuicIPAddress::from(kTarget);
  both.ipv6 = QuicIPAddress::from(*SocketAddress::parse("[2001:db8::2]:4433")).ipv6;
  both.ipv6Port = 4433;
  for (const FourTuple& path : {kPath, six}) {
    const QuicIPAddress own = QuicIPAddress::from(path.local);
    const QuicIPAddress foreign = QuicIPAddress::from(path.peer.isV4() ? kSix : kTarget);
    ServerMigrationServer server = serverWith({EXPLICIT}, 0);
    EXPECT_EQ(describe(server.prepare(EXPLICIT, own, path)), "*failed INVALID_ADDRESS*");
    EXPECT_EQ(describe(server.prepare(EXPLICIT, foreign, path)), "*failed INVALID_ADDRESS*");
    EXPECT_FALSE(server.prepare(EXPLICIT, both, path).actions.empty());
  }
}

// ---- a client and addresses of the wrong family

ServerMigrationClient clientOf(Protocols protocols, const SocketAddress& server) {
  ServerMigrationClientSettings settings;
  settings.protocols = protocols;
  ServerMigrationClient made(settings, server);
  made.onNegotiated(protocols);
  return made;
}

TEST(ServerMigrationAnswers, AnAddressWithoutTheFamilyInUseIsAViolationEitherWay) {
  // covers SM-07
  for (const SocketAddress& server : {kOld, kSix}) {
    QuicIPAddress half = QuicIPAddress::from(server.isV4() ? kTarget : *SocketAddress::parse("[2001:db8::2]:4433"));
    half.ipv4Port = half.ipv6Port = 0;
    const QuicIPAddress foreign = QuicIPAddress::from(server.isV4() ? kSix : kTarget);
    for (const QuicIPAddress& address : {foreign, half}) {
      ServerMigrationClient explicitly = clientOf({EXPLICIT}, server);
      EXPECT_EQ(describe(explicitly.onServerMigration(kStart, {address})), "violation");
      ServerMigrationClient pool = clientOf({POOL_OF_ADDRESSES}, server);
      EXPECT_EQ(describe(pool.onPoolMigrationAddress({address})), "violation");
    }
  }
  ServerMigrationClient pool = clientOf({POOL_OF_ADDRESSES}, kOld);
  EXPECT_EQ(describe(pool.onPoolMigrationAddress({kNowhere})), "violation");
}

TEST(ServerMigrationAnswers, AHalfFilledAnnouncementIsExplicitAndNotSynchronized) {
  // covers SM-07
  QuicIPAddress half;
  half.ipv4 = {192, 0, 2, 10};
  ServerMigrationClient client = clientOf({SYNCHRONIZED_SYMMETRIC}, kOld);
  EXPECT_EQ(describe(client.onServerMigration(kStart, {half})), "violation");
}

// ---- a client after the end of a move

TEST(ServerMigrationAnswers, WhatBelongsToAMoveThatIsOverDisturbsNothing) {
  // covers SM-36
  ServerMigrationClient client = clientOf({POOL_OF_ADDRESSES}, kOld);
  for (const SocketAddress& entry : {kTarget, kOther, kThird}) (void)client.onPoolMigrationAddress(poolEntry(entry));
  (void)client.onProbeTimeout();
  (void)client.onProbeTimeout();
  EXPECT_EQ(describe(client.onPathValidated(kTarget)), "");  // the one before: it is not on trial any more
  EXPECT_EQ(describe(client.onPathValidated(kOther)), "MoveToPath(other), *completed other*");
  const ServerMigrationClient before = client;
  for (const SocketAddress& address : {kTarget, kOther, kThird, kOld}) {
    EXPECT_EQ(describe(client.onPathValidated(address)), "");
    EXPECT_EQ(describe(client.onPathFailed(address)), "");
  }
  EXPECT_EQ(describe(client.onLatestNonProbingPacket(kOther)), "");
  EXPECT_TRUE(client == before);
  EXPECT_EQ(describe(client.onProbeTimeout()), "ProbePath(target), *probing target*");
}

TEST(ServerMigrationAnswers, ASearchThatWasAFalseAlarmBeginsAgainWithTheFirst) {
  // covers SM-30
  ServerMigrationClient client = clientOf({POOL_OF_ADDRESSES}, kOld);
  for (const SocketAddress& entry : {kTarget, kOther}) (void)client.onPoolMigrationAddress(poolEntry(entry));
  for (int alarm = 0; alarm < 3; ++alarm) {
    EXPECT_EQ(describe(client.onProbeTimeout()), "ProbePath(target), *probing target*");
    EXPECT_EQ(describe(client.onLatestNonProbingPacket(kOld)), "DropPath(target), *reverted old*");
  }
}

TEST(ServerMigrationAnswers, APoolAddressThatComesDuringASearchTakesPartInIt) {
  // covers SM-35
  ServerMigrationClient client = clientOf({POOL_OF_ADDRESSES}, kOld);
  (void)client.onPoolMigrationAddress(poolEntry(kTarget));
  (void)client.onProbeTimeout();
  EXPECT_EQ(describe(client.onPoolMigrationAddress(poolEntry(kOther))), "*pool-address other*");
  EXPECT_EQ(describe(client.onProbeTimeout()), "DropPath(target), ProbePath(other), *probing other*");
}

TEST(ServerMigrationAnswers, ALateServerMigratedOfASynchronizedMoveIsDropped) {
  // covers SM-13
  ServerMigrationClient client = clientOf({SYNCHRONIZED_SYMMETRIC}, kOld);
  (void)client.onServerMigration(kStart, {kNowhere});
  (void)client.onLatestNonProbingPacket(kMoved);
  const ServerMigrationClient before = client;
  for (const SocketAddress& from : {kMoved, kOld, kThird}) {
    EXPECT_EQ(describe(client.onServerMigrated(from, false)), "");
    EXPECT_TRUE(client == before);
  }
}

// ---- rounds of a pool

std::vector<uint8_t> round(PoolOrder& order, const SocketAddress& active) {
  std::vector<uint8_t> seen;
  while (const auto next = order.next(active)) seen.push_back(next->ip()[3]);
  return seen;
}

PoolOrder poolOf(std::initializer_list<uint8_t> hosts) {
  PoolOrder made;
  for (const uint8_t last : hosts) made.insert(host(last));
  return made;
}

TEST(PoolRounds, TheAddressInUseMayChangeWithinARoundAndNobodyIsTriedTwice) {
  // covers SM-35
  PoolOrder order = poolOf({1, 2, 3, 4});
  EXPECT_EQ(order.next(host(9)), host(1));
  EXPECT_EQ(order.next(host(2)), host(3));
  EXPECT_EQ(order.next(host(1)), host(4));
  EXPECT_EQ(order.next(host(1)), std::nullopt);
  order.restart();
  EXPECT_EQ(round(order, host(1)), (std::vector<uint8_t>{2, 3, 4}));
}

TEST(PoolRounds, WithoutAnAddressInUseEverybodyIsTriedRoundAfterRound) {
  // covers SM-35
  PoolOrder order = poolOf({2, 3, 1});
  for (int rounds = 0; rounds < 2; ++rounds) {
    EXPECT_EQ(round(order, SocketAddress{}), (std::vector<uint8_t>{1, 2, 3}));
    order.restart();
  }
}

TEST(PoolRounds, CanBeginAnewAtAnyPlace) {
  PoolOrder order = poolOf({1, 2, 3});
  (void)order.next(host(9));
  (void)order.next(host(9));
  order.restart();
  EXPECT_EQ(round(order, host(9)), (std::vector<uint8_t>{1, 2, 3}));
}

TEST(PoolRounds, AnAddressThatComesWithinARoundIsKnownAtOnceAndCountsOnce) {
  PoolOrder order = poolOf({2, 3});
  (void)order.next(host(9));
  EXPECT_TRUE(order.insert(host(1)));
  EXPECT_TRUE(order.contains(host(1)));
  EXPECT_FALSE(order.insert(host(1)));
  EXPECT_FALSE(order.insert(host(2)));
  EXPECT_EQ(order.size(), 3u);
  order.restart();
  EXPECT_EQ(round(order, host(9)), (std::vector<uint8_t>{1, 2, 3}));
}

}  // namespace
}  // namespace quic
