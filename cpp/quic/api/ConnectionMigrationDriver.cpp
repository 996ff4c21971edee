#include "quic/api/ConnectionMigrationDriver.h"

#include <utility>

#include "quic/api/MigrationDriver.h"
#include "quic/api/PathDriver.h"
#include "quic/api/PreferredAddressDriver.h"
#include "quic/common/SmallVector.h"

namespace quic {
namespace {

Unexpected<QuicError> refuse(LocalErrorCode code, std::string_view why) { return fail(code, why); }

Result<> checkAddress(const QuicConnectionState& state, const SocketAddress& local) {
  if (!state.isOpen()) return refuse(LocalErrorCode::CONNECTION_CLOSED, "the connection is closed");
  const FourTuple& active = state.paths.active().tuple;
  if (local.family() != active.peer.family() || local.port() == 0 || local == active.local) {
    return refuse(LocalErrorCode::MIGRATION_INVALID_ADDRESS, "not another address of the peer's family with a port");
  }
  return Unit{};
}

/// Whether this client may send from another address at all. The handshake is confirmed.
Result<> mayMove(const QuicConnectionState& state) {
  const Path& active = state.paths.active();
  // RFC 9000 §9, §18.2: this is about the address of the handshake, not about the preferred one.
  if (state.handshake.peerParameters->disableActiveMigration && !isPreferredByPeer(state, active.tuple.peer)) {
    return refuse(LocalErrorCode::MIGRATION_FORBIDDEN, "the server forbids migration");
  }
  if (active.destination.id.empty()) {  // RFC 9000 §9.5
    return refuse(LocalErrorCode::NO_CONNECTION_ID, "the server uses no connection IDs");
  }
  return Unit{};
}

/// Moves that are still being probed are given up for another; but from the same address the server's preferred one is worth
/// waiting for (RFC 9000 §9.6.3).
void giveUpOtherMoves(QuicConnectionState& state, const Path& kept) {
  SmallVector<PathId, kMaxPaths> others;
  state.paths.forEach([&](const Path& path) {
    const bool isOther = path.id != kept.id && path.id != state.paths.active().id;
    const bool isBetter = path.tuple.local == kept.tuple.local && isPreferredByPeer(state, path.tuple.peer);
    if (isOther && !isBetter && path.purpose == Path::Purpose::OwnMove && path.validation) others.push_back(path.id);
  });
  for (const PathId id : others) dropPath(state, id);
}

bool isProbingPreferred(const QuicConnectionState& state) {
  bool isUnderWay = false;
  state.paths.forEach([&](const Path& path) {
    isUnderWay |= path.validation && path.id != state.paths.active().id && isPreferredByPeer(state, path.tuple.peer);
  });
  return isUnderWay;
}

/// The path from `local` to where the server is, under validation. nullptr: no ID is left for it.
Path* pathFrom(QuicConnectionState& state, const SocketAddress& local) {
  const FourTuple tuple{local, state.paths.active().tuple.peer};
  Path* path = state.paths.find(tuple);
  if (path == nullptr) path = openPath(state, tuple);
  if (path == nullptr) return nullptr;
  const bool isPreferredUnderWay = isProbingPreferred(state);
  giveUpOtherMoves(state, *path);
  if (isPreferredUnderWay) (void)probePreferredAddress(state, local);
  path->purpose = Path::Purpose::OwnMove;
  const Path& active = state.paths.active();
  path->isPeerTrusted = active.isValidated || active.isPeerTrusted;
  if (!path->isPeerTrusted && !path->isValidated) {  // the limit is about the server's address, which is the same
    path->bytesReceived = active.bytesReceived;
    path->bytesSent = active.bytesSent;
  }
  return path;
}

Unexpected<QuicError> noId() {
  return refuse(LocalErrorCode::NO_CONNECTION_ID, "the server has given no unused connection ID");
}

/// `path` becomes the active one. The server follows the first packet that is more than a probe.
void moveTo(QuicConnectionState& state, Path& path) {
  Path& old = state.paths.active();
  const bool isSameNetwork = path.tuple.local.sameHost(old.tuple.local) && path.tuple.peer == old.tuple.peer;
  switchPath(state, path.id);
  if (isSameNetwork) carryNetworkOver(state, old, path);
  state.isPingPending = true;
  onOwnAddressChanged(state);
}

/// The handshake is confirmed.
Result<> begin(QuicConnectionState& state, const OwnMove& move) {
  if (const Result<> may = mayMove(state); !may) return may;
  Path* path = pathFrom(state, move.local);
  if (path == nullptr) return noId();
  path->validation.reset();
  if (!move.isProbed) moveTo(state, *path);
  validatePath(state, *path);
  return Unit{};
}

Result<> beginOrAwait(QuicConnectionState& state, const OwnMove& move) {
  if (const Result<> usable = checkAddress(state, move.local); !usable) return usable;
  const std::optional<OwnMove> before = std::exchange(state.awaited.move, std::nullopt);
  if (before && before->local != move.local) state.events.emplace_back(LocalAddressReleased{before->local});
  if (state.isConfirmed()) return begin(state, move);
  state.awaited.move = move;
  return Unit{};
}

}  // namespace

Result<> migrateTo(QuicConnectionState& state, const SocketAddress& local) {
  return beginOrAwait(state, {local, true});
}

Result<> rebindTo(QuicConnectionState& state, const SocketAddress& local) {
  return beginOrAwait(state, {local, false});
}

void beginAwaitedMove(QuicConnectionState& state) {
  if (!state.awaited.move || !state.isConfirmed()) return;
  const OwnMove move = *std::exchange(state.awaited.move, std::nullopt);
  const Result<> begun = begin(state, move);
  if (begun) return;
  state.events.emplace_back(PathFailed{{move.local, state.paths.active().tuple.peer}, begun.error()});
  state.events.emplace_back(LocalAddressReleased{move.local});
}

void onOwnMoveValidated(QuicConnectionState& state, PathId id) {
  Path* path = state.paths.find(id);
  if (path == nullptr || path->validation) return;  // a small challenge was answered; the full one is on its way
  path->purpose = Path::Purpose::Followed;
  if (id == state.paths.active().id) return onPathValidated(state, id);  // perhaps of a server that has moved as well
  giveUpOtherMoves(state, *path);
  if (ServerMigrationClient* migration = state.migrationClient();
      migration && isPreferredByPeer(state, path->tuple.peer)) {
    if (migration->state() != ServerMigrationClient::State::Idle) return dropPath(state, id);
    migration->onPreferredAddress(path->tuple.peer);
  }
  moveTo(state, *path);
}

void onOwnMoveFailed(QuicConnectionState& state, PathId id) {
  Path* path = state.paths.find(id);
  if (path == nullptr) return;
  path->purpose = Path::Purpose::Followed;
  if (state.role == Role::Client) state.events.emplace_back(PathFailed{path->tuple});
  dropPath(state, id);
}

void followServer(QuicConnectionState& state) {
  SmallVector<SocketAddress, kMaxPaths> locals;
  state.paths.forEach([&](const Path& path) {
    const bool isMove = path.purpose == Path::Purpose::OwnMove && path.validation && path.id != state.paths.active().id;
    if (isMove && !isPreferredByPeer(state, path.tuple.peer)) locals.push_back(path.tuple.local);
  });
  for (const SocketAddress& local : locals) {
    Path* path = pathFrom(state, local);
    if (path == nullptr) return;
    path->validation.reset();
    validatePath(state, *path);
  }
}

}  // namespace quic
