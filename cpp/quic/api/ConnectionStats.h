// A snapshot of numbers about one connection.
#pragma once

#include <string_view>

#include "quic/common/QuicClock.h"

namespace quic {

/// Moves of the server, since the beginning of the connection.
struct MigrationStats {
  uint64_t announced = 0;  // client: heard of, Explicit and Synchronized Symmetric; server: told
  uint64_t probed = 0;     // client: new addresses at which the server was looked for, or was found
  uint64_t reverted = 0;   // client: it went, or stayed, where it was before
  uint64_t completed = 0;
  uint64_t failed = 0;  // client: announced moves that never came; server: it could not be prepared, or was not in time
  Duration downtime{0};  // client: of all completed ones together, each from the last packet on the old path to its end
};

struct ConnectionStats {
  uint64_t bytesSent = 0;
  uint64_t bytesReceived = 0;
  uint64_t packetsSent = 0;
  uint64_t packetsReceived = 0;
  uint64_t packetsLost = 0;
  uint64_t packetsSpuriouslyLost = 0;  // of those, acknowledged later
  uint64_t congestionMarks = 0;        // of our packets, as the peer reports (ECN-CE)
  uint64_t packetsDropped = 0;         // received, and not authentic or not wanted
  uint64_t datagramsSent = 0;          // DATAGRAM frames (RFC 9221)
  uint64_t datagramsReceived = 0;
  uint64_t datagramsLost = 0;     // in the network
  uint64_t datagramsDropped = 0;  // received, and not taken by the application in time
  uint64_t congestionWindow = 0;
  uint64_t bytesInFlight = 0;
  std::string_view congestionControl;  // "cubic", "newreno", "bbr", "copa"
  uint64_t slowStartExits = 0;         // from a slow start into congestion avoidance or recovery
  uint64_t deliveryRate = 0;           // bytes a second, of the last acknowledgment that told one; 0: none yet
  uint64_t pacingRate = 0;             // bytes a second; 0: not paced
  Duration smoothedRtt{0};
  Duration minRtt{0};
  Duration latestRtt{0};
  uint64_t ptoCount = 0;  // in a row, now
  uint64_t openStreams = 0;
  uint64_t keyUpdates = 0;    // of either end
  uint64_t datagramSize = 0;  // the largest that is sent on the active path now
  std::string_view ecn;  // "testing", "capable", "failed", "off": whether that path carries marks (RFC 9000 §13.4.2)
  MigrationStats migration;
};

}  // namespace quic
