// QUIC_BUG: our own invariant is broken. Aborts in tests and simulation; in a shipped build it is counted and the
// caller goes on to close the one connection with INTERNAL_ERROR, so that the Node process survives.
// Never for something a peer can cause.
#pragma once

#include <cstdint>

namespace quic {

/// Called once per broken invariant. Returns true so that it can stand in a condition.
bool reportBug(const char* what, const char* file, int line);
/// How many were reported in this process.
uint64_t bugCount();

}  // namespace quic

/// True when the invariant is broken: `if (QUIC_BUG(size > limit, "why")) return error;`
#define QUIC_BUG(condition, what) ((condition) && ::quic::reportBug((what), __FILE__, __LINE__))
