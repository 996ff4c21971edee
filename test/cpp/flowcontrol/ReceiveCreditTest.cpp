// What we grant a peer, without a stream or a connection around it.
#include "quic/flowcontrol/ReceiveCredit.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

TEST(ReceiveCredit, EnforcesWhatWasAnnouncedNotWhatIsAboutToBe) {
  ReceiveCredit credit(100);
  credit.onReceived(100);
  credit.onConsumed(80);
  EXPECT_EQ(credit.nextLimit(), 180u);
  EXPECT_TRUE(credit.allows(100));
  EXPECT_FALSE(credit.allows(101));
  credit.onAnnounced();
  EXPECT_TRUE(credit.allows(180));
  EXPECT_FALSE(credit.allows(181));
}

TEST(ReceiveCredit, IsWorthAFrameOnceThePartOfTheWindowWasConsumed) {
  struct Row {
    uint64_t window, parts, consumed;
    bool isDue;
  };
  for (const Row& row : {Row{100, 2, 49, false}, Row{100, 2, 50, true}, Row{1, 2, 0, false}, Row{1, 2, 1, true},
                         Row{100, 8, 11, false}, Row{100, 8, 12, true}, Row{0, 2, 0, false}}) {
    ReceiveCredit credit(row.window, row.parts);
    credit.onReceived(row.consumed);
    credit.onConsumed(row.consumed);
    EXPECT_EQ(credit.isUpdateDue(), row.isDue) << row.window << "/" << row.parts << " " << row.consumed;
  }
}

TEST(ReceiveCredit, SendsALostLimitAgainOnlyIfItIsStillTheLatest) {  // covers RFC 9000 §13.3
  ReceiveCredit credit(100);
  credit.onConsumed(50);
  credit.onAnnounced();
  credit.onConsumed(50);
  credit.onAnnounced();
  credit.onUpdateLost(150);
  EXPECT_FALSE(credit.isUpdateDue());
  credit.onUpdateLost(200);
  EXPECT_TRUE(credit.isUpdateDue());
  credit.onConsumed(3);
  EXPECT_EQ(credit.nextLimit(), 203u);
  credit.onAnnounced();
  EXPECT_FALSE(credit.isUpdateDue());
}

TEST(ReceiveCredit, NeverAnnouncesBeyondItsCeiling) {
  ReceiveCredit credit(kMaxVarint, 2, kMaxVarint);
  credit.onReceived(kMaxVarint);
  credit.onConsumed(kMaxVarint);
  EXPECT_EQ(credit.nextLimit(), kMaxVarint);
  EXPECT_FALSE(credit.isUpdateDue());
  EXPECT_EQ(ReceiveCredit(UINT64_MAX, 8, 1000).limit(), 1000u);
}

}  // namespace
}  // namespace quic
