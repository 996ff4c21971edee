// Error registries and the one error value. RFC 9000 §20, RFC 9001 §4.8.
#pragma once

#include <cstdint>
#include <source_location>
#include <string_view>
#include <variant>

#include "quic/common/Expected.h"

namespace quic {

/// RFC 9000 §20.1; VERSION_NEGOTIATION_ERROR from RFC 9368 §10.2. 0x100 to 0x1ff are TLS alerts: see cryptoError().
enum class TransportErrorCode : uint64_t {
  NO_ERROR = 0x0,
  INTERNAL_ERROR = 0x1,
  CONNECTION_REFUSED = 0x2,
  FLOW_CONTROL_ERROR = 0x3,
  STREAM_LIMIT_ERROR = 0x4,
  STREAM_STATE_ERROR = 0x5,
  FINAL_SIZE_ERROR = 0x6,
  FRAME_ENCODING_ERROR = 0x7,
  TRANSPORT_PARAMETER_ERROR = 0x8,
  CONNECTION_ID_LIMIT_ERROR = 0x9,
  PROTOCOL_VIOLATION = 0xa,
  INVALID_TOKEN = 0xb,
  APPLICATION_ERROR = 0xc,
  CRYPTO_BUFFER_EXCEEDED = 0xd,
  KEY_UPDATE_ERROR = 0xe,
  AEAD_LIMIT_REACHED = 0xf,
  NO_VIABLE_PATH = 0x10,
  VERSION_NEGOTIATION_ERROR = 0x11,
};

/// RFC 9001 §4.8: a TLS alert as a transport error.
constexpr TransportErrorCode cryptoError(uint8_t alert) { return static_cast<TransportErrorCode>(0x100 + alert); }
constexpr bool isCryptoError(TransportErrorCode code) {
  return static_cast<uint64_t>(code) >= 0x100 && static_cast<uint64_t>(code) <= 0x1ff;
}

/// RFC 9000 §20.2: the application's own, 62 bits.
enum class ApplicationErrorCode : uint64_t {};

/// Errors that only this endpoint sees. The numbers are ours and stay within the process.
enum class LocalErrorCode : uint32_t {
  STREAM_CLOSED,          // a verb on a stream that does not exist any more, or never did
  STREAM_LIMIT_EXCEEDED,  // the peer allows no further stream yet
  STREAM_SEND_CLOSED,     // a write after FIN or reset
  RESET_STREAM_AT_UNSUPPORTED,
  CONNECTION_CLOSED,     // a verb after the end
  DATAGRAM_UNSUPPORTED,  // the peer takes no datagrams, or has not said so yet
  DATAGRAM_TOO_LARGE,    // larger than the peer, or a packet on this path, takes
  DATAGRAM_QUEUE_FULL,
  IDLE_TIMEOUT,  // RFC 9000 §10.1
  HANDSHAKE_TIMEOUT,
  STATELESS_RESET,      // RFC 9000 §10.3
  VERSION_NEGOTIATION,  // no version in common
  PEER_UNREACHABLE,     // ICMP port, host or net unreachable before the handshake was done
  NO_VIABLE_PATH,
  SERVER_CLOSED,
  MIGRATION_DISABLED,        // server migration was not offered, or not answered
  MIGRATION_NOT_NEGOTIATED,  // this protocol was not
  MIGRATION_IN_PROGRESS,
  MIGRATION_INVALID_STATE,
  MIGRATION_INVALID_ADDRESS,
  MIGRATION_ADDRESS_REFUSED,    // the client's address policy said no
  MIGRATED_WITHOUT_CONNECTION,  // the server moved and left this connection out
  MIGRATION_DEADLINE,           // this connection was not ready, or not done, in time
  BIND_FAILED,
  INVALID_CREDENTIALS,  // certificate or key that cannot be used
  INVALID_ARGUMENT,
  MIGRATION_FORBIDDEN,   // the server sent disable_active_migration (RFC 9000 §18.2)
  NO_CONNECTION_ID,      // the peer has given none that is unused, or uses none (RFC 9000 §9.5)
  KEY_UPDATE_NOT_READY,  // RFC 9001 §6.1: the last key update is not confirmed yet
};

enum class Initiator : uint8_t { Local, Remote };
using QuicErrorCode = std::variant<TransportErrorCode, ApplicationErrorCode, LocalErrorCode>;

/// Who, why and where. It owns no memory: `reason` is a literal. What a peer wrote as a reason travels apart.
struct QuicError {
  QuicErrorCode code;
  std::string_view reason;
  Initiator initiator = Initiator::Local;
  uint64_t frameType = 0;  // RFC 9000 §19.19: the frame that triggered it, 0 when unknown
  std::source_location where = std::source_location::current();
};

template <class T = Unit>
using Result = Expected<T, QuicError>;

inline Unexpected<QuicError> fail(QuicErrorCode code, std::string_view reason, uint64_t frameType = 0,
                                  std::source_location where = std::source_location::current()) {
  return {QuicError{code, reason, Initiator::Local, frameType, where}};
}
inline Unexpected<QuicError> forward(const QuicError& error) { return {error}; }

/// "PROTOCOL_VIOLATION", "CRYPTO_ERROR", "IDLE_TIMEOUT", "APPLICATION".
std::string_view toString(const QuicErrorCode& code);
/// The 62-bit number of a transport or application code; INTERNAL_ERROR's for a local one.
uint64_t wireCode(const QuicErrorCode& code);

}  // namespace quic
