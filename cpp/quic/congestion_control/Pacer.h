// Spreads a window over a round trip. RFC 9002 §7.7. A token bucket in bytes with microsecond time.
// It never says no: it says how much may leave now, and when more may. What must leave anyway (probes, RFC 9002 §7.5)
// is told to it afterwards and paid back by what follows, up to one bucket.
//
// For a controller that names a rate the bucket holds what 1 ms carries at it, at least two datagrams: it knows of the
// path what a burst could only spoil. Else it holds the largest of three bursts:
//  - the initial window, kInitialWindowPackets datagrams (RFC 9002 §7.7);
//  - what 1 ms carries at this pace: a timer that wakes 1 ms late costs no throughput, and a path whose round trip is
//    below 1 ms (loopback, a machine room) is not paced at all, because no timer could;
//  - a GSO train of kMaxTrain bytes, but no more than half the window: what the path carried twice over within the last
//    round trip it can take at once, and a fast sender is not woken for every few datagrams.
// After idleness nothing is known any more, and the first of the three is all that leaves at once.
#pragma once

#include <optional>

#include "quic/QuicConstants.h"

namespace quic {

class Pacer {
 public:
  static constexpr uint64_t kMaxTrain = 64 * 1024;  // what one UDP send with segmentation takes

  struct Pace {
    uint64_t congestionWindow = 0;
    Duration smoothedRtt{0};
    bool inSlowStart = false;
    size_t maxDatagramSize = 0;
    std::optional<uint64_t> rate{};  // bytes a second, when the controller names one
  };
  /// Without a rate, it is 1.25 * window / smoothed RTT (2 * in slow start). Until the path has a sample: no pacing, that
  /// is, no call.
  void onUpdate(TimePoint now, const Pace& pace);
  /// Nothing is in flight and something is about to be: what was saved up meanwhile counts for no more than the initial
  /// window (RFC 9002 §7.7, §7.8).
  void onRestart(TimePoint now);
  void onPacketSent(TimePoint now, uint64_t bytes);
  /// Bytes that may leave now without breaking the pace. UINT64_MAX while nothing is paced.
  [[nodiscard]] uint64_t allowance(TimePoint now) const;
  /// When at least `bytes` may leave, or a full bucket if that is less; nullopt: now.
  [[nodiscard]] std::optional<TimePoint> nextSendTime(TimePoint now, uint64_t bytes) const;
  /// Bytes a second; 0 while nothing is paced.
  [[nodiscard]] uint64_t rate() const { return static_cast<uint64_t>(bytesPerMicrosecond_ * 1e6); }

 private:
  [[nodiscard]] double tokensAt(TimePoint now) const;
  void refill(TimePoint now);

  double bytesPerMicrosecond_ = 0;  // 0: not paced
  double tokens_ = 0;               // below zero: sent ahead of the pace
  double capacity_ = 0;
  double restartCapacity_ = 0;
  TimePoint updatedAt_{};
};

}  // namespace quic
