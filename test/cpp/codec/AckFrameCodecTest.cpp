#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

using test::fromHex;
using test::toHex;

std::vector<Interval> rangesOf(const AckFrame& frame) {
  std::vector<Interval> out;
  frame.forEachRange([&](PacketNum bottom, PacketNum top) { out.push_back({bottom, top}); });
  return out;
}

std::vector<Interval> largestFirst(const IntervalSet& set) { return {set.rbegin(), set.rend()}; }

Result<QuicFrame> parseHex(std::string_view hex) {
  const test::ExactBytes exact(fromHex(hex));
  ByteReader reader(exact.span());
  auto parsed = parseFrame(reader);
  if (!parsed) return parsed;
  EXPECT_TRUE(reader.atEnd()) << hex;
  // The bytes die here: only what the frame holds by value is looked at.
  std::get_if<AckFrame>(&*parsed)->encodedRanges = {};
  return parsed;
}

void expectMalformed(std::string_view hex) {
  const auto parsed = parseHex(hex);
  ASSERT_FALSE(parsed) << hex;
  EXPECT_EQ(parsed.error().code, QuicErrorCode(TransportErrorCode::FRAME_ENCODING_ERROR)) << hex;
}

TEST(AckFrameCodec, WritesRangesFromTheLargestDown) {
  IntervalSet received;
  received.insert(0, 2);
  received.insert(5);
  received.insert(10, 20);
  ByteVector out(64);
  ByteWriter writer(out);
  ASSERT_TRUE(writeAckFrame(writer, received, 100, std::nullopt));
  // type, largest 20, delay 100, 2 more ranges, first 10; gap 3, length 0; gap 1, length 2
  EXPECT_EQ(toHex(writer.written()), "02144064020a03000102");

  ByteReader reader(writer.written());
  const auto parsed = parseFrame(reader);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(rangesOf(std::get<AckFrame>(*parsed)), largestFirst(received));
}

TEST(AckFrameCodec, CarriesEcnCounts) {  // covers RFC 9000 §19.3.2
  IntervalSet received;
  received.insert(7);
  ByteVector out(64);
  ByteWriter writer(out);
  ASSERT_TRUE(writeAckFrame(writer, received, 0, EcnCounts{1, 2, 64}));
  EXPECT_EQ(toHex(writer.written()), "030700000001024040");
  const auto parsed = parseHex(toHex(writer.written()));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(std::get<AckFrame>(*parsed).ecn, (EcnCounts{1, 2, 64}));
}

TEST(AckFrameCodec, RandomSetsComeBack) {
  test::Seeded random(21);
  ByteVector out(4096);
  for (int run = 0; run < 2000; ++run) {
    IntervalSet received;
    const uint64_t base = test::randomVarint(random) / 2;
    for (size_t n = 1 + test::below(random, 100); n > 0; --n) {
      const uint64_t start = base + test::below(random, 1000);
      received.insert(start, start + test::below(random, 5));
    }
    ByteWriter writer(out);
    ASSERT_TRUE(writeAckFrame(writer, received, test::randomVarint(random), std::nullopt));
    ByteReader reader(writer.written());
    const auto parsed = parseFrame(reader);
    ASSERT_TRUE(parsed);
    ASSERT_EQ(rangesOf(std::get<AckFrame>(*parsed)), largestFirst(received));
  }
}

TEST(AckFrameCodec, LeavesTheSmallestRangesOutWhenRoomIsShort) {
  IntervalSet received;
  for (uint64_t i = 0; i < 100; ++i) received.insert(1000 + 100 * i, 1010 + 100 * i);
  const std::vector<Interval> all = largestFirst(received);
  size_t lastCount = 0;
  for (size_t size = 0; size < 400; ++size) {
    test::ExactBytes room{ByteVector(size)};
    ByteWriter writer(room.mutableSpan());
    if (!writeAckFrame(writer, received, 5, EcnCounts{1, 1, 1})) {
      EXPECT_EQ(writer.offset(), 0u);
      EXPECT_EQ(lastCount, 0u);
      continue;
    }
    ByteReader reader(writer.written());
    const auto parsed = parseFrame(reader);
    ASSERT_TRUE(parsed) << size;
    const std::vector<Interval> ranges = rangesOf(std::get<AckFrame>(*parsed));
    EXPECT_TRUE(std::equal(ranges.begin(), ranges.end(), all.begin()));
    EXPECT_GE(ranges.size(), lastCount);
    const bool nothingWasted = size - writer.offset() < 4 || ranges.size() == all.size();
    EXPECT_TRUE(nothingWasted) << size;
    lastCount = ranges.size();
  }
  EXPECT_EQ(lastCount, all.size());
}

TEST(AckFrameCodec, RefusesARangeBelowZero) {  // covers RFC 9000 §19.3.1
  expectMalformed("02 05 00 00 06");           // first range
  expectMalformed("02 05 00 01 00 04 00");     // gap: 5 - 4 - 2
  expectMalformed("02 05 00 01 04 00 00");     // gap: 1 - 0 - 2
  expectMalformed("02 05 00 01 05 00 00");     // gap: 0 - 0 - 2
  expectMalformed("02 05 00 01 00 02 02");     // length: 5 - 2 - 2 - 2
  expectMalformed("02 05 00 01 00 ffffffffffffffff 00");
  expectMalformed("02 05 00 01 00 00 ffffffffffffffff");
  EXPECT_TRUE(parseHex("02 05 00 00 05"));
  EXPECT_TRUE(parseHex("02 05 00 01 00 03 00"));
  EXPECT_TRUE(parseHex("02 05 00 01 00 00 03"));
}

TEST(AckFrameCodec, RefusesACountThatTheBytesCannotHold) {
  expectMalformed("02 05 00 ffffffffffffffff 00");
  expectMalformed("02 05 00 ffffffffffffffff 00 0000000000000000000000");
  expectMalformed("02 3f 00 02 00 0000 00");
}

TEST(AckFrameCodec, RefusesMissingEcnCounts) {
  expectMalformed("03 05 00 00 00");
  expectMalformed("03 05 00 00 00 01 02");
}

TEST(AckFrameCodec, TakesTheLargestNumbersWithoutOverflow) {
  const auto parsed = parseHex("02 ffffffffffffffff ffffffffffffffff 00 ffffffffffffffff");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(rangesOf(std::get<AckFrame>(*parsed)), (std::vector<Interval>{{0, kMaxVarint}}));
  EXPECT_EQ(std::get<AckFrame>(*parsed).ackDelay, kMaxVarint);
}

}  // namespace
}  // namespace quic
