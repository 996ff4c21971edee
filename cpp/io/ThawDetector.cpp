#include "io/ThawDetector.h"

#include <algorithm>
#include <utility>

namespace quic {

Duration ThawDetector::onTurn(TimePoint now, Duration slept) {
  const std::optional<TimePoint> before = std::exchange(lastTurnAt_, now);
  const Duration sleptSince = slept - std::exchange(slept_, slept);
  if (!before) return Duration{0};
  const Duration late = due_ ? now - std::max(*due_, *before) : Duration{0};
  // Not longer than there was no turn: the clocks of another machine may say anything.
  const Duration frozenFor = std::min(std::max(late, sleptSince), now - *before);
  if (frozenFor < kThreshold) return Duration{0};
  noticedAt_ = now;
  noticed_ = frozenFor;
  return frozenFor;
}

Duration ThawDetector::onTold(TimePoint now, Duration frozenFor) {
  const bool isKnown = noticedAt_ && now - *noticedAt_ < kSameThaw;
  const Duration known = isKnown ? noticed_ : Duration{0};
  noticedAt_ = now;
  noticed_ = std::max(known, frozenFor);
  return noticed_ - known;
}

}  // namespace quic
