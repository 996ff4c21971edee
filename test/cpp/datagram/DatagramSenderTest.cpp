#include "quic/datagram/DatagramSender.h"

#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"
#include "quic/QuicConstants.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

constexpr TimePoint kNow{1h};
constexpr size_t kRoom = 1171;

DatagramSender makeSender(DatagramSettings settings = {}, std::optional<uint64_t> peerLimit = 65535) {
  DatagramSender sender(settings);
  sender.onPeerLimit(peerLimit);
  return sender;
}

DatagramSettings roomFor(size_t datagrams, size_t size, DatagramOverflow overflow = DatagramOverflow::Refuse) {
  DatagramSettings settings;
  settings.sendQueueSize = datagrams * (size + kDatagramOverhead);
  settings.overflow = overflow;
  return settings;
}

std::optional<LocalErrorCode> push(DatagramSender& sender, size_t size, DatagramOptions options = {},
                                   TimePoint now = kNow) {
  const Result<> result = sender.push(now, OwnedBytes::copyOf(ByteVector(size, 0x61)), options, kRoom);
  if (result) return std::nullopt;
  return std::get<LocalErrorCode>(result.error().code);
}

/// Ids in the order in which they leave, each in a packet of its own.
std::vector<uint64_t> leave(DatagramSender& sender, TimePoint now = kNow, size_t room = kRoom) {
  std::vector<uint64_t> ids;
  ByteVector packet(2000);
  while (sender.hasToSend()) {
    ByteWriter writer(packet);
    const auto id = sender.write(now, writer, room);
    if (id) ids.push_back(*id);
  }
  return ids;
}

std::string news(DatagramSender& sender) {
  static constexpr const char* kCauses[] = {"network", "expired", "too large", "displaced"};
  std::string text;
  while (const auto event = sender.pollEvent()) {
    if (!text.empty()) text += ", ";
    if (const auto* acked = std::get_if<DatagramAcked>(&*event)) text += "acked " + std::to_string(acked->id);
    if (const auto* lost = std::get_if<DatagramLost>(&*event)) {
      text += "lost " + std::to_string(lost->id) + " " + kCauses[static_cast<size_t>(lost->cause)];
    }
  }
  return text;
}

TEST(DatagramSender, TheLargestPayloadIsThatOfTheLargestFrameThatFits) {
  for (uint64_t frameSize = 0; frameSize < 20000; ++frameSize) {
    const auto payload = datagramPayloadWithin(frameSize);
    if (frameSize < 2) {
      EXPECT_EQ(payload, std::nullopt);
      continue;
    }
    ASSERT_TRUE(payload.has_value()) << frameSize;
    EXPECT_LE(1 + varintSize(*payload) + *payload, frameSize);
    EXPECT_GT(1 + varintSize(*payload + 1) + *payload + 1, frameSize);
  }
}

// covers RFC 9221 §3
TEST(DatagramSender, NothingIsSentToAPeerThatTakesNone) {
  for (const std::optional<uint64_t> limit : {std::optional<uint64_t>(), std::optional<uint64_t>(0)}) {
    DatagramSender sender = makeSender({}, limit);
    EXPECT_EQ(sender.maxPayload(kRoom), std::nullopt);
    EXPECT_EQ(push(sender, 0), LocalErrorCode::DATAGRAM_UNSUPPORTED);
    EXPECT_FALSE(sender.hasToSend());
  }
}

// covers RFC 9221 §3; X43
TEST(DatagramSender, NothingLargerThanThePeersLimitOrThePacketIsTaken) {
  DatagramSender small = makeSender({}, 100);
  EXPECT_EQ(small.maxPayload(kRoom), 97u);
  EXPECT_EQ(push(small, 97), std::nullopt);
  EXPECT_EQ(push(small, 98), LocalErrorCode::DATAGRAM_TOO_LARGE);

  DatagramSender large = makeSender();
  EXPECT_EQ(large.maxPayload(kRoom), kRoom - 3);
  EXPECT_EQ(push(large, kRoom - 3), std::nullopt);
  EXPECT_EQ(push(large, kRoom - 2), LocalErrorCode::DATAGRAM_TOO_LARGE);
}

TEST(DatagramSender, WritesFramesWithTheirLength) {
  DatagramSender sender = makeSender();
  ASSERT_EQ(push(sender, 3, {.id = 9}), std::nullopt);
  ASSERT_EQ(push(sender, 0, {.id = 10}), std::nullopt);
  ByteVector packet(100);
  ByteWriter writer(packet);
  EXPECT_EQ(sender.write(kNow, writer, kRoom), 9u);
  EXPECT_EQ(sender.write(kNow, writer, kRoom), 10u);
  EXPECT_EQ(test::toHex(writer.written()), "31036161613100");
}

TEST(DatagramSender, WhatDoesNotFitThisPacketWaitsForTheNext) {
  DatagramSender sender = makeSender();
  ASSERT_EQ(push(sender, 50, {.id = 1}), std::nullopt);
  ByteVector packet(51);
  ByteWriter cramped(packet);
  EXPECT_EQ(sender.write(kNow, cramped, kRoom), std::nullopt);
  EXPECT_EQ(cramped.offset(), 0u);
  EXPECT_TRUE(sender.hasToSend());
  EXPECT_EQ(leave(sender), (std::vector<uint64_t>{1}));
}

// covers RFC 9221 §5.1
TEST(DatagramSender, TheUrgentGoFirstAndEqualsInTheirOrder) {
  DatagramSender sender = makeSender();
  const uint8_t urgencies[] = {3, 7, 0, 3, 0, 5, 3};
  for (uint64_t id = 0; id < std::size(urgencies); ++id) {
    ASSERT_EQ(push(sender, 10, {.id = id, .urgency = urgencies[id]}), std::nullopt);
  }
  EXPECT_EQ(sender.urgency(), 0u);
  EXPECT_EQ(leave(sender), (std::vector<uint64_t>{2, 4, 0, 3, 6, 5, 1}));
  EXPECT_EQ(push(sender, 10, {.urgency = 8}), LocalErrorCode::INVALID_ARGUMENT);
}

TEST(DatagramSender, AFullQueueRefuses) {
  DatagramSender sender = makeSender(roomFor(3, 100));
  for (uint64_t id = 0; id < 3; ++id) EXPECT_EQ(push(sender, 100, {.id = id}), std::nullopt);
  EXPECT_EQ(push(sender, 0), LocalErrorCode::DATAGRAM_QUEUE_FULL) << "an empty datagram is not free";
  EXPECT_EQ(leave(sender), (std::vector<uint64_t>{0, 1, 2}));
  EXPECT_EQ(sender.queuedBytes(), 0u);
  EXPECT_EQ(push(sender, 100), std::nullopt);
}

TEST(DatagramSender, AFullQueueMayDropTheOldestOfTheLeastUrgentInstead) {
  DatagramSender sender = makeSender(roomFor(3, 100, DatagramOverflow::DropOldest));
  ASSERT_EQ(push(sender, 100, {.id = 1, .urgency = 2}), std::nullopt);
  ASSERT_EQ(push(sender, 100, {.id = 2, .urgency = 4}), std::nullopt);
  ASSERT_EQ(push(sender, 100, {.id = 3, .urgency = 4}), std::nullopt);
  EXPECT_EQ(push(sender, 100, {.id = 4, .urgency = 3}), std::nullopt);
  EXPECT_EQ(news(sender), "lost 2 displaced");
  EXPECT_EQ(push(sender, 100, {.id = 5, .urgency = 4}), std::nullopt);
  EXPECT_EQ(news(sender), "lost 3 displaced");
  EXPECT_EQ(push(sender, 200, {.id = 6, .urgency = 3}), std::nullopt);
  EXPECT_EQ(news(sender), "lost 5 displaced, lost 4 displaced");
  EXPECT_EQ(push(sender, 100, {.id = 7, .urgency = 7}), LocalErrorCode::DATAGRAM_QUEUE_FULL)
      << "nobody more urgent makes room";
  EXPECT_EQ(push(sender, 500, {.id = 8, .urgency = 0}), LocalErrorCode::DATAGRAM_QUEUE_FULL)
      << "what can never fit displaces nobody";
  EXPECT_EQ(leave(sender), (std::vector<uint64_t>{1, 6}));
}

// covers RFC 9221 §5.4
TEST(DatagramSender, WhatHasExpiredIsNotSent) {
  DatagramSender sender = makeSender();
  ASSERT_EQ(push(sender, 10, {.id = 1, .lifetime = 10ms}), std::nullopt);
  ASSERT_EQ(push(sender, 10, {.id = 2}), std::nullopt);
  ASSERT_EQ(push(sender, 10, {.id = 3, .lifetime = 20ms}), std::nullopt);
  EXPECT_EQ(leave(sender, kNow + 10ms), (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(news(sender), "lost 1 expired");
  EXPECT_EQ(sender.queuedBytes(), 0u);
}

TEST(DatagramSender, WhatHasExpiredMakesRoom) {
  DatagramSender sender = makeSender(roomFor(2, 100));
  ASSERT_EQ(push(sender, 100, {.id = 1, .lifetime = 10ms}), std::nullopt);
  ASSERT_EQ(push(sender, 100, {.id = 2}), std::nullopt);
  EXPECT_EQ(push(sender, 100, {.id = 3}, kNow + 9ms), LocalErrorCode::DATAGRAM_QUEUE_FULL);
  EXPECT_EQ(push(sender, 100, {.id = 3}, kNow + 10ms), std::nullopt);
  EXPECT_EQ(news(sender), "lost 1 expired");
}

TEST(DatagramSender, WhatThePathCarriesNoLongerIsDropped) {
  DatagramSender sender = makeSender();
  ASSERT_EQ(push(sender, 1000, {.id = 1}), std::nullopt);
  ASSERT_EQ(push(sender, 500, {.id = 2}), std::nullopt);
  EXPECT_EQ(leave(sender, kNow, 600), (std::vector<uint64_t>{2}));
  EXPECT_EQ(news(sender), "lost 1 too large");
}

TEST(DatagramSender, TellsWhatBecameOfThem) {
  DatagramSender sender = makeSender();
  sender.onLost(4);
  sender.onAcked(5);
  sender.onAcked(4);
  EXPECT_EQ(news(sender), "lost 4 network, acked 5, acked 4") << "a loss may prove to be none";
}

}  // namespace
}  // namespace quic
