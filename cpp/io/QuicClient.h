// The client connections of one environment: on the environment's own loop, or on one thread.
// A connection ends with a ConnectionClosed record also when it never began (an address that cannot be bound).
#pragma once

#include <deque>

#include "io/ClientWorker.h"
#include "io/QuicHost.h"

namespace quic {

struct ClientConnectOptions {
  SocketAddress peer;
  std::optional<SocketAddress> local;  // none: the kernel's choice, shared by all such connections
  std::string serverName;              // see TlsClientContext
  TransportSettings settings;
  TlsClientOptions tls;
};

class QuicClient final : public QuicHost {
 public:
  /// `loop` null: a thread. `sink` outlives the client.
  static HostResult<std::unique_ptr<QuicClient>> make(uv_loop_t* loop, HostSink& sink);
  ~QuicClient() override;

  /// `connection`: the caller's own number, above 0, below 2^40 and never used before. Errors: of TLS options only.
  HostResult<> connect(ConnectionHandle connection, const ClientConnectOptions& options);
  /// ExplicitProbing::Manual: begin to probe the announced address.
  void startProbing(ConnectionHandle connection);
  /// Goes on from another address of this host (port 0: any); with `probe` only when the server answers there. Answered by an
  /// Answer record with this number: the path as JSON, or why not.
  void migrate(ConnectionHandle connection, uint32_t request, const SocketAddress& local, bool probe);

 private:
  static constexpr size_t kMaxContexts = 8;
  struct Context {
    TlsClientOptions options;
    // Shared because connections keep using it when it has been displaced here.
    std::shared_ptr<TlsClientContext> context;
  };

  QuicClient() = default;
  void onFact(size_t, const HostFact&) override {}
  HostResult<std::shared_ptr<TlsClientContext>> contextFor(const TlsClientOptions& options);

  std::deque<Context> contexts_;  // the latest first: reading certificate stores takes milliseconds
};

}  // namespace quic
