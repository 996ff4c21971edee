// How streams share what may be sent, in the terms of RFC 9218 §4. It is our own order of sending and nothing on the wire.
#pragma once

#include <cstdint>

#include "quic/QuicConstants.h"

namespace quic {

struct StreamPriority {
  uint8_t urgency = kDefaultUrgency;  // 0, before all others, to kUrgencies - 1
  /// With others of the same urgency: in turns (true), or one after the other in the order of stream IDs, and before those
  /// that take turns. RFC 9218 has false as the default of HTTP; a transport that knows nothing of its streams shares.
  bool incremental = true;
  bool operator==(const StreamPriority&) const = default;
};

}  // namespace quic
