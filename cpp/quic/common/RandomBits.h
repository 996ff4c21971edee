// Single random bits, for what has to be unpredictable and must cost next to nothing: one draw from the source serves 64.
#pragma once

#include <array>

#include "quic/common/Random.h"

namespace quic {

class RandomBits {
 public:
  bool next(Random& random) {
    if (left_ == 0) refill(random);
    const bool bit = (bits_ & 1) != 0;
    bits_ >>= 1;
    --left_;
    return bit;
  }

 private:
  void refill(Random& random) {
    std::array<uint8_t, 8> bytes{};
    random.fill(bytes);
    for (const uint8_t byte : bytes) bits_ = bits_ << 8 | byte;
    left_ = 64;
  }

  uint64_t bits_ = 0;
  int left_ = 0;
};

}  // namespace quic
