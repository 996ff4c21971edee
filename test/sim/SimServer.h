// A server host: echoes every stream that can be answered, and swallows the others; pushes streams of its own; counts what
// it meets, and can move to another address, as io/QuicServer would: all connections are told, counted by the coordinator,
// and those that cannot come along are closed before it leaves.
#pragma once

#include <map>
#include <set>

#include "quic/server/QuicServerEndpoint.h"
#include "quic/server/ServerMigrationCoordinator.h"
#include "quic/tls/OpenSslTls.h"
#include "sim/SimNode.h"

namespace quic::test {

/// What happens to a server between two addresses. Offline: it runs without a network. Frozen: it stands still, and is told of
/// it afterwards, as a process that was checkpointed and continued elsewhere.
enum class SimGap : uint8_t { Offline, Frozen };

class SimServer final : public SimNode<QuicServerEndpoint> {
 public:
  SimServer(const SimWorld& world, const SocketAddress& address, const ServerEndpointSettings& settings,
            const TlsServerContext& tls);

  /// Step 1 of a move: every connection is told. Those that become ready are counted.
  void prepare(ServerMigrationProtocol protocol, const SocketAddress& target);
  /// Each connection by the protocol that it has negotiated; those without one are left out.
  void prepareEach(const SocketAddress& target);
  /// Step 2: off the network for `silentFor`, then at `target`. When it is prepared, connections that are not ready are closed.
  void moveTo(const SocketAddress& target, Duration silentFor, SimGap gap = SimGap::Offline);
  /// `size` bytes on a stream of its own to every connection whose handshake is finished.
  void pushToAll(uint64_t size);

  [[nodiscard]] const ServerMigrationCoordinator& coordinator() const { return coordinator_; }
  /// The clients that keep the present phase of the move from ending.
  [[nodiscard]] std::vector<SocketAddress> awaited() const;
  QuicServerEndpoint& endpoint() override { return endpoint_; }
  void onEvent(ConnectionHandle connection, const TransportEvent& event) override;

  std::map<SocketAddress, uint64_t> swallowed;  // bytes of streams that cannot be answered, by client
  std::multiset<uint64_t> swallowedHashes;      // of those streams that are complete
  std::multiset<uint64_t> pushedHashes;
  std::set<ConnectionHandle> connections;  // open, handshake finished
  std::set<ConnectionHandle> ready;
  std::set<ConnectionHandle> completed;
  uint64_t failed = 0;
  uint64_t leftBehind = 0;  // closed because they could not come along
  std::vector<QuicError> closeErrors;
  std::vector<FourTuple> pathChanges;
  std::string qlog;  // of all connections, one after another: for tests with one

 private:
  struct Factory final : HandshakeFactory {
    explicit Factory(const TlsServerContext& context) : context(context) {}
    std::unique_ptr<HandshakeLayer> makeHandshake() override { return context.makeHandshake(); }
    const TlsServerContext& context;
  };
  using Choice = std::function<std::optional<ServerMigrationProtocol>(const QuicServerTransport&)>;
  void prepareAll(const Choice& protocolOf, const SocketAddress& target);
  void leaveBehind();
  void arrive(const SocketAddress& target);
  void echo(ConnectionHandle connection, StreamId id);
  void swallow(ConnectionHandle connection, StreamId id);
  void hear(ConnectionHandle connection, const MigrationEvent& event);
  [[nodiscard]] std::vector<ConnectionHandle> open();

  Factory factory_;
  QuicServerEndpoint endpoint_;
  ServerMigrationCoordinator coordinator_;
  std::map<std::pair<ConnectionHandle, StreamId>, uint64_t> swallowing_;  // hashes of streams that are not complete
  uint64_t pushes_ = 0;
};

}  // namespace quic::test
