// The least value of the last while. It keeps a few candidates only: values that are smaller than all that came after them.
// When a long rise leaves more of them than there is room for, the latest stands for those it replaces, so that the answer
// may be too high for a moment and never too low.
#pragma once

#include <array>
#include <cstddef>

#include "quic/common/QuicClock.h"

namespace quic {

class WindowedMin {
 public:
  /// The least of `value` and what was added within `window` before `now`. Time does not go back.
  Duration add(TimePoint now, Duration value, Duration window) {
    while (count_ > 0 && at(count_ - 1).value >= value) --count_;
    if (count_ == kCandidates) --count_;
    at(count_++) = {now, value};
    while (at(0).when + window < now) {
      first_ = (first_ + 1) % kCandidates;
      --count_;
    }
    return at(0).value;
  }

 private:
  static constexpr size_t kCandidates = 16;
  struct Candidate {
    TimePoint when{};
    Duration value{0};
  };
  Candidate& at(size_t index) { return candidates_[(first_ + index) % kCandidates]; }

  std::array<Candidate, kCandidates> candidates_{};  // a ring, ascending in time and in value
  size_t first_ = 0;
  size_t count_ = 0;
};

}  // namespace quic
