#include "quic/congestion_control/NewReno.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <random>

namespace quic {
namespace {

constexpr uint64_t kSize = 1200;
const RttEstimator kRtt;

TimePoint at(int64_t milliseconds) { return TimePoint{std::chrono::milliseconds{milliseconds}}; }

void send(NewReno& reno, uint64_t packets, TimePoint when) {
  for (uint64_t i = 0; i < packets; ++i) reno.onPacketSent(when, kSize);
}
void ack(NewReno& reno, uint64_t packets, TimePoint sentAt, bool appLimited = false) {
  const CongestionAckEvent event{
      .now = sentAt + 100ms, .ackedBytes = packets * kSize, .largestAckedSentAt = sentAt, .appLimited = appLimited};
  reno.onAck(event, kRtt);
}
void lose(NewReno& reno, uint64_t packets, TimePoint sentAt, TimePoint now, bool persistent = false) {
  reno.onLoss({.now = now, .lostBytes = packets * kSize, .largestLostSentAt = sentAt, .persistent = persistent});
}

TEST(NewReno, StartsWithTheInitialWindowForItsDatagramSize) {  // covers RFC 9002 §7.2
  const struct {
    size_t size;
    uint64_t window;
  } rows[] = {{1200, 12000}, {1472, 14720}, {1500, 14720}, {7360, 14720}, {9000, 18000}, {65527, 131054}};
  for (const auto& row : rows) EXPECT_EQ(NewReno(row.size).congestionWindow(), row.window) << row.size;
}

TEST(NewReno, IsMadeByTheFactory) {
  const auto controller = makeCongestionController(CongestionControlType::NewReno, kSize);
  ASSERT_NE(controller, nullptr);
  EXPECT_EQ(controller->name(), "newreno");
  EXPECT_EQ(controller->congestionWindow(), 12000u);
}

struct Row {
  const char* what;
  std::function<void(NewReno&)> step;
  double window;    // in datagrams
  uint64_t flying;  // in datagrams
  bool slowStart;
};
void play(const std::vector<Row>& rows) {
  NewReno reno(kSize);
  for (const Row& row : rows) {
    row.step(reno);
    EXPECT_EQ(static_cast<double>(reno.congestionWindow()), row.window * kSize) << row.what;
    EXPECT_EQ(reno.bytesInFlight(), row.flying * kSize) << row.what;
    EXPECT_EQ(reno.inSlowStart(), row.slowStart) << row.what;
  }
}

TEST(NewReno, DoublesTheWindowEachRoundOfSlowStart) {  // covers RFC 9002 §7.3.1
  play({
      {"send 10", [](NewReno& r) { send(r, 10, at(0)); }, 10, 10, true},
      {"ack half", [](NewReno& r) { ack(r, 5, at(0)); }, 15, 5, true},
      {"ack rest", [](NewReno& r) { ack(r, 5, at(0)); }, 20, 0, true},
      {"second round", [](NewReno& r) { send(r, 20, at(100)), ack(r, 20, at(100)); }, 40, 0, true},
      {"third round", [](NewReno& r) { send(r, 40, at(200)), ack(r, 40, at(200)); }, 80, 0, true},
  });
}

TEST(NewReno, HalvesTheWindowOncePerRound) {  // covers RFC 9002 §7.3.1, §7.3.2
  play({
      {"grow", [](NewReno& r) { send(r, 10, at(0)), ack(r, 10, at(0)); }, 20, 0, true},
      {"send", [](NewReno& r) { send(r, 20, at(100)); }, 20, 20, true},
      {"loss", [](NewReno& r) { lose(r, 1, at(100), at(200)); }, 10, 19, false},
      {"loss of the same round", [](NewReno& r) { lose(r, 2, at(100), at(210)); }, 10, 17, false},
      {"CE of the same round", [](NewReno& r) { r.onEcnCe(at(220), at(200)); }, 10, 17, false},
      {"acks in recovery do not grow", [](NewReno& r) { ack(r, 17, at(100)); }, 10, 0, false},
      {"sent in recovery, after it began", [](NewReno& r) { send(r, 10, at(201)); }, 10, 10, false},
      {"its ack ends recovery and grows", [](NewReno& r) { ack(r, 10, at(201)); }, 11, 0, false},
      {"loss of the next round", [](NewReno& r) { send(r, 10, at(300)), lose(r, 10, at(300), at(400)); }, 5.5, 0,
       false},
  });
}

TEST(NewReno, GrowsByOneDatagramForEachWindowAcknowledged) {  // covers RFC 9002 §7.3.3
  NewReno reno(kSize);
  send(reno, 10, at(0));
  lose(reno, 10, at(0), at(1));
  ASSERT_EQ(reno.congestionWindow(), 5 * kSize);
  for (uint64_t window = 5; window < 50; ++window) {
    for (uint64_t i = 0; i < window; ++i) {
      ASSERT_EQ(reno.congestionWindow(), window * kSize);
      send(reno, 1, at(2));
      ack(reno, 1, at(2));
    }
    ASSERT_EQ(reno.congestionWindow(), (window + 1) * kSize);
  }
}

TEST(NewReno, TreatsCongestionExperiencedAsLoss) {  // covers RFC 9002 §7.1, §7.3.1
  play({
      {"send", [](NewReno& r) { send(r, 10, at(0)); }, 10, 10, true},
      {"CE", [](NewReno& r) { r.onEcnCe(at(100), at(0)); }, 5, 10, false},
      {"again, same round", [](NewReno& r) { r.onEcnCe(at(110), at(50)); }, 5, 10, false},
      {"next round", [](NewReno& r) { r.onEcnCe(at(200), at(101)); }, 2.5, 10, false},
  });
}

TEST(NewReno, NeverFallsBelowTwoDatagrams) {  // covers RFC 9002 §7.2
  NewReno reno(kSize);
  for (int round = 1; round < 20; ++round) {
    send(reno, 1, at(100 * round));
    lose(reno, 1, at(100 * round), at(100 * round + 50), round % 3 == 0);
    ASSERT_GE(reno.congestionWindow(), 2 * kSize);
  }
  EXPECT_EQ(reno.congestionWindow(), 2 * kSize);
}

TEST(NewReno, FallsToTheMinimumInPersistentCongestionAndSlowStartsFromThere) {  // covers RFC 9002 §7.6.2, §7.3.1
  play({
      {"grow", [](NewReno& r) { send(r, 10, at(0)), ack(r, 10, at(0)); }, 20, 0, true},
      {"persistent", [](NewReno& r) { send(r, 20, at(100)), lose(r, 20, at(100), at(9000), true); }, 2, 0, true},
      {"recovery is over: what is in flight grows", [](NewReno& r) { send(r, 2, at(8000)), ack(r, 2, at(8000)); }, 4, 0,
       true},
      {"up to the threshold", [](NewReno& r) { send(r, 6, at(9100)), ack(r, 6, at(9100)); }, 10, 0, false},
      {"then slowly", [](NewReno& r) { send(r, 10, at(9200)), ack(r, 10, at(9200)); }, 11, 0, false},
  });
}

TEST(NewReno, FallsToTheMinimumAlsoWithinARecoveryPeriod) {  // covers RFC 9002 §7.6.2
  play({
      {"loss", [](NewReno& r) { send(r, 10, at(0)), lose(r, 1, at(0), at(100)); }, 5, 9, false},
      {"persistent", [](NewReno& r) { lose(r, 9, at(50), at(9000), true); }, 2, 0, true},
  });
}

TEST(NewReno, DoesNotGrowWhileTheApplicationIsTheLimit) {  // covers RFC 9002 §7.8
  play({
      {"slow start", [](NewReno& r) { send(r, 3, at(0)), ack(r, 3, at(0), true); }, 10, 0, true},
      {"loss", [](NewReno& r) { send(r, 10, at(10)), lose(r, 10, at(10), at(20)); }, 5, 0, false},
      {"avoidance", [](NewReno& r) { send(r, 500, at(30)), ack(r, 500, at(30), true); }, 5, 0, false},
  });
}

TEST(NewReno, TakesDiscardedPacketsOutOfTheFlightWithoutASignal) {  // covers RFC 9002 §6.4
  play({
      {"send", [](NewReno& r) { send(r, 10, at(0)); }, 10, 10, true},
      {"discard", [](NewReno& r) { r.onDiscarded(4 * kSize); }, 10, 6, true},
      {"a loss of nothing in flight", [](NewReno& r) { lose(r, 0, at(0), at(10)); }, 10, 6, true},
  });
}

TEST(NewReno, SaysHowMuchMayStillBeSentEvenWhenProbesOverfilledTheWindow) {  // covers RFC 9002 §7.5
  NewReno reno(kSize);
  send(reno, 9, at(0));
  EXPECT_EQ(reno.available(), kSize);
  send(reno, 2, at(0));
  EXPECT_EQ(reno.available(), 0u);
  EXPECT_EQ(reno.bytesInFlight(), 11 * kSize);
}

TEST(NewReno, FollowsTheDatagramSizeWhileTheWindowIsInitial) {  // covers RFC 9002 §7.2
  NewReno fresh(1200);
  fresh.onMaxDatagramSize(1452);
  EXPECT_EQ(fresh.congestionWindow(), 14520u);
  fresh.onMaxDatagramSize(1200);
  EXPECT_EQ(fresh.congestionWindow(), 12000u);

  NewReno grown(kSize);
  send(grown, 10, at(0));
  ack(grown, 10, at(0));
  grown.onMaxDatagramSize(1452);
  EXPECT_EQ(grown.congestionWindow(), 24000u) << "earned";

  NewReno cut(kSize);
  send(cut, 10, at(0));
  lose(cut, 10, at(0), at(10), true);
  ASSERT_EQ(cut.congestionWindow(), 2400u);
  cut.onMaxDatagramSize(9000);
  EXPECT_EQ(cut.congestionWindow(), 18000u) << "two datagrams are the least";
}

TEST(NewRenoDeathTest, TreatsMoreLeavingTheFlightThanWasInItAsABug) {
  NewReno reno(kSize);
#ifdef QUIC_ABORT_ON_BUG
  EXPECT_DEATH(reno.onDiscarded(1), "flight");
#else
  reno.onDiscarded(1);
  EXPECT_EQ(reno.bytesInFlight(), 0u);
#endif
}

TEST(NewReno, HoldsItsInvariantsUnderRandomEvents) {
  std::mt19937_64 random(7);
  NewReno reno(kSize);
  struct Sent {
    uint64_t bytes;
    TimePoint at;
  };
  std::deque<Sent> flying;
  uint64_t bytes = 0;
  TimePoint now{};
  for (int step = 0; step < 100000; ++step) {
    now += Duration{random() % 2000};
    const uint64_t before = reno.congestionWindow();
    const uint64_t dice = random() % 100;
    uint64_t settled = 0;
    if (dice < 60 || flying.empty()) {
      if (reno.available() >= kSize) {
        flying.push_back({1 + random() % kSize, now});
        bytes += flying.back().bytes;
        reno.onPacketSent(now, flying.back().bytes);
      }
      ASSERT_EQ(reno.congestionWindow(), before);
    } else {
      const TimePoint sentAt = flying.front().at;
      settled = flying.front().bytes;
      flying.pop_front();
      bytes -= settled;
      if (dice < 98) {
        const bool appLimited = random() % 4 == 0;
        reno.onAck({.now = now, .ackedBytes = settled, .largestAckedSentAt = sentAt, .appLimited = appLimited}, kRtt);
        ASSERT_GE(reno.congestionWindow(), before);
        ASSERT_LE(reno.congestionWindow(), before + kSize);
      } else {
        reno.onLoss({.now = now, .lostBytes = settled, .largestLostSentAt = sentAt, .persistent = random() % 20 == 0});
        ASSERT_LE(reno.congestionWindow(), before);
      }
    }
    ASSERT_EQ(reno.bytesInFlight(), bytes);
    ASSERT_GE(reno.congestionWindow(), 2 * kSize);
  }
}

// ---- losses that were none

TEST(NewReno, GivesBackWhatASpuriousLossTook) {
  NewReno reno(kSize);
  send(reno, 10, at(0));
  lose(reno, 1, at(0), at(100));
  ASSERT_EQ(reno.congestionWindow(), 6000u);
  reno.onSpuriousLoss({at(110), at(100)});
  EXPECT_EQ(reno.congestionWindow(), 12000u);
  EXPECT_TRUE(reno.inSlowStart());
  EXPECT_EQ(reno.bytesInFlight(), 9 * kSize) << "what was lost has left the flight, and stays out of it";
  lose(reno, 1, at(0), at(120));
  EXPECT_EQ(reno.congestionWindow(), 6000u) << "a true loss counts again";
}

struct UndoRow {
  const char* what;
  std::function<void(NewReno&)> after;  // the loss at 100 ms of a packet sent at 0
  uint64_t reducedAt;
  uint64_t window;
};

TEST(NewReno, GivesNothingBackWhenThereIsAnotherReason) {
  const UndoRow rows[] = {
      {"another reduction", [](NewReno& r) { lose(r, 1, at(101), at(200)); }, 100, 3000},
      {"the later one only", [](NewReno& r) { lose(r, 1, at(101), at(200)); }, 200, 6000},
      {"a congestion mark in the same round trip", [](NewReno& r) { r.onEcnCe(at(110), at(0)); }, 100, 6000},
      {"persistent congestion", [](NewReno& r) { lose(r, 1, at(0), at(120), true); }, 100, 2 * kSize},
      {"a window that has grown beyond",
       [](NewReno& r) {
         send(r, 300, at(101));
         for (int i = 0; i < 300; ++i) ack(r, 1, at(101));
       },
       100, 0},
  };
  for (const UndoRow& row : rows) {
    NewReno reno(kSize);
    send(reno, 10, at(0));
    lose(reno, 1, at(0), at(100));
    row.after(reno);
    const uint64_t before = reno.congestionWindow();
    reno.onSpuriousLoss({at(300), at(static_cast<int64_t>(row.reducedAt))});
    EXPECT_EQ(reno.congestionWindow(), row.window == 0 ? before : row.window) << row.what;
  }
}

}  // namespace
}  // namespace quic
