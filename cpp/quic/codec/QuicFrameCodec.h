// Frames to bytes and back. Refuses what is malformed (FRAME_ENCODING_ERROR and the codes that RFC 9000 §19 names);
// remembers nothing, so it never asks whether a frame is allowed here: that is FrameTraits' table and the engine's state.
#pragma once

#include "quic/QuicError.h"
#include "quic/codec/QuicFrames.h"
#include "quic/common/IntervalSet.h"

namespace quic {

/// Reads one frame; a run of PADDING is one frame. `reader` must not be at its end.
/// Errors: FRAME_ENCODING_ERROR with the frame type; PROTOCOL_VIOLATION for a non-minimal frame type (RFC 9000 §12.4).
Result<QuicFrame> parseFrame(ByteReader& reader);

/// Each writes the whole frame or nothing; false when it does not fit.
bool writeFrame(ByteWriter& writer, const PaddingFrame& frame);
bool writeFrame(ByteWriter& writer, const PingFrame& frame);
bool writeFrame(ByteWriter& writer, const ResetStreamFrame& frame);
bool writeFrame(ByteWriter& writer, const ResetStreamAtFrame& frame);
bool writeFrame(ByteWriter& writer, const StopSendingFrame& frame);
bool writeFrame(ByteWriter& writer, const CryptoFrame& frame);
bool writeFrame(ByteWriter& writer, const NewTokenFrame& frame);
/// With an explicit length and, when not 0, an offset.
bool writeFrame(ByteWriter& writer, const StreamFrame& frame);
bool writeFrame(ByteWriter& writer, const MaxDataFrame& frame);
bool writeFrame(ByteWriter& writer, const MaxStreamDataFrame& frame);
bool writeFrame(ByteWriter& writer, const MaxStreamsFrame& frame);
bool writeFrame(ByteWriter& writer, const DataBlockedFrame& frame);
bool writeFrame(ByteWriter& writer, const StreamDataBlockedFrame& frame);
bool writeFrame(ByteWriter& writer, const StreamsBlockedFrame& frame);
bool writeFrame(ByteWriter& writer, const NewConnectionIdFrame& frame);
bool writeFrame(ByteWriter& writer, const RetireConnectionIdFrame& frame);
bool writeFrame(ByteWriter& writer, const PathChallengeFrame& frame);
bool writeFrame(ByteWriter& writer, const PathResponseFrame& frame);
bool writeFrame(ByteWriter& writer, const ConnectionCloseFrame& frame);
bool writeFrame(ByteWriter& writer, const HandshakeDoneFrame& frame);
bool writeFrame(ByteWriter& writer, const DatagramFrame& frame);  // with a length
bool writeFrame(ByteWriter& writer, const QuicServerMigrationFrame& frame);
bool writeFrame(ByteWriter& writer, const AckFrequencyFrame& frame);
bool writeFrame(ByteWriter& writer, const ImmediateAckFrame& frame);

/// An ACK frame straight from what was received: `received` holds packet numbers, largest last and not empty. Ranges
/// that do not fit are left out from the smallest up. `ackDelay` is in wire units.
bool writeAckFrame(ByteWriter& writer, const IntervalSet& received, uint64_t ackDelay,
                   const std::optional<EcnCounts>& ecn);

/// Header bytes of a STREAM or CRYPTO frame with `dataSize` bytes of data, so that a caller knows how much data fits.
size_t streamFrameOverhead(StreamId id, uint64_t offset, size_t dataSize);
size_t cryptoFrameOverhead(uint64_t offset, size_t dataSize);
/// In a 1-RTT packet of the project's server-migration frames, 25 bytes or 1.
size_t encodedSize(const QuicServerMigrationFrame& frame);

}  // namespace quic
