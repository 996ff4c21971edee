#include "quic/codec/QuicPacketHeaders.h"

#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"
#include "quic/QuicConstants.h"

namespace quic {
namespace {

using test::ExactBytes;
using test::fromHex;
using test::toHex;

ConnectionId idOf(std::string_view hex) { return ConnectionId(fromHex(hex)); }

ByteVector bytesOf(std::string_view hex, size_t zeros = 0) {
  ByteVector out = fromHex(hex);
  out.resize(out.size() + zeros);
  return out;
}

// ---- packet numbers

struct EncodeCase {
  PacketNum number;
  std::optional<PacketNum> largestAcked;
  uint64_t truncated;
  size_t size;
};
constexpr EncodeCase kEncode[] = {
    {0xac5c02, 0xabe8b3, 0x5c02, 2},  // RFC 9000 Appendix A.2
    {0xace8fe, 0xabe8b3, 0xace8fe, 3},
    {0, std::nullopt, 0, 1},
    {126, std::nullopt, 126, 1},
    {255, std::nullopt, 255, 2},
    {127, 0, 127, 1},
    {128, 0, 128, 2},  // twice 128 is not more than twice
    {1000 + 127, 1000, (1000 + 127) & 0xff, 1},
    {1000 + 128, 1000, 1000 + 128, 2},
    {1000 + 32767, 1000, 1000 + 32767, 2},
    {1000 + 32768, 1000, 1000 + 32768, 3},
    {uint64_t{1} << 40, 0, 0, 4},
};

TEST(QuicPacketHeaders, EncodesPacketNumbersInTheBytesTheyNeed) {  // covers RFC 9000 §17.1
  for (const EncodeCase& row : kEncode) {
    const EncodedPacketNumber encoded = encodePacketNumber(row.number, row.largestAcked);
    EXPECT_EQ(encoded.size, row.size) << row.number;
    EXPECT_EQ(encoded.value, row.truncated) << row.number;
  }
}

struct DecodeCase {
  std::optional<PacketNum> largest;
  uint64_t truncated;
  size_t size;
  PacketNum full;
};
constexpr DecodeCase kDecode[] = {
    {0xa82f30ea, 0x9b32, 2, 0xa82f9b32},  // RFC 9000 Appendix A.3
    {0x0, 0x1, 1, 0x1},
    {0xfe, 0xff, 1, 0xff},
    {0xff, 0x0, 1, 0x100},
    {0x7f, 0xff, 1, 0xff},
    {0x3e8, 0x4c, 1, 0x44c},
    {0xffff, 0x0, 2, 0x10000},
    {0x11170, 0x86a1, 2, 0x186a1},
    {0x3ffffffffffffed4, 0xffff, 2, 0x3fffffffffffffff},
    {std::nullopt, 0, 1, 0},
    {std::nullopt, 0xff, 1, 0xff},  // nothing lies below zero
    {std::nullopt, 0xffffffff, 4, 0xffffffff},
};

TEST(QuicPacketHeaders, DecodesPacketNumbersNextToTheExpectedOne) {  // covers RFC 9000 §17.1
  for (const DecodeCase& row : kDecode) {
    EXPECT_EQ(decodePacketNumber(row.largest, row.truncated, row.size), row.full) << row.truncated;
  }
}

TEST(QuicPacketHeaders, APacketNumberComesBackWheneverThePeerHasSeenTheAcknowledgedOne) {
  test::Seeded random(31);
  for (int i = 0; i < 100000; ++i) {
    const PacketNum acked = test::randomVarint(random) / 2;
    const PacketNum number = acked + 1 + test::below(random, uint64_t{1} << (1 + test::below(random, 31)));
    const EncodedPacketNumber encoded = encodePacketNumber(number, acked);
    if (number - acked >= uint64_t{1} << 31) continue;  // four bytes cannot tell more apart
    const PacketNum seen = acked + test::below(random, number - acked);
    ASSERT_EQ(decodePacketNumber(seen, encoded.value, encoded.size), number) << acked << " " << seen;
  }
}

// ---- reading

TEST(QuicPacketHeaders, ReadsTheInvariantHeaderOfAnyVersion) {
  const ByteVector longHeader = bytesOf("c0 1a2a3a4a 02 aabb 03 ccddee");
  const auto parsed = parseInvariantHeader(longHeader, 8);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->isLong);
  EXPECT_EQ(parsed->version, 0x1a2a3a4au);
  EXPECT_EQ(toHex(parsed->destinationId), "aabb");
  EXPECT_EQ(toHex(parsed->sourceId), "ccddee");
  for (size_t size = 0; size < longHeader.size(); ++size) {
    const ExactBytes cut(ByteSpan(longHeader).first(size));
    EXPECT_FALSE(parseInvariantHeader(cut.span(), 8)) << size;
  }
}

TEST(QuicPacketHeaders, TheInvariantHeaderTakesIdsOf255Bytes) {  // covers RFC 9000 §17.2
  ByteVector bytes = bytesOf("80 1a2a3a4a ff", 255);
  bytes.push_back(0xff);
  bytes.resize(bytes.size() + 255);
  const auto parsed = parseInvariantHeader(bytes, 8);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->destinationId.size(), 255u);
  EXPECT_EQ(parsed->sourceId.size(), 255u);
}

TEST(QuicPacketHeaders, ReadsTheIdOfAShortHeaderWithTheLengthItIsTold) {
  const ByteVector bytes = bytesOf("40 aabbccdd 00");
  for (const size_t size : {size_t{0}, size_t{2}, size_t{5}}) {
    const auto parsed = parseInvariantHeader(bytes, size);
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(parsed->isLong);
    EXPECT_EQ(parsed->destinationId.size(), size);
  }
  EXPECT_FALSE(parseInvariantHeader(bytes, 6));
}

// RFC 9001 Appendix A.2, A.3 and A.5: headers before protection, payload replaced by zeros.
TEST(QuicPacketHeaders, ReadsTheHeadersOfTheRfcsExamples) {
  ByteVector client = bytesOf("c300000001088394c8f03e5157080000449e00000002", 1178);
  MutableByteSpan datagram(client);
  auto packet = nextPacket(datagram, 8);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, PacketType::Initial);
  EXPECT_EQ(packet->version, 1u);
  EXPECT_EQ(packet->destinationId, idOf("8394c8f03e515708"));
  EXPECT_TRUE(packet->sourceId.empty());
  EXPECT_TRUE(packet->token.empty());
  EXPECT_EQ(packet->packetNumberOffset, 18u);
  EXPECT_EQ(packet->bytes.size(), 1200u);
  EXPECT_TRUE(datagram.empty());

  ByteVector server = bytesOf("c1000000010008f067a5502a4262b50040750001", 115);
  datagram = server;
  packet = nextPacket(datagram, 8);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->sourceId, idOf("f067a5502a4262b5"));
  EXPECT_EQ(packet->packetNumberOffset, 18u);
  EXPECT_EQ(packet->bytes.size(), 135u);

  ByteVector oneRtt = bytesOf("4cfe4189655e5cd55c41f69080575d7999c25a5bfb");
  datagram = oneRtt;
  packet = nextPacket(datagram, 0);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, PacketType::OneRtt);
  EXPECT_EQ(packet->packetNumberOffset, 1u);
}

TEST(QuicPacketHeaders, ReadsTheRetryOfTheRfcsExample) {
  ByteVector retry = bytesOf("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
  MutableByteSpan datagram(retry);
  const auto packet = nextPacket(datagram, 8);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, PacketType::Retry);
  EXPECT_EQ(asText(packet->token), "token");
  EXPECT_EQ(toHex(packet->retryIntegrityTag), "04a265ba2eff4d829058fb3f0f2496ba");
  EXPECT_EQ(packet->sourceId, idOf("f067a5502a4262b5"));
  EXPECT_TRUE(datagram.empty());
}

TEST(QuicPacketHeaders, RefusesARetryWithoutToken) {  // covers RFC 9000 §17.2.5.2
  ByteVector retry = bytesOf("ff000000010008f067a5502a4262b5", 16);
  MutableByteSpan datagram(retry);
  EXPECT_FALSE(nextPacket(datagram, 8));
}

TEST(QuicPacketHeaders, SplitsCoalescedPackets) {  // covers RFC 9000 §12.2
  ByteVector bytes;
  const auto append = [&bytes](std::string_view hex, size_t zeros) {
    const ByteVector more = bytesOf(hex, zeros);
    bytes.insert(bytes.end(), more.begin(), more.end());
  };
  append("c3 00000001 01aa 01bb 02ccdd 4020", 32);
  append("d0 00000001 01aa 01bb 14", 20);
  append("e0 00000001 01aa 01bb 8000001e", 30);
  append("40 aa", 20);
  MutableByteSpan datagram(bytes);
  constexpr PacketType kTypes[] = {PacketType::Initial, PacketType::ZeroRtt, PacketType::Handshake, PacketType::OneRtt};
  constexpr size_t kSizes[] = {14 + 32, 10 + 20, 13 + 30, 22};
  constexpr size_t kOffsets[] = {14, 10, 13, 2};
  for (size_t i = 0; i < 4; ++i) {
    const auto packet = nextPacket(datagram, 1);
    ASSERT_TRUE(packet) << i;
    EXPECT_EQ(packet->type, kTypes[i]);
    EXPECT_EQ(packet->bytes.size(), kSizes[i]);
    EXPECT_EQ(packet->packetNumberOffset, kOffsets[i]);
    EXPECT_EQ(packet->destinationId, idOf("aa"));
    if (i == 0) {
      EXPECT_EQ(toHex(packet->token), "ccdd");
    }
  }
  EXPECT_TRUE(datagram.empty());
  EXPECT_FALSE(nextPacket(datagram, 1));
}

struct DropCase {
  const char* why;
  const char* hex;
  size_t zeros;
};
constexpr DropCase kDropped[] = {
    {"P07: destination ID of 21 bytes", "c3 00000001 15 000102030405060708090a0b0c0d0e0f1011121314 00 00 4020", 32},
    {"source ID of 21 bytes", "c3 00000001 00 15 000102030405060708090a0b0c0d0e0f1011121314 00 4020", 32},
    {"P17: token runs past the datagram", "c3 00000001 01aa 01bb 7fff", 100},
    {"token of 2^62-1 bytes", "c3 00000001 01aa 01bb ffffffffffffffff", 100},
    {"P18: Length runs past the datagram", "c3 00000001 01aa 01bb 00 4021", 32},
    {"Length of 2^62-1", "c3 00000001 01aa 01bb 00 ffffffffffffffff", 100},
    {"P19: no room for the sample", "c3 00000001 01aa 01bb 00 4013", 19},
    {"P19: no room for the sample, data behind", "e3 00000001 01aa 01bb 4013", 100},
    {"no Length", "e3 00000001 01aa 01bb", 0},
    {"short header without room for the sample", "40 aa", 19},
    {"version negotiation without a version", "80 00000000 01aa 01bb", 0},
    {"version negotiation with half a version", "80 00000000 01aa 01bb 00000001 0000", 0},
    {"version negotiation with an ID of 21 bytes",
     "80 00000000 15 000102030405060708090a0b0c0d0e0f1011121314 00 00000001", 0},
    {"P20: one byte, long", "c3", 0},
    {"P20: one byte, short", "40", 0},
    {"P20: seven bytes", "c3 00000001 01 aa", 0},
};

// covers RFC 9000 §17.2
TEST(QuicPacketHeaders, DropsWhatIsMalformed) {
  for (const DropCase& row : kDropped) {
    ExactBytes bytes(bytesOf(row.hex, row.zeros));
    MutableByteSpan datagram = bytes.mutableSpan();
    EXPECT_FALSE(nextPacket(datagram, 1)) << row.why;
  }
}

TEST(QuicPacketHeaders, TakesIdsOf20Bytes) {  // covers RFC 9000 §17.2
  ByteVector bytes = bytesOf(
      "c3 00000001 14 000102030405060708090a0b0c0d0e0f10111213 14 131211100f0e0d0c0b0a09080706050403020100 00 4020",
      32);
  MutableByteSpan datagram(bytes);
  const auto packet = nextPacket(datagram, 1);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->destinationId.size(), 20u);
  EXPECT_EQ(packet->sourceId.size(), 20u);
}

TEST(QuicPacketHeaders, AnUnknownVersionTakesTheRestOfTheDatagram) {
  ByteVector bytes = bytesOf("c3 1a2a3a4a 01aa 01bb 00 4020", 100);
  MutableByteSpan datagram(bytes);
  auto packet = nextPacket(datagram, 1);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, PacketType::UnknownVersion);
  EXPECT_EQ(packet->version, 0x1a2a3a4au);
  EXPECT_EQ(packet->destinationId, idOf("aa"));
  EXPECT_EQ(packet->bytes.size(), bytes.size());
  EXPECT_TRUE(datagram.empty());

  ByteVector longIds = bytesOf("c3 1a2a3a4a 15", 21 + 1);
  datagram = longIds;
  packet = nextPacket(datagram, 1);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, PacketType::UnknownVersion);
  EXPECT_TRUE(packet->destinationId.empty());
}

TEST(QuicPacketHeaders, TheFixedBitIsForTheCallerToJudge) {
  ByteVector bytes = bytesOf("00 aa", 20);
  MutableByteSpan datagram(bytes);
  const auto packet = nextPacket(datagram, 1);
  ASSERT_TRUE(packet);
  EXPECT_FALSE(fixedBit(*packet));
}

TEST(QuicPacketHeaders, RandomDatagramsAreSplitWithoutReadingOutOfBounds) {
  test::Seeded random(32);
  for (int i = 0; i < 50000; ++i) {
    ByteVector bytes = test::randomBytes(random, test::below(random, 120));
    if (bytes.size() > 5 && test::below(random, 4) != 0) {
      const ByteVector prefix = fromHex("0000000001");
      std::copy(prefix.begin() + 1, prefix.end(), bytes.begin() + 1);
      bytes[0] |= 0x80;
      bytes[5] = static_cast<uint8_t>(test::below(random, 24));
    }
    ExactBytes exact(bytes);
    MutableByteSpan datagram = exact.mutableSpan();
    size_t total = 0;
    while (const auto packet = nextPacket(datagram, 4)) {
      ASSERT_FALSE(packet->bytes.empty());
      total += packet->bytes.size();
      ASSERT_EQ(total + datagram.size(), bytes.size());
      if (packet->packetNumberOffset != 0) {
        ASSERT_LE(packet->packetNumberOffset + 20, packet->bytes.size());
      }
    }
  }
}

// ---- writing

TEST(QuicPacketHeaders, ALongHeaderComesBack) {
  test::Seeded random(33);
  constexpr PacketType kTypes[] = {PacketType::Initial, PacketType::ZeroRtt, PacketType::Handshake};
  for (int i = 0; i < 3000; ++i) {
    LongHeader header;
    header.type = kTypes[test::below(random, 3)];
    header.version = kQuicVersion1;
    header.destinationId = ConnectionId(test::randomBytes(random, test::below(random, 21)));
    header.sourceId = ConnectionId(test::randomBytes(random, test::below(random, 21)));
    const ByteVector token = test::randomBytes(random, test::below(random, 100));
    if (header.type == PacketType::Initial) header.token = token;
    const EncodedPacketNumber number{random() & 0xff, 1 + test::below(random, 4)};

    ByteVector out(400);
    ByteWriter writer(out);
    const auto lengthOffset = writeLongHeader(writer, header, number);
    ASSERT_TRUE(lengthOffset);
    const size_t payload = 20 + test::below(random, 100);
    patchLength(out, *lengthOffset, number.size + payload);
    MutableByteSpan datagram = MutableByteSpan(out).first(writer.offset() + payload);
    const auto packet = nextPacket(datagram, 8);
    ASSERT_TRUE(packet);
    ASSERT_TRUE(datagram.empty());
    ASSERT_EQ(packet->type, header.type);
    ASSERT_EQ(packet->destinationId, header.destinationId);
    ASSERT_EQ(packet->sourceId, header.sourceId);
    ASSERT_TRUE(test::sameBytes(packet->token, header.token));
    ASSERT_EQ(packet->packetNumberOffset, writer.offset() - number.size);
    ASSERT_EQ(packet->bytes[0] & 0x0f, static_cast<int>(number.size) - 1);  // reserved bits are 0
    ASSERT_TRUE(fixedBit(*packet));
  }
}

TEST(QuicPacketHeaders, TheLengthOffsetCountsFromTheFirstByteOfThePacket) {
  const LongHeader header{PacketType::Handshake, kQuicVersion1, idOf("aa"), idOf("bb"), {}};
  ByteVector out(100);
  ByteWriter writer(out);
  ASSERT_TRUE(writer.writeZeros(10));
  const auto lengthOffset = writeLongHeader(writer, header, {7, 2});
  ASSERT_EQ(lengthOffset, 9u);
  patchLength(MutableByteSpan(out).subspan(10), *lengthOffset, 0x1234);
  EXPECT_EQ(toHex(ByteSpan(out).subspan(10, 13)), "e10000000101aa01bb52340007");
}

TEST(QuicPacketHeaders, AHeaderThatDoesNotFitWritesNothing) {
  const LongHeader header{PacketType::Initial, kQuicVersion1, idOf("aabbccdd"), idOf("bb"), {}};
  ByteVector large(100);
  ByteWriter measure(large);
  ASSERT_TRUE(writeLongHeader(measure, header, {7, 4}));
  for (size_t size = 0; size < measure.offset(); ++size) {
    ExactBytes room{ByteVector(size)};
    ByteWriter writer(room.mutableSpan());
    EXPECT_FALSE(writeLongHeader(writer, header, {7, 4})) << size;
    EXPECT_EQ(writer.offset(), 0u);
  }
  for (size_t size = 0; size < 9; ++size) {
    ExactBytes room{ByteVector(size)};
    ByteWriter writer(room.mutableSpan());
    EXPECT_FALSE(writeShortHeader(writer, header.destinationId, false, false, {7, 4})) << size;
    EXPECT_EQ(writer.offset(), 0u);
  }
}

TEST(QuicPacketHeaders, WritesTheShortHeader) {  // covers RFC 9000 §17.3.1
  ByteVector out(20);
  const auto written = [&out](bool keyPhase, bool spin, EncodedPacketNumber number) {
    ByteWriter writer(out);
    EXPECT_TRUE(writeShortHeader(writer, idOf("aabb"), keyPhase, spin, number));
    return toHex(writer.written());
  };
  EXPECT_EQ(written(false, false, {7, 1}), "40aabb07");
  EXPECT_EQ(written(true, false, {7, 2}), "45aabb0007");
  EXPECT_EQ(written(false, true, {0x01020304, 4}), "63aabb01020304");
}

TEST(QuicPacketHeaders, WritesARetryThatComesBack) {
  const ByteVector token = fromHex("746f6b656e");
  const LongHeader header{PacketType::Retry, kQuicVersion1, {}, idOf("f067a5502a4262b5"), token};
  ByteVector out(100);
  ByteWriter writer(out);
  ASSERT_TRUE(writeRetryWithoutTag(writer, header, 0x0f));
  EXPECT_EQ(toHex(writer.written()), "ff000000010008f067a5502a4262b5746f6b656e");
  ByteVector small(10);
  ByteWriter cramped(small);
  EXPECT_FALSE(writeRetryWithoutTag(cramped, header, 0));
  EXPECT_EQ(cramped.offset(), 0u);
}

TEST(QuicPacketHeaders, WritesVersionNegotiation) {  // covers RFC 9000 §17.2.1
  const uint32_t versions[] = {kQuicVersion1, 0x6b3343cf};
  ByteVector out(100);
  const size_t size = writeVersionNegotiation(out, 0x2a, fromHex("aabb"), fromHex("cc"), versions);
  EXPECT_EQ(toHex(ByteSpan(out).first(size)), "ea0000000002aabb01cc000000016b3343cf");
  for (size_t room = 0; room < size; ++room) {
    ExactBytes exact{ByteVector(room)};
    EXPECT_EQ(writeVersionNegotiation(exact.mutableSpan(), 0, fromHex("aabb"), fromHex("cc"), versions), 0u);
  }
  MutableByteSpan datagram = MutableByteSpan(out).first(size);
  const auto packet = nextPacket(datagram, 8);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, PacketType::VersionNegotiation);
  EXPECT_EQ(packet->destinationId, idOf("aabb"));
  EXPECT_EQ(toHex(packet->supportedVersions), "000000016b3343cf");
}

TEST(QuicPacketHeaders, VersionNegotiationMirrorsIdsOfAnyLength) {  // covers RFC 9000 §17.2.1
  const uint32_t versions[] = {kQuicVersion1};
  const ByteVector id(255, 0xaa);
  const ByteVector tooLong(256);
  ByteVector out(600);
  EXPECT_EQ(writeVersionNegotiation(out, 0, id, id, versions), 1u + 4 + 256 + 256 + 4);
  EXPECT_EQ(writeVersionNegotiation(out, 0, tooLong, id, versions), 0u);
  EXPECT_EQ(writeVersionNegotiation(out, 0, id, tooLong, versions), 0u);
}

}  // namespace
}  // namespace quic
