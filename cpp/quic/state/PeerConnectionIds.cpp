#include "quic/state/PeerConnectionIds.h"

#include <algorithm>

namespace quic {
namespace {
constexpr auto kType = static_cast<uint64_t>(FrameType::NEW_CONNECTION_ID);

template <class Ids>
auto findSequence(Ids& ids, uint64_t sequence) {
  return std::find_if(ids.begin(), ids.end(), [&](const PeerConnectionId& id) { return id.sequence == sequence; });
}
}  // namespace

void PeerConnectionIds::setFirst(const ConnectionId& id) {
  if (ids_.empty()) ids_.push_back({});
  ids_.front() = {0, id, std::nullopt, true};
  mayHaveNewTokens_ = true;
  seen_.insert(0);
}

void PeerConnectionIds::setFirstToken(const StatelessResetToken& token) {
  const auto first = findSequence(ids_, 0);
  if (first != ids_.end()) first->token = token;
  mayHaveNewTokens_ = true;
}

Result<> PeerConnectionIds::setPreferred(const ConnectionId& id, const StatelessResetToken& token) {
  if (!ids_.empty() && ids_.front().id == id) {
    return fail(TransportErrorCode::TRANSPORT_PARAMETER_ERROR, "preferred_address repeats a connection ID");
  }
  ids_.push_back({1, id, token, false});
  seen_.insert(1);
  return Unit{};
}

Result<> PeerConnectionIds::onNewConnectionId(const NewConnectionIdFrame& frame) {
  const auto first = findSequence(ids_, 0);
  if (first != ids_.end() && first->id.empty()) {  // RFC 9000 §19.15
    return fail(TransportErrorCode::PROTOCOL_VIOLATION, "NEW_CONNECTION_ID from a peer without connection IDs", kType);
  }
  for (const PeerConnectionId& known : ids_) {
    const bool sameSequence = known.sequence == frame.sequence;
    const bool sameToken = !known.token || *known.token == frame.token;
    if (sameSequence && known.id == frame.id && sameToken) return Unit{};
    if (sameSequence || known.id == frame.id) {  // RFC 9000 §19.15
      return fail(TransportErrorCode::PROTOCOL_VIOLATION,
                  "connection ID or sequence number used twice, or with another token", kType);
    }
  }
  if (seen_.contains(frame.sequence)) return Unit{};
  // A peer that leaves gaps makes the memory of numbers grow: it is bounded, and the lowest gap then counts as filled.
  constexpr size_t kMaxSeenRanges = 64;
  mayHaveNewTokens_ = true;
  seen_.insert(frame.sequence);
  if (seen_.size() > kMaxSeenRanges) seen_.insert(seen_.front().end, (seen_.begin() + 1)->start);
  if (frame.retirePriorTo > retirePriorTo_) {
    retirePriorTo_ = frame.retirePriorTo;
    for (size_t i = 0; i < ids_.size();) {
      if (ids_[i].sequence >= retirePriorTo_) {
        ++i;
        continue;
      }
      const Result<> queued = queueRetire(ids_[i].sequence);
      if (!queued) return queued;
      ids_.erase(ids_.begin() + static_cast<ptrdiff_t>(i));
    }
  }
  if (frame.sequence < retirePriorTo_) return queueRetire(frame.sequence);  // RFC 9000 §19.15: retire it at once
  if (ids_.size() >= kAdvertisedActiveConnectionIdLimit) {
    return fail(TransportErrorCode::CONNECTION_ID_LIMIT_ERROR, "more connection IDs than we allow", kType);
  }
  ids_.push_back({frame.sequence, frame.id, frame.token, false});
  return Unit{};
}

Result<> PeerConnectionIds::queueRetire(uint64_t sequence) {
  const auto isIn = [&](const std::vector<uint64_t>& list) {
    return std::find(list.begin(), list.end(), sequence) != list.end();
  };
  if (isIn(pendingRetire_) || isIn(unackedRetire_)) return Unit{};
  if (pendingRetire_.size() + unackedRetire_.size() >= kMaxRetireQueue) {  // RFC 9000 §5.1.2
    return fail(TransportErrorCode::CONNECTION_ID_LIMIT_ERROR, "too many connection IDs to retire", kType);
  }
  pendingRetire_.push_back(sequence);
  return Unit{};
}

std::optional<PeerConnectionId> PeerConnectionIds::takeUnused() {
  for (PeerConnectionId& id : ids_) {
    if (id.inUse && !id.id.empty()) continue;
    id.inUse = true;
    return id;
  }
  return std::nullopt;
}

void PeerConnectionIds::retire(uint64_t sequence) {
  const auto it = findSequence(ids_, sequence);
  if (it == ids_.end() || it->id.empty()) return;
  // The queue bound cannot be hit here: it holds three times what can be active.
  if (queueRetire(sequence)) ids_.erase(it);
  mayHaveNewTokens_ = true;
}

bool PeerConnectionIds::isKnown(uint64_t sequence) const { return findSequence(ids_, sequence) != ids_.end(); }

void PeerConnectionIds::onRetireWritten() {
  unackedRetire_.push_back(pendingRetire_.front());
  pendingRetire_.erase(pendingRetire_.begin());
}

void PeerConnectionIds::onRetireAcked(uint64_t sequence) { std::erase(unackedRetire_, sequence); }

void PeerConnectionIds::onRetireLost(uint64_t sequence) {
  if (std::erase(unackedRetire_, sequence) > 0) pendingRetire_.push_back(sequence);
}

std::optional<ResetTokenChange> PeerConnectionIds::nextTokenChange() {
  if (!mayHaveNewTokens_) return std::nullopt;
  for (size_t i = 0; i < told_.size(); ++i) {
    const StatelessResetToken token = told_[i];
    const auto has = [&](const PeerConnectionId& id) { return id.token == token; };
    if (std::any_of(ids_.begin(), ids_.end(), has)) continue;
    told_.erase(told_.begin() + static_cast<ptrdiff_t>(i));
    return ResetTokenChange{token, false};
  }
  for (const PeerConnectionId& id : ids_) {
    if (!id.token || std::find(told_.begin(), told_.end(), *id.token) != told_.end()) continue;
    told_.push_back(*id.token);
    return ResetTokenChange{*id.token, true};
  }
  mayHaveNewTokens_ = false;
  return std::nullopt;
}

size_t PeerConnectionIds::unused() const {
  return static_cast<size_t>(
      std::count_if(ids_.begin(), ids_.end(), [](const PeerConnectionId& id) { return !id.inUse; }));
}

}  // namespace quic
