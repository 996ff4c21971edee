#include "quic/api/MigrationPerformer.h"

#include "quic/api/ConnectionMigrationDriver.h"
#include "quic/api/LifeDriver.h"
#include "quic/api/PathDriver.h"

namespace quic {
namespace {

/// Carries out one action of a table.
struct ActionPerformer {
  QuicConnectionState& state;

  void operator()(const migration::SendAnnouncement& action) {
    ++state.stats.migration.announced;
    state.migrationWork.announcement = action;
    state.migrationWork.isAnnouncementPending = true;
  }
  void operator()(const migration::SendServerMigrated&) { state.migrationWork.isServerMigratedPending = true; }
  // SM-89
  void operator()(const migration::ProbePath& action) {
    const auto longest = static_cast<uint64_t>(state.settings.clientMigration.probeDelay.count());
    state.migrationWork.delayedProbe.reset();
    if (!action.opensSearch || longest == 0) return probePath(state, action.peer);
    const Duration delay(static_cast<int64_t>(state.environment.random.below(longest + 1)));
    state.migrationWork.delayedProbe = {action.peer, state.now + delay};
  }
  void operator()(const migration::MoveToPath& action) { moveTo(action.peer); }
  void operator()(const migration::DropPath& action) {
    state.migrationWork.delayedProbe.reset();  // nothing is dropped but what is on trial
    Path* path = state.paths.findPeer(action.peer);
    if (path == nullptr) return;
    const PathId id = path->id;
    if (id == state.paths.active().id) {
      Path* back = state.paths.lastValidatedExcept(id);
      if (back == nullptr) return;
      switchPath(state, back->id);
    }
    dropPath(state, id);
  }
  void operator()(const migration::Fail& action) { closeConnection(state, action.error); }

  void moveTo(const SocketAddress& peer) {
    Path* path = state.paths.findPeer(peer);
    if (path == nullptr) path = &adoptPath(state, {state.paths.active().tuple.local, peer});
    const PathId old = state.paths.active().id;
    state.migrationWork.lastHeardBeforeMove = state.paths.active().lastReceivedAt;
    switchPath(state, path->id);
    // SM-41: a symmetric move is validated even where an earlier one has proved the address: the server waits to be asked.
    if (state.migrationClient()->state() == ServerMigrationClient::State::Validating) return probePath(state, peer);
    dropPath(state, old);
    followServer(state);
  }
};

struct EventCounter {
  MigrationStats& stats;
  Role role;

  void operator()(const migration::Announced&) const { ++stats.announced; }
  void operator()(const migration::ProbingStarted&) const { ++stats.probed; }
  void operator()(const migration::Detected&) const { ++stats.probed; }
  void operator()(const migration::Reverted&) const { ++stats.reverted; }
  void operator()(const migration::Expired&) const { ++stats.failed; }
  void operator()(const migration::Failed&) const { ++stats.failed; }
  void operator()(const migration::Completed& event) const {
    ++stats.completed;
    if (role == Role::Client) stats.downtime += event.downtime;
  }
  void operator()(const migration::PoolAddressReceived&) const {}
  void operator()(const migration::PoolAcknowledged&) const {}
  void operator()(const migration::Ready&) const {}
};

}  // namespace

void tell(QuicConnectionState& state, MigrationEvent event) {
  // What only the engine knows.
  if (auto* completed = std::get_if<migration::Completed>(&event)) {
    if (state.role == Role::Client) completed->downtime = state.now - state.migrationWork.lastHeardBeforeMove;
  }
  std::visit(EventCounter{state.stats.migration, state.role}, event);
  state.events.emplace_back(std::move(event));
}

void perform(QuicConnectionState& state, const MigrationSteps& steps) {
  for (const MigrationAction& action : steps.actions) std::visit(ActionPerformer{state}, action);
  for (const MigrationEvent& event : steps.events) tell(state, event);
}

}  // namespace quic
