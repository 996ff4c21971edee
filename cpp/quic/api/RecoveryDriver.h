// Between loss recovery, which knows packets, and the parts that packets are about: paths, streams, frames. RFC 9002.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

Result<> onAckFrame(QuicConnectionState& state, const PacketContext& context, const AckFrame& frame);
[[nodiscard]] std::optional<TimePoint> nextRecoveryTimeout(const QuicConnectionState& state);
void onRecoveryTimeout(QuicConnectionState& state);
/// RFC 9001 §4.9: keys and flight of a handshake level go.
void discardSpace(QuicConnectionState& state, PacketNumberSpace space);
/// Server: the client sends CRYPTO data again that we have had.
void onRepeatedClientHello(QuicConnectionState& state);
/// Everything in flight on a path that was left is to be sent again, with no signal to any controller.
void abandonFlight(QuicConnectionState& state, PathId path);

/// Client, after Retry (RFC 9002 §6.3), and for refused 0-RTT packets (§6.4): what was sent in the space is never acknowledged
/// and is to be sent again. Nothing has been acknowledged yet, so an empty flight is all that there is to reset of congestion
/// control.
void restartSpace(QuicConnectionState& state, PacketNumberSpace name);

/// The same, but nothing of it is to be sent again: the handshake begins anew (RFC 9368 §2.4).
void forgetFlight(QuicConnectionState& state, PacketNumberSpace name);

}  // namespace quic
