// What one packet number space has received and still has to report: RFC 9000 §13.2, §19.3, §12.3 (duplicates).
// What is no longer reported is forgotten but for its gaps: what comes late, on a slower path say, is still taken (§12.3).
// Bounded: at most kMaxAckRanges ranges and as many gaps below them are kept; what is in neither counts as already seen.
// Invariant: only packets that elicit an acknowledgment ever make one due, so that two ends never acknowledge each other's
// acknowledgments (§13.2.1).
#pragma once

#include <optional>

#include "quic/QuicConstants.h"
#include "quic/codec/QuicFrames.h"
#include "quic/common/IntervalSet.h"

namespace quic {

struct ReceivedPacketInfo {
  PacketNum number = 0;
  bool ackEliciting = false;
  Ecn ecn = Ecn::NotEct;
};

/// How long acknowledgments may wait. The defaults are those of RFC 9000 §13.2; a peer may ask for others
/// (draft-ietf-quic-ack-frequency §4).
struct AckPolicy {
  Duration maxDelay{0};             // 0: every packet that elicits one is acknowledged at once
  uint64_t elicitingThreshold = 1;  // so many may wait; one more is told at once
  uint64_t reorderingThreshold =
      1;  // 1: disorder is told at once; more: once the peer could call a packet lost; 0: never
};

class AckTracker {
 public:
  /// After so many reports without an answer the next one asks for one (§13.2.4).
  static constexpr uint32_t kReportsPerAnswer = 20;

  /// `maxAckDelay` 0: every ack-eliciting packet is acknowledged at once (Initial and Handshake, RFC 9000 §13.2.1).
  explicit AckTracker(Duration maxAckDelay = Duration{0}) : policy_{.maxDelay = maxAckDelay} {}

  /// Seen before, or so old that it may have been: do not process (RFC 9000 §12.3).
  [[nodiscard]] bool isDuplicate(PacketNum number) const {
    return received_.contains(number) || (number < floor_ && !gaps_.contains(number));
  }
  void onPacketReceived(TimePoint now, const ReceivedPacketInfo& packet);
  /// An ACK frame that reported everything up to `largest` has itself been acknowledged (RFC 9000 §13.2.4).
  void onAckOfAck(PacketNum largest);
  void onAckSent();
  /// The packet with our last report may not have arrived: the next one that leaves anyway repeats it. Without that a peer
  /// that lost it learns nothing before its own timer runs out.
  void onAckLost();
  /// The peer asked for other delays: at once (draft-ietf-quic-ack-frequency §4).
  void setPolicy(const AckPolicy& policy) { policy_ = policy; }
  /// The peer asked for a report now (draft-ietf-quic-ack-frequency §5).
  void demandAck() { immediate_ = true; }

  /// An ACK must leave now, on its own if need be.
  [[nodiscard]] bool isDue(TimePoint now) const { return immediate_ || (deadline_ && *deadline_ <= now); }
  /// Worth adding to a packet that leaves anyway.
  [[nodiscard]] bool hasNews() const { return ackElicitingUnreported_ > 0 || immediate_; }
  /// Reports go out and none is known to have come, so ranges pile up: the next one should elicit an acknowledgment. Not
  /// each of them, or the peer would have to answer for ever (RFC 9000 §13.2.1, §13.2.4).
  [[nodiscard]] bool wantsAnswer() const { return unanswered_ >= kReportsPerAnswer && received_.size() > 1; }
  void onAnswerAskedFor() { unanswered_ = 0; }
  [[nodiscard]] std::optional<TimePoint> deadline() const;

  [[nodiscard]] const IntervalSet& received() const { return received_; }
  /// Below what is reported: what never came, as far as is known.
  [[nodiscard]] const IntervalSet& gaps() const { return gaps_; }
  [[nodiscard]] std::optional<PacketNum> largest() const {
    return received_.empty() ? std::nullopt : std::optional<PacketNum>(received_.back().end);
  }
  /// How long the largest has waited, for the ACK Delay field.
  [[nodiscard]] Duration delay(TimePoint now) const;
  /// nullopt until a marked packet came (RFC 9000 §13.4.1).
  [[nodiscard]] std::optional<EcnCounts> ecnCounts() const { return ecnSeen_ ? std::optional(ecn_) : std::nullopt; }

 private:
  [[nodiscard]] bool tellsDisorder(PacketNum number, std::optional<PacketNum> before) const;
  void forgetUpTo(PacketNum largest);
  void raiseFloor(PacketNum to);
  void fillGap(PacketNum number);
  [[nodiscard]] PacketNum firstMissingFrom(PacketNum number) const;

  IntervalSet received_;  // to be reported; below floor_ only what came late
  IntervalSet gaps_;      // below floor_: never received
  PacketNum floor_ = 0;   // what else lies below was received, or is too old to know
  TimePoint largestReceivedAt_{};
  AckPolicy policy_;
  std::optional<TimePoint> deadline_;
  std::optional<PacketNum> largestEliciting_;
  std::optional<PacketNum> forgettable_;      // up to there, once what is new has been reported
  std::optional<PacketNum> largestReported_;  // in an ACK frame that was sent
  uint64_t ackElicitingUnreported_ = 0;
  uint32_t unanswered_ = 0;  // ACK frames sent since one was acknowledged
  bool immediate_ = false;
  bool ecnSeen_ = false;
  bool wasMarked_ = false;  // the packet before
  EcnCounts ecn_;
};

}  // namespace quic
