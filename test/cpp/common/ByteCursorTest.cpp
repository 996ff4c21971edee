#include "quic/common/ByteCursor.h"

#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"

namespace quic {
namespace {

using test::fromHex;
using test::toHex;

struct VarintCase {
  const char* hex;
  uint64_t value;
};

// RFC 9000 Appendix A.1, and both ends of each size.
constexpr VarintCase kVarints[] = {
    {"c2197c5eff14e88c", 151288809941952652},
    {"9d7f3e7d", 494878333},
    {"7bbd", 15293},
    {"25", 37},
    {"00", 0},
    {"3f", 63},
    {"4040", 64},
    {"7fff", 16383},
    {"80004000", 16384},
    {"bfffffff", 1073741823},
    {"c000000040000000", 1073741824},
    {"ffffffffffffffff", 4611686018427387903},
};

TEST(ByteCursor, ReadsAndWritesTheVarintsOfTheRfc) {  // covers RFC 9000 §16
  for (const VarintCase& row : kVarints) {
    const ByteVector bytes = fromHex(row.hex);
    ByteReader reader(bytes);
    EXPECT_EQ(reader.readVarint(), row.value) << row.hex;
    EXPECT_TRUE(reader.atEnd()) << row.hex;
    EXPECT_EQ(varintSize(row.value), bytes.size()) << row.hex;

    std::array<uint8_t, 8> out{};
    ByteWriter writer(out);
    ASSERT_TRUE(writer.writeVarint(row.value));
    EXPECT_EQ(toHex(writer.written()), row.hex);
  }
}

TEST(ByteCursor, ReadsAVarintThatIsLongerThanNeeded) {  // covers RFC 9000 §16
  for (const char* hex : {"25", "4025", "80000025", "c000000000000025"}) {
    const ByteVector bytes = fromHex(hex);
    ByteReader reader(bytes);
    EXPECT_EQ(reader.readVarint(), 37u) << hex;
    EXPECT_TRUE(reader.atEnd()) << hex;
  }
}

TEST(ByteCursor, RefusesAVarintCutAtAnyByteAndStaysWhereItWas) {
  for (const VarintCase& row : kVarints) {
    const ByteVector bytes = fromHex(row.hex);
    for (size_t size = 0; size < bytes.size(); ++size) {
      const test::ExactBytes cut(ByteSpan(bytes).first(size));
      ByteReader reader(cut.span());
      EXPECT_EQ(reader.readVarint(), std::nullopt) << row.hex << " cut to " << size;
      EXPECT_EQ(reader.offset(), 0u);
    }
  }
}

TEST(ByteCursor, WritesAVarintInALengthOfItsOwn) {
  for (const size_t size : {1, 2, 4, 8}) {
    std::array<uint8_t, 8> out{};
    ByteWriter writer(out);
    ASSERT_TRUE(writer.writeVarint(37, size));
    EXPECT_EQ(writer.offset(), size);
    ByteReader reader(writer.written());
    EXPECT_EQ(reader.readVarint(), 37u);
  }
}

TEST(ByteCursor, RefusesAVarintThatItsLengthCannotHold) {
  std::array<uint8_t, 8> out{};
  ByteWriter writer(out);
  EXPECT_FALSE(writer.writeVarint(64, 1));
  EXPECT_FALSE(writer.writeVarint(16384, 2));
  EXPECT_FALSE(writer.writeVarint(kMaxVarint + 1));
  EXPECT_EQ(writer.offset(), 0u);
}

TEST(ByteCursor, RandomVarintsComeBack) {
  test::Seeded random(1);
  for (int i = 0; i < 10000; ++i) {
    const uint64_t value = test::randomVarint(random);
    std::array<uint8_t, 8> out{};
    ByteWriter writer(out);
    ASSERT_TRUE(writer.writeVarint(value));
    ASSERT_EQ(writer.offset(), varintSize(value));
    ByteReader reader(writer.written());
    ASSERT_EQ(reader.readVarint(), value);
  }
}

TEST(ByteCursor, AReadThatFailsMovesNothing) {
  const ByteVector bytes = fromHex("010203");
  ByteReader reader(bytes);
  EXPECT_EQ(reader.readBigEndian(4), std::nullopt);
  EXPECT_FALSE(reader.readBytes(4).has_value());
  EXPECT_FALSE(reader.readBytes(UINT64_MAX).has_value());
  EXPECT_FALSE(reader.skip(4));
  EXPECT_EQ(reader.remaining(), 3u);
  EXPECT_EQ(reader.readBigEndian(2), 0x0102u);
  EXPECT_EQ(reader.readByte(), 3);
  EXPECT_EQ(reader.readByte(), std::nullopt);
  EXPECT_EQ(reader.readBigEndian(0), 0u);
  EXPECT_TRUE(reader.readBytes(0).has_value());
}

TEST(ByteCursor, AWriteThatFailsMovesNothing) {
  std::array<uint8_t, 3> out{};
  ByteWriter writer(out);
  const ByteVector four = fromHex("01020304");
  EXPECT_FALSE(writer.writeBytes(four));
  EXPECT_FALSE(writer.writeBigEndian(1, 4));
  EXPECT_FALSE(writer.writeZeros(4));
  EXPECT_FALSE(writer.advance(4));
  EXPECT_FALSE(writer.writeVarint(16384));
  EXPECT_EQ(writer.offset(), 0u);
  EXPECT_TRUE(writer.writeBigEndian(0x0a0b, 2));
  EXPECT_TRUE(writer.writeBytes({}));
  EXPECT_TRUE(writer.writeByte(0x0c));
  EXPECT_EQ(writer.remaining(), 0u);
  EXPECT_EQ(toHex(out), "0a0b0c");
}

}  // namespace
}  // namespace quic
