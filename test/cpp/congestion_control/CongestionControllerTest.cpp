// What holds for every controller, whatever it is told.
#include "quic/congestion_control/CongestionController.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "quic/congestion_control/WindowBounds.h"

namespace quic {
namespace {

struct Named {
  CongestionControlType type;
  std::string_view name;
};
constexpr Named kAll[] = {{CongestionControlType::NewReno, "newreno"},
                          {CongestionControlType::Cubic, "cubic"},
                          {CongestionControlType::Bbr, "bbr"},
                          {CongestionControlType::Copa, "copa"}};

TEST(CongestionController, StartsWithTheInitialWindowForItsDatagramSize) {  // covers RFC 9002 §7.2
  const struct {
    size_t size;
    uint64_t window;
  } rows[] = {{1200, 12000}, {1472, 14720}, {1500, 14720}, {7360, 14720}, {9000, 18000}, {65527, 131054}};
  for (const Named& named : kAll) {
    for (const auto& row : rows) {
      const auto controller = makeCongestionController(named.type, row.size, 1);
      EXPECT_EQ(controller->name(), named.name);
      EXPECT_EQ(controller->congestionWindow(), row.window) << named.name << ' ' << row.size;
      EXPECT_EQ(controller->available(), row.window);
      EXPECT_TRUE(controller->inSlowStart());
    }
  }
}

TEST(CongestionController, RecalculatesTheInitialWindowWhileItIsUntouched) {  // covers RFC 9002 §7.2
  for (const Named& named : kAll) {
    const auto controller = makeCongestionController(named.type, 1200, 1);
    controller->onMaxDatagramSize(1472);
    EXPECT_EQ(controller->congestionWindow(), 14720u) << named.name;
    controller->onMaxDatagramSize(9000);
    EXPECT_EQ(controller->congestionWindow(), 18000u) << named.name;
    controller->onMaxDatagramSize(1200);
    EXPECT_EQ(controller->congestionWindow(), 12000u) << named.name;
  }
}

TEST(CongestionController, FallsToTwoDatagramsInPersistentCongestionAndGrowsFromThere) {  // covers RFC 9002 §7.6.2
  for (const Named& named : kAll) {
    const auto controller = makeCongestionController(named.type, 1200, 1);
    RttEstimator rtt;
    rtt.onSample(50ms, Duration{0}, Duration{0}, TimePoint{1s});
    for (int i = 0; i < 10; ++i) controller->onPacketSent(TimePoint{1s}, 1200);
    controller->onLoss({TimePoint{3s}, 12'000, TimePoint{1s}, true});
    EXPECT_EQ(controller->congestionWindow(), 2400u) << named.name;
    EXPECT_EQ(controller->available(), 2400u) << named.name << ": nothing is in flight any more";
    controller->onSpuriousLoss({TimePoint{3s}, TimePoint{3s}});
    EXPECT_EQ(controller->congestionWindow(), 2400u) << named.name << ": not to be taken back";
    uint64_t delivered = 0;
    for (TimePoint now{3s}; now < TimePoint{5s}; now += 50ms) {
      const uint64_t window = std::min<uint64_t>(controller->congestionWindow(), 120'000);
      controller->onPacketSent(now, window);
      RateSample sample{.bytesPerSecond = window * 20,
                        .interval = 50ms,
                        .delivered = window,
                        .inFlightAtSend = window,
                        .deliveredBefore = delivered,
                        .deliveredInAll = delivered + window};
      delivered += window;
      controller->onAck({.now = now + 50ms, .ackedBytes = window, .largestAckedSentAt = now, .rate = sample}, rtt);
    }
    EXPECT_GE(controller->congestionWindow(), 24'000u) << named.name;
  }
}

/// Tells a controller anything at all, in the order of the engine or not.
class Chaos {
 public:
  Chaos(const Named& named, uint64_t seed, bool absurd)
      : named_(named), absurd_(absurd), random_(seed), controller_(makeCongestionController(named.type, 1200, seed)) {}

  void step() {
    now_ += Duration{static_cast<int64_t>(below(absurd_ && below(50) == 0 ? uint64_t{1} << 50 : 5000))};
    switch (below(12)) {
      case 0: return lose();
      case 1: return controller_->onEcnCe(now_, now_ - Duration{static_cast<int64_t>(below(100'000))});
      case 2: return controller_->onSpuriousLoss({now_, lastLossAt_});
      case 3: return discard();
      case 4: return controller_->onAppLimited();
      case 5: return resize();
      case 6:
      case 7:
      case 8: return ack();
      default: return send();
    }
  }
  void expectInvariants() const {
    ASSERT_EQ(controller_->bytesInFlight(), inFlight_) << named_.name;
    ASSERT_GE(controller_->congestionWindow(), 2 * datagram_) << named_.name;
    ASSERT_LE(controller_->congestionWindow(), kMaxCongestionWindow) << named_.name;
    const auto rate = controller_->pacingRate();
    ASSERT_TRUE(!rate || *rate > 0) << named_.name;
  }

 private:
  struct Sent {
    uint64_t bytes;
    TimePoint at;
  };
  uint64_t below(uint64_t bound) { return random_() % bound; }
  uint64_t number() { return absurd_ ? random_() >> below(64) : below(1'000'000); }
  std::optional<Sent> take() {
    if (flying_.empty()) return std::nullopt;
    const Sent sent = flying_.front();
    flying_.pop_front();
    inFlight_ -= sent.bytes;
    return sent;
  }
  void send() {
    const uint64_t bytes = 1 + below(absurd_ ? uint64_t{1} << 50 : datagram_);
    flying_.push_back({bytes, now_});
    inFlight_ += bytes;
    controller_->onPacketSent(now_, bytes);
  }
  void ack() {
    const auto sent = take();
    if (!sent) return;
    rtt_.onSample(now_ - sent->at, Duration{0}, Duration{0}, now_);
    CongestionAckEvent event{
        .now = now_, .ackedBytes = sent->bytes, .largestAckedSentAt = sent->at, .appLimited = below(4) == 0};
    if (below(8) != 0) {
      delivered_ += sent->bytes;
      RateSample sample;
      if (below(4) != 0) sample.bytesPerSecond = number();
      sample.interval = Duration{static_cast<int64_t>(number() >> 2)};
      sample.delivered = number();
      sample.lost = number();
      sample.inFlightAtSend = number();
      sample.deliveredBefore = number();
      sample.deliveredInAll = delivered_;
      sample.isAppLimited = below(4) == 0;
      event.rate = sample;
    }
    controller_->onAck(event, rtt_);
  }
  void lose() {
    const auto sent = take();
    if (!sent) return;
    controller_->onPacketLost({.now = now_,
                               .number = number(),
                               .sentAt = sent->at,
                               .bytes = sent->bytes,
                               .inFlightAtSend = number(),
                               .lost = number(),
                               .isAppLimited = below(4) == 0});
    controller_->onLoss(
        {.now = now_, .lostBytes = sent->bytes, .largestLostSentAt = sent->at, .persistent = below(10) == 0});
    lastLossAt_ = now_;
  }
  void discard() {
    if (const auto sent = take()) controller_->onDiscarded(sent->bytes);
  }
  void resize() {
    datagram_ = 1200 + below(64'328);
    controller_->onMaxDatagramSize(datagram_);
  }

  Named named_;
  bool absurd_;
  std::mt19937_64 random_;
  std::unique_ptr<CongestionController> controller_;
  RttEstimator rtt_;
  TimePoint now_{1s};
  TimePoint lastLossAt_{};
  std::deque<Sent> flying_;
  uint64_t inFlight_ = 0;
  uint64_t delivered_ = 0;
  uint64_t datagram_ = 1200;
};

TEST(CongestionController, HoldsItsInvariantsUnderRandomEvents) {
  for (const Named& named : kAll) {
    for (uint64_t seed = 0; seed < 40; ++seed) {
      Chaos chaos(named, seed, false);
      for (int i = 0; i < 2000; ++i) {
        chaos.step();
        ASSERT_NO_FATAL_FAILURE(chaos.expectInvariants());
      }
    }
  }
}

TEST(CongestionController, HoldsItsInvariantsWhenNumbersAreAbsurd) {
  for (const Named& named : kAll) {
    for (uint64_t seed = 100; seed < 140; ++seed) {
      Chaos chaos(named, seed, true);
      for (int i = 0; i < 2000; ++i) {
        chaos.step();
        ASSERT_NO_FATAL_FAILURE(chaos.expectInvariants());
      }
    }
  }
}

}  // namespace
}  // namespace quic
