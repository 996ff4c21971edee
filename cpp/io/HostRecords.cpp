#include "io/HostRecords.h"

#include <algorithm>
#include <utility>

namespace quic {
namespace {

void writeAddress(JsonWriter& json, const SocketAddress& address) {
  json.beginObject().name("family").text(address.isV4() ? "IPv4" : "IPv6");
  json.name("host").text(address.host()).name("port").number(uint64_t{address.port()}).endObject();
}

void writePath(JsonWriter& json, const FourTuple& path) {
  writeAddress(json.name("local"), path.local);
  writeAddress(json.name("peer"), path.peer);
}

std::string_view statusName(MigrationOutcome::Status status) {
  switch (status) {
    case MigrationOutcome::Status::Ready: return "ready";
    case MigrationOutcome::Status::Migrated: return "migrated";
    case MigrationOutcome::Status::Closed: return "closed";
    case MigrationOutcome::Status::Excluded: return "excluded";
    default: return "pending";
  }
}

std::string_view earlyDataName(EarlyDataOutcome outcome) {
  switch (outcome) {
    case EarlyDataOutcome::Accepted: return "accepted";
    case EarlyDataOutcome::Rejected: return "rejected";
    default: return "none";
  }
}

/// By their names in the IANA registry of TLS.
constexpr std::pair<CipherSuite, std::string_view> kCipherNames[] = {
    {CipherSuite::AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"},
    {CipherSuite::AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"},
    {CipherSuite::CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"}};

constexpr size_t kVersionSize = 4;  // of QUIC, before a token

double milliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

/// Writes the members of a MigrationRecord.
struct MigrationMembers {
  JsonWriter& json;

  void type(std::string_view name) const { json.name("type").text(name); }
  void protocol(ServerMigrationProtocol protocol) const { json.name("protocol").text(protocolName(protocol)); }
  void address(const std::optional<SocketAddress>& address) const {
    if (address) writeAddress(json.name("address"), *address);
  }

  void operator()(const migration::PoolAddressReceived& e) const { type("pool-address"), address(e.address); }
  void operator()(const migration::Announced& e) const { type("announced"), protocol(e.protocol), address(e.address); }
  void operator()(const migration::ProbingStarted& e) const {
    type("probing"), protocol(e.protocol), address(e.address);
  }
  void operator()(const migration::Reverted& e) const { type("reverted"), address(e.address); }
  void operator()(const migration::Expired& e) const { type("expired"), address(e.address); }
  void operator()(const migration::Detected& e) const { type("detected"), protocol(e.protocol), address(e.address); }
  void operator()(const migration::Ready& e) const { type("ready"), protocol(e.protocol); }
  void operator()(const migration::Completed& e) const {
    type("completed"), protocol(e.protocol), address(e.peer);
    json.name("downtime").number(milliseconds(e.downtime));
  }
  void operator()(const migration::Failed& e) const {
    type("failed");
    json.name("error").text(serverMigrationErrorToString(e.error));
  }
  void operator()(const migration::PoolAcknowledged&) const { type("pool-acknowledged"); }
};

std::string describe(const HandshakeFacts& facts, const HandshakeFinished& event, std::string_view earlyData) {
  JsonWriter json;
  json.beginObject();
  writePath(json, facts.path);
  json.name("alpn").text(event.alpn).name("certificate").text(base64(event.peerCertificate));
  json.name("serverMigration").number(event.serverMigration.bits());
  json.name("version").number(uint64_t{facts.version}).name("cipher").text(cipherName(facts.cipher));
  json.name("isResumed").truth(event.isResumed).name("earlyData").text(earlyData);
  json.name("serverName").text(event.serverName).name("datagramLimit").number(uint64_t{facts.datagramLimit});
  return json.endObject().str();
}

}  // namespace

// ---- records

std::string base64(ByteSpan bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = static_cast<uint32_t>(bytes[i]) << 16;
    if (count > 1) group |= static_cast<uint32_t>(bytes[i + 1]) << 8;
    if (count > 2) group |= bytes[i + 2];
    for (size_t digit = 0; digit < 4; ++digit) {
      text += digit <= count ? kAlphabet[group >> (18 - 6 * digit) & 63] : '=';
    }
  }
  return text;
}

ByteVector packToken(const AddressToken& token) {
  ByteVector bytes(kVersionSize + token.bytes.size());
  for (size_t i = 0; i < kVersionSize; ++i)
    bytes[i] = static_cast<uint8_t>(token.version >> 8 * (kVersionSize - 1 - i));
  std::copy(token.bytes.begin(), token.bytes.end(), bytes.begin() + kVersionSize);
  return bytes;
}

AddressToken unpackToken(ByteSpan bytes) {
  AddressToken token;
  if (bytes.size() <= kVersionSize) return token;
  for (size_t i = 0; i < kVersionSize; ++i) token.version = token.version << 8 | bytes[i];
  token.bytes.assign(bytes.begin() + kVersionSize, bytes.end());
  return token;
}

std::string_view protocolName(ServerMigrationProtocol protocol) {
  switch (protocol) {
    case ServerMigrationProtocol::EXPLICIT: return "explicit";
    case ServerMigrationProtocol::POOL_OF_ADDRESSES: return "pool-of-addresses";
    case ServerMigrationProtocol::SYMMETRIC: return "symmetric";
    default: return "synchronized-symmetric";
  }
}

std::string_view cipherName(CipherSuite suite) {
  for (const auto& [known, name] : kCipherNames) {
    if (known == suite) return name;
  }
  return "";
}

std::optional<CipherSuite> cipherNamed(std::string_view name) {
  for (const auto& [suite, known] : kCipherNames) {
    if (known == name) return suite;
  }
  return std::nullopt;
}

std::string openedRecord(const HandshakeFacts& facts, const HandshakeFinished& event) {
  return describe(facts, event, earlyDataName(event.earlyData));
}

std::string earlyRecord(const HandshakeFacts& facts, const EarlyDataReady& event, Role role) {
  HandshakeFinished soFar;
  soFar.alpn = event.alpn;
  soFar.isResumed = true;
  return describe(facts, soFar, role == Role::Client ? "pending" : "accepted");
}

std::string pathRecord(const FourTuple& path) {
  JsonWriter json;
  json.beginObject();
  writePath(json, path);
  return json.endObject().str();
}

std::string closedRecord(const QuicErrorCode& code, Initiator initiator, std::string_view reason,
                         const std::optional<SocketAddress>& peer) {
  std::string_view kind = "transport";
  if (std::holds_alternative<ApplicationErrorCode>(code)) kind = "application";
  if (std::holds_alternative<LocalErrorCode>(code)) kind = "local";
  JsonWriter json;
  json.beginObject().name("kind").text(kind).name("name").text(toString(code));
  json.name("wireCode").text(std::to_string(wireCode(code))).name("reason").text(reason);
  json.name("initiator").text(initiator == Initiator::Local ? "local" : "remote");
  if (peer) writeAddress(json.name("peer"), *peer);
  return json.endObject().str();
}

std::string migrationRecord(const MigrationEvent& event) {
  JsonWriter json;
  json.beginObject();
  std::visit(MigrationMembers{json}, event);
  return json.endObject().str();
}

std::string statsRecord(const ConnectionStats& stats) {
  JsonWriter json;
  json.beginObject();
  json.name("bytesSent").number(stats.bytesSent).name("bytesReceived").number(stats.bytesReceived);
  json.name("packetsSent").number(stats.packetsSent).name("packetsReceived").number(stats.packetsReceived);
  json.name("packetsLost").number(stats.packetsLost).name("packetsDropped").number(stats.packetsDropped);
  json.name("congestionWindow").number(stats.congestionWindow).name("bytesInFlight").number(stats.bytesInFlight);
  json.name("smoothedRtt").number(milliseconds(stats.smoothedRtt)).name("minRtt").number(milliseconds(stats.minRtt));
  json.name("latestRtt").number(milliseconds(stats.latestRtt)).name("ptoCount").number(stats.ptoCount);
  json.name("packetsSpuriouslyLost").number(stats.packetsSpuriouslyLost);
  json.name("congestionMarks").number(stats.congestionMarks);
  json.name("datagramsSent").number(stats.datagramsSent).name("datagramsReceived").number(stats.datagramsReceived);
  json.name("datagramsLost").number(stats.datagramsLost).name("datagramsDropped").number(stats.datagramsDropped);
  json.name("congestionControl").text(stats.congestionControl).name("keyUpdates").number(stats.keyUpdates);
  json.name("deliveryRate").number(stats.deliveryRate).name("pacingRate").number(stats.pacingRate);
  json.name("mtu").number(stats.datagramSize).name("ecn").text(stats.ecn);
  const MigrationStats& moves = stats.migration;
  json.name("migrationsAnnounced").number(moves.announced).name("migrationsProbed").number(moves.probed);
  json.name("migrationsReverted").number(moves.reverted).name("migrationsCompleted").number(moves.completed);
  json.name("migrationsFailed").number(moves.failed).name("migrationDowntime").number(milliseconds(moves.downtime));
  return json.name("openStreams").number(stats.openStreams).endObject().str();
}

std::string outcomesRecord(const std::vector<MigrationOutcome>& outcomes) {
  JsonWriter json;
  json.beginArray();
  for (const MigrationOutcome& outcome : outcomes) {
    json.beginObject().name("connection").number(outcome.connection).name("status").text(statusName(outcome.status));
    if (outcome.protocol) json.name("protocol").text(protocolName(*outcome.protocol));
    if (outcome.reason) json.name("reason").text(serverMigrationErrorToString(*outcome.reason));
    json.endObject();
  }
  return json.endArray().str();
}

}  // namespace quic
