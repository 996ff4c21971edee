// The round trip that follows a congestion event, in which no other is taken for a new one and the window does not grow:
// RFC 9002 §7.3.2. It lasts until a packet sent after its beginning is acknowledged.
#pragma once

#include <optional>

#include "quic/common/QuicClock.h"

namespace quic {

class RecoveryPeriod {
 public:
  void begin(TimePoint now) { beganAt_ = now; }
  void end() { beganAt_.reset(); }
  /// When the event was told. It stays known after the period, until the next.
  [[nodiscard]] std::optional<TimePoint> beganAt() const { return beganAt_; }
  /// Whether what befell a packet sent at `sentAt` belongs to the event that began the period, or to one before.
  [[nodiscard]] bool covers(TimePoint sentAt) const { return beganAt_ && sentAt <= *beganAt_; }

 private:
  std::optional<TimePoint> beganAt_;
};

}  // namespace quic
