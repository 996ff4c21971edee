// SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein, 2012): a hash whose collisions cannot be chosen without its key. For tables
// whose keys come from peers.
#pragma once

#include <bit>

#include "quic/common/Random.h"

namespace quic {

class KeyedHash {
 public:
  KeyedHash(uint64_t k0, uint64_t k1) : k0_(k0), k1_(k1) {}
  explicit KeyedHash(Random& random) : k0_(random.next64()), k1_(random.next64()) {}

  uint64_t operator()(ByteSpan bytes) const {
    State state{k0_ ^ 0x736f6d6570736575, k1_ ^ 0x646f72616e646f6d, k0_ ^ 0x6c7967656e657261, k1_ ^ 0x7465646279746573};
    const size_t whole = bytes.size() / 8 * 8;
    for (size_t at = 0; at < whole; at += 8) state.absorb(word(bytes.subspan(at, 8)));
    state.absorb(word(bytes.subspan(whole)) | uint64_t{bytes.size()} << 56);
    state.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
  }

 private:
  struct State {
    uint64_t v0, v1, v2, v3;
    void round() {
      v0 += v1, v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0, v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1, v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2, v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
    void absorb(uint64_t message) {
      v3 ^= message;
      round();
      round();
      v0 ^= message;
    }
  };
  /// Little endian, up to 8 bytes.
  static uint64_t word(ByteSpan bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i) value |= uint64_t{bytes[i]} << 8 * i;
    return value;
  }

  uint64_t k0_;
  uint64_t k1_;
};

}  // namespace quic
