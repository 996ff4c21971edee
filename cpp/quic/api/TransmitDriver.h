// One datagram, or a train of them, out: which path, which levels, how much. RFC 9000 §8.1, §12.2, §14; RFC 9002 §7.
#pragma once

#include "quic/api/QuicConnectionState.h"
#include "quic/common/Datagram.h"

namespace quic {

std::optional<Transmit> pollTransmit(QuicConnectionState& state, MutableByteSpan out);

}  // namespace quic
