// Handshakes and transfers of 10 MiB over links that lose, reorder, duplicate and corrupt, each over many seeds.
// Every byte that comes back is compared. A transfer of 10 MiB takes a while: without NODE_MVFST_FULL a sample of the seeds
// moves 1 MiB, and 10 MiB once when there are 1,000 seeds. Cannot see: kernel sockets, threads, queues of real routers.
#include <gtest/gtest.h>

#include <ostream>

#include "sim/Sim.h"

namespace quic::test {
namespace {

struct BadLink {
  const char* name;
  LinkConditions conditions;
};
void PrintTo(const BadLink& link, std::ostream* out) { *out << link.name; }

const BadLink kLinks[] = {
    {"Clean", {}},
    {"Loss1", {.loss = 0.01}},
    {"Loss5", {.loss = 0.05}},
    {"Loss20", {.loss = 0.2}},
    {"Reordering", {.jitter = 3ms, .reorder = 0.1}},
    {"Duplication", {.duplicate = 0.2}},
    {"Corruption", {.corrupt = 0.03}},
    {"Loss1AndAll", {.jitter = 3ms, .loss = 0.01, .reorder = 0.05, .duplicate = 0.05, .corrupt = 0.01}},
    {"Loss5AndAll", {.jitter = 3ms, .loss = 0.05, .reorder = 0.05, .duplicate = 0.05, .corrupt = 0.01}},
    {"Loss20AndAll", {.jitter = 3ms, .loss = 0.2, .reorder = 0.05, .duplicate = 0.05, .corrupt = 0.01}},
};

double lossOf(const LinkConditions& link) { return 1 - (1 - link.loss) * (1 - link.corrupt); }

/// Controllers take turns: none of them may lose anything.
TransportSettings settingsFor(uint64_t seed) {
  static constexpr CongestionControlType kTypes[] = {CongestionControlType::Cubic, CongestionControlType::NewReno,
                                                     CongestionControlType::Bbr, CongestionControlType::Copa};
  TransportSettings settings;
  settings.congestionControl = kTypes[seed % std::size(kTypes)];
  // At 20 % loss a doubling timer may well outlast any timeout: what is asked here is that nothing is lost.
  settings.handshakeTimeout = 0s;
  settings.idleTimeout = 0s;
  return settings;
}

class BadLinkSim : public testing::TestWithParam<BadLink> {
 protected:
  void transfer(uint64_t seed, uint64_t size);
};

TEST_P(BadLinkSim, HandshakesComplete) {
  const LinkConditions& link = GetParam().conditions;
  for (const uint64_t seed : simSeeds()) {
    const TransportSettings settings = settingsFor(seed);
    Sim sim{{.seed = seed, .conditions = link, .server = {.transport = settings}, .hasLongChain = seed % 2 == 0}};
    SimClient& client = sim.connect(settings);
    ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed || client.closeError; }, 48h)) << "seed " << seed;
    ASSERT_FALSE(client.closeError) << "seed " << seed << ": " << client.closeReason;
    ASSERT_EQ(sim.server->connections.size(), 1u) << "seed " << seed;
    // Three round trips with a long chain, each of them delayed twice at the most by reordering.
    if (lossOf(link) == 0) {
      ASSERT_LE(sim.clock.now().time_since_epoch(), 1s + 160ms) << "seed " << seed;
    }
  }
}

void BadLinkSim::transfer(uint64_t seed, uint64_t size) {
  const LinkConditions& link = GetParam().conditions;
  const TransportSettings settings = settingsFor(seed);
  Sim sim{{.seed = seed, .conditions = link, .server = {.transport = settings}}};
  SimClient& client = sim.connect(settings);
  client.transfer(size);
  ASSERT_TRUE(sim.runUntil([&] { return client.isDone() || client.closeError; }, 24h));
  ASSERT_FALSE(client.closeError) << client.closeReason;
  ASSERT_EQ(client.wrong, 0u);
  if (lossOf(link) == 0) {  // what is late only is soon not taken for lost
    const ConnectionStats stats = client.connection()->stats();
    EXPECT_LE(stats.packetsLost, link.reorder > 0 ? stats.packetsSent / 10 : 0);
  }
  // Both directions carry it; what is lost is sent again, and again when that is lost too. Headers, acknowledgments, probes
  // and losses that were none may take a fifth more.
  const double needed = 2 * static_cast<double>(size) / (1 - lossOf(link));
  EXPECT_LE(static_cast<double>(sim.network.bytesSent()), needed * 1.2 + 50'000);
}

TEST_P(BadLinkSim, TransfersComeBackWhole) {
  constexpr uint64_t kMebibyte = 1 << 20;
  uint64_t left = isFullSim() ? UINT64_MAX : simSeeds().size() / 1000;  // transfers in full size
  for (const uint64_t seed : simSample()) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    transfer(seed, left > 0 ? 10 * kMebibyte : kMebibyte);
    if (HasFailure()) return;
    if (left > 0) --left;
  }
}

INSTANTIATE_TEST_SUITE_P(Links, BadLinkSim, testing::ValuesIn(kLinks),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace quic::test
