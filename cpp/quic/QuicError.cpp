#include "quic/QuicError.h"

namespace quic {
namespace {

std::string_view nameOf(TransportErrorCode code) {
  if (isCryptoError(code)) return "CRYPTO_ERROR";
  switch (code) {
    case TransportErrorCode::NO_ERROR: return "NO_ERROR";
    case TransportErrorCode::INTERNAL_ERROR: return "INTERNAL_ERROR";
    case TransportErrorCode::CONNECTION_REFUSED: return "CONNECTION_REFUSED";
    case TransportErrorCode::FLOW_CONTROL_ERROR: return "FLOW_CONTROL_ERROR";
    case TransportErrorCode::STREAM_LIMIT_ERROR: return "STREAM_LIMIT_ERROR";
    case TransportErrorCode::STREAM_STATE_ERROR: return "STREAM_STATE_ERROR";
    case TransportErrorCode::FINAL_SIZE_ERROR: return "FINAL_SIZE_ERROR";
    case TransportErrorCode::FRAME_ENCODING_ERROR: return "FRAME_ENCODING_ERROR";
    case TransportErrorCode::TRANSPORT_PARAMETER_ERROR: return "TRANSPORT_PARAMETER_ERROR";
    case TransportErrorCode::CONNECTION_ID_LIMIT_ERROR: return "CONNECTION_ID_LIMIT_ERROR";
    case TransportErrorCode::PROTOCOL_VIOLATION: return "PROTOCOL_VIOLATION";
    case TransportErrorCode::INVALID_TOKEN: return "INVALID_TOKEN";
    case TransportErrorCode::APPLICATION_ERROR: return "APPLICATION_ERROR";
    case TransportErrorCode::CRYPTO_BUFFER_EXCEEDED: return "CRYPTO_BUFFER_EXCEEDED";
    case TransportErrorCode::KEY_UPDATE_ERROR: return "KEY_UPDATE_ERROR";
    case TransportErrorCode::AEAD_LIMIT_REACHED: return "AEAD_LIMIT_REACHED";
    case TransportErrorCode::NO_VIABLE_PATH: return "NO_VIABLE_PATH";
    case TransportErrorCode::VERSION_NEGOTIATION_ERROR: return "VERSION_NEGOTIATION_ERROR";
  }
  return "UNKNOWN_TRANSPORT_ERROR";  // a peer may send any number
}

std::string_view nameOf(ApplicationErrorCode) { return "APPLICATION"; }

std::string_view nameOf(LocalErrorCode code) {
  switch (code) {
    case LocalErrorCode::STREAM_CLOSED: return "STREAM_CLOSED";
    case LocalErrorCode::STREAM_LIMIT_EXCEEDED: return "STREAM_LIMIT_EXCEEDED";
    case LocalErrorCode::STREAM_SEND_CLOSED: return "STREAM_SEND_CLOSED";
    case LocalErrorCode::RESET_STREAM_AT_UNSUPPORTED: return "RESET_STREAM_AT_UNSUPPORTED";
    case LocalErrorCode::CONNECTION_CLOSED: return "CONNECTION_CLOSED";
    case LocalErrorCode::DATAGRAM_UNSUPPORTED: return "DATAGRAM_UNSUPPORTED";
    case LocalErrorCode::DATAGRAM_TOO_LARGE: return "DATAGRAM_TOO_LARGE";
    case LocalErrorCode::DATAGRAM_QUEUE_FULL: return "DATAGRAM_QUEUE_FULL";
    case LocalErrorCode::IDLE_TIMEOUT: return "IDLE_TIMEOUT";
    case LocalErrorCode::HANDSHAKE_TIMEOUT: return "HANDSHAKE_TIMEOUT";
    case LocalErrorCode::STATELESS_RESET: return "STATELESS_RESET";
    case LocalErrorCode::VERSION_NEGOTIATION: return "VERSION_NEGOTIATION";
    case LocalErrorCode::PEER_UNREACHABLE: return "PEER_UNREACHABLE";
    case LocalErrorCode::NO_VIABLE_PATH: return "NO_VIABLE_PATH";
    case LocalErrorCode::SERVER_CLOSED: return "SERVER_CLOSED";
    case LocalErrorCode::MIGRATION_DISABLED: return "MIGRATION_DISABLED";
    case LocalErrorCode::MIGRATION_NOT_NEGOTIATED: return "MIGRATION_NOT_NEGOTIATED";
    case LocalErrorCode::MIGRATION_IN_PROGRESS: return "MIGRATION_IN_PROGRESS";
    case LocalErrorCode::MIGRATION_INVALID_STATE: return "MIGRATION_INVALID_STATE";
    case LocalErrorCode::MIGRATION_INVALID_ADDRESS: return "MIGRATION_INVALID_ADDRESS";
    case LocalErrorCode::MIGRATION_ADDRESS_REFUSED: return "MIGRATION_ADDRESS_REFUSED";
    case LocalErrorCode::MIGRATED_WITHOUT_CONNECTION: return "MIGRATED_WITHOUT_CONNECTION";
    case LocalErrorCode::MIGRATION_DEADLINE: return "MIGRATION_DEADLINE";
    case LocalErrorCode::BIND_FAILED: return "BIND_FAILED";
    case LocalErrorCode::INVALID_CREDENTIALS: return "INVALID_CREDENTIALS";
    case LocalErrorCode::INVALID_ARGUMENT: return "INVALID_ARGUMENT";
    case LocalErrorCode::MIGRATION_FORBIDDEN: return "MIGRATION_FORBIDDEN";
    case LocalErrorCode::NO_CONNECTION_ID: return "NO_CONNECTION_ID";
    case LocalErrorCode::KEY_UPDATE_NOT_READY: return "KEY_UPDATE_NOT_READY";
  }
  return "UNKNOWN_LOCAL_ERROR";
}

}  // namespace

std::string_view toString(const QuicErrorCode& code) {
  return std::visit([](auto alternative) { return nameOf(alternative); }, code);
}

uint64_t wireCode(const QuicErrorCode& code) {
  if (const auto* transport = std::get_if<TransportErrorCode>(&code)) return static_cast<uint64_t>(*transport);
  if (const auto* application = std::get_if<ApplicationErrorCode>(&code)) return static_cast<uint64_t>(*application);
  return static_cast<uint64_t>(TransportErrorCode::INTERNAL_ERROR);
}

}  // namespace quic
