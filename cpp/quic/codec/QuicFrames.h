// The frames of QUIC v1 (RFC 9000 §19), DATAGRAM (RFC 9221 §4), acknowledgment frequency
// (draft-ietf-quic-ack-frequency §4, §5) and server migration (the project's wire format) as values.
// A parsed frame borrows its bytes from the packet it came from.
#pragma once

#include <array>
#include <optional>
#include <variant>

#include "quic/common/ByteCursor.h"
#include "quic/common/Bytes.h"
#include "quic/common/ConnectionId.h"
#include "quic/common/Ids.h"
#include "quic/common/SocketAddress.h"

namespace quic {

/// Wire numbers. STREAM is 0x08 to 0x0f and DATAGRAM 0x30 to 0x31, by flag bits.
enum class FrameType : uint64_t {
  PADDING = 0x00,
  PING = 0x01,
  ACK = 0x02,
  ACK_ECN = 0x03,
  RESET_STREAM = 0x04,
  STOP_SENDING = 0x05,
  CRYPTO = 0x06,
  NEW_TOKEN = 0x07,
  STREAM = 0x08,
  MAX_DATA = 0x10,
  MAX_STREAM_DATA = 0x11,
  MAX_STREAMS_BIDI = 0x12,
  MAX_STREAMS_UNI = 0x13,
  DATA_BLOCKED = 0x14,
  STREAM_DATA_BLOCKED = 0x15,
  STREAMS_BLOCKED_BIDI = 0x16,
  STREAMS_BLOCKED_UNI = 0x17,
  NEW_CONNECTION_ID = 0x18,
  RETIRE_CONNECTION_ID = 0x19,
  PATH_CHALLENGE = 0x1a,
  PATH_RESPONSE = 0x1b,
  CONNECTION_CLOSE = 0x1c,
  CONNECTION_CLOSE_APP = 0x1d,
  HANDSHAKE_DONE = 0x1e,
  IMMEDIATE_ACK = 0x1f,
  RESET_STREAM_AT = 0x24,
  DATAGRAM = 0x30,
  DATAGRAM_LEN = 0x31,
  SERVER_MIGRATION = 0x32,
  SERVER_MIGRATED = 0x33,
  POOL_MIGRATION_ADDRESS = 0x34,
  ACK_FREQUENCY = 0xaf,
};

struct PaddingFrame {
  size_t size = 1;  // a run of PADDING frames is one value
  bool operator==(const PaddingFrame&) const = default;
};
struct PingFrame {
  bool operator==(const PingFrame&) const = default;
};

struct EcnCounts {
  uint64_t ect0 = 0;
  uint64_t ect1 = 0;
  uint64_t ce = 0;
  bool operator==(const EcnCounts&) const = default;
};

/// RFC 9000 §19.3. The ranges stay encoded; the parser has checked that they are whole and never go below zero.
/// `forEachRange` walks them from the largest down as closed intervals [smallest, largest].
struct AckFrame {
  PacketNum largest = 0;
  uint64_t ackDelay = 0;  // as on the wire: microseconds >> ack_delay_exponent
  uint64_t firstRange = 0;
  uint64_t rangeCount = 0;  // ranges after the first
  ByteSpan encodedRanges;
  std::optional<EcnCounts> ecn;

  template <class Visitor>
  void forEachRange(Visitor&& visit) const {
    PacketNum top = largest;
    PacketNum bottom = largest - firstRange;
    visit(bottom, top);
    ByteReader reader(encodedRanges);
    for (uint64_t i = 0; i < rangeCount; ++i) {
      const uint64_t gap = reader.readVarint().value_or(0);
      const uint64_t length = reader.readVarint().value_or(0);
      top = bottom - gap - 2;
      bottom = top - length;
      visit(bottom, top);
    }
  }
};

struct ResetStreamFrame {
  StreamId id;
  uint64_t errorCode = 0;
  uint64_t finalSize = 0;
  bool operator==(const ResetStreamFrame&) const = default;
};
/// draft-ietf-quic-reliable-stream-reset §4: a RESET_STREAM whose stream is delivered up to `reliableSize` all the same.
struct ResetStreamAtFrame {
  StreamId id;
  uint64_t errorCode = 0;
  uint64_t finalSize = 0;
  uint64_t reliableSize = 0;
  bool operator==(const ResetStreamAtFrame&) const = default;
};
struct StopSendingFrame {
  StreamId id;
  uint64_t errorCode = 0;
  bool operator==(const StopSendingFrame&) const = default;
};
struct CryptoFrame {
  uint64_t offset = 0;
  ByteSpan data;
};
struct NewTokenFrame {
  ByteSpan token;
};
struct StreamFrame {
  StreamId id;
  uint64_t offset = 0;
  ByteSpan data;
  bool fin = false;
};
struct MaxDataFrame {
  uint64_t limit = 0;
  bool operator==(const MaxDataFrame&) const = default;
};
struct MaxStreamDataFrame {
  StreamId id;
  uint64_t limit = 0;
  bool operator==(const MaxStreamDataFrame&) const = default;
};
struct MaxStreamsFrame {
  uint64_t limit = 0;
  bool unidirectional = false;
  bool operator==(const MaxStreamsFrame&) const = default;
};
struct DataBlockedFrame {
  uint64_t limit = 0;
  bool operator==(const DataBlockedFrame&) const = default;
};
struct StreamDataBlockedFrame {
  StreamId id;
  uint64_t limit = 0;
  bool operator==(const StreamDataBlockedFrame&) const = default;
};
struct StreamsBlockedFrame {
  uint64_t limit = 0;
  bool unidirectional = false;
  bool operator==(const StreamsBlockedFrame&) const = default;
};
struct NewConnectionIdFrame {
  uint64_t sequence = 0;
  uint64_t retirePriorTo = 0;
  ConnectionId id;
  StatelessResetToken token{};
  bool operator==(const NewConnectionIdFrame&) const = default;
};
struct RetireConnectionIdFrame {
  uint64_t sequence = 0;
  bool operator==(const RetireConnectionIdFrame&) const = default;
};
using PathData = std::array<uint8_t, 8>;
struct PathChallengeFrame {
  PathData data{};
  bool operator==(const PathChallengeFrame&) const = default;
};
struct PathResponseFrame {
  PathData data{};
  bool operator==(const PathResponseFrame&) const = default;
};
struct ConnectionCloseFrame {
  bool isApplication = false;
  uint64_t errorCode = 0;
  uint64_t frameType = 0;  // transport closes only
  ByteSpan reason;
};
struct HandshakeDoneFrame {
  bool operator==(const HandshakeDoneFrame&) const = default;
};
struct DatagramFrame {
  ByteSpan data;
  size_t wireSize = 0;  // type and length included, as they came; of a parsed frame
};
/// How its receiver is to acknowledge from now on; only the highest sequence counts.
struct AckFrequencyFrame {
  uint64_t sequence = 0;
  uint64_t elicitingThreshold = 0;  // so many ack-eliciting packets may wait
  uint64_t maxAckDelay = 0;         // microseconds
  uint64_t reorderingThreshold = 0;
  bool operator==(const AckFrequencyFrame&) const = default;
};
struct ImmediateAckFrame {
  bool operator==(const ImmediateAckFrame&) const = default;
};

/// Where a server is, in up to two families; a family counts only when its address and port are both non-zero.
/// All zero in a SERVER_MIGRATION frame announces a Synchronized Symmetric migration.
struct QuicIPAddress {
  std::array<uint8_t, 4> ipv4{};
  uint16_t ipv4Port = 0;
  std::array<uint8_t, 16> ipv6{};
  uint16_t ipv6Port = 0;

  static QuicIPAddress from(const SocketAddress& address);
  [[nodiscard]] bool isAllZero() const;
  [[nodiscard]] std::optional<SocketAddress> forFamily(SocketAddress::Family family) const;

  bool operator==(const QuicIPAddress&) const = default;
  auto operator<=>(const QuicIPAddress&) const = default;
};

struct ServerMigrationFrame {
  QuicIPAddress address;
  bool operator==(const ServerMigrationFrame&) const = default;
};
struct ServerMigratedFrame {
  bool operator==(const ServerMigratedFrame&) const = default;
};
struct PoolMigrationAddressFrame {
  QuicIPAddress address;
  bool operator==(const PoolMigrationAddressFrame&) const = default;
};

using QuicServerMigrationFrame = std::variant<ServerMigrationFrame, ServerMigratedFrame, PoolMigrationAddressFrame>;

using QuicFrame = std::variant<PaddingFrame, PingFrame, AckFrame, ResetStreamFrame, StopSendingFrame, CryptoFrame,
                               NewTokenFrame, StreamFrame, MaxDataFrame, MaxStreamDataFrame, MaxStreamsFrame,
                               DataBlockedFrame, StreamDataBlockedFrame, StreamsBlockedFrame, NewConnectionIdFrame,
                               RetireConnectionIdFrame, PathChallengeFrame, PathResponseFrame, ConnectionCloseFrame,
                               HandshakeDoneFrame, DatagramFrame, ServerMigrationFrame, ServerMigratedFrame,
                               PoolMigrationAddressFrame, ResetStreamAtFrame, AckFrequencyFrame, ImmediateAckFrame>;

}  // namespace quic
