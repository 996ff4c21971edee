#include "quic/api/PreferredAddressDriver.h"

#include "quic/api/PathDriver.h"

namespace quic {
namespace {

/// The one of the two addresses that this client may and can reach.
std::optional<SocketAddress> choice(const QuicConnectionState& state) {
  const auto& parameters = state.handshake.peerParameters;
  if (!parameters || !parameters->preferredAddress || !state.settings.followsPreferredAddress) return std::nullopt;
  const SocketAddress& active = state.paths.active().tuple.peer;
  const PreferredAddress& preferred = *parameters->preferredAddress;
  const SocketAddress address = active.isV4() ? preferred.v4 : preferred.v6;  // RFC 9000 §9.6.3
  if (address.family() != active.family() || address == active) return std::nullopt;
  const AddressPolicy policy(state.settings.clientMigration.addressPolicy, active);
  return policy.accepts(address) ? std::optional(address) : std::nullopt;
}

}  // namespace

void offerPreferredAddress(QuicConnectionState& state, TransportParameters& ours) {
  const TransportSettings& settings = state.settings;
  if (!settings.preferredV4 && !settings.preferredV6) return;
  const GeneratedConnectionId id = state.selfIds.issuePreferred(state.environment.connectionIds);
  state.routing.emplace_back(ConnectionIdIssued{id.id});
  ours.preferredAddress = PreferredAddress{settings.preferredV4.value_or(SocketAddress()),
                                           settings.preferredV6.value_or(SocketAddress()), id.id, id.token};
}

bool isOurPreferredAddress(const QuicConnectionState& state, const SocketAddress& local) {
  return state.role == Role::Server && (state.settings.preferredV4 == local || state.settings.preferredV6 == local);
}

Result<> onPreferredAddress(QuicConnectionState& state, const TransportParameters& peer) {
  if (!peer.preferredAddress) return Unit{};
  return state.peerIds.setPreferred(peer.preferredAddress->id, peer.preferredAddress->token);
}

void followPreferredAddress(QuicConnectionState& state) {
  (void)probePreferredAddress(state, state.paths.active().tuple.local);
}

Path* probePreferredAddress(QuicConnectionState& state, const SocketAddress& local) {
  const auto address = choice(state);
  // A server that is about to move has told a newer address than the handshake's.
  const ServerMigrationClient* migration = state.migrationClient();
  if (!address || (migration != nullptr && migration->state() != ServerMigrationClient::State::Idle)) return nullptr;
  Path* path = openPath(state, {local, *address});
  if (path == nullptr) return nullptr;
  path->purpose = Path::Purpose::OwnMove;
  validatePath(state, *path);
  return path;
}

bool isPreferredByPeer(const QuicConnectionState& state, const SocketAddress& peer) {
  const auto& parameters = state.handshake.peerParameters;
  if (state.role != Role::Client || !parameters || !parameters->preferredAddress) return false;
  return parameters->preferredAddress->v4 == peer || parameters->preferredAddress->v6 == peer;
}

}  // namespace quic
