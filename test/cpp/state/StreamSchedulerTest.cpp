// The order of STREAM frames: the heap against a set, and the rules of RFC 9218 through a manager's packets.
#include "quic/state/StreamScheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "StreamPeer.h"
#include "cpp/support/TestBytes.h"

namespace quic {
namespace {

using test::StreamPacket;
using test::writePacket;

TEST(StreamHeap, GivesTheLowestIdAsASetDoes) {
  test::Seeded random(17);
  StreamTable table;
  StreamHeap heap;
  std::vector<Stream*> streams;
  for (uint64_t i = 0; i < 200; ++i) streams.push_back(&table.create({i * 4 + i % 4}));
  std::set<StreamId> model;
  for (int step = 0; step < 20000; ++step) {
    Stream& stream = *streams[test::below(random, streams.size())];
    const bool wanted = test::below(random, 2) == 0;
    heap.set(table, stream, wanted);
    if (wanted) {
      model.insert(stream.id);
    } else {
      model.erase(stream.id);
    }
    ASSERT_EQ(heap.empty(), model.empty());
    if (!model.empty()) {
      ASSERT_EQ(table.at(heap.front()).id, *model.begin());
    }
  }
  while (!heap.empty()) {
    Stream& first = table.at(heap.front());
    ASSERT_EQ(first.id, *model.begin());
    model.erase(model.begin());
    heap.set(table, first, false);
  }
  EXPECT_TRUE(model.empty());
}

/// A client with unidirectional streams that all have something to send.
struct Sender {
  QuicStreamManager client{Role::Client, {}};
  std::vector<StreamId> ids;

  Sender(size_t streams, size_t bytes) {
    StreamSettings settings;
    settings.unidirectionalStreams = 20000;
    settings.initialConnectionWindow = settings.connectionWindow = uint64_t{1} << 40;
    QuicStreamManager server(Role::Server, settings);
    test::introduce(client, server);
    for (size_t i = 0; i < streams; ++i) {
      ids.push_back(*client.open(true));
      write(i, bytes);
    }
  }
  void write(size_t stream, size_t bytes) {
    EXPECT_TRUE(client.write(ids[stream], OwnedBytes::copyOf(ByteVector(bytes)), false));
  }
  void prioritize(size_t stream, uint8_t urgency, bool incremental) {
    EXPECT_TRUE(client.setPriority(ids[stream], {urgency, incremental}));
  }
  /// Ordinals of the streams of the frames in the next packets.
  std::string order(int packets) {
    std::string text;
    for (int i = 0; i < packets; ++i) {
      const StreamPacket packet = writePacket(client, 1200);
      for (const SentFrame& record : packet.records) {
        const auto* frame = std::get_if<SentStream>(&record);
        if (frame != nullptr) text += std::to_string(frame->id.ordinal());
      }
      last = packet.records;
    }
    return text;
  }
  SentFrames last;
};

/// A packet with so much of one stream has no room for another's.
constexpr size_t kWholePacket = 1160;

/// "1123" is "123"
std::string runs(std::string_view order) {
  std::string text;
  for (const char c : order) {
    if (text.empty() || text.back() != c) text += c;
  }
  return text;
}

// covers RFC 9000 §2.3
TEST(StreamScheduler, StreamsTakeTurnsUnlessToldOtherwise) {
  Sender sender(3, 10000);
  EXPECT_EQ(sender.order(7), "0120120");
}

TEST(StreamScheduler, TheMoreUrgentGoFirst) {
  Sender sender(4, kWholePacket);
  sender.prioritize(0, 7, true);
  sender.prioritize(2, 0, true);
  sender.prioritize(3, 2, true);
  EXPECT_EQ(sender.order(4), "2310");
}

TEST(StreamScheduler, NonIncrementalOnesGoOneAfterTheOtherInTheOrderOfTheirIds) {
  Sender sender(4, 2300);
  for (const size_t i : {size_t{3}, size_t{1}, size_t{2}}) sender.prioritize(i, 3, false);
  EXPECT_EQ(runs(sender.order(8)), "1230") << "and before those that take turns";
}

TEST(StreamScheduler, AnEarlierNonIncrementalOneThatHasMoreToSayGoesOn) {
  Sender sender(2, kWholePacket);
  sender.prioritize(0, 3, false);
  sender.prioritize(1, 3, false);
  EXPECT_EQ(sender.order(1), "0");
  sender.write(1, 5000);
  EXPECT_EQ(sender.order(1), "1");
  sender.write(0, kWholePacket);
  EXPECT_EQ(sender.order(2), "01");
}

// covers RFC 9000 §13.3
TEST(StreamScheduler, WhatWasLostGoesFirstAmongEqualsOnly) {
  Sender sender(3, 10000);
  sender.prioritize(2, 1, true);
  EXPECT_EQ(sender.order(1), "2");
  const SentFrames ofTwo = sender.last;
  sender.prioritize(2, 5, true);
  EXPECT_EQ(sender.order(1), "0");
  test::lose(sender.client, sender.last);
  test::lose(sender.client, ofTwo);
  EXPECT_EQ(sender.client.urgency(), kDefaultUrgency);
  EXPECT_EQ(sender.order(4), "0101") << "the lost one of stream 2 is less urgent than new data of the others";
}

TEST(StreamScheduler, APriorityMayChangeAtAnyTime) {
  Sender sender(3, 20000);
  EXPECT_EQ(sender.order(2), "01");
  sender.prioritize(1, 0, false);
  EXPECT_EQ(sender.order(2), "11");
  EXPECT_EQ(sender.client.urgency(), 0u);
  sender.prioritize(1, 3, true);
  EXPECT_EQ(sender.order(3), "201") << "it joins the turns at their end";
  sender.prioritize(1, 7, true);
  EXPECT_EQ(sender.order(4), "2020");
}

TEST(StreamScheduler, RefusesWhatIsNoPriorityAndWhatHasNoSendingPart) {
  Sender sender(1, 10);
  EXPECT_EQ(sender.client.setPriority(sender.ids[0], {8, false}).error().code,
            QuicErrorCode(LocalErrorCode::INVALID_ARGUMENT));
  EXPECT_EQ(sender.client.setPriority({3}, {}).error().code, QuicErrorCode(LocalErrorCode::INVALID_ARGUMENT));
  EXPECT_EQ(sender.client.setPriority({400}, {}).error().code, QuicErrorCode(LocalErrorCode::STREAM_CLOSED));
}

TEST(StreamScheduler, ANewStreamHasNothingOfThePriorityOfTheOneBefore) {
  Sender sender(1, 10);
  sender.prioritize(0, 0, false);
  ASSERT_TRUE(sender.client.write(sender.ids[0], {}, true));
  const StreamPacket packet = writePacket(sender.client, 1200);
  test::ack(sender.client, packet.records);
  EXPECT_EQ(sender.client.openStreams(), 0u);
  sender.ids = {*sender.client.open(true), *sender.client.open(true)};
  sender.write(0, 10000);
  sender.write(1, 10000);
  EXPECT_EQ(sender.client.urgency(), kDefaultUrgency);
  EXPECT_EQ(sender.order(4), "1212");
}

TEST(StreamScheduler, TurnsAreFairInBytesWhateverTheSizesOfPackets) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    test::Seeded random(seed);
    Sender sender(8, 400000);
    std::map<uint64_t, uint64_t> sent;
    for (int i = 0; i < 1000; ++i) {
      for (const SentFrame& record : writePacket(sender.client, 100 + test::below(random, 1300)).records) {
        const auto* frame = std::get_if<SentStream>(&record);
        if (frame != nullptr) sent[frame->id.ordinal()] += frame->size;
      }
    }
    ASSERT_EQ(sent.size(), 8u);
    const auto [least, most] =
        std::minmax_element(sent.begin(), sent.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    EXPECT_LE(most->second - least->second, most->second / 10);
  }
}

TEST(StreamScheduler, AThousandStreamsEachGetTheirTurn) {
  Sender sender(1000, 3000);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    for (const SentFrame& record : writePacket(sender.client, 1200).records) {
      if (const auto* frame = std::get_if<SentStream>(&record)) seen.insert(frame->id.ordinal());
    }
  }
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(StreamScheduler, FramesAboutStreamsWaitForNoData) {
  Sender sender(10, 100000);
  for (size_t i = 0; i < 10; ++i) sender.prioritize(i, 0, false);
  const StreamId low = *sender.client.open(true);
  ASSERT_TRUE(sender.client.setPriority(low, {7, true}));
  ASSERT_TRUE(sender.client.write(low, OwnedBytes::copyOf(ByteVector(10)), false));
  ASSERT_TRUE(sender.client.reset(low, 5));
  const StreamPacket packet = writePacket(sender.client, 1200);
  EXPECT_TRUE(std::holds_alternative<SentResetStream>(packet.records[0]));
}

}  // namespace
}  // namespace quic
