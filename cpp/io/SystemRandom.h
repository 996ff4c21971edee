// The kernel's randomness, read 4 KiB at a time. Not for several threads: each worker has its own.
// Invariant: no two processes give the same bytes. The buffer is wiped in a forked child (MADV_WIPEONFORK); after a freeze
// and thaw, when a copy of this process may run elsewhere, call reseed(). Bytes that were given are erased.
#pragma once

#include "quic/common/Random.h"

namespace quic {

class SystemRandom final : public Random {
 public:
  SystemRandom();
  ~SystemRandom() override;
  SystemRandom(const SystemRandom&) = delete;
  SystemRandom& operator=(const SystemRandom&) = delete;

  void fill(MutableByteSpan out) override;
  /// Drops what is buffered: the next byte comes from the kernel.
  void reseed();

 private:
  struct Page;
  Page* page_;
};

}  // namespace quic
