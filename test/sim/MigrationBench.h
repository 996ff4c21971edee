// How long the first request after a move of its server takes: one connection, requests of 1 KB five seconds apart, as in the
// published experiment that scripts/bench-migration.mjs compares with. The server is frozen for about a second and a half
// between two requests. One call, one sample; its seed decides what chance decides.
#pragma once

#include <optional>
#include <string>

#include "sim/MigrationVariant.h"

namespace quic::test {

struct MigrationBenchCase {
  std::optional<MigrationVariant> variant{};  // none: the server stays, on the path that others move to
  size_t poolSize = 1;                        // Pool of Addresses: candidates, the server is at one of them
  double loss = 0;                            // each way
  Duration rttBefore = 18ms;
  Duration rttAfter = 18ms;
  bool isFiltered = false;  // the client's NAT lets nothing in from an address before something went out to it
};

struct MigrationBenchSample {
  std::optional<Duration> service;  // from the request to the end of its answer; none: it failed
  std::string failure;
};

MigrationBenchSample measureFirstRequest(const MigrationBenchCase& what, uint64_t seed);

}  // namespace quic::test
