// A client's own moves to another address of its own: RFC 9000 §9.2. Only the client decides on them; what a server does
// about a client that has moved is in PathDriver. Transmit.path.local tells the socket's owner from where to send, and
// LocalAddressReleased when a socket is no longer needed.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// Probes from `local` beside the active path, with a connection ID that no other path has seen (RFC 9000 §9.5). Answered: the
/// path is active (PathChanged). Not answered: nothing changes (PathFailed). A move that was under way is given up.
/// Before the handshake is confirmed it waits until it is (RFC 9000 §9); what then stands against it, PathFailed tells.
/// MIGRATION_FORBIDDEN (disable_active_migration), MIGRATION_INVALID_ADDRESS, NO_CONNECTION_ID (the peer has given none that is
/// unused, or uses none), CONNECTION_CLOSED.
Result<> migrateTo(QuicConnectionState& state, const SocketAddress& local);
/// The same without asking: the socket of the active path is gone. What is sent leaves from `local` at once, and the path is
/// validated there. When nobody answers, PathFailed tells so, and the connection waits for another address, or its timeout.
Result<> rebindTo(QuicConnectionState& state, const SocketAddress& local);

/// Before anything is sent: the move that has waited for the handshake.
void beginAwaitedMove(QuicConnectionState& state);

/// A path with Path::Purpose::OwnMove was answered, or was not.
void onOwnMoveValidated(QuicConnectionState& state, PathId id);
void onOwnMoveFailed(QuicConnectionState& state, PathId id);
/// The server has moved: a move of our own that is under way goes on towards its new address.
void followServer(QuicConnectionState& state);

}  // namespace quic
