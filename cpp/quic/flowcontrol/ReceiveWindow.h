// Credit for bytes, of a stream or of the connection, whose window grows with its reader (RFC 9000 §4.2 leaves the policy to
// us). A window that was read through within two round trips holds the sender up: it doubles, up to the most that the
// application allows. Only reading counts: what nobody reads, or what was dropped, never makes it larger, so a peer alone
// cannot. It never shrinks.
#pragma once

#include <optional>

#include "quic/common/QuicClock.h"
#include "quic/flowcontrol/ReceiveCredit.h"

namespace quic {

/// What tuning goes by.
struct FlowClock {
  TimePoint now{};
  Duration rtt{0};  // smoothed; 0: not known, and nothing is tuned
};

class ReceiveWindow {
 public:
  /// A reader within a process is not quicker than its event loop, however short the path.
  static constexpr Duration kLeastRtt = 5ms;

  ReceiveWindow() = default;
  ReceiveWindow(uint64_t initial, uint64_t most) : most_(most), credit_(std::min(initial, most)) {}

  [[nodiscard]] uint64_t window() const { return credit_.window(); }
  [[nodiscard]] uint64_t limit() const { return credit_.limit(); }
  [[nodiscard]] uint64_t received() const { return credit_.received(); }
  [[nodiscard]] uint64_t consumed() const { return credit_.consumed(); }
  [[nodiscard]] bool allows(uint64_t total) const { return credit_.allows(total); }

  void onReceived(uint64_t total) { credit_.onReceived(total); }
  void onRead(uint64_t amount) {
    credit_.onConsumed(amount);
    read_ += amount;
  }
  /// Given back unread.
  void onDropped(uint64_t amount) { credit_.onConsumed(amount); }

  [[nodiscard]] bool isUpdateDue() const { return credit_.isUpdateDue(); }
  /// An update is about to be written. Returns whether the window grew.
  bool tune(const FlowClock& clock) {
    if (clock.rtt == Duration{0} || read_ < credit_.step()) return false;
    const bool isQuick = since_ && clock.now - *since_ < 2 * std::max(clock.rtt, kLeastRtt);
    since_ = clock.now;
    read_ = 0;
    return isQuick && growTo(2 * window());
  }
  /// Returns whether that is more than before.
  bool growTo(uint64_t window) {
    const uint64_t before = credit_.window();
    if (window > before) credit_.grow(std::min(window, std::max(most_, before)));
    return credit_.window() > before;
  }
  [[nodiscard]] uint64_t nextLimit() const { return credit_.nextLimit(); }
  void onAnnounced() { credit_.onAnnounced(); }
  void onUpdateLost(uint64_t limit) { credit_.onUpdateLost(limit); }

 private:
  uint64_t most_ = 0;
  ReceiveCredit credit_;
  uint64_t read_ = 0;               // since then
  std::optional<TimePoint> since_;  // the last update that reading brought about
};

}  // namespace quic
