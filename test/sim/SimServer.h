// A server host: echoes every stream that can be answered, and swallows the others; counts what it meets, and can move to another address.
#pragma once

#include <map>
#include <set>

#include "quic/server/QuicServerEndpoint.h"
#include "quic/tls/OpenSslTls.h"
#include "sim/SimNode.h"

namespace quic::test {

class SimServer final : public SimNode<QuicServerEndpoint> {
 public:
  SimServer(const SimWorld& world, const SocketAddress& address, const ServerEndpointSettings& settings,
            const TlsServerContext& tls);

  /// Step 1 of a move: every connection is told. Those that become ready are counted.
  void prepare(ServerMigrationProtocol protocol, const SocketAddress& target);
  /// Step 2: off the network for `silentFor`, then at `target`.
  void moveTo(const SocketAddress& target, Duration silentFor);

  QuicServerEndpoint& endpoint() override { return endpoint_; }
  void onEvent(ConnectionHandle connection, const TransportEvent& event) override;

  std::map<SocketAddress, uint64_t> swallowed;  // bytes of streams that cannot be answered, by client
  std::set<ConnectionHandle> connections;       // open, handshake finished
  std::set<ConnectionHandle> ready;
  std::set<ConnectionHandle> completed;
  uint64_t failed = 0;
  std::vector<QuicError> closeErrors;
  std::vector<FourTuple> pathChanges;
  std::string qlog;  // of all connections, one after another: for tests with one

 private:
  struct Factory final : HandshakeFactory {
    explicit Factory(const TlsServerContext& context) : context(context) {}
    std::unique_ptr<HandshakeLayer> makeHandshake() override { return context.makeHandshake(); }
    const TlsServerContext& context;
  };
  void echo(ConnectionHandle connection, StreamId id);

  Factory factory_;
  QuicServerEndpoint endpoint_;
};

}  // namespace quic::test
