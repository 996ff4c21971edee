#include "quic/congestion_control/Bbr.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "cpp/congestion_control/BottleneckModel.h"

namespace quic {
namespace {

using model::BottleneckModel;
using model::Flow;
using State = Bbr::State;

constexpr double kMegabit = 125'000;  // bytes a second

const char* nameOf(State state) {
  switch (state) {
    case State::Startup: return "Startup";
    case State::Drain: return "Drain";
    case State::ProbeBwDown: return "Down";
    case State::ProbeBwCruise: return "Cruise";
    case State::ProbeBwRefill: return "Refill";
    case State::ProbeBwUp: return "Up";
    case State::ProbeRtt: return "ProbeRtt";
  }
  return "?";
}

const Bbr& bbrOf(const Flow& flow) { return static_cast<const Bbr&>(*flow.controller); }

struct Visit {
  State state;
  TimePoint from;
  Duration length{0};
};

/// Which states a flow passes through, and when.
class Diary {
 public:
  explicit Diary(BottleneckModel& link) {
    link.onAcked = [this, &link](const Flow& flow) {
      const State state = bbrOf(flow).state();
      if (!visits.empty()) visits.back().length = link.now() - visits.back().from;
      if (visits.empty() || visits.back().state != state) visits.push_back({state, link.now()});
    };
  }
  [[nodiscard]] std::string text(size_t count) const {
    std::string names;
    for (size_t i = 0; i < visits.size() && i < count; ++i)
      names += std::string(i == 0 ? "" : " ") + nameOf(visits[i].state);
    return names;
  }
  [[nodiscard]] std::vector<Visit> of(State state) const {
    std::vector<Visit> found;
    for (size_t i = 0; i + 1 < visits.size(); ++i) {
      if (visits[i].state == state) found.push_back(visits[i]);
    }
    return found;
  }
  std::vector<Visit> visits;
};

// ---- the state machine on a clean path

TEST(Bbr, PassesThroughItsStatesInOrder) {
  BottleneckModel link({.bytesPerSecond = 10 * kMegabit, .buffer = 125'000}, 1);
  Diary diary(link);
  link.add({.type = CongestionControlType::Bbr, .roundTrip = 50ms, .seed = 7});
  link.run(30s);
  EXPECT_EQ(diary.text(12), "Startup Drain Cruise Refill Up Down Cruise ProbeRtt Cruise Refill Up Down");
}

TEST(Bbr, TakesOnlyTheTransitionsOfItsStateMachine) {
  const std::map<State, std::set<State>> allowed = {
      {State::Startup, {State::Drain, State::ProbeRtt}},
      {State::Drain, {State::ProbeBwDown, State::ProbeBwCruise, State::ProbeRtt}},
      {State::ProbeBwDown, {State::ProbeBwCruise, State::ProbeBwRefill, State::ProbeRtt}},
      {State::ProbeBwCruise, {State::ProbeBwRefill, State::ProbeRtt}},
      {State::ProbeBwRefill, {State::ProbeBwUp, State::ProbeRtt}},
      {State::ProbeBwUp, {State::ProbeBwDown, State::ProbeBwCruise, State::ProbeRtt}},
      {State::ProbeRtt, {State::ProbeBwCruise, State::Startup}},
  };
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const double rate = (seed % 3 + 1) * 4 * kMegabit;
    BottleneckModel link(
        {.bytesPerSecond = rate, .buffer = uint64_t{10'000} << (seed % 4), .lossRate = seed % 2 == 0 ? 0 : 0.01}, seed);
    Diary diary(link);
    link.add({.type = CongestionControlType::Bbr, .roundTrip = 20ms + 30ms * (seed % 4), .seed = seed});
    link.run(25s);
    ASSERT_GT(diary.visits.size(), 10u) << seed;
    for (size_t i = 1; i < diary.visits.size(); ++i) {
      const State from = diary.visits[i - 1].state;
      // Two changes may fall on one acknowledgment: ProbeBwDown is over at once where there is no queue.
      EXPECT_TRUE(allowed.at(from).count(diary.visits[i].state) > 0)
          << seed << ": " << nameOf(from) << " to " << nameOf(diary.visits[i].state);
    }
  }
}

TEST(Bbr, LooksForBandwidthEveryTwoToThreeSecondsOrSixtyThreeRounds) {
  for (const Duration roundTrip : {20ms, 100ms}) {
    BottleneckModel link({.bytesPerSecond = 20 * kMegabit, .buffer = 500'000}, 1);
    Diary diary(link);
    link.add({.type = CongestionControlType::Bbr, .roundTrip = roundTrip, .seed = 3});
    link.run(30s);
    const auto probes = diary.of(State::ProbeBwUp);
    ASSERT_GE(probes.size(), 5u) << roundTrip.count();
    for (size_t i = 1; i < probes.size(); ++i) {
      const Duration apart = probes[i].from - probes[i - 1].from;
      EXPECT_GE(apart, std::min<Duration>(2s, roundTrip * 40)) << roundTrip.count();
      const bool isInterrupted = std::any_of(diary.visits.begin(), diary.visits.end(), [&](const Visit& visit) {
        return visit.state == State::ProbeRtt && visit.from > probes[i - 1].from && visit.from < probes[i].from;
      });
      EXPECT_LE(apart, isInterrupted ? 6s : 3s + 10 * roundTrip) << roundTrip.count();
    }
  }
}

TEST(Bbr, LooksForTheRoundTripEveryFiveSecondsForAFifthOfOne) {
  BottleneckModel link({.bytesPerSecond = 10 * kMegabit, .buffer = 125'000}, 1);
  Diary diary(link);
  link.add({.type = CongestionControlType::Bbr, .roundTrip = 50ms, .seed = 7});
  link.run(60s);
  const auto visits = diary.of(State::ProbeRtt);
  ASSERT_GE(visits.size(), 5u);
  for (size_t i = 0; i < visits.size(); ++i) {
    EXPECT_GE(visits[i].length, 200ms);
    EXPECT_LE(visits[i].length, 500ms);
    if (i == 0) continue;
    EXPECT_GE(visits[i].from - visits[i - 1].from, 5s);
    EXPECT_LE(visits[i].from - visits[i - 1].from, 11s);
  }
}

// ---- what comes of it

struct PathRow {
  double megabits;
  Duration roundTrip;
  double bufferOfBdp;
};
constexpr PathRow kPaths[] = {{1, 50ms, 2}, {10, 50ms, 2}, {10, 50ms, 1}, {50, 20ms, 1}, {10, 200ms, 1}, {50, 10ms, 4}};

TEST(Bbr, UsesNineTenthsOfABottleneckWithABoundedQueue) {
  for (const PathRow& row : kPaths) {
    const double rate = row.megabits * kMegabit;
    const double bdp = rate * std::chrono::duration<double>(row.roundTrip).count();
    const auto buffer = static_cast<uint64_t>(std::max(row.bufferOfBdp * bdp, 12'000.0));
    BottleneckModel link({.bytesPerSecond = rate, .buffer = buffer}, 1);
    Flow& flow = link.add({.type = CongestionControlType::Bbr, .roundTrip = row.roundTrip, .seed = 5});
    link.run(5s);
    const uint64_t before = flow.delivered;
    link.forgetDeepestQueue();
    link.run(15s);
    EXPECT_GE(static_cast<double>(flow.delivered - before), 0.9 * 15 * rate) << row.megabits << " Mbit/s";
    EXPECT_LE(static_cast<double>(link.deepestQueue()), 0.6 * bdp + 20'000) << row.megabits << " Mbit/s";
    EXPECT_EQ(flow.timeouts, 0u);
  }
}

TEST(Bbr, KeepsUpWithABottleneckThatChanges) {
  BottleneckModel link({.bytesPerSecond = 10 * kMegabit, .buffer = 125'000}, 1);
  Flow& flow = link.add({.type = CongestionControlType::Bbr, .roundTrip = 50ms, .seed = 5});
  link.run(10s);
  link.setRate(40 * kMegabit);
  link.run(15s);
  uint64_t before = flow.delivered;
  link.run(5s);
  EXPECT_GE(static_cast<double>(flow.delivered - before), 0.85 * 5 * 40 * kMegabit) << "four times as fast";
  link.setRate(5 * kMegabit);
  link.run(15s);
  before = flow.delivered;
  link.forgetDeepestQueue();
  link.run(5s);
  EXPECT_GE(static_cast<double>(flow.delivered - before), 0.85 * 5 * 5 * kMegabit) << "an eighth of that";
  EXPECT_LE(link.deepestQueue(), 100'000u);
}

TEST(Bbr, LowersItsBoundWhereTheBufferIsShallow) {
  BottleneckModel link({.bytesPerSecond = 20 * kMegabit, .buffer = 12'000}, 1);  // a tenth of what is under way
  Flow& flow = link.add({.type = CongestionControlType::Bbr, .roundTrip = 50ms, .seed = 5});
  link.run(30s);
  EXPECT_NE(bbrOf(flow).bounds().inFlightHi(), BbrBounds::kNone);
  EXPECT_GE(static_cast<double>(flow.delivered), 0.8 * 30 * 20 * kMegabit);
  EXPECT_LT(static_cast<double>(flow.lost), 0.02 * static_cast<double>(flow.delivered));
}

TEST(Bbr, DoesNotTakeTheApplicationsPaceForThePaths) {
  BottleneckModel link({.bytesPerSecond = 10 * kMegabit, .buffer = 125'000}, 1);
  Flow& flow = link.add({.type = CongestionControlType::Bbr, .roundTrip = 50ms, .seed = 5});
  link.run(4s);
  const uint64_t before = bbrOf(flow).model().maxBandwidth();
  flow.backlog = 0;
  for (int i = 0; i < 300; ++i) {  // a hundredth of the rate for 30 s
    link.write(flow, 1200);
    link.run(100ms);
  }
  EXPECT_GE(bbrOf(flow).model().maxBandwidth(), before * 9 / 10);
}

TEST(Bbr, LeavesStartupWhenItLosesTooMuch) {
  BottleneckModel link({.bytesPerSecond = 100 * kMegabit, .buffer = 30'000}, 1);
  Diary diary(link);
  Flow& flow = link.add({.type = CongestionControlType::Bbr, .roundTrip = 100ms, .seed = 5});
  link.run(3s);
  ASSERT_GE(diary.visits.size(), 2u);
  EXPECT_LE(diary.visits[0].length, 1500ms);
  EXPECT_NE(bbrOf(flow).bounds().inFlightHi(), BbrBounds::kNone) << diary.text(9);
}

// ---- events

RateSample sampleOf(uint64_t rate, uint64_t before, uint64_t now) {
  RateSample sample;
  sample.bytesPerSecond = rate;
  sample.interval = 100ms;
  sample.delivered = now - before;
  sample.inFlightAtSend = 12'000;
  sample.deliveredBefore = before;
  sample.deliveredInAll = now;
  return sample;
}

/// Ten packets a round trip of 100 ms.
class Rounds {
 public:
  Rounds() { rtt_.onSample(100ms, 0ms, 0ms, now); }
  void play(int rounds = 1) {
    for (; rounds > 0; --rounds) {
      for (int i = 0; i < 10; ++i) bbr.onPacketSent(now, 1200);
      now += 100ms;
      const uint64_t before = delivered_;
      delivered_ += 12'000;
      bbr.onAck({.now = now,
                 .ackedBytes = 12'000,
                 .largestAckedSentAt = now - 100ms,
                 .rate = sampleOf(120'000, before, delivered_)},
                rtt_);
    }
  }
  void lose(uint64_t packets, bool persistent = false) {
    bbr.onLoss({.now = now, .lostBytes = packets * 1200, .largestLostSentAt = now - 1ms, .persistent = persistent});
  }
  Bbr bbr{1200, 1};
  TimePoint now{1s};

 private:
  RttEstimator rtt_;
  uint64_t delivered_ = 0;
};

TEST(Bbr, FindsThePipeFullAfterThreeRoundsWithoutGrowth) {
  Rounds rounds;
  rounds.play(3);
  EXPECT_EQ(rounds.bbr.state(), State::Startup);
  EXPECT_TRUE(rounds.bbr.inSlowStart());
  rounds.play(1);
  EXPECT_EQ(rounds.bbr.state(), State::ProbeBwCruise)
      << "nothing is in flight, so Drain and ProbeBwDown are over at once";
  EXPECT_FALSE(rounds.bbr.inSlowStart());
}

TEST(Bbr, FallsToTwoDatagramsInPersistentCongestionAndComesBack) {  // covers RFC 9002 §7.6.2
  Rounds rounds;
  rounds.play(10);
  const uint64_t before = rounds.bbr.congestionWindow();
  for (int i = 0; i < 10; ++i) rounds.bbr.onPacketSent(rounds.now, 1200);
  rounds.now += 3s;
  rounds.lose(10, true);
  EXPECT_EQ(rounds.bbr.congestionWindow(), 2400u);
  rounds.play(3);
  EXPECT_GE(rounds.bbr.congestionWindow(), before * 9 / 10);
}

TEST(Bbr, TakesBackWhatSpuriousLossesTook) {
  Rounds rounds;
  rounds.play(10);
  const uint64_t before = rounds.bbr.congestionWindow();
  for (int i = 0; i < 10; ++i) rounds.bbr.onPacketSent(rounds.now, 1200);
  rounds.now += 100ms;
  rounds.lose(3);
  ASSERT_LT(rounds.bbr.congestionWindow(), before);
  rounds.bbr.onSpuriousLoss({rounds.now, rounds.now - 1ms});
  EXPECT_LT(rounds.bbr.congestionWindow(), before) << "of another reduction";
  rounds.bbr.onSpuriousLoss({rounds.now, rounds.now});
  EXPECT_EQ(rounds.bbr.congestionWindow(), before);
}

TEST(Bbr, EndsStartupAtACongestionMark) {  // covers RFC 9002 §7.1
  Rounds rounds;
  rounds.play(2);
  ASSERT_EQ(rounds.bbr.state(), State::Startup);
  rounds.bbr.onEcnCe(rounds.now, rounds.now - 1ms);
  rounds.play(1);
  EXPECT_NE(rounds.bbr.state(), State::Startup);
  EXPECT_NE(rounds.bbr.bounds().inFlightHi(), BbrBounds::kNone);
}

}  // namespace
}  // namespace quic
