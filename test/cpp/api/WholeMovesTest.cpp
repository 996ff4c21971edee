// Whole moves of a server in memory, each protocol, one after another, together with moves of the client: what is told at both
// ends, in which order. Loss is the simulator's (test/sim), sockets those of test/io.
#include <gtest/gtest.h>

#include "cpp/api/MovePair.h"

namespace quic::test {
namespace {

using namespace migrationtesting;
using enum ServerMigrationProtocol;
using Protocols = ServerMigrationProtocols;

constexpr Protocols kAllButPool{EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};

std::optional<SocketAddress> planned(ServerMigrationProtocol protocol, const SocketAddress& target) {
  return protocol == EXPLICIT ? std::optional(target) : std::nullopt;
}

/// A server at kOld, whose addresses have names in what is told.
struct WholeMove : MovePair {
  explicit WholeMove(Protocols protocols, const std::vector<SocketAddress>& pool = {})
      : WholeMove(serverSpeaking(protocols, pool)) {}
  explicit WholeMove(const ServerEndpointSettings& settings) : MovePair(settings) { serverAt = kOld; }

  void beginSpeaking(Protocols protocols, ExplicitProbing probing = ExplicitProbing::Reactive) {
    begin(clientSpeaking(protocols, probing));
  }
  void prepareAndWait(ServerMigrationProtocol protocol, const std::optional<SocketAddress>& target = std::nullopt) {
    prepare(protocol, target);
    runFor(100ms);
  }
  void requestAndWait() {
    request();
    runFor(2s);
  }
  /// The whole of it, with a request after the switch that finds its answer.
  void moveBy(ServerMigrationProtocol protocol, const SocketAddress& next) {
    forgetEvents();
    prepareAndWait(protocol, planned(protocol, next));
    EXPECT_EQ(told(serverEvents), "ready");
    moveTo(next);
    requestAndWait();
    EXPECT_TRUE(isAllAnswered());
    EXPECT_EQ(follower().activePath().peer, next);
    EXPECT_EQ(told(serverEvents), "ready, completed " + migrationtesting::nameOf(kClientAddress));
  }
};

// ---- each protocol

TEST(ServerMoves, AnExplicitMoveIsToldInThisOrderAtBothEnds) {
  for (const ExplicitProbing probing : {ExplicitProbing::Reactive, ExplicitProbing::Proactive}) {
    WholeMove net(kAllButPool);
    net.beginSpeaking(kAllButPool, probing);
    net.forgetEvents();
    net.prepareAndWait(EXPLICIT, kTarget);
    EXPECT_EQ(net.told(net.serverEvents), "ready");
    net.request();
    net.runFor(100ms);
    EXPECT_TRUE(net.isAllAnswered()) << "still at the old address";
    net.moveTo(kTarget);
    net.requestAndWait();
    EXPECT_TRUE(net.isAllAnswered());
    EXPECT_EQ(net.told(net.clientEvents), "announced, probing target, completed target");
    EXPECT_EQ(net.told(net.serverEvents).substr(0, 16), "ready, completed");
    EXPECT_EQ(net.follower().activePath().peer, kTarget);
    EXPECT_EQ(net.served().size(), 1u);
  }
}

TEST(ServerMoves, APoolIsToldAndSearchedUntilTheServerIsFound) {
  WholeMove net({POOL_OF_ADDRESSES}, {kOther, kTarget, kThird, kMoved});
  net.beginSpeaking({POOL_OF_ADDRESSES});
  const std::string atOnce = net.told(net.clientEvents);
  for (const char* entry : {"pool-address target", "pool-address other", "pool-address third", "pool-address moved"}) {
    EXPECT_NE(atOnce.find(entry), std::string::npos) << entry << " in " << atOnce;
  }
  EXPECT_EQ(net.told(net.serverEvents), "pool-acknowledged");
  net.moveBy(POOL_OF_ADDRESSES, kMoved);
  EXPECT_NE(net.told(net.clientEvents).find("probing moved"), std::string::npos);
  EXPECT_NE(net.told(net.clientEvents).find("completed moved"), std::string::npos);
}

TEST(ServerMoves, ASymmetricMoveIsSeenAndValidated) {
  for (const ServerMigrationProtocol kind : {SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    WholeMove net({kind});
    net.beginSpeaking({kind});
    net.moveBy(kind, kTarget);
    const std::string expected =
        kind == SYMMETRIC ? "detected target, completed target" : "announced, detected target, completed target";
    EXPECT_EQ(net.told(net.clientEvents), expected);
  }
}

TEST(ServerMoves, ToAnotherPortOfTheSameHostIsAMoveLikeAnyOther) {
  for (const ServerMigrationProtocol kind : {EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    WholeMove net(kAllButPool);
    net.beginSpeaking(kAllButPool);
    net.moveBy(kind, kOld.withPort(9999));
    EXPECT_NE(net.told(net.clientEvents).find("completed"), std::string::npos);
  }
}

// ---- many

TEST(ServerMoves, ClientsOfDifferentProtocolsGoWithTheSameMove) {
  const std::array kinds{EXPLICIT, POOL_OF_ADDRESSES, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};
  WholeMove net(Protocols(0xf), {kTarget, kOther});
  for (const ServerMigrationProtocol kind : kinds) net.beginSpeaking({kind});
  const std::vector<ConnectionHandle> served = net.served();
  ASSERT_EQ(served.size(), kinds.size());
  for (size_t i = 0; i < kinds.size(); ++i) {
    net.handle = served[i];
    net.prepareAndWait(kinds[i], planned(kinds[i], kTarget));
    EXPECT_NE(net.told(net.serverEvents, served[i]).find("ready"), std::string::npos);
  }
  net.moveTo(kTarget);
  for (size_t i = 0; i < kinds.size(); ++i) net.request(1000, i + 1);
  net.runFor(10s);
  EXPECT_TRUE(net.isAllAnswered());
  EXPECT_EQ(net.answered.size(), kinds.size());
  for (size_t i = 0; i < kinds.size(); ++i) {
    EXPECT_NE(net.told(net.serverEvents, served[i]).find("completed"), std::string::npos) << i;
    EXPECT_EQ(net.client.find(i + 1)->activePath().peer, kTarget) << i;
  }
}

TEST(ServerMoves, OneAfterAnotherWithAnyProtocolOnTheSameConnection) {
  WholeMove net(kAllButPool);
  net.beginSpeaking(kAllButPool);
  const std::array stations{kTarget, kOther, kThird, kOld};
  const std::array kinds{EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};
  for (size_t i = 0; i < 12; ++i) {
    net.moveBy(kinds[i % kinds.size()], stations[i % stations.size()]);
    ASSERT_FALSE(HasFailure()) << i;
  }
}

TEST(ServerMoves, WithinAPoolThereAndBack) {
  WholeMove net({POOL_OF_ADDRESSES}, {kOld, kTarget, kOther});
  net.beginSpeaking({POOL_OF_ADDRESSES});
  for (const SocketAddress& next : {kOther, kOld, kTarget, kOld}) net.moveBy(POOL_OF_ADDRESSES, next);
}

// ---- with the client on the move as well

TEST(ServerMoves, TogetherWithAMoveOfTheClient) {
  const SocketAddress elsewhere = SocketAddress::v4({10, 0, 1, 9}, 6000);
  WholeMove net({EXPLICIT});
  net.beginSpeaking({EXPLICIT});
  net.prepareAndWait(EXPLICIT, kTarget);
  net.clientAt = elsewhere;
  ASSERT_TRUE(net.follower().rebind(net.now, elsewhere));
  net.client.touch(1);
  net.moveTo(kTarget);
  net.requestAndWait();
  EXPECT_TRUE(net.isAllAnswered());
  EXPECT_EQ(net.follower().activePath().peer, kTarget);
  EXPECT_EQ(net.follower().activePath().local, elsewhere);
  EXPECT_EQ(net.moving().activePath().peer, elsewhere);
  net.requestAndWait();
  EXPECT_TRUE(net.isAllAnswered()) << "settled";
}

// ---- what is not a move

// covers SM-87
TEST(ServerMoves, ASwitchWithoutPreparationReplacesTheSocketAllTheSame) {
  WholeMove net({SYMMETRIC});
  net.beginSpeaking({SYMMETRIC});
  net.forgetEvents();
  net.moveTo(kTarget);
  EXPECT_EQ(net.moving().activePath().local, kTarget);
  net.runFor(5s);
  EXPECT_EQ(net.told(net.serverEvents), "");
  EXPECT_EQ(net.served().size(), 1u);
  EXPECT_FALSE(net.follower().isClosing());
}

// covers SM-50
TEST(ServerMoves, AFailedPreparationLeavesTheConnectionAlone) {
  WholeMove net({EXPLICIT, SYMMETRIC});
  net.beginSpeaking({SYMMETRIC});
  net.forgetEvents();
  net.prepareAndWait(EXPLICIT, kTarget);
  net.prepareAndWait(SYMMETRIC, kTarget);
  EXPECT_EQ(net.told(net.serverEvents), "failed PROTOCOL_NOT_NEGOTIATED, failed INVALID_ADDRESS");
  net.requestAndWait();
  EXPECT_TRUE(net.isAllAnswered());
}

// covers SM-01
TEST(ServerMoves, NeitherEndForgetsWhatWasAgreedWhenTheServerAsksForARetry) {
  ServerEndpointSettings settings = MovePair::serverSpeaking(kAllButPool);
  settings.retry.mode = RetryMode::Always;
  WholeMove net(settings);
  net.beginSpeaking(kAllButPool);
  ASSERT_EQ(net.server.stats().retries, 1u);
  ASSERT_EQ(net.served().size(), 1u);
  EXPECT_EQ(net.moving().negotiatedMigration(), kAllButPool);
  net.moveBy(EXPLICIT, kTarget);
}

}  // namespace
}  // namespace quic::test
