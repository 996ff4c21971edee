// The least, the first and the largest congestion window: RFC 9002 §7.2. Same for every controller.
#pragma once

#include <algorithm>

#include "quic/QuicConstants.h"

namespace quic {

/// Above any network there is; sums and products of windows and gains stay far from overflow.
inline constexpr uint64_t kMaxCongestionWindow = 1ull << 40;

inline uint64_t initialWindow(uint64_t maxDatagramSize) {
  constexpr uint64_t kInitialWindowBytes = 14720;  // RFC 9002 §7.2
  return std::min(kInitialWindowPackets * maxDatagramSize, std::max(kInitialWindowBytes, 2 * maxDatagramSize));
}

inline uint64_t minimumWindow(uint64_t maxDatagramSize) { return kMinWindowPackets * maxDatagramSize; }

/// `window` and `more`, without overflow.
inline uint64_t grownWindow(uint64_t window, uint64_t more) {
  return std::min(window + std::min(more, kMaxCongestionWindow), kMaxCongestionWindow);
}

}  // namespace quic
