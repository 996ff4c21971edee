// The record of one packet that was sent and is neither acknowledged nor given up.
#pragma once

#include "quic/common/QuicClock.h"
#include "quic/loss/DeliveryStamp.h"
#include "quic/loss/SentFrame.h"

namespace quic {

struct SentPacket {
  PacketNum number = 0;
  TimePoint sentAt{};
  uint32_t size = 0;  // bytes on the wire, UDP payload
  PathId path;
  Ecn ecn = Ecn::NotEct;
  bool ackEliciting = false;  // RFC 9002 §2
  bool inFlight = false;      // RFC 9002 §2: counts towards bytes in flight
  bool isMtuProbe = false;    // its loss is no sign of congestion (RFC 9000 §14.4)
  EncryptionLevel level = EncryptionLevel::OneRtt;
  bool startsLossRun = false;  // set on loss: what preceded it was acknowledged, or is not known (RFC 9002 §7.6.2)
  DeliveryStamp delivery;
  SentFrames frames;
};

}  // namespace quic
