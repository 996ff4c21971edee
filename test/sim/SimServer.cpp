#include "sim/SimServer.h"

#include "sim/SimPattern.h"

namespace quic::test {

SimServer::SimServer(const SimWorld& world, const SocketAddress& address, const ServerEndpointSettings& settings,
                     const TlsServerContext& tls)
    : SimNode(world, address), factory_(tls), endpoint_(settings, world.crypto, factory_, world.random, 0) {}

// ---- moving

void SimServer::prepare(ServerMigrationProtocol protocol, const SocketAddress& target) {
  prepareAll([protocol](const QuicServerTransport&) { return protocol; }, target);
}

void SimServer::prepareEach(const SocketAddress& target) {
  using enum ServerMigrationProtocol;
  prepareAll(
      [](const QuicServerTransport& connection) -> std::optional<ServerMigrationProtocol> {
        for (const auto protocol : {POOL_OF_ADDRESSES, EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
          if (connection.negotiatedMigration().usable().has(protocol)) return protocol;
        }
        return std::nullopt;
      },
      target);
}

void SimServer::prepareAll(const Choice& protocolOf, const SocketAddress& target) {
  ready.clear();
  completed.clear();
  endpoint_.refuseNewConnections(true);
  const std::vector<ConnectionHandle> all = open();
  (void)coordinator_.begin(all, clock().now() + 24h);
  for (const ConnectionHandle handle : all) {
    QuicServerTransport& connection = *endpoint_.find(handle);
    const auto protocol = protocolOf(connection);
    if (!protocol) {
      coordinator_.onExcluded(handle);
      continue;
    }
    const bool isExplicit = *protocol == ServerMigrationProtocol::EXPLICIT;
    connection.onImminentServerMigration(clock().now(), *protocol,
                                         isExplicit ? std::optional(QuicIPAddress::from(target)) : std::nullopt);
    endpoint_.touch(handle);
  }
  note("prepares to move to " + target.toString());
  wake();
}

void SimServer::moveTo(const SocketAddress& target, Duration silentFor, SimGap gap) {
  if (coordinator_.phase() == ServerMigrationCoordinator::Phase::Prepared) leaveBehind();
  note("leaves for " + target.toString());
  unplug();
  if (gap == SimGap::Frozen) freeze();
  clock().after(silentFor, [this, target, silentFor, gap] {
    if (gap == SimGap::Frozen) {
      thaw();
      for (const ConnectionHandle handle : open()) {
        endpoint_.find(handle)->onResumed(clock().now(), silentFor);
        endpoint_.touch(handle);
      }
    }
    arrive(target);
  });
}

void SimServer::leaveBehind() {
  std::set<ConnectionHandle> moving;
  for (const MigrationOutcome& outcome : coordinator_.outcomes()) {
    if (outcome.status == MigrationOutcome::Status::Ready) moving.insert(outcome.connection);
  }
  for (const ConnectionHandle handle : open()) {
    if (moving.contains(handle)) continue;
    ++leftBehind;
    endpoint_.find(handle)->close(clock().now(), TransportErrorCode::CONNECTION_REFUSED, "server migrated: reconnect");
    endpoint_.touch(handle);
  }
  turnNow();  // from the old address: the only one that these clients know
}

void SimServer::arrive(const SocketAddress& target) {
  plugIn(target);
  note("is at " + target.toString());
  endpoint_.refuseNewConnections(false);
  if (coordinator_.phase() == ServerMigrationCoordinator::Phase::Prepared) {
    (void)coordinator_.onNetworkSwitched(clock().now() + 24h);
  }
  std::vector<ConnectionHandle> all;  // closing ones too: they have a socket as well
  endpoint_.connections().forEach([&](ConnectionHandle handle, const QuicTransportBase&) { all.push_back(handle); });
  for (const ConnectionHandle handle : all) {
    endpoint_.find(handle)->onNetworkSwitch(clock().now(), target);
    endpoint_.touch(handle);
  }
  wake();
}

std::vector<ConnectionHandle> SimServer::open() {
  std::vector<ConnectionHandle> all;
  endpoint_.connections().forEach([&](ConnectionHandle handle, const QuicTransportBase& connection) {
    if (!connection.isClosing()) all.push_back(handle);
  });
  return all;
}

std::vector<SocketAddress> SimServer::awaited() const {
  using enum MigrationOutcome::Status;
  std::vector<SocketAddress> clients;
  for (const MigrationOutcome& outcome : coordinator_.outcomes()) {
    if (outcome.status != Pending && outcome.status != Switching) continue;
    const QuicServerTransport* connection = endpoint_.find(outcome.connection);
    if (connection != nullptr) clients.push_back(connection->activePath().peer);
  }
  return clients;
}

// ---- streams

void SimServer::pushToAll(uint64_t size) {
  for (const ConnectionHandle handle : connections) {
    const ByteVector bytes = patternOf(0x5e0000 + ++pushes_, size);
    QuicServerTransport* connection = endpoint_.find(handle);
    const auto id = connection->openStream(true);
    if (!id || !connection->writeStream(*id, OwnedBytes::copyOf(bytes), true)) continue;
    pushedHashes.insert(foldHash(kEmptyHash, bytes));
    endpoint_.touch(handle);
  }
  wake();
}

void SimServer::echo(ConnectionHandle connection, StreamId id) {
  ByteVector buffer(16384);
  QuicServerTransport& transport = *endpoint_.find(connection);
  while (true) {
    const auto read = transport.readStream(id, buffer);
    if (!read || (read->size == 0 && !read->fin)) break;
    if (!transport.writeStream(id, OwnedBytes::copyOf(ByteSpan(buffer).first(read->size)), read->fin)) break;
    if (read->fin) break;
  }
  endpoint_.touch(connection);
}

void SimServer::swallow(ConnectionHandle connection, StreamId id) {
  ByteVector buffer(16384);
  QuicServerTransport& transport = *endpoint_.find(connection);
  uint64_t& hash = swallowing_.try_emplace({connection, id}, kEmptyHash).first->second;
  while (true) {
    const auto read = transport.readStream(id, buffer);
    if (!read || (read->size == 0 && !read->fin)) break;
    swallowed[transport.activePath().peer] += read->size;
    hash = foldHash(hash, ByteSpan(buffer).first(read->size));
    if (!read->fin) continue;
    swallowedHashes.insert(hash);
    swallowing_.erase({connection, id});
    break;
  }
  endpoint_.touch(connection);
}

// ---- events

void SimServer::hear(ConnectionHandle connection, const MigrationEvent& event) {
  if (const auto* is = std::get_if<migration::Ready>(&event)) {
    ready.insert(connection);
    coordinator_.onReady(connection, is->protocol);
    note("may be moved");
  }
  if (std::holds_alternative<migration::Completed>(event)) {
    completed.insert(connection);
    coordinator_.onCompleted(connection);
    note("knows that its client has followed");
  }
  if (std::holds_alternative<migration::Failed>(event)) {
    ++failed;
    coordinator_.onExcluded(connection);
  }
}

void SimServer::onEvent(ConnectionHandle connection, const TransportEvent& event) {
  if (std::holds_alternative<HandshakeFinished>(event)) connections.insert(connection);
  if (const auto* closed = std::get_if<ConnectionClosed>(&event)) {
    connections.erase(connection);
    closeErrors.push_back(closed->error);
    coordinator_.onClosed(connection);
  }
  if (const auto* log = std::get_if<QLogText>(&event)) qlog += log->text;
  if (const auto* changed = std::get_if<PathChanged>(&event)) pathChanges.push_back(changed->path);
  if (const auto* stream = std::get_if<StreamEvent>(&event)) {
    if (const auto* readable = std::get_if<StreamReadable>(stream)) {
      if (readable->id.isUnidirectional()) {
        swallow(connection, readable->id);
      } else {
        echo(connection, readable->id);
      }
    }
  }
  if (const auto* migration = std::get_if<MigrationEvent>(&event)) hear(connection, *migration);
}

}  // namespace quic::test
