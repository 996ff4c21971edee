// What we ask of the peer's acknowledgments: fewer of them when the window is large, because each costs both ends a packet
// (draft-ietf-quic-ack-frequency). It decides what to ask and when; what the peer asks of us is AckPolicy, in AckTracker.
// Invariant: one request is on its way at a time, and timers count with the longest delay that may be in force.
#pragma once

#include <optional>

#include "quic/codec/QuicFrames.h"
#include "quic/loss/RttEstimator.h"
#include "quic/loss/SentFrame.h"

namespace quic {

class AckFrequency {
 public:
  /// Draft §8.1, §8.2: several acknowledgments a round trip, and one at least for each initial window.
  static constexpr uint64_t kPacketsPerWindow = 16;
  static constexpr uint64_t kMaxThreshold = kInitialWindowPackets;
  static constexpr int kDelaysPerRoundTrip = 4;

  /// Both ends have offered it; `least` and `most` are the peer's min_ack_delay and max_ack_delay.
  void enable(Duration least, Duration most);
  [[nodiscard]] bool isEnabled() const { return isEnabled_; }

  /// After an acknowledgment: does the path want another frequency than the one asked for? `reordering`: after how many
  /// packets a gap counts as lost here.
  void onAck(uint64_t windowPackets, const RttEstimator& rtt, uint64_t reordering);
  /// Another path: what was asked for was for the old one (draft §8.4).
  void onPathChanged();

  [[nodiscard]] bool isDue() const { return isDue_; }
  [[nodiscard]] AckFrequencyFrame frame() const;
  SentAckFrequency onWritten();
  void onAcked(const SentAckFrequency& sent);
  void onLost(const SentAckFrequency& sent);

  /// The peer's max_ack_delay as timers must take it, given the one of its transport parameters (draft §7).
  [[nodiscard]] Duration maxAckDelay(Duration parameter) const;

 private:
  struct Request {
    uint64_t threshold = 1;  // what holds without any request: RFC 9000 §13.2.2
    Duration delay{0};
    uint64_t reordering = 1;
  };
  [[nodiscard]] bool isWorthAsking(const Request& wanted) const;

  bool isEnabled_ = false;
  bool isDue_ = false;
  Duration least_{0};
  Duration most_{0};
  Request asked_;  // last, or about to be
  uint64_t nextSequence_ = 0;
  std::optional<uint64_t> inFlight_;  // sequence of the newest
  std::optional<Duration> confirmed_;
  Duration unconfirmed_{0};  // the longest of those that may or may not be in force
};

}  // namespace quic
