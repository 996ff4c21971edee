#include "quic/congestion_control/Bbr.h"

#include <algorithm>
#include <utility>

namespace quic {
namespace {
constexpr double kPacingMargin = 0.99;        // §2.5
constexpr Duration kNominalRtt = 1ms;         // §4.6.2: when none was measured
constexpr double kHighestRate = 1e15;         // bytes a second
constexpr uint64_t kLowRate = 1'200'000 / 8;  // §4.6.3
constexpr uint64_t kMaxQuantum = 64 * 1024;   // §4.6.3
constexpr uint64_t kQuantaInFlight = 3;       // §4.5.4
constexpr int kStartupLossRuns = 3;           // §4.3.1.3
}  // namespace

Bbr::Bbr(size_t maxDatagramSize, uint64_t seed)
    : maxDatagramSize_(maxDatagramSize), randomState_(seed), window_(initialWindow(maxDatagramSize)) {
  enterStartup();
}

void Bbr::onPacketSent(TimePoint now, uint64_t bytes) {
  if (flight_.count() == 0 && hasRunDry_) restartFromIdle(now);
  hasRunDry_ = false;
  flight_.add(bytes);
  if (flight_.count() + maxDatagramSize_ > window_) isWindowFull_ = true;
}

/// §4.4.3.
void Bbr::restartFromIdle(TimePoint now) {
  isIdleRestart_ = true;
  model_.restartAggregation(now);
  if (isInProbeBw()) {
    setPacingRate(1);
  } else if (state_ == State::ProbeRtt) {
    checkProbeRttDone(now);
  }
}

void Bbr::onAck(const CongestionAckEvent& event, const RttEstimator& rtt) {
  flight_.remove(event.ackedBytes);
  if (!event.rate) return;
  if (!pacingRate_) {
    const Duration roundTrip = rtt.hasSample() ? rtt.smoothed() : kNominalRtt;
    const double nominal =
        static_cast<double>(initialWindow(maxDatagramSize_)) * 1e6 / static_cast<double>(roundTrip.count());
    pacingRate_ = static_cast<uint64_t>(std::max(pacingGain_ * nominal, 1.0));
  }
  Ack ack{.now = event.now,
          .bytes = event.ackedBytes,
          .roundTrip = std::max(event.now - event.largestAckedSentAt, Duration{1}),
          .rate = *event.rate,
          .hadRoom = event.appLimited};
  ack.isAppLimited = event.rate->isAppLimited || (probeRttSince_ && event.rate->deliveredBefore <= *probeRttSince_);
  updateModelAndState(ack);
  if (isRecovering_ && !recovery_.covers(event.largestAckedSentAt)) {
    onRecoveryRoundOver();
    isRecovering_ = isConserving_ = false;
    restoreWindow();
  }
  setPacingRate(pacingGain_);
  setWindow(ack);
  newlyLost_ = 0;
}

/// §4.2.3.
void Bbr::updateModelAndState(const Ack& ack) {
  model_.onSample(ack.rate, ack.isAppLimited);
  if (model_.isRoundStart()) {
    ++roundsSinceProbe_;
    wasWindowFull_ = std::exchange(isWindowFull_, false);
  }
  updateCongestionSignals();
  model_.onAggregation(ack.now, ack.bytes, bandwidth(), window_);
  checkStartupDone(ack);
  checkDrain(ack.now);
  updateProbeBw(ack);
  model_.onRoundTrip(ack.now, ack.roundTrip);
  checkProbeRtt(ack);
  model_.finishSample(ack.rate);
}

/// §4.5.6.3.
void Bbr::updateCongestionSignals() {
  if (!model_.isLossRoundStart()) return;
  const bool isLossy =
      BbrBounds::isTooMuch(lostInRound_, grownWindow(model_.latestInFlight(), lostInRound_), maxDatagramSize_);
  if ((isLossy || isMarkedInRound_) && !isProbingBandwidth()) {
    bounds_.onLossyRound({.bandwidth = model_.latestBandwidth(),
                          .inFlight = model_.latestInFlight(),
                          .maxBandwidth = model_.maxBandwidth(),
                          .window = window_});
  }
  lostInRound_ = 0;
  isMarkedInRound_ = false;
}

// ---------------------------------------------------------------- losses
void Bbr::onPacketLost(const LossSample& sample) {
  if (!recovery_.covers(sample.sentAt)) enterRecovery(sample.now);
  if (!lastLost_ || sample.number != *lastLost_ + 1) lossRuns_ = std::min(lossRuns_ + 1, 1000);
  lastLost_ = sample.number;
  lostInRecovery_ = grownWindow(lostInRecovery_, sample.bytes);
  if (!isProbeUnanswered_ || !BbrBounds::isTooMuch(sample.lost, sample.inFlightAtSend, maxDatagramSize_)) return;
  const uint64_t volume = BbrBounds::volumeAtThreshold(sample.inFlightAtSend, sample.lost, sample.bytes);
  onTooMuchInFlight(sample.now, volume, sample.isAppLimited);
}

void Bbr::onLoss(const CongestionLossEvent& event) {
  flight_.remove(event.lostBytes);
  if (event.lostBytes == 0) return;
  if (!recovery_.covers(event.largestLostSentAt)) enterRecovery(event.now);
  if (recovery_.beganAt() == event.now && isConserving_) {
    window_ = std::max(std::min(window_, flight_.count() + maxDatagramSize_), minimumWindow(maxDatagramSize_));
  }
  newlyLost_ = grownWindow(newlyLost_, event.lostBytes);
  lostInRound_ = grownWindow(lostInRound_, event.lostBytes);
  if (!event.persistent) return;
  window_ = minimumWindow(maxDatagramSize_);
  undo_.reset();
}

void Bbr::enterRecovery(TimePoint now) {
  undo_ = Undo{window_, bounds_};
  recovery_.begin(now);
  isConserving_ = !isRecovering_;
  if (isRecovering_) {
    onRecoveryRoundOver();
  } else {
    saveWindow();
  }
  isRecovering_ = true;
  inFlightAtRecovery_ = flight_.count();
  lostInRecovery_ = 0;
  lossRuns_ = 0;
  lastLost_.reset();
}

/// §4.3.1.3.
void Bbr::onRecoveryRoundOver() {
  const bool isTooMuch =
      lossRuns_ >= kStartupLossRuns && BbrBounds::isTooMuch(lostInRecovery_, inFlightAtRecovery_, maxDatagramSize_);
  if (!isPipeFilled_ && isTooMuch) onPipeFilledByLoss();
}

void Bbr::saveWindow() {
  const bool isModulated = isRecovering_ || state_ == State::ProbeRtt;
  priorWindow_ = isModulated ? std::max(priorWindow_, window_) : window_;
}

void Bbr::onEcnCe(TimePoint now, [[maybe_unused]] TimePoint sentAt) {
  isMarkedInRound_ = true;
  undo_.reset();
  if (state_ == State::Startup) return onPipeFilledByLoss();
  if (isProbeUnanswered_) onTooMuchInFlight(now, flight_.count(), false);
}

void Bbr::onSpuriousLoss(const CongestionSpuriousLossEvent& event) {
  if (!undo_ || recovery_.beganAt() != event.reducedAt) return;
  window_ = std::max(window_, undo_->window);
  bounds_ = undo_->bounds;
  isRecovering_ = isConserving_ = false;
  recovery_.end();
  undo_.reset();
}

// ---------------------------------------------------------------- rate
uint64_t Bbr::bandwidth() const { return std::min(model_.maxBandwidth(), bounds_.bandwidthLo()); }

/// §4.6.2.
void Bbr::setPacingRate(double gain) {
  const double exact = gain * kPacingMargin * static_cast<double>(bandwidth());
  const auto rate = static_cast<uint64_t>(std::clamp(exact, 1.0, kHighestRate));
  if (isPipeFilled_ || rate > pacingRate_.value_or(0)) pacingRate_ = rate;
}

/// §4.6.3.
uint64_t Bbr::sendQuantum() const {
  const uint64_t rate = pacingRate_.value_or(0);
  const uint64_t least = rate < kLowRate ? maxDatagramSize_ : 2 * maxDatagramSize_;
  return std::max(std::min(rate / 1000, kMaxQuantum), least);
}

// ---------------------------------------------------------------- window
/// BBRBDPMultiple of §4.6.4.2.
uint64_t Bbr::volume(uint64_t bytesPerSecond, double gain) const {
  return model_.volume(bytesPerSecond, gain).value_or(initialWindow(maxDatagramSize_));
}

uint64_t Bbr::withBudget(uint64_t volume) const {
  const uint64_t budget = std::max({volume, kQuantaInFlight * sendQuantum(), minPipe()});
  return state_ == State::ProbeBwUp ? budget + 2 * maxDatagramSize_ : budget;
}

uint64_t Bbr::targetInFlight() const { return std::min(volume(bandwidth(), 1), window_); }

uint64_t Bbr::probeRttWindow() const {
  constexpr double kGain = 0.5;  // §2.14.2
  return std::max(volume(bandwidth(), kGain), minPipe());
}

/// §4.6.4.6.
void Bbr::setWindow(const Ack& ack) {
  const uint64_t maxInFlight = withBudget(grownWindow(volume(bandwidth(), windowGain_), model_.extraAcked()));
  if (newlyLost_ > 0) window_ = window_ > newlyLost_ + maxDatagramSize_ ? window_ - newlyLost_ : maxDatagramSize_;
  if (isConserving_) {
    window_ = std::max(window_, grownWindow(flight_.count(), ack.bytes));
  } else {
    const bool isStarting = model_.delivered() < initialWindow(maxDatagramSize_);
    const uint64_t growth = ack.hadRoom ? 0 : ack.bytes;
    if (isPipeFilled_) {
      window_ = std::min(grownWindow(window_, growth), maxInFlight);
    } else if (window_ < maxInFlight || isStarting) {
      window_ = grownWindow(window_, growth);
    }
  }
  window_ = std::max(window_, minPipe());
  if (state_ == State::ProbeRtt) window_ = std::min(window_, probeRttWindow());
  boundWindow();
}

/// §4.6.4.7 and the table of §4.6.1.
void Bbr::boundWindow() {
  uint64_t cap = kMaxCongestionWindow;
  if (state_ == State::ProbeRtt || state_ == State::ProbeBwCruise) {
    cap = std::min(cap, bounds_.inFlightWithHeadroom());
  } else if (state_ != State::Startup) {
    cap = std::min(cap, bounds_.inFlightHi());
  }
  cap = std::max(std::min(cap, bounds_.inFlightLo()), minPipe());
  window_ = std::min(window_, cap);
}

void Bbr::onMaxDatagramSize(size_t size) {
  const bool isInitial = window_ == initialWindow(maxDatagramSize_) && model_.delivered() == 0;
  maxDatagramSize_ = size;
  window_ = isInitial ? initialWindow(size) : std::max(window_, minimumWindow(size));
}

/// SplitMix64. Nothing secret depends on it: it only keeps flows from probing in step.
uint64_t Bbr::nextRandom() {
  randomState_ += 0x9e3779b97f4a7c15;
  uint64_t mixed = randomState_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

}  // namespace quic
