// Values of a connection as members of qlog's objects (draft-ietf-quic-qlog-quic-events-13). They decide nothing.
#pragma once

#include <string>

#include "quic/api/TransportEvents.h"
#include "quic/api/TransportSettings.h"
#include "quic/codec/QuicPacketHeaders.h"
#include "quic/handshake/TransportParameters.h"
#include "quic/logging/JsonWriter.h"

namespace quic {

[[nodiscard]] inline double qlogMilliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }
[[nodiscard]] std::string_view qlogPacketType(EncryptionLevel level);
[[nodiscard]] std::string_view qlogPacketType(PacketType type);
/// The schema's "tuple": the connection's first path has none.
[[nodiscard]] std::string qlogTuple(PathId path);
/// A version as a hexstring.
void writeQLogVersion(JsonWriter& json, uint32_t version);
/// {"ip_v4":...,"port_v4":...,"connection_ids":[...]}; no IDs when `id` is null.
void writeQLogEndpoint(JsonWriter& json, const SocketAddress& address, const ConnectionId* id);
/// Members of parameters_set.
void writeQLogParameters(JsonWriter& data, const TransportParameters& parameters);
/// Members of parameters_restored.
void writeQLogRememberedParameters(JsonWriter& data, const TransportParameters& parameters);
/// Members of recovery_parameters_set.
void writeQLogRecoveryParameters(JsonWriter& data, const TransportSettings& settings, uint64_t initialWindow);
/// Members of connection_closed.
void writeQLogClosed(JsonWriter& data, const ConnectionClosed& event);
/// Of this project's own schema.
[[nodiscard]] std::string_view qlogMigrationEvent(const MigrationEvent& event);
void writeQLogMigration(JsonWriter& data, const MigrationEvent& event);

}  // namespace quic
