// The words of server migration: protocols, errors, what the tables answer with, what the application hears.
// README.md in this folder is the specification; this header names its nouns.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "quic/QuicError.h"
#include "quic/codec/QuicFrames.h"
#include "quic/common/QuicClock.h"

namespace quic {

/// Bits of transport parameter 0x64 (spec §0, §1).
enum class ServerMigrationProtocol : uint64_t {
  EXPLICIT = 1u << 0,
  POOL_OF_ADDRESSES = 1u << 1,
  SYMMETRIC = 1u << 2,
  SYNCHRONIZED_SYMMETRIC = 1u << 3,
};

/// A set of protocols; empty means that server migration is disabled.
class ServerMigrationProtocols {
 public:
  static constexpr uint64_t kKnownBits = 0xf;

  constexpr ServerMigrationProtocols() = default;
  constexpr explicit ServerMigrationProtocols(uint64_t bits) : bits_(bits & kKnownBits) {}
  constexpr ServerMigrationProtocols(std::initializer_list<ServerMigrationProtocol> protocols) {
    for (const ServerMigrationProtocol protocol : protocols) bits_ |= static_cast<uint64_t>(protocol);
  }
  [[nodiscard]] constexpr bool has(ServerMigrationProtocol protocol) const {
    return (bits_ & static_cast<uint64_t>(protocol)) != 0;
  }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr uint64_t bits() const { return bits_; }
  [[nodiscard]] constexpr ServerMigrationProtocols intersect(ServerMigrationProtocols other) const {
    return ServerMigrationProtocols(bits_ & other.bits_);
  }
  /// What migrations may use once this set is negotiated: Pool of Addresses excludes the others (SM-04).
  [[nodiscard]] constexpr ServerMigrationProtocols usable() const {
    return has(ServerMigrationProtocol::POOL_OF_ADDRESSES)
               ? ServerMigrationProtocols{ServerMigrationProtocol::POOL_OF_ADDRESSES}
               : *this;
  }
  constexpr bool operator==(const ServerMigrationProtocols&) const = default;

 private:
  uint64_t bits_ = 0;
};

/// Why a connection could not be prepared; the fork's names and numbers (spec §6.3).
enum class ServerMigrationError : uint16_t {
  MIGRATION_DISABLED = 0,
  HANDSHAKE_NOT_FINISHED = 1,
  PROTOCOL_NOT_NEGOTIATED = 2,
  MIGRATION_ALREADY_IN_PROGRESS = 3,
  INVALID_ADDRESS = 4,
  INVALID_STATE = 5,
  EMPTY_POOL_MIGRATION_ADDRESSES = 6,
  POOL_MIGRATION_ADDRESSES_NOT_ACKNOWLEDGED = 7,
};

/// When a client that heard an Explicit announcement begins to probe.
enum class ExplicitProbing : uint8_t { Reactive, Proactive, Manual };

namespace migration {

// ---- what the tables want done
/// SERVER_MIGRATION with the address, or all zero for Synchronized Symmetric. Lost ones are sent again.
struct SendAnnouncement {
  QuicIPAddress address;
  uint32_t epoch = 0;
};
/// SERVER_MIGRATED. Never sent again.
struct SendServerMigrated {};
/// Validate `peer` beside the active path: padded PATH_CHALLENGE, no application data.
struct ProbePath {
  SocketAddress peer;
  bool opensSearch = false;  // nothing was probed before: it may be put off for a while (SM-89)
};
/// Make `peer` the active path now; three times what it sent until it is validated (RFC 9000 §9.3, mirrored).
struct MoveToPath {
  SocketAddress peer;
};
/// Forget the probe; when it was the active path, go back to the last validated one.
struct DropPath {
  SocketAddress peer;
};
/// Close the connection with the error (a peer's violation, or the address policy's refusal).
struct Fail {
  QuicError error;
};

// ---- what the application hears
struct PoolAddressReceived {
  SocketAddress address;
};
struct Announced {
  ServerMigrationProtocol protocol;
  std::optional<SocketAddress> address;  // Explicit only
};
struct ProbingStarted {
  ServerMigrationProtocol protocol;
  SocketAddress address;
};
struct Reverted {
  SocketAddress address;  // the one that is active again
};
struct Expired {
  std::optional<SocketAddress> address;
};
struct Detected {
  ServerMigrationProtocol protocol;
  SocketAddress address;
};
/// Server: this connection may be moved now.
struct Ready {
  ServerMigrationProtocol protocol;
};
/// Client: the new path is validated and active. Server: the client has moved.
struct Completed {
  ServerMigrationProtocol protocol;
  SocketAddress peer;
  Duration downtime{0};  // client, filled in by the engine: from the last packet on the old path to the end of the move
};
/// Server: this connection cannot be prepared; it lives on.
struct Failed {
  ServerMigrationError error;
};
struct PoolAcknowledged {};

}  // namespace migration

using MigrationAction = std::variant<migration::SendAnnouncement, migration::SendServerMigrated, migration::ProbePath,
                                     migration::MoveToPath, migration::DropPath, migration::Fail>;
using MigrationEvent = std::variant<migration::PoolAddressReceived, migration::Announced, migration::ProbingStarted,
                                    migration::Reverted, migration::Expired, migration::Detected, migration::Ready,
                                    migration::Completed, migration::Failed, migration::PoolAcknowledged>;

/// What a fact led to: things to do, in order, and things to tell.
struct MigrationSteps {
  std::vector<MigrationAction> actions;
  std::vector<MigrationEvent> events;
  /// The datagram from an implausible address is to be dropped (RFC 9000 §9).
  bool discard = false;
};

/// "Explicit", "Pool of Addresses", "Symmetric", "Synchronized Symmetric".
std::string_view serverMigrationProtocolToString(ServerMigrationProtocol protocol);
/// The enumerator's name: "HANDSHAKE_NOT_FINISHED".
std::string_view serverMigrationErrorToString(ServerMigrationError error);

}  // namespace quic
