// Assumes: what is sent goes from clients to a server that swallows it; acknowledgments come back unhindered. Goodput counts
// bytes that the server's application has read.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sim/Sim.h"

namespace quic::test {
namespace {

constexpr size_t kDatagram = 1200;
constexpr double kPayload = kDatagram - 1 - 8 - 2 - 16 - 7;  // without short header, tag and the head of a STREAM frame
constexpr double kMegabit = 125'000;                         // bytes a second

/// Each plays a minute of traffic or more.
std::vector<uint64_t> flowSeeds() {
  std::vector<uint64_t> seeds = simSeeds();
  if (!isFullSim()) seeds.resize(std::min<size_t>(seeds.size(), 1));
  return seeds;
}

TransportSettings settingsOf(CongestionControlType type) {
  TransportSettings settings;
  settings.congestionControl = type;
  settings.datagramSize = kDatagram;
  settings.pathMtuDiscovery = false;  // so that models can count in datagrams of one size
  settings.idleTimeout = 0s;
  settings.handshakeTimeout = 0s;
  return settings;
}

double toSeconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// Uploads side by side through one bottleneck.
class Uploads {
 public:
  Uploads(CongestionControlType type, uint64_t seed, const LinkConditions& conditions)
      : sim{{.seed = seed, .conditions = conditions, .server = {.transport = settingsOf(type)}}},
        settings_(settingsOf(type)) {
    sim.network.bottleneckOf = [this](const SimDatagram& datagram) {
      return datagram.to == sim.server->address() ? std::optional<uint64_t>(0) : std::nullopt;
    };
  }
  void begin(uint64_t bytes) {
    SimClient& client = sim.connect(settings_);
    ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed || client.closeError; }, 60s));
    client.upload(bytes);
  }
  /// Bytes of each upload that arrive within `length`.
  std::vector<double> measure(Duration length) {
    const auto before = arrived();
    sim.runFor(length);
    auto counts = arrived();
    for (size_t i = 0; i < counts.size(); ++i) counts[i] -= before[i];
    return counts;
  }
  [[nodiscard]] ConnectionStats stats() { return sim.clients.front()->connection()->stats(); }
  Sim sim;

 private:
  std::vector<double> arrived() {
    std::vector<double> counts;
    for (const auto& client : sim.clients) {
      counts.push_back(static_cast<double>(sim.server->swallowed[client->address()]));
    }
    return counts;
  }
  TransportSettings settings_;
};

// ---------------------------------------------------------------- goodput under random loss

constexpr double kLoss = 0.01;

/// What a controller's own model says, in datagrams a second, when a part `p` of them is lost.
using Model = double (*)(double p, const LinkConditions& link);

double roundTripOf(const LinkConditions& link) { return toSeconds(2 * link.delay); }

/// RFC 5348 §3.1, with b = 1 and t_RTO = 4 R.
double renoResponse(double p, const LinkConditions& link) {
  const double timeouts = 4 * (3 * std::sqrt(3 * p / 8) * p * (1 + 32 * p * p));
  return 1 / (roundTripOf(link) * (std::sqrt(2 * p / 3) + timeouts));
}
/// RFC 9438 §5.1: the average window of the cubic function with C = 0.4 and beta = 0.7, in datagrams; §4.3: where Reno would
/// be faster, that is what the controller follows.
double cubicResponse(double p, const LinkConditions& link) {
  const double roundTrip = roundTripOf(link);
  return std::max(1.054 * std::pow(roundTrip / p, 0.75) / roundTrip, renoResponse(p, link));
}
/// draft-cardwell-iccrg-bbr-congestion-control-02 §3.1: losses below 2 % do not slow it down, so what arrives is what leaves
/// at the bottleneck's rate less what is lost. Copa's target (NSDI 2018 §2.1) does not know losses at all.
double bandwidthMinusLoss(double p, const LinkConditions& link) {
  return static_cast<double>(link.bytesPerSecond) / kDatagram * (1 - p);
}

/// The models know the losses that there were, not the chance of them: a run of some thousand datagrams has a tenth more or
/// less, which would say nothing of the controller.
void expectGoodput(CongestionControlType type, const LinkConditions& link, Model model, Duration length) {
  for (const uint64_t seed : flowSeeds()) {
    Uploads uploads(type, seed, link);
    uploads.begin(static_cast<uint64_t>(4 * toSeconds(length) * model(kLoss, link) * kDatagram));
    uploads.sim.runFor(link.delay * 40);
    const ConnectionStats before = uploads.stats();
    const double arrived = uploads.measure(length).front();
    const ConnectionStats after = uploads.stats();
    const double lost = static_cast<double>(after.packetsLost - before.packetsLost) /
                        static_cast<double>(after.packetsSent - before.packetsSent);
    ASSERT_GT(lost, kLoss / 2) << "seed " << seed;
    EXPECT_GE(arrived / (toSeconds(length) * model(lost, link) * kPayload), 0.85) << "seed " << seed;
  }
}

constexpr LinkConditions kNear{.delay = 25ms, .loss = kLoss};
constexpr LinkConditions kFar{.delay = 200ms, .loss = kLoss};
constexpr LinkConditions kNarrow{.delay = 25ms, .bytesPerSecond = 625'000, .queueBytes = 62'500, .loss = kLoss};

TEST(CongestionControlSim, NewRenoReachesItsResponseFunctionAtOnePercentLoss) {
  expectGoodput(CongestionControlType::NewReno, kNear, renoResponse, 40s);
}

TEST(CongestionControlSim, CubicReachesItsResponseFunctionAtOnePercentLoss) {
  expectGoodput(CongestionControlType::Cubic, kNear, cubicResponse, 20s);
  // So far that the cubic function itself is the faster one.
  ASSERT_GT(cubicResponse(kLoss, kFar), 1.2 * renoResponse(kLoss, kFar));
  expectGoodput(CongestionControlType::Cubic, kFar, cubicResponse, 200s);
}

TEST(CongestionControlSim, BbrUsesTheBandwidthAtOnePercentLoss) {
  expectGoodput(CongestionControlType::Bbr, kNarrow, bandwidthMinusLoss, 15s);
}

TEST(CongestionControlSim, CopaUsesTheBandwidthAtOnePercentLoss) {
  expectGoodput(CongestionControlType::Copa, kNarrow, bandwidthMinusLoss, 15s);
}

// ---------------------------------------------------------------- two of a kind

struct Shared {
  LinkConditions link;
  Duration apart;       // the second begins so much later
  Duration settlement;  // before they are measured
  Duration length;
};

void expectEvenShares(CongestionControlType type, const Shared& shared) {
  for (const uint64_t seed : flowSeeds()) {
    Uploads uploads(type, seed, shared.link);
    const Duration whole = shared.apart + shared.settlement + shared.length;
    const auto plenty = static_cast<uint64_t>(2 * toSeconds(whole) * static_cast<double>(shared.link.bytesPerSecond));
    uploads.begin(plenty);
    uploads.sim.runFor(shared.apart);
    uploads.begin(plenty);
    uploads.sim.runFor(shared.settlement);
    const auto arrived = uploads.measure(shared.length);
    const double share = arrived[0] / (arrived[0] + arrived[1]);
    EXPECT_GE(share, 0.45) << "seed " << seed;
    EXPECT_LE(share, 0.55) << "seed " << seed;
    const double used = (arrived[0] + arrived[1]) * kDatagram / kPayload / toSeconds(shared.length);
    EXPECT_GE(used / static_cast<double>(shared.link.bytesPerSecond), 0.9) << "seed " << seed;
  }
}

// Short saw teeth: those who halve their window need some hundred of them until their luck evens out.
constexpr Shared kOfSawTeeth{
    {.delay = 20ms, .jitter = 1ms, .bytesPerSecond = 125'000, .queueBytes = 8'000}, 3s, 10s, 80s};
// Many cycles of looking for bandwidth, and for the round trip without a queue. BBR draws when it looks: it too needs more of them
// until the luck evens out.
constexpr LinkConditions kSharedByModels{.delay = 20ms, .jitter = 1ms, .bytesPerSecond = 250'000, .queueBytes = 20'000};
constexpr Shared kOfBbr{kSharedByModels, 3s, 10s, 100s};
constexpr Shared kOfCopa{kSharedByModels, 3s, 10s, 40s};

TEST(CongestionControlSim, TwoNewRenosShareABottleneck) {
  expectEvenShares(CongestionControlType::NewReno, kOfSawTeeth);
}

TEST(CongestionControlSim, TwoCubicsShareABottleneck) { expectEvenShares(CongestionControlType::Cubic, kOfSawTeeth); }

TEST(CongestionControlSim, TwoBbrsShareABottleneck) { expectEvenShares(CongestionControlType::Bbr, kOfBbr); }

TEST(CongestionControlSim, TwoCopasShareABottleneck) { expectEvenShares(CongestionControlType::Copa, kOfCopa); }

}  // namespace
}  // namespace quic::test
