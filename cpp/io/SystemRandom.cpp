#include "io/SystemRandom.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace quic {
namespace {

constexpr size_t kPageSize = 4096;

void fillFromKernel(MutableByteSpan out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got > 0) out = out.subspan(static_cast<size_t>(got));
    // There is no QUIC without entropy (keys, connection IDs, reset tokens): nothing sensible can follow.
    if (got < 0 && errno != EINTR) std::abort();
  }
}

}  // namespace

// `left` is inside the page on purpose: a page wiped by fork() reads as empty.
struct SystemRandom::Page {
  size_t left;
  uint8_t bytes[kPageSize - sizeof(size_t)];
};

SystemRandom::SystemRandom() {
  void* memory = mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  page_ = static_cast<Page*>(memory);
  madvise(memory, kPageSize, MADV_WIPEONFORK);
}

SystemRandom::~SystemRandom() {
  reseed();
  munmap(page_, kPageSize);
}

void SystemRandom::fill(MutableByteSpan out) {
  if (out.size() > sizeof page_->bytes / 2) return fillFromKernel(out);
  if (page_->left < out.size()) {
    fillFromKernel(page_->bytes);
    page_->left = sizeof page_->bytes;
  }
  uint8_t* end = page_->bytes + page_->left;
  std::copy(end - out.size(), end, out.begin());
  std::memset(end - out.size(), 0, out.size());
  page_->left -= out.size();
}

void SystemRandom::reseed() { explicit_bzero(page_, kPageSize); }

}  // namespace quic
