#include "quic/state/StreamTable.h"

#include <algorithm>

namespace quic {

namespace {
constexpr size_t kMaxWarm = 128;  // streams kept for reuse, some hundred bytes each
constexpr size_t kSweepAt = 64;
}  // namespace

Stream* StreamTable::find(StreamId id) const {
  if (last_ != nullptr && lastId_ == id) return last_;
  const Index& index = indexes_[kindOf(id)];
  const size_t position = index.find(id.ordinal());
  if (position == index.entries.size()) return nullptr;
  lastId_ = id;
  last_ = slots_[index.entries[position].slot].get();
  return last_;
}

Stream& StreamTable::create(StreamId id) {
  StreamSlot slot = 0;
  if (!warm_.empty()) {
    slot = warm_.back();
    warm_.pop_back();
  } else if (!cold_.empty()) {
    slot = cold_.back();
    cold_.pop_back();
    slots_[slot] = std::make_unique<Stream>();
  } else {
    slot = static_cast<StreamSlot>(slots_.size());
    slots_.push_back(std::make_unique<Stream>());
  }
  Index& index = indexes_[kindOf(id)];
  index.entries.push_back({id.ordinal(), slot});
  ++index.live;
  ++live_;
  Stream& stream = *slots_[slot];
  stream.id = id;
  stream.slot = slot;
  return stream;
}

void StreamTable::erase(Stream& stream, BlockPool& pool) {
  const StreamSlot slot = stream.slot;
  Index& index = indexes_[kindOf(stream.id)];
  const size_t position = index.find(stream.id.ordinal());
  if (position != index.entries.size()) {
    index.entries[position].slot = kNoStream;
    --index.live;
    --live_;
    index.sweep();
  }
  if (last_ == &stream) last_ = nullptr;
  // Cleared rather than made anew: the vectors inside keep their capacity.
  stream.send.clear();
  stream.receive.clear(pool);
  stream.links = {};
  stream.priority = {};
  stream.turnBytes = 0;
  stream.isCountedUnfinished = stream.isCountedBlocked = false;
  stream.isReadableQueued = stream.isReadableTold = false;
  stream.isWritableQueued = stream.isAboveLowWater = false;
  stream.writtenSinceWritable = 0;
  if (warm_.size() < kMaxWarm) {
    warm_.push_back(slot);
  } else {
    slots_[slot].reset();
    cold_.push_back(slot);
  }
}

size_t StreamTable::Index::find(uint64_t ordinal) const {
  if (head == entries.size() || ordinal < entries[head].ordinal) return entries.size();
  // Ordinals ascend by at least one, so the entry lies at the guess or before it.
  size_t position = head + std::min<uint64_t>(ordinal - entries[head].ordinal, entries.size() - 1 - head);
  if (entries[position].ordinal != ordinal) {
    const auto first = entries.begin() + static_cast<ptrdiff_t>(head);
    const auto last = entries.begin() + static_cast<ptrdiff_t>(position);
    const auto found = std::lower_bound(first, last, ordinal,
                                        [](const Entry& entry, uint64_t value) { return entry.ordinal < value; });
    position = static_cast<size_t>(found - entries.begin());
  }
  const Entry& entry = entries[position];
  return entry.ordinal == ordinal && entry.slot != kNoStream ? position : entries.size();
}

void StreamTable::Index::sweep() {
  while (head < entries.size() && entries[head].slot == kNoStream) ++head;
  if (entries.size() < live * 2 + kSweepAt) return;
  std::erase_if(entries, [](const Entry& entry) { return entry.slot == kNoStream; });
  head = 0;
}

}  // namespace quic
