#include "quic/loss/LostPackets.h"

#include <gtest/gtest.h>

#include "LossTesting.h"

namespace quic {
namespace {

using testing::at;
using testing::packet;
using Numbers = std::vector<PacketNum>;

LostPacket lost(PacketNum number, TimePoint forgetAt = at(1000)) {
  return {packet(number, at(0)), LossCause::PacketThreshold, at(10), forgetAt};
}
Numbers take(LostPackets& memory, PacketNum first, PacketNum last) {
  Numbers taken;
  memory.takeAcknowledged(first, last, [&](LostPacket&& each) { taken.push_back(each.packet.number); });
  return taken;
}

TEST(LostPackets, GivesEachBackOnce) {  // covers RFC 9000 §13.3
  LostPackets memory;
  for (const PacketNum number : {3u, 5u, 6u, 9u}) memory.remember(lost(number));
  EXPECT_EQ(take(memory, 4, 6), (Numbers{5, 6}));
  EXPECT_EQ(take(memory, 4, 6), Numbers{});
  EXPECT_EQ(take(memory, 0, UINT64_MAX), (Numbers{3, 9}));
  EXPECT_TRUE(memory.empty());
}

TEST(LostPackets, TakesThemInAnyOrder) {
  LostPackets memory;
  for (const PacketNum number : {30u, 10u, 20u, 40u, 5u}) memory.remember(lost(number));
  EXPECT_EQ(take(memory, 10, 30), (Numbers{10, 20, 30}));
  EXPECT_EQ(take(memory, 0, 100), (Numbers{5, 40}));
}

TEST(LostPackets, KeepsFramesAndTimes) {
  LostPackets memory;
  LostPacket given = lost(1);
  given.cause = LossCause::TimeThreshold;
  for (uint64_t i = 0; i < 5; ++i) given.packet.frames.push_back(SentStream{StreamId{4 * i}, 0, 1, false});
  memory.remember(std::move(given));
  size_t frames = 0;
  memory.takeAcknowledged(1, 1, [&](LostPacket&& each) {
    frames = each.packet.frames.size();
    EXPECT_EQ(each.cause, LossCause::TimeThreshold);
    EXPECT_EQ(each.lostAt, at(10));
  });
  EXPECT_EQ(frames, 5u);
}

TEST(LostPackets, ForgetsAtTheMicrosecond) {  // covers RFC 9000 §13.3
  LostPackets memory;
  memory.remember(lost(1, at(1000)));
  memory.remember(lost(2, at(1001)));
  memory.forgetUntil(at(999));
  EXPECT_EQ(memory.size(), 2u);
  memory.forgetUntil(at(1000));
  EXPECT_EQ(take(memory, 0, 10), Numbers{2});
}

TEST(LostPackets, RemembersOnlyTheNewest) {
  LostPackets memory;
  for (PacketNum number = 0; number < 10000; ++number) {
    memory.remember(lost(number));
    ASSERT_LE(memory.size(), LostPackets::kMaxRemembered);
  }
  const Numbers left = take(memory, 0, 10000);
  ASSERT_EQ(left.size(), LostPackets::kMaxRemembered);
  EXPECT_EQ(left.front(), 10000 - LostPackets::kMaxRemembered);
  EXPECT_EQ(left.back(), 9999u);
}

TEST(LostPackets, WaitsLongerByTheTimeThatStoodStill) {
  LostPackets memory;
  memory.remember(lost(1, at(1000)));
  memory.shiftTimes(Duration{500}, at(10'000));
  memory.forgetUntil(at(1499));
  memory.takeAcknowledged(1, 1, [](LostPacket&& each) { EXPECT_EQ(each.packet.sentAt, at(500)); });
  EXPECT_TRUE(memory.empty());
}

}  // namespace
}  // namespace quic
