#include "quic/codec/FrameTraits.h"

#include <string_view>

namespace quic {
namespace {

enum class Sender : uint8_t { Any, ServerOnly };

/// One line of RFC 9000 Table 3, in its own notation. Packets: I Initial, H Handshake, 0 0-RTT, 1 1-RTT.
/// Marks: N not ack-eliciting, C not congestion controlled, P probing. F (flow control) is no business of this table.
struct Row {
  FrameType type;
  std::string_view packets;
  std::string_view marks;
  Sender sender = Sender::Any;
};

constexpr Row kRows[] = {
    {FrameType::PADDING, "IH01", "NP"},
    {FrameType::PING, "IH01", ""},
    {FrameType::ACK, "IH_1", "NC"},
    {FrameType::ACK_ECN, "IH_1", "NC"},
    {FrameType::RESET_STREAM, "__01", ""},
    {FrameType::STOP_SENDING, "__01", ""},
    {FrameType::CRYPTO, "IH_1", ""},
    {FrameType::NEW_TOKEN, "___1", "", Sender::ServerOnly},  // RFC 9000 §19.7
    {FrameType::STREAM, "__01", ""},
    {FrameType::MAX_DATA, "__01", ""},
    {FrameType::MAX_STREAM_DATA, "__01", ""},
    {FrameType::MAX_STREAMS_BIDI, "__01", ""},
    {FrameType::MAX_STREAMS_UNI, "__01", ""},
    {FrameType::DATA_BLOCKED, "__01", ""},
    {FrameType::STREAM_DATA_BLOCKED, "__01", ""},
    {FrameType::STREAMS_BLOCKED_BIDI, "__01", ""},
    {FrameType::STREAMS_BLOCKED_UNI, "__01", ""},
    {FrameType::NEW_CONNECTION_ID, "__01", "P"},
    {FrameType::RETIRE_CONNECTION_ID, "__01", ""},
    {FrameType::PATH_CHALLENGE, "__01", "P"},
    {FrameType::PATH_RESPONSE, "___1", "P"},
    {FrameType::CONNECTION_CLOSE, "IH01", "N"},
    {FrameType::CONNECTION_CLOSE_APP, "__01", "N"},
    {FrameType::HANDSHAKE_DONE, "___1", "", Sender::ServerOnly},  // RFC 9000 §19.20
    {FrameType::DATAGRAM, "__01", ""},                            // RFC 9221 §5
    {FrameType::RESET_STREAM_AT, "__01", ""},                     // draft-ietf-quic-reliable-stream-reset §4
    {FrameType::SERVER_MIGRATION, "___1", "", Sender::ServerOnly},
    {FrameType::SERVER_MIGRATED, "___1", "", Sender::ServerOnly},
    {FrameType::POOL_MIGRATION_ADDRESS, "___1", "", Sender::ServerOnly},
    {FrameType::ACK_FREQUENCY, "___1", ""},  // draft-ietf-quic-ack-frequency §4: never in 0-RTT
    {FrameType::IMMEDIATE_ACK, "___1", ""},
};

constexpr bool has(std::string_view set, char mark) { return set.find(mark) != std::string_view::npos; }

constexpr FrameTraits traitsOf(const Row& row) {
  return FrameTraits{
      .initial = has(row.packets, 'I'),
      .zeroRtt = has(row.packets, '0'),
      .handshake = has(row.packets, 'H'),
      .oneRtt = has(row.packets, '1'),
      .ackEliciting = !has(row.marks, 'N'),
      .congestionControlled = !has(row.marks, 'C'),
      .probing = has(row.marks, 'P'),
      .fromClient = row.sender == Sender::Any,
      .fromServer = true,
  };
}

/// Indexed by wire number, so that a look-up is one load.
constexpr size_t kTypeLimit = static_cast<size_t>(FrameType::ACK_FREQUENCY) + 1;
constexpr std::array<FrameTraits, kTypeLimit> kTraits = [] {
  std::array<FrameTraits, kTypeLimit> table{};
  for (const Row& row : kRows) table[static_cast<size_t>(row.type)] = traitsOf(row);
  return table;
}();

FrameType typeOf(const PaddingFrame&) { return FrameType::PADDING; }
FrameType typeOf(const PingFrame&) { return FrameType::PING; }
FrameType typeOf(const AckFrame& frame) { return frame.ecn ? FrameType::ACK_ECN : FrameType::ACK; }
FrameType typeOf(const ResetStreamFrame&) { return FrameType::RESET_STREAM; }
FrameType typeOf(const ResetStreamAtFrame&) { return FrameType::RESET_STREAM_AT; }
FrameType typeOf(const StopSendingFrame&) { return FrameType::STOP_SENDING; }
FrameType typeOf(const CryptoFrame&) { return FrameType::CRYPTO; }
FrameType typeOf(const NewTokenFrame&) { return FrameType::NEW_TOKEN; }
FrameType typeOf(const StreamFrame&) { return FrameType::STREAM; }
FrameType typeOf(const MaxDataFrame&) { return FrameType::MAX_DATA; }
FrameType typeOf(const MaxStreamDataFrame&) { return FrameType::MAX_STREAM_DATA; }
FrameType typeOf(const MaxStreamsFrame& frame) {
  return frame.unidirectional ? FrameType::MAX_STREAMS_UNI : FrameType::MAX_STREAMS_BIDI;
}
FrameType typeOf(const DataBlockedFrame&) { return FrameType::DATA_BLOCKED; }
FrameType typeOf(const StreamDataBlockedFrame&) { return FrameType::STREAM_DATA_BLOCKED; }
FrameType typeOf(const StreamsBlockedFrame& frame) {
  return frame.unidirectional ? FrameType::STREAMS_BLOCKED_UNI : FrameType::STREAMS_BLOCKED_BIDI;
}
FrameType typeOf(const NewConnectionIdFrame&) { return FrameType::NEW_CONNECTION_ID; }
FrameType typeOf(const RetireConnectionIdFrame&) { return FrameType::RETIRE_CONNECTION_ID; }
FrameType typeOf(const PathChallengeFrame&) { return FrameType::PATH_CHALLENGE; }
FrameType typeOf(const PathResponseFrame&) { return FrameType::PATH_RESPONSE; }
FrameType typeOf(const ConnectionCloseFrame& frame) {
  return frame.isApplication ? FrameType::CONNECTION_CLOSE_APP : FrameType::CONNECTION_CLOSE;
}
FrameType typeOf(const HandshakeDoneFrame&) { return FrameType::HANDSHAKE_DONE; }
FrameType typeOf(const DatagramFrame&) { return FrameType::DATAGRAM; }
FrameType typeOf(const ServerMigrationFrame&) { return FrameType::SERVER_MIGRATION; }
FrameType typeOf(const ServerMigratedFrame&) { return FrameType::SERVER_MIGRATED; }
FrameType typeOf(const PoolMigrationAddressFrame&) { return FrameType::POOL_MIGRATION_ADDRESS; }
FrameType typeOf(const AckFrequencyFrame&) { return FrameType::ACK_FREQUENCY; }
FrameType typeOf(const ImmediateAckFrame&) { return FrameType::IMMEDIATE_ACK; }

}  // namespace

FrameType frameTypeOf(const QuicFrame& frame) {
  return std::visit([](const auto& alternative) { return typeOf(alternative); }, frame);
}

FrameTraits frameTraits(const QuicFrame& frame) { return kTraits[static_cast<size_t>(frameTypeOf(frame))]; }

bool isAllowedIn(const FrameTraits& traits, EncryptionLevel level) {
  switch (level) {
    case EncryptionLevel::Initial: return traits.initial;
    case EncryptionLevel::ZeroRtt: return traits.zeroRtt;
    case EncryptionLevel::Handshake: return traits.handshake;
    case EncryptionLevel::OneRtt: return traits.oneRtt;
  }
  return false;
}

}  // namespace quic
