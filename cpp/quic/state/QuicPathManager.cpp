#include "quic/state/QuicPathManager.h"

#include <algorithm>
#include <utility>

namespace quic {
namespace {

bool localMatches(const SocketAddress& a, const SocketAddress& b) {
  return a == b || (a.isUnspecified() && (a.port() == 0 || a.port() == b.port())) ||
         (b.isUnspecified() && (b.port() == 0 || a.port() == b.port()));
}

/// The longest short header, one path frame and the tag fit; a smaller datagram is not worth an attempt.
constexpr uint64_t kMinPathFrameDatagram = 1 + kMaxConnectionIdSize + 4 + 9 + kAeadTagSize;

/// Whoever sends challenges and acknowledges nothing gets no more answers than the window allows: packets in flight are what a
/// sender must remember. A few go beyond it, as probes do (RFC 9002 §7.5): the window may be full of what is acknowledged only
/// once the peer has its answer.
bool mayRespond(const Path& path) {
  return path.controller->available() > 0 || path.responsesInFlight < kMaxPathChallengesQueued;
}

bool hasPathFrames(const Path& path, TimePoint now) {
  if (path.isWaitingForId) return false;
  return (!path.responses.empty() && mayRespond(path)) || QuicPathManager::isChallengeDue(path, now);
}

/// The lowest goes first.
std::pair<bool, TimePoint> evictionRank(const Path& path) { return {path.isValidated, path.lastReceivedAt}; }

}  // namespace

void exchangeNetworks(Path& a, Path& b) {
  std::swap(a.rtt, b.rtt);
  std::swap(a.controller, b.controller);
  std::swap(a.pacer, b.pacer);
  std::swap(a.losses, b.losses);
  std::swap(a.deliveryRate, b.deliveryRate);
  std::swap(a.windowUsage, b.windowUsage);
  std::swap(a.mtu, b.mtu);
}

QuicPathManager::QuicPathManager(const PathSettings& settings, const FourTuple& first, bool isValidated)
    : settings_(settings) {
  paths_.push_back(makePath(first));
  paths_.front()->isValidated = isValidated;
  activeId_ = paths_.front()->id;
}

std::unique_ptr<Path> QuicPathManager::makePath(const FourTuple& tuple) {
  auto path = std::make_unique<Path>();
  path->id = {nextId_++};
  path->tuple = tuple;
  path->rtt = RttEstimator(settings_.initialRtt);
  path->controller =
      makeCongestionController(settings_.congestionControl, settings_.mtu.start, settings_.seed + path->id.value);
  path->mtu = PathMtu(settings_.mtu);
  return path;
}

size_t QuicPathManager::activeIndex() const {
  for (size_t i = 0; i < paths_.size(); ++i) {
    if (paths_[i]->id == activeId_) return i;
  }
  return 0;
}

Path* QuicPathManager::find(PathId id) {
  const auto it = std::find_if(paths_.begin(), paths_.end(), [&](const auto& path) { return path->id == id; });
  return it == paths_.end() ? nullptr : it->get();
}

const Path* QuicPathManager::find(PathId id) const { return const_cast<QuicPathManager*>(this)->find(id); }

Path* QuicPathManager::find(const FourTuple& tuple) {
  const auto matches = [&](const auto& path) {
    return path->tuple.peer == tuple.peer && localMatches(path->tuple.local, tuple.local);
  };
  if (matches(paths_[activeIndex()])) return paths_[activeIndex()].get();
  const auto it = std::find_if(paths_.begin(), paths_.end(), matches);
  return it == paths_.end() ? nullptr : it->get();
}

Path* QuicPathManager::findPeer(const SocketAddress& peer) {
  if (Path* path = find(FourTuple{active().tuple.local, peer})) return path;
  const auto it =
      std::find_if(paths_.begin(), paths_.end(), [&](const auto& path) { return path->tuple.peer == peer; });
  return it == paths_.end() ? nullptr : it->get();
}

/// Nothing of it is in flight.
void QuicPathManager::remember(std::unique_ptr<Path>&& path) {
  if (!path->isValidated || !path->rtt.hasSample() || path->controller->bytesInFlight() > 0) return;
  std::erase_if(remembered_, [&](const auto& old) { return old->tuple == path->tuple; });
  if (remembered_.size() >= kMaxPaths) remembered_.erase(remembered_.begin());
  path->mtu.onFlightAbandoned();
  remembered_.push_back(std::move(path));
}

void QuicPathManager::recall(TimePoint now, Path& path) {
  std::erase_if(remembered_, [&](const auto& old) { return old->lastReceivedAt + kMemory < now; });
  const auto it =
      std::find_if(remembered_.begin(), remembered_.end(), [&](const auto& old) { return old->tuple == path.tuple; });
  if (it == remembered_.end()) return;
  exchangeNetworks(path, **it);
  remembered_.erase(it);
}

Path& QuicPathManager::add(TimePoint now, const FourTuple& tuple, std::optional<EvictedPath>* evicted) {
  if (paths_.size() >= kMaxPaths) {
    Path* oldest = nullptr;
    for (const auto& path : paths_) {
      if (path->id == activeId_) continue;
      if (oldest == nullptr || evictionRank(*path) < evictionRank(*oldest)) oldest = path.get();
    }
    if (oldest != nullptr) {
      const PathId id = oldest->id;
      *evicted = EvictedPath{id, remove(id)};
    }
  }
  paths_.push_back(makePath(tuple));
  recall(now, *paths_.back());
  return *paths_.back();
}

std::optional<PeerConnectionId> QuicPathManager::remove(PathId id) {
  const auto it = std::find_if(paths_.begin(), paths_.end(), [&](const auto& path) { return path->id == id; });
  if (it == paths_.end() || id == activeId_) return std::nullopt;
  const auto destination = (*it)->isWaitingForId ? std::nullopt : std::optional((*it)->destination);
  remember(std::move(*it));
  paths_.erase(it);
  return destination;
}

bool QuicPathManager::isDestinationInUse(uint64_t sequence) const {
  return std::any_of(paths_.begin(), paths_.end(),
                     [&](const auto& path) { return !path->isWaitingForId && path->destination.sequence == sequence; });
}

Path* QuicPathManager::lastValidatedExcept(PathId id) {
  Path* best = nullptr;
  for (const auto& path : paths_) {
    if (path->id == id || !path->isValidated) continue;
    if (best == nullptr || path->lastReceivedAt > best->lastReceivedAt) best = path.get();
  }
  return best;
}

void QuicPathManager::beginValidation(TimePoint now, PathId id, const ValidationTiming& timing) {
  Path* path = find(id);
  if (path == nullptr || path->validation) return;
  path->validation.emplace();
  path->validation->beganAt = path->validation->nextAttemptAt = now;
  path->validation->interval = std::min(timing.interval, timing.maxInterval);
  path->validation->maxInterval = timing.maxInterval;
  path->validation->giveUpAt = timing.giveUpAt;
}

void QuicPathManager::expediteValidation(TimePoint now, PathId id) {
  Path* path = find(id);
  if (path == nullptr || !path->validation || std::exchange(path->validation->isExpedited, true)) return;
  if (path->validation->attemptsMade > 0) path->validation->nextAttemptAt = now;
}

void QuicPathManager::onChallenge(Path& path, const PathData& data) {
  // Beyond the bound the oldest unanswered goes: an honest peer repeats its challenge (RFC 9000 §8.2.1).
  if (path.responses.size() >= kMaxPathChallengesQueued) {
    for (size_t i = 1; i < path.responses.size(); ++i) path.responses[i - 1] = path.responses[i];
    path.responses[path.responses.size() - 1] = data;
    return;
  }
  path.responses.push_back(data);
}

void QuicPathManager::onResponseWritten(Path& path) {
  path.responses.pop_back();
  ++path.responsesInFlight;
}

void QuicPathManager::onResponseSettled(PathId id) {
  Path* path = find(id);
  if (path != nullptr && path->responsesInFlight > 0) --path->responsesInFlight;
}

Path* QuicPathManager::onResponse(TimePoint now, const PathData& data) {
  for (const auto& path : paths_) {
    if (!path->validation) continue;
    for (const PathValidation::Attempt& attempt : path->validation->attempts) {
      if (attempt.data != data) continue;
      // RFC 9002 §6.2.2: a start for the estimate, and no sample: the answer may have been delayed.
      if (!path->rtt.hasSample()) path->rtt = RttEstimator(std::max(kTimerGranularity, Duration(now - attempt.sentAt)));
      path->isValidated = true;
      if (attempt.isFull) {
        path->validation.reset();
      } else {
        // What is asked next has the path's own estimate to go by, and its full time.
        PathValidation& validation = *path->validation;
        validation.attempts.clear();
        validation.isAddressProved = true;
        validation.nextAttemptAt = now;
        validation.interval = std::min(path->rtt.pto(kDefaultMaxAckDelay), validation.maxInterval);
        validation.giveUpAt += now - validation.beganAt;
      }
      return path.get();
    }
  }
  return nullptr;
}

bool QuicPathManager::isChallengeDue(const Path& path, TimePoint now) {
  return path.validation && path.validation->nextAttemptAt <= now && now < path.validation->giveUpAt;
}

PathData QuicPathManager::makeChallenge(TimePoint now, Path& path, Random& random, size_t size) {
  PathValidation& validation = *path.validation;
  PathValidation::Attempt attempt;
  random.fill(attempt.data);
  attempt.sentAt = now;
  attempt.isFull = size >= kMinUdpPayloadSize;
  if (validation.attempts.size() < kMaxPathChallengesQueued) {
    validation.attempts.push_back(attempt);
  } else {
    validation.attempts[validation.attemptsMade % kMaxPathChallengesQueued] = attempt;
  }
  ++validation.attemptsMade;
  validation.nextAttemptAt = now + validation.interval;
  // The last attempt has its time to be answered too, and whoever begins another validation after it asks no sooner.
  validation.giveUpAt = std::max(validation.giveUpAt, validation.nextAttemptAt);
  validation.interval = std::min(validation.interval * 2, validation.maxInterval);
  return attempt.data;
}

Path* QuicPathManager::nextWithPathFrames(TimePoint now, bool limited) {
  Path* next = nullptr;
  for (const auto& path : paths_) {
    const bool isLimited = limited || path->id == activeId_;
    if (!hasPathFrames(*path, now) || (isLimited && path->amplificationAllowance() < kMinPathFrameDatagram)) continue;
    // By age, beginning after the one that was served last: whoever keeps one path busy does not starve another.
    const bool comesAfter = path->id > servedLast_;
    if (next == nullptr || (comesAfter && next->id <= servedLast_)) next = path.get();
  }
  if (next != nullptr) servedLast_ = next->id;
  return next;
}

std::vector<FailedValidation> QuicPathManager::expire(TimePoint now) {
  std::vector<FailedValidation> failed;
  for (const auto& path : paths_) {
    if (!path->validation || path->validation->giveUpAt > now) continue;
    failed.push_back({path->id, path->validation->isAddressProved});
    path->validation.reset();
  }
  return failed;
}

std::optional<TimePoint> QuicPathManager::nextTimeout(TimePoint now) const {
  std::optional<TimePoint> next;
  for (const auto& path : paths_) {
    if (!path->validation) continue;
    const bool isOverdue = path->validation->nextAttemptAt <= now;
    const TimePoint due =
        isOverdue ? path->validation->giveUpAt : std::min(path->validation->nextAttemptAt, path->validation->giveUpAt);
    if (!next || due < *next) next = due;
  }
  return next;
}

void QuicPathManager::onResumed(Duration frozenFor) {
  for (const auto& old : remembered_) old->lastReceivedAt += frozenFor;
  for (const auto& path : paths_) {
    path->lastReceivedAt += frozenFor;
    if (!path->validation) continue;
    path->validation->giveUpAt += frozenFor;
    for (PathValidation::Attempt& attempt : path->validation->attempts) attempt.sentAt += frozenFor;
  }
}

}  // namespace quic
