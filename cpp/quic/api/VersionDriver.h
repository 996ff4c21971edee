// Which version of QUIC a connection speaks: Version Negotiation packets, the change to a compatible version within the
// handshake, and the checks that nobody made us speak another. RFC 9000 §6, RFC 9368, RFC 9369 §4.
#pragma once

#include "quic/api/QuicConnectionState.h"
#include "quic/api/QuicReadCodec.h"
#include "quic/codec/QuicPacketHeaders.h"

namespace quic {

/// Client: the first attempt, in the version that settings.originalVersion tells of.
void beginInOriginalVersion(QuicConnectionState& state);

/// What we say about versions in our transport parameters.
[[nodiscard]] VersionInformation ourVersionInformation(const QuicConnectionState& state);
/// The peer's answer to it. VERSION_NEGOTIATION_ERROR (RFC 9368 §4).
Result<> checkVersionInformation(const QuicConnectionState& state, const TransportParameters& peer);
/// Server, once the client's parameters are known and before any CRYPTO is sent: goes on in the version that it prefers among
/// those that the client's first flight can be turned into (RFC 9368 §2.3).
void negotiateCompatibleVersion(QuicConnectionState& state, const TransportParameters& peer);

/// Client: a Version Negotiation packet. Begins again in a version of both, or ends.
void onVersionNegotiation(QuicConnectionState& state, const ProtectedPacket& packet);

/// Whether a packet with a long header is of a version that its level may have now (RFC 9369 §4.1).
[[nodiscard]] bool isExpectedVersion(const QuicConnectionState& state, const ProtectedPacket& packet);
/// An Initial packet of an expected version that is not the one we seal with: the original one, of which some are still under
/// way; or, at a client, the one that the server has changed to: then we follow.
[[nodiscard]] Expected<OpenedPacket, OpenFailure> openInitialOfOtherVersion(QuicConnectionState& state,
                                                                            const ProtectedPacket& packet);

}  // namespace quic
