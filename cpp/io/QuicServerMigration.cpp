// The move of a whole server, on the host's thread: workers tell facts, the coordinator counts, workers are told what follows.
#include <cstring>
#include <utility>

#include "io/BindShared.h"
#include "io/HostRecords.h"
#include "io/Overloaded.h"
#include "io/QuicServer.h"
#include "io/SystemClock.h"

namespace quic {

using Phase = ServerMigrationCoordinator::Phase;

// ---- verbs

Result<> QuicServer::onImminentServerMigration(const std::map<ConnectionHandle, MigrationPlan>& plans,
                                               Duration deadline) {
  return onImminentServerMigration(MigrationPlans{MigrationPlan{}, plans}, deadline);
}

Result<> QuicServer::onImminentServerMigration(ServerMigrationProtocol protocol,
                                               const std::optional<QuicIPAddress>& address, Duration deadline) {
  return onImminentServerMigration(MigrationPlans{MigrationPlan{protocol, address}, {}}, deadline);
}

Result<> QuicServer::onImminentServerMigration(const MigrationPlans& plans, Duration deadline) {
  if (isEnlisting_ || coordinator_.blocksHandshakes()) {
    return fail(LocalErrorCode::MIGRATION_IN_PROGRESS, "this server is being moved already");
  }
  if (isClosing()) return fail(LocalErrorCode::SERVER_CLOSED, "the server is closing");
  isEnlisting_ = true;
  listsMissing_ = workerCount();
  prepareDeadline_ = systemNow() + deadline;
  enlisted_.clear();
  early_.clear();
  late_.clear();
  applyRefusal();
  postToAll([&] { return command::Prepare{plans}; });
  return Unit{};
}

Result<> QuicServer::onNetworkSwitch(Duration deadline) {
  if (const Result<> switched = coordinator_.onNetworkSwitched(systemNow() + deadline); !switched) return switched;
  switchTo(std::vector<UdpSocket>(workerCount()));
  return Unit{};
}

Result<> QuicServer::onNetworkSwitch(const SocketAddress& address, Duration deadline) {
  if (coordinator_.phase() != Phase::Prepared) {
    return fail(LocalErrorCode::MIGRATION_INVALID_STATE, "not every connection has been prepared");
  }
  // A connection keeps its family. Who listens on both may move to an address of either.
  if (address.family() != address_.family() && !options_.dualStack) {
    return fail(LocalErrorCode::MIGRATION_INVALID_ADDRESS, "an address of the other family reaches no client");
  }
  if (address == address_) return onNetworkSwitch(deadline);
  auto sockets = bindShared({address, workerCount(), options_.dualStack, options_.steer, address_});
  if (!sockets) {
    const SocketFailure& failure = sockets.error();
    addRecord(RecordKind::MigrationFailed,
              closedRecord(failure.error.code, Initiator::Local, strerrorname_np(failure.systemError)));
    poke();
    return Unit{};
  }
  if (const Result<> switched = coordinator_.onNetworkSwitched(systemNow() + deadline); !switched) return switched;
  address_ = sockets->front().localAddress();
  switchTo(std::move(*sockets));
  return Unit{};
}

void QuicServer::switchTo(std::vector<UdpSocket>&& sockets) {
  late_.clear();
  std::vector<std::set<ConnectionHandle>> ready(workerCount());
  for (const MigrationOutcome& outcome : coordinator_.outcomes()) {
    if (outcome.status != MigrationOutcome::Status::Switching) continue;
    ready[workerOf(outcome.connection)].insert(outcome.connection);
  }
  for (size_t index = 0; index < workerCount(); ++index) {
    worker(index).post(command::SwitchNetwork{std::move(sockets[index]), std::move(ready[index])});
  }
  setAlarm();
  announceProgress();
}

void QuicServer::cancelServerMigration() {
  if (!isEnlisting_ && !coordinator_.blocksHandshakes()) return;
  isEnlisting_ = false;
  coordinator_.cancel();
  told_ = Phase::Idle;
  postToAll([] { return command::CancelMigration{}; });
  setAlarm();
  applyRefusal();
}

MigrationStatus QuicServer::migrationStatus() const {
  if (isEnlisting_) return {Phase::Preparing, {}};
  return {coordinator_.phase(), coordinator_.outcomes()};
}

// ---- facts

void QuicServer::onFact(size_t, const HostFact& fact) {
  if (isEnlisting_) {
    if (const auto* enlisted = std::get_if<fact::Enlisted>(&fact)) {
      enlisted_.push_back(enlisted->connection);
    } else if (std::holds_alternative<fact::AllEnlisted>(fact)) {
      if (--listsMissing_ == 0) onAllEnlisted();
    } else {
      early_.push_back(fact);
    }
    return;
  }
  coordinate(fact);
  announceProgress();
}

void QuicServer::onAllEnlisted() {
  isEnlisting_ = false;
  told_ = Phase::Preparing;
  // It cannot fail: onImminentServerMigration() has asked.
  static_cast<void>(coordinator_.begin(enlisted_, prepareDeadline_));
  for (const HostFact& fact : std::exchange(early_, {})) coordinate(fact);
  setAlarm();
  announceProgress();
}

void QuicServer::coordinate(const HostFact& fact) {
  std::visit(Overloaded{
                 [&](const fact::Ready& f) { coordinator_.onReady(f.connection, f.protocol); },
                 [&](const fact::Excluded& f) { coordinator_.onExcluded(f.connection, f.reason); },
                 [&](const fact::Completed& f) { coordinator_.onCompleted(f.connection); },
                 [&](const fact::Closed& f) { coordinator_.onClosed(f.connection); },
                 [&](const fact::AlarmDue&) { onAlarm(); },
                 [](const auto&) {},
             },
             fact);
}

void QuicServer::onAlarm() {
  const bool isRelocating = coordinator_.phase() == Phase::Relocating;
  const std::vector<ConnectionHandle> late = coordinator_.onTimeout(systemNow());
  std::vector<command::GiveUpMigration> perWorker(workerCount());
  late_.insert(late.begin(), late.end());
  for (const ConnectionHandle connection : late) {
    coordinator_.onExcluded(connection);
    perWorker[workerOf(connection)].connections.push_back(connection);
  }
  // Not ready in time: served until the switch. Not arrived in time: closed, and outcomes say so.
  if (isRelocating) {
    for (const ConnectionHandle connection : late) coordinator_.onClosed(connection);
    for (size_t index = 0; index < workerCount(); ++index) worker(index).post(std::move(perWorker[index]));
  }
  setAlarm();
}

/// Worker 0 keeps the time: the host has no loop of its own.
void QuicServer::setAlarm() { worker(0).post(command::SetAlarm{coordinator_.nextTimeout()}); }

/// What the coordinator was told of late connections is what is done about them; the host hears that they were late.
std::vector<MigrationOutcome> QuicServer::outcomesOfStep() const {
  std::vector<MigrationOutcome> outcomes = coordinator_.outcomes();
  for (MigrationOutcome& outcome : outcomes) {
    if (late_.contains(outcome.connection)) outcome.status = MigrationOutcome::Status::Pending;
  }
  return outcomes;
}

void QuicServer::announceProgress() {
  const Phase phase = coordinator_.phase();
  if (phase == std::exchange(told_, phase)) return;
  if (phase == Phase::Prepared) addRecord(RecordKind::MigrationPrepared, outcomesRecord(outcomesOfStep()));
  if (phase == Phase::Done) addRecord(RecordKind::MigrationCompleted, outcomesRecord(outcomesOfStep()));
  if (phase == Phase::Prepared || phase == Phase::Done) poke();
  applyRefusal();
}

}  // namespace quic
