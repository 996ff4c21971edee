// Moves between paths: which datagrams may open a new one, validation, and the switch. RFC 9000 §8.2, §9. What a client does
// of its own accord is in ConnectionMigrationDriver, what servers and clients agree on in MigrationDriver.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// Whether a datagram on an unknown path may be looked at (RFC 9000 §9).
[[nodiscard]] bool mayAdoptPath(const QuicConnectionState& state, const FourTuple& tuple);
/// The same, for an authentic packet that was sent to this ID of ours.
[[nodiscard]] bool mayAdoptPath(const QuicConnectionState& state, const FourTuple& tuple,
                                const ConnectionId& destinationId);
/// A path for an authentic packet from a new address, sent to this ID of ours.
Path& adoptPath(QuicConnectionState& state, const FourTuple& tuple, const ConnectionId& destinationId);
/// The same where the peer's doing is not in question: our own end has moved, or the peer's was announced.
Path& adoptPath(QuicConnectionState& state, const FourTuple& tuple);
/// A path that we open to send on it, with an ID of the peer's that was not used before. nullptr: the peer has given none.
Path* openPath(QuicConnectionState& state, const FourTuple& tuple);
/// RFC 9000 §8.2.
void validatePath(QuicConnectionState& state, const Path& path);
/// Validation of `peer` beside the active path, on a path of its own, with the haste of a server that moves.
void probePath(QuicConnectionState& state, const SocketAddress& peer);
/// `id` becomes the active path; what was in flight on the old one is sent again.
void switchPath(QuicConnectionState& state, PathId id);
/// RFC 9000 §9.4: only a port changed, most likely a NAT's doing; the network between is the same, and what is known of it.
/// Nothing may be in flight on either path afterwards.
void carryNetworkOver(QuicConnectionState& state, Path& from, Path& to);
/// Forgets a path that is not active; its destination ID is retired.
void dropPath(QuicConnectionState& state, PathId id);

void onPathChallenge(QuicConnectionState& state, const PacketContext& context, const PathChallengeFrame& frame);
void onPathResponse(QuicConnectionState& state, const PathResponseFrame& frame);
/// Server: the client sends from another address now (RFC 9000 §9.3).
void onPeerMoved(QuicConnectionState& state, PathId id);
/// The peer's Retire Prior To took IDs that paths were using (RFC 9000 §5.1.2), or new ones came for paths that wait for one.
void refreshDestinationIds(QuicConnectionState& state);
[[nodiscard]] std::optional<TimePoint> nextPathTimeout(const QuicConnectionState& state);
void onPathTimeout(QuicConnectionState& state);

}  // namespace quic
