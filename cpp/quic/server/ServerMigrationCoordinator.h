// The move of a whole server: counts its connections, of all workers, on their way from told to ready to migrated.
// Pure: it lives with the host, is fed by worker events, knows no locks and no sockets. It closes nothing itself.
// Facts about connections that it was not told of, or that it does not expect at the time, change nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "quic/servermigration/ServerMigrationTypes.h"

namespace quic {

/// A connection's name within a server, over all workers.
using ConnectionHandle = uint64_t;

struct MigrationOutcome {
  enum class Status : uint8_t { Pending, Ready, Excluded, Switching, Migrated, Closed };
  ConnectionHandle connection = 0;
  Status status = Status::Pending;
  std::optional<ServerMigrationProtocol> protocol;
  std::optional<ServerMigrationError> reason{};  // why it could not be prepared; none: left out by the plan, or late
};

class ServerMigrationCoordinator {
 public:
  enum class Phase : uint8_t { Idle, Preparing, Prepared, Relocating, Done };

  /// Error: MIGRATION_IN_PROGRESS. With no connections it is Prepared at once.
  Result<> begin(const std::vector<ConnectionHandle>& connections, TimePoint deadline);
  void onReady(ConnectionHandle connection, ServerMigrationProtocol protocol);
  /// Cannot be moved, or left out by the plan: served until the relocation, then closed.
  void onExcluded(ConnectionHandle connection, std::optional<ServerMigrationError> reason = std::nullopt);
  void onClosed(ConnectionHandle connection);
  /// The sockets are bound anew. Error: MIGRATION_INVALID_STATE unless Prepared.
  Result<> onNetworkSwitched(TimePoint deadline);
  void onCompleted(ConnectionHandle connection);
  void cancel();
  /// Deadline: connections still Pending (or Switching) are listed; the caller closes or excludes them. Listed once.
  [[nodiscard]] std::vector<ConnectionHandle> onTimeout(TimePoint now);

  [[nodiscard]] Phase phase() const { return phase_; }
  /// None while Prepared: how long a relocation may take is the host's to know.
  [[nodiscard]] std::optional<TimePoint> nextTimeout() const { return deadline_; }
  [[nodiscard]] std::vector<MigrationOutcome> outcomes() const;
  /// New handshakes are refused from begin() to Done or cancel().
  [[nodiscard]] bool blocksHandshakes() const { return phase_ != Phase::Idle && phase_ != Phase::Done; }

 private:
  using Status = MigrationOutcome::Status;
  [[nodiscard]] Status statusAwaited() const;
  [[nodiscard]] MigrationOutcome* find(ConnectionHandle connection);
  void become(MigrationOutcome& outcome, Status status);
  void advance();

  Phase phase_ = Phase::Idle;
  std::map<ConnectionHandle, MigrationOutcome> outcomes_;
  size_t awaited_ = 0;  // connections that keep the present phase from ending
  std::optional<TimePoint> deadline_;
};

}  // namespace quic
