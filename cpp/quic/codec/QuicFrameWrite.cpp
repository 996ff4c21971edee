// The writing half of QuicFrameCodec. Each frame is written through a copy of the writer that is kept only when
// everything went in.
#include "quic/codec/QuicFrameCodec.h"
#include "quic/common/Bug.h"

namespace quic {
namespace {

constexpr uint64_t kStreamFin = 0x01;  // RFC 9000 §19.8
constexpr uint64_t kStreamLength = 0x02;
constexpr uint64_t kStreamOffset = 0x04;

/// Writes field after field; commit() says whether all of them went in and only then moves the caller's writer.
class FrameFields {
 public:
  FrameFields(ByteWriter& target, uint64_t type) : target_(target), writer_(target) { varint(type); }
  FrameFields(ByteWriter& target, FrameType type) : FrameFields(target, static_cast<uint64_t>(type)) {}

  FrameFields& varint(uint64_t value) {
    // Told apart from "does not fit", or the caller would try again for ever.
    if (QUIC_BUG(value > kMaxVarint, "a frame field beyond 2^62-1")) ok_ = false;
    ok_ = ok_ && writer_.writeVarint(value);
    return *this;
  }
  FrameFields& bigEndian(uint64_t value, size_t size) {
    ok_ = ok_ && writer_.writeBigEndian(value, size);
    return *this;
  }
  FrameFields& bytes(ByteSpan data) {
    ok_ = ok_ && writer_.writeBytes(data);
    return *this;
  }
  FrameFields& lengthAndBytes(ByteSpan data) { return varint(data.size()).bytes(data); }
  FrameFields& address(const QuicIPAddress& address) {
    return bytes(address.ipv4).bigEndian(address.ipv4Port, 2).bytes(address.ipv6).bigEndian(address.ipv6Port, 2);
  }
  bool commit() {
    if (ok_) target_ = writer_;
    return ok_;
  }

 private:
  ByteWriter& target_;
  ByteWriter writer_;
  bool ok_ = true;
};

bool writeMigration(ByteWriter& writer, const ServerMigrationFrame& frame) {
  return FrameFields(writer, FrameType::SERVER_MIGRATION).address(frame.address).commit();
}
bool writeMigration(ByteWriter& writer, const ServerMigratedFrame&) {
  return FrameFields(writer, FrameType::SERVER_MIGRATED).commit();
}
bool writeMigration(ByteWriter& writer, const PoolMigrationAddressFrame& frame) {
  return FrameFields(writer, FrameType::POOL_MIGRATION_ADDRESS).address(frame.address).commit();
}

/// How many ranges after the first fit into `space` bytes together with the count field itself.
uint64_t countAckRangesThatFit(const IntervalSet& received, size_t space) {
  uint64_t count = 0;
  size_t used = 0;
  PacketNum bottom = received.back().start;
  for (auto range = received.rbegin() + 1; range != received.rend(); ++range) {
    used += varintSize(bottom - range->end - 2) + varintSize(range->end - range->start);
    if (used + varintSize(count + 1) > space) break;
    ++count;
    bottom = range->start;
  }
  return count;
}

}  // namespace

bool writeFrame(ByteWriter& writer, const PaddingFrame& frame) { return writer.writeZeros(frame.size); }

bool writeFrame(ByteWriter& writer, const PingFrame&) { return FrameFields(writer, FrameType::PING).commit(); }

bool writeFrame(ByteWriter& writer, const ResetStreamFrame& frame) {
  return FrameFields(writer, FrameType::RESET_STREAM)
      .varint(frame.id.value)
      .varint(frame.errorCode)
      .varint(frame.finalSize)
      .commit();
}

bool writeFrame(ByteWriter& writer, const ResetStreamAtFrame& frame) {
  return FrameFields(writer, FrameType::RESET_STREAM_AT)
      .varint(frame.id.value)
      .varint(frame.errorCode)
      .varint(frame.finalSize)
      .varint(frame.reliableSize)
      .commit();
}

bool writeFrame(ByteWriter& writer, const StopSendingFrame& frame) {
  return FrameFields(writer, FrameType::STOP_SENDING).varint(frame.id.value).varint(frame.errorCode).commit();
}

bool writeFrame(ByteWriter& writer, const CryptoFrame& frame) {
  return FrameFields(writer, FrameType::CRYPTO).varint(frame.offset).lengthAndBytes(frame.data).commit();
}

bool writeFrame(ByteWriter& writer, const NewTokenFrame& frame) {
  if (QUIC_BUG(frame.token.empty(), "a token must not be empty (RFC 9000 section 19.7)")) return false;
  return FrameFields(writer, FrameType::NEW_TOKEN).lengthAndBytes(frame.token).commit();
}

bool writeFrame(ByteWriter& writer, const StreamFrame& frame) {
  uint64_t type = static_cast<uint64_t>(FrameType::STREAM) | kStreamLength;
  if (frame.fin) type |= kStreamFin;
  if (frame.offset != 0) type |= kStreamOffset;
  FrameFields fields(writer, type);
  fields.varint(frame.id.value);
  if (frame.offset != 0) fields.varint(frame.offset);
  return fields.lengthAndBytes(frame.data).commit();
}

bool writeFrame(ByteWriter& writer, const MaxDataFrame& frame) {
  return FrameFields(writer, FrameType::MAX_DATA).varint(frame.limit).commit();
}

bool writeFrame(ByteWriter& writer, const MaxStreamDataFrame& frame) {
  return FrameFields(writer, FrameType::MAX_STREAM_DATA).varint(frame.id.value).varint(frame.limit).commit();
}

bool writeFrame(ByteWriter& writer, const MaxStreamsFrame& frame) {
  const FrameType type = frame.unidirectional ? FrameType::MAX_STREAMS_UNI : FrameType::MAX_STREAMS_BIDI;
  return FrameFields(writer, type).varint(frame.limit).commit();
}

bool writeFrame(ByteWriter& writer, const DataBlockedFrame& frame) {
  return FrameFields(writer, FrameType::DATA_BLOCKED).varint(frame.limit).commit();
}

bool writeFrame(ByteWriter& writer, const StreamDataBlockedFrame& frame) {
  return FrameFields(writer, FrameType::STREAM_DATA_BLOCKED).varint(frame.id.value).varint(frame.limit).commit();
}

bool writeFrame(ByteWriter& writer, const StreamsBlockedFrame& frame) {
  const FrameType type = frame.unidirectional ? FrameType::STREAMS_BLOCKED_UNI : FrameType::STREAMS_BLOCKED_BIDI;
  return FrameFields(writer, type).varint(frame.limit).commit();
}

bool writeFrame(ByteWriter& writer, const NewConnectionIdFrame& frame) {
  if (QUIC_BUG(frame.id.empty(), "an issued connection ID must not be empty (RFC 9000 section 19.15)")) return false;
  return FrameFields(writer, FrameType::NEW_CONNECTION_ID)
      .varint(frame.sequence)
      .varint(frame.retirePriorTo)
      .bigEndian(frame.id.size(), 1)
      .bytes(frame.id.bytes())
      .bytes(frame.token)
      .commit();
}

bool writeFrame(ByteWriter& writer, const RetireConnectionIdFrame& frame) {
  return FrameFields(writer, FrameType::RETIRE_CONNECTION_ID).varint(frame.sequence).commit();
}

bool writeFrame(ByteWriter& writer, const PathChallengeFrame& frame) {
  return FrameFields(writer, FrameType::PATH_CHALLENGE).bytes(frame.data).commit();
}

bool writeFrame(ByteWriter& writer, const PathResponseFrame& frame) {
  return FrameFields(writer, FrameType::PATH_RESPONSE).bytes(frame.data).commit();
}

bool writeFrame(ByteWriter& writer, const ConnectionCloseFrame& frame) {
  FrameFields fields(writer, frame.isApplication ? FrameType::CONNECTION_CLOSE_APP : FrameType::CONNECTION_CLOSE);
  fields.varint(frame.errorCode);
  if (!frame.isApplication) fields.varint(frame.frameType);
  return fields.lengthAndBytes(frame.reason).commit();
}

bool writeFrame(ByteWriter& writer, const HandshakeDoneFrame&) {
  return FrameFields(writer, FrameType::HANDSHAKE_DONE).commit();
}

bool writeFrame(ByteWriter& writer, const DatagramFrame& frame) {
  return FrameFields(writer, FrameType::DATAGRAM_LEN).lengthAndBytes(frame.data).commit();
}

bool writeFrame(ByteWriter& writer, const QuicServerMigrationFrame& frame) {
  return std::visit([&writer](const auto& alternative) { return writeMigration(writer, alternative); }, frame);
}

bool writeFrame(ByteWriter& writer, const AckFrequencyFrame& frame) {
  return FrameFields(writer, FrameType::ACK_FREQUENCY)
      .varint(frame.sequence)
      .varint(frame.elicitingThreshold)
      .varint(frame.maxAckDelay)
      .varint(frame.reorderingThreshold)
      .commit();
}

bool writeFrame(ByteWriter& writer, const ImmediateAckFrame&) {
  return FrameFields(writer, FrameType::IMMEDIATE_ACK).commit();
}

bool writeAckFrame(ByteWriter& writer, const IntervalSet& received, uint64_t ackDelay,
                   const std::optional<EcnCounts>& ecn) {
  if (QUIC_BUG(received.empty(), "nothing to acknowledge")) return false;
  const Interval first = received.back();
  size_t fixed = 1 + varintSize(first.end) + varintSize(ackDelay) + varintSize(first.end - first.start);
  if (ecn) fixed += varintSize(ecn->ect0) + varintSize(ecn->ect1) + varintSize(ecn->ce);
  if (fixed >= writer.remaining()) return false;  // one more byte at least, for the count

  const uint64_t count = countAckRangesThatFit(received, writer.remaining() - fixed);
  FrameFields fields(writer, ecn ? FrameType::ACK_ECN : FrameType::ACK);
  fields.varint(first.end).varint(ackDelay).varint(count).varint(first.end - first.start);
  PacketNum bottom = first.start;
  auto range = received.rbegin() + 1;
  for (uint64_t i = 0; i < count; ++i, ++range) {
    fields.varint(bottom - range->end - 2).varint(range->end - range->start);
    bottom = range->start;
  }
  if (ecn) fields.varint(ecn->ect0).varint(ecn->ect1).varint(ecn->ce);
  return fields.commit();
}

size_t streamFrameOverhead(StreamId id, uint64_t offset, size_t dataSize) {
  return 1 + varintSize(id.value) + (offset == 0 ? 0 : varintSize(offset)) + varintSize(dataSize);
}

size_t cryptoFrameOverhead(uint64_t offset, size_t dataSize) { return 1 + varintSize(offset) + varintSize(dataSize); }

size_t encodedSize(const QuicServerMigrationFrame& frame) {
  constexpr size_t kAddressFrameSize = 1 + 4 + 2 + 16 + 2;
  return std::holds_alternative<ServerMigratedFrame>(frame) ? 1 : kAddressFrameSize;
}

}  // namespace quic
