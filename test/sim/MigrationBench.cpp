#include "sim/MigrationBench.h"

#include <algorithm>

#include "sim/Sim.h"

namespace quic::test {
namespace {

constexpr uint64_t kRequestSize = 1024;
constexpr int kRequestsBefore = 10;
constexpr Duration kGap = 5s;
constexpr Duration kDrain = 2s;
constexpr Duration kLongest = 120s;  // then it counts as failed

const SocketAddress kFirst = simAddress("10.0.0.1:4433");
const SocketAddress kNext = simAddress("10.0.0.100:4433");

LinkConditions pathOf(Duration rtt, uint64_t bytesPerSecond, double loss) {
  return {.delay = rtt / 2, .jitter = 200us, .bytesPerSecond = bytesPerSecond, .loss = loss};
}

/// Where nobody answers, nor tells so: of `count` candidates, the server's place among them by chance.
std::vector<SocketAddress> decoys(size_t count, SimRandom& dice) {
  const size_t before = dice.below(count + 1);
  std::vector<SocketAddress> all;
  for (size_t i = 0; i < count; ++i) {
    all.push_back(simAddress("10.0.0." + std::to_string(i < before ? 50 + i : 150 + i) + ":4433"));
  }
  return all;
}

class Bench {
 public:
  Bench(const MigrationBenchCase& what, uint64_t seed)
      : what_(what), dice_(seed * 7 + 5), decoys_(decoys(what.poolSize - 1, dice_)), sim_(options(seed)) {
    // The rates of the published experiment's two paths: 13 and 100 Mb/s.
    if (what.variant) sim_.network.conditionsNear[kFirst] = pathOf(what.rttBefore, 1'625'000, what.loss);
    sim_.network.drop = [this](const SimDatagram& datagram) {
      isOpen_ |= datagram.to == kNext;
      if (what_.isFiltered && datagram.from == kNext && !isOpen_) return true;
      return std::find(decoys_.begin(), decoys_.end(), datagram.to) != decoys_.end();
    };
  }

  MigrationBenchSample measure() {
    TransportSettings settings;
    settings.idleTimeout = 60s;
    settings.handshakeTimeout = 0s;
    if (what_.variant) settings.clientMigration = clientMigrationOf(*what_.variant);
    client_ = &sim_.connect(settings);
    for (int i = 0; i < kRequestsBefore; ++i) {
      if (i > 0) sim_.runFor(kGap);
      if (!ask()) return failed("before the move");
    }
    sim_.runFor(kDrain);
    if (what_.variant && !move()) return failed("when the move was prepared");
    sim_.runFor(kGap - kDrain + chanceOf(1s));
    if (!ask()) return failed("after the move");
    return {client_->lastLatency, {}};
  }

 private:
  SimOptions options(uint64_t seed) const {
    SimOptions options{.seed = seed, .conditions = pathOf(what_.rttAfter, 12'500'000, what_.loss)};
    TransportSettings& transport = options.server.transport;
    transport.idleTimeout = 60s;
    transport.handshakeTimeout = 0s;
    if (!what_.variant) return options;
    transport.serverMigration = {protocolOf(*what_.variant)};
    transport.migrationPool.push_back(QuicIPAddress::from(kNext));
    for (const SocketAddress& decoy : decoys_) transport.migrationPool.push_back(QuicIPAddress::from(decoy));
    return options;
  }

  Duration chanceOf(Duration most) { return Duration(static_cast<int64_t>(dice_.below(most.count()))); }

  bool ask() {
    client_->request(kRequestSize);
    return sim_.runUntil([this] { return client_->isDone() || client_->closeError; }, kLongest) && client_->isDone() &&
           client_->wrong == 0;
  }

  bool move() {
    SimServer& server = *sim_.server;
    server.prepareEach(kNext);
    if (!sim_.runUntil([&] { return server.ready.size() == 1; }, kLongest)) return false;
    const Duration frozen = 1400ms + chanceOf(200ms);
    server.moveTo(kNext, frozen, SimGap::Frozen);
    sim_.runFor(frozen);
    return true;
  }

  MigrationBenchSample failed(const std::string& when) const {
    return {std::nullopt, when + (client_->closeError ? ": " + client_->closeReason : ": no answer")};
  }

  const MigrationBenchCase& what_;
  SimRandom dice_;
  std::vector<SocketAddress> decoys_;
  Sim sim_;
  SimClient* client_ = nullptr;
  bool isOpen_ = false;  // the client's NAT, for what comes from the second address
};

}  // namespace

MigrationBenchSample measureFirstRequest(const MigrationBenchCase& what, uint64_t seed) {
  return Bench(what, seed).measure();
}

}  // namespace quic::test
