// That loss recovery takes no memory for a packet once it has run for a while. Counts every allocation of this program, so
// it is left out where a sanitizer has replaced the allocator.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "LossTesting.h"
#include "quic/loss/LossRecovery.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {
thread_local uint64_t allocations = 0;
}

void* operator new(size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

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
    const uint64_t before = allocations;
    for (int i = 0; i < 1000; ++i) traffic.round(lost);
    EXPECT_EQ(allocations, before) << lost;
    EXPECT_EQ(traffic.acked, 1200 * (10 - lost));
    EXPECT_EQ(traffic.lostTotal, 1200 * lost);
  }
}

}  // namespace
}  // namespace quic

#endif
