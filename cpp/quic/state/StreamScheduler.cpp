#include "quic/state/StreamScheduler.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace quic {
namespace {

template <size_t... I>
std::array<StreamList, sizeof...(I)> listsOf(StreamListKind kind, std::index_sequence<I...>) {
  return {{(static_cast<void>(I), StreamList(kind))...}};
}

void setBit(uint8_t& bits, size_t place, bool value) {
  const auto bit = static_cast<uint8_t>(1u << place);
  bits = static_cast<uint8_t>(value ? bits | bit : bits & ~bit);
}

}  // namespace

StreamScheduler::StreamScheduler()
    : owedLists_(listsOf(StreamListKind::Owed, std::make_index_sequence<kUrgencies>())),
      turnLists_(listsOf(StreamListKind::Turns, std::make_index_sequence<kUrgencies>())) {}

void StreamScheduler::place(StreamTable& table, Stream& stream) {
  const size_t urgency = stream.priority.urgency;
  const bool hasFresh = !stream.isHeldBack && stream.send.hasFresh();
  owedLists_[urgency].set(table, stream, !stream.isHeldBack && stream.send.hasOwed());
  turnLists_[urgency].set(table, stream, hasFresh && stream.priority.incremental);
  heaps_[urgency].set(table, stream, hasFresh && !stream.priority.incremental);
  if (!hasFresh) stream.turnBytes = 0;
  note(urgency);
}

void StreamScheduler::setPriority(StreamTable& table, Stream& stream, const StreamPriority& priority) {
  if (stream.priority == priority) return;
  const size_t before = stream.priority.urgency;
  owedLists_[before].set(table, stream, false);
  turnLists_[before].set(table, stream, false);
  heaps_[before].set(table, stream, false);
  note(before);
  stream.priority = priority;
  stream.turnBytes = 0;
  place(table, stream);
}

std::optional<StreamScheduler::Turn> StreamScheduler::next(bool hasCredit) const {
  const auto waiting = static_cast<uint8_t>(owed_ | (hasCredit ? fresh_ : 0));
  if (waiting == 0) return std::nullopt;
  const auto urgency = static_cast<uint8_t>(std::countr_zero(waiting));
  if ((owed_ >> urgency & 1) != 0) return Turn{owedLists_[urgency].front(), urgency, true};
  const bool isSequential = !heaps_[urgency].empty();
  return Turn{isSequential ? heaps_[urgency].front() : turnLists_[urgency].front(), urgency, false};
}

void StreamScheduler::onWritten(StreamTable& table, Stream& stream, uint32_t size) {
  if (!stream.priority.incremental) return;
  stream.turnBytes += size;
  if (stream.turnBytes < kTurnBytes) return;
  // What it took too much counts in its next turn, which it has in any case.
  stream.turnBytes = std::min(stream.turnBytes - kTurnBytes, kTurnBytes - 1);
  owedLists_[stream.priority.urgency].moveToBack(table, stream);
  turnLists_[stream.priority.urgency].moveToBack(table, stream);
}

void StreamScheduler::note(size_t urgency) {
  setBit(owed_, urgency, !owedLists_[urgency].empty());
  setBit(fresh_, urgency, !turnLists_[urgency].empty() || !heaps_[urgency].empty());
}

}  // namespace quic
