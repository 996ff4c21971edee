#include "quic/congestion_control/Cubic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace quic {
namespace {

constexpr uint64_t kSize = 1200;

TimePoint at(int64_t milliseconds) { return TimePoint{std::chrono::milliseconds{milliseconds}}; }

/// A sender on a path of one round-trip time, whose window is used up whenever it is `full`.
class Sender {
 public:
  explicit Sender(Duration roundTrip = 100ms) : roundTrip_(roundTrip) {
    rtt_.onSample(roundTrip, Duration{0}, Duration{0}, now);
  }
  void send(uint64_t packets) {
    for (uint64_t i = 0; i < packets; ++i) cubic.onPacketSent(now, kSize);
  }
  /// Packets sent one round trip ago.
  void ack(uint64_t packets, bool full = true) {
    const CongestionAckEvent event{
        .now = now, .ackedBytes = packets * kSize, .largestAckedSentAt = now - roundTrip_, .appLimited = !full};
    cubic.onAck(event, rtt_);
  }
  void lose(uint64_t packets, bool persistent = false) {
    cubic.onLoss(
        {.now = now, .lostBytes = packets * kSize, .largestLostSentAt = now - roundTrip_, .persistent = persistent});
  }
  /// A window leaves, and is acknowledged packet by packet a round trip later.
  void round(bool full = true) {
    const uint64_t packets = datagrams();
    send(packets);
    now += roundTrip_;
    for (uint64_t i = 0; i < packets; ++i) ack(1, full);
  }
  void roundsFor(Duration time, bool full = true) {
    for (const TimePoint end = now + time; now < end;) round(full);
  }
  /// Slow start up to `packets`, and the loss of one of them: the stage that follows began now.
  void reduceFrom(uint64_t packets) {
    while (datagrams() < packets) {
      send(1);
      now += 1us;
      cubic.onAck({.now = now, .ackedBytes = kSize, .largestAckedSentAt = now - 1us}, rtt_);
    }
    send(1);
    now += roundTrip_;
    lose(1);
    now += roundTrip_;  // recovery ends with the next acknowledgment
  }
  [[nodiscard]] uint64_t datagrams() const { return cubic.congestionWindow() / kSize; }
  [[nodiscard]] double window() const { return static_cast<double>(cubic.congestionWindow()) / kSize; }

  Cubic cubic{kSize};
  TimePoint now{1s};

 private:
  Duration roundTrip_;
  RttEstimator rtt_;
};

TEST(Cubic, IsMadeByTheFactoryWithTheInitialWindow) {  // covers RFC 9002 §7.2
  const auto controller = makeCongestionController(CongestionControlType::Cubic, kSize);
  ASSERT_NE(controller, nullptr);
  EXPECT_EQ(controller->name(), "cubic");
  EXPECT_EQ(controller->congestionWindow(), 12000u);
  EXPECT_EQ(Cubic(9000).congestionWindow(), 18000u);
}

TEST(Cubic, DoublesTheWindowEachRoundOfSlowStart) {
  Sender sender;
  for (const uint64_t expected : {20u, 40u, 80u}) {
    sender.round();
    EXPECT_EQ(sender.datagrams(), expected);
    EXPECT_TRUE(sender.cubic.inSlowStart());
  }
}

TEST(Cubic, ReducesToSevenTenthsOncePerRound) {
  Sender sender;
  sender.round();
  sender.send(20);
  sender.now += 100ms;
  sender.lose(1);
  EXPECT_EQ(sender.datagrams(), 14u);
  EXPECT_FALSE(sender.cubic.inSlowStart());
  sender.lose(2);
  sender.cubic.onEcnCe(sender.now, sender.now - 1ms);
  EXPECT_EQ(sender.datagrams(), 14u) << "the same round trip";
  sender.ack(17);
  EXPECT_EQ(sender.datagrams(), 14u) << "no growth in recovery";
  EXPECT_EQ(sender.cubic.bytesInFlight(), 0u);
  sender.now += 1ms;
  sender.send(14);
  sender.now += 100ms;
  sender.lose(1);
  EXPECT_EQ(sender.cubic.congestionWindow(), 14 * kSize * 7 / 10) << "the next round trip";
}

TEST(Cubic, TreatsCongestionExperiencedAsLoss) {  // covers RFC 9002 §7.1
  Sender sender;
  sender.send(10);
  sender.cubic.onEcnCe(at(1100), at(1000));
  EXPECT_EQ(sender.datagrams(), 7u);
}

// ---- RFC 9438 §4.2: the function of time

double cubicFunction(double seconds, double maxWindow, double startWindow) {
  const double k = std::cbrt((maxWindow - startWindow) / 0.4);
  return 0.4 * std::pow(seconds - k, 3) + maxWindow;
}

TEST(Cubic, FollowsTheCubicFunctionOfTimeThroughPlateauAndBeyond) {
  Sender sender(200ms);
  sender.reduceFrom(1000);
  const double start = sender.window();
  ASSERT_NEAR(start, 700, 1);
  const TimePoint began = sender.now;
  sender.round();  // its first acknowledgment begins the stage
  double before = sender.window();
  for (int i = 0; i < 90; ++i) {
    sender.round();
    const double seconds = std::chrono::duration<double>(sender.now - began).count();
    const double expected = cubicFunction(seconds, 1000, start);
    EXPECT_NEAR(sender.window() / expected, 1, 0.02) << seconds;
    EXPECT_GE(sender.window(), before);
    before = sender.window();
  }
  EXPECT_GT(before, 1250) << "18 s later, twice K, the climb is steep again";
}

TEST(Cubic, NeverGrowsByMoreThanHalfAWindowInARoundTrip) {
  Sender sender(5s);
  sender.reduceFrom(20);
  sender.round();
  for (int i = 0; i < 20; ++i) {
    const double before = sender.window();
    sender.round();
    EXPECT_LE(sender.window(), 1.51 * before);
  }
}

TEST(Cubic, ReleasesMoreWhenItsMaximumFalls) {  // RFC 9438 §4.7
  Sender first(200ms);
  first.reduceFrom(1000);
  first.now += 1s;
  first.send(1);
  first.now += 200ms;
  first.lose(1);  // from 700, below 1000: the new maximum is 595, not 700
  ASSERT_EQ(first.datagrams(), 490u);
  first.now += 200ms;
  const double k = std::cbrt(105 / 0.4);
  first.roundsFor(Duration{static_cast<int64_t>(k * 1e6)});
  EXPECT_NEAR(first.window(), 595, 3) << "rests at 0.85 of where it was reduced";
}

// ---- RFC 9438 §4.3: never slower than Reno

TEST(Cubic, FollowsRenoWhereTheCubicFunctionIsSlower) {
  Sender sender(10ms);
  sender.reduceFrom(100);
  const double start = sender.window();
  sender.round();
  const double alpha = 3 * 0.3 / 1.7;
  int rounds = 1;
  while (sender.window() < 99.9) {
    sender.round();
    ++rounds;
    EXPECT_NEAR(sender.window(), start + alpha * rounds, 1.0) << rounds;
  }
  const double reached = sender.window();
  for (int i = 0; i < 20; ++i) sender.round();
  EXPECT_NEAR(sender.window(), reached + 20, 1.0) << "one datagram a round from there on";
}

// ---- time that does not count

TEST(Cubic, DoesNotGrowWhileTheApplicationIsTheLimit) {  // covers RFC 9002 §7.8
  Sender sender(200ms);
  sender.round(false);
  EXPECT_EQ(sender.datagrams(), 10u) << "slow start";
  sender.reduceFrom(1000);
  sender.roundsFor(20s, false);
  EXPECT_EQ(sender.datagrams(), 700u) << "avoidance";
}

TEST(Cubic, CountsNeitherIdleNorApplicationLimitedTime) {  // RFC 9438 §5.8
  for (const bool idle : {true, false}) {
    Sender sender(200ms);
    sender.reduceFrom(1000);
    sender.roundsFor(2s);
    const double before = sender.window();
    if (idle) {
      sender.now += 60s;
    } else {
      sender.roundsFor(60s, false);
    }
    sender.round();
    EXPECT_LT(sender.window(), before + 25) << idle << ": one step of the curve, not a minute's";
    EXPECT_GT(sender.window(), before) << idle;
  }
}

// ---- events

TEST(Cubic, FallsToTheMinimumInPersistentCongestionAndSlowStartsToItsThreshold) {  // covers RFC 9002 §7.6.2
  Sender sender;
  for (int i = 0; i < 3; ++i) sender.round();
  sender.send(80);
  sender.now += 9s;
  sender.lose(80, true);
  EXPECT_EQ(sender.datagrams(), 2u);
  EXPECT_TRUE(sender.cubic.inSlowStart());
  sender.now += 1ms;
  for (const uint64_t expected : {4u, 8u, 16u, 32u}) {
    sender.round();
    EXPECT_EQ(sender.datagrams(), expected);
  }
  sender.round();
  EXPECT_FALSE(sender.cubic.inSlowStart()) << "56 was 0.7 of 80";
  const double reached = sender.window();
  sender.round();
  EXPECT_LE(sender.window(), reached + 1.5) << "K is 0: from here the curve is flat (RFC 9438 §4.8)";
}

TEST(Cubic, TakesBackAReductionWhoseLossesWereSpurious) {  // RFC 9438 §4.9
  Sender spurious(200ms);
  Sender spared(200ms);
  for (Sender* sender : {&spurious, &spared}) {
    sender->reduceFrom(1000);
    sender->roundsFor(3s);
    sender->send(1);
    sender->now += 200ms;
  }
  const uint64_t before = spurious.cubic.congestionWindow();
  spurious.lose(1);
  spared.ack(1, false);
  ASSERT_LT(spurious.cubic.congestionWindow(), before);
  spurious.cubic.onSpuriousLoss({spurious.now + 1ms, spurious.now});
  EXPECT_EQ(spurious.cubic.congestionWindow(), before);
  for (Sender* sender : {&spurious, &spared}) sender->roundsFor(10s);
  EXPECT_NEAR(spurious.window() / spared.window(), 1, 0.01) << "the stage goes on where it was";
}

TEST(Cubic, TakesNothingBackWhenThereIsAnotherReason) {
  struct Row {
    const char* what;
    std::function<void(Sender&)> after;  // a reduction at 1100 ms of packets sent at 1000
    int64_t reducedAt;
    uint64_t datagrams;
  };
  const Row rows[] = {
      {"nothing else", [](Sender&) {}, 1100, 10},
      {"another reduction's time", [](Sender&) {}, 1099, 7},
      {"a CE mark of the same round", [](Sender& s) { s.cubic.onEcnCe(at(1110), at(1000)); }, 1100, 7},
      {"a later reduction", [](Sender& s) { s.now = at(1250), s.lose(2); }, 1100, 4},
      {"persistent congestion", [](Sender& s) { s.now = at(1190), s.lose(2, true); }, 1100, 2},
  };
  for (const Row& row : rows) {
    Sender sender;
    sender.send(10);
    sender.now = at(1100);
    sender.lose(1);
    row.after(sender);
    sender.cubic.onSpuriousLoss({at(1300), at(row.reducedAt)});
    EXPECT_EQ(sender.datagrams(), row.datagrams) << row.what;
  }
}

TEST(Cubic, NeverFallsBelowTwoDatagrams) {  // covers RFC 9002 §7.2
  Sender sender;
  for (int i = 0; i < 30; ++i) {
    sender.send(2);
    sender.now += 200ms;
    sender.lose(2);
  }
  EXPECT_EQ(sender.cubic.congestionWindow(), 2 * kSize);
}

TEST(Cubic, TakesDiscardedPacketsOutOfTheFlightWithoutASignal) {  // covers RFC 9002 §6.4
  Sender sender;
  sender.send(10);
  sender.cubic.onDiscarded(4 * kSize);
  EXPECT_EQ(sender.cubic.bytesInFlight(), 6 * kSize);
  sender.lose(0);
  EXPECT_EQ(sender.datagrams(), 10u);
}

TEST(Cubic, FollowsTheDatagramSizeWhileTheWindowIsInitial) {  // covers RFC 9002 §7.2
  Cubic fresh(1200);
  fresh.onMaxDatagramSize(1472);
  EXPECT_EQ(fresh.congestionWindow(), 14720u);
  fresh.onPacketSent(at(0), 1200);
  fresh.onLoss({.now = at(100), .lostBytes = 1200, .largestLostSentAt = at(0)});
  EXPECT_EQ(fresh.congestionWindow(), 14720u * 7 / 10);
  fresh.onMaxDatagramSize(9000);
  EXPECT_EQ(fresh.congestionWindow(), 18000u) << "two datagrams are the least";
}

TEST(Cubic, EndsTheFirstSlowStartBeforeALossWhenTheDelayGrows) {
  Sender sender;
  RttEstimator rtt;
  TimePoint now{1s};
  // Each round takes longer than the one before by more than the threshold, as on a queue that builds up.
  for (int round = 0; round < 8 && sender.cubic.inSlowStart(); ++round) {
    const Duration roundTrip = 100ms + round * 20ms;
    const uint64_t packets = sender.datagrams();
    for (uint64_t i = 0; i < packets; ++i) sender.cubic.onPacketSent(now, kSize);
    for (uint64_t i = 0; i < packets; ++i) {
      sender.cubic.onAck({.now = now + roundTrip, .ackedBytes = kSize, .largestAckedSentAt = now}, rtt);
    }
    now += roundTrip;
  }
  EXPECT_FALSE(sender.cubic.inSlowStart());
  EXPECT_LT(sender.datagrams(), 100u) << "doubling for eight rounds would have made it 2560";
}

}  // namespace
}  // namespace quic
