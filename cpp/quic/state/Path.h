// One network path of a connection: a pair of addresses with everything that belongs to the network between them
// (RFC 9000 §9.4: RTT, congestion and pacing are the path's own).
#pragma once

#include <memory>
#include <optional>

#include "quic/codec/QuicFrames.h"
#include "quic/common/SmallVector.h"
#include "quic/congestion_control/CongestionController.h"
#include "quic/congestion_control/Pacer.h"
#include "quic/congestion_control/WindowUsage.h"
#include "quic/loss/LossEpisode.h"
#include "quic/state/EcnValidation.h"
#include "quic/state/PathMtu.h"
#include "quic/state/PeerConnectionIds.h"

namespace quic {

/// A validation under way: RFC 9000 §8.2. Each attempt has fresh data; a late answer to any of the last ones counts.
struct PathValidation {
  struct Attempt {
    PathData data{};
    TimePoint sentAt{};
    bool isFull = false;  // in a datagram of at least 1200 bytes
  };
  SmallVector<Attempt, kMaxPathChallengesQueued> attempts;  // the last few, see QuicPathManager
  uint32_t attemptsMade = 0;
  TimePoint nextAttemptAt{};
  TimePoint giveUpAt{};
  Duration interval{0};  // to the next attempt; doubles
};

struct Path {
  PathId id;
  FourTuple tuple;
  PeerConnectionId destination;  // the peer's ID that packets on this path are sent to
  RttEstimator rtt;
  std::unique_ptr<CongestionController> controller;
  Pacer pacer;
  LossEpisode losses;  // behind the controller's last reduction
  DeliveryRateEstimator deliveryRate;
  WindowUsage windowUsage;
  PathMtu mtu;
  TimePoint lastReceivedAt{};

  bool isValidated = false;    // the peer can be reached at this address (RFC 9000 §8)
  uint64_t bytesReceived = 0;  // these two limit what is sent before
  uint64_t bytesSent = 0;
  std::optional<PathValidation> validation;
  SmallVector<PathData, kMaxPathChallengesQueued> responses;  // PATH_RESPONSE to be sent; never more than the bound

  EcnMarking ecn;

  /// RFC 9000 §8.1: how much may be sent to an address that is not validated.
  [[nodiscard]] uint64_t amplificationAllowance() const {
    if (isValidated) return UINT64_MAX;
    const uint64_t limit = kAmplificationFactor * bytesReceived;
    return limit > bytesSent ? limit - bytesSent : 0;
  }
};

}  // namespace quic
