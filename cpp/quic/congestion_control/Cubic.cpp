#include "quic/congestion_control/Cubic.h"

#include <algorithm>
#include <cmath>

namespace quic {
namespace {
// RFC 9438 §4.1.1, §5
constexpr double kC = 0.4;  // datagrams per second^3
constexpr uint64_t kBetaTenths = 7;
constexpr double kBeta = 0.7;
constexpr double kRenoAlpha = 3 * (1 - kBeta) / (1 + kBeta);  // §4.3
constexpr double kFastConvergence = (1 + kBeta) / 2;          // §4.7
constexpr Duration kLongestStep = 1h;                         // between two acknowledgments that count
constexpr double kFastestGrowth = 1.5;                        // §4.2: of the window in a round trip

double toSeconds(Duration duration) { return static_cast<double>(duration.count()) * 1e-6; }
}  // namespace

Cubic::Cubic(size_t maxDatagramSize) : maxDatagramSize_(maxDatagramSize), window_(initialWindow(maxDatagramSize)) {}

void Cubic::onPacketSent(TimePoint now, uint64_t bytes) {
  // RFC 9438 §5.8: idle time is no time in which the window could have grown.
  if (flight_.count() == 0) clockAt_ = std::max(clockAt_, now);
  flight_.add(bytes);
}

void Cubic::onAck(const CongestionAckEvent& event, const RttEstimator& rtt) {
  flight_.remove(event.ackedBytes);
  const Duration sinceLast = std::clamp<Duration>(event.now - clockAt_, Duration{0}, kLongestStep);
  clockAt_ = std::max(clockAt_, event.now);
  if (recovery_.covers(event.largestAckedSentAt)) return;
  if (inSlowStart()) return growInSlowStart(event);
  if (event.appLimited) return;
  if (!stage_) {
    // RFC 9438 §4.8, §4.10: slow start ended without a loss, so there is no old maximum to return to.
    const auto window = static_cast<double>(window_);
    stage_ = Stage{.maxWindow = window, .renoWindow = window};
  } else {
    stage_->elapsed += sinceLast;
  }
  growInAvoidance(event, rtt.smoothed());
}

void Cubic::growInSlowStart(const CongestionAckEvent& event) {
  uint64_t growth = event.ackedBytes;
  // RFC 9406 §4.3: only while the threshold is unknown. Later slow starts end at it.
  if (slowStartThreshold_ == UINT64_MAX) {
    growth = hyStart_.onAck({event.now, event.largestAckedSentAt, event.ackedBytes});
  }
  if (!event.appLimited) window_ = grownWindow(window_, growth);
  if (slowStartThreshold_ == UINT64_MAX && hyStart_.phase() == HyStart::Phase::Done) slowStartThreshold_ = window_;
}

/// RFC 9438 §4.2 to §4.5, for each byte acknowledged instead of each segment.
void Cubic::growInAvoidance(const CongestionAckEvent& event, Duration smoothedRtt) {
  const auto window = static_cast<double>(window_);
  const double share = static_cast<double>(std::min(event.ackedBytes, kMaxCongestionWindow)) / window;
  const double alpha = stage_->renoWindow >= windowBefore_ ? 1 : kRenoAlpha;
  stage_->renoWindow += alpha * share * static_cast<double>(maxDatagramSize_);
  const double now = toSeconds(stage_->elapsed);
  double next = window;
  if (cubicWindow(now) < stage_->renoWindow) {
    next = std::max(window, stage_->renoWindow);
  } else {
    const double target = std::clamp(cubicWindow(now + toSeconds(smoothedRtt)), window, kFastestGrowth * window);
    next = window + (target - window) * std::min(share, 1.0) + fraction_;
  }
  next = std::min(next, static_cast<double>(kMaxCongestionWindow));
  window_ = std::max(window_, static_cast<uint64_t>(next));
  fraction_ = std::clamp(next - static_cast<double>(window_), 0.0, 1.0);
}

double Cubic::cubicWindow(double seconds) const {
  const double offset = seconds - stage_->secondsToMax;
  return kC * static_cast<double>(maxDatagramSize_) * offset * offset * offset + stage_->maxWindow;
}

void Cubic::onLoss(const CongestionLossEvent& event) {
  flight_.remove(event.lostBytes);
  if (event.lostBytes == 0) return;  // RFC 9002 §B.8: only what was in flight is a signal
  onCongestion(event.now, event.largestLostSentAt);
  if (!event.persistent) return;
  // RFC 9002 §7.6.2, RFC 9438 §4.8
  window_ = minimumWindow(maxDatagramSize_);
  stage_.reset();
  recovery_.end();
}

void Cubic::onEcnCe(TimePoint now, TimePoint sentAt) {
  onCongestion(now, sentAt);
  prior_.reset();  // the network has spoken: nothing to take back
}

/// RFC 9438 §4.6, §4.7. Of the window, as RFC 9002 §7.3.2 does it: it only grew while it was in use.
void Cubic::onCongestion(TimePoint now, TimePoint sentAt) {
  if (recovery_.covers(sentAt)) return;
  recovery_.begin(now);
  prior_ = Prior{window_, slowStartThreshold_, lastMaxWindow_, windowBefore_, stage_};
  const auto before = static_cast<double>(window_);
  windowBefore_ = before;
  lastMaxWindow_ = before < lastMaxWindow_ ? before * kFastConvergence : before;
  window_ = std::max(window_ * kBetaTenths / 10, minimumWindow(maxDatagramSize_));
  slowStartThreshold_ = window_;
  fraction_ = 0;
  const auto after = static_cast<double>(window_);
  const double climb = std::max(lastMaxWindow_ - after, 0.0) / static_cast<double>(maxDatagramSize_);
  stage_ =
      Stage{.maxWindow = std::max(lastMaxWindow_, after), .renoWindow = after, .secondsToMax = std::cbrt(climb / kC)};
}

/// RFC 9438 §4.9.
void Cubic::onSpuriousLoss(const CongestionSpuriousLossEvent& event) {
  if (!prior_ || recovery_.beganAt() != event.reducedAt) return;
  if (window_ >= prior_->window) return prior_.reset();
  window_ = prior_->window;
  slowStartThreshold_ = prior_->slowStartThreshold;
  lastMaxWindow_ = prior_->lastMaxWindow;
  windowBefore_ = prior_->windowBefore;
  stage_ = prior_->stage;
  fraction_ = 0;
  recovery_.end();
  prior_.reset();
}

void Cubic::onMaxDatagramSize(size_t size) {
  // RFC 9002 §7.2: the initial window follows the size. Once the window was earned or cut it stands for the path.
  const bool isInitial = window_ == initialWindow(maxDatagramSize_) && slowStartThreshold_ == UINT64_MAX;
  maxDatagramSize_ = size;
  window_ = isInitial ? initialWindow(size) : std::max(window_, minimumWindow(size));
}

}  // namespace quic
