#include "quic/common/Bug.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace quic {
namespace {
std::atomic<uint64_t> bugs{0};
}

bool reportBug(const char* what, const char* file, int line) {
  bugs.fetch_add(1, std::memory_order_relaxed);
#ifdef QUIC_ABORT_ON_BUG
  std::fprintf(stderr, "QUIC_BUG %s:%d: %s\n", file, line, what);
  std::abort();
#else
  (void)what;
  (void)file;
  (void)line;
  return true;
#endif
}

uint64_t bugCount() { return bugs.load(std::memory_order_relaxed); }

}  // namespace quic
