// One path's spin bit, as RFC 9000 §17.4 has it. What of a packet counts, and which packets carry it, is in api/.
#include "quic/state/SpinBit.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

/// Every bit drawn is `value`.
class SameBits final : public Random {
 public:
  explicit SameBits(bool value) : byte_(value ? 0xff : 0x00) {}
  void fill(MutableByteSpan out) override { std::fill(out.begin(), out.end(), byte_); }

 private:
  uint8_t byte_;
};

struct Path {
  explicit Path(bool drawn = true) : random(drawn) {}
  bool next(uint64_t destination = 0) { return bit.next(destination, true, bits, random); }
  SameBits random;
  RandomBits bits;
  SpinBit bit;
};

TEST(SpinBit, BeginsAtZero) {  // covers RFC 9000 §17.4
  Path path;
  EXPECT_FALSE(path.next());
  EXPECT_FALSE(path.next());
}

TEST(SpinBit, AServerReflectsAndAClientInverts) {  // covers RFC 9000 §17.4
  for (const Role role : {Role::Server, Role::Client}) {
    Path path;
    (void)path.next();
    for (PacketNum number = 0; number < 10; ++number) {
      const bool said = number % 3 == 0;
      path.bit.onReceived(role, number, said);
      EXPECT_EQ(path.next(), said == (role == Role::Server));
    }
  }
}

TEST(SpinBit, OnlyTheHighestNumberCounts) {  // covers RFC 9000 §17.4
  Path path;
  (void)path.next();
  path.bit.onReceived(Role::Server, 5, true);
  path.bit.onReceived(Role::Server, 4, false);
  path.bit.onReceived(Role::Server, 5, false);
  EXPECT_TRUE(path.next());
  path.bit.onReceived(Role::Server, 6, false);
  EXPECT_FALSE(path.next());
}

TEST(SpinBit, BeginsAnewWithAnotherConnectionId) {  // covers RFC 9000 §17.4
  Path path;
  (void)path.next(1);
  path.bit.onReceived(Role::Server, 5, true);
  EXPECT_TRUE(path.next(1));
  EXPECT_FALSE(path.next(2));
  path.bit.onReceived(Role::Server, 6, true);
  EXPECT_TRUE(path.next(2));
}

TEST(SpinBit, APathThatDrewZerosDoesNotSpin) {  // covers RFC 9000 §17.4
  Path path(false);
  path.bit.onReceived(Role::Server, 5, true);
  EXPECT_FALSE(path.next()) << "the next random bit, which is 0 too";
}

TEST(SpinBit, OnePathInSixteenDoesNotSpin) {  // covers RFC 9000 §17.4
  class Counting final : public Random {
   public:
    void fill(MutableByteSpan out) override {
      for (uint8_t& byte : out)
        byte = static_cast<uint8_t>((state_ = state_ * 6364136223846793005 + 1442695040888963407) >> 56);
    }

   private:
    uint64_t state_ = 1;
  } random;
  constexpr int kPaths = 16000;
  RandomBits bits;
  int spinning = 0;
  for (int i = 0; i < kPaths; ++i) {
    SpinBit bit;
    bool follows = true;
    for (PacketNum number = 0; number < 30; ++number) {
      const bool said = number % 2 == 0;
      (void)bit.next(0, true, bits, random);
      bit.onReceived(Role::Server, number, said);
      follows &= bit.next(0, true, bits, random) == said;
    }
    spinning += follows ? 1 : 0;
  }
  EXPECT_NEAR(kPaths - spinning, kPaths / 16, kPaths / 160);
}

TEST(SpinBit, IsRandomWhereItIsNotWanted) {  // covers RFC 9000 §17.4
  SameBits random(true);
  RandomBits bits;
  SpinBit bit;
  bit.onReceived(Role::Server, 5, false);
  EXPECT_TRUE(bit.next(0, false, bits, random)) << "what was drawn";
}

}  // namespace
}  // namespace quic
