// Random but valid frames of every kind, how to write one whatever its kind, and when two are equal.
// The bytes that a frame borrows belong to the generator.
#pragma once

#include <deque>

#include "cpp/support/TestBytes.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic::test {

inline bool writeAny(ByteWriter& writer, const QuicFrame& frame) {
  return std::visit(
      [&writer](const auto& alternative) {
        if constexpr (std::is_same_v<std::decay_t<decltype(alternative)>, AckFrame>) {
          IntervalSet received;
          alternative.forEachRange([&](PacketNum bottom, PacketNum top) { received.insert(bottom, top); });
          return writeAckFrame(writer, received, alternative.ackDelay, alternative.ecn);
        } else {
          return writeFrame(writer, alternative);
        }
      },
      frame);
}

inline bool sameFrame(const AckFrame& left, const AckFrame& right) {
  return left.largest == right.largest && left.ackDelay == right.ackDelay && left.firstRange == right.firstRange &&
         left.rangeCount == right.rangeCount && sameBytes(left.encodedRanges, right.encodedRanges) &&
         left.ecn == right.ecn;
}
inline bool sameFrame(const CryptoFrame& left, const CryptoFrame& right) {
  return left.offset == right.offset && sameBytes(left.data, right.data);
}
inline bool sameFrame(const NewTokenFrame& left, const NewTokenFrame& right) {
  return sameBytes(left.token, right.token);
}
inline bool sameFrame(const StreamFrame& left, const StreamFrame& right) {
  return left.id == right.id && left.offset == right.offset && left.fin == right.fin &&
         sameBytes(left.data, right.data);
}
inline bool sameFrame(const ConnectionCloseFrame& left, const ConnectionCloseFrame& right) {
  return left.isApplication == right.isApplication && left.errorCode == right.errorCode &&
         left.frameType == right.frameType && sameBytes(left.reason, right.reason);
}
inline bool sameFrame(const DatagramFrame& left, const DatagramFrame& right) {
  return sameBytes(left.data, right.data);
}
template <class Frame>
bool sameFrame(const Frame& left, const Frame& right) {
  return left == right;
}
inline bool sameAnyFrame(const QuicFrame& left, const QuicFrame& right) {
  return left.index() == right.index() && std::visit(
                                              [&right](const auto& alternative) {
                                                using Frame = std::decay_t<decltype(alternative)>;
                                                return sameFrame(alternative, *std::get_if<Frame>(&right));
                                              },
                                              left);
}

class FrameSamples {
 public:
  explicit FrameSamples(uint64_t seed) : random_(seed) {}

  /// One frame of the variant's alternative `index`.
  QuicFrame make(size_t index) {
    static constexpr Maker kMakers[] = {
        &FrameSamples::padding,         &FrameSamples::ping,           &FrameSamples::ack,
        &FrameSamples::resetStream,     &FrameSamples::stopSending,    &FrameSamples::crypto,
        &FrameSamples::newToken,        &FrameSamples::stream,         &FrameSamples::maxData,
        &FrameSamples::maxStreamData,   &FrameSamples::maxStreams,     &FrameSamples::dataBlocked,
        &FrameSamples::streamBlocked,   &FrameSamples::streamsBlocked, &FrameSamples::newConnectionId,
        &FrameSamples::retireId,        &FrameSamples::pathChallenge,  &FrameSamples::pathResponse,
        &FrameSamples::connectionClose, &FrameSamples::handshakeDone,  &FrameSamples::datagram,
        &FrameSamples::serverMigration, &FrameSamples::serverMigrated, &FrameSamples::poolAddress,
        &FrameSamples::resetStreamAt,   &FrameSamples::ackFrequency,   &FrameSamples::immediateAck,
    };
    static_assert(std::size(kMakers) == std::variant_size_v<QuicFrame>);
    const Maker maker = kMakers[index];  // apart: g++ 12 checks the bounds of a call through an array wrongly at -O0
    return (this->*maker)();
  }
  Seeded& random() { return random_; }

 private:
  using Maker = QuicFrame (FrameSamples::*)();

  uint64_t varint() { return randomVarint(random_); }
  bool flip() { return below(random_, 2) == 0; }
  ByteSpan bytes(size_t least) {
    storage_.push_back(randomBytes(random_, least + below(random_, 100)));
    return storage_.back();
  }
  template <size_t N>
  std::array<uint8_t, N> array() {
    std::array<uint8_t, N> out{};
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(random_());
    return out;
  }
  QuicIPAddress address() {
    return {array<4>(), static_cast<uint16_t>(random_()), array<16>(), static_cast<uint16_t>(random_())};
  }

  QuicFrame padding() { return PaddingFrame{1 + below(random_, 40)}; }
  QuicFrame ping() { return PingFrame{}; }
  QuicFrame ack() {
    AckFrame frame;
    frame.largest = varint();
    frame.ackDelay = varint();
    frame.firstRange = frame.largest == 0 ? 0 : varint() % frame.largest;
    if (flip()) frame.ecn = EcnCounts{varint(), varint(), varint()};
    addRanges(frame);
    return frame;
  }
  void addRanges(AckFrame& frame) {
    PacketNum bottom = frame.largest - frame.firstRange;
    ByteVector encoded(20 * 16);
    ByteWriter writer(encoded);
    for (uint64_t left = below(random_, 20); left > 0 && bottom >= 2; --left) {
      const uint64_t gap = varint() % (bottom - 1);
      const PacketNum top = bottom - gap - 2;
      const uint64_t length = top == 0 ? 0 : varint() % top;
      writer.writeVarint(gap);
      writer.writeVarint(length);
      bottom = top - length;
      ++frame.rangeCount;
    }
    encoded.resize(writer.offset());
    storage_.push_back(std::move(encoded));
    frame.encodedRanges = storage_.back();
  }
  QuicFrame resetStream() { return ResetStreamFrame{{varint()}, varint(), varint()}; }
  QuicFrame resetStreamAt() {
    const uint64_t finalSize = varint();
    return ResetStreamAtFrame{{varint()}, varint(), finalSize, finalSize == 0 ? 0 : varint() % finalSize};
  }
  QuicFrame stopSending() { return StopSendingFrame{{varint()}, varint()}; }
  QuicFrame crypto() { return CryptoFrame{varint() / 2, bytes(0)}; }
  QuicFrame newToken() { return NewTokenFrame{bytes(1)}; }
  QuicFrame stream() { return StreamFrame{{varint()}, flip() ? 0 : varint() / 2, bytes(0), flip()}; }
  QuicFrame maxData() { return MaxDataFrame{varint()}; }
  QuicFrame maxStreamData() { return MaxStreamDataFrame{{varint()}, varint()}; }
  QuicFrame maxStreams() { return MaxStreamsFrame{varint() / 4, flip()}; }
  QuicFrame dataBlocked() { return DataBlockedFrame{varint()}; }
  QuicFrame streamBlocked() { return StreamDataBlockedFrame{{varint()}, varint()}; }
  QuicFrame streamsBlocked() { return StreamsBlockedFrame{varint() / 4, flip()}; }
  QuicFrame newConnectionId() {
    NewConnectionIdFrame frame;
    frame.sequence = varint();
    frame.retirePriorTo = frame.sequence == 0 ? 0 : varint() % frame.sequence;
    frame.id = ConnectionId(randomBytes(random_, 1 + below(random_, kMaxConnectionIdSize)));
    frame.token = array<kStatelessResetTokenSize>();
    return frame;
  }
  QuicFrame retireId() { return RetireConnectionIdFrame{varint()}; }
  QuicFrame pathChallenge() { return PathChallengeFrame{array<8>()}; }
  QuicFrame pathResponse() { return PathResponseFrame{array<8>()}; }
  QuicFrame connectionClose() {
    const bool isApplication = flip();
    return ConnectionCloseFrame{isApplication, varint(), isApplication ? 0 : varint(), bytes(0)};
  }
  QuicFrame handshakeDone() { return HandshakeDoneFrame{}; }
  QuicFrame datagram() { return DatagramFrame{bytes(0)}; }
  QuicFrame serverMigration() { return ServerMigrationFrame{address()}; }
  QuicFrame serverMigrated() { return ServerMigratedFrame{}; }
  QuicFrame poolAddress() { return PoolMigrationAddressFrame{address()}; }

  QuicFrame ackFrequency() { return AckFrequencyFrame{varint(), varint(), varint(), varint()}; }
  QuicFrame immediateAck() { return ImmediateAckFrame{}; }

  Seeded random_;
  std::deque<ByteVector> storage_;
};

}  // namespace quic::test
