// The send buffer against a naive model: what the peer has is what frames carried and what was not lost. No credit,
// no states.
#include "quic/state/SendBuffer.h"

#include <gtest/gtest.h>

#include <random>

#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

constexpr StreamId kId{4};

uint8_t patternAt(uint64_t offset) { return static_cast<uint8_t>(offset * 89 + (offset >> 9)); }

OwnedBytes pattern(uint64_t offset, size_t size) {
  ByteVector bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = patternAt(offset + i);
  return OwnedBytes::copyOf(bytes);
}

/// Parses the one frame in `bytes` and checks it against its record and the pattern.
void expectFrame(ByteSpan bytes, const SentStream& record) {
  ByteReader reader(bytes);
  const Result<QuicFrame> parsed = parseFrame(reader);
  ASSERT_TRUE(parsed.hasValue());
  ASSERT_TRUE(reader.atEnd());
  const auto& frame = std::get<StreamFrame>(*parsed);
  ASSERT_EQ(frame.id, record.id);
  ASSERT_EQ(frame.offset, record.offset);
  ASSERT_EQ(frame.data.size(), record.size);
  ASSERT_EQ(frame.fin, record.fin);
  for (size_t i = 0; i < frame.data.size(); ++i) ASSERT_EQ(frame.data[i], patternAt(frame.offset + i));
}

std::optional<SentStream> writeNext(SendBuffer& buffer, size_t room, ByteVector& storage) {
  storage.resize(room);
  ByteWriter writer(storage);
  const bool isOwed = buffer.owes();
  const auto frame = isOwed ? buffer.writeOwed(writer, kId, 1) : buffer.writeFresh(writer, kId, 5000, 1);
  storage.resize(writer.offset());
  return frame;
}

class SendBufferWalk : public ::testing::TestWithParam<uint64_t> {};

TEST_P(SendBufferWalk, BringsEveryByteAndTheEndAcrossLossAndLateAcknowledgment) {
  std::mt19937_64 random(GetParam());
  const auto below = [&random](uint64_t bound) { return random() % bound; };
  const uint64_t total = 200000;
  const size_t maxWrite = GetParam() % 2 == 0 ? 7000 : 90;
  SendBuffer buffer;
  std::vector<SentStream> inFlight;
  std::vector<bool> arrived(total, false);
  bool hasFinArrived = false;
  uint64_t newBytes = 0;
  for (size_t step = 0; !buffer.isAllAcked(); ++step) {
    ASSERT_LT(step, 2000000u);
    if (buffer.end() < total && below(3) == 0) {
      const size_t size = std::min<uint64_t>(below(maxWrite + 1), total - buffer.end());
      buffer.append(pattern(buffer.end(), size));
      if (buffer.end() == total) buffer.finish();
    }
    if (inFlight.size() < 64) {
      ByteVector storage;
      const uint64_t before = buffer.sent();
      if (const auto frame = writeNext(buffer, 3 + below(1500), storage)) {
        ASSERT_NO_FATAL_FAILURE(expectFrame(storage, *frame));
        // What is sent again is not counted again.
        if (buffer.sent() != before) newBytes += frame->size;
        inFlight.push_back(*frame);
      }
    }
    if (inFlight.empty() || below(2) == 0) continue;
    const size_t pick = below(std::min<size_t>(inFlight.size(), 8));
    const SentStream frame = inFlight[pick];
    const uint64_t fate = below(10);
    if (fate < 3) buffer.onLost(frame);
    if (fate == 2) continue;  // declared lost, and acknowledged or lost once more later
    inFlight.erase(inFlight.begin() + static_cast<ptrdiff_t>(pick));
    if (fate < 2) continue;
    buffer.onAcked(frame);
    std::fill_n(arrived.begin() + static_cast<ptrdiff_t>(frame.offset), frame.size, true);
    hasFinArrived = hasFinArrived || frame.fin;
  }
  EXPECT_EQ(newBytes, total);
  EXPECT_TRUE(hasFinArrived);
  EXPECT_EQ(std::count(arrived.begin(), arrived.end(), true), static_cast<ptrdiff_t>(total));
  EXPECT_EQ(buffer.chunks(), 0u);
  EXPECT_FALSE(buffer.owes());
}

INSTANTIATE_TEST_SUITE_P(Seeds, SendBufferWalk, ::testing::Range<uint64_t>(1, 13));

TEST(SendBuffer, FillsTheRoomExactlyWhateverTheLengthFieldNeeds) {
  for (size_t room = 0; room < 400; ++room) {
    SendBuffer buffer;
    buffer.append(pattern(0, 5000));
    ByteVector storage;
    const auto frame = writeNext(buffer, room, storage);
    if (room < 4) {
      EXPECT_FALSE(frame.has_value());
      continue;
    }
    ASSERT_TRUE(frame.has_value()) << room;
    // One byte may stay free where a longer length field would push the byte out that made it longer.
    EXPECT_GE(storage.size() + 1, room);
    expectFrame(storage, *frame);
  }
}

TEST(SendBuffer, SpansChunksInOneFrame) {
  SendBuffer buffer;
  for (uint64_t offset = 0; offset < 1000; offset += 10) buffer.append(pattern(offset, 10));
  buffer.finish();
  ByteVector storage;
  const auto frame = writeNext(buffer, 1200, storage);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->size, 1000u);
  EXPECT_TRUE(frame->fin);
  expectFrame(storage, *frame);
}

TEST(SendBuffer, SendsALostEndAgainWithTheBytesBeforeItOrAlone) {
  SendBuffer buffer;
  buffer.append(pattern(0, 100));
  ByteVector storage;
  const auto data = writeNext(buffer, 1200, storage);
  buffer.finish();
  ASSERT_TRUE(buffer.owes());
  const auto fin = writeNext(buffer, 1200, storage);
  ASSERT_TRUE(fin && fin->fin && fin->size == 0);
  buffer.onLost(*fin);
  const auto again = writeNext(buffer, 1200, storage);
  ASSERT_TRUE(again && again->fin && again->size == 0);
  buffer.onLost(*data);
  buffer.onLost(*again);
  const auto both = writeNext(buffer, 1200, storage);
  ASSERT_TRUE(both && both->fin && both->size == 100);
  EXPECT_FALSE(buffer.owes());
}

TEST(SendBuffer, FreesChunksFromTheFrontAsTheyAreAcknowledged) {
  static int freed = 0;
  freed = 0;
  SendBuffer buffer;
  for (int i = 0; i < 3; ++i) {
    buffer.append(OwnedBytes(
        new uint8_t[100](), 100,
        [](uint8_t* data, void*) {
          delete[] data;
          ++freed;
        },
        nullptr));
  }
  ByteVector storage(1200);
  ByteWriter writer(storage);
  while (buffer.unsent() > 0) ASSERT_TRUE(buffer.writeFresh(writer, kId, 50, 1).has_value());
  buffer.onAcked({kId, 100, 50, false});
  buffer.onAcked({kId, 50, 50, false});
  EXPECT_EQ(freed, 0);
  buffer.onAcked({kId, 0, 50, false});
  EXPECT_EQ(freed, 1);
  buffer.onAcked({kId, 150, 150, false});
  EXPECT_EQ(freed, 3);
}

TEST(SendBuffer, TakesTwoMillionTinyWritesWithoutSlowingDown) {
  SendBuffer buffer;
  static uint8_t byte = 7;
  uint64_t acked = 0;
  ByteVector storage(1200);
  for (int i = 0; i < 2000000; ++i) {
    buffer.append(OwnedBytes(&byte, 1, nullptr, nullptr));
    if (i % 500 != 0) continue;
    ByteWriter writer(storage);
    const auto frame = buffer.writeFresh(writer, kId, 1000, 1);
    ASSERT_TRUE(frame.has_value());
    if (i % 2000 == 0) buffer.onAcked({kId, acked, static_cast<uint32_t>(buffer.sent() - acked), false});
    if (i % 2000 == 0) acked = buffer.sent();
  }
  while (buffer.unsent() > 0) {
    ByteWriter writer(storage);
    ASSERT_TRUE(buffer.writeFresh(writer, kId, 1000, 1).has_value());
  }
  buffer.onAcked({kId, acked, static_cast<uint32_t>(buffer.sent() - acked), false});
  EXPECT_EQ(buffer.chunks(), 0u);
}

TEST(SendBuffer, LeavesARestOfThePacketThatOnlyACrumbWouldFit) {
  SendBuffer buffer;
  buffer.append(pattern(0, 1000));
  ByteVector storage(40);
  ByteWriter writer(storage);
  EXPECT_FALSE(buffer.writeFresh(writer, kId, 1000, 64).has_value());
  EXPECT_EQ(writer.offset(), 0u);
  EXPECT_TRUE(buffer.writeFresh(writer, kId, 20, 64).has_value());
}

TEST(SendBuffer, SendsEverythingAnewAfterARestart) {
  SendBuffer buffer;
  buffer.append(pattern(0, 300));
  buffer.append(pattern(300, 200));
  buffer.finish();
  ByteVector storage;
  const auto before = writeNext(buffer, 200, storage);
  ASSERT_TRUE(before);
  buffer.onLost(*before);
  ASSERT_TRUE(writeNext(buffer, 100, storage));
  while (buffer.unsent() > 0) ASSERT_TRUE(writeNext(buffer, 200, storage));
  buffer.restart();
  EXPECT_EQ(buffer.unsent(), 500u);
  EXPECT_TRUE(buffer.hasUnacked());
  EXPECT_FALSE(buffer.owes());
  const auto whole = writeNext(buffer, 1000, storage);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->size, 500u);
  EXPECT_TRUE(whole->fin);
  expectFrame(storage, *whole);
  buffer.onAcked(*whole);
  EXPECT_TRUE(buffer.isAllAcked());
}

}  // namespace
}  // namespace quic
