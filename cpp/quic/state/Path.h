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
#include "quic/state/SpinBit.h"

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
  TimePoint beganAt{};
  TimePoint nextAttemptAt{};
  TimePoint giveUpAt{};
  Duration interval{0};  // to the next attempt; doubles
  Duration maxInterval = Duration::max();
  bool isAddressProved = false;  // a challenge in a small datagram was answered, a full one not yet
  bool isExpedited = false;      // something was heard from there meanwhile
};

struct Path {
  /// What becomes of the connection when the validation of this path ends.
  enum class Purpose : uint8_t {
    Followed,  // the peer came from there, or a table of servermigration/ decides
    OwnMove,   // this end goes there once it is validated, and stays where it is when it is not (RFC 9000 §9.2, §9.6)
  };

  PathId id;
  FourTuple tuple;
  Purpose purpose = Purpose::Followed;
  PeerConnectionId destination;  // the peer's ID that packets on this path are sent to
  bool isWaitingForId = false;   // the peer has given none that may be used here: nothing is sent (RFC 9000 §9.3, §9.5)
  ConnectionId heardOn;          // the ID of ours that the peer sent to last
  RttEstimator rtt;
  std::unique_ptr<CongestionController> controller;
  Pacer pacer;
  LossEpisode losses;  // behind the controller's last reduction
  DeliveryRateEstimator deliveryRate;
  WindowUsage windowUsage;
  PathMtu mtu;
  TimePoint lastReceivedAt{};

  bool isValidated = false;  // the peer can be reached at this address (RFC 9000 §8)
  bool isPeerTrusted =
      false;  // the peer's address is the one that it has used before; only ours is new (RFC 9000 §9.2)
  uint64_t bytesReceived = 0;  // these two limit what is sent before
  uint64_t bytesSent = 0;
  std::optional<PathValidation> validation;
  SmallVector<PathData, kMaxPathChallengesQueued> responses;  // PATH_RESPONSE to be sent; never more than the bound
  uint64_t responsesInFlight = 0;                             // neither acknowledged nor lost

  EcnMarking ecn;
  SpinBit spin;

  /// RFC 9000 §8.1: how much may be sent to an address that is not validated.
  [[nodiscard]] uint64_t amplificationAllowance() const {
    if (isValidated || isPeerTrusted) return UINT64_MAX;
    const uint64_t limit = kAmplificationFactor * bytesReceived;
    return limit > bytesSent ? limit - bytesSent : 0;
  }
};

/// What is known of the networks of two paths changes places. Nothing is in flight on either.
void exchangeNetworks(Path& a, Path& b);

}  // namespace quic
