#include "quic/tls/TicketKeyring.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

using std::chrono::seconds;

const ByteVector kFirst(kMinTicketKeySize, 1);
const ByteVector kSecond(kMinTicketKeySize + 16, 2);

bool areSame(const TicketKey& a, const TicketKey& b) {
  return a.name == b.name && a.cipherKey == b.cipherKey && a.macKey == b.macKey;
}

TEST(TicketKeyring, DerivesTheSameKeysOfTheSameSecretEverywhere) {
  TicketKeyring one(seconds(60)), other(seconds(5));
  ASSERT_TRUE(one.use({kFirst}) && other.use({kSecond, kFirst}));
  const TicketKey key = *one.forSealing(seconds(0));
  ASSERT_TRUE(other.forOpening(key.name));
  EXPECT_TRUE(areSame(*other.forOpening(key.name), key));
  EXPECT_NE(key.cipherKey, key.macKey);
  EXPECT_NE(other.forSealing(seconds(0))->name, key.name);
}

TEST(TicketKeyring, KeepsGivenKeysUntilOthersAreGiven) {
  TicketKeyring keys(seconds(60));
  ASSERT_TRUE(keys.use({kFirst}));
  const auto first = keys.forSealing(seconds(0))->name;
  EXPECT_EQ(keys.forSealing(seconds(1'000'000))->name, first);
  ASSERT_TRUE(keys.use({kSecond, kFirst}));
  EXPECT_NE(keys.forSealing(seconds(0))->name, first);
  EXPECT_TRUE(keys.forOpening(first));
  ASSERT_TRUE(keys.use({kSecond}));
  EXPECT_FALSE(keys.forOpening(first));
}

TEST(TicketKeyring, RefusesKeysThatCannotProtectAndStaysAsItWas) {
  TicketKeyring keys(seconds(60));
  ASSERT_TRUE(keys.use({kFirst}));
  const auto first = keys.forSealing(seconds(0))->name;
  EXPECT_FALSE(keys.use({}));
  EXPECT_FALSE(keys.use({kFirst, ByteVector(kMinTicketKeySize - 1, 9)}));
  EXPECT_FALSE(keys.use(std::vector<ByteVector>(kMaxTicketKeys + 1, kSecond)));
  EXPECT_EQ(keys.forSealing(seconds(0))->name, first);
  EXPECT_TRUE(keys.use(std::vector<ByteVector>(kMaxTicketKeys, kSecond)));
}

TEST(TicketKeyring, ReplacesGeneratedKeysAndOpensForOneLifetimeMore) {
  TicketKeyring keys(seconds(60));
  const auto first = keys.forSealing(seconds(100))->name;
  EXPECT_EQ(keys.forSealing(seconds(159))->name, first);
  const auto second = keys.forSealing(seconds(160))->name;
  EXPECT_NE(second, first);
  EXPECT_TRUE(keys.forOpening(first));
  const auto third = keys.forSealing(seconds(220))->name;
  EXPECT_FALSE(keys.forOpening(first));
  EXPECT_TRUE(keys.forOpening(second));
  EXPECT_TRUE(keys.forOpening(third));
}

TEST(TicketKeyring, GeneratesOtherKeysForEachRing) {
  TicketKeyring one(seconds(60)), other(seconds(60));
  EXPECT_NE(one.forSealing(seconds(0))->name, other.forSealing(seconds(0))->name);
}

TEST(TicketKeyring, OpensNothingBeforeItHasAKeyAndNothingOfAnOddName) {
  TicketKeyring keys(seconds(60));
  EXPECT_FALSE(keys.forOpening(ByteVector(TicketKey::kNameSize, 0)));
  const TicketKey key = *keys.forSealing(seconds(0));
  EXPECT_FALSE(keys.forOpening(ByteSpan(key.name).first(15)));
  EXPECT_FALSE(keys.forOpening({}));
}

}  // namespace
}  // namespace quic
