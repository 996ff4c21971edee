// How far a packet may fall behind later ones before it counts as lost: RFC 9002 §6.1.1, §6.1.2. It starts with the
// numbers of the RFC, and grows when a loss proves to have been none. Of the active path; it keeps no packets.
// Invariant: never below the RFC's thresholds, never above kMaxPackets and two round trips.
#pragma once

#include <algorithm>

#include "quic/loss/LostPackets.h"
#include "quic/loss/RttEstimator.h"

namespace quic {

class ReorderingTolerance {
 public:
  /// The time threshold ends what this one lets wait, so that it costs a real loss an eighth of a round trip at first.
  static constexpr uint64_t kMaxPackets = 300;
  static constexpr int kMaxExtraEighths = 7;

  /// RFC 9002 §6.1.1: so many packets after it, and it is lost.
  [[nodiscard]] uint64_t packets() const { return packets_; }
  /// RFC 9002 §6.1.2: so long after it was sent, and it is lost.
  [[nodiscard]] Duration delay(const RttEstimator& rtt) const {
    return rtt.lossDelay() + std::max(rtt.latest(), rtt.smoothed()) * extraEighths_ / 8;
  }

  /// A lost packet arrived, when one sent `distance` packets later had been acknowledged. Each threshold grows only by
  /// its own mistakes: by count at once as far as was needed, by time one step for each of them.
  void onLate(LossCause cause, uint64_t distance) {
    if (cause == LossCause::PacketThreshold) packets_ = std::clamp(distance + 1, packets_, kMaxPackets);
    if (cause == LossCause::TimeThreshold) extraEighths_ = std::min(extraEighths_ + 1, kMaxExtraEighths);
  }

 private:
  uint64_t packets_ = kPacketReorderingThreshold;
  int extraEighths_ = 0;
};

}  // namespace quic
