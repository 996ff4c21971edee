#include "io/QuicServer.h"

#include <algorithm>
#include <utility>

#include "io/BindShared.h"
#include "io/HostRecords.h"
#include "io/SystemClock.h"

namespace quic {
namespace {

Unexpected<HostFailure> refused(LocalErrorCode code, std::string_view reason, std::string detail = {}) {
  return {HostFailure{fail(code, reason).error, 0, std::move(detail)}};
}

template <size_t N>
void fillUnset(std::array<uint8_t, N>& secret) {
  const bool isUnset = std::all_of(secret.begin(), secret.end(), [](uint8_t byte) { return byte == 0; });
  if (isUnset) SystemRandom().fill(secret);
}

/// A secret of zeros would let anybody forge stateless resets (RFC 9000 §10.3.2) and address tokens (§8.1.4). One of each for
/// all workers.
ServerEndpointSettings withSecrets(ServerEndpointSettings settings) {
  fillUnset(settings.resetSecret);
  fillUnset(settings.tokens.seed);
  settings.tokens.seededAt = systemNow();
  if (settings.tokens.unixOffset == Duration{0}) settings.tokens.unixOffset = unixOffset();
  return settings;
}

/// Whether a socket that is bound to `bound` receives what is sent to `address`.
bool isCovered(const SocketAddress& bound, bool dualStack, const SocketAddress& address) {
  if (bound == address) return true;
  const bool isOfFamily = bound.family() == address.family() || (dualStack && address.isV4());
  return bound.isUnspecified() && bound.port() == address.port() && isOfFamily;
}

/// Sockets at preferred addresses (RFC 9000 §9.6) where those at `bound` do not receive: one for each worker at each of them.
SocketResult<std::vector<std::vector<UdpSocket>>> bindPreferred(const ServerOptions& options,
                                                                const SocketAddress& bound, size_t count) {
  std::vector<std::vector<UdpSocket>> all;
  for (const auto& address : {options.endpoint.transport.preferredV4, options.endpoint.transport.preferredV6}) {
    if (!address || isCovered(bound, options.dualStack, *address)) continue;
    auto sockets = bindShared({*address, count, false, options.steer, bound});
    if (!sockets) return Unexpected<SocketFailure>{sockets.error()};
    all.push_back(std::move(*sockets));
  }
  return all;
}

}  // namespace

HostResult<std::unique_ptr<QuicServer>> QuicServer::listen(const ServerOptions& given, HostSink& sink) {
  ServerOptions options = given;
  // By the first byte of an ID, which does not always name the worker.
  options.steer = options.steer && options.endpoint.connectionIds.isSteerable();
  if (options.workers > 256 || (options.workers == 0 && options.loop == nullptr)) {
    return refused(LocalErrorCode::INVALID_ARGUMENT, "0 workers need a loop, and 256 are the most");
  }
  const TransportSettings& transport = options.endpoint.transport;
  if (const auto problem = options.endpoint.connectionIds.problem(transport.connectionIdSize); !problem.empty()) {
    return refused(LocalErrorCode::INVALID_ARGUMENT, problem);
  }
  std::string detail;
  auto tls = makeTlsServerContext(options.tls, &detail);
  if (!tls) return Unexpected<HostFailure>{{tls.error(), 0, std::move(detail)}};
  const size_t count = std::max<size_t>(1, options.workers);
  auto sockets = bindShared({options.address, count, options.dualStack, options.steer, std::nullopt, options.fd});
  if (!sockets) return Unexpected<HostFailure>{{sockets.error().error, sockets.error().systemError, {}}};
  auto preferred = bindPreferred(options, sockets->front().localAddress(), count);
  if (!preferred) return Unexpected<HostFailure>{{preferred.error().error, preferred.error().systemError, {}}};

  std::unique_ptr<QuicServer> server(new QuicServer(options, sockets->front().localAddress(), *tls));
  ServerWorkerOptions each{options.workers == 0 ? options.loop : nullptr, 0, withSecrets(options.endpoint), *tls};
  each.endpoint.workers = count;
  for (size_t index = 0; index < count; ++index) {
    each.index = static_cast<uint8_t>(index);
    auto worker = ServerWorker::make(each, std::move((*sockets)[index]), sink, *server);
    bool isWhole = worker != nullptr;
    for (auto& further : *preferred) isWhole = isWhole && worker->addSocket(std::move(further[index]));
    if (!isWhole) return refused(LocalErrorCode::BIND_FAILED, "no resources for a worker");
    server->adopt(std::move(worker));
  }
  if (!server->startAll()) return refused(LocalErrorCode::BIND_FAILED, "no resources for a thread");
  return server;
}

QuicServer::QuicServer(const ServerOptions& options, const SocketAddress& address,
                       std::shared_ptr<TlsServerContext> tls)
    : options_(options), tls_(std::move(tls)), address_(address) {}

QuicServer::~QuicServer() { shutDown(); }

void QuicServer::forward(uint8_t index, command::Forwarded&& datagram) {
  if (index < workerCount()) worker(index).postForwarded(std::move(datagram));
}

ServerStats QuicServer::serverStats() const {
  ServerStats sum;
  for (size_t index = 0; index < workerCount(); ++index) {
    const ServerStats one = static_cast<const ServerWorker&>(worker(index)).stats();
    sum.connections += one.connections;
    sum.accepted += one.accepted;
    sum.refused += one.refused;
    sum.dropped += one.dropped;
    sum.forwarded += one.forwarded;
  }
  return sum;
}

void QuicServer::stats(ConnectionHandle connection, uint32_t request) {
  if (connection != 0) return QuicHost::stats(connection, request);
  const ServerStats sum = serverStats();
  JsonWriter json;
  json.beginObject().name("connections").number(sum.connections).name("accepted").number(sum.accepted);
  json.name("refused").number(sum.refused).name("datagramsDropped").number(sum.dropped);
  addRecord(RecordKind::Stats, json.name("datagramsForwarded").number(sum.forwarded).endObject().str(), request);
  poke();
}

void QuicServer::refuse(bool refuse) {
  isRefusing_ = refuse;
  applyRefusal();
}

void QuicServer::beginShutdown() {
  postToAll([] { return command::BeginShutdown{}; });
}

void QuicServer::setRetryPolicy(const RetryPolicy& policy) {
  postToAll([&] { return command::SetRetryPolicy{policy}; });
}

void QuicServer::setTokenKeys(const std::vector<AddressTokenKey>& keys) {
  std::vector<AddressTokenKey> used = keys;
  if (used.empty()) {  // one for all workers, or they would not know each other's tokens
    used.emplace_back();
    SystemRandom().fill(used.back());
  }
  postToAll([&] { return command::SetTokenKeys{used}; });
}

/// The application's wish, or a move's need.
void QuicServer::applyRefusal() {
  const bool refuse = isRefusing_ || isEnlisting_ || coordinator_.blocksHandshakes();
  if (refuse == std::exchange(wasRefusing_, refuse)) return;
  postToAll([&] { return command::Refuse{refuse}; });
}

}  // namespace quic
