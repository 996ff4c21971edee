// The bytes of test/vectors/ServerMigrationVectors.h, both ways.
#include <gtest/gtest.h>

#include <algorithm>

#include "cpp/codec/FrameSamples.h"
#include "quic/codec/FrameTraits.h"
#include "quic/handshake/TransportParameters.h"
#include "vectors/ServerMigrationVectors.h"

namespace quic::test {
namespace {

using Family = SocketAddress::Family;

std::optional<SocketAddress> addressFrom(const char* text) {
  return *text == '\0' ? std::nullopt : std::optional(*SocketAddress::parse(text));
}

std::string encoded(const QuicFrame& frame) {
  ByteVector room(64);
  ByteWriter writer(room);
  EXPECT_TRUE(writeAny(writer, frame));
  return toHex(ByteSpan(room).first(writer.offset()));
}

/// Read whole, refused when cut anywhere, and written again as it was.
template <class Frame>
void expectBothWays(const AddressFrameVector& vector) {
  const ByteVector bytes = fromHex(vector.bytes);
  ASSERT_EQ(bytes.size(), 25u) << vector.name;
  const ExactBytes exact(bytes);
  ByteReader reader(exact.span());
  const auto parsed = parseFrame(reader);
  ASSERT_TRUE(parsed && reader.atEnd()) << vector.name;
  const auto* frame = std::get_if<Frame>(&*parsed);
  ASSERT_NE(frame, nullptr) << vector.name;
  EXPECT_EQ(frame->address.forFamily(Family::V4), addressFrom(vector.ipv4)) << vector.name;
  EXPECT_EQ(frame->address.forFamily(Family::V6), addressFrom(vector.ipv6)) << vector.name;
  EXPECT_EQ(encoded(*frame), toHex(bytes)) << vector.name;
  for (size_t size = 1; size < bytes.size(); ++size) {
    const ExactBytes cut(ByteSpan(bytes).first(size));
    ByteReader shorter(cut.span());
    const auto refused = parseFrame(shorter);
    ASSERT_FALSE(refused) << vector.name << " cut to " << size;
    EXPECT_EQ(refused.error().code, QuicErrorCode{TransportErrorCode::FRAME_ENCODING_ERROR});
    EXPECT_EQ(refused.error().frameType, bytes[0]);
  }
}

TEST(ServerMigrationVectors, AnAnnouncementIsTheseTwentyFiveBytes) {
  for (const AddressFrameVector& vector : kServerMigrationVectors) expectBothWays<ServerMigrationFrame>(vector);
}

TEST(ServerMigrationVectors, APoolAddressIsTheseTwentyFiveBytes) {
  for (const AddressFrameVector& vector : kPoolMigrationAddressVectors) {
    expectBothWays<PoolMigrationAddressFrame>(vector);
  }
}

TEST(ServerMigrationVectors, OnlyAllZeroIsTheAnnouncementOfASynchronizedMove) {
  for (const AddressFrameVector& vector : kServerMigrationVectors) {
    const ByteVector bytes = fromHex(vector.bytes);
    ByteReader reader(bytes);
    const auto parsed = parseFrame(reader);
    ASSERT_TRUE(parsed);
    const bool isNowhere = std::count(bytes.begin() + 1, bytes.end(), 0) == 24;
    EXPECT_EQ(std::get<ServerMigrationFrame>(*parsed).address.isAllZero(), isNowhere) << vector.name;
  }
}

TEST(ServerMigrationVectors, ServerMigratedIsOneByte) {
  EXPECT_EQ(encoded(ServerMigratedFrame{}), kServerMigratedVector);
  const ByteVector bytes = fromHex(kServerMigratedVector);
  ByteReader reader(bytes);
  const auto parsed = parseFrame(reader);
  ASSERT_TRUE(parsed && reader.atEnd());
  EXPECT_TRUE(std::holds_alternative<ServerMigratedFrame>(*parsed));
}

TEST(ServerMigrationVectors, FramesFollowEachOtherInOnePacketWithNothingLeftOver) {
  ByteVector packet;
  size_t frames = 0;
  const auto append = [&](const char* hex) {
    const ByteVector bytes = fromHex(hex);
    packet.insert(packet.end(), bytes.begin(), bytes.end());
    ++frames;
  };
  for (const AddressFrameVector& vector : kServerMigrationVectors) append(vector.bytes);
  append(kServerMigratedVector);
  for (const AddressFrameVector& vector : kPoolMigrationAddressVectors) append(vector.bytes);
  ByteReader reader(packet);
  for (size_t i = 0; i < frames; ++i) ASSERT_TRUE(parseFrame(reader)) << i;
  EXPECT_TRUE(reader.atEnd());
}

TEST(ServerMigrationVectors, AllThreeCountAsDataOfAServerIn1RttPackets) {
  const QuicFrame frames[] = {ServerMigrationFrame{}, ServerMigratedFrame{}, PoolMigrationAddressFrame{}};
  for (const QuicFrame& frame : frames) {
    const FrameTraits traits = frameTraits(frame);
    EXPECT_TRUE(traits.ackEliciting && traits.congestionControlled && traits.fromServer);
    EXPECT_FALSE(traits.probing || traits.fromClient);
    for (const EncryptionLevel level :
         {EncryptionLevel::Initial, EncryptionLevel::Handshake, EncryptionLevel::ZeroRtt}) {
      EXPECT_FALSE(isAllowedIn(traits, level));
    }
    EXPECT_TRUE(isAllowedIn(traits, EncryptionLevel::OneRtt));
  }
}

TEST(ServerMigrationVectors, TheTransportParameterIsThese) {
  for (const SuiteVector& vector : kSuiteVectors) {
    TransportParameters parameters;
    parameters.serverMigrationSuite = vector.suite;
    EXPECT_EQ(toHex(encodeTransportParameters(parameters)), toHex(fromHex(vector.bytes)));
    for (const Role sender : {Role::Client, Role::Server}) {
      const auto decoded = decodeTransportParameters(fromHex(vector.bytes), sender);
      ASSERT_TRUE(decoded) << vector.bytes;
      EXPECT_EQ(decoded->serverMigrationSuite, vector.suite);
    }
  }
}

}  // namespace
}  // namespace quic::test
