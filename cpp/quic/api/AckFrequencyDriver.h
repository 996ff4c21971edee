// The acknowledgment frequency extension on a whole connection, both directions: draft-ietf-quic-ack-frequency.
// Nothing of it is sent or taken unless TransportSettings::ackFrequency offers it; we ask only a peer that has offered it too.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

// ---- negotiation
/// Adds our min_ack_delay, if the settings offer it.
void offerAckFrequency(const QuicConnectionState& state, TransportParameters& ours);
void onAckFrequencyOffered(QuicConnectionState& state, const TransportParameters& peer);

// ---- what the peer asks of us
Result<> onAckFrequencyFrame(QuicConnectionState& state, const AckFrequencyFrame& frame);
Result<> onImmediateAckFrame(QuicConnectionState& state);

// ---- what we ask of the peer
/// After an acknowledgment on the active path.
void reviewAckFrequency(QuicConnectionState& state);
void writeAckFrequency(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent);
/// A probe that asks for its acknowledgment at once, where the peer understands that. False: it does not.
bool writeImmediateAck(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent);

}  // namespace quic
