#include "quic/api/QLogMembers.h"

#include <array>

#include "quic/QuicConstants.h"
#include "quic/logging/QLogFrames.h"

namespace quic {
namespace {

/// Members of the migration events.
struct MigrationData {
  JsonWriter& data;

  void protocol(ServerMigrationProtocol protocol) const {
    data.name("protocol").text(serverMigrationProtocolToString(protocol));
  }
  void address(const std::optional<SocketAddress>& address) const {
    if (address) writeQLogEndpoint(data.name("address"), *address, nullptr);
  }
  void operator()(const migration::PoolAddressReceived& e) const { address(e.address); }
  void operator()(const migration::Announced& e) const { protocol(e.protocol), address(e.address); }
  void operator()(const migration::ProbingStarted& e) const { protocol(e.protocol), address(e.address); }
  void operator()(const migration::Reverted& e) const { address(e.address); }
  void operator()(const migration::Expired& e) const { address(e.address); }
  void operator()(const migration::Detected& e) const { protocol(e.protocol), address(e.address); }
  void operator()(const migration::Ready& e) const { protocol(e.protocol); }
  void operator()(const migration::Completed& e) const {
    protocol(e.protocol), address(e.peer);
    if (e.downtime != Duration{0}) data.name("downtime").number(qlogMilliseconds(e.downtime));
  }
  void operator()(const migration::Failed& e) const { data.name("error").text(serverMigrationErrorToString(e.error)); }
  void operator()(const migration::PoolAcknowledged&) const {}
};

std::string_view closeTrigger(const QuicErrorCode& code) {
  if (std::holds_alternative<ApplicationErrorCode>(code)) return "application";
  if (const auto* transport = std::get_if<TransportErrorCode>(&code)) {
    return *transport == TransportErrorCode::NO_ERROR ? "application" : "error";
  }
  switch (std::get<LocalErrorCode>(code)) {
    case LocalErrorCode::IDLE_TIMEOUT:
    case LocalErrorCode::HANDSHAKE_TIMEOUT: return "idle_timeout";
    case LocalErrorCode::STATELESS_RESET: return "stateless_reset";
    case LocalErrorCode::VERSION_NEGOTIATION: return "version_mismatch";
    case LocalErrorCode::PEER_UNREACHABLE:
    case LocalErrorCode::NO_VIABLE_PATH: return "aborted";
    default: return "unspecified";
  }
}

/// What is remembered of a server's parameters for 0-RTT, as both events name it.
void writeLimits(JsonWriter& data, const TransportParameters& p) {
  data.name("disable_active_migration").truth(p.disableActiveMigration);
  data.name("max_idle_timeout").number(p.maxIdleTimeout).name("max_udp_payload_size").number(p.maxUdpPayloadSize);
  data.name("active_connection_id_limit").number(p.activeConnectionIdLimit);
  data.name("initial_max_data").number(p.initialMaxData);
  data.name("initial_max_stream_data_bidi_local").number(p.initialMaxStreamDataBidiLocal);
  data.name("initial_max_stream_data_bidi_remote").number(p.initialMaxStreamDataBidiRemote);
  data.name("initial_max_stream_data_uni").number(p.initialMaxStreamDataUni);
  data.name("initial_max_streams_bidi").number(p.initialMaxStreamsBidi);
  data.name("initial_max_streams_uni").number(p.initialMaxStreamsUni);
  if (p.maxDatagramFrameSize) data.name("max_datagram_frame_size").number(*p.maxDatagramFrameSize);
}

void writeId(JsonWriter& data, std::string_view name, const std::optional<ConnectionId>& id) {
  if (id) data.name(name).hex(id->bytes());
}

/// The token is a secret, and the schema wants one: zeros.
void writePreferred(JsonWriter& data, const PreferredAddress& preferred) {
  data.name("preferred_address").beginObject();
  for (const SocketAddress& address : {preferred.v4, preferred.v6}) {
    if (!address.isUnspecified()) writeQLogAddress(data, address);
  }
  data.name("connection_id").hex(preferred.id.bytes()).name("stateless_reset_token");
  data.hex(StatelessResetToken{}).endObject();
}

}  // namespace

std::string_view qlogPacketType(EncryptionLevel level) {
  switch (level) {
    case EncryptionLevel::Initial: return "initial";
    case EncryptionLevel::ZeroRtt: return "0RTT";
    case EncryptionLevel::Handshake: return "handshake";
    case EncryptionLevel::OneRtt: return "1RTT";
  }
  return "unknown";
}

std::string_view qlogPacketType(PacketType type) {
  switch (type) {
    case PacketType::Initial: return "initial";
    case PacketType::ZeroRtt: return "0RTT";
    case PacketType::Handshake: return "handshake";
    case PacketType::Retry: return "retry";
    case PacketType::OneRtt: return "1RTT";
    case PacketType::VersionNegotiation: return "version_negotiation";
    case PacketType::UnknownVersion: return "unknown";
  }
  return "unknown";
}

std::string qlogTuple(PathId path) { return path.value == 0 ? std::string() : std::to_string(path.value); }

void writeQLogVersion(JsonWriter& json, uint32_t version) {
  json.hex(std::array<uint8_t, 4>{static_cast<uint8_t>(version >> 24), static_cast<uint8_t>(version >> 16),
                                  static_cast<uint8_t>(version >> 8), static_cast<uint8_t>(version)});
}

void writeQLogEndpoint(JsonWriter& json, const SocketAddress& address, const ConnectionId* id) {
  json.beginObject();
  writeQLogAddress(json, address);
  if (id != nullptr) json.name("connection_ids").beginArray().hex(id->bytes()).endArray();
  json.endObject();
}

void writeQLogParameters(JsonWriter& data, const TransportParameters& p) {
  writeId(data, "original_destination_connection_id", p.originalDestinationConnectionId);
  writeId(data, "initial_source_connection_id", p.initialSourceConnectionId);
  writeId(data, "retry_source_connection_id", p.retrySourceConnectionId);
  writeLimits(data, p);
  data.name("ack_delay_exponent").number(p.ackDelayExponent).name("max_ack_delay").number(p.maxAckDelay);
  if (p.greaseQuicBit) data.name("grease_quic_bit").truth(true);
  if (p.resetStreamAt) data.name("reset_stream_at").truth(true);
  if (p.minAckDelay) data.name("min_ack_delay").number(*p.minAckDelay);
  if (p.preferredAddress) writePreferred(data, *p.preferredAddress);
  if (p.serverMigrationSuite) data.name("server_migration_suite").number(*p.serverMigrationSuite);
}

void writeQLogRememberedParameters(JsonWriter& data, const TransportParameters& p) { writeLimits(data, p); }

void writeQLogRecoveryParameters(JsonWriter& data, const TransportSettings& settings, uint64_t initialWindow) {
  data.name("reordering_threshold").number(kPacketReorderingThreshold);
  data.name("time_threshold").number(9.0 / 8);  // RFC 9002 §6.1.2
  data.name("timer_granularity").number(static_cast<uint64_t>(kTimerGranularity / 1ms));
  data.name("initial_rtt").number(qlogMilliseconds(settings.initialRtt));
  data.name("max_datagram_size").number(uint64_t{settings.datagramSize});
  data.name("initial_congestion_window").number(initialWindow);
  data.name("minimum_congestion_window").number(kMinWindowPackets * settings.datagramSize);
  data.name("persistent_congestion_threshold").number(uint64_t{kPersistentCongestionThreshold});
}

void writeQLogClosed(JsonWriter& data, const ConnectionClosed& event) {
  const QuicErrorCode& code = event.error.code;
  data.name("initiator").text(event.error.initiator == Initiator::Local ? "local" : "remote");
  if (const auto* application = std::get_if<ApplicationErrorCode>(&code)) {
    data.name("application_error").text("unknown").name("error_code").number(static_cast<uint64_t>(*application));
  } else if (const auto* transport = std::get_if<TransportErrorCode>(&code)) {
    const std::string name = qlogTransportError(static_cast<uint64_t>(*transport));
    data.name("connection_error").text(name);
    if (name == "unknown") data.name("error_code").number(static_cast<uint64_t>(*transport));
  } else {
    data.name("internal_code").number(static_cast<uint64_t>(std::get<LocalErrorCode>(code)));
  }
  data.name("reason").text(event.reason).name("trigger").text(closeTrigger(code));
}

std::string_view qlogMigrationEvent(const MigrationEvent& event) {
  static constexpr std::array<std::string_view, std::variant_size_v<MigrationEvent>> kNames = {
      "server_migration:pool_address_received",
      "server_migration:announced",
      "server_migration:probing_started",
      "server_migration:reverted",
      "server_migration:expired",
      "server_migration:detected",
      "server_migration:ready",
      "server_migration:completed",
      "server_migration:failed",
      "server_migration:pool_acknowledged",
  };
  return kNames[event.index()];
}

void writeQLogMigration(JsonWriter& data, const MigrationEvent& event) { std::visit(MigrationData{data}, event); }

}  // namespace quic
