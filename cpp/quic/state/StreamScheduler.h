// Whose STREAM frame is next (RFC 9000 §2.3; the terms are those of RFC 9218 §4). The more urgent first; of equal urgency
// what was lost first (RFC 9000 §13.3), then streams one after the other in the order of their IDs, then those that take
// turns, kTurnBytes each. It knows who has something to send and nothing of credit or frames.
//
// Choosing costs the same whatever the number of streams; a stream that joins or leaves costs at most its logarithm.
#pragma once

#include <array>
#include <optional>

#include "quic/state/StreamHeap.h"
#include "quic/state/StreamList.h"

namespace quic {

class StreamScheduler {
 public:
  /// About one packet: a stream that got the end of a packet goes on in the next.
  static constexpr uint32_t kTurnBytes = 1024;

  StreamScheduler();

  /// After anything happened to a stream: puts it where it belongs.
  void place(StreamTable& table, Stream& stream);
  void setPriority(StreamTable& table, Stream& stream, const StreamPriority& priority);

  struct Turn {
    StreamSlot slot = kNoStream;
    uint8_t urgency = kDefaultUrgency;
    bool isOwed = false;  // something that was sent before, or a FIN alone: it needs no credit
  };
  /// `hasCredit`: new data may leave.
  [[nodiscard]] std::optional<Turn> next(bool hasCredit) const;
  /// A frame with so many bytes was written, and the stream was placed again.
  void onWritten(StreamTable& table, Stream& stream, uint32_t size);
  /// Whether any stream has new data that its own credit allows.
  [[nodiscard]] bool hasFresh() const { return fresh_ != 0; }

 private:
  using Lists = std::array<StreamList, kUrgencies>;
  void note(size_t urgency);

  Lists owedLists_;
  Lists turnLists_;
  std::array<StreamHeap, kUrgencies> heaps_;
  // A bit for each urgency with somebody waiting.
  uint8_t owed_ = 0;
  uint8_t fresh_ = 0;
};

}  // namespace quic
