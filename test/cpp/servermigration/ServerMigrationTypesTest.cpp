#include "quic/servermigration/ServerMigrationTypes.h"

#include <gtest/gtest.h>

#include <set>

namespace quic {
namespace {

using enum ServerMigrationProtocol;

TEST(ServerMigrationProtocols, KeepsOnlyTheBitsItKnows) {
  EXPECT_EQ(ServerMigrationProtocols(0xff).bits(), 0xfu);
  EXPECT_TRUE(ServerMigrationProtocols(0xf0).empty());
}

TEST(ServerMigrationProtocols, IntersectsAndAnswersMembership) {
  const ServerMigrationProtocols common =
      ServerMigrationProtocols{EXPLICIT, SYMMETRIC}.intersect({EXPLICIT, POOL_OF_ADDRESSES});
  EXPECT_EQ(common, ServerMigrationProtocols{EXPLICIT});
  EXPECT_TRUE(common.has(EXPLICIT));
  EXPECT_FALSE(common.has(SYMMETRIC));
}

TEST(ServerMigrationProtocols, LetsPoolOfAddressesExcludeTheOthers) {
  // covers SM-04
  for (uint64_t bits = 0; bits < 16; ++bits) {
    const ServerMigrationProtocols set(bits);
    const ServerMigrationProtocols expected =
        set.has(POOL_OF_ADDRESSES) ? ServerMigrationProtocols{POOL_OF_ADDRESSES} : set;
    EXPECT_EQ(set.usable(), expected) << bits;
  }
}

TEST(ServerMigrationTypes, NamesEveryProtocolAndEveryError) {
  EXPECT_EQ(serverMigrationProtocolToString(EXPLICIT), "Explicit");
  EXPECT_EQ(serverMigrationProtocolToString(POOL_OF_ADDRESSES), "Pool of Addresses");
  EXPECT_EQ(serverMigrationProtocolToString(SYMMETRIC), "Symmetric");
  EXPECT_EQ(serverMigrationProtocolToString(SYNCHRONIZED_SYMMETRIC), "Synchronized Symmetric");
  EXPECT_EQ(serverMigrationProtocolToString(ServerMigrationProtocol{64}), "unknown");
  std::set<std::string_view> names;
  for (uint16_t i = 0; i < 8; ++i) names.insert(serverMigrationErrorToString(ServerMigrationError{i}));
  EXPECT_EQ(names.size(), 8u);
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(serverMigrationErrorToString(ServerMigrationError{8}), "unknown");
}

}  // namespace
}  // namespace quic
