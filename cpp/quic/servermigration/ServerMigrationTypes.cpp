#include "quic/servermigration/ServerMigrationTypes.h"

namespace quic {

std::string_view serverMigrationProtocolToString(ServerMigrationProtocol protocol) {
  switch (protocol) {
    case ServerMigrationProtocol::EXPLICIT: return "Explicit";
    case ServerMigrationProtocol::POOL_OF_ADDRESSES: return "Pool of Addresses";
    case ServerMigrationProtocol::SYMMETRIC: return "Symmetric";
    case ServerMigrationProtocol::SYNCHRONIZED_SYMMETRIC: return "Synchronized Symmetric";
  }
  return "unknown";
}

std::string_view serverMigrationErrorToString(ServerMigrationError error) {
  switch (error) {
    case ServerMigrationError::MIGRATION_DISABLED: return "MIGRATION_DISABLED";
    case ServerMigrationError::HANDSHAKE_NOT_FINISHED: return "HANDSHAKE_NOT_FINISHED";
    case ServerMigrationError::PROTOCOL_NOT_NEGOTIATED: return "PROTOCOL_NOT_NEGOTIATED";
    case ServerMigrationError::MIGRATION_ALREADY_IN_PROGRESS: return "MIGRATION_ALREADY_IN_PROGRESS";
    case ServerMigrationError::INVALID_ADDRESS: return "INVALID_ADDRESS";
    case ServerMigrationError::INVALID_STATE: return "INVALID_STATE";
    case ServerMigrationError::EMPTY_POOL_MIGRATION_ADDRESSES: return "EMPTY_POOL_MIGRATION_ADDRESSES";
    case ServerMigrationError::POOL_MIGRATION_ADDRESSES_NOT_ACKNOWLEDGED:
      return "POOL_MIGRATION_ADDRESSES_NOT_ACKNOWLEDGED";
  }
  return "unknown";
}

}  // namespace quic
