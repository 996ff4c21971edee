#include "Convert.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "io/HostRecords.h"

namespace quic::binding {
namespace {

constexpr uint64_t kMaxStreams = uint64_t{1} << 60;  // RFC 9000 §4.6
constexpr uint64_t kMaxWindow = (uint64_t{1} << 53) - 1;
constexpr size_t kMaxUdpPayload = 65527;  // RFC 9000 §18.2
constexpr uint64_t kMaxHandshakes = 1'000'000;
constexpr size_t kSecretSize = 32;
/// lib/datagrams.ts keeps count of datagrams that wait, however large they are.
constexpr size_t kDatagramQueueSize = 32 * 1024 * 1024;
constexpr size_t kFewestWords = 64 * kRecordWords;
/// A finalizer costs microseconds: from here on it is cheaper to lend the memory than to copy it.
constexpr size_t kLendFrom = 32 * 1024;

// ---- down

/// One of `names`, whose order is that of the enumerators. Absent: `out` stays.
template <class Enum, size_t kCount>
void readEnum(OptionReader& reader, const char* name, const char* const (&names)[kCount], Enum& out) {
  std::string text;
  reader.text(name, text);
  if (text.empty()) return;
  const auto found = std::find(std::begin(names), std::end(names), text);
  if (found == std::end(names)) return reader.refuse(name, "one of its names");
  out = static_cast<Enum>(found - std::begin(names));
}

void readTransport(OptionReader& reader, TransportSettings& out) {
  reader.milliseconds("idleTimeout", out.idleTimeout);
  reader.milliseconds("handshakeTimeout", out.handshakeTimeout);
  reader.milliseconds("keepAliveInterval", out.keepAliveInterval);
  reader.integer("bidirectionalStreams", kMaxStreams, out.streams.bidirectionalStreams);
  reader.integer("unidirectionalStreams", kMaxStreams, out.streams.unidirectionalStreams);
  reader.integer("connectionWindow", kMaxWindow, out.streams.connectionWindow);
  reader.integer("streamWindow", kMaxWindow, out.streams.streamWindow);
  reader.size("datagramSize", kMaxUdpPayload, out.datagramSize);
  reader.size("maxDatagramSize", kMaxUdpPayload, out.maxDatagramSize);
  reader.flag("ecn", out.ecn);
  reader.integer("keyUpdateAfter", kMaxWindow, out.keyUpdateInterval);
  reader.integer("datagramFrameSize", 65535, out.datagrams.maxFrameSize);
  out.datagrams.sendQueueSize = kDatagramQueueSize;
  reader.flag("reliableReset", out.streams.resetStreamAt);
  reader.flag("ackFrequency", out.ackFrequency);
  reader.flag("qlog", out.qlog);
  reader.flag("greaseQuicBit", out.greaseQuicBit);
  reader.flag("spinBit", out.spinBit);
  reader.integers("versions", UINT32_MAX, out.versions);
}

void readCongestionControl(OptionReader& reader, TransportSettings& out) {
  static constexpr const char* kControllers[] = {"cubic", "newreno", "bbr", "copa"};
  readEnum(reader, "congestionControl", kControllers, out.congestionControl);
}

/// What both roles have of TLS.
template <class Options>
void readTls(OptionReader& reader, Options& out) {
  std::vector<std::string> ciphers;
  reader.texts("alpn", out.alpn);
  reader.flag("keylog", out.keyLog);
  reader.texts("groups", out.groups);
  reader.texts("ciphers", ciphers);
  for (const std::string& name : ciphers) {
    const auto suite = cipherNamed(name);
    if (!suite) return reader.refuse("ciphers", "names of TLS 1.3 cipher suites");
    out.cipherSuites.push_back(*suite);
  }
}

void readIdentities(OptionReader& reader, TlsServerOptions& out) {
  static constexpr const char* kAsking[] = {"none", "request", "require"};
  ClientCertificates asking = out.clientCaPem.empty() ? ClientCertificates::None : ClientCertificates::Require;
  readEnum(reader, "clientCertificate", kAsking, asking);
  out.clientCertificates = asking;
  reader.objects("identities", [&](OptionReader& identity) {
    TlsIdentity& added = out.identities.emplace_back();
    identity.texts("names", added.serverNames);
    identity.text("cert", added.certificatePem, OptionReader::kRequired);
    identity.text("key", added.privateKeyPem, OptionReader::kRequired);
  });
}

template <size_t kSize>
void copyTo(std::array<uint8_t, kSize>& out, const ByteVector& bytes) {
  std::copy_n(bytes.begin(), std::min(kSize, bytes.size()), out.begin());
}

SharedKeys readSharedKeys(OptionReader& reader) {
  SharedKeys keys;
  std::vector<ByteVector> tokens;
  reader.byteArrays("ticketKeys", keys.tickets, kSecretSize);
  reader.byteArrays("tokenKeys", tokens, kSecretSize);
  for (const ByteVector& key : tokens) copyTo(keys.tokens.emplace_back(), key);
  return keys;
}

/// What processes share, so that they know each other's tickets, tokens and connections that are gone.
void readSecrets(OptionReader& reader, ServerOptions& out) {
  ByteVector resetSecret;
  SharedKeys keys = readSharedKeys(reader);
  out.tls.ticketKeys = std::move(keys.tickets);
  out.endpoint.tokens.keys = std::move(keys.tokens);
  reader.bytes("resetSecret", resetSecret, kSecretSize);
  copyTo(out.endpoint.resetSecret, resetSecret);
}

void readRetryPolicy(OptionReader& reader, RetryPolicy& out) {
  static constexpr const char* kModes[] = {"never", "under-load", "always"};
  readEnum(reader, "validateAddress", kModes, out.mode);
  reader.size("retryFrom", kMaxHandshakes, out.halfOpen);
  reader.size("retryFromPerSource", kMaxHandshakes, out.halfOpenPerSource);
}

/// Whom the server takes, and what it asks of them before.
void readAcceptance(OptionReader& reader, ServerOptions& out) {
  uint64_t perSource = 0;
  bool givesTickets = true;
  readRetryPolicy(reader, out.endpoint.retry);
  reader.size("maxHandshakes", kMaxHandshakes, out.endpoint.maxHandshakes);
  reader.integer("handshakesPerSource", kMaxHandshakes, perSource);
  const auto rate = static_cast<uint32_t>(perSource);
  if (rate > 0) out.endpoint.handshakesPerSource = {rate, rate};
  reader.flag("sessionTickets", givesTickets);
  if (!givesTickets) out.tls.sessionTickets = 0;
  reader.flag("disableActiveMigration", out.endpoint.transport.disableActiveMigration);
}

/// The application gets early data at once where there is no doubt about the protocol it is written in, else when the
/// handshake is complete.
void readEarlyData(OptionReader& reader, ServerOptions& out) {
  bool takes = false;
  reader.flag("earlyData", takes);
  if (!takes) return;
  out.tls.earlyData = EarlyDataPolicy::AcceptOnce;
  out.endpoint.transport.earlyData = out.tls.alpn.size() == 1;
}

void readPreferred(OptionReader& reader, TransportSettings& out) {
  std::vector<SocketAddress> addresses;
  reader.addresses("preferredAddresses", addresses);
  for (const SocketAddress& address : addresses) (address.isV4() ? out.preferredV4 : out.preferredV6) = address;
}

void readConnectionIds(OptionReader& reader, ServerEndpointSettings& out) {
  ByteVector key;
  reader.size("connectionIdSize", 20, out.transport.connectionIdSize);
  reader.bytes("serverId", out.connectionIds.serverId);
  reader.bytes("connectionIdKey", key, sizeof(ConnectionIdKey));
  if (!key.empty()) copyTo(out.connectionIds.key.emplace(), key);
}

void readClientMigration(OptionReader& reader, TransportSettings& out) {
  static constexpr const char* kProbing[] = {"reactive", "proactive", "manual"};
  static constexpr const char* kPolicies[] = {"routable", "any"};
  uint64_t protocols = 0;
  reader.integer("migrationProtocols", ServerMigrationProtocols::kKnownBits, protocols);
  out.clientMigration.protocols = ServerMigrationProtocols(protocols);
  readEnum(reader, "explicitProbing", kProbing, out.clientMigration.explicitProbing);
  readEnum(reader, "acceptAddress", kPolicies, out.clientMigration.addressPolicy);
  reader.milliseconds("announcementLifetime", out.clientMigration.announcementLifetime);
  reader.milliseconds("probeDelay", out.clientMigration.probeDelay);
  reader.addresses("poolOrder", out.clientMigration.poolOrder);
  reader.objects("allowedAddresses", [&](OptionReader& range) {
    uint64_t prefix = 0;
    const auto network = range.address("host", "port", OptionReader::kRequired);
    range.integer("prefix", 128, prefix, OptionReader::kRequired);
    if (!network) return;
    out.clientMigration.allowedAddresses.push_back({*network, static_cast<uint8_t>(prefix)});
  });
}

void readServerMigration(OptionReader& reader, TransportSettings& out) {
  uint64_t protocols = 0;
  std::vector<SocketAddress> pool;
  reader.integer("migrationProtocols", ServerMigrationProtocols::kKnownBits, protocols);
  reader.addresses("pool", pool);
  out.serverMigration = ServerMigrationProtocols(protocols);
  for (const SocketAddress& address : pool) out.migrationPool.push_back(QuicIPAddress::from(address));
}

void readDescriptor(OptionReader& reader, ServerOptions& out) {
  uint64_t fd = UINT64_MAX;
  reader.integer("fd", INT32_MAX, fd);
  if (fd != UINT64_MAX) out.fd = static_cast<int>(fd);
}

/// 'close' is no protocol.
std::optional<ServerMigrationProtocol> toProtocol(OptionReader& reader) {
  static constexpr std::pair<const char*, std::optional<ServerMigrationProtocol>> kProtocols[] = {
      {"explicit", ServerMigrationProtocol::EXPLICIT},
      {"pool-of-addresses", ServerMigrationProtocol::POOL_OF_ADDRESSES},
      {"symmetric", ServerMigrationProtocol::SYMMETRIC},
      {"synchronized-symmetric", ServerMigrationProtocol::SYNCHRONIZED_SYMMETRIC},
      {"close", std::nullopt}};
  std::string name;
  reader.text("protocol", name, OptionReader::kRequired);
  for (const auto& [known, protocol] : kProtocols) {
    if (name == known) return protocol;
  }
  reader.refuse("protocol", "the name of a protocol, or 'close'");
  return std::nullopt;
}

void readPlan(OptionReader& reader, MigrationPlans& out) {
  uint64_t connection = 0;
  std::string address;
  MigrationPlan plan;
  reader.integer("connection", (uint64_t{1} << 53) - 1, connection, OptionReader::kRequired);
  plan.protocol = toProtocol(reader);
  reader.text("address", address);
  if (!address.empty()) {
    const auto parsed = SocketAddress::parse(address);
    if (!parsed) return reader.refuse("address", "'host:port'");
    plan.address = QuicIPAddress::from(*parsed);
  }
  (connection == 0 ? out.others : out.named[connection]) = plan;
}

}  // namespace

std::optional<ServerOptions> toServerOptions(Napi::Env env, Napi::Value value) {
  OptionReader reader(env, value, "options");
  ServerOptions out;
  const auto address = reader.address("host", "port", OptionReader::kRequired);
  reader.size("workers", 256, out.workers);
  reader.text("cert", out.tls.certificatePem, OptionReader::kRequired);
  reader.text("key", out.tls.privateKeyPem, OptionReader::kRequired);
  reader.text("clientCa", out.tls.clientCaPem);
  readTls(reader, out.tls);
  readIdentities(reader, out.tls);
  readSecrets(reader, out);
  readAcceptance(reader, out);
  readDescriptor(reader, out);
  readConnectionIds(reader, out.endpoint);
  readPreferred(reader, out.endpoint.transport);
  readEarlyData(reader, out);
  readTransport(reader, out.endpoint.transport);
  readCongestionControl(reader, out.endpoint.transport);
  readServerMigration(reader, out.endpoint.transport);
  if (!reader.ok() || !address) return std::nullopt;
  out.address = *address;
  out.dualStack = !address->isV4() && address->isUnspecified();  // as Node's own servers do with '::'
  return out;
}

std::optional<ClientConnectOptions> ConnectOptionsConverter::convert(Napi::Env env, Napi::Value value) {
  OptionReader reader(env, value, "options");
  ClientConnectOptions out;
  const auto peer = reader.address("host", "port", OptionReader::kRequired);
  out.local = reader.address("localHost", "localPort", OptionReader::Need::Optional);
  reader.text("serverName", out.serverName, OptionReader::kRequired);
  readAuthorities(reader, out.tls.caPem);
  reader.text("cert", out.tls.certificatePem);
  reader.text("key", out.tls.privateKeyPem);
  readTls(reader, out.tls);
  reader.flag("verify", out.tls.verifyPeer);
  readTransport(reader, out.settings);
  readCongestionControl(reader, out.settings);
  uint64_t originalVersion = 0;
  reader.integer("originalVersion", UINT32_MAX, originalVersion);
  out.settings.originalVersion = static_cast<uint32_t>(originalVersion);
  reader.flag("followPreferredAddress", out.settings.followsPreferredAddress);
  ByteVector token;
  reader.bytes("session", out.settings.resumption);
  reader.flag("earlyData", out.settings.earlyData);
  reader.bytes("token", token);
  out.settings.addressToken = unpackToken(token);
  readClientMigration(reader, out.settings);
  if (!reader.ok() || !peer) return std::nullopt;
  out.peer = *peer;
  return out;
}

void ConnectOptionsConverter::readAuthorities(OptionReader& reader, std::vector<std::string>& out) {
  const Napi::Value value = reader.member("ca");
  if (!value.IsArray()) return reader.texts("ca", out);
  if (authorities_.IsEmpty() || !authorities_.Value().StrictEquals(value)) {
    pems_.clear();
    reader.texts("ca", pems_);
    authorities_.Reset(value.As<Napi::Array>(), 1);
  }
  out = pems_;
}

std::optional<MigrationPlans> toMigrationPlans(Napi::Env env, Napi::Value value) {
  MigrationPlans plans;
  OptionReader list(env, value, "plans");
  if (!list.ok()) return std::nullopt;
  if (!value.IsArray()) {
    list.refuse("length", "that of an array");
    return std::nullopt;
  }
  const auto array = value.As<Napi::Array>();
  const uint32_t count = array.Length();
  for (uint32_t index = 0; index < count; ++index) {
    const Napi::HandleScope scope(env);
    const Napi::Value element = array.Get(index);
    if (env.IsExceptionPending()) return std::nullopt;
    OptionReader reader(env, element, "plan");
    readPlan(reader, plans);
    if (!reader.ok()) return std::nullopt;
  }
  return plans;
}

std::optional<SharedKeys> toSharedKeys(Napi::Env env, Napi::Value value) {
  OptionReader reader(env, value, "secrets");
  SharedKeys keys = readSharedKeys(reader);
  if (!reader.ok()) return std::nullopt;
  return keys;
}

std::optional<RetryPolicy> toRetryPolicy(Napi::Env env, Napi::Value value) {
  OptionReader reader(env, value, "policy");
  RetryPolicy policy;
  readRetryPolicy(reader, policy);
  return reader.ok() ? std::optional(policy) : std::nullopt;
}

std::optional<SocketAddress> toAddress(Napi::Env env, Napi::Value value) {
  OptionReader reader(env, value, "address");
  return reader.address("host", "port", OptionReader::kRequired);
}

// ---- up

Napi::Value toJs(Napi::Env env, const SocketAddress& address) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("family", address.isV4() ? "IPv4" : "IPv6");
  object.Set("host", address.host());
  object.Set("port", Napi::Number::New(env, address.port()));
  return object;
}

namespace {

/// Large runs are lent as they are; the next batch gets a buffer of the same size. Small ones are copied into memory that
/// V8 manages more cheaply, and their buffer is used again.
napi_value bytesToJs(napi_env env, BatchBytes& bytes) {
  napi_value result = nullptr;
  if (bytes.size() >= kLendFrom) {
    const size_t capacity = bytes.capacity();
    auto* lent = new BatchBytes(std::exchange(bytes, {}));
    const auto finalize = [](napi_env, void*, void* vector) { delete static_cast<BatchBytes*>(vector); };
    const napi_status status = napi_create_external_buffer(env, lent->size(), lent->data(), finalize, lent, &result);
    if (status == napi_ok) {
      bytes.reserve(capacity);
      return result;
    }
    // What fails later than these has called, or will call, the finalizer.
    const bool isOursStill =
        status == napi_no_external_buffers_allowed || status == napi_pending_exception || status == napi_cannot_run_js;
    if (!isOursStill) return nullptr;
    bytes = std::move(*lent);
    delete lent;
  }
  const napi_status status = napi_create_buffer_copy(env, bytes.size(), bytes.data(), nullptr, &result);
  return status == napi_ok ? result : nullptr;
}

}  // namespace

napi_value BatchConverter::wordsToJs(Napi::Env env, const std::vector<uint32_t>& words) {
  void* data = nullptr;
  size_t length = 0;
  napi_value array = words_.IsEmpty() ? nullptr : static_cast<napi_value>(words_.Value());
  if (array != nullptr) napi_get_typedarray_info(env, array, nullptr, &length, &data, nullptr, nullptr);
  if (length < words.size()) {
    const size_t wanted = std::max(kFewestWords, std::bit_ceil(words.size()));
    napi_value buffer = nullptr;
    if (napi_create_arraybuffer(env, wanted * sizeof(uint32_t), &data, &buffer) != napi_ok) return nullptr;
    if (napi_create_typedarray(env, napi_uint32_array, wanted, buffer, 0, &array) != napi_ok) return nullptr;
    words_.Reset(Napi::Value(env, array), 1);
  }
  std::memcpy(data, words.data(), words.size() * sizeof(uint32_t));
  return array;
}

std::optional<BatchConverter::Arguments> BatchConverter::convert(Napi::Env env, HostBatch& batch) {
  Arguments arguments{};
  arguments.values[0] = wordsToJs(env, batch.words);
  if (arguments.values[0] == nullptr) return std::nullopt;
  if (napi_create_uint32(env, static_cast<uint32_t>(batch.records()), &arguments.values[1]) != napi_ok) {
    return std::nullopt;
  }
  arguments.values[2] = bytesToJs(env, batch.bytes);
  if (arguments.values[2] == nullptr) return std::nullopt;
  return arguments;
}

}  // namespace quic::binding
