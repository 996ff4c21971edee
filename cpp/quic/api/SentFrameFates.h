// What the acknowledgment and the loss of each kind of frame mean: the counterpart of FrameDispatch for what we sent.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

void onFrameAcked(QuicConnectionState& state, const SentFrame& frame);
/// Also called for what a probe repeats while it may still arrive: owners ignore what is settled.
void onFrameLost(QuicConnectionState& state, const SentFrame& frame);

}  // namespace quic
