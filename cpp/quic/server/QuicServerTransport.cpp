#include "quic/server/QuicServerTransport.h"

#include <algorithm>

#include "quic/api/HandshakeDriver.h"
#include "quic/api/MigrationDriver.h"
#include "quic/api/QLogDriver.h"
#include "quic/api/QuicConnectionState.h"

namespace quic {
namespace {

/// Of a pool, what a client of this family can use, each address once: anything else would be a violation to it (SM-07).
std::vector<QuicIPAddress> usablePool(const std::vector<QuicIPAddress>& pool, SocketAddress::Family family) {
  std::vector<QuicIPAddress> usable;
  for (const QuicIPAddress& address : pool) {
    const bool isNew = std::find(usable.begin(), usable.end(), address) == usable.end();
    if (isNew && address.forFamily(family)) usable.push_back(address);
  }
  return usable;
}

}  // namespace

QuicServerTransport::QuicServerTransport(TimePoint now, const ServerAccept& accept, const TransportSettings& settings,
                                         ServerDependencies dependencies)
    : QuicTransportBase(std::make_unique<QuicConnectionState>(
          Role::Server, settings, Environment{dependencies.crypto, dependencies.random, dependencies.connectionIds},
          accept.path, accept.isAddressValidated)) {
  QuicConnectionState& connection = state();
  connection.now = now;
  connection.idle.lastReceivedAt = now;
  connection.handshake.deadline = now + settings.handshakeTimeout;
  connection.handshake.tls = std::move(dependencies.handshake);
  connection.handshake.version = accept.version;
  connection.handshake.originalVersion = accept.version;
  connection.handshake.originalDestinationId = accept.originalDestinationId.value_or(accept.clientDestinationId);
  if (accept.originalDestinationId) connection.handshake.retrySourceId = accept.clientDestinationId;
  connection.settings.migrationPool = usablePool(settings.migrationPool, accept.path.peer.family());
  if (!settings.serverMigration.empty()) connection.migration.emplace<ServerMigrationServer>();
  connection.routing.emplace_back(ConnectionIdIssued{connection.selfIds.first()});
  beginQLog(connection);
  installInitialKeys(connection);
  startServerHandshake(connection);
  logChanges(connection, Initiator::Remote);
}

void QuicServerTransport::onImminentServerMigration(TimePoint now, ServerMigrationProtocol protocol,
                                                    const std::optional<QuicIPAddress>& address) {
  state().now = now;
  prepareServerMigration(state(), protocol, address);
}

void QuicServerTransport::onNetworkSwitch(TimePoint now, const SocketAddress& local) {
  state().now = now;
  switchNetwork(state(), local);
}

void QuicServerTransport::cancelServerMigration() { quic::cancelServerMigration(state()); }

ServerMigrationServer::State QuicServerTransport::migrationState() const {
  const auto* server = std::get_if<ServerMigrationServer>(&state().migration);
  return server == nullptr ? ServerMigrationServer::State::Idle : server->state();
}

ServerMigrationProtocols QuicServerTransport::negotiatedMigration() const { return quic::negotiatedMigration(state()); }

bool QuicServerTransport::wantsAddressToken() const {
  const Path& active = state().paths.active();
  return state().isConfirmed() && active.isValidated && state().newTokensSent.wantsTokenFor(active.tuple.peer);
}

void QuicServerTransport::offerAddressToken(ByteVector&& token) {
  state().newTokensSent.offer(std::move(token), state().paths.active().tuple.peer);
}

const ConnectionId& QuicServerTransport::originalConnectionId() const { return state().selfIds.first(); }

}  // namespace quic
