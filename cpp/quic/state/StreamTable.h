// The streams that exist: found by id, named inside the manager by slot. It holds them and no rule about them.
//
// Streams of one kind are opened in order, so an index of a kind is a sorted vector: the first guess nearly always
// hits, the worst case is a binary search, and no choice of ids by a peer makes it slow, as it could a hash table.
// What is removed leaves a mark behind, swept when marks outnumber streams. A stream's address is stable while it
// lives.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "quic/common/Ids.h"
#include "quic/state/ReceiveStream.h"
#include "quic/state/SendStream.h"
#include "quic/state/StreamPriority.h"

namespace quic {

using StreamSlot = uint32_t;
inline constexpr StreamSlot kNoStream = UINT32_MAX;

struct StreamLink {
  StreamSlot previous = kNoStream;
  StreamSlot next = kNoStream;
  bool isLinked = false;
};
enum class StreamListKind : uint8_t { Owed, Turns, Control };
inline constexpr size_t kStreamLists = 3;

inline constexpr uint32_t kNotInHeap = UINT32_MAX;

struct Stream {
  StreamId id;
  StreamSlot slot = kNoStream;
  SendStream send;
  ReceiveStream receive;
  std::array<StreamLink, kStreamLists> links;
  StreamPriority priority;
  uint32_t heapPlace = kNotInHeap;  // see StreamHeap
  uint32_t turnBytes = 0;           // sent in its present turn
  bool isHeldBack = false;          // nothing of it may be sent now, whatever its own credit is
  bool isCountedUnfinished = false;
  bool isCountedBlocked = false;
  bool isReadableQueued = false;  // StreamReadable waits in the queue
  bool isReadableTold = false;    // it was polled, and the application has not read since
  bool isWritableQueued = false;
  bool isAboveLowWater = false;       // StreamWritable is owed once less is buffered
  uint64_t writtenSinceWritable = 0;  // a full mark of it makes StreamWritable owed, however quickly it left
};

class StreamTable {
 public:
  /// Null when there is no such stream now.
  [[nodiscard]] Stream* find(StreamId id) const;
  [[nodiscard]] Stream& at(StreamSlot slot) { return *slots_[slot]; }
  /// Later than every other stream of its kind.
  Stream& create(StreamId id);
  /// The stream must be in no list and in no heap.
  void erase(Stream& stream, BlockPool& pool);
  [[nodiscard]] size_t size() const { return live_; }

  /// In the order of kinds, then of opening. `visit` creates and erases nothing.
  template <class Visitor>
  void forEach(Visitor&& visit) {
    for (const Index& index : indexes_) {
      for (size_t i = index.head; i < index.entries.size(); ++i) {
        if (index.entries[i].slot != kNoStream) visit(at(index.entries[i].slot));
      }
    }
  }

 private:
  struct Entry {
    uint64_t ordinal = 0;
    StreamSlot slot = kNoStream;  // none: a mark of what was removed
  };
  struct Index {
    std::vector<Entry> entries;  // ascending; those before head are gone
    size_t head = 0;
    size_t live = 0;
    /// Where the living entry is; entries.size() when there is none.
    [[nodiscard]] size_t find(uint64_t ordinal) const;
    void sweep();
  };

  static size_t kindOf(StreamId id) { return static_cast<size_t>(id.value & 3); }

  std::array<Index, 4> indexes_;
  std::vector<std::unique_ptr<Stream>> slots_;  // null: free and without memory
  std::vector<StreamSlot> cold_;                // free slots without memory
  std::vector<StreamSlot> warm_;                // free slots whose memory waits for the next stream
  size_t live_ = 0;
  mutable StreamId lastId_;
  mutable Stream* last_ = nullptr;  // of lastId_: frames of one stream come in rows
};

}  // namespace quic
