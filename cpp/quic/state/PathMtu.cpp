#include "quic/state/PathMtu.h"

#include <algorithm>
#include <array>

namespace quic {
namespace {

/// RFC 8899 §5.3.2: UDP payloads of links that exist, under IPv4 and IPv6: the least of IPv6, tunnels and VPNs, PPPoE,
/// Ethernet, jumbo frames, loopback.
constexpr std::array<size_t, 13> kCommonSizes = {1232, 1252, 1352, 1372, 1392,  1428, 1452,
                                                 1472, 4348, 8952, 8972, 16364, 65488};

constexpr size_t kLeastGain = 16;  // bytes; a smaller one is worth no probe

size_t leastHalvingGain(size_t size) { return std::max(kLeastGain, size / 64); }

}  // namespace

PathMtu::PathMtu(const PathMtuSettings& settings)
    : isEnabled_(settings.isEnabled), size_(std::max(settings.start, kBase)) {}

void PathMtu::onConnected(size_t most) {
  if (!isEnabled_ || state_ != State::Disabled) return;
  most_ = std::max(most, kBase);
  size_ = std::min(size_, most_);
  beginSearch();
  if (size_ == most_) state_ = State::SearchComplete;
}

void PathMtu::onBaseDoubted(size_t most) {
  if (!isEnabled_ || state_ != State::Disabled) return;
  most_ = std::max(most, kBase);
  size_ = kBase;
  state_ = State::Base;
}

void PathMtu::beginSearch() {
  state_ = State::Searching;
  tooLarge_ = most_ + 1;
  failures_ = 0;
  probe_.reset();
}

/// The whole range at once, for that is what most paths turn out to carry; then common sizes, the middle one first; then halves.
/// A size that was lost once counts as too large while there are others to try; at last it is tried again, since probes are
/// lost for other reasons too (RFC 8899 §5.1.2).
std::optional<size_t> PathMtu::candidate(size_t room) const {
  if (size_ >= most_) return std::nullopt;
  if (tooLarge_ > most_ && most_ <= room) return most_;
  const size_t least = size_ + kLeastGain;
  const size_t end = std::min(tooLarge_, room + 1);
  const auto* const first = std::lower_bound(kCommonSizes.begin(), kCommonSizes.end(), least);
  const auto* const last = std::lower_bound(kCommonSizes.begin(), kCommonSizes.end(), end);
  if (first < last) return *(first + (last - first) / 2);
  if (tooLarge_ <= size_ + leastHalvingGain(size_)) {
    const bool isRetryWanted = tooLarge_ <= most_ && failures_ < kMaxProbes && tooLarge_ <= room;
    return isRetryWanted ? std::optional(tooLarge_) : std::nullopt;
  }
  const size_t middle = size_ + (tooLarge_ - size_) / 2;
  return middle < end ? std::optional(middle) : std::nullopt;
}

std::optional<size_t> PathMtu::probeDue(TimePoint now, size_t room) {
  if (probe_ || room < kBase) return std::nullopt;
  if (confirmsBase()) return kBase;
  if (!isUseful_ || now < notBefore_) return std::nullopt;
  if (state_ == State::SearchComplete && tooLarge_ <= most_) beginSearch();
  return state_ == State::Searching ? candidate(room) : std::nullopt;
}

void PathMtu::onProbeSent(PacketNum number, size_t size) {
  probe_ = Probe{number, size};
  isUseful_ = false;
}

void PathMtu::onAcked(TimePoint now, PacketNum number, size_t size) {
  if (state_ == State::Disabled) return;
  if (isLarge(size) && number >= newestLargeAcked_.value_or(0)) {
    newestLargeAcked_ = number;
    if (number > newestLargeLost_) largeLosses_ = 0;
  }
  // Any packet of that size confirms the base as well as a probe does; those from before the black hole prove nothing.
  const bool provesBase = confirmsBase() && size >= kBase && number > newestLargeLost_;
  const size_t probed = isProbe(number) ? probe_->size : 0;
  if (probed > 0) probe_.reset();
  if (provesBase) return beginSearch();
  if (probed == 0 || state_ != State::Searching) return;
  size_ = std::max(size_, probed);
  if (size_ >= tooLarge_) beginSearch();
  completeWhenDone(now);
}

void PathMtu::onLost(TimePoint now, PacketNum number, size_t size) {
  if (state_ == State::Disabled) return;
  if (isProbe(number)) return onProbeLost(now);
  // A later one that arrived, arrived in spite of its size: then this is ordinary loss.
  const bool isSuspicious = isLarge(size) && size <= size_ && !(newestLargeAcked_ && number < *newestLargeAcked_);
  if (!isSuspicious || confirmsBase() || state_ == State::Unusable) return;
  newestLargeLost_ = std::max(newestLargeLost_, number);
  if (++largeLosses_ >= kBlackHoleLosses) onBlackHole(now);
}

void PathMtu::onProbeLost(TimePoint now) {
  const size_t size = probe_->size;
  probe_.reset();
  if (state_ == State::Searching) {
    failures_ = size == tooLarge_ ? failures_ + 1 : 1;
    tooLarge_ = size;
    return completeWhenDone(now);
  }
  if (!confirmsBase() || ++failures_ < kMaxProbes) return;
  failures_ = 0;
  state_ = state_ == State::Base ? State::Error : State::Unusable;
}

void PathMtu::onBlackHole(TimePoint now) {
  size_ = kBase;
  state_ = State::Base;
  probe_.reset();
  failures_ = 0;
  largeLosses_ = 0;
  newestLargeAcked_.reset();
  // RFC 8899 §5.3.3: where sizes come and go, the search waits, and longer each time.
  const bool isFlapping = lastBlackHoleAt_ && now - *lastBlackHoleAt_ < kRaiseInterval;
  if (!isFlapping) {
    penalty_ = Duration{0};
  } else {
    penalty_ = penalty_ == Duration{0} ? kFirstPenalty : std::min<Duration>(2 * penalty_, kRaiseInterval);
  }
  notBefore_ = now + penalty_;
  lastBlackHoleAt_ = now;
}

void PathMtu::completeWhenDone(TimePoint now) {
  if (candidate(SIZE_MAX - 1)) return;
  state_ = State::SearchComplete;
  notBefore_ = now + kRaiseInterval;
}

}  // namespace quic
