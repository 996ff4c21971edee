#include "quic/server/ServerMigrationCoordinator.h"

namespace quic {

// ---- preparation

Result<> ServerMigrationCoordinator::begin(const std::vector<ConnectionHandle>& connections, TimePoint deadline) {
  if (blocksHandshakes()) {  // SM-60
    return fail(LocalErrorCode::MIGRATION_IN_PROGRESS, "this server is being moved already");
  }
  outcomes_.clear();
  for (const ConnectionHandle connection : connections) {
    outcomes_.try_emplace(connection, MigrationOutcome{connection, Status::Pending, std::nullopt});
  }
  phase_ = Phase::Preparing;
  awaited_ = outcomes_.size();
  deadline_ = deadline;
  advance();
  return Unit{};
}

void ServerMigrationCoordinator::onReady(ConnectionHandle connection, ServerMigrationProtocol protocol) {
  MigrationOutcome* outcome = find(connection);
  if (!outcome || outcome->status != Status::Pending) return;
  outcome->protocol = protocol;
  become(*outcome, Status::Ready);
}

void ServerMigrationCoordinator::onExcluded(ConnectionHandle connection, std::optional<ServerMigrationError> reason) {
  MigrationOutcome* outcome = find(connection);
  if (!outcome || outcome->status == Status::Closed || outcome->status == Status::Migrated) return;
  outcome->reason = reason;
  become(*outcome, Status::Excluded);
}

void ServerMigrationCoordinator::onClosed(ConnectionHandle connection) {
  MigrationOutcome* outcome = find(connection);
  if (!outcome || outcome->status == Status::Migrated) return;  // SM-64: it had arrived
  become(*outcome, Status::Closed);
}

// ---- relocation

Result<> ServerMigrationCoordinator::onNetworkSwitched(TimePoint deadline) {
  if (phase_ != Phase::Prepared) {  // SM-62
    return fail(LocalErrorCode::MIGRATION_INVALID_STATE, "not every connection has been prepared");
  }
  for (auto& [connection, outcome] : outcomes_) {
    if (outcome.status != Status::Ready) continue;
    outcome.status = Status::Switching;
    ++awaited_;
  }
  phase_ = Phase::Relocating;
  deadline_ = deadline;
  advance();
  return Unit{};
}

void ServerMigrationCoordinator::onCompleted(ConnectionHandle connection) {
  MigrationOutcome* outcome = find(connection);
  if (!outcome) return;
  // SM-64: a worker may report it before the host has heard of the last worker's switch.
  if (outcome->status == Status::Switching || outcome->status == Status::Ready) become(*outcome, Status::Migrated);
}

// ---- the end

// SM-66
void ServerMigrationCoordinator::cancel() {
  phase_ = Phase::Idle;
  outcomes_.clear();
  awaited_ = 0;
  deadline_.reset();
}

// SM-65
std::vector<ConnectionHandle> ServerMigrationCoordinator::onTimeout(TimePoint now) {
  std::vector<ConnectionHandle> late;
  if (!deadline_ || now < *deadline_) return late;
  deadline_.reset();
  for (const auto& [connection, outcome] : outcomes_) {
    if (outcome.status == statusAwaited()) late.push_back(connection);
  }
  return late;
}

std::vector<MigrationOutcome> ServerMigrationCoordinator::outcomes() const {
  std::vector<MigrationOutcome> all;
  all.reserve(outcomes_.size());
  for (const auto& [connection, outcome] : outcomes_) all.push_back(outcome);
  return all;
}

/// The status that keeps the present phase from ending.
MigrationOutcome::Status ServerMigrationCoordinator::statusAwaited() const {
  return phase_ == Phase::Relocating ? Status::Switching : Status::Pending;
}

MigrationOutcome* ServerMigrationCoordinator::find(ConnectionHandle connection) {
  const auto found = outcomes_.find(connection);
  return found == outcomes_.end() ? nullptr : &found->second;
}

void ServerMigrationCoordinator::become(MigrationOutcome& outcome, Status status) {
  if (awaited_ > 0 && outcome.status == statusAwaited()) --awaited_;
  outcome.status = status;
  advance();
}

// SM-61, SM-63
void ServerMigrationCoordinator::advance() {
  if (awaited_ > 0 || (phase_ != Phase::Preparing && phase_ != Phase::Relocating)) return;
  phase_ = phase_ == Phase::Preparing ? Phase::Prepared : Phase::Done;
  deadline_.reset();
}

}  // namespace quic
