// The only source of randomness. io/ seeds it from the kernel; tests seed it from a number.
// It is handed by reference to those who need it; there is no global one.
#pragma once

#include <array>

#include "quic/common/Bytes.h"

namespace quic {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableByteSpan out) = 0;

  uint64_t next64() {
    std::array<uint8_t, 8> bytes{};
    fill(bytes);
    uint64_t value = 0;
    for (const uint8_t byte : bytes) value = value << 8 | byte;
    return value;
  }
  /// A number in [0, bound); 0 when bound is 0. The bias of the modulo is below 2^-32 for bounds below 2^32.
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : next64() % bound; }
};

}  // namespace quic
