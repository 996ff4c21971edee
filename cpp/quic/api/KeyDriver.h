// Packet protection over the life of a connection: key updates of both ends, limits of use, and when keys are forgotten.
// RFC 9001 §4.9, §6. The order of phases is state/KeyPhases's to know; here is who may ask, and when.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// What packets of the level are sealed with now; empty when there are no keys.
[[nodiscard]] const PacketProtection& writeKeysOf(const QuicConnectionState& state, EncryptionLevel level);
/// From TLS.
void installReadKeys(QuicConnectionState& state, EncryptionLevel level, const TrafficSecret& secret);
void installWriteKeys(QuicConnectionState& state, EncryptionLevel level, const TrafficSecret& secret);

// ---- facts
/// An authentic 1-RTT packet, before its frames.
Result<> onOneRttOpened(QuicConnectionState& state, KeyPhase phase, PacketNum number);
/// An ACK frame of a 1-RTT packet, before it is acted on.
Result<> onAckUnderKeys(QuicConnectionState& state, const PacketContext& context, const AckFrame& frame);
/// A packet did not open although its keys are there (RFC 9001 §6.6).
void onForgedPacket(QuicConnectionState& state);
/// A packet was sealed.
void onSealedUnderKeys(QuicConnectionState& state, EncryptionLevel level, PacketNum number, bool hasAck);

// ---- verbs
/// Before the handshake is confirmed it waits until it is (RFC 9001 §6.1). KEY_UPDATE_NOT_READY: one waits already, or the last
/// update is too young (§6.5).
Result<> updateKeys(QuicConnectionState& state);

// ---- work
/// Before anything is sent: keys are made ahead, updated when they were used long enough, and the connection is closed when
/// that is not possible (RFC 9001 §6.6).
void tendKeys(QuicConnectionState& state);
/// False: these keys have sealed what they may.
[[nodiscard]] bool maySeal(const QuicConnectionState& state, EncryptionLevel level);
[[nodiscard]] std::optional<TimePoint> nextKeyTimeout(const QuicConnectionState& state);
void onKeyTimeout(QuicConnectionState& state);

}  // namespace quic
