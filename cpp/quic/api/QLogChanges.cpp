// The states of a connection, compared with what its log has told of them: RFC 9000 has no place where each of them changes,
// and their drivers need not know that there is a log.
#include "quic/api/QLogDriver.h"
#include "quic/api/QLogMembers.h"

namespace quic {
namespace {

std::string_view ecnName(EcnMarking::State state) {
  switch (state) {
    case EcnMarking::State::Testing: return "testing";
    case EcnMarking::State::Unknown: return "unknown";
    case EcnMarking::State::Capable: return "capable";
    case EcnMarking::State::Failed: return "failed";
  }
  return "unknown";
}

std::string_view migrationStateName(const QuicConnectionState& state) {
  if (const ServerMigrationClient* client = state.migrationClient()) {
    static constexpr std::string_view kNames[] = {"idle", "announced", "probing", "validating"};
    return kNames[static_cast<size_t>(client->state())];
  }
  if (const auto* server = std::get_if<ServerMigrationServer>(&state.migration)) {
    static constexpr std::string_view kNames[] = {"idle", "announcing", "ready", "switching"};
    return kNames[static_cast<size_t>(server->state())];
  }
  return {};
}

/// Of our writing keys, or of the peer's, by who speaks with them.
std::string keyType(Role speaker, EncryptionLevel level) {
  static constexpr std::string_view kLevels[] = {"_initial_secret", "_0rtt_secret", "_handshake_secret",
                                                 "_1rtt_secret"};
  std::string name(speaker == Role::Client ? "client" : "server");
  return name += kLevels[static_cast<size_t>(level)];
}

Role otherThan(Role role) { return role == Role::Client ? Role::Server : Role::Client; }

/// Members that differ from what was told before.
struct ChangedMembers {
  JsonWriter& data;

  void member(std::string_view name, Duration now, Duration before) const {
    if (now != before) data.name(name).number(qlogMilliseconds(now));
  }
  void member(std::string_view name, uint64_t now, uint64_t before) const {
    if (now != before) data.name(name).number(now);
  }
};

class Comparison {
 public:
  Comparison(QuicConnectionState& state, Initiator cause) : state_(state), told_(*state.qlog), cause_(cause) {}

  void version() {
    if (state_.handshake.version == told_.version) return;
    told_.version = state_.handshake.version;
    tell("quic:version_information",
         [&](JsonWriter& data) { writeQLogVersion(data.name("chosen_version"), state_.handshake.version); });
  }

  void peerParameters() {
    if (told_.hasPeerParameters || !state_.handshake.peerParameters || state_.earlyData.remembered) return;
    told_.hasPeerParameters = true;
    tell("quic:parameters_set", [&](JsonWriter& data) {
      data.name("initiator").text("remote");
      writeQLogParameters(data, *state_.handshake.peerParameters);
    });
  }

  /// Client: what 0-RTT packets go by (RFC 9000 §7.4.1).
  void restoredParameters() {
    if (told_.hasRestoredParameters || !state_.earlyData.remembered || !state_.earlyData.keys) return;
    told_.hasRestoredParameters = true;
    tell("quic:parameters_restored",
         [&](JsonWriter& data) { writeQLogRememberedParameters(data, *state_.earlyData.remembered); });
  }

  // ---- keys
  void keys() {
    const bool hasEarly = static_cast<bool>(state_.earlyData.keys);
    const bool isClient = state_.role == Role::Client;
    keysOf(EncryptionLevel::ZeroRtt, {hasEarly && !isClient, hasEarly && isClient});
    for (const auto level : {EncryptionLevel::Initial, EncryptionLevel::Handshake, EncryptionLevel::OneRtt}) {
      const PacketSpace& space = state_.space(spaceOf(level));
      keysOf(level, {static_cast<bool>(space.readKeys), static_cast<bool>(space.writeKeys)});
    }
    const KeyPhases& phases = state_.keys.phases;
    if (phases.generation() != told_.keyPhase) phaseChanged(phases.generation());
    const bool hasPrevious = phases.readKey(KeyPhase::Previous) != nullptr;
    if (told_.hasPreviousKeys && !hasPrevious) key("quic:key_discarded", otherThan(state_.role), told_.keyPhase - 1);
    told_.hasPreviousKeys = hasPrevious;
  }

  // ---- paths
  void paths() {
    state_.paths.forEach([&](const Path& path) { pathOf(path); });
    if (told_.active != state_.paths.active().id) activeChanged();
    if (told_.isMoving && state_.paths.active().isValidated) {
      told_.isMoving = false;
      migration(state_.paths.active().id, "migration_complete");
    }
    forgetPaths();
  }

  // ---- what the application hears of
  void events() {
    for (size_t i = told_.eventsTold; i < state_.events.size(); ++i) std::visit(EventTeller{*this}, state_.events[i]);
    told_.eventsTold = state_.events.size();
  }

  void life() {
    const size_t now = state_.life.index();
    if (now == told_.life) return;
    told_.life = now;
    if (std::holds_alternative<quic::life::Closing>(state_.life)) connectionState("closing");
    if (std::holds_alternative<quic::life::Draining>(state_.life)) connectionState("draining");
    if (std::holds_alternative<quic::life::Closed>(state_.life)) connectionState("closed");
  }

  void serverMigration() {
    const std::string_view now = migrationStateName(state_);
    const std::string_view before = std::exchange(told_.migrationState, now);
    if (now == before) return;
    tell("server_migration:state_updated", [&](JsonWriter& data) {
      if (!before.empty()) data.name("old").text(before);
      data.name("new").text(now);
    });
  }

  // ---- recovery
  void congestion() {
    const std::string_view now = state_.paths.active().controller->stateName();
    const std::string_view before = std::exchange(told_.congestionState, now);
    if (now == before) return;
    tellOnPath(state_.paths.active().id, "quic:congestion_state_updated", [&](JsonWriter& data) {
      if (!before.empty()) data.name("old").text(before);
      data.name("new").text(now);
    });
  }

  void metrics() {
    const LoggedMetrics now = currentMetrics();
    const LoggedMetrics before = std::exchange(told_.metrics, now);
    if (now == before) return;
    tellOnPath(state_.paths.active().id, "quic:recovery_metrics_updated", [&](JsonWriter& data) {
      const ChangedMembers changed{data};
      changed.member("min_rtt", now.minRtt, before.minRtt);
      changed.member("smoothed_rtt", now.smoothedRtt, before.smoothedRtt);
      changed.member("latest_rtt", now.latestRtt, before.latestRtt);
      changed.member("rtt_variance", now.rttVariation, before.rttVariation);
      changed.member("pto_count", now.ptoCount, before.ptoCount);
      changed.member("congestion_window", now.congestionWindow, before.congestionWindow);
      changed.member("bytes_in_flight", now.bytesInFlight, before.bytesInFlight);
      changed.member("pacing_rate", 8 * now.pacingRate, 8 * before.pacingRate);
    });
  }

 private:
  struct EventTeller {
    Comparison& all;

    void operator()(const HandshakeFinished& e) const {
      all.connectionState("handshake_complete");
      all.tell("quic:alpn_information", [&](JsonWriter& data) {
        data.name("chosen_alpn").beginObject().name("string_value").text(e.alpn).endObject();
      });
    }
    void operator()(const HandshakeConfirmed&) const { all.connectionState("handshake_confirmed"); }
    void operator()(const MigrationEvent& e) const {
      all.tell(qlogMigrationEvent(e), [&](JsonWriter& data) { writeQLogMigration(data, e); });
    }
    void operator()(const ConnectionClosed& e) const {
      all.tell("quic:connection_closed", [&](JsonWriter& data) { writeQLogClosed(data, e); });
    }
    template <class Other>
    void operator()(const Other&) const {}
  };

  template <class Fill>
  void tell(std::string_view name, Fill&& fill) {
    told_.text.event({state_.now}, name, fill);
  }
  template <class Fill>
  void tellOnPath(PathId path, std::string_view name, Fill&& fill) {
    told_.text.event({state_.now, qlogTuple(path)}, name, fill);
  }
  void connectionState(std::string_view name) {
    tell("quic:connection_state_updated", [&](JsonWriter& data) { data.name("new").text(name); });
  }

  void key(std::string_view name, Role speaker, uint64_t phase) {
    tell(name, [&](JsonWriter& data) {
      data.name("key_type").text(keyType(speaker, EncryptionLevel::OneRtt)).name("key_phase").number(phase);
      data.name("trigger").text(cause_ == Initiator::Remote ? "remote_update" : "local_update");
    });
  }
  void tlsKey(Role speaker, EncryptionLevel level, bool isNew) {
    tell(isNew ? "quic:key_updated" : "quic:key_discarded",
         [&](JsonWriter& data) { data.name("key_type").text(keyType(speaker, level)).name("trigger").text("tls"); });
  }
  void keysOf(EncryptionLevel level, const LoggedKeys& now) {
    LoggedKeys& before = told_.keys[static_cast<size_t>(level)];
    const bool isFirst = !before.canRead && !before.canWrite && (now.canRead || now.canWrite);
    if (level == EncryptionLevel::Handshake && isFirst) connectionState("handshake_started");
    if (now.canWrite != before.canWrite) tlsKey(state_.role, level, now.canWrite);
    if (now.canRead != before.canRead) tlsKey(otherThan(state_.role), level, now.canRead);
    before = now;
  }
  void phaseChanged(uint64_t now) {
    const uint64_t before = std::exchange(told_.keyPhase, now);
    key("quic:key_updated", state_.role, now);
    key("quic:key_updated", otherThan(state_.role), now);
    key("quic:key_discarded", state_.role, before);
  }

  void migration(PathId path, std::string_view now) {
    tell("quic:migration_state_updated",
         [&](JsonWriter& data) { data.name("new").text(now).name("tuple_id").text(qlogTuple(path)); });
  }
  void assign(const Path& path) {
    tell("quic:tuple_assigned", [&](JsonWriter& data) {
      data.name("tuple_id").text(qlogTuple(path.id));
      writeQLogEndpoint(data.name("tuple_remote"), path.tuple.peer, &path.destination.id);
      writeQLogEndpoint(data.name("tuple_local"), path.tuple.local, path.heardOn.empty() ? nullptr : &path.heardOn);
    });
  }
  LoggedPath& recordOf(const Path& path) {
    for (LoggedPath& told : told_.paths) {
      if (told.id == path.id) return told;
    }
    told_.paths.push_back({path.id, path.tuple, path.destination.id, path.mtu.size()});
    assign(path);
    if (state_.settings.ecn) ecnChanged(path.id, std::nullopt, EcnMarking::State::Testing);
    return told_.paths[told_.paths.size() - 1];
  }
  void pathOf(const Path& path) {
    LoggedPath& told = recordOf(path);
    if (told.tuple != path.tuple || told.destination != path.destination.id) addressChanged(path, told);
    validationChanged(path, told);
    const size_t mtu = path.mtu.size();
    if (const size_t before = std::exchange(told.mtu, mtu); before != mtu) mtuChanged(path, before);
    const EcnMarking::State ecn = path.ecn.state(state_.now);
    const EcnMarking::State ecnBefore = std::exchange(told.ecn, ecn);
    if (ecn != ecnBefore && state_.settings.ecn) ecnChanged(path.id, ecnBefore, ecn);
  }
  void addressChanged(const Path& path, LoggedPath& told) {
    const ConnectionId before = std::exchange(told.destination, path.destination.id);
    told.tuple = path.tuple;
    assign(path);
    if (before == path.destination.id || path.id != state_.paths.active().id) return;
    tellOnPath(path.id, "quic:connection_id_updated", [&](JsonWriter& data) {
      data.name("initiator").text("remote").name("old").hex(before.bytes());
      data.name("new").hex(path.destination.id.bytes());
    });
  }
  void validationChanged(const Path& path, LoggedPath& told) {
    const bool isProbing = path.validation.has_value();
    const bool wasProbing = std::exchange(told.isProbing, isProbing);
    const bool wasValidated = std::exchange(told.isValidated, path.isValidated);
    if (path.id == state_.paths.active().id) return;  // that is a migration, or the doubt about one
    if (isProbing && !wasProbing) migration(path.id, "probing_started");
    if (wasProbing && path.isValidated && !wasValidated) migration(path.id, "probing_successful");
    if (wasProbing && !isProbing && !path.isValidated) migration(path.id, "probing_abandoned");
  }
  void activeChanged() {
    const Path& active = state_.paths.active();
    const PathId before = std::exchange(told_.active, active.id);
    if (told_.isMoving) migration(before, "migration_abandoned");
    told_.isMoving = !active.isValidated;
    migration(active.id, told_.isMoving ? "migration_started" : "migration_complete");
  }
  void forgetPaths() {
    SmallVector<LoggedPath, kMaxPaths> kept;
    for (const LoggedPath& told : told_.paths) {
      if (std::as_const(state_.paths).find(told.id) != nullptr) {
        kept.push_back(told);
        continue;
      }
      if (told.isProbing && !told.isValidated) migration(told.id, "probing_abandoned");
      tell("quic:tuple_assigned", [&](JsonWriter& data) { data.name("tuple_id").text(qlogTuple(told.id)); });
    }
    if (kept.size() != told_.paths.size()) told_.paths = kept;
  }
  void mtuChanged(const Path& path, size_t before) {
    const PathMtu::State state = path.mtu.state();
    tellOnPath(path.id, "quic:mtu_updated", [&](JsonWriter& data) {
      data.name("old").number(uint64_t{before}).name("new").number(uint64_t{path.mtu.size()});
      if (state == PathMtu::State::SearchComplete) data.name("done").truth(true);
    });
  }
  void ecnChanged(PathId path, std::optional<EcnMarking::State> before, EcnMarking::State now) {
    tellOnPath(path, "quic:ecn_state_updated", [&](JsonWriter& data) {
      if (before) data.name("old").text(ecnName(*before));
      data.name("new").text(ecnName(now));
    });
  }
  [[nodiscard]] LoggedMetrics currentMetrics() const {
    const Path& path = state_.paths.active();
    LoggedMetrics now;
    now.congestionWindow = path.controller->congestionWindow();
    now.bytesInFlight = path.controller->bytesInFlight();
    now.ptoCount = static_cast<uint64_t>(state_.recovery.ptoCount());
    if (!path.rtt.hasSample()) return now;
    now.minRtt = path.rtt.min();
    now.smoothedRtt = path.rtt.smoothed();
    now.latestRtt = path.rtt.latest();
    now.rttVariation = path.rtt.variation();
    now.pacingRate = path.pacer.rate();
    return now;
  }

  QuicConnectionState& state_;
  ConnectionQLog& told_;
  Initiator cause_;
};

}  // namespace

void logChanges(QuicConnectionState& state, Initiator cause) {
  if (!state.qlog) return;
  Comparison comparison(state, cause);
  comparison.version();
  comparison.restoredParameters();
  comparison.peerParameters();
  comparison.keys();
  comparison.paths();
  comparison.serverMigration();
  comparison.events();
  comparison.life();
  comparison.congestion();
  comparison.metrics();
}

void tellPaths(QuicConnectionState& state) {
  if (state.qlog) Comparison(state, Initiator::Local).paths();
}

}  // namespace quic
