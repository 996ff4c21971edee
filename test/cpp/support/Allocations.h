// How often this program has taken memory, for tests that promise to take none. Sanitizers bring an allocator of their own:
// there nothing is counted, and NODE_MVFST_COUNTS_ALLOCATIONS is 0.
#pragma once

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NODE_MVFST_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define NODE_MVFST_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef NODE_MVFST_COUNTS_ALLOCATIONS
#define NODE_MVFST_COUNTS_ALLOCATIONS 1
#endif

namespace quic::test {

#if NODE_MVFST_COUNTS_ALLOCATIONS
/// Calls of operator new on this thread, since it began.
[[nodiscard]] uint64_t allocationCount();
#endif

}  // namespace quic::test
