// Packets that need no connection: Version Negotiation, Retry, a close in an Initial packet. RFC 9000 §5.2.2, §6.1, §8.1.2.
// All are smaller than the smallest datagram that they answer, so that nobody is amplified by them.
#pragma once

#include "quic/codec/QuicPacketHeaders.h"
#include "quic/common/Random.h"
#include "quic/handshake/Aead.h"

namespace quic {

/// RFC 9000 §17.2.1: answers `header`, whose IDs change places. A reserved version is put among the others (§6.3).
[[nodiscard]] ByteVector makeVersionNegotiation(const InvariantHeader& header, std::span<const uint32_t> versions,
                                                Random& random);

/// The Initial packet of a client that a packet answers.
struct InitialHeader {
  uint32_t version = 0;
  ConnectionId destinationId;
  ConnectionId sourceId;
};

/// RFC 9000 §17.2.5.1. `sourceId` is what the client is to send to from now on. Empty: `token` is too large.
[[nodiscard]] ByteVector makeRetry(const CryptoFactory& crypto, Random& random, const InitialHeader& initial,
                                   const ConnectionId& sourceId, ByteSpan token);
/// CONNECTION_CLOSE with keys that the client's Initial implies (RFC 9000 §5.2.2, §10.2.3).
[[nodiscard]] ByteVector makeInitialClose(const CryptoFactory& crypto, const InitialHeader& initial,
                                          const ConnectionId& sourceId, TransportErrorCode code);

}  // namespace quic
