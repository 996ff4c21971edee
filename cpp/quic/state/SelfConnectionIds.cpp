#include "quic/state/SelfConnectionIds.h"

#include <algorithm>

namespace quic {

SelfConnectionIds::SelfConnectionIds(const GeneratedConnectionId& first) : first_(first), issued_{{0, first}} {}

const GeneratedConnectionId& SelfConnectionIds::issuePreferred(ConnectionIdGenerator& generator) {
  largestSent_ = nextSequence_;
  issued_.push_back({nextSequence_++, generator.make()});
  return issued_.back().generated;
}

std::vector<ConnectionId> SelfConnectionIds::replenish(ConnectionIdGenerator& generator) {
  std::vector<ConnectionId> fresh;
  while (issued_.size() < limit_) {
    issued_.push_back({nextSequence_, generator.make()});
    pending_.push_back(nextSequence_++);
    fresh.push_back(issued_.back().generated.id);
  }
  return fresh;
}

Result<ConnectionId> SelfConnectionIds::onRetire(uint64_t sequence, const ConnectionId& packetDestination) {
  constexpr auto kType = static_cast<uint64_t>(FrameType::RETIRE_CONNECTION_ID);
  if (sequence > largestSent_) {  // RFC 9000 §19.16
    return fail(TransportErrorCode::PROTOCOL_VIOLATION, "retires a connection ID that was never sent", kType);
  }
  const auto it = std::find_if(issued_.begin(), issued_.end(), [&](const Issued& i) { return i.sequence == sequence; });
  if (it == issued_.end()) return ConnectionId();
  const ConnectionId id = it->generated.id;
  if (id == packetDestination) {  // RFC 9000 §19.16
    return fail(TransportErrorCode::PROTOCOL_VIOLATION, "retires the connection ID of its own packet", kType);
  }
  issued_.erase(it);
  std::erase(pending_, sequence);
  return id;
}

std::optional<NewConnectionIdFrame> SelfConnectionIds::nextFrame() const {
  if (pending_.empty()) return std::nullopt;
  const auto it =
      std::find_if(issued_.begin(), issued_.end(), [&](const Issued& i) { return i.sequence == pending_.front(); });
  return NewConnectionIdFrame{it->sequence, 0, it->generated.id, it->generated.token};
}

void SelfConnectionIds::onFrameWritten() {
  largestSent_ = std::max(largestSent_, pending_.front());
  pending_.erase(pending_.begin());
}

void SelfConnectionIds::onLost(uint64_t sequence) {
  const bool isWanted = std::any_of(issued_.begin(), issued_.end(),
                                    [&](const Issued& i) { return i.sequence == sequence && !i.isKnownToPeer; });
  const bool isPending = std::find(pending_.begin(), pending_.end(), sequence) != pending_.end();
  if (isWanted && !isPending) pending_.push_back(sequence);
}

void SelfConnectionIds::onAcked(uint64_t sequence) {
  std::erase(pending_, sequence);
  for (Issued& issued : issued_) issued.isKnownToPeer |= issued.sequence == sequence;
}

std::vector<ConnectionId> SelfConnectionIds::active() const {
  std::vector<ConnectionId> ids;
  for (const Issued& issued : issued_) ids.push_back(issued.generated.id);
  return ids;
}

}  // namespace quic
