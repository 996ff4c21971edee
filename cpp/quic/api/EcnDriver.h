// Explicit congestion notification on a whole connection: what is marked, and what its acknowledgment means.
// RFC 9000 §13.4, RFC 9002 §7.1. The rules are in state/EcnValidation.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// For the next datagram on `path`.
[[nodiscard]] Ecn ecnMark(const QuicConnectionState& state, const Path& path);
void onEcnPacketSent(QuicConnectionState& state, Path& path, PacketNumberSpace space, Ecn mark);
/// Of what is in state.outcome. `raisesLargest`: the frame acknowledges a higher number than any before.
void onEcnAck(QuicConnectionState& state, PacketNumberSpace space, const AckFrame& frame, bool raisesLargest);
void onEcnPacketLost(QuicConnectionState& state, const SentPacket& packet);

}  // namespace quic
