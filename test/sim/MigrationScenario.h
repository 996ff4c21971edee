// A server with many clients that moves, once or several times, while they do something. A scenario is a value; playing it
// answers with what was not as it must be: bytes lost, doubled or out of place, somebody stuck, events that do not fit.
//
// Cannot see: kernel sockets, threads, a real clock.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/MigrationVariant.h"
#include "sim/Sim.h"

namespace quic::test {

/// What the clients do while the server moves.
enum class SimLoad : uint8_t { Idle, Requests, Upload, Download, BothWays };

struct MigrationScenario {
  uint64_t seed = 1;
  /// One each; none: a client without the extension. The server supports what they all use.
  std::vector<std::optional<MigrationVariant>> clients = {MigrationVariant::ExplicitReactive};
  LinkConditions conditions{};
  std::optional<Duration> firstDelay{};  // one way, to and from the first address; else that of `conditions`
  SimLoad load = SimLoad::Requests;
  uint64_t bytes = 60'000;   // of each stream of an upload or download
  uint64_t requests = 10;    // of each client, for each move
  Duration interval = 20ms;  // between them
  size_t newcomers = 0;      // further clients, of the kinds of the first ones, that begin to connect during each move
  Duration silentFor{0};     // between leaving one address and being at the next
  SimGap gap = SimGap::Offline;
  size_t moves = 1;
  bool returns = false;  // the last move leads to the first address
};

struct MigrationReport {
  std::vector<std::string> complaints;  // empty: all is well
  uint64_t hash = 0;                    // of all datagrams and their times
  uint64_t datagrams = 0;
  Duration took{0};           // virtual time
  Duration worstDowntime{0};  // as clients measured it
  size_t reconnected =
      0;  // connections that were begun again, because the first was refused, left behind or not answered
  size_t leftBehind = 0;  // connections that the server closed before it left
  std::vector<std::string>
      endings;  // of connections that another one followed: "CONNECTION_REFUSED, server migrated: reconnect"
  size_t unfinishedAtMove = 0;  // uploads and downloads under way when the server left, over all moves
};

/// `watch` is called before anything happens.
MigrationReport playMigration(const MigrationScenario& scenario, const SimOptions& base = {},
                              const std::function<void(Sim&)>& watch = {});

/// What to write beside a failure, so that it can be had again.
std::string describe(const MigrationScenario& scenario);

}  // namespace quic::test
