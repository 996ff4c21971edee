// Streams that wait for their turn: first in, first out, each at most once. The links live in the streams, as slot
// numbers, so that joining and leaving cost nothing and ten thousand idle streams are never looked at.
#pragma once

#include "quic/state/StreamTable.h"

namespace quic {

class StreamList {
 public:
  explicit StreamList(StreamListKind kind) : kind_(static_cast<size_t>(kind)) {}

  [[nodiscard]] bool empty() const { return first_ == kNoStream; }
  [[nodiscard]] StreamSlot front() const { return first_; }

  /// In the list or not, as `wanted`; a stream that is in keeps its place.
  void set(StreamTable& table, Stream& stream, bool wanted) {
    if (wanted == stream.links[kind_].isLinked) return;
    if (wanted) {
      pushBack(table, stream);
    } else {
      remove(table, stream);
    }
  }
  /// After its turn.
  void moveToBack(StreamTable& table, Stream& stream) {
    if (!stream.links[kind_].isLinked || last_ == stream.slot) return;
    remove(table, stream);
    pushBack(table, stream);
  }

 private:
  void pushBack(StreamTable& table, Stream& stream) {
    stream.links[kind_] = {last_, kNoStream, true};
    (last_ == kNoStream ? first_ : table.at(last_).links[kind_].next) = stream.slot;
    last_ = stream.slot;
  }
  void remove(StreamTable& table, Stream& stream) {
    const StreamLink link = stream.links[kind_];
    (link.previous == kNoStream ? first_ : table.at(link.previous).links[kind_].next) = link.next;
    (link.next == kNoStream ? last_ : table.at(link.next).links[kind_].previous) = link.previous;
    stream.links[kind_] = {};
  }

  size_t kind_;
  StreamSlot first_ = kNoStream;
  StreamSlot last_ = kNoStream;
};

}  // namespace quic
