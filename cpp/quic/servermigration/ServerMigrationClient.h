// The client's half of server migration, all protocols: told of facts, it answers with steps; it holds no connection,
// sends nothing and reads no clock. The transition table is in README.md.
// "H": the latest (highest-numbered) non-probing packet of the 1-RTT space so far.
// Invariant: a probe is open exactly when state() is Probing; an unvalidated address is active exactly in Validating.
// After Fail the connection is to be closed; no further fact is expected.
#pragma once

#include "quic/QuicConstants.h"
#include "quic/common/Ids.h"
#include "quic/servermigration/AddressPolicy.h"
#include "quic/servermigration/PoolOrder.h"
#include "quic/servermigration/ServerMigrationTypes.h"

namespace quic {

struct ServerMigrationClientSettings {
  ServerMigrationProtocols protocols;  // offered; empty: off
  ExplicitProbing explicitProbing = ExplicitProbing::Reactive;
  AddressPolicyKind addressPolicy = AddressPolicyKind::Routable;
  std::vector<AddressRange> allowedAddresses;  // when not empty: to these and no others, see AddressPolicy
  Duration announcementLifetime = kDefaultAnnouncementLifetime;
  /// So that not all clients of a server look for it at the same instant: the first probe of each search waits for a random
  /// time up to this. 0: it does not wait.
  Duration probeDelay{0};
  /// In which order the addresses of a pool are tried: these first, in this order, then the others, ascending.
  std::vector<SocketAddress> poolOrder;
};

class ServerMigrationClient {
 public:
  enum class State : uint8_t { Idle, Announced, Probing, Validating };

  ServerMigrationClient(const ServerMigrationClientSettings& settings, const SocketAddress& server);
  /// Once, when the handshake is complete. Empty: every migration frame is a violation.
  void onNegotiated(ServerMigrationProtocols protocols);

  // ---- facts
  /// Before the facts of each 1-RTT packet: its number, by which late copies of frames are known. Without it only
  /// addresses tell a late copy.
  void onPacket(PacketNum number) { currentPacket_ = number; }
  MigrationSteps onServerMigration(TimePoint now, const ServerMigrationFrame& frame);
  MigrationSteps onPoolMigrationAddress(const PoolMigrationAddressFrame& frame);
  MigrationSteps onServerMigrated(const SocketAddress& from, bool isLatest);
  /// Our acknowledgment of the announcement has left (proactive probing may begin: the server will hear us).
  MigrationSteps onAnnouncementAckSent();
  /// The server has been silent for a probe timeout although something was asked of it.
  MigrationSteps onProbeTimeout();
  /// H. `discard` is set when the datagram should not have been accepted.
  MigrationSteps onLatestNonProbingPacket(const SocketAddress& from);
  MigrationSteps onPathValidated(const SocketAddress& peer);
  MigrationSteps onPathFailed(const SocketAddress& peer);
  MigrationSteps onTimeout(TimePoint now);
  /// The client went where the handshake's preferred_address told it to (RFC 9000 §9.6), which is no move of this kind.
  /// Only while Idle.
  void onPreferredAddress(const SocketAddress& peer) { validated_ = peer; }
  /// The clock jumped by this while the process stood still: an announcement lives on for what was left of its time.
  void onResumed(Duration frozenFor);

  // ---- verbs
  /// ExplicitProbing::Manual. Error: MIGRATION_INVALID_STATE.
  Result<MigrationSteps> startProbing();

  // ---- nouns
  [[nodiscard]] State state() const;
  [[nodiscard]] ServerMigrationProtocols negotiated() const { return negotiated_; }
  /// Whether a datagram from there may be looked at at all (RFC 9000 §9): asked before decryption.
  [[nodiscard]] bool mayReceiveFrom(const SocketAddress& address) const;
  /// Whether silence of the server matters: onProbeTimeout() would do something.
  [[nodiscard]] bool watchesSilence() const;
  /// How often the whole pool was tried in this search, and nobody answered.
  [[nodiscard]] uint32_t fruitlessRounds() const;
  /// The address that is probed beside the active path: an open probe, which is forgotten when everything is called off.
  [[nodiscard]] std::optional<SocketAddress> openProbe() const;
  [[nodiscard]] std::optional<TimePoint> nextTimeout() const;

  bool operator==(const ServerMigrationClient&) const = default;

 private:
  /// State, told apart by protocol: the columns of the table. Same order as Data.
  enum class Situation : uint8_t {
    Idle,
    ExplicitAnnounced,
    SynchronizedAnnounced,
    ExplicitProbe,
    PoolProbe,
    SymmetricMove,
    SynchronizedMove,
  };
  /// What the active path was when it was last heard of, or given up, during a probe.
  enum class OldPath : uint8_t { Alive, Silent };

  struct Idle {
    bool operator==(const Idle&) const = default;
  };
  struct ExplicitAnnounced {
    SocketAddress target;
    TimePoint expiresAt;
    bool operator==(const ExplicitAnnounced&) const = default;
  };
  struct SynchronizedAnnounced {
    TimePoint expiresAt;
    bool operator==(const SynchronizedAnnounced&) const = default;
  };
  struct ExplicitProbe {
    SocketAddress target;
    TimePoint expiresAt;
    OldPath oldPath = OldPath::Alive;
    bool operator==(const ExplicitProbe&) const = default;
  };
  struct PoolProbe {
    SocketAddress candidate;
    uint32_t fruitlessRounds = 0;
    bool operator==(const PoolProbe&) const = default;
  };
  struct SymmetricMove {
    SocketAddress peer;
    bool operator==(const SymmetricMove&) const = default;
  };
  struct SynchronizedMove {
    SocketAddress peer;
    TimePoint expiresAt;  // the announcement's: when the move comes to nothing, it is still awaited
    bool operator==(const SynchronizedMove&) const = default;
  };
  using Data = std::variant<Idle, ExplicitAnnounced, SynchronizedAnnounced, ExplicitProbe, PoolProbe, SymmetricMove,
                            SynchronizedMove>;

  // ---- nouns
  [[nodiscard]] Situation situation() const { return static_cast<Situation>(data_.index()); }
  template <class T>
  [[nodiscard]] const T& as() const {
    return *std::get_if<T>(&data_);
  }
  [[nodiscard]] SocketAddress active() const;
  [[nodiscard]] bool mayUse(ServerMigrationProtocol protocol) const { return negotiated_.usable().has(protocol); }
  [[nodiscard]] bool isStale() const { return currentPacket_ < settledPacket_; }
  [[nodiscard]] std::optional<SocketAddress> addressOf(const QuicIPAddress& address) const;

  // ---- steps
  MigrationSteps onExplicitAnnouncement(TimePoint now, const QuicIPAddress& address);
  MigrationSteps onSynchronizedAnnouncement(TimePoint now);
  MigrationSteps onHeardFromActive();
  MigrationSteps onHeardFromElsewhere(const SocketAddress& from);
  MigrationSteps acceptExplicit(TimePoint now, const SocketAddress& target);
  MigrationSteps probeAnnounced(OldPath oldPath);
  MigrationSteps probeAgain();
  MigrationSteps probePool(const SocketAddress& candidate);
  MigrationSteps tryNextOfPool();
  MigrationSteps onPoolCandidateFailed();
  MigrationSteps moveTo(const SocketAddress& peer);
  MigrationSteps revertProbe();
  MigrationSteps revertMove();
  MigrationSteps complete(ServerMigrationProtocol protocol, const SocketAddress& peer);
  MigrationSteps failWith(const QuicError& error);
  MigrationSteps violation(FrameType frame, std::string_view reason);
  MigrationSteps prolong(TimePoint now);
  void settle();

  ExplicitProbing explicitProbing_;
  Duration announcementLifetime_;
  AddressPolicy policy_;
  ServerMigrationProtocols negotiated_;
  SocketAddress validated_;  // the active address, unless Validating
  Data data_;
  PoolOrder pool_;
  uint64_t completed_ = 0;                              // migrations of this connection
  std::optional<SocketAddress> completedAnnouncement_;  // the latest one
  PacketNum currentPacket_ = 0;
  PacketNum settledPacket_ = 0;  // frames of earlier packets belong to what is over
};

}  // namespace quic
