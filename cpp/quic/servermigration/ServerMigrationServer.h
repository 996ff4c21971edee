// The server's half of server migration for one connection: told of facts, it answers with steps. Table in README.md.
// It holds no socket and no connection; a failed preparation leaves the connection alive.
#pragma once

#include "quic/servermigration/ServerMigrationTypes.h"

namespace quic {

class ServerMigrationServer {
 public:
  enum class State : uint8_t { Idle, Announcing, Ready, Switching };

  /// `poolSize`: how many POOL_MIGRATION_ADDRESS frames the engine sends once Pool of Addresses is negotiated.
  void onNegotiated(ServerMigrationProtocols protocols, uint32_t poolSize);
  void onHandshakeConfirmed() { handshakeConfirmed_ = true; }

  // ---- verbs
  /// `announced`: Explicit only. In `activePath`, `peer` is the client (its family must be usable) and `local` our
  /// present address. What cannot be prepared is answered with the event Failed.
  MigrationSteps prepare(ServerMigrationProtocol protocol, const std::optional<QuicIPAddress>& announced,
                         const FourTuple& activePath);
  /// Cancel, or deadline: back to Idle. What the client was told cannot be untold: see SM-58.
  void cancel() { data_ = Idle{}; }

  // ---- facts
  MigrationSteps onAnnouncementAcked(uint32_t epoch);
  MigrationSteps onPoolAddressAcked(uint32_t index);
  /// The socket has been replaced, or moved underneath us. `somethingToSend`: the connection will write anyway.
  MigrationSteps onNetworkSwitched(bool somethingToSend);
  /// The client has found the new address good, and stays: SM-57.
  MigrationSteps onClientArrived(const SocketAddress& client);

  // ---- nouns
  [[nodiscard]] State state() const { return static_cast<State>(data_.index()); }
  [[nodiscard]] ServerMigrationProtocols negotiated() const { return negotiated_; }
  [[nodiscard]] std::optional<ServerMigrationProtocol> protocol() const;  // of the migration under way

  bool operator==(const ServerMigrationServer&) const = default;

 private:
  // One per State, in its order.
  struct Idle {
    bool operator==(const Idle&) const = default;
  };
  struct Announcing {
    ServerMigrationProtocol protocol;
    bool operator==(const Announcing&) const = default;
  };
  struct Ready {
    ServerMigrationProtocol protocol;
    bool operator==(const Ready&) const = default;
  };
  struct Switching {
    ServerMigrationProtocol protocol;
    bool operator==(const Switching&) const = default;
  };
  using Data = std::variant<Idle, Announcing, Ready, Switching>;
  /// What a preparation would tell the client: an address, all zero for Synchronized Symmetric, or nothing.
  using Announcement = std::optional<QuicIPAddress>;

  [[nodiscard]] std::optional<ServerMigrationError> whyNot(ServerMigrationProtocol protocol,
                                                           const Announcement& announced,
                                                           const FourTuple& activePath) const;
  [[nodiscard]] bool contradicts(ServerMigrationProtocol protocol, const Announcement& announced) const;
  [[nodiscard]] bool isPoolAcked() const { return poolAcks_ == poolAcked_.size(); }
  MigrationSteps announce(ServerMigrationProtocol protocol, const QuicIPAddress& address);
  MigrationSteps becomeReady(ServerMigrationProtocol protocol);

  ServerMigrationProtocols negotiated_;
  bool handshakeConfirmed_ = false;
  Data data_;
  uint32_t epoch_ = 0;           // of the latest announcement
  Announcement promised_;        // what the client may have been told and not seen come true
  std::vector<bool> poolAcked_;  // by index; our own configuration, not the peer's
  size_t poolAcks_ = 0;
};

}  // namespace quic
