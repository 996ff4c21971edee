// What is in flight, when it counts as lost, and when to probe: RFC 9002 §6, for the three packet number spaces of one
// connection. It does not know congestion control, nor what frames mean: acknowledged and lost packets are handed out.
// RTT belongs to paths; the caller brings the estimator of the path that matters.
// Invariant: every packet in flight is handed out exactly once, as acknowledged or as lost. Packets not in flight (only
// ACK frames) are handed out when acknowledged and forgotten otherwise: their loss means nothing. A lost one may be handed
// out once more, as late.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "quic/QuicError.h"
#include "quic/codec/QuicFrames.h"
#include "quic/common/IntervalSet.h"
#include "quic/loss/LostPackets.h"
#include "quic/loss/OutstandingPackets.h"
#include "quic/loss/ReorderingTolerance.h"
#include "quic/loss/RttEstimator.h"
#include "quic/loss/SentPacket.h"

namespace quic {

/// What one acknowledgment or timer brought. The vectors are reused by the caller between calls.
struct RecoveryOutcome {
  std::vector<SentPacket> acked;  // newly, ascending
  std::vector<SentPacket> lost;   // newly, ascending, all of them in flight
  std::vector<LostPacket> late;   // handed out as lost before, and now acknowledged; in no order
  void clear() {
    acked.clear();
    lost.clear();
    late.clear();
  }
};

/// RFC 9002 §5.1: a sample exists when the largest acknowledged is newly so and an ack-eliciting packet is among the
/// new.
struct RttSample {
  PathId path;
  Duration latest{0};
};

/// Everything else the timers depend on. RFC 9002 §6.2.
struct PtoContext {
  const RttEstimator& rtt;  // of the active path
  Duration maxAckDelay{0};  // the peer's
  bool handshakeConfirmed = false;
  bool peerCompletedAddressValidation = true;  // client: false until the server has surely validated us (§6.2.2.1)
  bool hasHandshakeKeys = false;
  bool handshakeBytesWait = false;    // for the window, which data that arms no timer may fill: 0-RTT, or its answers
  bool atAmplificationLimit = false;  // server: nothing may be sent, so no timer is armed (§6.2.2.1)
};

struct SendProbes {
  PacketNumberSpace space;
  int count;  // 1 or 2 (§6.2.4)
};

class LossRecovery {
 public:
  /// Packet numbers rise within a space; false, and nothing is kept, when they do not, which is a bug of ours. Numbers
  /// that are skipped are remembered for a while: who acknowledges one is caught (RFC 9000 §21.4). `isBeside`: on a path that
  /// is only probed. Its validation has a timer of its own, and however often it asks, the PTO of what is in flight already is
  /// not postponed.
  bool onPacketSent(PacketNumberSpace space, SentPacket&& packet, bool isBeside = false);

  /// Appends the newly acknowledged to `outcome.acked`, and to `outcome.late` those lost before, from which the
  /// reordering tolerance learns. PROTOCOL_VIOLATION for a number never sent (RFC 9000 §13.1). Follow with a sample for
  /// the path's estimator, if any, then detectLost(). Costs the ranges of the frame and the packets newly acknowledged,
  /// however long the ranges. Packets acknowledged before are passed over.
  Result<std::optional<RttSample>> onAckReceived(PacketNumberSpace space, const AckFrame& frame, TimePoint now,
                                                 RecoveryOutcome& outcome);
  /// RFC 9002 §6.1: by packet and time threshold. Appends to `outcome.lost`, and arms the time-threshold timer.
  void detectLost(PacketNumberSpace space, TimePoint now, const RttEstimator& rtt, RecoveryOutcome& outcome);
  /// RFC 9002 §6.2.1: call after an acknowledgment was newly processed, unless we are a client that is not yet certain
  /// that the server has validated its address. Also when the active path was left: the backoff was measured there.
  void resetPtoCount() { ptoCount_ = 0; }

  /// May lie in the past: due now. It depends on events, not on when it is asked.
  [[nodiscard]] std::optional<TimePoint> nextTimeout(TimePoint now, const PtoContext& context) const;
  /// The timer fired: either losses are appended to `outcome`, or probes are to be sent (and the count has grown).
  /// Nothing happens before the time that nextTimeout() tells. One late timer is one PTO, however late. Each doubles the
  /// wait for the next, across all spaces, up to kLongestPto.
  std::optional<SendProbes> onTimeout(TimePoint now, const PtoContext& context, RecoveryOutcome& outcome);

  /// RFC 9002 §6.4: keys discarded. What was in flight is handed out as `lost` for the byte counts; no congestion
  /// signal. Resets the PTO count. Also for Initial after Retry (§6.3) and for AppData when 0-RTT was rejected.
  void discardSpace(PacketNumberSpace space, RecoveryOutcome& outcome);
  /// The path was left: all its packets are handed out as lost. No congestion signal. They may still prove to be late,
  /// which says nothing about reordering and is no RTT sample.
  void abandonPath(PathId path, TimePoint now, const RttEstimator& rtt, RecoveryOutcome& outcome);
  /// What was learned about reordering holds no more: another path, or persistent congestion.
  void resetReordering() { tolerance_ = {}; }
  /// The clock jumped while the process was frozen: what is overdue counts as due now, once.
  void onResumed(TimePoint now, Duration frozenFor);

  [[nodiscard]] int ptoCount() const { return ptoCount_; }
  [[nodiscard]] const ReorderingTolerance& reordering() const { return tolerance_; }
  [[nodiscard]] bool hasAckElicitingInFlight(PacketNumberSpace space) const;
  [[nodiscard]] bool hasAckElicitingInFlight() const;
  [[nodiscard]] std::optional<PacketNum> largestAcked(PacketNumberSpace space) const;
  /// RFC 9002 §7.6.2: whether the `lost` ack-eliciting packets of a path, all sent after its first RTT sample, span the
  /// duration with nothing acknowledged between. Looks at one number space at a time, as §7.6.2 allows.
  [[nodiscard]] static bool isPersistentCongestion(const std::vector<SentPacket>& lost, PathId path,
                                                   const RttEstimator& rtt, Duration maxAckDelay);
  /// The unacknowledged ack-eliciting packets of a space, whose content a probe repeats: oldest first, while
  /// `visit(const SentPacket&)` returns true.
  template <class Visitor>
  void forEachUnacked(PacketNumberSpace space, Visitor&& visit) const {
    at(space).outstanding.forEach(0,
                                  [&visit](const SentPacket& packet) { return !packet.ackEliciting || visit(packet); });
  }

 private:
  struct Space {
    OutstandingPackets outstanding;
    LostPackets lost;
    IntervalSet skipped;  // numbers never sent, the newest kMaxSkipsRemembered runs of them
    std::optional<PacketNum> largestAcked;
    std::optional<PacketNum> largestSent;
    std::optional<TimePoint> lossTime;
    TimePoint ptoFrom{};  // the last ack-eliciting packet sent, or the last PTO of this space
  };
  struct Pto {
    PacketNumberSpace space;
    TimePoint at;
    int probes;
  };

  [[nodiscard]] Space& at(PacketNumberSpace space) { return spaces_[static_cast<size_t>(space)]; }
  [[nodiscard]] const Space& at(PacketNumberSpace space) const { return spaces_[static_cast<size_t>(space)]; }
  void takeLate(Space& state, const AckFrame& frame, TimePoint now, std::vector<LostPacket>& late);
  [[nodiscard]] std::optional<TimePoint> earliestLossTime() const;
  [[nodiscard]] std::optional<Pto> earliestPto(const PtoContext& context) const;

  std::array<Space, kPacketNumberSpaces> spaces_;
  ReorderingTolerance tolerance_;
  std::optional<TimePoint> lastProgressAt_;  // from where the client's probe against deadlock counts (§6.2.2.1)
  int ptoCount_ = 0;
};

}  // namespace quic
