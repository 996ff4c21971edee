// A frame as qlog shows it (draft-ietf-quic-qlog-quic-events-13, "QUIC Frames"). Of data only the length, of secrets
// nothing. The frames of server migration, and ACK_FREQUENCY's, are named as the schema would.
#pragma once

#include <string>

#include "quic/codec/QuicFrames.h"
#include "quic/logging/JsonWriter.h"

namespace quic {

/// One object. `ackDelayExponent`: of whoever sent the frame.
void writeQLogFrame(JsonWriter& json, const QuicFrame& frame, uint64_t ackDelayExponent);

/// Frames of a packet's payload as an array. It ends at the first that cannot be read, and before it becomes longer than about
/// kMaxQLogRecord: a packet has room for tens of thousands of frames.
void writeQLogFrames(JsonWriter& json, ByteSpan payload, uint64_t ackDelayExponent);

/// Members of the schema's TupleEndpointInfo: ip_v4 and port_v4, or those of IPv6.
void writeQLogAddress(JsonWriter& json, const SocketAddress& address);

/// The schema's name of a transport error: "no_viable_path", "crypto_error_0x12a"; "unknown" when there is none.
std::string qlogTransportError(uint64_t code);

}  // namespace quic
