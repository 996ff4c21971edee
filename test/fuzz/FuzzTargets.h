// What is fuzzed. A target takes any bytes and must come back: no crash, no sanitizer's report, no broken invariant (which it
// ends by abort), in bounded steps. libFuzzer drives the targets (scripts/fuzz.mjs), and the unit tests replay their corpora.
#pragma once

#include <span>
#include <string_view>

#include "quic/common/Bytes.h"

namespace quic::test {

struct FuzzTarget {
  std::string_view name;
  void (*run)(ByteSpan input);
};

std::span<const FuzzTarget> fuzzTargets();
/// nullptr: no target of that name.
const FuzzTarget* findFuzzTarget(std::string_view name);

/// Invariants of targets hold in every build.
void require(bool holds, const char* what);

// ---- one each
void fuzzPacketHeaders(ByteSpan input);
void fuzzFrames(ByteSpan input);
void fuzzTransportParameters(ByteSpan input);
/// A whole connection, either role, in front of it a peer that seals whatever frames the input says.
void fuzzConnection(ByteSpan input);

}  // namespace quic::test
