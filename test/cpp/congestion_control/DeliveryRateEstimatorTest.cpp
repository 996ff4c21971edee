#include "quic/congestion_control/DeliveryRateEstimator.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace quic {
namespace {

TimePoint at(int64_t milliseconds) { return TimePoint{std::chrono::milliseconds{milliseconds}}; }

/// Packets of 1000 bytes.
class Sender {
 public:
  void send(TimePoint now, int count = 1) {
    for (int i = 0; i < count; ++i) {
      SentPacket packet;
      packet.number = packets_.size();
      packet.sentAt = now;
      packet.size = 1000;
      packet.delivery = rate.stamp(now, packet.size, inFlight);
      inFlight += packet.size;
      packets_.push_back(std::move(packet));
    }
  }
  std::optional<RateSample> ack(TimePoint now, PacketNum first, PacketNum last) {
    for (PacketNum number = first; number <= last; ++number) {
      rate.onPacketAcked(now, packets_[number]);
      inFlight -= 1000;
    }
    return rate.finishAck(1ms);
  }
  LossSample lose(TimePoint now, PacketNum number) {
    inFlight -= 1000;
    return rate.onPacketLost(now, packets_[number]);
  }
  DeliveryRateEstimator rate;
  uint64_t inFlight = 0;

 private:
  std::vector<SentPacket> packets_;
};

TEST(DeliveryRateEstimator, TellsTheRateAtWhichASteadyFlightIsAcknowledged) {
  Sender sender;
  for (int64_t i = 0; i < 200; ++i) {  // 100 kB/s, and a round trip of 55 ms
    sender.send(at(10 * i));
    if (i < 5) continue;
    const auto sample = sender.ack(at(10 * i + 5), static_cast<PacketNum>(i - 5), static_cast<PacketNum>(i - 5));
    ASSERT_TRUE(sample && sample->bytesPerSecond);
    EXPECT_EQ(sample->deliveredInAll, static_cast<uint64_t>(1000 * (i - 4)));
    EXPECT_LE(*sample->bytesPerSecond, 100'000u);
    // The first packets left on an empty path: their interval is a round trip.
    if (i > 15) {
      EXPECT_EQ(*sample->bytesPerSecond, 100'000u) << i;
    }
  }
}

TEST(DeliveryRateEstimator, IsNotDeceivedByAcknowledgmentsThatBunch) {
  Sender sender;
  for (int i = 0; i < 50; ++i) sender.send(at(10 * i));
  sender.ack(at(500), 0, 0);
  const auto sample = sender.ack(at(501), 1, 49);  // 49 kB in a millisecond, sent in half a second
  ASSERT_TRUE(sample && sample->bytesPerSecond);
  EXPECT_LE(*sample->bytesPerSecond, 102'100u) << "no faster than it was sent";
}

TEST(DeliveryRateEstimator, IsNotDeceivedByASenderThatBunches) {
  Sender sender;
  sender.send(at(0), 10);
  const auto sample = sender.ack(at(100), 0, 9);
  EXPECT_EQ(sample->bytesPerSecond, 100'000u) << "ten packets in the hundred milliseconds that they took";
}

TEST(DeliveryRateEstimator, TellsNoRateOfAnIntervalBelowTheLeastRoundTrip) {
  Sender sender;
  sender.send(at(0));
  const auto sample = sender.ack(TimePoint{999us}, 0, 0);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->bytesPerSecond, std::nullopt);
  EXPECT_EQ(sample->delivered, 1000u);
  EXPECT_EQ(sender.rate.latest(), 0u);
}

TEST(DeliveryRateEstimator, TellsNothingOfAnAcknowledgmentWithoutNews) {
  Sender sender;
  EXPECT_EQ(sender.rate.finishAck(1ms), std::nullopt);
  sender.send(at(0));
  EXPECT_TRUE(sender.ack(at(10), 0, 0));
  EXPECT_EQ(sender.rate.finishAck(1ms), std::nullopt);
}

TEST(DeliveryRateEstimator, StartsAnIntervalAnewAfterIdleness) {
  Sender sender;
  sender.send(at(0));
  sender.ack(at(10), 0, 0);
  sender.send(at(60'000), 10);
  EXPECT_EQ(sender.ack(at(60'100), 1, 10)->bytesPerSecond, 100'000u) << "the idle minute does not count";
}

TEST(DeliveryRateEstimator, MarksWhatIsSentUntilTheBubbleHasPassed) {  // §3.4
  Sender sender;
  sender.send(at(0), 2);
  sender.rate.onAppLimited(sender.inFlight);
  sender.send(at(50), 2);  // behind the bubble
  EXPECT_FALSE(sender.ack(at(100), 0, 1)->isAppLimited) << "sent before it";
  EXPECT_TRUE(sender.rate.isAppLimited());
  EXPECT_TRUE(sender.ack(at(150), 2, 2)->isAppLimited);
  EXPECT_FALSE(sender.rate.isAppLimited()) << "more than what was in flight has arrived";
  sender.send(at(160));
  EXPECT_TRUE(sender.ack(at(170), 3, 3)->isAppLimited);
  EXPECT_FALSE(sender.ack(at(260), 4, 4)->isAppLimited);
}

TEST(DeliveryRateEstimator, TellsWhatWasInFlightAndWhatWasLostSinceAPacketLeft) {
  Sender sender;
  sender.send(at(0), 10);
  EXPECT_EQ(sender.lose(at(90), 0).lost, 1000u);
  const LossSample loss = sender.lose(at(90), 1);
  EXPECT_EQ(loss.lost, 2000u);
  EXPECT_EQ(loss.inFlightAtSend, 2000u);
  EXPECT_EQ(loss.number, 1u);
  sender.send(at(95));
  const auto sample = sender.ack(at(100), 2, 9);
  EXPECT_EQ(sample->lost, 2000u);
  EXPECT_EQ(sample->inFlightAtSend, 10'000u);
  const auto later = sender.ack(at(200), 10, 10);
  EXPECT_EQ(later->lost, 0u) << "nothing since it was sent";
  EXPECT_EQ(later->inFlightAtSend, 9'000u);
}

TEST(DeliveryRateEstimator, NeverTellsMoreThanTheBottleneckCarries) {
  constexpr int64_t kMicrosecondsPerPacket = 800;  // 1.25 MB/s
  std::mt19937_64 random(11);
  for (int run = 0; run < 200; ++run) {
    Sender sender;
    TimePoint now{1s};
    TimePoint linkFreeAt = now;
    std::vector<TimePoint> arrivals;
    PacketNum acked = 0;
    for (int step = 0; step < 300; ++step) {
      now += Duration{static_cast<int64_t>(random() % 3000)};
      PacketNum ready = acked;
      while (ready < arrivals.size() && arrivals[ready] <= now) ++ready;
      if (ready > acked && random() % 3 != 0) {  // several at once, late
        const auto sample = sender.ack(now, acked, ready - 1);
        acked = ready;
        ASSERT_LE(sample->bytesPerSecond.value_or(0), 1'250'000u * 105 / 100) << run;
      }
      for (uint64_t burst = random() % 6; burst > 0; --burst) {
        sender.send(now);
        linkFreeAt = std::max(linkFreeAt, now) + Duration{kMicrosecondsPerPacket};
        arrivals.push_back(linkFreeAt + 20ms);
      }
    }
  }
}

}  // namespace
}  // namespace quic
