#include "quic/codec/QuicFrameCodec.h"

#include <gtest/gtest.h>

#include "cpp/codec/FrameSamples.h"

namespace quic {
namespace {

using test::fromHex;
using test::toHex;

constexpr size_t kKinds = std::variant_size_v<QuicFrame>;
constexpr auto kMalformed = TransportErrorCode::FRAME_ENCODING_ERROR;

ByteVector encode(const QuicFrame& frame) {
  ByteVector out(2048);
  ByteWriter writer(out);
  EXPECT_TRUE(test::writeAny(writer, frame));
  out.resize(writer.offset());
  return out;
}

Result<QuicFrame> parseHex(std::string_view hex) {
  const test::ExactBytes exact(fromHex(hex));
  ByteReader reader(exact.span());
  auto frame = parseFrame(reader);
  if (frame) {
    EXPECT_TRUE(reader.atEnd()) << hex;
  }
  return frame;
}

void expectRefused(std::string_view hex, TransportErrorCode code, std::string_view why = {}) {
  const auto frame = parseHex(hex);
  ASSERT_FALSE(frame) << hex << " " << why;
  EXPECT_EQ(frame.error().code, QuicErrorCode(code)) << hex << " " << why;
}

/// The maximum that a varint holds, and others of eight bytes, as hex.
constexpr std::string_view kMax = "ffffffffffffffff";
std::string varint8(uint64_t value) {
  std::array<uint8_t, 8> out{};
  ByteWriter(out).writeVarint(value, 8);
  return toHex(out);
}

TEST(QuicFrameCodec, EveryFrameComesBackAsItWas) {
  test::FrameSamples samples(11);
  for (size_t kind = 0; kind < kKinds; ++kind) {
    for (int i = 0; i < 500; ++i) {
      const QuicFrame frame = samples.make(kind);
      const test::ExactBytes bytes(encode(frame));
      ByteReader reader(bytes.span());
      const auto parsed = parseFrame(reader);
      ASSERT_TRUE(parsed) << "kind " << kind << ": " << parsed.error().reason;
      ASSERT_TRUE(test::sameAnyFrame(frame, *parsed)) << "kind " << kind << " " << toHex(bytes.span());
      ASSERT_TRUE(reader.atEnd());
    }
  }
}

TEST(QuicFrameCodec, FramesComeBackInOrderFromOnePacket) {
  test::FrameSamples samples(12);
  for (int run = 0; run < 300; ++run) {
    std::vector<QuicFrame> frames;
    ByteVector packet;
    for (size_t n = 1 + test::below(samples.random(), 12); n > 0; --n) {
      const size_t kind = test::below(samples.random(), kKinds);
      if (kind == 0 && !frames.empty() && frames.back().index() == 0) continue;  // two runs of PADDING are one
      frames.push_back(samples.make(kind));
      const ByteVector bytes = encode(frames.back());
      packet.insert(packet.end(), bytes.begin(), bytes.end());
    }
    ByteReader reader(packet);
    for (const QuicFrame& frame : frames) {
      const auto parsed = parseFrame(reader);
      ASSERT_TRUE(parsed);
      ASSERT_TRUE(test::sameAnyFrame(frame, *parsed));
    }
    ASSERT_TRUE(reader.atEnd());
  }
}

// covers RFC 9000 §12.4
TEST(QuicFrameCodec, RefusesEveryFrameCutAtEveryByte) {
  test::FrameSamples samples(13);
  for (size_t kind = 1; kind < kKinds; ++kind) {  // PADDING cut short is PADDING
    for (int i = 0; i < 40; ++i) {
      const ByteVector bytes = encode(samples.make(kind));
      const uint64_t type = *ByteReader(bytes).readVarint();
      for (size_t size = 1; size < bytes.size(); ++size) {
        const test::ExactBytes cut(ByteSpan(bytes).first(size));
        ByteReader reader(cut.span());
        const auto parsed = parseFrame(reader);
        ASSERT_FALSE(parsed) << "kind " << kind << " cut to " << size << " of " << bytes.size();
        ASSERT_EQ(parsed.error().code, QuicErrorCode(kMalformed));
        ASSERT_EQ(parsed.error().frameType, size < varintSize(type) ? 0 : type);
      }
    }
  }
}

TEST(QuicFrameCodec, RandomBytesAreReadToTheirEndOrRefused) {
  test::Seeded random(14);
  for (int i = 0; i < 100000; ++i) {
    ByteVector bytes = test::randomBytes(random, 1 + test::below(random, 64));
    bytes[0] &= 0x3f;
    const test::ExactBytes exact(bytes);
    ByteReader reader(exact.span());
    for (size_t before = 0; !reader.atEnd(); before = reader.offset()) {
      const auto parsed = parseFrame(reader);
      if (!parsed) break;
      ASSERT_GT(reader.offset(), before);
    }
  }
}

TEST(QuicFrameCodec, WritesTheWholeFrameOrNothing) {
  test::FrameSamples samples(15);
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (std::holds_alternative<AckFrame>(samples.make(kind))) continue;  // it leaves ranges out, see AckFrameCodec
    for (int i = 0; i < 20; ++i) {
      const QuicFrame frame = samples.make(kind);
      const size_t whole = encode(frame).size();
      for (size_t size = 0; size < whole; ++size) {
        test::ExactBytes room{ByteVector(size)};
        ByteWriter writer(room.mutableSpan());
        ASSERT_FALSE(test::writeAny(writer, frame)) << "kind " << kind;
        ASSERT_EQ(writer.offset(), 0u);
      }
      test::ExactBytes room{ByteVector(whole)};
      ByteWriter writer(room.mutableSpan());
      ASSERT_TRUE(test::writeAny(writer, frame));
    }
  }
}

struct WireCase {
  const char* name;
  const char* hex;
  QuicFrame frame;
};

TEST(QuicFrameCodec, SpeaksTheWireFormatOfTheRfcs) {
  static const ByteVector kData = fromHex("aabbcc");
  const StatelessResetToken token{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const PathData path{1, 2, 3, 4, 5, 6, 7, 8};
  const WireCase rows[] = {
      {"PADDING", "000000", PaddingFrame{3}},
      {"PING", "01", PingFrame{}},
      {"RESET_STREAM", "04 04 4100 05", ResetStreamFrame{{4}, 0x100, 5}},
      {"RESET_STREAM_AT", "24 04 4100 05 03", ResetStreamAtFrame{{4}, 0x100, 5, 3}},
      {"RESET_STREAM_AT, all of it", "24 04 4100 05 05", ResetStreamAtFrame{{4}, 0x100, 5, 5}},
      {"STOP_SENDING", "05 04 07", StopSendingFrame{{4}, 7}},
      {"CRYPTO", "06 4040 03 aabbcc", CryptoFrame{64, kData}},
      {"NEW_TOKEN", "07 03 aabbcc", NewTokenFrame{kData}},
      {"STREAM", "0a 04 03 aabbcc", StreamFrame{{4}, 0, kData, false}},
      {"STREAM, FIN", "0b 04 03 aabbcc", StreamFrame{{4}, 0, kData, true}},
      {"STREAM, OFF", "0e 04 09 03 aabbcc", StreamFrame{{4}, 9, kData, false}},
      {"STREAM, OFF FIN", "0f 04 09 00", StreamFrame{{4}, 9, {}, true}},
      {"MAX_DATA", "10 7fff", MaxDataFrame{16383}},
      {"MAX_STREAM_DATA", "11 04 09", MaxStreamDataFrame{{4}, 9}},
      {"MAX_STREAMS", "12 09", MaxStreamsFrame{9, false}},
      {"MAX_STREAMS, uni", "13 d000000000000000", MaxStreamsFrame{uint64_t{1} << 60, true}},
      {"DATA_BLOCKED", "14 09", DataBlockedFrame{9}},
      {"STREAM_DATA_BLOCKED", "15 04 09", StreamDataBlockedFrame{{4}, 9}},
      {"STREAMS_BLOCKED", "16 09", StreamsBlockedFrame{9, false}},
      {"STREAMS_BLOCKED, uni", "17 d000000000000000", StreamsBlockedFrame{uint64_t{1} << 60, true}},
      {"NEW_CONNECTION_ID", "18 02 01 03 aabbcc 000102030405060708090a0b0c0d0e0f",
       NewConnectionIdFrame{2, 1, ConnectionId(kData), token}},
      {"RETIRE_CONNECTION_ID", "19 09", RetireConnectionIdFrame{9}},
      {"PATH_CHALLENGE", "1a 0102030405060708", PathChallengeFrame{path}},
      {"PATH_RESPONSE", "1b 0102030405060708", PathResponseFrame{path}},
      {"CONNECTION_CLOSE", "1c 0a 06 03 aabbcc", ConnectionCloseFrame{false, 0xa, 6, kData}},
      {"CONNECTION_CLOSE, application", "1d 4100 00", ConnectionCloseFrame{true, 0x100, 0, {}}},
      {"HANDSHAKE_DONE", "1e", HandshakeDoneFrame{}},
      {"DATAGRAM, LEN", "31 03 aabbcc", DatagramFrame{kData}},
  };
  for (const WireCase& row : rows) {
    EXPECT_EQ(toHex(encode(row.frame)), toHex(fromHex(row.hex))) << row.name;
    const auto parsed = parseHex(row.hex);
    ASSERT_TRUE(parsed) << row.name;
    EXPECT_EQ(parsed->index(), row.frame.index()) << row.name;
  }
}

TEST(QuicFrameCodec, SpeaksTheWireFormatOfServerMigration) {
  const QuicIPAddress v4 = QuicIPAddress::from(*SocketAddress::parse("127.0.0.1:5000"));
  const QuicIPAddress both{{10, 0, 0, 1}, 443, {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 0x1234};
  const WireCase rows[] = {
      {"explicit", "32 7f000001 1388 00000000000000000000000000000000 0000", ServerMigrationFrame{v4}},
      {"both families", "32 0a000001 01bb fe800000000000000000000000000001 1234", ServerMigrationFrame{both}},
      {"synchronized", "32 00000000 0000 00000000000000000000000000000000 0000", ServerMigrationFrame{}},
      {"migrated", "33", ServerMigratedFrame{}},
      {"pool", "34 7f000001 1388 00000000000000000000000000000000 0000", PoolMigrationAddressFrame{v4}},
  };
  for (const WireCase& row : rows) {
    EXPECT_EQ(toHex(encode(row.frame)), toHex(fromHex(row.hex))) << row.name;
    const auto parsed = parseHex(row.hex);
    ASSERT_TRUE(parsed) << row.name;
    EXPECT_TRUE(test::sameAnyFrame(*parsed, row.frame)) << row.name;
  }
  EXPECT_EQ(encodedSize(ServerMigrationFrame{v4}), 25u);
  EXPECT_EQ(encodedSize(ServerMigratedFrame{}), 1u);
  EXPECT_EQ(encodedSize(PoolMigrationAddressFrame{}), 25u);
}

TEST(QuicFrameCodec, AFrameWithoutLengthReachesToTheEndOfThePacket) {  // covers RFC 9000 §19.8
  const auto stream = parseHex("0d 04 09 aabbcc");
  ASSERT_TRUE(stream);
  const auto* frame = std::get_if<StreamFrame>(&*stream);
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(frame->data.size(), 3u);
  EXPECT_EQ(frame->offset, 9u);
  EXPECT_TRUE(frame->fin);
  const auto datagram = parseHex("30 aabb");
  ASSERT_TRUE(datagram);
  EXPECT_EQ(std::get_if<DatagramFrame>(&*datagram)->data.size(), 2u);
  ASSERT_TRUE(parseHex("30"));
  ASSERT_TRUE(parseHex("08 04"));
}

// draft-ietf-quic-reliable-stream-reset §4
TEST(QuicFrameCodec, RefusesAReliableSizeAboveTheFinalSize) {
  expectRefused("24 04 00 05 06", kMalformed);
  expectRefused("24 04 00 05", kMalformed);
  EXPECT_TRUE(parseHex("24 04 00 00 00"));
}

// covers RFC 9221 §4
TEST(QuicFrameCodec, ADatagramKnowsItsSizeOnTheWire) {
  const auto sizeOf = [](std::string_view hex) {
    const auto parsed = parseHex(hex);
    return parsed ? std::get_if<DatagramFrame>(&*parsed)->wireSize : 0;
  };
  EXPECT_EQ(sizeOf("30"), 1u);
  EXPECT_EQ(sizeOf("30 aabb"), 3u);
  EXPECT_EQ(sizeOf("31 00"), 2u);
  EXPECT_EQ(sizeOf("31 02 aabb"), 4u);
  EXPECT_EQ(sizeOf("31 80000002 aabb"), 7u);
}

TEST(QuicFrameCodec, ARunOfPaddingIsOneFrameAndEndsAtTheNext) {
  for (size_t size = 1; size <= 40; ++size) {
    ByteVector bytes(size);
    bytes.push_back(0x01);
    const test::ExactBytes exact(bytes);
    ByteReader reader(exact.span());
    const auto padding = parseFrame(reader);
    ASSERT_TRUE(padding);
    EXPECT_EQ(std::get<PaddingFrame>(*padding).size, size);
    const auto ping = parseFrame(reader);
    ASSERT_TRUE(ping);
    EXPECT_TRUE(std::holds_alternative<PingFrame>(*ping));
  }
}

// covers RFC 9000 §12.4
TEST(QuicFrameCodec, RefusesUnknownTypes) {
  for (uint64_t type = 0; type < 256; ++type) {
    const bool known = type <= 0x1f || type == 0x24 || type == 0xaf || (type >= 0x30 && type <= 0x34);
    if (known) continue;
    ByteVector bytes(64);
    ByteWriter writer(bytes);
    writer.writeVarint(type);
    ByteReader reader(bytes);
    const auto parsed = parseFrame(reader);
    ASSERT_FALSE(parsed) << type;
    EXPECT_EQ(parsed.error().code, QuicErrorCode(kMalformed));
    EXPECT_EQ(parsed.error().frameType, type);
  }
  expectRefused(kMax, kMalformed);
}

// covers RFC 9000 §12.4
TEST(QuicFrameCodec, RefusesATypeThatIsNotInItsShortestForm) {
  for (const char* hex : {"4001", "80000001", "c000000000000001", "4000", "401e", "803f3f3f00", "4032"}) {
    const ByteVector bytes = fromHex(hex);
    ByteReader reader(bytes);
    const auto parsed = parseFrame(reader);
    ASSERT_FALSE(parsed) << hex;
    const bool shortest = std::string_view(hex) == "803f3f3f00";  // above 16383: an unknown type, properly written
    EXPECT_EQ(parsed.error().code, QuicErrorCode(shortest ? kMalformed : TransportErrorCode::PROTOCOL_VIOLATION))
        << hex;
  }
  expectRefused("40", kMalformed, "cut inside the type");
  expectRefused("c0000000", kMalformed, "cut inside the type");
}

TEST(QuicFrameCodec, RefusesOffsetsBeyondWhatFlowControlCanSay) {  // covers RFC 9000 §19.6, §19.8
  const std::string max(kMax);
  expectRefused("0e 04 " + max + " 01 aa", kMalformed, "STREAM");
  expectRefused("0c 04 " + max + " aa", kMalformed, "STREAM without length");
  expectRefused("06 " + max + " 01 aa", kMalformed, "CRYPTO");
  EXPECT_TRUE(parseHex("0e 04 " + max + " 00"));
  EXPECT_TRUE(parseHex("0e 04 " + varint8(kMaxVarint - 1) + " 01 aa"));
  EXPECT_TRUE(parseHex("06 " + varint8(kMaxVarint - 1) + " 01 aa"));
}

TEST(QuicFrameCodec, RefusesMoreThan2To60Streams) {  // covers RFC 9000 §19.11, §19.14
  for (const char* type : {"12 ", "13 ", "16 ", "17 "}) {
    expectRefused(type + varint8((uint64_t{1} << 60) + 1), kMalformed);
    EXPECT_TRUE(parseHex(type + varint8(uint64_t{1} << 60))) << type;
  }
}

TEST(QuicFrameCodec, RefusesConnectionIdsOfAWrongLength) {  // covers RFC 9000 §19.15
  for (const size_t size : {size_t{0}, size_t{21}, size_t{255}}) {
    ByteVector bytes = fromHex("180200");
    bytes.push_back(static_cast<uint8_t>(size));
    bytes.resize(bytes.size() + size + kStatelessResetTokenSize);
    expectRefused(toHex(bytes), kMalformed);
  }
}

TEST(QuicFrameCodec, RefusesToRetireMoreThanItIssues) {  // covers RFC 9000 §19.15
  expectRefused("18 02 03 01 aa 000102030405060708090a0b0c0d0e0f", kMalformed);
  EXPECT_TRUE(parseHex("18 02 02 01 aa 000102030405060708090a0b0c0d0e0f"));
}

TEST(QuicFrameCodec, RefusesAnEmptyToken) {  // covers RFC 9000 §19.7
  expectRefused("07 00", kMalformed);
}

TEST(QuicFrameCodec, RefusesLengthsThatRunPastThePacket) {
  const std::string max(kMax);
  for (const std::string& hex : {"06 00 " + max, "07 " + max, "0a 04 " + max, "1c 00 00 " + max, "1d 00 " + max,
                                 "31 " + max, std::string("31 04 aabbcc")}) {
    expectRefused(hex, kMalformed);
  }
}

TEST(QuicFrameCodec, TellsTheOverheadOfStreamAndCryptoFrames) {
  test::Seeded random(16);
  ByteVector out(20000);
  for (int i = 0; i < 2000; ++i) {
    const ByteVector data(test::below(random, 17000));
    const uint64_t offset = test::below(random, 3) == 0 ? 0 : test::randomVarint(random) / 2;
    const StreamFrame stream{{test::randomVarint(random)}, offset, data, false};
    ByteWriter writer(out);
    ASSERT_TRUE(writeFrame(writer, stream));
    ASSERT_EQ(writer.offset(), streamFrameOverhead(stream.id, offset, data.size()) + data.size());
    ByteWriter cryptoWriter(out);
    ASSERT_TRUE(writeFrame(cryptoWriter, CryptoFrame{offset, data}));
    ASSERT_EQ(cryptoWriter.offset(), cryptoFrameOverhead(offset, data.size()) + data.size());
  }
}

TEST(QuicFrameCodec, AParsedFrameBorrowsFromThePacket) {
  const ByteVector bytes = fromHex("0a 04 03 aabbcc");
  ByteReader reader(bytes);
  const auto parsed = parseFrame(reader);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(std::get<StreamFrame>(*parsed).data.data(), bytes.data() + 3);
}

}  // namespace
}  // namespace quic
