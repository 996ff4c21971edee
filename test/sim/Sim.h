// One simulation: a clock, a network, a server and its clients, all of it from a seed.
#pragma once

#include <memory>

#include "cpp/tls/DeterministicRand.h"
#include "cpp/tls/DeterministicTime.h"
#include "sim/SimClient.h"
#include "sim/SimServer.h"

namespace quic::test {

/// Seeds of this run: NODE_MVFST_SEED is the first (default 1), NODE_MVFST_SEEDS how many (default 20).
std::vector<uint64_t> simSeeds();
/// NODE_MVFST_FULL: what takes long is done for every seed and in its full size, instead of for a sample and smaller.
bool isFullSim();
/// One seed of simSeeds() in fifty, but two at least: for what takes long. All of them in a full run.
std::vector<uint64_t> simSample();

struct SimOptions {
  uint64_t seed = 1;
  LinkConditions conditions{};
  ServerEndpointSettings server{};
  std::string serverAddress = "10.0.0.1:4433";
  bool hasLongChain =
      false;  // of certificates: 6 KB, more than a server may send to an address that has proved nothing
  const CryptoFactory* crypto = nullptr;  // instead of simCrypto(), by which it must do the same
};

/// What protects packets in every simulation.
const CryptoFactory& simCrypto();

/// Retried: the server asks for another ClientHello, because the first has no key share that it takes (RFC 8446 §4.1.4).
enum class SimHello : uint8_t { Plain, Retried };

class Sim {
 public:
  explicit Sim(const SimOptions& options);

  /// A client of its own address; it begins to connect at once.
  SimClient& connect(const TransportSettings& settings = {});
  /// From the host of `before`, on another port.
  SimClient& connectAgain(const SimClient& before, const TransportSettings& settings, SimHello hello = SimHello::Plain);
  /// The process dies with all its connections, and another one begins at its address.
  void restartServer(const ServerEndpointSettings& settings);
  /// Until `done`, but for `limit` at the most. False: time is up, or nothing is left to happen.
  template <class Predicate>
  bool runUntil(Predicate done, Duration limit) {
    const TimePoint end = clock.now() + limit;
    while (!done()) {
      if (!clock.step(end)) return false;
    }
    return true;
  }
  void runFor(Duration time) {
    clock.after(time, [] {});  // the time passes even when nothing happens in it
    (void)runUntil([] { return false; }, time);
  }

 private:
  SimWorld world();
  SimClient& connectFrom(const SocketAddress& address, const TransportSettings& settings, SimHello hello);

  DeterministicRand tlsRandom_;
  DeterministicTime tlsTime_;  // it stands still
  const TlsServerContext& serverTls_;

 public:
  SimClock clock;
  SimRandom random;  // of hosts
  SimRandom chance;  // of the network
  SimNetwork network;

 private:
  const CryptoFactory& crypto_;

 public:
  std::unique_ptr<SimServer> server;
  std::vector<std::unique_ptr<SimClient>> clients;
};

SocketAddress simAddress(std::string_view text);

}  // namespace quic::test
