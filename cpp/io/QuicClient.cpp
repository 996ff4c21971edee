#include "io/QuicClient.h"

#include <utility>

namespace quic {
namespace {

SocketAddress anyOf(SocketAddress::Family family) {
  return family == SocketAddress::Family::V4 ? SocketAddress::v4({}, 0) : SocketAddress::v6({}, 0);
}

}  // namespace

HostResult<std::unique_ptr<QuicClient>> QuicClient::make(uv_loop_t* loop, HostSink& sink) {
  std::unique_ptr<QuicClient> client(new QuicClient());
  auto worker = ClientWorker::make(loop, sink);
  if (!worker || (client->adopt(std::move(worker)), !client->startAll())) {
    return Unexpected<HostFailure>{{fail(LocalErrorCode::BIND_FAILED, "no resources for a loop").error, 0, {}}};
  }
  return client;
}

QuicClient::~QuicClient() { shutDown(); }

HostResult<> QuicClient::connect(ConnectionHandle connection, const ClientConnectOptions& options) {
  auto context = contextFor(options.tls);
  if (!context) return Unexpected<HostFailure>{context.error()};
  std::unique_ptr<HandshakeLayer> handshake = (*context)->makeHandshake(options.serverName);
  const SocketAddress local = options.local.value_or(anyOf(options.peer.family()));
  worker(0).post(command::Connect{connection, {local, options.peer}, options.settings, std::move(handshake)});
  return Unit{};
}

HostResult<std::shared_ptr<TlsClientContext>> QuicClient::contextFor(const TlsClientOptions& options) {
  for (const Context& known : contexts_) {
    if (known.options == options) return known.context;
  }
  std::string detail;
  auto made = makeTlsClientContext(options, &detail);
  if (!made) return Unexpected<HostFailure>{{made.error(), 0, std::move(detail)}};
  contexts_.push_front({options, *made});
  if (contexts_.size() > kMaxContexts) contexts_.pop_back();
  return *made;
}

void QuicClient::migrate(ConnectionHandle connection, uint32_t request, const SocketAddress& local, bool probe) {
  postTo(connection, command::Migrate{connection, request, local, probe});
}

void QuicClient::startProbing(ConnectionHandle connection) { postTo(connection, command::StartProbing{connection}); }

}  // namespace quic
