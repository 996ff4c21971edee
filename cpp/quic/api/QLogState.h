// A connection's qlog, and what it has told already: values that are written when they differ from the last ones. What is
// worth telling is api/QLogChanges'.
#pragma once

#include <array>
#include <string_view>

#include "quic/common/SmallVector.h"
#include "quic/logging/QLog.h"
#include "quic/state/Path.h"

namespace quic {

struct LoggedPath {
  PathId id;
  FourTuple tuple;
  ConnectionId destination;
  size_t mtu = 0;
  EcnMarking::State ecn = EcnMarking::State::Testing;
  bool isProbing = false;
  bool isValidated = false;
};

struct LoggedMetrics {
  Duration minRtt{0};
  Duration smoothedRtt{0};
  Duration latestRtt{0};
  Duration rttVariation{0};
  uint64_t ptoCount = 0;
  uint64_t congestionWindow = 0;
  uint64_t bytesInFlight = 0;
  uint64_t pacingRate = 0;  // bytes a second
  bool operator==(const LoggedMetrics&) const = default;
};

struct LoggedKeys {
  bool canRead = false;
  bool canWrite = false;
};

struct ConnectionQLog {
  ConnectionQLog(Role vantagePoint, const ConnectionId& group) : text(vantagePoint, group) {}

  QLog text;
  size_t eventsTold = 0;  // of those that are queued for the application, from the front
  size_t life = 0;        // index into ConnectionLife
  uint32_t version = 0;
  bool hasPeerParameters = false;
  bool hasRestoredParameters = false;  // those that 0-RTT goes by
  std::array<LoggedKeys, kEncryptionLevels> keys;
  uint64_t keyPhase = 0;
  bool hasPreviousKeys = false;  // of the phase before
  SmallVector<LoggedPath, kMaxPaths> paths;
  PathId active;
  bool isMoving = false;  // the active path is not validated yet
  std::string_view congestionState;
  LoggedMetrics metrics;
  std::string_view migrationState;
};

}  // namespace quic
