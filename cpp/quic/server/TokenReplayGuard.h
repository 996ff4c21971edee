// Which NEW_TOKEN tokens were used (RFC 9000 §8.1.4: they SHOULD NOT be accepted multiple times). Within one guard no token is
// ever accepted twice: two generations of at most kMaxUsed marks of 8 bytes are kept, and when the older one is dropped, so is
// the right to use any token issued before that generation ended. An old token that is refused for it costs its client one
// round trip. Each worker has a guard of its own, which begins empty: a token can be used once per worker and per process that
// has the key, and its use is worth no more than one handshake's bytes to the address that it was issued to.
#pragma once

#include <unordered_set>

#include "quic/common/QuicClock.h"

namespace quic {

class TokenReplayGuard {
 public:
  static constexpr size_t kMaxUsed = 1 << 16;

  /// `mark`: 8 bytes of the salt, which we drew ourselves, so that nobody can choose marks that collide.
  [[nodiscard]] bool mayUse(uint64_t mark, Duration issuedAt) const {
    return issuedAt >= refusedBefore_ && !current_.contains(mark) && !previous_.contains(mark);
  }
  void onUsed(uint64_t mark, Duration wallNow, size_t limit = kMaxUsed) {
    if (current_.size() >= limit) {
      if (!previous_.empty()) refusedBefore_ = currentSince_;
      previous_ = std::move(current_);
      current_.clear();
      currentSince_ = wallNow;
    }
    current_.insert(mark);
  }
  [[nodiscard]] size_t size() const { return current_.size() + previous_.size(); }

 private:
  std::unordered_set<uint64_t> current_;
  std::unordered_set<uint64_t> previous_;
  Duration currentSince_ = Duration::min();
  Duration refusedBefore_ = Duration::min();
};

}  // namespace quic
