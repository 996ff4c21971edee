// Ends of a connection: closing, draining, idle and handshake timeouts. RFC 9000 §10.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// Our own end: CONNECTION_CLOSE is to be sent, the application is told. Harmless when it has ended already.
void closeConnection(QuicConnectionState& state, const QuicError& error, std::string_view reason = {});
/// The peer's CONNECTION_CLOSE (RFC 9000 §10.2.2).
void onPeerClose(QuicConnectionState& state, const ConnectionCloseFrame& frame);
/// The peer has lost its state (RFC 9000 §10.3.1): nothing more is sent.
void onStatelessReset(QuicConnectionState& state);
/// Ends without a packet: timeouts, an unreachable peer, no common version.
void abandonConnection(QuicConnectionState& state, const QuicError& error);
/// Whether a packet of this space may still be numbered; when none may, the connection ends without a word (RFC 9000 §12.3).
[[nodiscard]] bool hasPacketNumbers(const QuicConnectionState& state, PacketNumberSpace name);
void endAfterLastPacketNumber(QuicConnectionState& state);
/// A datagram came after our close (RFC 9000 §10.2.1): whether CONNECTION_CLOSE is sent again. Ever more rarely; and because
/// nobody looks whether the datagram is the peer's, at most three times as many bytes as came.
void onDatagramWhileClosing(QuicConnectionState& state, size_t size);
/// CONNECTION_CLOSE has left, in a datagram of this size.
void onCloseSent(QuicConnectionState& state, size_t size);

void onPacketProcessed(QuicConnectionState& state);
void onAckElicitingSent(QuicConnectionState& state);
[[nodiscard]] std::optional<TimePoint> nextLifeTimeout(const QuicConnectionState& state);
void onLifeTimeout(QuicConnectionState& state);

}  // namespace quic
