#include "quic/congestion_control/Pacer.h"

#include <algorithm>
#include <cmath>

namespace quic {
namespace {
constexpr double kRateFactor = 1.25;        // RFC 9002 §7.7: above 1, or a varying RTT would leave the window unused
constexpr double kSlowStartRateFactor = 2;  // the window doubles within the round trip over which it is spread
constexpr double kTimerSlackMicroseconds = 1000;
constexpr double kLeastRate = 1e-3;      // bytes per microsecond: no path waits for long because of a wrong model
constexpr uint64_t kQuantumPackets = 2;  // draft-cardwell-iccrg-bbr-congestion-control-02 §4.6.3
constexpr double kRounding = 1e-3;       // of a byte: what sums of doubles may miss
}  // namespace

void Pacer::onUpdate(TimePoint now, const Pace& pace) {
  const bool wasPaced = bytesPerMicrosecond_ > 0;
  if (wasPaced) refill(now);
  const auto window = static_cast<double>(pace.congestionWindow);
  const auto roundTrip = static_cast<double>(std::max(pace.smoothedRtt, Duration{1}).count());
  const double factor = pace.inSlowStart ? kSlowStartRateFactor : kRateFactor;
  bytesPerMicrosecond_ = pace.rate ? std::max(static_cast<double>(*pace.rate) / 1e6, kLeastRate)
                                   : std::max(factor * window, 1.0) / roundTrip;
  const double tick = bytesPerMicrosecond_ * kTimerSlackMicroseconds;
  const auto initial = static_cast<double>(kInitialWindowPackets * pace.maxDatagramSize);
  const auto quantum = static_cast<double>(kQuantumPackets * pace.maxDatagramSize);
  const double train = std::min(window / 2, static_cast<double>(kMaxTrain));
  capacity_ = pace.rate ? std::max(quantum, tick) : std::max({initial, tick, train});
  const bool isTooShortForTimers = roundTrip < kTimerSlackMicroseconds;
  restartCapacity_ = isTooShortForTimers ? capacity_ : std::min(initial, capacity_);
  tokens_ = wasPaced ? std::clamp(tokens_, -capacity_, capacity_) : capacity_;
  updatedAt_ = wasPaced ? updatedAt_ : now;
}

void Pacer::onRestart(TimePoint now) {
  if (bytesPerMicrosecond_ <= 0) return;
  refill(now);
  tokens_ = std::min(tokens_, restartCapacity_);
}

void Pacer::onPacketSent(TimePoint now, uint64_t bytes) {
  if (bytesPerMicrosecond_ <= 0) return;
  refill(now);
  tokens_ = std::max(tokens_ - static_cast<double>(bytes), -capacity_);
}

uint64_t Pacer::allowance(TimePoint now) const {
  if (bytesPerMicrosecond_ <= 0) return UINT64_MAX;
  const double tokens = tokensAt(now) + kRounding;
  return tokens < 1 ? 0 : static_cast<uint64_t>(tokens);
}

std::optional<TimePoint> Pacer::nextSendTime(TimePoint now, uint64_t bytes) const {
  if (bytesPerMicrosecond_ <= 0) return std::nullopt;
  const double missing = std::min(static_cast<double>(bytes), std::floor(capacity_)) - tokensAt(now);
  if (missing <= kRounding) return std::nullopt;
  return now + Duration{static_cast<Duration::rep>(std::ceil((missing - kRounding) / bytesPerMicrosecond_))};
}

double Pacer::tokensAt(TimePoint now) const {
  const auto elapsed = static_cast<double>(std::max(now - updatedAt_, Duration{0}).count());
  return std::min(tokens_ + elapsed * bytesPerMicrosecond_, capacity_);
}

void Pacer::refill(TimePoint now) {
  tokens_ = tokensAt(now);
  updatedAt_ = std::max(updatedAt_, now);
}

}  // namespace quic
