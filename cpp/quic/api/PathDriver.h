// Moves between paths: which datagrams may open a new one, validation, and the switch. RFC 9000 §8.2, §9.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// Whether a datagram on an unknown path may be looked at (RFC 9000 §9).
[[nodiscard]] bool mayAdoptPath(const QuicConnectionState& state, const FourTuple& tuple);
/// A path for an authentic packet from a new address.
Path& adoptPath(QuicConnectionState& state, const FourTuple& tuple);
/// Validation of `peer` beside the active path, on a path of its own.
void probePath(QuicConnectionState& state, const SocketAddress& peer);
/// `id` becomes the active path; what was in flight on the old one is sent again.
void switchPath(QuicConnectionState& state, PathId id);
/// Forgets a path that is not active; its destination ID is retired.
void dropPath(QuicConnectionState& state, PathId id);

void onPathChallenge(QuicConnectionState& state, const PacketContext& context, const PathChallengeFrame& frame);
void onPathResponse(QuicConnectionState& state, const PathResponseFrame& frame);
/// Server: the client sends from another address now (RFC 9000 §9.3).
void onPeerMoved(QuicConnectionState& state, PathId id);
/// The peer's Retire Prior To took IDs that paths were using (RFC 9000 §5.1.2).
void refreshDestinationIds(QuicConnectionState& state);
void onPathTimeout(QuicConnectionState& state);

}  // namespace quic
