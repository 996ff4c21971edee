// Events of streams in the order in which they happened. A vector and a mark: no allocation in steady state.
//
// It needs no limit of its own, because its writer keeps one by construction: a stream has at most one each of
// StreamOpened, StreamReadable, StreamReset, StreamStopped, StreamWritable, StreamSendComplete and StreamClosed
// waiting, a kind of streams one StreamsAvailable; and a peer cannot replace streams while nobody polls: a stream
// that it opened ends for us only when the application reads to its end, has polled its reset, or stops it. So: 7 *
// (streams open or closed by the application's own doing since it last polled) + 2.
#pragma once

#include <optional>
#include <vector>

#include "quic/state/StreamEvents.h"

namespace quic {

class StreamEventQueue {
 public:
  void push(const StreamEvent& event) { events_.push_back(event); }
  std::optional<StreamEvent> pop() {
    if (head_ == events_.size()) return std::nullopt;
    const StreamEvent event = events_[head_++];
    if (head_ == events_.size()) {
      events_.clear();
      head_ = 0;
    } else if (head_ >= kCompactAt && head_ > events_.size() / 2) {
      events_.erase(events_.begin(), events_.begin() + static_cast<ptrdiff_t>(head_));
      head_ = 0;
    }
    return event;
  }
  [[nodiscard]] size_t size() const { return events_.size() - head_; }

 private:
  static constexpr size_t kCompactAt = 64;

  std::vector<StreamEvent> events_;
  size_t head_ = 0;
};

}  // namespace quic
