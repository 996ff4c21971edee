// Whether it is the congestion window that limits what is sent: RFC 9002 §7.8. A window that was not needed must not grow,
// or it would one day be used without ever having been tried. What only the pacer holds back counts as sent already: without
// it the window would have been full.
#pragma once

#include <algorithm>
#include <optional>

#include "quic/common/QuicClock.h"

namespace quic {

class WindowUsage {
 public:
  struct Flight {
    uint64_t inFlight = 0;  // with the packet that was just sent
    uint64_t window = 0;
    uint64_t datagram = 0;  // a window with less room than this is full
  };
  void onPacketSent(TimePoint now, uint64_t bytes, const Flight& flight) {
    unpaced_ = std::max(std::min(unpaced_, flight.window) + bytes, flight.inFlight);
    if (unpaced_ + flight.datagram > flight.window) fullAt_ = now;
  }
  /// Everything that the application has was sent.
  void onOutOfData() { unpaced_ = 0; }
  /// Whether the window was full at some time since `sentAt`: what was sent then may speak for a larger one.
  [[nodiscard]] bool wasFullSince(TimePoint sentAt) const { return fullAt_ && *fullAt_ >= sentAt; }

 private:
  uint64_t unpaced_ = 0;  // what would be in flight had nothing waited for the pacer since data last ran out
  std::optional<TimePoint> fullAt_;
};

}  // namespace quic
