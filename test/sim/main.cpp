// Prints one simulation as text, datagram by datagram: quic_sim SCENARIO [--seed N] [--loss P] [--delay MS]
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "sim/Sim.h"
#include "sim/SimTrace.h"

namespace quic::test {
namespace {

struct Arguments {
  std::string_view scenario = "handshake";
  uint64_t seed = 1;
  double loss = 0;
  int delay = 10;
};

bool runExplicit(Sim& sim, SimClient& client) {
  const SocketAddress target = simAddress("10.0.0.2:4433");
  client.requestEvery(10ms, 60);
  if (!sim.runUntil([&] { return client.isConfirmed && client.answered > 5; }, 10s)) return false;
  std::printf("-- the server announces %s\n", target.toString().c_str());
  sim.server->prepare(ServerMigrationProtocol::EXPLICIT, target);
  if (!sim.runUntil([&] { return !sim.server->ready.empty(); }, 10s)) return false;
  std::printf("-- ready: the server moves\n");
  sim.server->moveTo(target, 20ms);
  return sim.runUntil([&] { return client.isDone() || client.closeError; }, 60s) && client.isDone();
}

int run(const Arguments& arguments) {
  SimOptions options{.seed = arguments.seed,
                     .conditions = {.delay = Duration(arguments.delay * 1000), .loss = arguments.loss}};
  options.server.transport.serverMigration = {ServerMigrationProtocol::EXPLICIT};
  Sim sim{options};
  sim.network.onSent = printDatagram;
  TransportSettings settings;
  settings.handshakeTimeout = 0s;  // what takes long is worth looking at
  settings.idleTimeout = 0s;
  const bool isProactive = arguments.scenario == "explicit-proactive";
  const bool moves = isProactive || arguments.scenario == "explicit";
  if (moves) settings.clientMigration.protocols = {ServerMigrationProtocol::EXPLICIT};
  if (isProactive) settings.clientMigration.explicitProbing = ExplicitProbing::Proactive;
  SimClient& client = sim.connect(settings);
  bool done = false;
  if (moves) {
    done = runExplicit(sim, client);
  } else {
    if (arguments.scenario == "transfer") client.transfer(100'000);
    done = sim.runUntil([&] { return (client.isConfirmed && client.isDone()) || client.closeError; }, 60s);
  }
  for (const std::string& event : client.migrationEvents) std::printf("-- the client heard: %s\n", event.c_str());
  if (client.closeError) std::printf("-- the client's connection ended: %s\n", client.closeReason.c_str());
  std::printf("%s, %llu datagrams, event hash %016llx\n", done && client.wrong == 0 ? "done" : "FAILED",
              static_cast<unsigned long long>(sim.network.sent()), static_cast<unsigned long long>(sim.network.hash()));
  return done && client.wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace quic::test

int main(int argc, char** argv) {
  quic::test::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--seed") {
      arguments.seed = std::strtoull(value, nullptr, 10);
    } else if (word == "--loss") {
      arguments.loss = std::strtod(value, nullptr);
    } else if (word == "--delay") {
      arguments.delay = std::atoi(value);
    } else {
      arguments.scenario = word;
      continue;
    }
    ++i;
  }
  return quic::test::run(arguments);
}
