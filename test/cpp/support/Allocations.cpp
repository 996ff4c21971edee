#include "cpp/support/Allocations.h"

#if NODE_MVFST_COUNTS_ALLOCATIONS

#include <cstdlib>
#include <new>

namespace {
thread_local uint64_t allocations = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace quic::test {

uint64_t allocationCount() { return allocations; }

}  // namespace quic::test

#endif
