// A QUIC server: its workers, its address, and the move of the whole to another address. The names of the verbs of a move are
// those of the fork of mvfst that this project continues.
//
// A move: onImminentServerMigration() tells every client (MigrationPrepared answers); the process, or its network, is
// relocated; onNetworkSwitch() binds the new address (MigrationCompleted or MigrationFailed answers). From the first to the
// last of these, new connections are refused. Connections that were left out, or were not ready in time, are served until
// the switch and then closed: on the wire with CONNECTION_REFUSED and the reason "server migrated: reconnect", to the host as
// MIGRATED_WITHOUT_CONNECTION.
#pragma once

#include <map>
#include <set>

#include "io/QuicHost.h"
#include "io/ServerWorker.h"
#include "quic/server/ServerMigrationCoordinator.h"

namespace quic {

/// Where a move stands: what each connection waits for is its status.
struct MigrationStatus {
  ServerMigrationCoordinator::Phase phase = ServerMigrationCoordinator::Phase::Idle;
  std::vector<MigrationOutcome> connections;  // of the move under way, or of the last one
};

struct ServerOptions {
  SocketAddress address;
  bool dualStack = false;  // an IPv6 wildcard that also takes IPv4
  std::optional<int> fd;   // a UDP socket that is bound already, instead of `address`; the server's from then on
  size_t workers = 1;      // 0: on `loop`; at most 256
  uv_loop_t* loop = nullptr;
  bool steer = true;                // see BindShared.h
  ServerEndpointSettings endpoint;  // a resetSecret and a token seed of zeros are replaced by random ones
  TlsServerOptions tls;
};

class QuicServer final : public QuicHost, private DatagramForwarder {
 public:
  /// Bound and serving on return. `sink` outlives the server.
  static HostResult<std::unique_ptr<QuicServer>> listen(const ServerOptions& options, HostSink& sink);
  ~QuicServer() override;

  [[nodiscard]] const SocketAddress& address() const { return address_; }
  /// New connections are answered with CONNECTION_REFUSED.
  void refuse(bool refuse);
  /// No new connections for good; those that there are go on until they end.
  void beginShutdown();
  void setRetryPolicy(const RetryPolicy& policy);
  /// The first seals address tokens, all of them open (AddressTokenSettings); empty: keys of our own from now on.
  void setTokenKeys(const std::vector<AddressTokenKey>& keys);
  /// See TlsServerContext::setTicketKeys.
  Result<> setTicketKeys(const std::vector<ByteVector>& keys) { return tls_->setTicketKeys(keys); }
  [[nodiscard]] ServerStats serverStats() const;
  /// Connection 0: of the whole server.
  void stats(ConnectionHandle connection, uint32_t request) override;

  // ---- a move. Errors: MIGRATION_IN_PROGRESS, MIGRATION_INVALID_STATE, MIGRATION_INVALID_ADDRESS (of the other family); the
  // move under way, if any, is not hurt.
  /// Connections that the map does not name are left out.
  Result<> onImminentServerMigration(const std::map<ConnectionHandle, MigrationPlan>& plans, Duration deadline);
  /// The same for all. `address`: Explicit only.
  Result<> onImminentServerMigration(ServerMigrationProtocol protocol, const std::optional<QuicIPAddress>& address,
                                     Duration deadline);
  Result<> onImminentServerMigration(const MigrationPlans& plans, Duration deadline);
  /// Binds `address` for every worker before any worker leaves the old one: when that fails, the answer is MigrationFailed,
  /// the old address works on, and another address may be tried.
  Result<> onNetworkSwitch(const SocketAddress& address, Duration deadline);
  /// The sockets are kept: the address is the same, or the network moved underneath.
  Result<> onNetworkSwitch(Duration deadline);
  /// What clients were told cannot be untold. Harmless when there is no move.
  void cancelServerMigration();
  /// At any time, as of the batches that were taken. Just after onImminentServerMigration() it is not known yet who takes part.
  [[nodiscard]] MigrationStatus migrationStatus() const;

 private:
  QuicServer(const ServerOptions& options, const SocketAddress& address, std::shared_ptr<TlsServerContext> tls);

  void onFact(size_t worker, const HostFact& fact) override;
  void forward(uint8_t worker, command::Forwarded&& datagram) override;
  template <class Make>
  void postToAll(Make&& make) {
    for (size_t index = 0; index < workerCount(); ++index) worker(index).post(make());
  }

  void coordinate(const HostFact& fact);
  void onAllEnlisted();
  void onAlarm();
  void announceProgress();
  [[nodiscard]] std::vector<MigrationOutcome> outcomesOfStep() const;
  void setAlarm();
  void switchTo(std::vector<UdpSocket>&& sockets);
  void applyRefusal();

  const ServerOptions options_;
  // Shared because every worker makes handshakes of it and the last of them frees it.
  std::shared_ptr<TlsServerContext> tls_;
  SocketAddress address_;
  bool isRefusing_ = false;
  bool wasRefusing_ = false;  // what the workers were told last

  ServerMigrationCoordinator coordinator_;
  // Between onImminentServerMigration() and the last worker's list:
  bool isEnlisting_ = false;
  size_t listsMissing_ = 0;
  TimePoint prepareDeadline_;
  std::vector<ConnectionHandle> enlisted_;
  std::vector<HostFact> early_;  // facts that came before the last list

  std::set<ConnectionHandle> late_;  // still awaited at the deadline of the present step

  ServerMigrationCoordinator::Phase told_ = ServerMigrationCoordinator::Phase::Idle;
};

}  // namespace quic
