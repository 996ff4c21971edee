// Between TLS and the connection: CRYPTO bytes, keys, transport parameters, completion. RFC 9001 §4, RFC 9000 §7.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// Keys of the Initial level (RFC 9001 §5.2), from the client's first Destination Connection ID or a Retry's Source Connection
/// ID.
[[nodiscard]] InitialProtection initialKeys(const QuicConnectionState& state, uint32_t version);
/// Those of the version in use.
void installInitialKeys(QuicConnectionState& state);
/// Client: makes the ClientHello.
void startClientHandshake(QuicConnectionState& state);
/// Server: TLS waits for bytes.
void startServerHandshake(QuicConnectionState& state);
Result<> onCryptoFrame(QuicConnectionState& state, EncryptionLevel level, const CryptoFrame& frame);
/// Client: HANDSHAKE_DONE (RFC 9001 §4.1.2).
void onHandshakeDone(QuicConnectionState& state);
/// Client: its first Handshake packet has left (RFC 9001 §4.9.1).
void onHandshakePacketSent(QuicConnectionState& state);
/// New IDs of ours, up to what the peer keeps.
void issueConnectionIds(QuicConnectionState& state);

}  // namespace quic
