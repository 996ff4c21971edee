// RFC 9000 §12.4 Table 3 as data: where each frame may appear and how it counts. Checked before dispatch, so that no
// handler asks whether its frame is allowed.
#pragma once

#include "quic/codec/QuicFrames.h"

namespace quic {

struct FrameTraits {
  bool initial = false;              // allowed in Initial packets
  bool zeroRtt = false;              // allowed in 0-RTT packets
  bool handshake = false;            // allowed in Handshake packets
  bool oneRtt = false;               // allowed in 1-RTT packets
  bool ackEliciting = true;          // RFC 9002 §2
  bool congestionControlled = true;  // RFC 9000 §12.4, mark C
  bool probing = false;              // RFC 9000 §9.1
  bool fromClient = true;            // a client may send it
  bool fromServer = true;            // a server may send it
};

FrameTraits frameTraits(const QuicFrame& frame);
/// The type's wire number, for CONNECTION_CLOSE and qlog; the base number for STREAM and DATAGRAM.
FrameType frameTypeOf(const QuicFrame& frame);
bool isAllowedIn(const FrameTraits& traits, EncryptionLevel level);

}  // namespace quic
