#include "quic/congestion_control/BbrBounds.h"

#include <cmath>

namespace quic {
namespace {
uint64_t scaled(uint64_t value, double factor) { return static_cast<uint64_t>(factor * static_cast<double>(value)); }
}  // namespace

void BbrBounds::onLossyRound(const Latest& latest) {
  if (bandwidthLo_ == kNone) bandwidthLo_ = latest.maxBandwidth;
  if (inFlightLo_ == kNone) inFlightLo_ = latest.window;
  bandwidthLo_ = std::max(latest.bandwidth, scaled(bandwidthLo_, kBeta));
  inFlightLo_ = std::max(latest.inFlight, scaled(inFlightLo_, kBeta));
}

bool BbrBounds::isTooMuch(uint64_t lost, uint64_t inFlightAtSend, uint64_t datagram) {
  if (lost < kFewLost * datagram) return false;
  const double expected = kLossThreshold * static_cast<double>(inFlightAtSend) / static_cast<double>(datagram);
  return static_cast<double>(lost) / static_cast<double>(datagram) > expected + std::sqrt(expected);
}

uint64_t BbrBounds::volumeAtThreshold(uint64_t inFlightAtSend, uint64_t lost, uint64_t bytes) {
  const double before = static_cast<double>(inFlightAtSend > bytes ? inFlightAtSend - bytes : 0);
  const double lostBefore = static_cast<double>(lost > bytes ? lost - bytes : 0);
  const double prefix = (kLossThreshold * before - lostBefore) / (1 - kLossThreshold);
  return static_cast<uint64_t>(std::clamp(before + prefix, 0.0, static_cast<double>(kMaxCongestionWindow)));
}

void BbrBounds::steepenClimb(uint64_t window, uint64_t datagram) {
  const double growth = static_cast<double>(datagram) * static_cast<double>(uint64_t{1} << climbRounds_);
  climbRounds_ = std::min(climbRounds_ + 1, kMaxClimbRounds);
  climbPerByte_ = std::min(growth / static_cast<double>(std::max<uint64_t>(window, 1)), 1.0);
}

void BbrBounds::climb(uint64_t ackedBytes) {
  if (inFlightHi_ == kNone) return;
  climbed_ += climbPerByte_ * static_cast<double>(std::min(ackedBytes, kMaxCongestionWindow));
  const auto whole = static_cast<uint64_t>(climbed_);
  climbed_ -= static_cast<double>(whole);
  setInFlightHi(grownWindow(inFlightHi_, whole));
}

}  // namespace quic
