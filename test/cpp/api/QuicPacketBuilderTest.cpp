// QuicPacketBuilder and QuicReadCodec against each other: what one seals the other opens, and nothing else.
#include "quic/api/QuicPacketBuilder.h"

#include <gtest/gtest.h>

#include "cpp/api/FakeHandshake.h"
#include "cpp/support/TestBytes.h"
#include "quic/api/QuicReadCodec.h"
#include "quic/codec/QuicFrameCodec.h"
#include "quic/state/PacketSpace.h"
#include "quic/tls/OpenSslTls.h"

namespace quic::test {
namespace {

struct Fixture {
  std::unique_ptr<CryptoFactory> crypto = makeOpenSslCryptoFactory();
  PacketSpace sender;
  PacketSpace receiver;
  PacketHeaderFields fields{EncryptionLevel::OneRtt, kQuicVersion1, ConnectionId(fromHex("0102030405060708")),
                            ConnectionId(fromHex("a1a2"))};

  explicit Fixture(EncryptionLevel level = EncryptionLevel::OneRtt) {
    fields.level = level;
    const TrafficSecret secret = fakeSecret(level, Role::Client, CipherSuite::AES_128_GCM_SHA256);
    sender.writeKeys = crypto->protection(kQuicVersion1, secret);
    receiver.readKeys = crypto->protection(kQuicVersion1, secret);
  }
  ByteVector seal(PacketNum number, ByteSpan frames, size_t room = 1200, size_t padTo = 0) {
    ByteVector packet(room);
    auto builder = QuicPacketBuilder::begin(packet, fields, number, std::nullopt);
    if (!builder) return {};
    EXPECT_TRUE(builder->frames().writeBytes(frames));
    builder->padTo(padTo);
    const size_t announced = builder->size();
    packet.resize(builder->seal(sender.writeKeys));
    EXPECT_GE(packet.size(), announced);
    return packet;
  }
  Expected<OpenedPacket, OpenFailure> open(MutableByteSpan datagram) {
    const auto packet = nextPacket(datagram, 8);
    if (!packet) return Unexpected<OpenFailure>{OpenFailure::Malformed};
    return openPacket({receiver.readKeys, receiver.acks}, *packet);
  }
};

TEST(QuicPacketBuilder, WhatItSealsIsOpenedAtEveryLevel) {
  for (const EncryptionLevel level : {EncryptionLevel::Initial, EncryptionLevel::Handshake, EncryptionLevel::OneRtt}) {
    for (const PacketNum number : {PacketNum{0}, PacketNum{1}, PacketNum{255}}) {
      Fixture f(level);
      ByteVector packet = f.seal(number, fromHex("01 01 01"));
      const auto opened = f.open(packet);
      ASSERT_TRUE(opened.hasValue()) << static_cast<int>(level) << " " << number;
      EXPECT_EQ(opened->number, number);
      EXPECT_FALSE(opened->hasReservedBits);
      EXPECT_EQ(toHex(opened->payload.first(3)), "010101");
    }
  }
}

// covers RFC 9001 §5.4.2: there are always bytes for the sample
TEST(QuicPacketBuilder, TheSmallestPacketHasASampleOfItsOwn) {
  Fixture f;
  ByteVector packet = f.seal(0, fromHex("01"));
  const auto opened = f.open(packet);
  ASSERT_TRUE(opened.hasValue());
  EXPECT_EQ(opened->payload[0], 1);
  for (size_t i = 1; i < opened->payload.size(); ++i) EXPECT_EQ(opened->payload[i], 0);
}

// covers RFC 9000 §14.1
TEST(QuicPacketBuilder, PadsToExactlyTheSizeAskedForAndNoFurtherThanItsRoom) {
  for (const EncryptionLevel level : {EncryptionLevel::Initial, EncryptionLevel::OneRtt}) {
    Fixture f(level);
    EXPECT_EQ(f.seal(0, fromHex("01"), 1200, 1200).size(), 1200u);
    EXPECT_EQ(f.seal(0, fromHex("01"), 1200, 700).size(), 700u);
    EXPECT_EQ(f.seal(0, fromHex("01"), 900, 1200).size(), 900u);
  }
}

TEST(QuicPacketBuilder, DoesNotBeginWhereNoPacketFits) {
  for (const EncryptionLevel level : {EncryptionLevel::Initial, EncryptionLevel::Handshake, EncryptionLevel::OneRtt}) {
    Fixture f(level);
    bool began = false;
    for (size_t room = 0; room < 100; ++room) {
      ByteVector bytes(room);
      ExactBytes exact(bytes);
      auto builder = QuicPacketBuilder::begin(exact.mutableSpan(), f.fields, 0, std::nullopt);
      EXPECT_TRUE(builder || !began) << room;
      began = builder.has_value();
      if (!builder) continue;
      EXPECT_TRUE(builder->isEmpty());
      builder->frames().writeByte(1);
      EXPECT_LE(builder->seal(f.sender.writeKeys), room);
    }
    EXPECT_TRUE(began);
  }
}

// covers RFC 9000 §12.3
TEST(QuicReadCodec, RefusesWhatItHasSeen) {
  Fixture f;
  ByteVector packet = f.seal(7, fromHex("01"));
  ByteVector copy = packet;
  ASSERT_TRUE(f.open(packet).hasValue());
  f.receiver.acks.onPacketReceived(TimePoint{}, {7, true, Ecn::NotEct});
  const auto again = f.open(copy);
  ASSERT_FALSE(again.hasValue());
  EXPECT_EQ(again.error(), OpenFailure::Duplicate);
}

// covers RFC 9001 §5.3, §9.5: every bit of a packet is authenticated
TEST(QuicReadCodec, RefusesEveryDamagedByte) {
  for (const EncryptionLevel level : {EncryptionLevel::Handshake, EncryptionLevel::OneRtt}) {
    Fixture f(level);
    const ByteVector packet = f.seal(3, fromHex("01 01 01 01 01"));
    for (size_t at = 0; at < packet.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        ByteVector damaged = packet;
        damaged[at] ^= static_cast<uint8_t>(1 << bit);
        EXPECT_FALSE(f.open(damaged).hasValue()) << at << "." << bit;
      }
    }
  }
}

TEST(QuicReadCodec, RefusesEveryShortenedPacket) {
  Fixture f;
  const ByteVector packet = f.seal(3, fromHex("01 01 01 01 01"));
  for (size_t size = 0; size < packet.size(); ++size) {
    ExactBytes cut(ByteSpan(packet).first(size));
    EXPECT_FALSE(f.open(cut.mutableSpan()).hasValue()) << size;
  }
}

TEST(QuicReadCodec, WithoutKeysNothingOpens) {
  Fixture f;
  ByteVector packet = f.seal(3, fromHex("01"));
  f.receiver.readKeys = {};
  const auto opened = f.open(packet);
  ASSERT_FALSE(opened.hasValue());
  EXPECT_EQ(opened.error(), OpenFailure::NoKeys);
}

// covers RFC 9000 §17.1: numbers are read beside the largest that came
TEST(QuicReadCodec, ReadsTruncatedNumbersAcrossTheirWholeRange) {
  Fixture f;
  Seeded random(1);
  PacketNum number = 0;
  std::optional<PacketNum> acked;
  for (int i = 0; i < 500; ++i) {
    ByteVector packet(200);
    auto builder = QuicPacketBuilder::begin(packet, f.fields, number, acked);
    ASSERT_TRUE(builder.has_value());
    builder->frames().writeByte(1);
    packet.resize(builder->seal(f.sender.writeKeys));
    const auto opened = f.open(packet);
    ASSERT_TRUE(opened.hasValue()) << number;
    ASSERT_EQ(opened->number, number);
    f.receiver.acks.onPacketReceived(TimePoint{}, {number, true, Ecn::NotEct});
    if (below(random, 3) == 0) acked = number;
    number += 1 + below(random, uint64_t{1} << below(random, 20));
  }
}

// covers RFC 9000 §17.1: also when packets that were sent later arrive first
TEST(QuicReadCodec, ReadsTheNumberOfAPacketThatAWholeWindowOvertook) {
  for (PacketNum flying = 1; flying <= 4096; flying *= 2) {
    Fixture f;
    const PacketNum acked = 1'000'000;
    ByteVector packet(200);
    auto builder = QuicPacketBuilder::begin(packet, f.fields, acked + flying, acked);
    ASSERT_TRUE(builder.has_value());
    builder->frames().writeByte(1);
    packet.resize(builder->seal(f.sender.writeKeys));
    f.receiver.acks.onPacketReceived(TimePoint{}, {acked + 2 * flying, true, Ecn::NotEct});
    const auto opened = f.open(packet);
    ASSERT_TRUE(opened.hasValue()) << flying;
    EXPECT_EQ(opened->number, acked + flying);
  }
}

// covers RFC 9000 §17.1: a packet that was sent alone, and behind it at once as many as a window has
TEST(QuicReadCodec, ReadsTheNumberOfALonePacketThatAWindowOvertook) {
  for (const std::optional<PacketNum> acked : {std::optional<PacketNum>{}, std::optional<PacketNum>{0}}) {
    for (const PacketNum number : {1u, 127u, 128u, 1000u}) {
      for (const PacketNum later : {100u, 128u, 129u, 1000u, 30'000u}) {
        Fixture f;
        ByteVector packet(200);
        const auto before = acked ? std::optional(number - 1) : std::nullopt;
        auto builder = QuicPacketBuilder::begin(packet, f.fields, number, before);
        ASSERT_TRUE(builder.has_value());
        builder->frames().writeByte(1);
        packet.resize(builder->seal(f.sender.writeKeys));
        f.receiver.acks.onPacketReceived(TimePoint{}, {number + later, true, Ecn::NotEct});
        const auto opened = f.open(packet);
        ASSERT_TRUE(opened.hasValue()) << number << " " << later;
        EXPECT_EQ(opened->number, number);
      }
    }
  }
}

}  // namespace
}  // namespace quic::test
