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
  std::vector<ReceivedPacketInfo> reported;
  ReceivedPacketInfo packet;
  bool isImmediate;
};

// covers RFC 9000 §13.2.1
TEST(AckTracker, TellsDisorderAndCongestionMarksAtOnce) {
  const ImmediateRow rows[] = {
      {"the first of all", {}, eliciting(7), false},
      {"in order", {eliciting(0)}, eliciting(1), false},
      {"in order after what elicits nothing", {eliciting(0), silent(1)}, eliciting(2), false},
      {"a gap", {eliciting(0)}, eliciting(2), true},
      {"a gap after what elicits nothing", {silent(0)}, eliciting(2), true},
      {"a gap before what elicits nothing", {eliciting(0), silent(2)}, eliciting(3), true},
      {"a gap that was told", {eliciting(0), eliciting(2)}, eliciting(3), false},
      {"out of order", {eliciting(0), eliciting(2)}, eliciting(1), true},
      {"older than what elicits nothing", {eliciting(0), silent(2)}, eliciting(1), false},
      {"a gap made by what elicits nothing", {silent(0)}, silent(5), false},
      {"a congestion mark", {silent(0)}, eliciting(1, Ecn::Ce), true},
      {"another mark", {silent(0)}, eliciting(1, Ecn::Ect0), false},
  };
  for (const ImmediateRow& row : rows) {
    AckTracker tracker(kDelay);
    for (const ReceivedPacketInfo& packet : row.reported) tracker.onPacketReceived(kStart, packet);
    tracker.onAckSent();
    tracker.onPacketReceived(kStart, row.packet);
    EXPECT_EQ(tracker.isDue(kStart), row.isImmediate) << row.what;
  }
}

// covers RFC 9000 §13.2.1
TEST(AckTracker, OneReportAnswersOnePacket) {
  AckTracker tracker;
  for (PacketNum number = 0; number < 50; ++number) {
    tracker.onPacketReceived(kStart, eliciting(number));
    ASSERT_TRUE(tracker.isDue(kStart));
    tracker.onAckSent();
    ASSERT_FALSE(tracker.isDue(kStart + 1h));
  }
}

// covers RFC 9000 §13.2.1, §13.2.4
TEST(AckTracker, WantsAnAnswerNowAndThenWhileItsReportsGrow) {
  AckTracker tracker;
  const auto report = [&](PacketNum number) {
    tracker.onPacketReceived(kStart, eliciting(number));
    tracker.onAckSent();
  };
  for (PacketNum i = 1; i < AckTracker::kReportsPerAnswer; ++i) {
    report(2 * i);
    EXPECT_FALSE(tracker.wantsAnswer()) << i;
  }
  report(100);
  EXPECT_TRUE(tracker.wantsAnswer());
  tracker.onAnswerAskedFor();
  report(101);
  EXPECT_FALSE(tracker.wantsAnswer()) << "not in every one of them";
  for (PacketNum i = 0; i < AckTracker::kReportsPerAnswer; ++i) report(200 + 2 * i);
  EXPECT_TRUE(tracker.wantsAnswer());
  tracker.onAckOfAck(150);
  EXPECT_FALSE(tracker.wantsAnswer());
}

TEST(AckTracker, WantsNoAnswerWhileOneRangeSaysItAll) {
  AckTracker tracker;
  for (PacketNum number = 0; number < 1000; ++number) {
    tracker.onPacketReceived(kStart, eliciting(number));
    tracker.onAckSent();
  }
  EXPECT_FALSE(tracker.wantsAnswer());
}

// ---- what a peer may ask for: draft-ietf-quic-ack-frequency

TEST(AckTracker, WaitsForAsManyPacketsAsThePeerBears) {
  for (const uint64_t threshold : {0u, 1u, 4u, 9u}) {
    AckTracker tracker(kDelay);
    tracker.setPolicy({.maxDelay = kDelay, .elicitingThreshold = threshold, .reorderingThreshold = 1});
    for (PacketNum number = 0; number < threshold; ++number) {
      tracker.onPacketReceived(kStart, eliciting(number));
      EXPECT_FALSE(tracker.isDue(kStart)) << threshold << " " << number;
    }
    tracker.onPacketReceived(kStart, eliciting(threshold));
    EXPECT_TRUE(tracker.isDue(kStart)) << threshold;
  }
}

TEST(AckTracker, WaitsAsLongAsThePeerAllows) {
  AckTracker tracker(kDelay);
  tracker.setPolicy({.maxDelay = 80ms, .elicitingThreshold = 100, .reorderingThreshold = 0});
  tracker.onPacketReceived(kStart, eliciting(0));
  EXPECT_EQ(tracker.deadline(), kStart + 80ms);
  tracker.demandAck();
  EXPECT_TRUE(tracker.isDue(kStart));
}

TEST(AckTracker, ToleratesAnyDisorderWhenThePeerDoesNotWantToHearOfIt) {
  AckTracker tracker(kDelay);
  tracker.setPolicy({.maxDelay = kDelay, .elicitingThreshold = 100, .reorderingThreshold = 0});
  for (const PacketNum number : {5u, 3u, 20u, 4u, 90u}) tracker.onPacketReceived(kStart, eliciting(number));
  EXPECT_FALSE(tracker.isDue(kStart));
  tracker.onPacketReceived(kStart, eliciting(91, Ecn::Ce));
  EXPECT_TRUE(tracker.isDue(kStart)) << "congestion is another matter";
}

TEST(AckTracker, TellsOnlyTheFirstOfMarksInARowToAPeerThatWantsFewReports) {
  const struct {
    Ecn mark;
    bool isImmediate;
  } steps[] = {{Ecn::Ect0, false}, {Ecn::Ce, true}, {Ecn::Ce, false}, {Ecn::Ect0, false}, {Ecn::Ce, true}};
  for (const uint64_t threshold : {1u, 100u}) {
    AckTracker tracker(kDelay);
    tracker.setPolicy({.maxDelay = kDelay, .elicitingThreshold = threshold, .reorderingThreshold = 1});
    for (PacketNum number = 0; const auto& step : steps) {
      tracker.onPacketReceived(kStart, eliciting(number++, step.mark));
      EXPECT_EQ(tracker.isDue(kStart), threshold == 1 ? step.mark == Ecn::Ce : step.isImmediate) << number;
      tracker.onAckSent();
    }
  }
}

// The example of draft-ietf-quic-ack-frequency §6.1.1, a threshold of 3
TEST(AckTracker, TellsAGapOnceThePeerCouldCallItLost) {
  const struct {
    PacketNum number;
    bool isImmediate;
  } steps[] = {{0, false}, {1, false}, {3, false}, {4, false}, {5, true},
               {8, false}, {9, true},  {10, true}, {11, false}};
  AckTracker tracker(kDelay);
  tracker.setPolicy({.maxDelay = kDelay, .elicitingThreshold = 100, .reorderingThreshold = 3});
  for (const auto& step : steps) {
    tracker.onPacketReceived(kStart, eliciting(step.number));
    EXPECT_EQ(tracker.isDue(kStart), step.isImmediate) << step.number;
    if (step.isImmediate) tracker.onAckSent();
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
  tracker.onAckSent();
  tracker.onAckOfAck(5);
  EXPECT_EQ(tracker.received().size(), 1u);
  EXPECT_EQ(tracker.received().front(), (Interval{9, 10}));
  for (const PacketNum number : {0u, 1u, 4u, 5u}) EXPECT_TRUE(tracker.isDuplicate(number)) << number;
  EXPECT_FALSE(tracker.isDuplicate(6));
  tracker.onAckOfAck(10);
  EXPECT_EQ(tracker.largest(), 10u);
  tracker.onAckOfAck(3);
  EXPECT_EQ(tracker.largest(), 10u);
}

// covers RFC 9000 §13.2.4
TEST(AckTracker, ReportsWhatCameLateBeforeItForgetsIt) {
  AckTracker tracker;
  for (const PacketNum number : {0u, 1u, 3u, 4u}) tracker.onPacketReceived(kStart, eliciting(number));
  tracker.onAckSent();
  for (const PacketNum number : {2u, 6u}) tracker.onPacketReceived(kStart, eliciting(number));
  tracker.onAckOfAck(4);  // of a report that did not have 2
  EXPECT_TRUE(tracker.received().contains(2));
  tracker.onAckSent();
  EXPECT_EQ(tracker.received().size(), 1u);
  EXPECT_EQ(tracker.received().front(), (Interval{6, 6}));
  EXPECT_FALSE(tracker.isDuplicate(5));
}

// covers RFC 9000 §12.3: a minimum below which everything is dropped has to account for paths that differ in their delay
TEST(AckTracker, TakesOnceAndReportsWhatComesAfterItsNeighboursAreForgotten) {
  AckTracker tracker(kDelay);
  for (const PacketNum number : {0u, 1u, 4u, 5u, 9u, 10u}) tracker.onPacketReceived(kStart, eliciting(number));
  tracker.onAckSent();
  tracker.onAckOfAck(10);
  ASSERT_EQ(tracker.received().size(), 1u);
  for (const PacketNum late : {2u, 7u, 6u, 8u}) {
    ASSERT_FALSE(tracker.isDuplicate(late)) << late;
    tracker.onPacketReceived(kStart, eliciting(late));
    EXPECT_TRUE(tracker.isDue(kStart)) << late << ": disorder is told at once";
    EXPECT_TRUE(tracker.received().contains(late)) << late;
    EXPECT_TRUE(tracker.isDuplicate(late)) << late;
    tracker.onAckSent();
  }
  tracker.onAckOfAck(10);
  EXPECT_EQ(tracker.received().size(), 1u);
  for (const PacketNum number : {2u, 4u, 6u, 7u, 8u, 9u}) EXPECT_TRUE(tracker.isDuplicate(number)) << number;
  EXPECT_FALSE(tracker.isDuplicate(3));
}

// covers RFC 9000 §12.3, §13.2.3
TEST(AckTracker, APeerThatFillsAndSplitsItsGapsMakesItKeepNoMore) {
  AckTracker tracker(kDelay);
  constexpr PacketNum kFar = 1'000'000;
  tracker.onPacketReceived(kStart, eliciting(kFar));
  tracker.onAckSent();
  tracker.onAckOfAck(kFar);
  PacketNum taken = 0;
  for (PacketNum number = 0; number < kFar; number += 5'000) {
    if (tracker.isDuplicate(number)) continue;
    tracker.onPacketReceived(kStart, eliciting(number));
    ++taken;
    ASSERT_TRUE(tracker.isDuplicate(number));
    ASSERT_LE(tracker.received().size(), kMaxAckRanges);
    ASSERT_LE(tracker.gaps().size(), kMaxAckRanges);
  }
  EXPECT_EQ(taken, kFar / 5'000);
  EXPECT_TRUE(tracker.isDuplicate(1)) << "the oldest gaps go first";
  EXPECT_FALSE(tracker.isDuplicate(kFar - 1));
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

/// How many runs of numbers above `number` never came.
size_t gapsAbove(const std::set<PacketNum>& came, PacketNum number) {
  size_t gaps = 0;
  PacketNum next = number + 1;
  for (auto at = came.lower_bound(next); at != came.end(); ++at) {
    gaps += *at > next ? 1 : 0;
    next = *at + 1;
  }
  return gaps;
}

/// What a set of numbers would say; the tracker may know less of old ones, never more, and knows the newest gaps.
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
        ASSERT_TRUE(!isDuplicate || model.contains(number) || gapsAbove(model, number) + 1 >= kMaxAckRanges)
            << "seed " << seed << " step " << step << ": refused, and never came";
        if (isDuplicate) continue;
        tracker.onPacketReceived(kStart, eliciting(number));
        model.insert(number);
        top = std::max(top, number);
        EXPECT_EQ(tracker.largest(), top);
      }
      ASSERT_LE(tracker.received().size(), kMaxAckRanges);
      ASSERT_LE(tracker.gaps().size(), kMaxAckRanges);
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
