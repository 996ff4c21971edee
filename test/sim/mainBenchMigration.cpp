// Prints samples of the first request after a move, as JSON: quic_bench_migration FIRST_SEED COUNT LOSS RTT_BEFORE_MS.
// scripts/bench-migration.mjs runs it and makes a table of them.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sim/MigrationBench.h"

namespace quic::test {
namespace {

struct NamedCase {
  std::string name;
  std::optional<MigrationVariant> variant;
  size_t poolSize = 1;
  bool isFiltered = false;
};

const std::vector<NamedCase>& allCases() {
  using enum MigrationVariant;
  static const std::vector<NamedCase> all = {
      {"no migration", std::nullopt},
      {"explicit-proactive", ExplicitProactive},
      {"explicit-reactive", ExplicitReactive},
      {"pool-1", Pool, 1},
      {"pool-2", Pool, 2},
      {"pool-3", Pool, 3},
      {"symmetric", Symmetric},
      {"synchronized", Synchronized},
      // The symmetric kinds need a way in.
      {"explicit-proactive behind a NAT", ExplicitProactive, 1, true},
      {"explicit-reactive behind a NAT", ExplicitReactive, 1, true},
      {"pool-1 behind a NAT", Pool, 1, true},
      {"pool-2 behind a NAT", Pool, 2, true},
      {"pool-3 behind a NAT", Pool, 3, true},
  };
  return all;
}

void measure(const NamedCase& named, uint64_t first, uint64_t count, const MigrationBenchCase& base) {
  MigrationBenchCase what = base;
  what.variant = named.variant;
  what.poolSize = named.poolSize;
  what.isFiltered = named.isFiltered;
  std::string failures;
  std::printf("{\"name\":\"%s\",\"ms\":[", named.name.c_str());
  bool isFirst = true;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const MigrationBenchSample sample = measureFirstRequest(what, seed);
    if (sample.service) {
      std::printf("%s%.3f", isFirst ? "" : ",", static_cast<double>(sample.service->count()) / 1000);
      isFirst = false;
    } else {
      failures += (failures.empty() ? "" : ",") + ("\"seed " + std::to_string(seed) + " " + sample.failure + "\"");
    }
  }
  std::printf("],\"failures\":[%s]}\n", failures.c_str());
  std::fflush(stdout);
}

}  // namespace
}  // namespace quic::test

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("quic_bench_migration FIRST_SEED COUNT LOSS RTT_BEFORE_MS\n", stderr);
    return 2;
  }
  quic::test::MigrationBenchCase base;
  base.loss = std::strtod(argv[3], nullptr);
  base.rttBefore = quic::Duration(static_cast<int64_t>(std::strtod(argv[4], nullptr) * 1000));
  for (const auto& named : quic::test::allCases()) {
    quic::test::measure(named, std::strtoull(argv[1], nullptr, 10), std::strtoull(argv[2], nullptr, 10), base);
  }
}
