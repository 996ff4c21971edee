// One datagram in: which path, which packets, are they authentic, what do their frames say. RFC 9000 §5.2, §12.
#pragma once

#include "quic/api/QuicConnectionState.h"
#include "quic/common/Datagram.h"

namespace quic {

void receiveDatagram(QuicConnectionState& state, const ReceivedDatagram& datagram);

/// A token of the IDs that we send to at the datagram's peer is its end (RFC 9000 §10.3.1). For what nobody could open.
[[nodiscard]] bool isStatelessReset(const QuicConnectionState& state, const ReceivedDatagram& datagram);

}  // namespace quic
