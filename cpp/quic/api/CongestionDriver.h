// What a path's controller, pacer and estimators are told: what left, what came of it, and when the application was the one
// that had no more.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// The packet is sealed and in flight: it gets its stamp and weighs on its path.
void onInFlightSent(QuicConnectionState& state, Path& path, SentPacket& packet);
/// Nothing more leaves now. When it is not window or pace that holds it back, the path runs dry from here on.
void onSendingStopped(QuicConnectionState& state);
/// After losses were told: what one acknowledgment brought to a path.
void tellAcked(QuicConnectionState& state, Path& path, CongestionAckEvent& event);
/// After the controller has heard something.
void updatePace(QuicConnectionState& state, Path& path);

}  // namespace quic
