// The state machine of BBR: draft-cardwell-iccrg-bbr-congestion-control-02 §4.3.
#include <algorithm>
#include <utility>

#include "quic/congestion_control/Bbr.h"

namespace quic {
namespace {
constexpr double kStartupPacingGain = 2.77;       // §2.6
constexpr double kWindowGain = 2;                 // §2.6, §4.6.1
constexpr double kDrainPacingGain = 0.5;          // §4.3.2
constexpr double kProbeRttWindowGain = 0.5;       // §2.14.2
constexpr double kDownPacingGain = 0.9;           // §4.6.1
constexpr double kUpPacingGain = 1.25;            // §4.6.1
constexpr double kStillGrowing = 1.25;            // §4.3.1.2
constexpr int kFullBandwidthRounds = 3;           // §4.3.1.2
constexpr Duration kProbeRttDuration = 200ms;     // §2.14.2
constexpr Duration kLeastProbeWait = 2s;          // §4.3.3.5.2
constexpr uint64_t kProbeWaitSpread = 1'000'000;  // microseconds
constexpr uint64_t kMaxRenoRounds = 63;           // §4.3.3.5.3
}  // namespace

void Bbr::setGains(State state, double pacing, double window) {
  state_ = state;
  pacingGain_ = pacing;
  windowGain_ = window;
}

bool Bbr::isInProbeBw() const {
  return state_ == State::ProbeBwDown || state_ == State::ProbeBwCruise || state_ == State::ProbeBwRefill ||
         state_ == State::ProbeBwUp;
}

bool Bbr::isProbingBandwidth() const {
  return state_ == State::Startup || state_ == State::ProbeBwRefill || state_ == State::ProbeBwUp;
}

// ---------------------------------------------------------------- Startup, Drain
void Bbr::enterStartup() { setGains(State::Startup, kStartupPacingGain, kWindowGain); }

void Bbr::checkStartupDone(const Ack& ack) {
  checkStartupFullBandwidth(ack);
  if (state_ == State::Startup && isPipeFilled_) setGains(State::Drain, kDrainPacingGain, kWindowGain);
}

void Bbr::checkStartupFullBandwidth(const Ack& ack) {
  if (isPipeFilled_ || !model_.isRoundStart() || ack.isAppLimited) return;
  const uint64_t bandwidth = model_.maxBandwidth();
  if (static_cast<double>(bandwidth) >= static_cast<double>(fullBandwidth_) * kStillGrowing) {
    fullBandwidth_ = bandwidth;
    fullBandwidthRounds_ = 0;
    return;
  }
  if (++fullBandwidthRounds_ >= kFullBandwidthRounds) isPipeFilled_ = true;
}

/// The path has said how much it holds: no less than was just delivered.
void Bbr::onPipeFilledByLoss() {
  isPipeFilled_ = true;
  bounds_.setInFlightHi(std::max({volume(bandwidth(), 1), model_.latestInFlight(), minPipe()}));
}

void Bbr::checkDrain(TimePoint now) {
  if (state_ == State::Drain && flight_.count() <= withBudget(volume(bandwidth(), 1))) startProbeBwDown(now);
}

// ---------------------------------------------------------------- ProbeBw
void Bbr::startProbeBwDown(TimePoint now) {
  lostInRound_ = 0;
  isMarkedInRound_ = false;
  model_.forgetLatest();
  pickProbeWait();
  cycleAt_ = now;
  isCycleEnding_ = true;
  model_.startRound();
  setGains(State::ProbeBwDown, kDownPacingGain, kWindowGain);
}

void Bbr::startProbeBwCruise() { setGains(State::ProbeBwCruise, 1, kWindowGain); }

void Bbr::startProbeBwRefill() {
  bounds_.forgetShortTerm();
  bounds_.startClimb();
  isCycleEnding_ = false;
  model_.startRound();
  setGains(State::ProbeBwRefill, 1, kWindowGain);
}

void Bbr::startProbeBwUp(TimePoint now) {
  model_.startRound();
  cycleAt_ = now;
  setGains(State::ProbeBwUp, kUpPacingGain, kWindowGain);
  bounds_.steepenClimb(window_, maxDatagramSize_);
}

/// §4.3.3.6.
void Bbr::updateProbeBw(const Ack& ack) {
  if (!isPipeFilled_) return;
  adaptUpperBounds(ack);
  switch (state_) {
    case State::ProbeBwDown:
      if (!checkTimeToProbe(ack.now) && isTimeToCruise()) startProbeBwCruise();
      return;
    case State::ProbeBwCruise: checkTimeToProbe(ack.now); return;
    case State::ProbeBwRefill:
      if (!model_.isRoundStart()) return;
      isProbeUnanswered_ = true;
      return startProbeBwUp(ack.now);
    case State::ProbeBwUp: {
      const bool hasLasted = model_.minRtt() && ack.now > cycleAt_ + *model_.minRtt();
      const bool isQueued = flight_.count() > withBudget(volume(model_.maxBandwidth(), kUpPacingGain));
      if (hasLasted && isQueued) startProbeBwDown(ack.now);
      return;
    }
    case State::Startup:
    case State::Drain:
    case State::ProbeRtt: return;
  }
}

void Bbr::adaptUpperBounds(const Ack& ack) {
  if (isCycleEnding_ && model_.isRoundStart()) {
    isCycleEnding_ = false;
    isProbeUnanswered_ = false;
    if (isInProbeBw() && !ack.isAppLimited) model_.advanceBandwidthFilter();
  }
  if (BbrBounds::isTooMuch(ack.rate.lost, ack.rate.inFlightAtSend, maxDatagramSize_)) {
    if (isProbeUnanswered_) onTooMuchInFlight(ack.now, ack.rate.inFlightAtSend, ack.isAppLimited);
    return;
  }
  bounds_.raiseInFlightHi(ack.rate.inFlightAtSend);
  if (state_ != State::ProbeBwUp) return;
  if (isWindowLimited() && window_ >= bounds_.inFlightHi()) bounds_.climb(ack.bytes);
  if (model_.isRoundStart()) bounds_.steepenClimb(window_, maxDatagramSize_);
}

/// §4.5.6.2: once for each probe.
void Bbr::onTooMuchInFlight(TimePoint now, uint64_t volume, bool isAppLimited) {
  isProbeUnanswered_ = false;
  if (!isAppLimited) {
    const auto least = static_cast<uint64_t>(BbrBounds::kBeta * static_cast<double>(targetInFlight()));
    bounds_.setInFlightHi(std::max({volume, least, minPipe()}));
  }
  if (state_ == State::ProbeBwUp) startProbeBwDown(now);
}

/// §4.3.3.5.3.
void Bbr::pickProbeWait() {
  roundsSinceProbe_ = nextRandom() % 2;
  probeWait_ = kLeastProbeWait + Duration{static_cast<int64_t>(nextRandom() % kProbeWaitSpread)};
}

bool Bbr::checkTimeToProbe(TimePoint now) {
  const uint64_t renoRounds = std::min(targetInFlight() / maxDatagramSize_, kMaxRenoRounds);
  if (now <= cycleAt_ + probeWait_ && roundsSinceProbe_ < renoRounds) return false;
  startProbeBwRefill();
  return true;
}

bool Bbr::isTimeToCruise() const {
  if (flight_.count() > std::max(bounds_.inFlightWithHeadroom(), minPipe())) return false;
  return flight_.count() <= withBudget(volume(model_.maxBandwidth(), 1));
}

// ---------------------------------------------------------------- ProbeRtt
/// §4.3.4.4.
void Bbr::checkProbeRtt(const Ack& ack) {
  if (state_ != State::ProbeRtt && model_.isProbeRttDue() && !isIdleRestart_) {
    saveWindow();
    setGains(State::ProbeRtt, 1, kProbeRttWindowGain);
    probeRttDoneAt_.reset();
    isCycleEnding_ = true;
    model_.startRound();
  }
  if (state_ == State::ProbeRtt) handleProbeRtt(ack);
  if (ack.rate.delivered > 0) isIdleRestart_ = false;
}

void Bbr::handleProbeRtt(const Ack& ack) {
  probeRttSince_ = model_.delivered() + flight_.count();
  if (!probeRttDoneAt_) {
    if (flight_.count() > probeRttWindow()) return;
    probeRttDoneAt_ = ack.now + kProbeRttDuration;
    isProbeRttRoundDone_ = false;
    model_.startRound();
    return;
  }
  if (model_.isRoundStart()) isProbeRttRoundDone_ = true;
  if (isProbeRttRoundDone_) checkProbeRttDone(ack.now);
}

/// §4.3.4.4, §4.3.4.5.
void Bbr::checkProbeRttDone(TimePoint now) {
  if (!probeRttDoneAt_ || now <= *probeRttDoneAt_) return;
  model_.onProbeRttDone(now);
  probeRttDoneAt_.reset();
  restoreWindow();
  bounds_.forgetShortTerm();
  if (!isPipeFilled_) return enterStartup();
  startProbeBwDown(now);
  startProbeBwCruise();
}

}  // namespace quic
