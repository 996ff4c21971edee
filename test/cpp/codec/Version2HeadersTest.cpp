// Long headers of QUIC version 2: the same as version 1's, but for the numbers of their types. RFC 9369 §3.2.
#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"
#include "quic/QuicConstants.h"
#include "quic/codec/QuicPacketHeaders.h"

namespace quic::test {
namespace {

struct Row {
  PacketType type;
  uint8_t version1;
  uint8_t version2;
};
constexpr Row kRows[] = {
    {PacketType::Initial, 0b00, 0b01},
    {PacketType::ZeroRtt, 0b01, 0b10},
    {PacketType::Handshake, 0b10, 0b11},
    {PacketType::Retry, 0b11, 0b00},
};

// covers RFC 9369 §3.2
TEST(Version2Headers, TypesAreReadByVersion) {
  for (const Row& row : kRows) {
    EXPECT_EQ(longPacketType(static_cast<uint8_t>(0xc0 | row.version1 << 4), kQuicVersion1), row.type);
    EXPECT_EQ(longPacketType(static_cast<uint8_t>(0xcf | row.version2 << 4), kQuicVersion2), row.type);
  }
  EXPECT_EQ(longPacketType(0xc0, kVersionNegotiation), PacketType::VersionNegotiation);
  EXPECT_EQ(longPacketType(0xc0, 0x1a2a3a4a), PacketType::UnknownVersion);
  EXPECT_EQ(longPacketType(0xc0, 2), PacketType::UnknownVersion) << "version 2 has another number";
}

TEST(Version2Headers, WhatIsWrittenIsReadAgain) {
  for (const uint32_t version : {kQuicVersion1, kQuicVersion2}) {
    for (const Row& row : kRows) {
      if (row.type == PacketType::Retry) continue;
      ByteVector packet(100);
      ByteWriter writer(packet);
      const LongHeader header{row.type, version, ConnectionId(fromHex("0102")), ConnectionId(fromHex("03")), {}};
      const auto lengthOffset = writeLongHeader(writer, header, {7, 4});
      ASSERT_TRUE(lengthOffset.has_value());
      const size_t numberOffset = writer.offset() - 4;
      patchLength(packet, *lengthOffset, packet.size() - numberOffset);
      EXPECT_EQ(packet[0] >> 4 & 3, version == kQuicVersion1 ? row.version1 : row.version2);
      MutableByteSpan rest(packet);
      const auto read = nextPacket(rest, 0);
      ASSERT_TRUE(read.has_value());
      EXPECT_EQ(read->type, row.type);
      EXPECT_EQ(read->version, version);
      EXPECT_EQ(read->packetNumberOffset, numberOffset);
    }
  }
}

// RFC 9369, Appendix A.2 and A.4
TEST(Version2Headers, ReadsTheSamplesOfTheRfc) {
  ByteVector initial = fromHex("d3 6b3343cf 08 8394c8f03e515708 00 00 449e 00000002");
  initial.resize(1200);
  MutableByteSpan rest(initial);
  const auto first = nextPacket(rest, 0);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->type, PacketType::Initial);
  EXPECT_EQ(first->destinationId, ConnectionId(fromHex("8394c8f03e515708")));
  ByteVector retry = fromHex("cf 6b3343cf 00 08 f067a5502a4262b5 746f6b656e c8646ce8bfe33952d955543665dcc7b6");
  rest = retry;
  const auto second = nextPacket(rest, 0);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->type, PacketType::Retry);
  EXPECT_EQ(asText(second->token), "token");
}

TEST(Version2Headers, ARetryIsWrittenInItsVersion) {
  for (const uint32_t version : {kQuicVersion1, kQuicVersion2}) {
    ByteVector packet(100);
    ByteWriter writer(packet);
    const ByteVector token = {1};
    ASSERT_TRUE(
        writeRetryWithoutTag(writer, {PacketType::Retry, version, {}, ConnectionId(fromHex("01")), token}, 0xff));
    writer.writeZeros(16);
    MutableByteSpan rest = writer.written();
    const auto read = nextPacket(rest, 0);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->type, PacketType::Retry);
  }
}

TEST(Version2Headers, ReservedVersionsFollowThePattern) {
  EXPECT_TRUE(isReservedVersion(0x1a2a3a4a));
  EXPECT_TRUE(isReservedVersion(0xfafafafa));
  EXPECT_FALSE(isReservedVersion(kQuicVersion1));
  EXPECT_FALSE(isReservedVersion(kQuicVersion2));
}

}  // namespace
}  // namespace quic::test
