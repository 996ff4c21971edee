#include "quic/congestion_control/Pacer.h"

#include <gtest/gtest.h>

#include <random>

namespace quic {
namespace {

constexpr size_t kSize = 1200;

TEST(Pacer, DoesNotPaceUntilItIsToldAPace) {
  Pacer pacer;
  pacer.onPacketSent(TimePoint{1s}, 1'000'000);
  EXPECT_EQ(pacer.allowance(TimePoint{1s}), UINT64_MAX);
  EXPECT_EQ(pacer.nextSendTime(TimePoint{1s}, 1'000'000), std::nullopt);
}

/// As of a controller that names no rate.
Pacer::Pace paceOf(uint64_t window, Duration rtt, bool slowStart) {
  return {.congestionWindow = window, .smoothedRtt = rtt, .inSlowStart = slowStart, .maxDatagramSize = kSize};
}

struct Pace {
  const char* what;
  uint64_t window;
  Duration rtt;
  bool slowStart;
  uint64_t burst;  // what may leave at once
};
constexpr Pace kPaces[] = {
    {"a small window: ten datagrams", 12'000, 100ms, true, 12'000},
    {"the least window on a long path", 2'400, 2s, false, 12'000},
    {"half a window is a train", 100'000, 100ms, false, 50'000},
    {"one train", 1'000'000, 100ms, false, 65'536},
    {"1 ms of a fast path", 12'500'000, 10ms, false, 1'562'500},
    {"twice the window in slow start", 12'500'000, 10ms, true, 2'500'000},
};

TEST(Pacer, AllowsTheLargestOfInitialWindowTrainAndMillisecondAtOnce) {  // covers RFC 9002 §7.7
  for (const Pace& pace : kPaces) {
    Pacer pacer;
    pacer.onUpdate(TimePoint{1s}, paceOf(pace.window, pace.rtt, pace.slowStart));
    EXPECT_EQ(pacer.allowance(TimePoint{1s}), pace.burst) << pace.what;
    EXPECT_EQ(pacer.allowance(TimePoint{9s}), pace.burst) << pace.what << ": idle time saves no more";
  }
}

/// Sends whenever it may, woken `lateness` after the time asked for. Bytes sent after the first burst, per second.
double averageRate(Pacer& pacer, TimePoint begin, Duration length, size_t unit, Duration lateness) {
  uint64_t sent = 0;
  const uint64_t burst = pacer.allowance(begin);
  TimePoint now = begin;
  while (now < begin + length) {
    while (pacer.allowance(now) >= unit) {
      pacer.onPacketSent(now, unit);
      sent += unit;
    }
    now = pacer.nextSendTime(now, unit).value_or(now) + lateness;
  }
  return static_cast<double>(sent - burst) / std::chrono::duration<double>(now - begin).count();
}

TEST(Pacer, KeepsTheAverageRateWithinOnePercent) {  // covers RFC 9002 §7.7
  for (const Pace& pace : kPaces) {
    const double expected = (pace.slowStart ? 2 : 1.25) * static_cast<double>(pace.window) /
                            std::chrono::duration<double>(pace.rtt).count();
    const Duration length = std::max<Duration>(1s, Duration{static_cast<int64_t>(2000 * kSize / expected * 1e6)});
    for (const Duration lateness : {0us, 50us, 900us}) {
      Pacer pacer;
      pacer.onUpdate(TimePoint{1s}, paceOf(pace.window, pace.rtt, pace.slowStart));
      const double rate = averageRate(pacer, TimePoint{1s}, length, kSize, lateness);
      EXPECT_NEAR(rate / expected, 1.0, 0.01) << pace.what << ", " << lateness.count() << " us late";
    }
  }
}

TEST(Pacer, IsNoLimitWhereARoundTripIsShorterThanATimerTick) {
  for (const uint64_t window : {12'000u, 1'000'000u, 16'000'000u}) {
    Pacer pacer;
    pacer.onUpdate(TimePoint{1s}, paceOf(window, 50us, false));
    EXPECT_GE(pacer.allowance(TimePoint{1s}), window);
    pacer.onPacketSent(TimePoint{1s}, window);
    EXPECT_GE(pacer.allowance(TimePoint{1s} + 50us), window) << "the window is the limit, each round trip anew";
  }
}

TEST(Pacer, TellsATimeAtWhichTheBytesMayReallyLeaveAndNoneBefore) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    Pacer pacer;
    TimePoint now{Duration{random() % 1'000'000'000}};
    pacer.onUpdate(now, paceOf(2400 + random() % 3'000'000, Duration{1 + random() % 300'000}, random() % 2 == 0));
    for (int i = 0; i < 20; ++i) {
      pacer.onPacketSent(now, random() % 60'000);
      const uint64_t wanted = 1 + random() % kSize;
      const auto next = pacer.nextSendTime(now, wanted);
      if (!next) {
        ASSERT_GE(pacer.allowance(now), wanted);
        continue;
      }
      ASSERT_GT(*next, now);
      ASSERT_LT(pacer.allowance(*next - 1us), wanted);
      ASSERT_GE(pacer.allowance(*next), wanted);
      now += Duration{random() % 2000};
    }
  }
}

TEST(Pacer, WaitsForAFullBucketWhenMoreIsWantedThanItHolds) {
  Pacer pacer;
  pacer.onUpdate(TimePoint{1s}, paceOf(12'000, 100ms, false));
  EXPECT_EQ(pacer.nextSendTime(TimePoint{1s}, 1'000'000), std::nullopt);
  pacer.onPacketSent(TimePoint{1s}, 12'000);
  EXPECT_EQ(pacer.nextSendTime(TimePoint{1s}, 1'000'000), TimePoint{1s} + 80ms);
}

TEST(Pacer, IsPaidBackForWhatLeftAheadOfThePaceUpToOneBucket) {
  Pacer pacer;
  pacer.onUpdate(TimePoint{1s}, paceOf(12'000, 100ms, false));  // 150 bytes each ms
  pacer.onPacketSent(TimePoint{1s}, 12'000 + 2'400);
  EXPECT_EQ(pacer.allowance(TimePoint{1s}), 0u);
  EXPECT_EQ(pacer.nextSendTime(TimePoint{1s}, 1'200), TimePoint{1s} + 24ms);
  pacer.onPacketSent(TimePoint{1s}, 1'000'000);
  EXPECT_EQ(pacer.nextSendTime(TimePoint{1s}, 1'200), TimePoint{1s} + 88ms) << "probes never stall a path for long";
}

TEST(Pacer, KeepsItsTokensWhenThePaceChanges) {
  Pacer pacer;
  pacer.onUpdate(TimePoint{1s}, paceOf(12'000, 100ms, false));
  pacer.onPacketSent(TimePoint{1s}, 12'000);
  pacer.onUpdate(TimePoint{1s} + 10ms, paceOf(24'000, 100ms, false));
  EXPECT_EQ(pacer.allowance(TimePoint{1s} + 10ms), 1'500u) << "earned at the old pace";
  EXPECT_EQ(pacer.allowance(TimePoint{1s} + 20ms), 4'500u) << "and then at the new one";
}

// ---- a rate by name

Pacer::Pace rateOf(uint64_t bytesPerSecond, Duration rtt = 50ms) {
  return {.congestionWindow = 1'000'000,
          .smoothedRtt = rtt,
          .inSlowStart = false,
          .maxDatagramSize = kSize,
          .rate = bytesPerSecond};
}

TEST(Pacer, KeepsToTheRateThatAControllerNames) {
  for (const uint64_t rate : {2'000u, 100'000u, 1'250'000u, 125'000'000u}) {
    for (const Duration lateness : {0us, 50us, 900us}) {
      Pacer pacer;
      pacer.onUpdate(TimePoint{1s}, rateOf(rate));
      EXPECT_EQ(pacer.rate(), rate);
      const Duration length = std::max<Duration>(1s, Duration{static_cast<int64_t>(2000 * kSize * 1'000'000 / rate)});
      const double measured = averageRate(pacer, TimePoint{1s}, length, kSize, lateness);
      EXPECT_NEAR(measured / static_cast<double>(rate), 1.0, 0.01) << rate << ", " << lateness.count() << " us late";
    }
  }
}

TEST(Pacer, SendsTwoDatagramsOrAMillisecondAtOnceForAControllerThatNamesARate) {
  const struct {
    uint64_t rate;
    uint64_t burst;
  } rows[] = {{100'000, 2'400}, {2'400'000, 2'400}, {12'500'000, 12'500}, {125'000'000, 125'000}};
  for (const auto& row : rows) {
    Pacer pacer;
    pacer.onUpdate(TimePoint{1s}, rateOf(row.rate));
    EXPECT_EQ(pacer.allowance(TimePoint{5s}), row.burst) << row.rate;
  }
}

TEST(Pacer, SpacesDatagramsByLessThanAMillisecond) {
  Pacer pacer;
  pacer.onUpdate(TimePoint{1s}, rateOf(1'200'000));  // one datagram a millisecond
  pacer.onPacketSent(TimePoint{1s}, 2 * kSize);
  EXPECT_EQ(pacer.nextSendTime(TimePoint{1s}, kSize), TimePoint{1s} + 1ms);
  pacer.onUpdate(TimePoint{1s}, rateOf(7'000'000));
  EXPECT_EQ(pacer.nextSendTime(TimePoint{1s}, kSize), TimePoint{1s} + 172us);
}

TEST(Pacer, NeverStallsAPathWhateverRateItIsTold) {
  Pacer pacer;
  pacer.onUpdate(TimePoint{1s}, rateOf(0));
  pacer.onPacketSent(TimePoint{1s}, 10 * kSize);
  EXPECT_LE(*pacer.nextSendTime(TimePoint{1s}, kSize), TimePoint{1s} + 4s);
}

// ---- idleness

TEST(Pacer, LetsNoMoreThanTheInitialWindowLeaveAtOnceAfterIdleness) {  // covers RFC 9002 §7.7
  for (const Pace& pace : kPaces) {
    Pacer pacer;
    pacer.onUpdate(TimePoint{1s}, paceOf(pace.window, pace.rtt, pace.slowStart));
    pacer.onRestart(TimePoint{60s});
    EXPECT_LE(pacer.allowance(TimePoint{60s}), 12'000u) << pace.what;
    EXPECT_EQ(pacer.allowance(TimePoint{70s}), pace.burst) << pace.what << ": the limit is of that moment";
  }
  Pacer shortPath;
  shortPath.onUpdate(TimePoint{1s}, paceOf(1'000'000, 100us, false));
  shortPath.onRestart(TimePoint{60s});
  EXPECT_GE(shortPath.allowance(TimePoint{60s}), 1'000'000u) << "no timer could pace a path as short";
}

TEST(Pacer, BearsTimeThatGoesBackAndARoundTripOfZero) {
  Pacer pacer;
  pacer.onUpdate(TimePoint{1s}, paceOf(12'000, 0us, false));
  pacer.onPacketSent(TimePoint{1s}, 1'200);
  EXPECT_GT(pacer.allowance(TimePoint{0s}), 0u);
  pacer.onPacketSent(TimePoint{0s}, 1'200);
  EXPECT_GT(pacer.allowance(TimePoint{1s}), 0u);
}

}  // namespace
}  // namespace quic
