#include "quic/api/PathDriver.h"

#include <algorithm>

#include "quic/api/ConnectionMigrationDriver.h"
#include "quic/api/LifeDriver.h"
#include "quic/api/MigrationDriver.h"
#include "quic/api/MtuDriver.h"
#include "quic/api/PreferredAddressDriver.h"
#include "quic/api/RecoveryDriver.h"

namespace quic {
namespace {

/// RFC 9000 §8.2.4: three times the larger of the PTO now and the PTO of a new path. After as long a silence a path that is
/// not used any more is forgotten, and its ID retired (§5.1.2).
Duration validationTime(const QuicConnectionState& state) {
  const Duration now = state.paths.active().rtt.pto(state.peerMaxAckDelay());
  const Duration fresh = RttEstimator(state.settings.initialRtt).pto(state.peerMaxAckDelay());
  return 3 * std::max(now, fresh);
}

/// When `path` has been silent for long enough to be forgotten. nullopt: it is used, or may have to be gone back to.
std::optional<TimePoint> forgottenAt(const QuicConnectionState& state, const Path& path) {
  const Path& active = state.paths.active();
  if (path.id == active.id || path.validation || !active.isValidated || active.validation) return std::nullopt;
  return path.lastReceivedAt + validationTime(state);
}

/// A path is gone: so is its ID, unless the peer gave too few and others send with it too.
void releaseDestination(QuicConnectionState& state, const PeerConnectionId& destination) {
  if (!state.paths.isDestinationInUse(destination.sequence)) state.peerIds.retire(destination.sequence);
}

Path& addPath(QuicConnectionState& state, const FourTuple& tuple) {
  std::optional<EvictedPath> evicted;
  Path& path = state.paths.add(state.now, tuple, &evicted);
  if (evicted) {
    abandonFlight(state, evicted->id);
    if (evicted->destination) releaseDestination(state, *evicted->destination);
  }
  path.lastReceivedAt = state.now;
  return path;
}

void give(Path& path, const PeerConnectionId& id) {
  path.destination = id;
  path.isWaitingForId = false;
}

/// RFC 9000 §9.3.2: an address that was never proved is left for the last one that was.
void revertFrom(QuicConnectionState& state, Path& failed) {
  Path* back = state.paths.lastValidatedExcept(failed.id);
  if (back == nullptr) {
    // A client may find that its new address works after all, or get another one; a server has nowhere to send to.
    if (state.role == Role::Server && !failed.isValidated) {
      abandonConnection(state, {LocalErrorCode::NO_VIABLE_PATH, "no address of the peer is proved"});
    }
    return;
  }
  const bool isSameHost = back->tuple.peer.sameHost(failed.tuple.peer) && back->tuple.local == failed.tuple.local;
  const PathId id = failed.id;
  switchPath(state, back->id);
  if (isSameHost) carryNetworkOver(state, failed, *back);
  dropPath(state, id);
}

void onFollowedPathFailed(QuicConnectionState& state, Path& path) {
  if (path.id == state.paths.active().id) return revertFrom(state, path);
  // Silent now as well, but still the place to go back to.
  if (path.isValidated && !state.paths.active().isValidated) return;
  dropPath(state, path.id);
}

void onValidationFailed(QuicConnectionState& state, const FailedValidation& failed) {
  Path* path = state.paths.find(failed.path);
  if (path == nullptr) return;
  const PathId id = path->id;
  const bool isActive = id == state.paths.active().id;
  if (isActive && failed.isAddressProved && state.paths.lastValidatedExcept(id) == nullptr) return onBaseDoubted(state);
  if (path->purpose == Path::Purpose::OwnMove) return onOwnMoveFailed(state, id);
  if (state.migrationClient() != nullptr) return onPathFailed(state, id);
  onFollowedPathFailed(state, *path);
}

}  // namespace

bool mayAdoptPath(const QuicConnectionState& state, const FourTuple& tuple) {
  if (state.isHandshaking()) return false;  // RFC 9000 §9: no migration before the handshake is confirmed
  if (state.role == Role::Server) return true;
  const ServerMigrationClient* client = state.migrationClient();
  return client != nullptr && client->mayReceiveFrom(tuple.peer);
}

bool mayAdoptPath(const QuicConnectionState& state, const FourTuple& tuple, const ConnectionId& destinationId) {
  if (!mayAdoptPath(state, tuple)) return false;
  // RFC 9000 §9: who was asked not to migrate and does it all the same, with a fresh ID as §9.5 wants it, is not heard; a NAT
  // that rebinds changes no ID.
  const bool isRefused = state.role == Role::Server && state.settings.disableActiveMigration;
  return !isRefused || destinationId == state.paths.active().heardOn;
}

Path& adoptPath(QuicConnectionState& state, const FourTuple& tuple, const ConnectionId& destinationId) {
  Path& path = addPath(state, tuple);
  const Path& active = state.paths.active();
  if (const auto fresh = state.peerIds.takeUnused()) {
    give(path, *fresh);
  } else if (state.role == Role::Client || destinationId == active.heardOn) {
    // RFC 9000 §9.5: a peer whose address changed without its doing is served on the ID that it knows.
    path.destination = active.destination;
  } else {
    path.isWaitingForId = true;
  }
  return path;
}

Path& adoptPath(QuicConnectionState& state, const FourTuple& tuple) {
  return adoptPath(state, tuple, state.paths.active().heardOn);
}

Path* openPath(QuicConnectionState& state, const FourTuple& tuple) {
  const auto fresh = state.peerIds.takeUnused();
  if (!fresh) return nullptr;
  Path& path = addPath(state, tuple);
  give(path, *fresh);
  return &path;
}

void validatePath(QuicConnectionState& state, const Path& path) {
  // RFC 9000 §9.4: not more often than RFC 9002 §6.2.1 lets a probe be sent, and on a path without an estimate that is as
  // often as an Initial packet (§8.2.1).
  const ValidationTiming timing{path.rtt.pto(state.peerMaxAckDelay()), Duration::max(),
                                state.now + validationTime(state)};
  state.paths.beginValidation(state.now, path.id, timing);
}

void probePath(QuicConnectionState& state, const SocketAddress& peer) {
  // A server that is silent while it moves is asked often: its silence is what is measured. Up to here the interval doubles.
  constexpr Duration kOften = 200ms;
  Path* path = state.paths.find(FourTuple{state.paths.active().tuple.local, peer});
  if (path == nullptr) {
    path = &adoptPath(state, {state.paths.active().tuple.local, peer});
  }
  path->validation.reset();
  // RFC 9000 §9.4: no sooner than RFC 9002 §6.2.1 has it. The estimate is that of the server's last path: it is the same
  // server, and one datagram in a round trip of that is no more load than a connection there begins with (§8.2.1).
  // Answers to the last few challenges count: on a long way they must not follow one another faster than answers can come.
  const Duration interval = state.paths.active().rtt.pto(state.peerMaxAckDelay());
  const ValidationTiming timing{interval, std::max(interval, kOften), state.now + validationTime(state)};
  state.paths.beginValidation(state.now, path->id, timing);
}

void switchPath(QuicConnectionState& state, PathId id) {
  const PathId old = state.paths.active().id;
  if (old == id) return;
  state.paths.active().lastReceivedAt = state.now;  // it is kept for what is still on its way there
  state.paths.setActive(id);
  state.recovery.resetPtoCount();
  state.recovery.resetReordering();
  state.ackFrequency.onPathChanged();
  state.pacedUntil.reset();
  abandonFlight(state, old);
  state.events.emplace_back(PathChanged{state.paths.active().tuple});
}

void carryNetworkOver(QuicConnectionState& state, Path& from, Path& to) {
  // Packets in flight name their path, so neither controller may still count any when they change places.
  abandonFlight(state, from.id);
  abandonFlight(state, to.id);
  exchangeNetworks(from, to);
  from.rtt = to.rtt;
}

void dropPath(QuicConnectionState& state, PathId id) {
  Path* path = state.paths.find(id);
  if (path == nullptr || id == state.paths.active().id) return;
  abandonFlight(state, id);
  const SocketAddress local = path->tuple.local;
  const auto destination = state.paths.remove(id);
  if (destination) releaseDestination(state, *destination);
  bool isUsed = false;
  state.paths.forEach([&](const Path& other) { isUsed |= other.tuple.local == local; });
  if (state.role == Role::Client && !isUsed) state.events.emplace_back(LocalAddressReleased{local});
}

void onPathChallenge(QuicConnectionState& state, const PacketContext& context, const PathChallengeFrame& frame) {
  Path* path = state.paths.find(context.path);
  if (path == nullptr) return;
  state.paths.onChallenge(*path, frame.data);
  // RFC 9000 §9.6.3: a client that tries an address will most likely come from there.
  if (state.role == Role::Server && !path->isValidated) validatePath(state, *path);
}

void onPathResponse(QuicConnectionState& state, const PathResponseFrame& frame) {
  Path* path = state.paths.onResponse(state.now, frame.data);
  if (path == nullptr) return;
  if (path->purpose == Path::Purpose::OwnMove) return onOwnMoveValidated(state, path->id);
  onPathValidated(state, path->id);
}

void onPeerMoved(QuicConnectionState& state, PathId id) {
  Path* path = state.paths.find(id);
  if (path == nullptr || state.role != Role::Server || state.isHandshaking()) return;
  Path& old = state.paths.active();
  // A server that has moved is where it went: what still arrives at an address that it keeps open for others is late.
  auto& lastSwitch = state.migrationWork.lastSwitch;
  if (lastSwitch && path->tuple.local != old.tuple.local) return;
  const bool isThere = isOurPreferredAddress(state, old.tuple.local);
  const bool isToPreferred = isOurPreferredAddress(state, path->tuple.local);
  if (isToPreferred && !isThere && !path->isValidated) {
    // RFC 9000 §9.6.2: from the original address until the client has proved the path to the preferred one.
    path->purpose = Path::Purpose::OwnMove;
    return validatePath(state, *path);
  }
  // §9.6.2: a client that has gone there does not come back; what arrives at the original address is late.
  if (isThere && !isToPreferred) return;
  if (lastSwitch) lastSwitch->heardOnBefore = {};  // it gives up IDs for its own move too
  switchPath(state, id);
  if (path->tuple.peer.sameHost(old.tuple.peer) && path->tuple.local == old.tuple.local) {
    carryNetworkOver(state, old, *path);
  }
  if (!path->isValidated) validatePath(state, *path);
  // RFC 9000 §9.3.3: an attacker who forwards copies is found out by the answer of the true peer.
  validatePath(state, old);
}

void refreshDestinationIds(QuicConnectionState& state) {
  const auto refresh = [&](Path& path) {
    if (!path.isWaitingForId && state.peerIds.isKnown(path.destination.sequence)) return;
    const auto fresh = state.peerIds.takeUnused();
    if (fresh) give(path, *fresh);
    path.isWaitingForId = !fresh;  // RFC 9000 §5.1.2: a retired ID is not used any more
  };
  refresh(state.paths.active());
  state.paths.forEach(refresh);
}

std::optional<TimePoint> nextPathTimeout(const QuicConnectionState& state) {
  std::optional<TimePoint> next = state.paths.nextTimeout(state.now);
  state.paths.forEach([&](const Path& path) {
    if (const auto at = forgottenAt(state, path); at && (!next || *at < *next)) next = at;
  });
  return next;
}

void onPathTimeout(QuicConnectionState& state) {
  for (const FailedValidation& failed : state.paths.expire(state.now)) onValidationFailed(state, failed);
  SmallVector<PathId, kMaxPaths> forgotten;
  state.paths.forEach([&](const Path& path) {
    if (const auto at = forgottenAt(state, path); at && *at <= state.now) forgotten.push_back(path.id);
  });
  for (const PathId id : forgotten) dropPath(state, id);
}

}  // namespace quic
