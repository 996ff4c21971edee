// The reading half of QuicFrameCodec. Linear in the bytes it takes, and it never allocates.
#include <algorithm>

#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

constexpr uint64_t kStreamFin = 0x01;  // RFC 9000 §19.8
constexpr uint64_t kStreamLength = 0x02;
constexpr uint64_t kStreamOffset = 0x04;
constexpr uint64_t kMaxStreams = uint64_t{1} << 60;  // RFC 9000 §19.11

Unexpected<QuicError> malformed(std::string_view reason, uint64_t type,
                                std::source_location where = std::source_location::current()) {
  return fail(TransportErrorCode::FRAME_ENCODING_ERROR, reason, type, where);
}

/// Reads field after field and remembers whether one was missing, so that a frame asks once, at its end.
/// After a failure every field is zero or empty.
class FrameFields {
 public:
  explicit FrameFields(ByteReader& reader) : reader_(reader) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t remaining() const { return reader_.remaining(); }
  [[nodiscard]] ByteSpan rest() const { return reader_.rest(); }

  uint64_t varint() { return take(reader_.readVarint()); }
  uint64_t bigEndian(size_t size) { return take(reader_.readBigEndian(size)); }
  ByteSpan bytes(uint64_t size) {
    const auto read = reader_.readBytes(size);
    ok_ = ok_ && read.has_value();
    return ok_ ? *read : ByteSpan{};
  }
  ByteSpan lengthAndBytes() { return bytes(varint()); }
  ByteSpan bytesToTheEnd() { return bytes(remaining()); }
  template <size_t N>
  std::array<uint8_t, N> array() {
    std::array<uint8_t, N> out{};
    const ByteSpan read = bytes(N);
    std::copy(read.begin(), read.end(), out.begin());
    return out;
  }

 private:
  uint64_t take(std::optional<uint64_t> read) {
    ok_ = ok_ && read.has_value();
    return ok_ ? *read : 0;
  }

  ByteReader& reader_;
  bool ok_ = true;
};

template <class Frame>
Result<QuicFrame> whole(const FrameFields& fields, uint64_t type, const Frame& frame) {
  if (!fields.ok()) return malformed("frame is cut short", type);
  return QuicFrame(frame);
}

/// The type byte itself was read.
size_t countZeros(ByteSpan bytes) {
  size_t count = 0;
  for (; bytes.size() - count >= sizeof(uint64_t); count += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + count, sizeof word);
    if (word != 0) break;
  }
  while (count < bytes.size() && bytes[count] == 0) ++count;
  return count;
}

Result<QuicFrame> parsePadding(FrameFields& fields) {
  const size_t more = countZeros(fields.rest());
  fields.bytes(more);
  return QuicFrame(PaddingFrame{1 + more});
}

/// RFC 9000 §19.3.1: every computed packet number must be at least 0. Returns what is wrong, or nothing.
std::string_view skipAckRanges(FrameFields& fields, const AckFrame& frame) {
  PacketNum bottom = frame.largest - frame.firstRange;
  for (uint64_t i = 0; i < frame.rangeCount; ++i) {
    const uint64_t gap = fields.varint();
    const uint64_t length = fields.varint();
    if (!fields.ok()) return "ACK ranges are cut short";
    if (gap + 2 > bottom) return "ACK gap goes below zero";
    const PacketNum top = bottom - gap - 2;
    if (length > top) return "ACK range goes below zero";
    bottom = top - length;
  }
  return {};
}

std::string_view readAck(FrameFields& fields, bool hasEcn, AckFrame& frame) {
  frame.largest = fields.varint();
  frame.ackDelay = fields.varint();
  frame.rangeCount = fields.varint();
  frame.firstRange = fields.varint();
  if (!fields.ok()) return "ACK is cut short";
  if (frame.firstRange > frame.largest) return "first ACK range goes below zero";
  // Each range takes two bytes or more: a count that cannot be true is refused before it costs anything.
  if (frame.rangeCount > fields.remaining() / 2) return "more ACK ranges than bytes";

  const ByteSpan before = fields.rest();
  if (const std::string_view problem = skipAckRanges(fields, frame); !problem.empty()) return problem;
  frame.encodedRanges = before.first(before.size() - fields.remaining());
  if (hasEcn) frame.ecn = EcnCounts{fields.varint(), fields.varint(), fields.varint()};
  return fields.ok() ? std::string_view{} : "ECN counts are cut short";
}

/// Read where it is returned: the largest of the frequent frames is not copied.
Result<QuicFrame> parseAck(FrameFields& fields, uint64_t type) {
  Result<QuicFrame> result = QuicFrame(std::in_place_type<AckFrame>);
  const bool hasEcn = type == static_cast<uint64_t>(FrameType::ACK_ECN);
  const std::string_view problem = readAck(fields, hasEcn, *std::get_if<AckFrame>(&*result));
  if (!problem.empty()) result = malformed(problem, type);
  return result;
}

Result<QuicFrame> parseCrypto(FrameFields& fields, uint64_t type) {
  const CryptoFrame frame{fields.varint(), fields.lengthAndBytes()};
  // RFC 9000 §19.6
  if (frame.offset + frame.data.size() > kMaxVarint) return malformed("CRYPTO data beyond 2^62-1", type);
  return whole(fields, type, frame);
}

Result<QuicFrame> parseNewToken(FrameFields& fields, uint64_t type) {
  const NewTokenFrame frame{fields.lengthAndBytes()};
  if (fields.ok() && frame.token.empty()) return malformed("empty token", type);  // RFC 9000 §19.7
  return whole(fields, type, frame);
}

Result<QuicFrame> parseStream(FrameFields& fields, uint64_t type) {
  StreamFrame frame;
  frame.id.value = fields.varint();
  if ((type & kStreamOffset) != 0) frame.offset = fields.varint();
  frame.data = (type & kStreamLength) != 0 ? fields.lengthAndBytes() : fields.bytesToTheEnd();
  frame.fin = (type & kStreamFin) != 0;
  // RFC 9000 §19.8
  if (frame.offset + frame.data.size() > kMaxVarint) return malformed("STREAM data beyond 2^62-1", type);
  return whole(fields, type, frame);
}

/// MAX_STREAMS and STREAMS_BLOCKED. RFC 9000 §19.11, §19.14.
template <class Frame>
Result<QuicFrame> parseStreamCount(FrameFields& fields, uint64_t type, bool unidirectional) {
  const Frame frame{fields.varint(), unidirectional};
  if (frame.limit > kMaxStreams) return malformed("more than 2^60 streams", type);
  return whole(fields, type, frame);
}

Result<QuicFrame> parseNewConnectionId(FrameFields& fields, uint64_t type) {
  NewConnectionIdFrame frame;
  frame.sequence = fields.varint();
  frame.retirePriorTo = fields.varint();
  const uint64_t size = fields.bigEndian(1);
  if (!fields.ok()) return malformed("NEW_CONNECTION_ID is cut short", type);
  // RFC 9000 §19.15
  if (size == 0 || size > kMaxConnectionIdSize) return malformed("connection ID of a wrong length", type);
  if (frame.retirePriorTo > frame.sequence) return malformed("retires more than it issues", type);
  frame.id = ConnectionId(fields.bytes(size));
  frame.token = fields.array<kStatelessResetTokenSize>();
  return whole(fields, type, frame);
}

Result<QuicFrame> parseConnectionClose(FrameFields& fields, uint64_t type) {
  ConnectionCloseFrame frame;
  frame.isApplication = type == static_cast<uint64_t>(FrameType::CONNECTION_CLOSE_APP);
  frame.errorCode = fields.varint();
  if (!frame.isApplication) frame.frameType = fields.varint();
  frame.reason = fields.lengthAndBytes();
  return whole(fields, type, frame);
}

/// draft-ietf-quic-reliable-stream-reset §4
Result<QuicFrame> parseResetStreamAt(FrameFields& fields, uint64_t type) {
  const ResetStreamAtFrame frame{{fields.varint()}, fields.varint(), fields.varint(), fields.varint()};
  if (frame.reliableSize > frame.finalSize) return malformed("reliable size above the final size", type);
  return whole(fields, type, frame);
}

Result<QuicFrame> parseDatagram(FrameFields& fields, uint64_t type) {
  const size_t before = fields.remaining();
  DatagramFrame frame;
  frame.data = type == static_cast<uint64_t>(FrameType::DATAGRAM) ? fields.bytesToTheEnd() : fields.lengthAndBytes();
  frame.wireSize = varintSize(type) + before - fields.remaining();
  return whole(fields, type, frame);
}

template <class Frame>
Result<QuicFrame> parseMigrationAddress(FrameFields& fields, uint64_t type) {
  Frame frame;
  frame.address.ipv4 = fields.array<4>();
  frame.address.ipv4Port = static_cast<uint16_t>(fields.bigEndian(2));
  frame.address.ipv6 = fields.array<16>();
  frame.address.ipv6Port = static_cast<uint16_t>(fields.bigEndian(2));
  return whole(fields, type, frame);
}

/// Everything that is not STREAM, whose type carries flags.
Result<QuicFrame> parseBody(FrameFields& fields, uint64_t type) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::PADDING: return parsePadding(fields);
    case FrameType::PING: return QuicFrame(PingFrame{});
    case FrameType::ACK:
    case FrameType::ACK_ECN: return parseAck(fields, type);
    case FrameType::RESET_STREAM:
      return whole(fields, type, ResetStreamFrame{{fields.varint()}, fields.varint(), fields.varint()});
    case FrameType::STOP_SENDING: return whole(fields, type, StopSendingFrame{{fields.varint()}, fields.varint()});
    case FrameType::CRYPTO: return parseCrypto(fields, type);
    case FrameType::NEW_TOKEN: return parseNewToken(fields, type);
    case FrameType::MAX_DATA: return whole(fields, type, MaxDataFrame{fields.varint()});
    case FrameType::MAX_STREAM_DATA: return whole(fields, type, MaxStreamDataFrame{{fields.varint()}, fields.varint()});
    case FrameType::MAX_STREAMS_BIDI: return parseStreamCount<MaxStreamsFrame>(fields, type, false);
    case FrameType::MAX_STREAMS_UNI: return parseStreamCount<MaxStreamsFrame>(fields, type, true);
    case FrameType::DATA_BLOCKED: return whole(fields, type, DataBlockedFrame{fields.varint()});
    case FrameType::STREAM_DATA_BLOCKED:
      return whole(fields, type, StreamDataBlockedFrame{{fields.varint()}, fields.varint()});
    case FrameType::STREAMS_BLOCKED_BIDI: return parseStreamCount<StreamsBlockedFrame>(fields, type, false);
    case FrameType::STREAMS_BLOCKED_UNI: return parseStreamCount<StreamsBlockedFrame>(fields, type, true);
    case FrameType::NEW_CONNECTION_ID: return parseNewConnectionId(fields, type);
    case FrameType::RETIRE_CONNECTION_ID: return whole(fields, type, RetireConnectionIdFrame{fields.varint()});
    case FrameType::PATH_CHALLENGE: return whole(fields, type, PathChallengeFrame{fields.array<8>()});
    case FrameType::PATH_RESPONSE: return whole(fields, type, PathResponseFrame{fields.array<8>()});
    case FrameType::CONNECTION_CLOSE:
    case FrameType::CONNECTION_CLOSE_APP: return parseConnectionClose(fields, type);
    case FrameType::HANDSHAKE_DONE: return QuicFrame(HandshakeDoneFrame{});
    case FrameType::RESET_STREAM_AT: return parseResetStreamAt(fields, type);
    case FrameType::DATAGRAM:
    case FrameType::DATAGRAM_LEN: return parseDatagram(fields, type);
    case FrameType::SERVER_MIGRATION: return parseMigrationAddress<ServerMigrationFrame>(fields, type);
    case FrameType::SERVER_MIGRATED: return QuicFrame(ServerMigratedFrame{});
    case FrameType::POOL_MIGRATION_ADDRESS: return parseMigrationAddress<PoolMigrationAddressFrame>(fields, type);
    case FrameType::ACK_FREQUENCY:
      return whole(fields, type, AckFrequencyFrame{fields.varint(), fields.varint(), fields.varint(), fields.varint()});
    case FrameType::IMMEDIATE_ACK: return QuicFrame(ImmediateAckFrame{});
    default: return malformed("unknown frame type", type);  // RFC 9000 §12.4
  }
}

}  // namespace

Result<QuicFrame> parseFrame(ByteReader& reader) {
  const size_t before = reader.offset();
  const auto type = reader.readVarint();
  if (!type) return malformed("frame type is cut short", 0);
  if (reader.offset() - before != varintSize(*type)) {
    return fail(TransportErrorCode::PROTOCOL_VIOLATION, "frame type is not in its shortest form", *type);
  }
  FrameFields fields(reader);
  constexpr uint64_t kFlags = kStreamFin | kStreamLength | kStreamOffset;
  if ((*type & ~kFlags) == static_cast<uint64_t>(FrameType::STREAM)) return parseStream(fields, *type);
  return parseBody(fields, *type);
}

}  // namespace quic
