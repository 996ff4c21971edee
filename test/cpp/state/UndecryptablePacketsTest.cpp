#include "quic/state/UndecryptablePackets.h"

#include <gtest/gtest.h>

#include "quic/QuicConstants.h"

namespace quic::test {
namespace {

UndecryptablePacket packetOf(EncryptionLevel level, size_t size, uint8_t name = 0) {
  return {level, TimePoint{1h}, {}, Ecn::Ect0, ByteVector(size, name)};
}

TEST(UndecryptablePackets, GivesEachLevelBackInItsOrder) {
  UndecryptablePackets held;
  ASSERT_TRUE(held.hold(packetOf(EncryptionLevel::OneRtt, 50, 1)));
  ASSERT_TRUE(held.hold(packetOf(EncryptionLevel::Handshake, 50, 2)));
  ASSERT_TRUE(held.hold(packetOf(EncryptionLevel::OneRtt, 50, 3)));
  EXPECT_EQ(held.take(EncryptionLevel::OneRtt)->bytes[0], 1);
  EXPECT_EQ(held.take(EncryptionLevel::OneRtt)->bytes[0], 3);
  EXPECT_FALSE(held.take(EncryptionLevel::OneRtt));
  EXPECT_TRUE(held.holds(EncryptionLevel::Handshake));
  EXPECT_EQ(held.take(EncryptionLevel::Handshake)->bytes[0], 2);
  EXPECT_TRUE(held.empty());
  EXPECT_EQ(held.bytes(), 0u);
}

TEST(UndecryptablePackets, HoldsNoMorePacketsThanItsLimit) {
  UndecryptablePackets held;
  for (size_t i = 0; i < kMaxUndecryptablePackets; ++i) ASSERT_TRUE(held.hold(packetOf(EncryptionLevel::OneRtt, 30)));
  EXPECT_FALSE(held.hold(packetOf(EncryptionLevel::OneRtt, 30)));
  ASSERT_TRUE(held.take(EncryptionLevel::OneRtt));
  EXPECT_TRUE(held.hold(packetOf(EncryptionLevel::OneRtt, 30)));
}

TEST(UndecryptablePackets, HoldsNoMoreBytesThanItsLimit) {
  UndecryptablePackets held;
  EXPECT_FALSE(held.hold(packetOf(EncryptionLevel::OneRtt, kMaxUndecryptableBytes + 1)));
  ASSERT_TRUE(held.hold(packetOf(EncryptionLevel::OneRtt, kMaxUndecryptableBytes - 20)));
  EXPECT_FALSE(held.hold(packetOf(EncryptionLevel::OneRtt, 21)));
  EXPECT_TRUE(held.hold(packetOf(EncryptionLevel::OneRtt, 20)));
  EXPECT_EQ(held.bytes(), kMaxUndecryptableBytes);
}

TEST(UndecryptablePackets, DropsALevelWhoseKeysWillNeverCome) {
  UndecryptablePackets held;
  ASSERT_TRUE(held.hold(packetOf(EncryptionLevel::ZeroRtt, 30)));
  ASSERT_TRUE(held.hold(packetOf(EncryptionLevel::OneRtt, 40)));
  ASSERT_TRUE(held.hold(packetOf(EncryptionLevel::ZeroRtt, 50)));
  EXPECT_EQ(held.drop(EncryptionLevel::ZeroRtt), 2u);
  EXPECT_EQ(held.size(), 1u);
  EXPECT_EQ(held.bytes(), 40u);
}

}  // namespace
}  // namespace quic::test
