// A server whose certificates are larger than what it may send to an address that has proved nothing: RFC 9000 §8.1.
// Assumes: one client, losses that the test itself decides, so that it knows what has arrived.
#include <gtest/gtest.h>

#include "quic/codec/QuicPacketHeaders.h"
#include "sim/Sim.h"

namespace quic::test {
namespace {

bool hasHandshakePacket(const SimDatagram& datagram) {
  ByteVector copy = datagram.bytes;
  MutableByteSpan rest = copy;
  while (!rest.empty()) {
    const auto packet = nextPacket(rest, 8);
    if (!packet) return false;
    if (packet->type == PacketType::Handshake) return true;
  }
  return false;
}

/// Between client and server, as long as the client's address is not validated.
struct Scales {
  uint64_t arrived = 0;  // of the client, on its way at least
  uint64_t sent = 0;     // by the server
  uint64_t worst = 0;    // bytes beyond the limit
  uint64_t waits = 0;    // datagrams of the client that found a server at its limit
  bool isValidated = false;

  void onClient(const SimDatagram& datagram) {
    if (isValidated) return;
    if (sent + kMinInitialDatagramSize > 3 * arrived && arrived > 0) ++waits;
    arrived += datagram.bytes.size();
    isValidated = hasHandshakePacket(datagram);
  }
  void onServer(const SimDatagram& datagram) {
    if (isValidated) return;
    sent += datagram.bytes.size();
    worst = std::max(worst, sent > 3 * arrived ? sent - 3 * arrived : 0);
  }
};

struct Outcome {
  Scales scales;
  Duration took{0};
};

/// `isLost` decides on the client's datagrams by their number, and on the server's by chance.
template <class IsLost>
void handshake(uint64_t seed, double loss, IsLost isLost, Outcome& outcome) {
  TransportSettings settings;
  settings.handshakeTimeout = 0s;
  settings.idleTimeout = 0s;
  Sim sim{{.seed = seed, .conditions = {.delay = 10ms}, .server = {.transport = settings}, .hasLongChain = true}};
  SimRandom chance(seed);
  uint64_t ofClient = 0;
  sim.network.drop = [&](const SimDatagram& datagram) {
    const bool isToServer = datagram.to == sim.server->address();
    if (!isToServer) outcome.scales.onServer(datagram);
    if (chance.chance(loss) || (isToServer && isLost(ofClient++))) return true;
    if (isToServer) outcome.scales.onClient(datagram);
    return false;
  };
  const TimePoint start = sim.clock.now();
  SimClient& client = sim.connect(settings);
  client.transfer(10'000);
  ASSERT_TRUE(sim.runUntil([&] { return (client.isDone() && client.isConfirmed) || client.closeError; }, 48h));
  ASSERT_FALSE(client.closeError) << client.closeReason;
  EXPECT_EQ(outcome.scales.worst, 0u) << "bytes more than three times what came";
  outcome.took = sim.clock.now() - start;
}

// covers RFC 9000 §8.1, RFC 9002 §6.2.2.1
TEST(AmplificationLimitSim, AClientThatAcknowledgesLetsTheServerGoOn) {
  Outcome outcome;
  ASSERT_NO_FATAL_FAILURE(handshake(1, 0, [](uint64_t) { return false; }, outcome));
  EXPECT_GE(outcome.scales.waits, 1u) << "or the chain of certificates was too short for this test";
  EXPECT_LE(outcome.took, 150ms) << "no timer had to run out";
}

// covers RFC 9000 §8.1, RFC 9002 §6.2.2.1: the client asks again, so that nobody waits for the other for ever
TEST(AmplificationLimitSim, AHandshakeOutlivesTheLossOfTheClientsFurtherDatagrams) {
  for (const uint64_t lost : {1u, 2u, 3u, 6u}) {
    SCOPED_TRACE(lost);
    Outcome outcome;
    ASSERT_NO_FATAL_FAILURE(handshake(2, 0, [&](uint64_t n) { return n >= 1 && n <= lost; }, outcome));
    EXPECT_LE(outcome.took, 20s);
  }
}

// covers RFC 9000 §8.1, RFC 9002 §6.2.2.1
TEST(AmplificationLimitSim, HoldsAndNeverDeadlocksAtAnyLoss) {
  constexpr double kLosses[] = {0.01, 0.05, 0.2, 0.4};
  for (const uint64_t seed : simSeeds()) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Outcome outcome;
    handshake(seed, kLosses[seed % std::size(kLosses)], [](uint64_t) { return false; }, outcome);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace quic::test
