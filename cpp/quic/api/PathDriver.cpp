#include "quic/api/PathDriver.h"

#include <algorithm>

#include "quic/api/MigrationDriver.h"
#include "quic/api/RecoveryDriver.h"

namespace quic {
namespace {

/// RFC 9000 §8.2.4: three times the larger of the PTO now and the PTO of a new path.
TimePoint validationDeadline(const QuicConnectionState& state) {
  const Duration now = state.paths.active().rtt.pto(state.peerMaxAckDelay());
  const Duration fresh = RttEstimator(state.settings.initialRtt).pto(state.peerMaxAckDelay());
  return state.now + 3 * std::max(now, fresh);
}

Duration probeInterval(const QuicConnectionState& state) {
  constexpr Duration kLeast = 10ms;
  return std::max(kLeast, state.paths.active().rtt.pto(Duration{0}));
}

/// A path is gone: so is its ID, unless the peer gave too few and others send with it too.
void releaseDestination(QuicConnectionState& state, uint64_t sequence) {
  if (!state.paths.isDestinationInUse(sequence)) state.peerIds.retire(sequence);
}

Path& addPath(QuicConnectionState& state, const FourTuple& tuple) {
  std::optional<EvictedPath> evicted;
  Path& path = state.paths.add(tuple, &evicted);
  if (evicted) {
    abandonFlight(state, evicted->id);
    releaseDestination(state, evicted->destination.sequence);
  }
  // RFC 9000 §9.5: a path has an ID of its own. A peer that gave none is still served, on the ID it knows.
  path.destination = state.peerIds.takeUnused().value_or(state.paths.active().destination);
  path.lastReceivedAt = state.now;
  return path;
}

}  // namespace

bool mayAdoptPath(const QuicConnectionState& state, const FourTuple& tuple) {
  if (state.isHandshaking()) return false;  // RFC 9000 §9: no migration before the handshake is confirmed
  if (state.role == Role::Server) return true;
  const ServerMigrationClient* client = state.migrationClient();
  return client != nullptr && client->mayReceiveFrom(tuple.peer);
}

Path& adoptPath(QuicConnectionState& state, const FourTuple& tuple) { return addPath(state, tuple); }

void probePath(QuicConnectionState& state, const SocketAddress& peer) {
  Path* path = state.paths.findPeer(peer);
  if (path == nullptr) path = &addPath(state, {state.paths.active().tuple.local, peer});
  path->validation.reset();
  state.paths.beginValidation(state.now, path->id, probeInterval(state), validationDeadline(state));
}

void switchPath(QuicConnectionState& state, PathId id) {
  const PathId old = state.paths.active().id;
  if (old == id) return;
  state.paths.setActive(id);
  state.recovery.resetPtoCount();
  state.recovery.resetReordering();
  state.pacedUntil.reset();
  abandonFlight(state, old);
  state.events.emplace_back(PathChanged{state.paths.active().tuple});
}

void dropPath(QuicConnectionState& state, PathId id) {
  Path* path = state.paths.find(id);
  if (path == nullptr || id == state.paths.active().id) return;
  abandonFlight(state, id);
  if (const auto destination = state.paths.remove(id)) releaseDestination(state, destination->sequence);
}

void onPathChallenge(QuicConnectionState& state, const PacketContext& context, const PathChallengeFrame& frame) {
  if (Path* path = state.paths.find(context.path)) state.paths.onChallenge(*path, frame.data);
}

void onPathResponse(QuicConnectionState& state, const PathResponseFrame& frame) {
  if (Path* path = state.paths.onResponse(state.now, frame.data)) onPathValidated(state, path->id);
}

void onPeerMoved(QuicConnectionState& state, PathId id) {
  Path* path = state.paths.find(id);
  if (path == nullptr || state.role != Role::Server || state.isHandshaking()) return;
  Path& old = state.paths.active();
  const PathId oldId = old.id;
  switchPath(state, id);
  if (path->tuple.peer.sameHost(old.tuple.peer)) {
    // RFC 9000 §9.4: only the port changed, most likely a NAT; the network in between is the same. Packets in flight name
    // their path, so neither controller may still count any when they change places.
    abandonFlight(state, id);
    std::swap(path->controller, old.controller);
    std::swap(path->deliveryRate, old.deliveryRate);
    std::swap(path->windowUsage, old.windowUsage);
    path->rtt = old.rtt;
  }
  if (!path->isValidated) {
    state.paths.beginValidation(state.now, id, probeInterval(state), validationDeadline(state));
    // RFC 9000 §9.3.3: an attacker who forwards copies is found out by the answer of the true peer.
    state.paths.beginValidation(state.now, oldId, probeInterval(state), validationDeadline(state));
  }
  if (Path* left = state.paths.find(oldId)) left->lastReceivedAt = state.now;
}

void refreshDestinationIds(QuicConnectionState& state) {
  const auto refresh = [&](Path& path) {
    if (state.peerIds.isKnown(path.destination.sequence)) return;
    if (const auto fresh = state.peerIds.takeUnused()) {
      path.destination = *fresh;
    } else if (path.id != state.paths.active().id) {
      path.destination = state.paths.active().destination;  // a retired ID would reach nobody
    }
  };
  refresh(state.paths.active());
  state.paths.forEach(refresh);
}

void onPathTimeout(QuicConnectionState& state) {
  for (const PathId id : state.paths.expire(state.now)) onPathFailed(state, id);
}

}  // namespace quic
