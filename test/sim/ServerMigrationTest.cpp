// Assumes: every client's application asks for something after each move. Scenarios are drawn from the seed: one variant, one
// number of clients, and what happens to them. Every byte, request and event is accounted for (MigrationScenario.h).
// Cannot see: kernel sockets, threads, the real clock.
#include <gtest/gtest.h>

#include <tuple>

#include "sim/MigrationScenario.h"

namespace quic::test {
namespace {

constexpr double kLosses[] = {0, 0.03, 0.2};
constexpr Duration kSilences[] = {0ms, 0ms, 30ms, 200ms, 1500ms, 5s, 60s};
constexpr SimLoad kLoads[] = {SimLoad::Idle, SimLoad::Requests, SimLoad::Upload, SimLoad::Download, SimLoad::BothWays};

template <class T, size_t N>
T oneOf(SimRandom& dice, const T (&all)[N]) {
  return all[dice.below(N)];
}

MigrationScenario draw(uint64_t seed, MigrationVariant variant, size_t clients, double loss) {
  SimRandom dice(seed * 31 + clients);
  MigrationScenario scenario{.seed = seed};
  scenario.clients.assign(clients, variant);
  scenario.load = oneOf(dice, kLoads);
  scenario.conditions = {.delay = 10ms, .bytesPerSecond = 300'000, .queueBytes = 60'000, .loss = loss};
  if (dice.below(2) == 0) scenario.conditions.reorder = 0.05;
  if (dice.below(4) == 0) scenario.conditions.duplicate = 0.05;
  // What left the first address may arrive long after what comes from the second one.
  if (dice.below(3) == 0) scenario.firstDelay = 60ms;
  scenario.silentFor = oneOf(dice, kSilences);
  scenario.gap = dice.below(2) == 0 ? SimGap::Offline : SimGap::Frozen;
  scenario.moves = 1 + dice.below(3);
  scenario.returns = scenario.moves > 1 && dice.below(2) == 0;
  scenario.newcomers = dice.below(3) == 0 ? 1 + clients / 10 : 0;
  scenario.bytes = clients > 10 ? 20'000 : 60'000;
  return scenario;
}

/// The hundred take as long as a hundred others, so that they have fewer seeds, unless all are asked for.
std::vector<uint64_t> seedsFor(size_t clients, size_t variant) {
  const std::vector<uint64_t> all = simSeeds();
  if (isFullSim()) return all;
  const size_t every = clients == 1 ? std::size(kMigrationVariants) : clients == 10 ? 100 : 1000;
  std::vector<uint64_t> seeds;
  for (size_t i = variant % std::min(every, all.size()); i < all.size(); i += every) seeds.push_back(all[i]);
  return seeds;
}

void expectAllWell(const MigrationScenario& scenario) {
  const MigrationReport report = playMigration(scenario);
  for (size_t i = 0; i < std::min<size_t>(report.complaints.size(), 5); ++i) {
    ADD_FAILURE() << describe(scenario) << ": " << report.complaints[i];
  }
}

class ServerMigrationSim : public testing::TestWithParam<std::tuple<MigrationVariant, size_t>> {};

// P8, P9. covers SM-70
TEST_P(ServerMigrationSim, LosesNothingAndNobodyWhateverHappensUnderway) {
  const auto [variant, clients] = GetParam();
  for (const uint64_t seed : seedsFor(clients, static_cast<size_t>(variant))) {
    const size_t one = seed / std::size(kMigrationVariants) % std::size(kLosses);
    for (size_t i = 0; i < std::size(kLosses); ++i) {
      if (!isFullSim() && i != one) continue;
      expectAllWell(draw(seed, variant, clients, kLosses[i]));
      if (HasFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, ServerMigrationSim,
                         testing::Combine(testing::ValuesIn(kMigrationVariants), testing::Values(1, 10, 100)),
                         [](const auto& info) {
                           std::string name(nameOf(std::get<0>(info.param)));
                           std::erase(name, '-');
                           return name + std::to_string(std::get<1>(info.param));
                         });

class EachVariantSim : public testing::TestWithParam<MigrationVariant> {
 protected:
  /// A quiet network, so that what happens can be told exactly.
  static MigrationScenario calm(uint64_t seed) {
    MigrationScenario scenario{.seed = seed, .clients = {GetParam()}};
    scenario.conditions = {.delay = 9ms};
    return scenario;
  }
};

TEST_P(EachVariantSim, SameSeedSameTrace) {
  MigrationScenario scenario = draw(11, GetParam(), 3, 0.1);
  const MigrationReport first = playMigration(scenario);
  EXPECT_EQ(first.hash, playMigration(scenario).hash);
  scenario.seed = 12;
  EXPECT_NE(first.hash, playMigration(scenario).hash);
}

TEST_P(EachVariantSim, FollowsInTheMiddleOfTransfersBothWays) {
  for (const SimLoad load : {SimLoad::Upload, SimLoad::Download, SimLoad::BothWays}) {
    MigrationScenario scenario = calm(2);
    scenario.conditions.bytesPerSecond = 300'000;
    scenario.load = load;
    const MigrationReport report = playMigration(scenario);
    EXPECT_TRUE(report.complaints.empty()) << report.complaints[0];
    EXPECT_EQ(report.unfinishedAtMove, 1u) << "the server left too late";
  }
}

TEST_P(EachVariantSim, FollowsThreeTimesAndBackToTheFirstAddress) {
  MigrationScenario scenario = calm(3);
  scenario.moves = 3;
  scenario.returns = true;
  const MigrationReport report = playMigration(scenario);
  EXPECT_TRUE(report.complaints.empty()) << report.complaints[0];
}

TEST_P(EachVariantSim, FollowsAfterAMinuteOffTheNetworkAndAfterAMinuteFrozen) {
  for (const SimGap gap : {SimGap::Offline, SimGap::Frozen}) {
    MigrationScenario scenario = calm(4);
    scenario.silentFor = 60s;
    scenario.gap = gap;
    const MigrationReport report = playMigration(scenario);
    EXPECT_TRUE(report.complaints.empty()) << report.complaints[0];
  }
}

TEST_P(EachVariantSim, FollowsWhenThePacketsOfTheOldAddressArriveLast) {
  MigrationScenario scenario = calm(5);
  scenario.firstDelay = 100ms;
  scenario.load = SimLoad::BothWays;
  const MigrationReport report = playMigration(scenario);
  EXPECT_TRUE(report.complaints.empty()) << report.complaints[0];
}

// A client that is told to come back does, and one whose handshake the move has cut through too.
TEST_P(EachVariantSim, ServesNewcomersAfterTheMoveAtTheLatest) {
  MigrationScenario scenario = calm(6);
  scenario.newcomers = 2;
  scenario.silentFor = 300ms;
  const MigrationReport report = playMigration(scenario);
  EXPECT_TRUE(report.complaints.empty()) << report.complaints[0];
  EXPECT_GE(report.reconnected, 2u) << "those that came during the preparation were not refused";
}

INSTANTIATE_TEST_SUITE_P(Variants, EachVariantSim,
                         testing::Values(MigrationVariant::ExplicitReactive, MigrationVariant::ExplicitProactive,
                                         MigrationVariant::Pool, MigrationVariant::Symmetric,
                                         MigrationVariant::Synchronized, MigrationVariant::ExplicitManual),
                         [](const auto& info) {
                           std::string name(nameOf(info.param));
                           std::erase(name, '-');
                           return name;
                         });

/// Each probe of the new path is a packet that asks for an answer: a timer that began anew with each would never run out.
TEST(PathBesideSim, ProbesOfItDoNotKeepWhatIsLostOnTheOtherFromBeingSentAgain) {
  SimOptions options{.seed = 8, .conditions = {.delay = 10ms}};
  options.server.transport.serverMigration = {ServerMigrationProtocol::EXPLICIT};
  Sim sim{options};
  TransportSettings settings;
  settings.clientMigration = clientMigrationOf(MigrationVariant::ExplicitProactive);
  SimClient& client = sim.connect(settings);
  ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed; }, 5s));
  sim.server->prepareEach(simAddress("10.0.0.2:4433"));
  ASSERT_TRUE(sim.runUntil([&] { return sim.server->ready.size() == 1; }, 5s));
  // For longer than the first few timeouts nothing reaches the old address; the server stays there.
  const TimePoint until = sim.clock.now() + 1s;
  sim.network.drop = [&](const SimDatagram& datagram) {
    return datagram.to == sim.server->address() && sim.clock.now() < until;
  };
  client.request();
  sim.runFor(1s);
  EXPECT_TRUE(sim.runUntil([&] { return client.isDone(); }, 2s));
  EXPECT_FALSE(client.closeError);
}

/// covers SM-27: the probes of a client that looks for its server from early on lie far apart by the time it arrives.
TEST(PathBesideSim, IsAskedAtOnceWhenTheServerSpeaksFromThere) {
  MigrationScenario scenario{.seed = 9, .clients = {MigrationVariant::ExplicitProactive}};
  scenario.conditions = {.delay = 10ms};
  scenario.firstDelay = 60ms;
  scenario.load = SimLoad::Idle;
  scenario.silentFor = 1500ms;
  TimePoint arrivedAt{};
  std::optional<Duration> until;
  const MigrationReport report = playMigration(scenario, {}, [&](Sim& sim) {
    sim.network.onNote = [&](TimePoint now, const SocketAddress&, const std::string& what) {
      if (what.starts_with("is at")) arrivedAt = now;
      if (what == "heard: completed") until = now - arrivedAt;
    };
  });
  EXPECT_TRUE(report.complaints.empty()) << report.complaints[0];
  ASSERT_TRUE(until.has_value());
  EXPECT_LE(*until, 31ms) << "a packet from there, the question, the answer";
}

// ---- a mixed fleet

TEST(MixedFleetSim, EachFollowsInItsOwnWayAndWhoCannotConnectsAgain) {
  MigrationScenario scenario{.seed = 1, .clients = mixedFleet()};
  scenario.silentFor = 100ms;
  const MigrationReport report = playMigration(scenario);
  EXPECT_TRUE(report.complaints.empty()) << report.complaints[0];
  EXPECT_EQ(report.leftBehind, 1u);
  // It is answered until the server leaves, and told then what to do.
  EXPECT_EQ(report.endings, std::vector<std::string>{"CONNECTION_REFUSED, server migrated: reconnect"});
}

TEST(MixedFleetSim, LosesNothingAndNobodyWhateverHappensUnderway) {
  for (const uint64_t seed : simSample()) {
    MigrationScenario scenario = draw(seed, MigrationVariant::Pool, 1, kLosses[seed % std::size(kLosses)]);
    scenario.clients = mixedFleet();
    expectAllWell(scenario);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace quic::test
