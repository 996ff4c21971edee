#include "quic/congestion_control/HyStart.h"

#include <algorithm>

namespace quic {
namespace {
// RFC 9406 §4.3
constexpr Duration kMinRttThreshold = 4ms;
constexpr Duration kMaxRttThreshold = 16ms;
constexpr int kMinRttDivisor = 8;
constexpr int kRttSamples = 8;
constexpr uint64_t kConservativeGrowthDivisor = 4;
constexpr int kConservativeRounds = 5;
}  // namespace

uint64_t HyStart::onAck(const Ack& ack) {
  if (phase_ == Phase::Done) return 0;
  const uint64_t growth = phase_ == Phase::Conservative ? ack.bytes / kConservativeGrowthDivisor : ack.bytes;
  if (!roundBeganAt_ || ack.sentAt >= *roundBeganAt_) beginRound(ack.now);
  if (phase_ != Phase::Done) countSample(ack.now - ack.sentAt);
  return growth;
}

void HyStart::beginRound(TimePoint now) {
  if (phase_ == Phase::Conservative && ++conservativeRounds_ >= kConservativeRounds) phase_ = Phase::Done;
  roundBeganAt_ = now;
  lastRoundMinRtt_ = currentRoundMinRtt_;
  currentRoundMinRtt_.reset();
  samples_ = 0;
}

/// RFC 9406 §4.2.
void HyStart::countSample(Duration rtt) {
  currentRoundMinRtt_ = currentRoundMinRtt_ ? std::min(*currentRoundMinRtt_, rtt) : rtt;
  if (++samples_ < kRttSamples) return;
  samples_ = kRttSamples;
  if (phase_ == Phase::Conservative) {
    if (*currentRoundMinRtt_ < conservativeBaseline_) phase_ = Phase::SlowStart;
    return;
  }
  if (!lastRoundMinRtt_) return;
  const Duration threshold = std::clamp(*lastRoundMinRtt_ / kMinRttDivisor, kMinRttThreshold, kMaxRttThreshold);
  if (*currentRoundMinRtt_ < *lastRoundMinRtt_ + threshold) return;
  phase_ = Phase::Conservative;
  conservativeBaseline_ = *currentRoundMinRtt_;
  conservativeRounds_ = 0;
}

}  // namespace quic
