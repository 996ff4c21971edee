#include "sim/SimServer.h"

namespace quic::test {

SimServer::SimServer(const SimWorld& world, const SocketAddress& address, const ServerEndpointSettings& settings,
                     const TlsServerContext& tls)
    : SimNode(world, address), factory_(tls), endpoint_(settings, world.crypto, factory_, world.random, 0) {}

void SimServer::prepare(ServerMigrationProtocol protocol, const SocketAddress& target) {
  ready.clear();
  completed.clear();
  endpoint_.refuseNewConnections(true);
  const std::optional<QuicIPAddress> announced =
      protocol == ServerMigrationProtocol::EXPLICIT ? std::optional(QuicIPAddress::from(target)) : std::nullopt;
  for (const ConnectionHandle handle : connections) {
    endpoint_.find(handle)->onImminentServerMigration(clock().now(), protocol, announced);
    endpoint_.touch(handle);
  }
  wake();
}

void SimServer::moveTo(const SocketAddress& target, Duration silentFor) {
  unplug();
  clock().after(silentFor, [this, target] {
    rebind(target);
    endpoint_.refuseNewConnections(false);
    std::vector<ConnectionHandle> all;
    endpoint_.connections().forEach([&](ConnectionHandle handle, QuicTransportBase&) { all.push_back(handle); });
    for (const ConnectionHandle handle : all) {
      endpoint_.find(handle)->onNetworkSwitch(clock().now(), target);
      endpoint_.touch(handle);
    }
    wake();
  });
}

void SimServer::echo(ConnectionHandle connection, StreamId id) {
  ByteVector buffer(16384);
  QuicServerTransport& transport = *endpoint_.find(connection);
  while (true) {
    const auto read = transport.readStream(id, buffer);
    if (!read || (read->size == 0 && !read->fin)) break;
    if (id.isUnidirectional()) {
      swallowed[transport.activePath().peer] += read->size;
      if (read->fin) break;
      continue;
    }
    if (!transport.writeStream(id, OwnedBytes::copyOf(ByteSpan(buffer).first(read->size)), read->fin)) break;
    if (read->fin) break;
  }
  endpoint_.touch(connection);
}

void SimServer::onEvent(ConnectionHandle connection, const TransportEvent& event) {
  if (std::holds_alternative<HandshakeFinished>(event)) connections.insert(connection);
  if (const auto* closed = std::get_if<ConnectionClosed>(&event)) {
    connections.erase(connection);
    closeErrors.push_back(closed->error);
  }
  if (const auto* log = std::get_if<QLogText>(&event)) qlog += log->text;
  if (const auto* changed = std::get_if<PathChanged>(&event)) pathChanges.push_back(changed->path);
  if (const auto* stream = std::get_if<StreamEvent>(&event)) {
    if (const auto* readable = std::get_if<StreamReadable>(stream)) echo(connection, readable->id);
  }
  if (const auto* migration = std::get_if<MigrationEvent>(&event)) {
    if (std::holds_alternative<migration::Ready>(*migration)) ready.insert(connection);
    if (std::holds_alternative<migration::Completed>(*migration)) completed.insert(connection);
    if (std::holds_alternative<migration::Failed>(*migration)) ++failed;
  }
}

}  // namespace quic::test
