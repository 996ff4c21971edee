// What goes into a packet: sources in order, each with what it has, under the constraint of the path. RFC 9000 §12.4, §13.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// What a path allows now.
enum class SendConstraint : uint8_t {
  None,
  ProbeOnly,          // a PTO probe: the window does not count (RFC 9002 §7.5)
  CongestionLimited,  // only what is not congestion controlled: ACK, and nothing ack-eliciting with it
};

/// What was written, for the packet's record.
struct PacketContent {
  SentFrames frames;
  bool ackEliciting = false;
  bool hasAck = false;
  bool isMtuProbe = false;
};

/// Whether the level has something to send under the constraint.
[[nodiscard]] bool hasInterest(const QuicConnectionState& state, EncryptionLevel level, SendConstraint constraint);
PacketContent fillPacket(QuicConnectionState& state, EncryptionLevel level, SendConstraint constraint,
                         ByteWriter& writer);

}  // namespace quic
