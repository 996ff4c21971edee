// Reassembly against a naive model (a byte array and a bitmap), and its bounds. Credit is not seen here: the caller
// admits.
#include "quic/state/ReassemblyBuffer.h"

#include <gtest/gtest.h>

#include <random>

#include "quic/QuicConstants.h"

namespace quic {
namespace {

uint8_t patternAt(uint64_t offset) { return static_cast<uint8_t>(offset * 167 + (offset >> 8) * 31 + 5); }

ByteVector pattern(uint64_t offset, size_t size) {
  ByteVector bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = patternAt(offset + i);
  return bytes;
}

struct Walk {
  uint64_t seed;
  size_t streamSize;
  size_t maxPiece;
};

class ReassemblyWalk : public ::testing::TestWithParam<Walk> {};

TEST_P(ReassemblyWalk, AgreesWithANaiveModel) {
  const auto [seed, streamSize, maxPiece] = GetParam();
  std::mt19937_64 random(seed);
  const auto below = [&random](uint64_t bound) { return random() % bound; };
  BlockPool pool;
  ReassemblyBuffer buffer;
  std::vector<bool> have(streamSize, false);
  size_t readOffset = 0;
  size_t contiguous = 0;
  uint64_t highest = 0;
  while (readOffset < streamSize) {
    const size_t window = std::min(streamSize, readOffset + 60000);
    // Mostly near the first hole, so that the walk comes to its end.
    const size_t from = below(3) == 0 ? readOffset : std::min(contiguous, window - 1);
    const size_t offset = from + (below(2) == 0 ? 0 : below(window - from));
    const size_t size = std::min<size_t>(below(maxPiece + 1), window - offset);
    if (buffer.gaps() < 900) {
      ASSERT_TRUE(buffer.insert(offset, pattern(offset, size), pool));
      std::fill_n(have.begin() + static_cast<ptrdiff_t>(offset), size, true);
      if (size > 0) highest = std::max<uint64_t>(highest, offset + size);
    } else {
      ASSERT_TRUE(buffer.insert(contiguous, pattern(contiguous, 1), pool));
      have[contiguous] = true;
      highest = std::max<uint64_t>(highest, contiguous + 1);
    }
    while (contiguous < streamSize && have[contiguous]) ++contiguous;
    ASSERT_EQ(buffer.contiguousEnd(), contiguous);
    ASSERT_EQ(buffer.readable(), contiguous - readOffset);
    if (below(4) == 0) {
      ByteVector out(below(2 * maxPiece) + 1);
      const size_t got = buffer.read(out, pool);
      ASSERT_EQ(got, std::min(out.size(), contiguous - readOffset));
      out.resize(got);
      ASSERT_EQ(out, pattern(readOffset, got));
      readOffset += got;
    }
    const uint64_t span = highest > readOffset ? highest - readOffset : 0;
    ASSERT_LE(buffer.blockBytes(), span + 2 * BlockPool::kFullSize);
  }
  EXPECT_EQ(buffer.blockBytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ReassemblyWalk,
                         ::testing::Values(Walk{1, 3000, 40}, Walk{2, 300000, 1400}, Walk{3, 300000, 9000},
                                           Walk{4, 20000, 3}, Walk{5, 600, 600}, Walk{6, 500000, 65000},
                                           Walk{7, 100000, 600}));

TEST(ReassemblyBuffer, ClosesOnEveryOtherByteAtABoundedCost) {  // RFC 9000 §21.9
  BlockPool pool;
  ReassemblyBuffer buffer;
  const uint8_t byte = 1;
  for (uint64_t i = 0; i < kMaxStreamGaps; ++i) ASSERT_TRUE(buffer.insert(2 * i + 1, {&byte, 1}, pool));
  EXPECT_LE(buffer.blockBytes(), 2 * BlockPool::kFullSize);
  EXPECT_FALSE(buffer.insert(2 * kMaxStreamGaps + 1, {&byte, 1}, pool));
}

TEST(ReassemblyBuffer, HoldsNoMoreThanTheWindowWhenOneByteLandsInEachBlock) {
  BlockPool pool;
  ReassemblyBuffer buffer;
  const uint8_t byte = 1;
  const uint64_t window = 64 * BlockPool::kFullSize;
  for (uint64_t offset = 1; offset < window; offset += BlockPool::kFullSize / 2) {
    ASSERT_TRUE(buffer.insert(offset, {&byte, 1}, pool));
  }
  EXPECT_LE(buffer.blockBytes(), window);
  buffer.clear(pool);
  EXPECT_EQ(buffer.blockBytes(), 0u);
}

TEST(ReassemblyBuffer, CostsATinyStreamATinyBlockAndAnIdleOneNothing) {
  BlockPool pool;
  ReassemblyBuffer buffer;
  ASSERT_TRUE(buffer.insert(0, pattern(0, 100), pool));
  EXPECT_EQ(buffer.blockBytes(), BlockPool::kSmallSize);
  ByteVector out(60);
  EXPECT_EQ(buffer.read(out, pool), 60u);
  EXPECT_EQ(buffer.blockBytes(), BlockPool::kSmallSize);
  EXPECT_EQ(buffer.read(out, pool), 40u);
  EXPECT_EQ(buffer.blockBytes(), 0u);
  ASSERT_TRUE(buffer.insert(100, pattern(100, 412), pool));
  EXPECT_EQ(buffer.blockBytes(), BlockPool::kSmallSize);
  ASSERT_TRUE(buffer.insert(512, pattern(512, 1), pool));
  EXPECT_EQ(buffer.blockBytes(), BlockPool::kFullSize);
  out.resize(500);
  ASSERT_EQ(buffer.read(out, pool), 413u);
  out.resize(413);
  EXPECT_EQ(out, pattern(100, 413));
}

TEST(ReassemblyBuffer, TakesNothingFromAnEmptyPiece) {
  BlockPool pool;
  ReassemblyBuffer buffer;
  ASSERT_TRUE(buffer.insert(0, pattern(0, 5000), pool));
  ASSERT_TRUE(buffer.insert(0, {}, pool));
  ASSERT_TRUE(buffer.insert(1u << 20, {}, pool));
  EXPECT_EQ(buffer.contiguousEnd(), 5000u);
  EXPECT_EQ(buffer.gaps(), 0u);
}

}  // namespace
}  // namespace quic
