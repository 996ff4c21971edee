// One packet number space with the keys of its level: RFC 9000 §12.3, RFC 9001 §4.
#pragma once

#include <optional>

#include "quic/handshake/Aead.h"
#include "quic/state/AckTracker.h"
#include "quic/state/CryptoStream.h"
#include "quic/state/EcnValidation.h"
#include "quic/state/PacketNumberSkipper.h"

namespace quic {

struct PacketSpace {
  PacketProtection readKeys;  // empty before they are known and after they are discarded
  PacketProtection writeKeys;
  CryptoStream crypto;
  AckTracker acks;
  EcnLedger ecn;
  PacketNum nextNumber = 0;
  PacketNumberSkipper skipper;  // of 1-RTT only: before, there are few packets and an amplification limit
  int probesToSend = 0;         // RFC 9002 §6.2.4: packets that ignore the congestion window
  bool isDiscarded = false;
};

}  // namespace quic
