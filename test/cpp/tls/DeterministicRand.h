// Makes OpenSSL's randomness a function of a seed: the same seed, the same calls, the same bytes on the wire.
// For tests and simulation only. The generator is the thread's; threads that never seed get their randomness from OpenSSL.
//
// Hold one for the length of a simulation. RSA and ECDSA keys and signatures become deterministic too. Not covered: the
// time that OpenSSL reads itself (validity of certificates; for session tickets see DeterministicTime).
#pragma once

#include <cstdint>

namespace quic::test {

class DeterministicRand {
 public:
  explicit DeterministicRand(uint64_t seed);
  ~DeterministicRand();
  DeterministicRand(const DeterministicRand&) = delete;
  DeterministicRand& operator=(const DeterministicRand&) = delete;

  /// How many bytes this thread has drawn since the seed.
  [[nodiscard]] uint64_t drawn() const;
};

}  // namespace quic::test
