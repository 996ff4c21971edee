#include "quic/state/StreamHeap.h"

namespace quic {

void StreamHeap::set(StreamTable& table, Stream& stream, bool wanted) {
  if (wanted == (stream.heapPlace != kNotInHeap)) return;
  if (wanted) {
    slots_.push_back(stream.slot);
    put(table, slots_.size() - 1, stream.slot);
    rise(table, slots_.size() - 1);
    return;
  }
  const size_t place = stream.heapPlace;
  stream.heapPlace = kNotInHeap;
  const StreamSlot last = slots_.back();
  slots_.pop_back();
  if (place == slots_.size()) return;
  put(table, place, last);
  rise(table, place);
  sink(table, table.at(last).heapPlace);
}

void StreamHeap::put(StreamTable& table, size_t place, StreamSlot slot) {
  slots_[place] = slot;
  table.at(slot).heapPlace = static_cast<uint32_t>(place);
}

bool StreamHeap::isBefore(StreamTable& table, size_t left, size_t right) const {
  return table.at(slots_[left]).id < table.at(slots_[right]).id;
}

void StreamHeap::swap(StreamTable& table, size_t left, size_t right) {
  const StreamSlot moved = slots_[left];
  put(table, left, slots_[right]);
  put(table, right, moved);
}

void StreamHeap::rise(StreamTable& table, size_t place) {
  for (; place > 0 && isBefore(table, place, (place - 1) / 2); place = (place - 1) / 2) {
    swap(table, place, (place - 1) / 2);
  }
}

void StreamHeap::sink(StreamTable& table, size_t place) {
  while (true) {
    size_t first = place;
    for (const size_t child : {2 * place + 1, 2 * place + 2}) {
      if (child < slots_.size() && isBefore(table, child, first)) first = child;
    }
    if (first == place) return;
    swap(table, place, first);
    place = first;
  }
}

}  // namespace quic
