// Values as JSON and as names, in the words of lib/native.ts. Every function is the inverse of a type there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "quic/api/ConnectionStats.h"
#include "quic/api/TransportEvents.h"
#include "quic/logging/JsonWriter.h"
#include "quic/server/ServerMigrationCoordinator.h"

namespace quic {

std::string base64(ByteSpan bytes);

/// An address token with the version that it is good for, as hosts keep it.
ByteVector packToken(const AddressToken& token);
/// Empty when it is none.
AddressToken unpackToken(ByteSpan bytes);

/// "explicit", "pool-of-addresses", "symmetric", "synchronized-symmetric".
std::string_view protocolName(ServerMigrationProtocol protocol);

/// "TLS_AES_128_GCM_SHA256".
std::string_view cipherName(CipherSuite suite);
std::optional<CipherSuite> cipherNamed(std::string_view name);

/// What a connection itself says of its handshake.
struct HandshakeFacts {
  FourTuple path;
  uint32_t version = 0;
  CipherSuite cipher = CipherSuite::AES_128_GCM_SHA256;
  size_t datagramLimit = 0;
};
std::string openedRecord(const HandshakeFacts& facts, const HandshakeFinished& event);
/// The same before the handshake is complete, as far as it is known.
std::string earlyRecord(const HandshakeFacts& facts, const EarlyDataReady& event, Role role);
std::string pathRecord(const FourTuple& path);
/// `peer`: whose attempt it was, when the host has not heard of the connection before.
std::string closedRecord(const QuicErrorCode& code, Initiator initiator, std::string_view reason,
                         const std::optional<SocketAddress>& peer = std::nullopt);
std::string migrationRecord(const MigrationEvent& event);
std::string statsRecord(const ConnectionStats& stats);
std::string outcomesRecord(const std::vector<MigrationOutcome>& outcomes);

}  // namespace quic
