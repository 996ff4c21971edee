#include "quic/client/QuicClientTransport.h"

#include "quic/api/ConnectionMigrationDriver.h"
#include "quic/api/MigrationDriver.h"
#include "quic/api/QLogDriver.h"
#include "quic/api/QuicConnectionState.h"
#include "quic/api/VersionDriver.h"

namespace quic {
namespace {

ConnectionId randomId(Random& random, size_t size) {
  std::array<uint8_t, kMaxConnectionIdSize> bytes{};
  random.fill(MutableByteSpan(bytes).first(size));
  return ConnectionId(ByteSpan(bytes).first(size));
}

}  // namespace

GeneratedConnectionId RandomConnectionIds::make() {
  GeneratedConnectionId generated{randomId(random_, size_), {}};
  if (key_ == nullptr) {
    random_.fill(generated.token);
  } else {
    generated.token = key_->tokenOf(generated.id);
  }
  return generated;
}

QuicClientTransport::QuicClientTransport(TimePoint now, const FourTuple& path, const TransportSettings& settings,
                                         ClientDependencies dependencies)
    : QuicTransportBase(std::make_unique<QuicConnectionState>(
          Role::Client, settings, Environment{dependencies.crypto, dependencies.random, dependencies.connectionIds},
          path, true)) {
  QuicConnectionState& connection = state();
  connection.now = now;
  connection.idle.lastReceivedAt = now;
  connection.handshake.deadline = now + settings.handshakeTimeout;
  connection.handshake.tls = std::move(dependencies.handshake);
  if (!settings.clientMigration.protocols.empty()) {
    connection.migration.emplace<ServerMigrationClient>(settings.clientMigration, path.peer);
  }
  connection.routing.emplace_back(ConnectionIdIssued{connection.selfIds.first()});
  beginInOriginalVersion(connection);
  logChanges(connection, Initiator::Local);
}

Result<> QuicClientTransport::migrate(TimePoint now, const SocketAddress& local) {
  state().now = now;
  return migrateTo(state(), local);
}

Result<> QuicClientTransport::rebind(TimePoint now, const SocketAddress& local) {
  state().now = now;
  return rebindTo(state(), local);
}

Result<> QuicClientTransport::startProbing(TimePoint now) {
  state().now = now;
  return quic::startProbing(state());
}

ServerMigrationClient::State QuicClientTransport::migrationState() const {
  const ServerMigrationClient* client = state().migrationClient();
  return client == nullptr ? ServerMigrationClient::State::Idle : client->state();
}

}  // namespace quic
