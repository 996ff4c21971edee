// The address that a server would rather be reached at, told in the handshake: RFC 9000 §9.6. The client probes it once the
// handshake is confirmed, and goes there when it answers; the server follows only then. This is no server migration in the
// sense of servermigration/: it happens once, and the server's old address stays.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

// ---- server
/// Puts the settings' addresses into our parameters, with the connection ID of sequence number 1 (§5.1.1).
void offerPreferredAddress(QuicConnectionState& state, TransportParameters& ours);
[[nodiscard]] bool isOurPreferredAddress(const QuicConnectionState& state, const SocketAddress& local);

// ---- client
/// The connection ID that came with it may be used on any path (§9.6.3). TRANSPORT_PARAMETER_ERROR when it is another's.
Result<> onPreferredAddress(QuicConnectionState& state, const TransportParameters& peer);
/// The handshake is confirmed: the address is probed, unless settings, policy (§21.5.3) or a lack of it say no.
void followPreferredAddress(QuicConnectionState& state);
/// The path from `local` to it, under validation. nullptr: there is none to go to.
Path* probePreferredAddress(QuicConnectionState& state, const SocketAddress& local);
[[nodiscard]] bool isPreferredByPeer(const QuicConnectionState& state, const SocketAddress& peer);

}  // namespace quic
