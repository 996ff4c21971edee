// A snapshot of numbers about one connection.
#pragma once

#include "quic/common/QuicClock.h"

namespace quic {

struct ConnectionStats {
  uint64_t bytesSent = 0;
  uint64_t bytesReceived = 0;
  uint64_t packetsSent = 0;
  uint64_t packetsReceived = 0;
  uint64_t packetsLost = 0;
  uint64_t packetsSpuriouslyLost = 0;  // of those, acknowledged later
  uint64_t packetsDropped = 0;         // received, and not authentic or not wanted
  uint64_t congestionWindow = 0;
  uint64_t bytesInFlight = 0;
  Duration smoothedRtt{0};
  Duration minRtt{0};
  Duration latestRtt{0};
  uint64_t ptoCount = 0;  // in a row, now
  uint64_t openStreams = 0;
  uint64_t keyUpdates = 0;  // of either end
};

}  // namespace quic
