// AckTracker alone: numbers in, what an ACK frame would report out. Against a plain set of numbers in the property test.
#include "quic/state/AckTracker.h"

#include <gtest/gtest.h>

#include <set>

#include "cpp/support/TestBytes.h"

namespace quic::test {
namespace {

constexpr TimePoint kStart{1h};
constexpr Duration kDelay = 25ms;

ReceivedPacketInfo eliciting(PacketNum number, Ecn ecn = Ecn::NotEct) { return {number, true, ecn}; }
ReceivedPacketInfo silent(PacketNum number) { return {number, false, Ecn::NotEct}; }

// covers RFC 9000 §13.2.1
TEST(AckTracker, AcknowledgesTheFirstElicitingPacketAfterTheDelay) {
  AckTracker tracker(kDelay);
  tracker.onPacketReceived(kStart, eliciting(0));
  EXPECT_FALSE(tracker.isDue(kStart));
  EXPECT_TRUE(tracker.hasNews());
  EXPECT_EQ(tracker.deadline(), kStart + kDelay);
  EXPECT_FALSE(tracker.isDue(kStart + kDelay - 1us));
  EXPECT_TRUE(tracker.isDue(kStart + kDelay));
}

// covers RFC 9000 §13.2.2
TEST(AckTracker, AcknowledgesEverySecondElicitingPacketAtOnce) {
  AckTracker tracker(kDelay);
  tracker.onPacketReceived(kStart, eliciting(0));
  tracker.onPacketReceived(kStart + 1ms, eliciting(1));
  EXPECT_TRUE(tracker.isDue(kStart + 1ms));
}

TEST(AckTracker, TheDeadlineIsThatOfTheFirstUnreportedPacket) {
  AckTracker tracker(kDelay);
  tracker.onPacketReceived(kStart, eliciting(0));
  tracker.onPacketReceived(kStart + 20ms, silent(1));
  EXPECT_EQ(tracker.deadline(), kStart + kDelay);
}

// covers RFC 9000 §13.2.1
TEST(AckTracker, NeverAsksToAcknowledgePacketsThatDoNotElicit) {
  AckTracker tracker(kDelay);
  for (PacketNum number = 0; number < 100; ++number) tracker.onPacketReceived(kStart, silent(number * 3));
  EXPECT_FALSE(tracker.isDue(kStart + 1h));
  EXPECT_FALSE(tracker.hasNews());
  EXPECT_EQ(tracker.deadline(), std::nullopt);
}

struct ImmediateRow {
  const char* what;
  std::vector<ReceivedPacketInfo> packets;
  bool isImmediate;
};

// covers RFC 9000 §13.2.1
TEST(AckTracker, TellsDisorderAndCongestionMarksAtOnce) {
  const ImmediateRow rows[] = {
      {"in order", {silent(0), eliciting(1)}, false},
      {"a gap", {silent(0), eliciting(2)}, true},
      {"out of order", {silent(2), eliciting(1)}, true},
      {"a gap made by what elicits nothing", {silent(0), silent(5)}, false},
      {"a congestion mark", {silent(0), eliciting(1, Ecn::Ce)}, true},
      {"another mark", {silent(0), eliciting(1, Ecn::Ect0)}, false},
  };
  for (const ImmediateRow& row : rows) {
    AckTracker tracker(kDelay);
    for (const ReceivedPacketInfo& packet : row.packets) tracker.onPacketReceived(kStart, packet);
    EXPECT_EQ(tracker.isDue(kStart), row.isImmediate) << row.what;
  }
}

// covers RFC 9000 §13.2.1: Initial and Handshake packets are acknowledged at once
TEST(AckTracker, WithoutADelayEveryElicitingPacketIsDueAtOnce) {
  AckTracker tracker;
  tracker.onPacketReceived(kStart, eliciting(0));
  EXPECT_TRUE(tracker.isDue(kStart));
  tracker.onAckSent();
  EXPECT_FALSE(tracker.isDue(kStart + 1h));
  EXPECT_FALSE(tracker.hasNews());
}

// covers RFC 9000 §13.2.5
TEST(AckTracker, TheDelayCountsFromTheArrivalOfTheLargest) {
  AckTracker tracker(kDelay);
  tracker.onPacketReceived(kStart, eliciting(7));
  tracker.onPacketReceived(kStart + 10ms, eliciting(3));
  EXPECT_EQ(tracker.delay(kStart + 12ms), 12ms);
  EXPECT_EQ(tracker.delay(kStart - 1ms), 0ms);
}

// covers RFC 9000 §13.4.1
TEST(AckTracker, CountsMarksOnceTheFirstOneCame) {
  AckTracker tracker;
  tracker.onPacketReceived(kStart, eliciting(0));
  EXPECT_EQ(tracker.ecnCounts(), std::nullopt);
  tracker.onPacketReceived(kStart, eliciting(1, Ecn::Ect0));
  tracker.onPacketReceived(kStart, eliciting(2, Ecn::Ect1));
  tracker.onPacketReceived(kStart, eliciting(3, Ecn::Ce));
  tracker.onPacketReceived(kStart, silent(4));
  EXPECT_EQ(tracker.ecnCounts(), (EcnCounts{1, 1, 1}));
}

// covers RFC 9000 §12.3
TEST(AckTracker, KnowsDuplicates) {
  AckTracker tracker;
  EXPECT_FALSE(tracker.isDuplicate(0));
  tracker.onPacketReceived(kStart, eliciting(0));
  tracker.onPacketReceived(kStart, eliciting(2));
  EXPECT_TRUE(tracker.isDuplicate(0));
  EXPECT_FALSE(tracker.isDuplicate(1));
  EXPECT_TRUE(tracker.isDuplicate(2));
}

// covers RFC 9000 §13.2.4
TEST(AckTracker, ForgetsWhatThePeerKnowsToBeAcknowledgedButTheNewestRange) {
  AckTracker tracker;
  for (const PacketNum number : {0u, 1u, 4u, 5u, 9u, 10u}) tracker.onPacketReceived(kStart, eliciting(number));
  tracker.onAckOfAck(5);
  EXPECT_EQ(tracker.received().size(), 1u);
  EXPECT_EQ(tracker.received().front(), (Interval{9, 10}));
  EXPECT_TRUE(tracker.isDuplicate(2)) << "what is not remembered must not be accepted";
  EXPECT_FALSE(tracker.isDuplicate(6));
  tracker.onAckOfAck(10);
  EXPECT_EQ(tracker.largest(), 10u);
  tracker.onAckOfAck(3);
  EXPECT_EQ(tracker.largest(), 10u);
}

// T-07 of the project's security cases. covers RFC 9000 §13.2.3
TEST(AckTracker, APeerThatSkipsEverySecondNumberMakesItKeepABoundedList) {
  AckTracker tracker(kDelay);
  for (PacketNum number = 0; number < 100000; number += 2) {
    EXPECT_FALSE(tracker.isDuplicate(number));
    tracker.onPacketReceived(kStart, eliciting(number));
    ASSERT_LE(tracker.received().size(), kMaxAckRanges);
  }
  EXPECT_EQ(tracker.largest(), 99998u);
  EXPECT_TRUE(tracker.isDuplicate(1)) << "below the bound everything counts as seen";
  EXPECT_FALSE(tracker.isDuplicate(99997));
}

TEST(AckTracker, TheLargestNumberIsNoSpecialCase) {
  AckTracker tracker;
  constexpr PacketNum kLast = (PacketNum{1} << 62) - 1;
  tracker.onPacketReceived(kStart, eliciting(kLast));
  EXPECT_TRUE(tracker.isDuplicate(kLast));
  tracker.onAckOfAck(kLast);
  EXPECT_EQ(tracker.largest(), kLast);
}

/// What a set of numbers would say; the tracker may know less of old ones, never more.
TEST(AckTracker, AgreesWithAPlainSetOfNumbers) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Seeded random(seed);
    AckTracker tracker(kDelay);
    std::set<PacketNum> model;
    PacketNum top = 0;
    for (int step = 0; step < 2000; ++step) {
      if (below(random, 20) == 0 && !model.empty()) {
        tracker.onAckOfAck(below(random, top + 1));
      } else if (below(random, 8) == 0) {
        tracker.onAckSent();
        EXPECT_FALSE(tracker.hasNews());
      } else {
        const PacketNum number = below(random, 3) == 0 ? below(random, top + 1) : top + below(random, 3);
        const bool isDuplicate = tracker.isDuplicate(number);
        ASSERT_TRUE(!model.contains(number) || isDuplicate)
            << "seed " << seed << " step " << step << ": processed twice";
        if (isDuplicate) continue;
        tracker.onPacketReceived(kStart, eliciting(number));
        model.insert(number);
        top = std::max(top, number);
        EXPECT_EQ(tracker.largest(), top);
      }
      ASSERT_LE(tracker.received().size(), kMaxAckRanges);
      for (const Interval& range : tracker.received()) {
        for (PacketNum number = range.start; number <= range.end; ++number) {
          ASSERT_TRUE(model.contains(number)) << "seed " << seed << ": acknowledges what never came";
        }
      }
    }
  }
}

TEST(AckTracker, RepeatsAReportThatWasLostInTheNextPacketAndNotOnItsOwn) {
  AckTracker tracker(25ms);
  const TimePoint now{Duration(1000)};
  tracker.onAckLost();
  EXPECT_FALSE(tracker.hasNews()) << "nothing was ever received";
  tracker.onPacketReceived(now, {0, true, Ecn::NotEct});
  tracker.onAckSent();
  ASSERT_FALSE(tracker.hasNews());
  tracker.onAckLost();
  EXPECT_TRUE(tracker.hasNews());
  EXPECT_FALSE(tracker.isDue(now + 1s));
  EXPECT_FALSE(tracker.deadline());
}

}  // namespace
}  // namespace quic::test
