// What a peer grants, without a stream or a connection around it.
#include "quic/flowcontrol/SendCredit.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

TEST(SendCredit, IgnoresALimitThatIsNotHigher) {  // covers RFC 9000 §4.1
  SendCredit credit(100);
  EXPECT_FALSE(credit.raise(100));
  EXPECT_FALSE(credit.raise(7));
  EXPECT_EQ(credit.limit(), 100u);
  EXPECT_TRUE(credit.raise(101));
  EXPECT_EQ(credit.available(), 101u);
}

TEST(SendCredit, ReportsEachLimitOnceAndAgainOnlyWhenThatReportWasLost) {  // covers RFC 9000 §13.3
  SendCredit credit(10);
  EXPECT_FALSE(credit.isReportDue());
  credit.use(10);
  EXPECT_TRUE(credit.isReportDue());
  credit.onReported();
  EXPECT_FALSE(credit.isReportDue());
  credit.onReportLost(9);
  EXPECT_FALSE(credit.isReportDue());
  credit.onReportLost(10);
  EXPECT_TRUE(credit.isReportDue());
  credit.raise(11);
  EXPECT_FALSE(credit.isReportDue());
  credit.use(1);
  EXPECT_TRUE(credit.isReportDue());
}

TEST(SendCredit, WithMoreUsedThanGrantedNothingIsLeftUntilTheLimitIsBeyond) {
  SendCredit credit(2, 5);
  EXPECT_EQ(credit.available(), 0u);
  EXPECT_TRUE(credit.isReportDue());
  EXPECT_TRUE(credit.raise(5));
  EXPECT_EQ(credit.available(), 0u);
  EXPECT_TRUE(credit.raise(6));
  EXPECT_EQ(credit.available(), 1u);
}

}  // namespace
}  // namespace quic
