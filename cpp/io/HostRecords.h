// Values as JSON and as names, in the words of lib/native.ts. Every function is the inverse of a type there.
#pragma once

#include <string>
#include <vector>

#include "quic/api/ConnectionStats.h"
#include "quic/api/TransportEvents.h"
#include "quic/logging/JsonWriter.h"
#include "quic/server/ServerMigrationCoordinator.h"

namespace quic {

std::string base64(ByteSpan bytes);

/// "explicit", "pool-of-addresses", "symmetric", "synchronized-symmetric".
std::string_view protocolName(ServerMigrationProtocol protocol);

std::string openedRecord(const FourTuple& path, const HandshakeFinished& event);
std::string pathRecord(const FourTuple& path);
std::string closedRecord(const QuicErrorCode& code, Initiator initiator, std::string_view reason);
std::string migrationRecord(const MigrationEvent& event);
std::string statsRecord(const ConnectionStats& stats);
std::string outcomesRecord(const std::vector<MigrationOutcome>& outcomes);

}  // namespace quic
