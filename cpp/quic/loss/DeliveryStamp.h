// What a packet remembers of its path at the moment when it was sent, so that its acknowledgment tells the rate at which
// the path delivered meanwhile: draft-cheng-iccrg-delivery-rate-estimation-02 §3.1.2.
#pragma once

#include "quic/common/QuicClock.h"

namespace quic {

struct DeliveryStamp {
  uint64_t delivered = 0;     // bytes acknowledged on the path so far
  uint64_t lost = 0;          // bytes lost on the path so far
  uint64_t inFlight = 0;      // with this packet
  TimePoint deliveredAt{};    // when `delivered` last grew
  TimePoint firstSentAt{};    // when the flight began that this packet ends
  bool isAppLimited = false;  // the path had run dry: a rate from this packet may be too low
};

}  // namespace quic
