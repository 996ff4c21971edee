// Streams that are served one after the other, in the order of their IDs: a binary heap of slots. Each stream knows its place,
// so that joining and leaving cost the logarithm of how many wait, and an idle stream is never looked at.
#pragma once

#include <vector>

#include "quic/state/StreamTable.h"

namespace quic {

class StreamHeap {
 public:
  [[nodiscard]] bool empty() const { return slots_.empty(); }
  /// The lowest ID. Not of an empty one.
  [[nodiscard]] StreamSlot front() const { return slots_.front(); }
  /// In the heap or not, as `wanted`.
  void set(StreamTable& table, Stream& stream, bool wanted);

 private:
  void put(StreamTable& table, size_t place, StreamSlot slot);
  void rise(StreamTable& table, size_t place);
  void sink(StreamTable& table, size_t place);
  [[nodiscard]] bool isBefore(StreamTable& table, size_t left, size_t right) const;
  void swap(StreamTable& table, size_t left, size_t right);

  std::vector<StreamSlot> slots_;
};

}  // namespace quic
