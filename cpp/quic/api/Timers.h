// All deadlines of a connection in one place: the earliest, and what to do when it has come.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

[[nodiscard]] std::optional<TimePoint> nextTimeout(const QuicConnectionState& state);
/// Deals with everything that is due at state.now. A deadline that only asks for pollTransmit (acknowledgments, pacing, path
/// challenges) needs nothing more.
void onTimeout(QuicConnectionState& state);
/// The clock jumped by `frozenFor` while the process was frozen: what is overdue counts as due now, once.
void onResumed(QuicConnectionState& state, Duration frozenFor);

}  // namespace quic
