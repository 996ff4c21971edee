// libFuzzer's door; FUZZ_TARGET is set by the build, one program for each target.
#include "fuzz/FuzzTargets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const quic::test::FuzzTarget* target = quic::test::findFuzzTarget(FUZZ_TARGET);
  quic::test::require(target != nullptr, "no target " FUZZ_TARGET);
  target->run({data, size});
  return 0;
}
