// That loss recovery takes no memory for a packet once it has run for a while. Counts every allocation of this program, so
// it is left out where a sanitizer has replaced the allocator.
#include <gtest/gtest.h>

#include "LossTesting.h"
#include "cpp/support/Allocations.h"
#include "quic/loss/LossRecovery.h"

#if NODE_MVFST_COUNTS_ALLOCATIONS

namespace quic {
namespace {

using testing::at;

/// Rounds of ten packets, each acknowledged a round later; of each round `lost` packets are not.
struct Traffic {
  void round(uint64_t lost) {
    const TimePoint now = at(10'000 * static_cast<int64_t>(number));
    for (int i = 0; i < 10; ++i) {
      SentPacket packet = testing::packet(number++, now);
      packet.frames.push_back(SentStream{StreamId{0}, 1200 * packet.number, 1200, false});
      packet.frames.push_back(SentAck{packet.number, PacketNumberSpace::AppData});
      recovery.onPacketSent(PacketNumberSpace::AppData, std::move(packet));
    }
    AckFrame ack;
    ack.largest = number - 1;
    ack.firstRange = 9 - lost;
    outcome.clear();
    ASSERT_TRUE(recovery.onAckReceived(PacketNumberSpace::AppData, ack, now + 40ms, outcome));
    recovery.detectLost(PacketNumberSpace::AppData, now + 40ms, rtt, outcome);
    acked += outcome.acked.size();
    lostTotal += outcome.lost.size();
  }

  LossRecovery recovery;
  RecoveryOutcome outcome;
  RttEstimator rtt = [] {
    RttEstimator estimator;
    estimator.onSample(40ms, 0us, 0us, TimePoint{});
    return estimator;
  }();
  PacketNum number = 0;
  uint64_t acked = 0;
  uint64_t lostTotal = 0;
};

TEST(LossAllocation, TakesNoMemoryForAPacketWhetherItArrivesOrNot) {
  for (const uint64_t lost : {0u, 2u}) {
    Traffic traffic;
    for (int i = 0; i < 200; ++i) traffic.round(lost);
    const uint64_t before = test::allocationCount();
    for (int i = 0; i < 1000; ++i) traffic.round(lost);
    EXPECT_EQ(test::allocationCount(), before) << lost;
    EXPECT_EQ(traffic.acked, 1200 * (10 - lost));
    EXPECT_EQ(traffic.lostTotal, 1200 * lost);
  }
}

}  // namespace
}  // namespace quic

#endif
