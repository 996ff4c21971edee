// Which packet numbers are left out. A peer that acknowledges what it has not received, so that we send faster than its
// network bears, cannot know them; whoever acknowledges one is found out (RFC 9000 §21.4). It decides numbers only: that
// a skipped one was acknowledged is noticed by loss/LossRecovery.
// The distance from one to the next is random, so that no number in between is safe to guess.
#pragma once

#include "quic/common/Ids.h"
#include "quic/common/Random.h"

namespace quic {

class PacketNumberSkipper {
 public:
  /// The first one comes early, while the window is still worth inflating.
  static constexpr uint64_t kLongestFirst = 64;
  static constexpr uint64_t kShortest = 64;
  static constexpr uint64_t kLongest = 1024;

  /// The number of the packet after `used`.
  PacketNum after(PacketNum used, Random& random) {
    if (skipAt_ == 0) skipAt_ = used + 2 + random.below(kLongestFirst);
    if (used + 1 < skipAt_) return used + 1;
    skipAt_ = used + 2 + kShortest + random.below(kLongest - kShortest);
    return used + 2;
  }

 private:
  PacketNum skipAt_ = 0;  // 0: not yet chosen
};

}  // namespace quic
