// Stories of one connection of a server. Each cell of the table is in ServerMigrationTablesTest.
#include "quic/servermigration/ServerMigrationServer.h"

#include <gtest/gtest.h>

#include "cpp/servermigration/MigrationTesting.h"

namespace quic {
namespace {

using namespace migrationtesting;
using enum ServerMigrationProtocol;
using Protocols = ServerMigrationProtocols;
using State = ServerMigrationServer::State;

const FourTuple kPath{kOld, kClient};
const QuicIPAddress kTo = QuicIPAddress::from(kTarget);

ServerMigrationServer server(Protocols protocols, uint32_t poolSize = 0) {
  ServerMigrationServer made;
  made.onNegotiated(protocols, poolSize);
  made.onHandshakeConfirmed();
  return made;
}

uint32_t epochOf(const MigrationSteps& steps) {
  return std::get<migration::SendAnnouncement>(steps.actions.at(0)).epoch;
}

// ---- why not

struct Refusal {
  const char* name;
  Protocols negotiated;
  uint32_t poolSize;
  ServerMigrationProtocol protocol;
  std::optional<QuicIPAddress> announced;
  const char* expected;
};

TEST(ServerMigrationServer, SaysWhyAConnectionCannotBePreparedAndLetsItLive) {
  // covers SM-04, SM-50, SM-51
  const std::optional<QuicIPAddress> none;
  const QuicIPAddress six = QuicIPAddress::from(*SocketAddress::parse("[2001:db8::1]:4433"));
  const Refusal refusals[] = {
      {"nothing negotiated", {}, 0, EXPLICIT, kTo, "*failed MIGRATION_DISABLED*"},
      {"another one negotiated", {SYMMETRIC}, 0, EXPLICIT, kTo, "*failed PROTOCOL_NOT_NEGOTIATED*"},
      {"no address", {EXPLICIT}, 0, EXPLICIT, none, "*failed INVALID_ADDRESS*"},
      {"all zero", {EXPLICIT}, 0, EXPLICIT, kNowhere, "*failed INVALID_ADDRESS*"},
      {"the wrong family", {EXPLICIT}, 0, EXPLICIT, six, "*failed INVALID_ADDRESS*"},
      {"the present address", {EXPLICIT}, 0, EXPLICIT, QuicIPAddress::from(kOld), "*failed INVALID_ADDRESS*"},
      {"an address for Symmetric", {SYMMETRIC}, 0, SYMMETRIC, kTo, "*failed INVALID_ADDRESS*"},
      {"an address for Synchronized",
       {SYNCHRONIZED_SYMMETRIC},
       0,
       SYNCHRONIZED_SYMMETRIC,
       kTo,
       "*failed INVALID_ADDRESS*"},
      {"an address for the pool", {POOL_OF_ADDRESSES}, 1, POOL_OF_ADDRESSES, kTo, "*failed INVALID_ADDRESS*"},
      {"excluded by the pool", {EXPLICIT, POOL_OF_ADDRESSES}, 1, EXPLICIT, kTo, "*failed INVALID_STATE*"},
      {"excluded by an empty pool", {SYMMETRIC, POOL_OF_ADDRESSES}, 0, SYMMETRIC, none, "*failed INVALID_STATE*"},
      {"an empty pool", {POOL_OF_ADDRESSES}, 0, POOL_OF_ADDRESSES, none, "*failed EMPTY_POOL_MIGRATION_ADDRESSES*"},
  };
  for (const Refusal& refusal : refusals) {
    ServerMigrationServer s = server(refusal.negotiated, refusal.poolSize);
    EXPECT_EQ(describe(s.prepare(refusal.protocol, refusal.announced, kPath)), refusal.expected) << refusal.name;
    EXPECT_EQ(s.state(), State::Idle) << refusal.name;
    EXPECT_EQ(s.protocol(), std::nullopt) << refusal.name;
  }
}

TEST(ServerMigrationServer, ReportsTheFirstReasonOfSeveral) {
  // covers SM-50
  ServerMigrationServer s;
  EXPECT_EQ(describe(s.prepare(EXPLICIT, std::nullopt, kPath)), "*failed HANDSHAKE_NOT_FINISHED*");
  s.onHandshakeConfirmed();
  EXPECT_EQ(describe(s.prepare(EXPLICIT, std::nullopt, kPath)), "*failed MIGRATION_DISABLED*");
  s.onNegotiated({EXPLICIT}, 0);
  EXPECT_EQ(describe(s.prepare(SYMMETRIC, kTo, kPath)), "*failed PROTOCOL_NOT_NEGOTIATED*");
  (void)s.prepare(EXPLICIT, kTo, kPath);
  EXPECT_EQ(describe(s.prepare(EXPLICIT, std::nullopt, kPath)), "*failed MIGRATION_ALREADY_IN_PROGRESS*");
  ServerMigrationServer pool = server({EXPLICIT, POOL_OF_ADDRESSES});
  EXPECT_EQ(describe(pool.prepare(EXPLICIT, std::nullopt, kPath)), "*failed INVALID_ADDRESS*");
}

TEST(ServerMigrationServer, MovesToAnotherPortOfTheSameHost) {
  // covers SM-51
  ServerMigrationServer s = server({EXPLICIT});
  EXPECT_FALSE(s.prepare(EXPLICIT, QuicIPAddress::from(kOld.withPort(1)), kPath).actions.empty());
}

TEST(ServerMigrationServer, AnnouncesBothHalvesAsGiven) {
  // covers SM-51
  QuicIPAddress both = kTo;
  both.ipv6[15] = 1;
  both.ipv6Port = 7;
  ServerMigrationServer s = server({EXPLICIT});
  const MigrationSteps steps = s.prepare(EXPLICIT, both, kPath);
  ASSERT_EQ(steps.actions.size(), 1u);
  EXPECT_EQ(std::get<migration::SendAnnouncement>(steps.actions[0]).address, both);
}

// ---- moves

TEST(ServerMigrationServer, GoesThroughAnExplicitMove) {
  // covers SM-52, SM-57
  ServerMigrationServer s = server({EXPLICIT});
  const uint32_t epoch = epochOf(s.prepare(EXPLICIT, kTo, kPath));
  EXPECT_EQ(s.state(), State::Announcing);
  EXPECT_EQ(s.protocol(), EXPLICIT);
  EXPECT_EQ(describe(s.onAnnouncementAcked(epoch)), "*ready*");
  EXPECT_EQ(describe(s.onClientArrived(kClient)), "");  // a challenge before the switch proves nothing
  EXPECT_EQ(describe(s.onNetworkSwitched(false)), "");
  EXPECT_EQ(describe(s.onClientArrived(kClient)), "*completed client*");
  EXPECT_EQ(describe(s.onClientArrived(kClient)), "");
}

TEST(ServerMigrationServer, MovesAgainAndAgainWithAnyProtocolAndLateAcksChangeNothing) {
  // covers SM-53
  ServerMigrationServer s = server({EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC});
  std::vector<uint32_t> epochs;
  for (int i = 0; i < 12; ++i) {
    constexpr std::array kKinds{EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};
    const ServerMigrationProtocol kind = kKinds[i % 3];
    const MigrationSteps steps = s.prepare(kind, kind == EXPLICIT ? std::optional(kTo) : std::nullopt, kPath);
    for (const uint32_t old : epochs) {
      const ServerMigrationServer before = s;
      EXPECT_EQ(describe(s.onAnnouncementAcked(old)), "");
      EXPECT_TRUE(s == before);
    }
    if (!steps.actions.empty()) {
      epochs.push_back(epochOf(steps));
      EXPECT_EQ(describe(s.onAnnouncementAcked(epochs.back())), "*ready*");
    }
    (void)s.onNetworkSwitched(true);
    EXPECT_EQ(describe(s.onClientArrived(kClient)), "*completed client*") << i;
  }
}

TEST(ServerMigrationServer, WaitsForThePoolToBeAcknowledged) {
  // covers SM-54
  ServerMigrationServer s = server({POOL_OF_ADDRESSES}, 3);
  EXPECT_EQ(describe(s.onPoolAddressAcked(1)), "");
  EXPECT_EQ(describe(s.prepare(POOL_OF_ADDRESSES, std::nullopt, kPath)), "");
  EXPECT_EQ(s.state(), State::Announcing);
  EXPECT_EQ(describe(s.onPoolAddressAcked(1)), "");  // a copy of it
  EXPECT_EQ(describe(s.onPoolAddressAcked(3)), "");  // there is none
  EXPECT_EQ(describe(s.onPoolAddressAcked(0)), "");
  EXPECT_EQ(describe(s.onPoolAddressAcked(2)), "*pool-acknowledged*, *ready*");
  EXPECT_EQ(describe(s.onPoolAddressAcked(2)), "");
}

TEST(ServerMigrationServer, IsReadyAtOnceWhenThePoolIsAcknowledged) {
  // covers SM-54
  ServerMigrationServer s = server({POOL_OF_ADDRESSES}, 1);
  EXPECT_EQ(describe(s.onPoolAddressAcked(0)), "*pool-acknowledged*");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(describe(s.prepare(POOL_OF_ADDRESSES, std::nullopt, kPath)), "*ready*");
    EXPECT_EQ(describe(s.onNetworkSwitched(false)), "");
    EXPECT_EQ(describe(s.onClientArrived(kClient)), "*completed client*");
  }
}

// ---- calling it off

TEST(ServerMigrationServer, AfterACancelOnlyTheSameAnnouncementMayBeMadeAgain) {
  // covers SM-58
  ServerMigrationServer s = server({EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC});
  const uint32_t first = epochOf(s.prepare(EXPLICIT, kTo, kPath));
  s.cancel();
  EXPECT_EQ(describe(s.onAnnouncementAcked(first)), "");
  EXPECT_EQ(describe(s.prepare(EXPLICIT, QuicIPAddress::from(kOther), kPath)), "*failed INVALID_STATE*");
  EXPECT_EQ(describe(s.prepare(SYMMETRIC, std::nullopt, kPath)), "*failed INVALID_STATE*");
  EXPECT_EQ(describe(s.prepare(SYNCHRONIZED_SYMMETRIC, std::nullopt, kPath)), "*failed INVALID_STATE*");
  const uint32_t second = epochOf(s.prepare(EXPLICIT, kTo, kPath));
  EXPECT_NE(first, second);
  EXPECT_EQ(describe(s.onAnnouncementAcked(first)), "");
  EXPECT_EQ(describe(s.onAnnouncementAcked(second)), "*ready*");
  (void)s.onNetworkSwitched(false);
  (void)s.onClientArrived(kClient);
  EXPECT_EQ(describe(s.prepare(SYMMETRIC, std::nullopt, kPath)), "*ready*");  // the promise was kept
}

TEST(ServerMigrationServer, ACancelledSymmetricMoveLeavesNoTrace) {
  // covers SM-58
  ServerMigrationServer s = server({EXPLICIT, SYMMETRIC});
  (void)s.prepare(SYMMETRIC, std::nullopt, kPath);
  s.cancel();
  EXPECT_EQ(s.state(), State::Idle);
  EXPECT_EQ(epochOf(s.prepare(EXPLICIT, kTo, kPath)), 1u);
}

TEST(ServerMigrationServer, ASwitchBeforeTheAcknowledgmentFailsTheMigrationAndNotTheConnection) {
  // covers SM-55
  ServerMigrationServer s = server({EXPLICIT});
  (void)s.prepare(EXPLICIT, kTo, kPath);
  EXPECT_EQ(describe(s.onNetworkSwitched(false)), "*failed INVALID_STATE*");
  EXPECT_EQ(s.state(), State::Idle);
}

}  // namespace
}  // namespace quic
