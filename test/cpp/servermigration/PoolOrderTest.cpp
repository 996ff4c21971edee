#include "quic/servermigration/PoolOrder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cpp/servermigration/MigrationTesting.h"

namespace quic {
namespace {

using namespace migrationtesting;

PoolOrder pool(std::initializer_list<uint8_t> hosts) {
  PoolOrder made;
  for (const uint8_t last : hosts) made.insert(host(last));
  return made;
}

std::vector<uint8_t> round(PoolOrder& order, const SocketAddress& active) {
  std::vector<uint8_t> seen;
  while (const auto next = order.next(active)) seen.push_back(next->ip()[3]);
  return seen;
}

TEST(PoolOrder, GoesRoundInAscendingOrderWhateverTheOrderOfArrival) {
  // covers SM-35
  PoolOrder order = pool({3, 1, 2});
  EXPECT_EQ(round(order, host(9)), (std::vector<uint8_t>{1, 2, 3}));
  EXPECT_EQ(order.next(host(9)), std::nullopt);
  order.restart();
  EXPECT_EQ(round(order, host(9)), (std::vector<uint8_t>{1, 2, 3}));
}

TEST(PoolOrder, PassesOverTheAddressInUse) {
  // covers SM-35
  for (const uint8_t active : {1, 2, 3}) {
    PoolOrder order = pool({1, 2, 3});
    const std::vector<uint8_t> seen = round(order, host(active));
    EXPECT_EQ(seen.size(), 2u);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), active), 0);
  }
}

TEST(PoolOrder, FindsNothingInAnEmptyPoolOrOneOfTheAddressInUse) {
  // covers SM-37
  PoolOrder empty;
  EXPECT_EQ(empty.next(host(1)), std::nullopt);
  PoolOrder own = pool({1});
  EXPECT_EQ(own.next(host(1)), std::nullopt);
  EXPECT_FALSE(own.hasOtherThan(host(1), host(1)));
  EXPECT_EQ(own.next(host(2)), host(1));
}

TEST(PoolOrder, IgnoresDuplicates) {
  PoolOrder order = pool({1, 2});
  EXPECT_FALSE(order.insert(host(1)));
  EXPECT_EQ(order.size(), 2u);
}

TEST(PoolOrder, HoldsNoMoreThanItsCap) {
  // covers SM-33
  PoolOrder order;
  for (uint8_t i = 0; i < 100; ++i) EXPECT_EQ(order.insert(host(i)), i < kMaxPoolAddresses);
  EXPECT_EQ(order.size(), kMaxPoolAddresses);
  EXPECT_TRUE(order.isFull());
}

TEST(PoolOrder, ServesAnInsertionInThisRoundOnlyWhenItsPlaceIsAhead) {
  // covers SM-35
  PoolOrder order = pool({2, 4});
  EXPECT_EQ(order.next(host(9)), host(2));
  order.insert(host(1));
  order.insert(host(3));
  EXPECT_EQ(round(order, host(9)), (std::vector<uint8_t>{3, 4}));
  order.restart();
  EXPECT_EQ(round(order, host(9)), (std::vector<uint8_t>{1, 2, 3, 4}));
}

TEST(PoolOrder, TellsAddressesOfOneHostApartByPort) {
  PoolOrder order;
  EXPECT_TRUE(order.insert(host(1)));
  EXPECT_TRUE(order.insert(host(1).withPort(1)));
  EXPECT_TRUE(order.contains(host(1).withPort(1)));
  EXPECT_FALSE(order.contains(host(1).withPort(2)));
  EXPECT_EQ(order.next(host(1)), host(1).withPort(1));
}

}  // namespace
}  // namespace quic
