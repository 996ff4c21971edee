#include "quic/loss/OutstandingPackets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "LossTesting.h"

namespace quic {
namespace {

using testing::ackOnly;
using testing::at;
using testing::packet;
using Verdict = OutstandingPackets::Verdict;

std::vector<PacketNum> numbers(const OutstandingPackets& packets, PacketNum from = 0) {
  std::vector<PacketNum> out;
  packets.forEach(from, [&out](const SentPacket& each) {
    out.push_back(each.number);
    return true;
  });
  return out;
}

TEST(OutstandingPackets, FindsWhatWasInsertedUntilItIsTaken) {
  OutstandingPackets packets;
  EXPECT_EQ(packets.find(0), nullptr);
  EXPECT_TRUE(packets.insert(packet(5, at(1))));
  EXPECT_TRUE(packets.insert(packet(6, at(2))));
  ASSERT_NE(packets.find(6), nullptr);
  EXPECT_EQ(packets.find(6)->sentAt, at(2));
  EXPECT_EQ(packets.find(4), nullptr);
  EXPECT_EQ(packets.find(7), nullptr);
  EXPECT_EQ(packets.take(5)->number, 5u);
  EXPECT_EQ(packets.take(5), std::nullopt);
  EXPECT_EQ(packets.size(), 1u);
  EXPECT_EQ(packets.take(6)->number, 6u);
  EXPECT_TRUE(packets.empty());
}

TEST(OutstandingPackets, HandsBackTheFramesOfAPacketAlsoWhenTheyOutgrewTheRecord) {
  OutstandingPackets packets;
  for (PacketNum number = 0; number < 100; ++number) {
    SentPacket sent = packet(number, at(0));
    for (uint64_t i = 0; i < 5; ++i) sent.frames.push_back(SentCrypto{number + i, 1});
    packets.insert(std::move(sent));
  }
  for (PacketNum number = 0; number < 100; ++number) {
    const auto taken = packets.take(number);
    ASSERT_TRUE(taken);
    ASSERT_EQ(taken->frames.size(), 5u);
    EXPECT_EQ(std::get<SentCrypto>(taken->frames[4]).offset, number + 4);
  }
}

TEST(OutstandingPackets, CountsOnlyWhatIsInFlightAndElicitsAnAcknowledgment) {
  OutstandingPackets packets;
  packets.insert(packet(0, at(0)));
  packets.insert(ackOnly(1, at(0)));
  SentPacket padding = packet(2, at(0));
  padding.ackEliciting = false;
  packets.insert(std::move(padding));
  EXPECT_EQ(packets.size(), 3u);
  EXPECT_EQ(packets.ackElicitingInFlight(), 1u);
  packets.take(2);
  packets.take(1);
  EXPECT_EQ(packets.ackElicitingInFlight(), 1u);
  packets.take(0);
  EXPECT_EQ(packets.ackElicitingInFlight(), 0u);
}

TEST(OutstandingPackets, CostsNoMemoryForSkippedNumbers) {
  OutstandingPackets packets;
  for (PacketNum i = 0; i < 10; ++i) packets.insert(packet(i << 57, at(0)));
  EXPECT_LE(packets.capacity(), 16u);
  EXPECT_NE(packets.find(PacketNum{9} << 57), nullptr);
  EXPECT_EQ(packets.find((PacketNum{9} << 57) - 1), nullptr);
  EXPECT_EQ(numbers(packets, PacketNum{8} << 57).size(), 2u);
}

TEST(OutstandingPackets, NeedsNoFurtherMemoryInSteadyState) {
  OutstandingPackets packets;
  PacketNum next = 0;
  for (; next < 100; ++next) packets.insert(packet(next, at(0)));
  const size_t capacity = packets.capacity();
  for (; next < 100000; ++next) {
    packets.take(next - 100);
    packets.insert(packet(next, at(0)));
    ASSERT_EQ(packets.capacity(), capacity);
  }
}

TEST(OutstandingPackets, FollowsTheNumberOfPacketsNotTheirSpanWhenTheOldestNeverSettles) {
  OutstandingPackets packets;
  packets.insert(packet(0, at(0)));
  for (PacketNum next = 1; next < 100000; ++next) {
    packets.insert(packet(next, at(0)));
    packets.take(next);
    ASSERT_LE(packets.capacity(), 16u);
  }
  EXPECT_NE(packets.find(0), nullptr);
}

TEST(OutstandingPackets, BoundsPacketsThatNobodyNeedsToAcknowledge) {
  OutstandingPackets packets;
  packets.insert(packet(0, at(0)));
  for (PacketNum next = 1; next < 100000; ++next) {
    packets.insert(ackOnly(next, at(0)));
    ASSERT_LE(packets.size(), OutstandingPackets::kMaxNotInFlight + 1);
    ASSERT_LE(packets.capacity(), 4 * OutstandingPackets::kMaxNotInFlight);
  }
  EXPECT_NE(packets.find(0), nullptr) << "what is in flight is never forgotten";
  EXPECT_NE(packets.find(99999), nullptr) << "the newest stay";
  EXPECT_EQ(packets.find(1), nullptr);
}

TEST(OutstandingPackets, GivesBackTheMemoryOfABurst) {
  OutstandingPackets packets;
  for (PacketNum next = 0; next < 10000; ++next) packets.insert(packet(next, at(0)));
  packets.takeAcknowledged(0, 9999, [](SentPacket&&) {});
  EXPECT_TRUE(packets.empty());
  EXPECT_LE(packets.capacity(), 256u);
  EXPECT_TRUE(packets.insert(packet(10000, at(0))));
  EXPECT_NE(packets.find(10000), nullptr);
}

TEST(OutstandingPackets, TakesARangeOfAnyLengthForThePriceOfWhatIsInIt) {
  OutstandingPackets packets;
  for (PacketNum next = 10; next < 20; ++next) packets.insert(packet(next, at(0)));
  std::vector<PacketNum> taken;
  const auto sink = [&taken](SentPacket&& each) { taken.push_back(each.number); };
  packets.takeAcknowledged(15, UINT64_MAX, sink);
  packets.takeAcknowledged(0, 11, sink);
  EXPECT_EQ(taken, (std::vector<PacketNum>{15, 16, 17, 18, 19, 10, 11}));
  EXPECT_EQ(numbers(packets), (std::vector<PacketNum>{12, 13, 14}));
  EXPECT_TRUE(packets.holdsAny(0, 12));
  EXPECT_FALSE(packets.holdsAny(0, 11));
  EXPECT_FALSE(packets.holdsAny(15, UINT64_MAX));
}

TEST(OutstandingPackets, TellsWhatFollowsAnAcknowledgedPacketAcrossCompaction) {
  OutstandingPackets packets;
  for (PacketNum next = 0; next < 16; ++next) packets.insert(packet(next, at(0)));
  packets.takeAcknowledged(2, 4, [](SentPacket&&) {});
  packets.takeAcknowledged(7, 15, [](SentPacket&&) {});
  packets.insert(packet(16, at(0)));  // full, and mostly holes: compacts
  ASSERT_EQ(packets.capacity(), 16u);
  for (const PacketNum kept : {0, 1, 5, 6, 16}) EXPECT_NE(packets.find(kept), nullptr) << kept;
  std::vector<std::pair<PacketNum, bool>> seen;
  packets.giveUpWhere([](const SentPacket&) { return Verdict::GiveUp; },
                      [&seen](SentPacket&& each, bool follows) { seen.emplace_back(each.number, follows); });
  EXPECT_EQ(seen, (std::vector<std::pair<PacketNum, bool>>{{0, false}, {1, false}, {5, true}, {6, false}, {16, true}}));
}

TEST(OutstandingPackets, ShiftsSentTimesButNotIntoTheFuture) {
  OutstandingPackets packets;
  packets.insert(packet(0, at(100)));
  packets.insert(packet(1, at(900)));
  packets.shiftSentTimes(Duration{300}, at(1000));
  EXPECT_EQ(packets.find(0)->sentAt, at(400));
  EXPECT_EQ(packets.find(1)->sentAt, at(1000));
}

TEST(OutstandingPacketsDeathTest, RefusesANumberThatDoesNotRise) {
  OutstandingPackets packets;
  packets.insert(packet(5, at(0)));
  packets.take(5);
#ifdef QUIC_ABORT_ON_BUG
  EXPECT_DEATH(packets.insert(packet(5, at(0))), "rise");
#else
  EXPECT_FALSE(packets.insert(packet(5, at(0))));
  EXPECT_TRUE(packets.empty());
#endif
}

TEST(OutstandingPackets, BehavesLikeAMapUnderRandomUse) {
  std::mt19937_64 random(20240501);
  OutstandingPackets packets;
  std::map<PacketNum, bool> model;  // number → ack-eliciting
  PacketNum next = 0;
  size_t most = 64;
  for (int step = 0; step < 60000; ++step) {
    const uint64_t dice = random() % 100;
    const uint64_t length = random() % 12;
    if (dice < 55) {
      next += random() % 20 == 0 ? random() % 1000 : 0;
      const bool eliciting = random() % 4 != 0;
      SentPacket sent = packet(next, at(step));
      sent.ackEliciting = eliciting;
      ASSERT_TRUE(packets.insert(std::move(sent)));
      model[next++] = eliciting;
    } else if (dice < 75 && next > 0) {
      const PacketNum number = next - std::min<PacketNum>(next, random() % 80);
      ASSERT_EQ(packets.take(number).has_value(), model.erase(number) > 0);
    } else if (dice < 98 && next > 0) {
      const PacketNum first = next - std::min<PacketNum>(next, random() % 100);
      std::vector<PacketNum> taken;
      packets.takeAcknowledged(first, first + length, [&](SentPacket&& each) { taken.push_back(each.number); });
      std::vector<PacketNum> expected;
      for (auto it = model.lower_bound(first); it != model.end() && it->first <= first + length; it = model.erase(it)) {
        expected.push_back(it->first);
      }
      ASSERT_EQ(taken, expected);
    } else {
      const PacketNum below = next - std::min<PacketNum>(next, random() % 60);
      packets.giveUpWhere(
          [&](const SentPacket& each) {
            return each.number >= below ? Verdict::Stop : each.number % 3 == 0 ? Verdict::Keep : Verdict::GiveUp;
          },
          [](SentPacket&&, bool) {});
      std::erase_if(model, [&](const auto& each) { return each.first < below && each.first % 3 != 0; });
    }
    most = std::max(most, model.size());
    ASSERT_EQ(packets.size(), model.size());
    if (step % 50 == 0) {
      ASSERT_EQ(
          packets.ackElicitingInFlight(),
          static_cast<size_t>(std::count_if(model.begin(), model.end(), [](const auto& each) { return each.second; })));
      std::vector<PacketNum> expected;
      for (const auto& each : model) expected.push_back(each.first);
      ASSERT_EQ(numbers(packets), expected);
      ASSERT_LE(packets.capacity(), 4 * most);
    }
  }
}

}  // namespace
}  // namespace quic
