// Whether a path carries ECN marks, and whether what is reported of them can be true: RFC 9000 §13.4.2, appendix A.4.
// Two parts, because a peer counts marks in each packet number space (§13.4.1) and marking belongs to each path.
// They count; they know no packets, and what a CE mark means is the congestion controller's (RFC 9002 §7.1).
#pragma once

#include <optional>

#include "quic/codec/QuicFrames.h"
#include "quic/common/QuicClock.h"

namespace quic {

/// Of one packet number space: what the peer says, against what was sent. Only ECT(0) is ever sent.
class EcnLedger {
 public:
  struct Verdict {
    bool isValid = true;
    uint64_t newCe = 0;  // 0 when not valid
  };
  void onMarkedSent() { ++sent_; }
  /// For an ACK frame that raises the largest acknowledged number, and no other: from older ones nothing can be concluded
  /// (§13.4.2.1). `marked`: how many packets it newly acknowledges that were sent with a mark.
  Verdict onAck(const std::optional<EcnCounts>& counts, uint64_t marked);

 private:
  EcnCounts reported_;  // in the last frame that was not refused outright
  uint64_t sent_ = 0;
};

/// Of one path: are its packets to be marked? "Unknown" of A.4 is a test that is over and has not been answered.
class EcnMarking {
 public:
  enum class State : uint8_t { Testing, Unknown, Capable, Failed };
  static constexpr uint64_t kTestPackets = 10;  // or three PTOs, whatever ends first
  static constexpr int kTestPtos = 3;

  [[nodiscard]] State state(TimePoint now) const;
  /// For the next packet.
  [[nodiscard]] Ecn mark(TimePoint now) const;
  void onMarkedSent(TimePoint now, Duration pto);
  void onMarkedLost(TimePoint now);
  /// `acked` marked packets were acknowledged with counts that are valid, `ce` of them (or of earlier ones) met congestion.
  void onValidated(TimePoint now, uint64_t acked, uint64_t ce);
  void onFailed() { verdict_ = State::Failed; }

 private:
  State verdict_ = State::Testing;  // Unknown is what time makes of Testing
  TimePoint testUntil_ = TimePoint::max();
  uint64_t sent_ = 0;
  uint64_t lost_ = 0;
  uint64_t acked_ = 0;
  uint64_t ce_ = 0;
};

}  // namespace quic
