// What one packet number space has received and still has to report: RFC 9000 §13.2, §19.3, §12.3 (duplicates).
// Bounded: at most kMaxAckRanges ranges are kept; below them everything counts as already seen.
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

class AckTracker {
 public:
  /// `maxAckDelay` 0: every ack-eliciting packet is acknowledged at once (Initial and Handshake, RFC 9000 §13.2.1).
  explicit AckTracker(Duration maxAckDelay = Duration{0}) : maxAckDelay_(maxAckDelay) {}

  /// Seen before, or so old that it may have been: do not process (RFC 9000 §12.3).
  [[nodiscard]] bool isDuplicate(PacketNum number) const { return number < floor_ || received_.contains(number); }
  void onPacketReceived(TimePoint now, const ReceivedPacketInfo& packet);
  /// An ACK frame that reported everything up to `largest` has itself been acknowledged (RFC 9000 §13.2.4).
  void onAckOfAck(PacketNum largest);
  void onAckSent();
  /// The packet with our last report may not have arrived: the next one that leaves anyway repeats it. Without that a peer
  /// that lost it learns nothing before its own timer runs out.
  void onAckLost();

  /// An ACK must leave now, on its own if need be.
  [[nodiscard]] bool isDue(TimePoint now) const { return immediate_ || (deadline_ && *deadline_ <= now); }
  /// Worth adding to a packet that leaves anyway.
  [[nodiscard]] bool hasNews() const { return ackElicitingUnreported_ > 0 || immediate_; }
  [[nodiscard]] std::optional<TimePoint> deadline() const;

  [[nodiscard]] const IntervalSet& received() const { return received_; }
  [[nodiscard]] std::optional<PacketNum> largest() const {
    return received_.empty() ? std::nullopt : std::optional<PacketNum>(received_.back().end);
  }
  /// How long the largest has waited, for the ACK Delay field.
  [[nodiscard]] Duration delay(TimePoint now) const;
  /// nullopt until a marked packet came (RFC 9000 §13.4.1).
  [[nodiscard]] std::optional<EcnCounts> ecnCounts() const { return ecnSeen_ ? std::optional(ecn_) : std::nullopt; }

 private:
  IntervalSet received_;
  PacketNum floor_ = 0;
  TimePoint largestReceivedAt_{};
  Duration maxAckDelay_;
  std::optional<TimePoint> deadline_;
  uint32_t ackElicitingUnreported_ = 0;
  bool immediate_ = false;
  bool ecnSeen_ = false;
  EcnCounts ecn_;
};

}  // namespace quic
