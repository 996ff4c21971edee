// What a host asks of a worker, as values: queued to another thread, or run at once on the worker's own.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "io/UdpSocket.h"
#include "quic/api/TransportSettings.h"
#include "quic/common/OwnedBytes.h"
#include "quic/handshake/HandshakeLayer.h"
#include "quic/server/AddressTokenKeys.h"
#include "quic/server/RetryPolicy.h"

namespace quic {

/// What is to become of one connection when its server moves. No protocol: it is left out, served until the move and then
/// closed.
struct MigrationPlan {
  std::optional<ServerMigrationProtocol> protocol;
  std::optional<QuicIPAddress> address;  // Explicit only
};
struct MigrationPlans {
  MigrationPlan others;  // every connection that is not named
  std::map<ConnectionHandle, MigrationPlan> named;
};

namespace command {

// ---- both roles. A verb on what is gone already is nothing: its end was told, or is on its way.
struct StreamWrite {
  ConnectionHandle connection;
  StreamId stream;
  OwnedBytes bytes;
  bool fin;
};
struct StreamConsume {
  ConnectionHandle connection;
  StreamId stream;
  uint64_t bytes;
};
struct StreamReset {
  ConnectionHandle connection;
  StreamId stream;
  uint64_t code;
};
struct StreamStop {
  ConnectionHandle connection;
  StreamId stream;
  uint64_t code;
};
/// RESET_STREAM_AT, or RESET_STREAM where the peer does not know it.
struct StreamResetAt {
  ConnectionHandle connection;
  StreamId stream;
  uint64_t code;
  uint64_t reliableSize;
};
struct StreamPrioritize {
  ConnectionHandle connection;
  StreamId stream;
  StreamPriority priority;
};
struct SendDatagram {
  ConnectionHandle connection;
  uint64_t datagram;  // the host's number
  OwnedBytes bytes;
  bool isWatched;  // the host wants to hear what becomes of it
  DatagramOptions options{};
};
struct UpdateKeys {
  ConnectionHandle connection;
  uint32_t request;
};
struct ExportKeyingMaterial {
  ConnectionHandle connection;
  uint32_t request;
  std::string label;
  OwnedBytes context;
  size_t size;
};
struct CloseConnection {
  ConnectionHandle connection;
  QuicErrorCode code;
  std::string reason;
};
/// Of its qlog nothing more is wanted.
struct StopQlog {
  ConnectionHandle connection;
};
struct QueryStats {
  ConnectionHandle connection;
  uint32_t request;
};
/// The host knows that the process stood still, perhaps as a copy of another one.
struct Thaw {
  Duration frozenFor;
};
/// Deliver, even if there is nothing: the host has records of its own.
struct Poke {};
/// Close every connection, send that, let everything go.
struct Stop {};

// ---- client
struct Connect {
  ConnectionHandle connection;
  FourTuple path;
  TransportSettings settings;
  std::unique_ptr<HandshakeLayer> handshake;
};
struct StartProbing {
  ConnectionHandle connection;
};
/// To another address of this host; with `probe` only when the server answers there.
struct Migrate {
  ConnectionHandle connection;
  uint32_t request;
  SocketAddress local;
  bool probe;
};

// ---- server
/// A datagram that reached another worker's socket. Copied: forwarding is rare.
struct Forwarded {
  FourTuple path;
  Ecn ecn;
  ByteVector bytes;
};
struct Refuse {
  bool refuse;
};
/// No new connections from now on; those whose handshake is under way are refused, the others go on until they end.
struct BeginShutdown {};
struct SetRetryPolicy {
  RetryPolicy policy;
};
/// See AddressTokenSettings::keys.
struct SetTokenKeys {
  std::vector<AddressTokenKey> keys;
};
struct Prepare {
  MigrationPlans plans;
};
/// `ready` move; the others are closed first, on the old address. A socket that is not open: the present one is kept.
struct SwitchNetwork {
  UdpSocket socket;
  std::set<ConnectionHandle> ready;
};
struct CancelMigration {};
/// These did not arrive in time.
struct GiveUpMigration {
  std::vector<ConnectionHandle> connections;
};
/// Answered by fact::AlarmDue at that time; one at a time, a later one replaces it.
struct SetAlarm {
  std::optional<TimePoint> at;
};

}  // namespace command

using Command =
    std::variant<command::StreamWrite, command::StreamConsume, command::StreamReset, command::StreamStop,
                 command::StreamResetAt, command::StreamPrioritize, command::SendDatagram, command::UpdateKeys,
                 command::ExportKeyingMaterial, command::CloseConnection, command::QueryStats, command::StopQlog,
                 command::Thaw, command::Poke, command::Stop, command::Connect, command::StartProbing, command::Migrate,
                 command::Forwarded, command::Refuse, command::BeginShutdown, command::SetRetryPolicy,
                 command::SetTokenKeys, command::Prepare, command::SwitchNetwork, command::CancelMigration,
                 command::GiveUpMigration, command::SetAlarm>;

/// What a worker tells its host besides the records that pass through to JavaScript.
namespace fact {

struct Enlisted {  // this connection takes part in the preparation
  ConnectionHandle connection;
};
struct AllEnlisted {};  // of this worker
struct Ready {
  ConnectionHandle connection;
  ServerMigrationProtocol protocol;
};
struct Excluded {
  ConnectionHandle connection;
  std::optional<ServerMigrationError> reason{};  // none: the plan leaves it out
};
struct Completed {
  ConnectionHandle connection;
};
struct Closed {
  ConnectionHandle connection;
};
struct AlarmDue {};
struct WorkerStopped {};  // the last one

}  // namespace fact

using HostFact = std::variant<fact::Enlisted, fact::AllEnlisted, fact::Ready, fact::Excluded, fact::Completed,
                              fact::Closed, fact::AlarmDue, fact::WorkerStopped>;

}  // namespace quic
