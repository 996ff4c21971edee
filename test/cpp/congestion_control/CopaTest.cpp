#include "quic/congestion_control/Copa.h"

#include <gtest/gtest.h>

#include "cpp/congestion_control/BottleneckModel.h"

namespace quic {
namespace {

using model::BottleneckModel;
using model::Flow;

constexpr double kMegabit = 125'000;  // bytes a second
constexpr uint64_t kSize = 1200;

/// A window is sent and acknowledged a given round trip later, packet by packet.
class Sender {
 public:
  void round(Duration roundTrip, bool full = true) {
    const uint64_t packets = copa.congestionWindow() / kSize;
    const TimePoint sentAt = now;
    for (uint64_t i = 0; i < packets; ++i) copa.onPacketSent(now, kSize);
    now += roundTrip;
    rtt_.onSample(roundTrip, 0ms, 0ms, now);
    for (uint64_t i = 0; i < packets; ++i) {
      copa.onAck({.now = now, .ackedBytes = kSize, .largestAckedSentAt = sentAt, .appLimited = !full}, rtt_);
    }
  }
  void lose(uint64_t packets, bool persistent = false) {
    for (uint64_t i = 0; i < packets; ++i) copa.onPacketSent(now, kSize);
    now += 50ms;
    copa.onLoss({.now = now, .lostBytes = packets * kSize, .largestLostSentAt = now - 50ms, .persistent = persistent});
  }
  [[nodiscard]] double window() const { return static_cast<double>(copa.congestionWindow()) / kSize; }
  Copa copa{kSize};
  TimePoint now{1s};

 private:
  RttEstimator rtt_;
};

TEST(Copa, DoublesTheWindowWhileThereIsNoQueue) {
  Sender sender;
  for (const double expected : {20.0, 40.0, 80.0, 160.0}) {
    sender.round(50ms);
    EXPECT_EQ(sender.window(), expected);
  }
  EXPECT_TRUE(sender.copa.inSlowStart());
}

TEST(Copa, LeavesSlowStartWhenItsRateExceedsTheTarget) {
  Sender sender;
  for (int i = 0; i < 4; ++i) sender.round(50ms);
  // 160 datagrams in 60 ms are 2667 a second; the target is 1 / (0.5 * 10 ms) = 200.
  sender.round(60ms);
  EXPECT_FALSE(sender.copa.inSlowStart());
  EXPECT_LT(sender.window(), 160);
}

TEST(Copa, MovesByOneOverDeltaDatagramsInARoundTripAndDoublesThatFromTheThirdOn) {
  Sender sender;
  for (int i = 0; i < 5; ++i) sender.round(50ms);
  sender.round(100ms);  // leaves slow start
  ASSERT_FALSE(sender.copa.inSlowStart());
  std::vector<double> steps;
  for (int i = 0; i < 7; ++i) {
    const double before = sender.window();
    sender.round(100ms);
    steps.push_back(before - sender.window());
  }
  EXPECT_NEAR(steps[0], 2, 0.3);
  EXPECT_GT(steps[5], 2 * steps[2]) << "the velocity doubles";
  EXPECT_GE(sender.copa.velocity(), 8u);
  sender.round(50ms);  // the queue is gone
  EXPECT_EQ(sender.copa.velocity(), 1u) << "a change of direction starts over";
}

TEST(Copa, DoesNotGrowWhileTheApplicationIsTheLimit) {  // covers RFC 9002 §7.8
  Sender sender;
  for (int i = 0; i < 10; ++i) sender.round(50ms, false);
  EXPECT_EQ(sender.window(), 10);
  sender.round(50ms);
  sender.round(90ms);
  ASSERT_FALSE(sender.copa.inSlowStart());
  const double before = sender.window();
  for (int i = 0; i < 10; ++i) sender.round(50ms, false);
  EXPECT_LE(sender.window(), before);
}

TEST(Copa, HalvesWhenARoundTripLosesMoreThanATenthAndOnlyOnce) {
  Sender sender;
  for (int i = 0; i < 4; ++i) sender.round(50ms);
  sender.lose(15);
  EXPECT_EQ(sender.window(), 160) << "less than a tenth is left to the delay";
  EXPECT_FALSE(sender.copa.inSlowStart());
  sender.round(50ms);
  const double before = sender.window();
  sender.lose(20);
  EXPECT_NEAR(sender.window(), before / 2, 0.01);
  sender.copa.onLoss({.now = sender.now, .lostBytes = 0, .largestLostSentAt = sender.now});
  EXPECT_NEAR(sender.window(), before / 2, 0.01);
}

TEST(Copa, HalvesAtACongestionMarkOncePerRoundTrip) {  // covers RFC 9002 §7.1
  Sender sender;
  sender.round(50ms);
  sender.copa.onEcnCe(sender.now, sender.now - 10ms);
  sender.copa.onEcnCe(sender.now + 1ms, sender.now - 5ms);
  EXPECT_EQ(sender.window(), 10);
}

TEST(Copa, FallsToTheMinimumInPersistentCongestion) {  // covers RFC 9002 §7.6.2
  Sender sender;
  for (int i = 0; i < 4; ++i) sender.round(50ms);
  sender.lose(100, true);
  EXPECT_EQ(sender.window(), 2);
  sender.round(50ms);
  EXPECT_EQ(sender.window(), 4) << "and starts slowly from there";
}

TEST(Copa, TakesBackAHalvingWhoseLossesWereSpurious) {
  Sender sender;
  for (int i = 0; i < 4; ++i) sender.round(50ms);
  sender.lose(40);
  ASSERT_EQ(sender.window(), 80);
  sender.copa.onSpuriousLoss({sender.now, sender.now - 1ms});
  EXPECT_EQ(sender.window(), 80);
  sender.copa.onSpuriousLoss({sender.now, sender.now});
  EXPECT_EQ(sender.window(), 160);
}

TEST(Copa, FillsABottleneckWithLittleQueue) {
  for (const double megabits : {1.0, 10.0, 50.0}) {
    BottleneckModel link({.bytesPerSecond = megabits * kMegabit, .buffer = 1'000'000}, 1);
    Flow& flow = link.add({.type = CongestionControlType::Copa, .roundTrip = 50ms});
    link.run(10s);
    const uint64_t before = flow.delivered;
    link.forgetDeepestQueue();
    link.run(30s);
    EXPECT_GE(static_cast<double>(flow.delivered - before), 0.9 * 30 * megabits * kMegabit) << megabits;
    EXPECT_LE(link.deepestQueue(), 30 * kSize + static_cast<uint64_t>(megabits * 500)) << megabits;
    EXPECT_EQ(flow.lost, 0u);
  }
}

}  // namespace
}  // namespace quic
