#include "cpp/tls/DeterministicRand.h"

#include <openssl/rand.h>

#include <mutex>

// RAND_METHOD is the one hook that every RAND_bytes and RAND_priv_bytes of OpenSSL 3 asks first, whatever the provider.
// It is marked as deprecated in favour of writing a provider.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace quic::test {
namespace {

struct Generator {
  bool active = false;
  uint64_t state = 0;
  uint64_t word = 0;
  uint64_t drawn = 0;

  // splitmix64
  uint64_t next() {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  void fill(unsigned char* out, int size) {
    for (int i = 0; i < size; ++i, ++drawn) {
      if (drawn % 8 == 0) word = next();
      out[i] = static_cast<unsigned char>(word >> drawn % 8 * 8);
    }
  }
};

thread_local Generator generator;

int randomBytes(unsigned char* out, int size) {
  if (!generator.active) return RAND_OpenSSL()->bytes(out, size);
  generator.fill(out, size);
  return 1;
}
int status() { return generator.active ? 1 : RAND_OpenSSL()->status(); }

void installOnce() {
  static const RAND_METHOD kMethod{nullptr, randomBytes, nullptr, nullptr, randomBytes, status};
  static std::once_flag once;
  std::call_once(once, [] { RAND_set_rand_method(&kMethod); });
}

}  // namespace

DeterministicRand::DeterministicRand(uint64_t seed) {
  installOnce();
  generator = {true, seed, 0, 0};
}
DeterministicRand::~DeterministicRand() { generator = {}; }
uint64_t DeterministicRand::drawn() const { return generator.drawn; }

}  // namespace quic::test
