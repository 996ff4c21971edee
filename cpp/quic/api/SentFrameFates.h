// What the acknowledgment and the loss of each kind of frame mean: the counterpart of FrameDispatch for what we sent.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// Also for what was given up as lost and arrives late: nothing of it need be sent again (RFC 9000 §13.3).
void onFrameAcked(QuicConnectionState& state, const SentFrame& frame);
/// Owners ignore what is settled.
void onFrameLost(QuicConnectionState& state, const SentFrame& frame);
/// A probe says it again while it may still arrive: as if lost, but for what nobody repeats (RFC 9221 §5.2).
void repeatFrame(QuicConnectionState& state, const SentFrame& frame);

}  // namespace quic
