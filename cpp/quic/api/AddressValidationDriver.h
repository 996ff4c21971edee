// What proves a client's address before the handshake does: Retry packets and tokens, at both ends. RFC 9000 §8.1, §17.2.5.
#pragma once

#include "quic/api/QuicConnectionState.h"
#include "quic/codec/QuicPacketHeaders.h"

namespace quic {

/// Client: at most one Retry is believed, before anything else was (RFC 9000 §17.2.5.2). The handshake goes on with the
/// server's token and ID: same TLS messages, fresh keys, packet numbers that go on (§17.2.5.3), recovery from the beginning
/// (RFC 9002 §6.3). False: it was discarded.
bool onRetry(QuicConnectionState& state, const ProtectedPacket& packet);
/// Client: a token for a later connection.
void onNewToken(QuicConnectionState& state, const NewTokenFrame& frame);

}  // namespace quic
