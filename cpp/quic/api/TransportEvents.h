// What a connection tells: queued by the core, drained with pollEvent(), never called back.
#pragma once

#include <string>
#include <variant>

#include "quic/QuicError.h"
#include "quic/common/ConnectionId.h"
#include "quic/common/SocketAddress.h"
#include "quic/datagram/DatagramTypes.h"
#include "quic/handshake/AddressToken.h"
#include "quic/handshake/HandshakeLayer.h"
#include "quic/servermigration/ServerMigrationTypes.h"
#include "quic/state/StreamEvents.h"

namespace quic {

/// 0-RTT (RFC 9001 §4.6), before HandshakeFinished. Client: streams can be used under the limits that were remembered. Server
/// with settings.earlyData: what its streams say may be replayed, and comes from an address that proves nothing.
struct EarlyDataReady {
  std::string alpn;  // client: that of the connection before
};
/// TLS is complete and the peer authenticated (RFC 9001 §4.1.1): streams can be used. Once.
struct HandshakeFinished {
  std::string alpn;
  ByteVector peerCertificate;  // DER; empty when there is none
  ServerMigrationProtocols serverMigration;
  bool isResumed = false;  // no certificate was exchanged now
  /// Client, Rejected: what was written since EarlyDataReady is sent again; streams beyond the server's limits wait for it.
  EarlyDataOutcome earlyData = EarlyDataOutcome::NotOffered;
  std::string serverName{};  // server: what the client asked for by SNI; empty when it did not
};
/// RFC 9001 §4.1.2. Once, after HandshakeFinished.
struct HandshakeConfirmed {};
/// What maxDatagramPayload() answers is another number now; 0: nothing can be sent. Not before HandshakeFinished.
struct DatagramLimitChanged {
  size_t maxPayload = 0;
};
/// The active path is another one now.
struct PathChanged {
  FourTuple path;
};
/// Client: it does not move to this address, and stays where it is: the server is not reached from there (RFC 9000 §9.1), or
/// what the handshake agreed upon forbids it.
struct PathFailed {
  FourTuple path;
  QuicError error{LocalErrorCode::NO_VIABLE_PATH, "the server does not answer there"};
};
/// Client: nothing is sent from this address of ours any more, nor awaited there: its socket may be closed.
struct LocalAddressReleased {
  SocketAddress address;
};
/// settings.qlog: what has happened since, as whole records of a JSON text sequence (RFC 7464). One file takes them as they come.
struct QLogText {
  std::string text;
};
/// The last event. `reason` is what the peer wrote, or our own words; at most 1024 bytes.
struct ConnectionClosed {
  QuicError error;
  std::string reason;
};
/// SessionTicket, client: its bytes are for TransportSettings::resumption of a later connection to the same server.
using TransportEvent = std::variant<EarlyDataReady, HandshakeFinished, HandshakeConfirmed, StreamEvent, DatagramEvent,
                                    DatagramLimitChanged, PathChanged, PathFailed, LocalAddressReleased, MigrationEvent,
                                    SessionTicket, AddressToken, KeyLogLine, QLogText, ConnectionClosed>;

/// Datagrams with this destination ID belong to this connection from now on, or no longer. For whoever routes, and before any
/// further datagram: these have a queue of their own.
struct ConnectionIdIssued {
  ConnectionId id;
};
struct ConnectionIdRetired {
  ConnectionId id;
};
/// A datagram that ends in this token may be a stateless reset of this connection, or can be none any more.
struct ResetTokenKnown {
  StatelessResetToken token;
};
struct ResetTokenForgotten {
  StatelessResetToken token;
};
using RoutingEvent = std::variant<ConnectionIdIssued, ConnectionIdRetired, ResetTokenKnown, ResetTokenForgotten>;

}  // namespace quic
