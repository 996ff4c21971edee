// 0-RTT at both ends: RFC 9001 §4.6, RFC 9000 §7.4.1. TLS decides whether there is any; here is what follows from it. A client
// sends under the limits that it remembers, and when its early data is refused sends all of it again as 1-RTT data, under the
// limits of this connection. A server reads it, and unless settings.earlyData says otherwise keeps it to itself until the
// handshake is complete: a replayed first flight never gets that far.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// Client, before TLS starts: the session that settings.resumption holds, if it can be used here.
void offerResumption(QuicConnectionState& state);
/// Client, after TLS has started: without 0-RTT keys, now or in an attempt before, nothing is remembered.
void forgetUnusedResumption(QuicConnectionState& state);
/// What is handed to the application for a later connection; empty: nothing.
[[nodiscard]] ByteVector makeResumption(const QuicConnectionState& state, ByteSpan session);

/// 0-RTT keys from TLS. Client: streams can be used now. Server: early data is accepted.
void onEarlyWriteSecret(QuicConnectionState& state, const TrafficSecret& secret);
void onEarlyReadSecret(QuicConnectionState& state, const TrafficSecret& secret);

/// What became of early data: as TLS says, but for what was sent in an attempt that Version Negotiation ended.
[[nodiscard]] EarlyDataOutcome earlyDataOutcome(const QuicConnectionState& state, const HandshakeComplete& complete);
/// TLS is complete. Client: the parameters of this handshake, which have waited, must not be
/// less than what was relied upon. Errors: PROTOCOL_VIOLATION; no_application_protocol when what was written is in a protocol
/// that the server does not speak now.
Result<> onEarlyDataOutcome(QuicConnectionState& state, EarlyDataOutcome outcome, const std::string& alpn);
/// Client: an ACK frame that reports 0-RTT packets which the server has refused (RFC 9001 §4.6.2).
[[nodiscard]] Result<> checkEarlyAck(const QuicConnectionState& state, const AckFrame& frame);

/// Client: 0-RTT packets may be sent.
[[nodiscard]] bool maySendEarlyData(const QuicConnectionState& state);
/// Server: the application knows of early data, so it may be answered before the handshake is complete.
[[nodiscard]] bool mayAnswerEarlyData(const QuicConnectionState& state);
/// Whether the application may hear of streams: see settings.earlyData.
[[nodiscard]] bool mayTellOfStreams(const QuicConnectionState& state);

[[nodiscard]] std::optional<TimePoint> nextEarlyDataTimeout(const QuicConnectionState& state);
void onEarlyDataTimeout(QuicConnectionState& state);

}  // namespace quic
