// Prints one simulation as a sequence diagram, packet by packet: quic_sim SCENARIO [options]. The same seed, the same text.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sim/MigrationScenario.h"
#include "sim/SimDiagram.h"

namespace quic::test {
namespace {

constexpr const char* kHelp =
    R"(Prints a simulated run as a sequence diagram: a line for each packet, when and whence it left, what became of it, and its frames.

  npm run sim -- SCENARIO [options]

A move of the server:
  explicit-reactive     the server says where it goes; its silence makes the client look there (also: explicit)
  explicit-proactive    the client looks there at once, and again when the server falls silent
  explicit-manual       the client looks there when its application says so
  pool                  the client knows candidates, and tries them when the server falls silent
  symmetric             the client follows the packets of the server to wherever they come from
  synchronized          the same, after an announcement (also: synchronized-symmetric)
  mixed                 one client of each kind, and one without the extension
No move:
  handshake             a connection is made
  transfer              and 100,000 bytes go there and back

Options:
  --seed N              of everything that is left to chance (1)
  --loss P              share of datagrams that is lost, each way: 0.03 (0)
  --clients N           how many, of a single kind (1)
  --freeze MS           how long the server stands still between two addresses, milliseconds (20)
  --offline MS          how long it runs without a network instead
  --moves N             moves in a row (1)
  --delay MS            of the network, one way, milliseconds (9)
  --requests N          of each client, 10 ms apart, while the server moves (6)
)";

struct Arguments {
  std::string_view scenario;
  uint64_t seed = 1;
  double loss = 0;
  size_t clients = 1;
  Duration silentFor = 20ms;
  SimGap gap = SimGap::Frozen;
  size_t moves = 1;
  Duration delay = 9ms;
  uint64_t requests = 6;
};

Duration milliseconds(const char* text) { return Duration(static_cast<int64_t>(std::strtod(text, nullptr) * 1000)); }

/// False: there is no such option.
bool setOption(Arguments& arguments, std::string_view name, const char* value) {
  const uint64_t count = std::strtoull(value, nullptr, 10);
  if (name == "--seed") {
    arguments.seed = count;
  } else if (name == "--loss") {
    arguments.loss = std::strtod(value, nullptr);
  } else if (name == "--clients") {
    arguments.clients = std::max<size_t>(1, count);
  } else if (name == "--moves") {
    arguments.moves = std::max<size_t>(1, count);
  } else if (name == "--requests") {
    arguments.requests = count;
  } else if (name == "--delay") {
    arguments.delay = milliseconds(value);
  } else if (name == "--freeze" || name == "--offline") {
    arguments.silentFor = milliseconds(value);
    arguments.gap = name == "--freeze" ? SimGap::Frozen : SimGap::Offline;
  } else {
    return false;
  }
  return true;
}

int finish(const SimDiagram& diagram, const MigrationReport& report) {
  std::fputs(diagram.text().c_str(), stdout);
  for (const std::string& complaint : report.complaints) std::printf("-- %s\n", complaint.c_str());
  std::printf("%s, %llu datagrams, event hash %016llx\n", report.complaints.empty() ? "done" : "FAILED",
              static_cast<unsigned long long>(report.datagrams), static_cast<unsigned long long>(report.hash));
  return report.complaints.empty() ? 0 : 1;
}

int playWithoutMove(const Arguments& arguments) {
  SealedPackets sealed(simCrypto());
  Sim sim{
      {.seed = arguments.seed, .conditions = {.delay = arguments.delay, .loss = arguments.loss}, .crypto = &sealed}};
  SimDiagram diagram(sealed, sim.clock.now());
  diagram.watch(sim.network);
  TransportSettings settings;
  settings.handshakeTimeout = settings.idleTimeout = 0s;  // what takes long is worth looking at
  for (size_t i = 0; i < arguments.clients; ++i) {
    SimClient& client = sim.connect(settings);
    if (arguments.scenario == "transfer") client.transfer(100'000);
  }
  const auto isOver = [&] {
    return std::all_of(sim.clients.begin(), sim.clients.end(), [](const auto& client) {
      return (client->isConfirmed && client->isDone()) || client->closeError;
    });
  };
  MigrationReport report;
  if (!sim.runUntil(isOver, 600s)) report.complaints.emplace_back("it did not come to an end");
  report.hash = sim.network.hash();
  report.datagrams = sim.network.sent();
  return finish(diagram, report);
}

int playMove(const Arguments& arguments, const std::vector<std::optional<MigrationVariant>>& clients) {
  SealedPackets sealed(simCrypto());
  MigrationScenario scenario{.seed = arguments.seed, .clients = clients};
  scenario.conditions = {.delay = arguments.delay, .loss = arguments.loss};
  scenario.silentFor = arguments.silentFor;
  scenario.gap = arguments.gap;
  scenario.moves = arguments.moves;
  scenario.requests = arguments.requests;
  scenario.interval = 10ms;
  std::optional<SimDiagram> diagram;
  SimOptions options;
  options.crypto = &sealed;
  const MigrationReport report = playMigration(scenario, options, [&](Sim& sim) {
    diagram.emplace(sealed, sim.clock.now());
    diagram->watch(sim.network);
  });
  return finish(*diagram, report);
}

int run(const Arguments& arguments) {
  if (arguments.scenario == "handshake" || arguments.scenario == "transfer") return playWithoutMove(arguments);
  if (arguments.scenario == "mixed") return playMove(arguments, mixedFleet());
  const auto variant = variantNamed(arguments.scenario);
  if (variant) return playMove(arguments, {arguments.clients, *variant});
  std::fputs(kHelp, stderr);
  return 2;
}

}  // namespace
}  // namespace quic::test

int main(int argc, char** argv) {
  quic::test::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") {
      std::fputs(quic::test::kHelp, stdout);
      return 0;
    }
    if (!word.starts_with("--")) {
      arguments.scenario = word;
    } else if (i + 1 == argc || !quic::test::setOption(arguments, word, argv[i + 1])) {
      std::fprintf(stderr, "%s: no such option, or no value\n\n%s", argv[i], quic::test::kHelp);
      return 2;
    } else {
      ++i;
    }
  }
  return quic::test::run(arguments);
}
