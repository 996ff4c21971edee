#include "quic/congestion_control/Pacer.h"

#include <algorithm>
#include <cmath>

namespace quic {
namespace {
constexpr double kRateFactor = 1.25;        // RFC 9002 §7.7: above 1, or a varying RTT would leave the window unused
constexpr double kSlowStartRateFactor = 2;  // the window doubles within the round trip over which it is spread
constexpr double kTimerSlackMicroseconds = 1000;
constexpr double kRounding = 1e-3;  // of a byte: what sums of doubles may miss
}  // namespace

void Pacer::onUpdate(TimePoint now, uint64_t congestionWindow, Duration smoothedRtt, bool inSlowStart,
                     size_t maxDatagramSize) {
  const bool wasPaced = bytesPerMicrosecond_ > 0;
  if (wasPaced) refill(now);
  const auto window = static_cast<double>(congestionWindow);
  const double factor = inSlowStart ? kSlowStartRateFactor : kRateFactor;
  bytesPerMicrosecond_ =
      std::max(factor * window, 1.0) / static_cast<double>(std::max(smoothedRtt, Duration{1}).count());
  capacity_ =
      std::max({static_cast<double>(kInitialWindowPackets * maxDatagramSize),
                bytesPerMicrosecond_ * kTimerSlackMicroseconds, std::min(window / 2, static_cast<double>(kMaxTrain))});
  tokens_ = wasPaced ? std::clamp(tokens_, -capacity_, capacity_) : capacity_;
  updatedAt_ = wasPaced ? updatedAt_ : now;
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
