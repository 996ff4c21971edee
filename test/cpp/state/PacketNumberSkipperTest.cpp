#include "quic/state/PacketNumberSkipper.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "cpp/api/MisbehavingPeer.h"

namespace quic::test {
namespace {

std::vector<PacketNum> skippedBelow(PacketNum end, uint64_t seed) {
  SeededRandom random(seed);
  PacketNumberSkipper skipper;
  std::vector<PacketNum> skipped;
  for (PacketNum number = 0; number < end;) {
    const PacketNum next = skipper.after(number, random);
    EXPECT_GT(next, number);
    EXPECT_LE(next, number + 2) << "one at a time";
    if (next == number + 2) skipped.push_back(number + 1);
    number = next;
  }
  return skipped;
}

// covers RFC 9000 §21.4
TEST(PacketNumberSkipper, LeavesOutNumbersNowAndThen) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const auto skipped = skippedBelow(100'000, seed);
    ASSERT_FALSE(skipped.empty());
    EXPECT_LE(skipped.front(), PacketNumberSkipper::kLongestFirst + 1);
    for (size_t i = 1; i < skipped.size(); ++i) {
      const PacketNum distance = skipped[i] - skipped[i - 1];
      ASSERT_GE(distance, PacketNumberSkipper::kShortest);
      ASSERT_LE(distance, PacketNumberSkipper::kLongest + 2);
    }
  }
}

TEST(PacketNumberSkipper, CannotBeGuessed) {
  std::set<PacketNum> firsts;
  std::set<PacketNum> distances;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const auto skipped = skippedBelow(3000, seed);
    firsts.insert(skipped.at(0));
    distances.insert(skipped.at(1) - skipped.at(0));
  }
  EXPECT_GT(firsts.size(), 40u);
  EXPECT_GT(distances.size(), 150u);
}

}  // namespace
}  // namespace quic::test
