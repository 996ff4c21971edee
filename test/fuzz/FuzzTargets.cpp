#include "fuzz/FuzzTargets.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace quic::test {
namespace {

constexpr std::array kTargets = {
    FuzzTarget{"packet-headers", fuzzPacketHeaders},
    FuzzTarget{"frames", fuzzFrames},
    FuzzTarget{"transport-parameters", fuzzTransportParameters},
    FuzzTarget{"connection", fuzzConnection},
};

}  // namespace

std::span<const FuzzTarget> fuzzTargets() { return kTargets; }

const FuzzTarget* findFuzzTarget(std::string_view name) {
  for (const FuzzTarget& target : kTargets) {
    if (target.name == name) return &target;
  }
  return nullptr;
}

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz target: %s\n", what);
  std::abort();
}

}  // namespace quic::test
