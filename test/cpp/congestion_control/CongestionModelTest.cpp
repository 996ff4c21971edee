// Whole flows over a bottleneck: what a controller promises, against the formula that describes it.
#include <gtest/gtest.h>

#include "cpp/congestion_control/BottleneckModel.h"

namespace quic {
namespace {

using model::BottleneckModel;
using model::Flow;
using model::FlowOptions;
using model::Link;

constexpr double kMegabit = 125'000;  // bytes a second

struct Named {
  CongestionControlType type;
  const char* name;
};
constexpr Named kAll[] = {{CongestionControlType::NewReno, "newreno"},
                          {CongestionControlType::Cubic, "cubic"},
                          {CongestionControlType::Bbr, "bbr"},
                          {CongestionControlType::Copa, "copa"}};

// ---- goodput under random loss

/// Mathis et al. 1997: the window, in datagrams, that halving at every loss of rate `p` leads to.
double renoWindow(double lossRate) { return std::sqrt(1.5 / lossRate); }
/// RFC 9438 §5.1, figure 6, where the cubic function is faster than Reno.
double cubicWindow(double lossRate, Duration roundTrip) {
  const double seconds = std::chrono::duration<double>(roundTrip).count();
  return std::max(1.054 * std::pow(seconds / lossRate, 0.75), renoWindow(lossRate));
}

struct LossRow {
  double lossRate;
  Duration roundTrip;
  Duration length;
};
constexpr LossRow kLossRows[] = {{0.01, 50ms, 150s}, {0.01, 100ms, 300s}, {0.001, 50ms, 150s}, {0.0001, 100ms, 200s}};

double goodput(CongestionControlType type, const LossRow& row) {
  BottleneckModel link({.bytesPerSecond = 1000 * kMegabit, .buffer = 100'000'000, .lossRate = row.lossRate}, 5);
  Flow& flow = link.add({.type = type, .roundTrip = row.roundTrip});
  link.run(row.length);
  return static_cast<double>(flow.delivered) / std::chrono::duration<double>(row.length).count();
}

TEST(CongestionModel, GoodputUnderRandomLossIsWhatTheFormulaOfTheControllerSays) {
  for (const LossRow& row : kLossRows) {
    const double perWindow = model::kDatagram / std::chrono::duration<double>(row.roundTrip).count();
    const double reno = perWindow * renoWindow(row.lossRate);
    const double cubic = perWindow * cubicWindow(row.lossRate, row.roundTrip);
    const double ofReno = goodput(CongestionControlType::NewReno, row) / reno;
    const double ofCubic = goodput(CongestionControlType::Cubic, row) / cubic;
    EXPECT_GE(ofReno, 0.85) << row.lossRate;
    EXPECT_LE(ofReno, 1.5) << row.lossRate;
    EXPECT_GE(ofCubic, 0.85) << row.lossRate;
    EXPECT_LE(ofCubic, 1.5) << row.lossRate;
  }
}

TEST(CongestionModel, ControllersOfRateAndDelayBearOnePercentOfRandomLoss) {
  for (const CongestionControlType type : {CongestionControlType::Bbr, CongestionControlType::Copa}) {
    for (const double megabits : {5.0, 20.0}) {
      BottleneckModel link({.bytesPerSecond = megabits * kMegabit, .buffer = 250'000, .lossRate = 0.01}, 5);
      Flow& flow = link.add({.type = type, .roundTrip = 50ms, .seed = 9});
      link.run(60s);
      EXPECT_GE(static_cast<double>(flow.delivered), 0.85 * 60 * megabits * kMegabit)
          << flow.controller->name() << ' ' << megabits;
    }
  }
}

// ---- one link, without other loss than its own

TEST(CongestionModel, FillsALinkWhoseBufferHoldsARoundTrip) {
  for (const Named& named : kAll) {
    BottleneckModel link({.bytesPerSecond = 10 * kMegabit, .buffer = 62'500}, 1);
    Flow& flow = link.add({.type = named.type, .roundTrip = 50ms});
    link.run(60s);
    EXPECT_GE(static_cast<double>(flow.delivered), 0.93 * 60 * 10 * kMegabit) << named.name;
    EXPECT_EQ(flow.timeouts, 0u) << named.name;
    EXPECT_LT(static_cast<double>(flow.lost), 0.01 * static_cast<double>(flow.delivered)) << named.name;
  }
}

TEST(CongestionModel, SharesALinkEvenlyWithItsLike) {
  for (const Named& named : kAll) {
    BottleneckModel link({.bytesPerSecond = 5 * kMegabit, .buffer = 31'250, .lossRate = 1e-5}, 3);
    Flow& first = link.add({.type = named.type, .roundTrip = 50ms, .seed = 1});
    Flow& second = link.add({.type = named.type, .roundTrip = 50ms, .startAt = 10s, .seed = 2});
    link.run(60s);
    const uint64_t firstBefore = first.delivered;
    const uint64_t secondBefore = second.delivered;
    link.run(200s);
    const auto firstShare = static_cast<double>(first.delivered - firstBefore);
    const auto secondShare = static_cast<double>(second.delivered - secondBefore);
    EXPECT_NEAR(firstShare / (firstShare + secondShare), 0.5, 0.05) << named.name;
    EXPECT_GE(firstShare + secondShare, 0.95 * 200 * 5 * kMegabit) << named.name;
  }
}

TEST(CongestionModel, ReducesOnceForEachRoundTripHoweverMuchIsLost) {  // covers RFC 9002 §7.3.2
  for (const CongestionControlType type : {CongestionControlType::NewReno, CongestionControlType::Cubic}) {
    BottleneckModel link({.bytesPerSecond = 1000 * kMegabit, .buffer = 100'000'000}, 1);
    Flow& flow = link.add({.type = type, .roundTrip = 100ms});
    link.run(500ms);
    const uint64_t before = flow.controller->congestionWindow();
    ASSERT_GT(before, 50 * model::kDatagram);
    link.setLossRate(0.5);
    link.run(100ms);  // what is sent now is lost by half
    link.setLossRate(0);
    link.run(150ms);
    EXPECT_EQ(flow.reductions, 1u);
    EXPECT_GT(flow.lost, 20 * model::kDatagram);
  }
}

TEST(CongestionModel, HoldsAnApplicationLimitedFlowsWindow) {  // covers RFC 9002 §7.8
  for (const Named& named : kAll) {
    BottleneckModel link({.bytesPerSecond = 10 * kMegabit, .buffer = 62'500}, 1);
    Flow& flow = link.add({.type = named.type, .roundTrip = 50ms});
    flow.backlog = 0;
    for (int i = 0; i < 200; ++i) {
      link.write(flow, 5 * model::kDatagram);
      link.run(100ms);
    }
    EXPECT_EQ(flow.delivered, 1000 * model::kDatagram) << named.name;
    // BBR looks for the shortest round trip with a small window, which the application does fill, and then restores it.
    const uint64_t most = named.type == CongestionControlType::Bbr ? 15 : 10;
    EXPECT_LE(flow.controller->congestionWindow(), most * model::kDatagram) << named.name;
  }
}

TEST(CongestionModel, RestartsAfterIdlenessWithoutABurstBeyondTheInitialWindow) {  // covers RFC 9002 §7.7
  for (const Named& named : kAll) {
    BottleneckModel link({.bytesPerSecond = 100 * kMegabit, .buffer = 10'000'000}, 1);
    Flow& flow = link.add({.type = named.type, .roundTrip = 50ms});
    link.run(5s);
    flow.backlog = 0;
    link.run(5s);
    ASSERT_EQ(flow.controller->bytesInFlight(), 0u) << named.name;
    ASSERT_GT(flow.controller->congestionWindow(), 100 * model::kDatagram) << named.name;
    link.write(flow, 100 * model::kDatagram);
    EXPECT_LE(flow.controller->bytesInFlight(), 10 * model::kDatagram) << named.name;
    link.run(40ms);
    EXPECT_EQ(flow.controller->bytesInFlight(), 100 * model::kDatagram) << named.name << ": the rest is paced";
  }
}

}  // namespace
}  // namespace quic
