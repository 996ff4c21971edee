// How much memory is in use, for tests that promise a bound in bytes. Sanitizers replace the allocator: there it is always 0,
// and such a test then shows only that nothing else goes wrong.
#pragma once

#include <malloc.h>

#include <cstddef>

namespace quic::test {

/// The bytes that were allocated and not freed, by all of the process.
inline size_t heapInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// How much more there is than when it was made; 0 when it is less.
class HeapGrowth {
 public:
  [[nodiscard]] size_t bytes() const {
    const size_t now = heapInUse();
    return now > before_ ? now - before_ : 0;
  }

 private:
  size_t before_ = heapInUse();
};

}  // namespace quic::test
