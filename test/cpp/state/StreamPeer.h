// For tests of QuicStreamManager: one manager, and the packets, records and frames that an engine would keep for it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "quic/codec/QuicFrameCodec.h"
#include "quic/state/QuicStreamManager.h"

namespace quic::test {

/// Content of every stream: depends on the stream and the place, so that a swap or shift shows.
inline uint8_t patternAt(StreamId id, uint64_t offset) {
  return static_cast<uint8_t>(id.value * 41 + offset * 167 + (offset >> 8) * 13);
}
inline ByteVector pattern(StreamId id, uint64_t offset, size_t size) {
  ByteVector bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = patternAt(id, offset + i);
  return bytes;
}

struct StreamPacket {
  ByteVector bytes;
  SentFrames records;
};

inline StreamPacket writePacket(QuicStreamManager& manager, size_t size) {
  StreamPacket packet;
  packet.bytes.resize(size);
  ByteWriter writer(packet.bytes);
  manager.writeControlFrames(writer, packet.records);
  manager.writeStreamFrames(writer, packet.records);
  packet.bytes.resize(writer.offset());
  return packet;
}

inline Result<> giveFrame(QuicStreamManager& manager, const QuicFrame& frame) {
  return std::visit(
      [&manager](const auto& f) -> Result<> {
        using Frame = std::decay_t<decltype(f)>;
        if constexpr (std::is_same_v<Frame, StreamFrame>) return manager.onStreamFrame(f);
        if constexpr (std::is_same_v<Frame, ResetStreamFrame>) return manager.onResetStream(f);
        if constexpr (std::is_same_v<Frame, ResetStreamAtFrame>) return manager.onResetStreamAt(f);
        if constexpr (std::is_same_v<Frame, StopSendingFrame>) return manager.onStopSending(f);
        if constexpr (std::is_same_v<Frame, MaxDataFrame>) return manager.onMaxData(f);
        if constexpr (std::is_same_v<Frame, MaxStreamDataFrame>) return manager.onMaxStreamData(f);
        if constexpr (std::is_same_v<Frame, MaxStreamsFrame>) return manager.onMaxStreams(f);
        if constexpr (std::is_same_v<Frame, DataBlockedFrame>) return manager.onDataBlocked(f);
        if constexpr (std::is_same_v<Frame, StreamDataBlockedFrame>) return manager.onStreamDataBlocked(f);
        if constexpr (std::is_same_v<Frame, StreamsBlockedFrame>) return manager.onStreamsBlocked(f);
        return fail(TransportErrorCode::INTERNAL_ERROR, "not a frame of streams");
      },
      frame);
}

inline std::vector<QuicFrame> framesOf(ByteSpan bytes) {
  std::vector<QuicFrame> frames;
  ByteReader reader(bytes);
  while (!reader.atEnd()) {
    Result<QuicFrame> frame = parseFrame(reader);
    EXPECT_TRUE(frame.hasValue());
    if (!frame) break;
    frames.push_back(*frame);
  }
  return frames;
}

inline Result<> givePacket(QuicStreamManager& manager, ByteSpan bytes) {
  for (const QuicFrame& frame : framesOf(bytes)) {
    if (Result<> result = giveFrame(manager, frame); !result) return result;
  }
  return Unit{};
}

inline void ack(QuicStreamManager& manager, const SentFrames& records) {
  for (const SentFrame& record : records) EXPECT_TRUE(manager.onAcked(record));
}
inline void lose(QuicStreamManager& manager, const SentFrames& records) {
  for (const SentFrame& record : records) EXPECT_TRUE(manager.onLost(record));
}

/// Tells each what the other grants.
inline void introduce(QuicStreamManager& a, QuicStreamManager& b) {
  TransportParameters ofA;
  TransportParameters ofB;
  a.fillParameters(ofA);
  b.fillParameters(ofB);
  a.onPeerParameters(ofB);
  b.onPeerParameters(ofA);
}

inline std::vector<StreamEvent> drainEvents(QuicStreamManager& manager) {
  std::vector<StreamEvent> events;
  while (std::optional<StreamEvent> event = manager.pollEvent()) events.push_back(*event);
  return events;
}

/// "Opened 0, Readable 0"
inline std::string describe(const std::vector<StreamEvent>& events) {
  static constexpr const char* kNames[] = {"Opened",   "Readable",     "Reset",  "Stopped",
                                           "Writable", "SendComplete", "Closed", "Available"};
  std::string text;
  for (const StreamEvent& event : events) {
    if (!text.empty()) text += ", ";
    text += std::string(kNames[event.index()]) + " ";
    std::visit(
        [&text](const auto& e) {
          if constexpr (std::is_same_v<std::decay_t<decltype(e)>, StreamsAvailable>) {
            text += (e.unidirectional ? "uni " : "bidi ") + std::to_string(e.limit);
          } else {
            text += std::to_string(e.id.value);
          }
        },
        event);
  }
  return text;
}

/// Carries everything both ways without loss, acknowledging at once, until both are silent.
inline void exchange(QuicStreamManager& a, QuicStreamManager& b) {
  for (int idle = 0, round = 0; idle < 2; ++round) {
    ASSERT_LT(round, 1000000);
    QuicStreamManager& from = round % 2 == 0 ? a : b;
    QuicStreamManager& to = round % 2 == 0 ? b : a;
    const StreamPacket packet = writePacket(from, 1200);
    idle = packet.bytes.empty() ? idle + 1 : 0;
    const Result<> result = givePacket(to, packet.bytes);
    ASSERT_TRUE(result.hasValue()) << result.error().reason;
    ack(from, packet.records);
  }
}

}  // namespace quic::test
