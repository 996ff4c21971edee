#include "quic/congestion_control/Copa.h"

#include <algorithm>

namespace quic {
namespace {
constexpr double kDelta = 0.5;                 // §2.1: the default
constexpr Duration kShortestRttWindow = 10s;   // §2.1
constexpr int kRoundsBeforeDoubling = 3;       // §2.1
constexpr uint64_t kMaxVelocity = 1ull << 32;  // far beyond what a window lets take effect
constexpr double kFastestFall = 0.5;           // of the window in a round trip; it rises by at most as much as it is
constexpr uint64_t kLossFraction = 10;         // of what a round trip carries: more is congestion
constexpr uint64_t kLeastLostDatagrams = 3;    // and less than these are not, however small the window
constexpr double kHighestRate = 1e15;          // bytes a second
}  // namespace

Copa::Copa(size_t maxDatagramSize) : maxDatagramSize_(maxDatagramSize), window_(initialWindow(maxDatagramSize)) {}

void Copa::onAck(const CongestionAckEvent& event, const RttEstimator& rtt) {
  flight_.remove(event.ackedBytes);
  const Duration roundTrip = std::max(event.now - event.largestAckedSentAt, Duration{1});
  shortestRtt_ = shortest_.add(event.now, roundTrip, kShortestRttWindow);
  standingRtt_ = recent_.add(event.now, roundTrip, rtt.smoothed() / 2);
  if (!roundBeganAt_ || event.largestAckedSentAt >= *roundBeganAt_) beginRound(event.now);
  if (isSlowStart_ && wanted() == Direction::Down) isSlowStart_ = false;
  if (!isSlowStart_) return steer(event.ackedBytes, !event.appLimited);
  if (event.appLimited) return;
  window_ = grownWindow(window_, event.ackedBytes);
  isInitial_ = false;
}

/// §2.1: which way the target rate lies.
Copa::Direction Copa::wanted() const {
  const auto queueing = static_cast<double>((*standingRtt_ - shortestRtt_).count());
  if (queueing <= 0) return Direction::Up;
  const double target = static_cast<double>(maxDatagramSize_) / (kDelta * queueing);
  const double current = static_cast<double>(window_) / static_cast<double>(standingRtt_->count());
  return current <= target ? Direction::Up : Direction::Down;
}

/// §2.1: the velocity doubles once a round trip while the window keeps its direction, from the third on.
void Copa::beginRound(TimePoint now) {
  const bool wasKept = direction_ == Direction::Up ? window_ > windowAtRound_ : window_ < windowAtRound_;
  if (isSlowStart_ || !wasKept) {
    velocity_ = 1;
    roundsInDirection_ = 0;
  } else if (++roundsInDirection_ >= kRoundsBeforeDoubling) {
    velocity_ = std::min(velocity_ * 2, kMaxVelocity);
  }
  roundBeganAt_ = now;
  windowAtRound_ = window_;
  lostInRound_ = 0;
}

void Copa::steer(uint64_t ackedBytes, bool mayGrow) {
  const Direction wantedNow = wanted();
  if (wantedNow != direction_) {
    direction_ = wantedNow;
    velocity_ = 1;
    roundsInDirection_ = 0;
  }
  const auto window = static_cast<double>(window_);
  const bool isUp = direction_ == Direction::Up;
  if (isUp && !mayGrow) return;
  const double share = std::min(static_cast<double>(ackedBytes) / window, 1.0);
  const double inRoundTrip = static_cast<double>(velocity_) * static_cast<double>(maxDatagramSize_) / kDelta;
  const double step = share * std::min(inRoundTrip, isUp ? window : kFastestFall * window);
  const double least = static_cast<double>(minimumWindow(maxDatagramSize_));
  const double next =
      std::clamp(window + fraction_ + (isUp ? step : -step), least, static_cast<double>(kMaxCongestionWindow));
  window_ = static_cast<uint64_t>(next);
  fraction_ = next - static_cast<double>(window_);
  isInitial_ = false;
}

std::optional<uint64_t> Copa::pacingRate() const {
  if (!standingRtt_) return std::nullopt;
  const double rate = 2e6 * static_cast<double>(window_) / static_cast<double>(standingRtt_->count());
  return static_cast<uint64_t>(std::clamp(rate, 1.0, kHighestRate));
}

void Copa::onLoss(const CongestionLossEvent& event) {
  flight_.remove(event.lostBytes);
  if (event.lostBytes == 0) return;
  isSlowStart_ = false;
  lostInRound_ = grownWindow(lostInRound_, event.lostBytes);
  const bool isTooMuch = lostInRound_ >= kLeastLostDatagrams * maxDatagramSize_ &&
                         lostInRound_ * kLossFraction > std::max(windowAtRound_, window_);
  if (isTooMuch && !recovery_.covers(event.largestLostSentAt)) {
    undoWindow_ = window_;
    halve(event.now);
  }
  if (!event.persistent) return;
  // RFC 9002 §7.6.2
  window_ = minimumWindow(maxDatagramSize_);
  isSlowStart_ = true;
  isInitial_ = false;
  undoWindow_.reset();
  recovery_.end();
}

void Copa::onEcnCe(TimePoint now, TimePoint sentAt) {
  undoWindow_.reset();
  if (!recovery_.covers(sentAt)) halve(now);
}

void Copa::halve(TimePoint now) {
  recovery_.begin(now);
  window_ = std::max(window_ / 2, minimumWindow(maxDatagramSize_));
  isSlowStart_ = isInitial_ = false;
  velocity_ = 1;
  roundsInDirection_ = 0;
  fraction_ = 0;
}

void Copa::onSpuriousLoss(const CongestionSpuriousLossEvent& event) {
  if (!undoWindow_ || recovery_.beganAt() != event.reducedAt) return;
  window_ = std::max(window_, *undoWindow_);
  undoWindow_.reset();
  recovery_.end();
}

void Copa::onMaxDatagramSize(size_t size) {
  maxDatagramSize_ = size;
  window_ = isInitial_ ? initialWindow(size) : std::max(window_, minimumWindow(size));
}

}  // namespace quic
