// Shorthand for the tests of loss/: packets and ACK frames in one line.
#pragma once

#include <set>
#include <vector>

#include "quic/codec/QuicFrames.h"
#include "quic/common/IntervalSet.h"
#include "quic/loss/LostPackets.h"
#include "quic/loss/SentPacket.h"

namespace quic::testing {

inline TimePoint at(int64_t microseconds) { return TimePoint{Duration{microseconds}}; }

inline SentPacket packet(PacketNum number, TimePoint sentAt, PathId path = {}) {
  SentPacket packet;
  packet.number = number;
  packet.sentAt = sentAt;
  packet.size = 1200;
  packet.path = path;
  packet.ackEliciting = true;
  packet.inFlight = true;
  return packet;
}

inline SentPacket ackOnly(PacketNum number, TimePoint sentAt) {
  SentPacket packet;
  packet.number = number;
  packet.sentAt = sentAt;
  packet.size = 40;
  packet.frames.push_back(SentAck{number});
  return packet;
}

/// An ACK frame with the bytes that it borrows. Closed ranges, from the largest down.
class Ack {
 public:
  explicit Ack(const std::vector<Interval>& ranges) : bytes_(16 * ranges.size()) {
    frame_.largest = ranges.front().end;
    frame_.firstRange = ranges.front().end - ranges.front().start;
    frame_.rangeCount = ranges.size() - 1;
    ByteWriter writer(bytes_);
    for (size_t i = 1; i < ranges.size(); ++i) {
      writer.writeVarint(ranges[i - 1].start - ranges[i].end - 2);
      writer.writeVarint(ranges[i].end - ranges[i].start);
    }
    frame_.encodedRanges = writer.written();
  }
  explicit Ack(PacketNum only) : Ack(std::vector<Interval>{{only, only}}) {}
  Ack(PacketNum first, PacketNum last) : Ack(std::vector<Interval>{{first, last}}) {}
  Ack(const Ack&) = delete;
  Ack& operator=(const Ack&) = delete;

  static std::vector<Interval> rangesOf(const std::set<PacketNum>& numbers) {
    std::vector<Interval> ranges;
    for (auto it = numbers.rbegin(); it != numbers.rend(); ++it) {
      if (!ranges.empty() && ranges.back().start == *it + 1) {
        ranges.back().start = *it;
      } else {
        ranges.push_back({*it, *it});
      }
    }
    return ranges;
  }

  [[nodiscard]] const AckFrame& frame() const { return frame_; }

 private:
  ByteVector bytes_;
  AckFrame frame_;
};

inline std::vector<PacketNum> numbersOf(const std::vector<SentPacket>& packets) {
  std::vector<PacketNum> numbers;
  for (const SentPacket& each : packets) numbers.push_back(each.number);
  return numbers;
}

inline std::vector<PacketNum> numbersOf(const std::vector<LostPacket>& packets) {
  std::vector<PacketNum> numbers;
  for (const LostPacket& each : packets) numbers.push_back(each.packet.number);
  return numbers;
}

}  // namespace quic::testing
