// The only place that branches on frame types on receipt: each arm is one call. Whether a frame may stand in its packet has
// been checked before (codec/FrameTraits).
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

Result<> dispatchFrame(QuicConnectionState& state, const PacketContext& context, const QuicFrame& frame);

}  // namespace quic
