// What we let a peer send: a window that slides as the application consumes (RFC 9000 §4.1, §4.2, §4.6). The unit is
// bytes of a stream, bytes of the connection, or streams of a kind. It decides when MAX_* is worth a frame and
// enforces what was announced, not what is about to be. Invariant: consumed() <= received() <= limit().
#pragma once

#include <algorithm>
#include <cstdint>

#include "quic/common/ByteCursor.h"

namespace quic {

class ReceiveCredit {
 public:
  ReceiveCredit() = default;
  /// A new limit is announced when it lies `window / parts` above the old one. `ceiling` bounds what can be announced.
  explicit ReceiveCredit(uint64_t window, uint64_t parts = 2, uint64_t ceiling = kMaxVarint)
      : window_(std::min(window, ceiling)), parts_(parts), ceiling_(ceiling), limit_(window_) {}

  [[nodiscard]] uint64_t window() const { return window_; }
  /// What has to be consumed for an update.
  [[nodiscard]] uint64_t step() const { return std::max<uint64_t>(1, window_ / parts_); }
  [[nodiscard]] uint64_t limit() const { return limit_; }
  [[nodiscard]] uint64_t received() const { return received_; }
  [[nodiscard]] uint64_t consumed() const { return consumed_; }
  [[nodiscard]] bool allows(uint64_t total) const { return total <= limit_; }

  void onReceived(uint64_t total) { received_ = std::max(received_, total); }
  void onConsumed(uint64_t amount) { consumed_ += amount; }

  [[nodiscard]] bool isUpdateDue() const { return lost_ || nextLimit() - limit_ >= step(); }
  /// For the next MAX_* frame.
  [[nodiscard]] uint64_t nextLimit() const { return std::min(consumed_ + window_, ceiling_); }
  /// nextLimit() has been written.
  void onAnnounced() {
    limit_ = nextLimit();
    lost_ = false;
  }
  /// The peer hears of it with the next update.
  void grow(uint64_t window) { window_ = std::max(window_, std::min(window, ceiling_)); }
  /// RFC 9000 §13.3: only the newest limit is worth sending again.
  void onUpdateLost(uint64_t limit) {
    if (limit == limit_) lost_ = true;
  }

 private:
  uint64_t window_ = 0;
  uint64_t parts_ = 2;
  uint64_t ceiling_ = kMaxVarint;
  uint64_t limit_ = 0;
  uint64_t received_ = 0;
  uint64_t consumed_ = 0;
  bool lost_ = false;
};

}  // namespace quic
