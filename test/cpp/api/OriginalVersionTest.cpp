// Which version of QUIC a client begins in, and how that goes together with a session of an earlier connection: RFC 9368 §1.2,
// RFC 9369 §5. What becomes of it is VersionNegotiationTest's.
#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"
#include "quic/handshake/Resumption.h"

namespace quic::test {
namespace {

constexpr uint32_t kReserved = 0x1a2a3a4a;
using Versions = std::vector<uint32_t>;
const Versions kOneFirst = {kQuicVersion1, kQuicVersion2};
const Versions kTwoFirst = {kQuicVersion2, kQuicVersion1};

uint32_t versionOf(ByteSpan datagram) {
  const auto header = parseInvariantHeader(datagram, 8);
  return header ? header->version : 0;
}

/// What the server says of itself in a session that it has not issued.
ByteVector sessionOf(uint32_t version) {
  return encodeResumption({version, "fake", rememberedParameters(TransportParameters{}), fromHex("aabbcc")});
}

struct Attempt {
  Versions clients;
  uint32_t original = 0;
  uint32_t session = 0;  // its version; 0: none
  Versions servers = kOneFirst;
};

struct Outcome {
  uint32_t began = 0;
  uint32_t spoken = 0;
  bool isResumed = false;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << std::hex << outcome.began << " " << outcome.spoken << (outcome.isResumed ? " resumed" : "");
}

Outcome outcomeOf(const Attempt& attempt) {
  ServerEndpointSettings server;
  server.transport.versions = attempt.servers;
  EndpointPair pair(server);
  pair.handshakes.options.acceptsAnyTicket = true;
  TransportSettings client;
  client.versions = attempt.clients;
  client.originalVersion = attempt.original;
  client.earlyData = attempt.session != 0;
  if (attempt.session != 0) client.resumption = sessionOf(attempt.session);
  pair.connect(client);
  pair.exchange();
  pair.advance(200ms);
  Outcome outcome;
  if (!pair.carried.empty()) outcome.began = versionOf(pair.carried.front().bytes);
  if (pair.client.find(1) == nullptr || !pair.client.find(1)->isHandshakeConfirmed()) return outcome;
  outcome.spoken = pair.client.find(1)->version();
  for (const EndpointEvent& event : pair.clientEvents) {
    const auto* finished = std::get_if<HandshakeFinished>(&event.event);
    if (finished == nullptr) continue;
    outcome.isResumed = finished->isResumed;
    EXPECT_EQ(finished->earlyData == EarlyDataOutcome::Accepted, finished->isResumed);
  }
  return outcome;
}

// covers RFC 9368 §1.2, §2.3: the original version may be another than the one that is preferred
TEST(OriginalVersion, IsTheFirstOrTheOneThatIsAskedFor) {
  constexpr uint32_t k1 = kQuicVersion1;
  constexpr uint32_t k2 = kQuicVersion2;
  EXPECT_EQ(outcomeOf({kTwoFirst}), (Outcome{k2, k1}));
  EXPECT_EQ(outcomeOf({kTwoFirst, k1}), (Outcome{k1, k1}));
  EXPECT_EQ(outcomeOf({kTwoFirst, k1, 0, kTwoFirst}), (Outcome{k1, k2})) << "changed to within the handshake";
  EXPECT_EQ(outcomeOf({kTwoFirst, k1, 0, {k1}}), (Outcome{k1, k1}));
  EXPECT_EQ(outcomeOf({kTwoFirst, k1, 0, {k2}}), (Outcome{k1, k2})) << "begun again in";
  EXPECT_EQ(outcomeOf({{k2}, k1}), (Outcome{k2, k2})) << "only one that is offered";
  EXPECT_EQ(outcomeOf({{k1, kReserved}, kReserved}), (Outcome{kReserved, k1}));
  EXPECT_EQ(outcomeOf({{}, k2}), (Outcome{k1, k1})) << "nothing was offered";
}

// covers RFC 9369 §5: a ticket is good for the version that it was issued in, and no other
TEST(OriginalVersion, IsThatOfTheSessionWhereItIsOffered) {
  constexpr uint32_t k1 = kQuicVersion1;
  constexpr uint32_t k2 = kQuicVersion2;
  EXPECT_EQ(outcomeOf({kOneFirst, 0, k1}), (Outcome{k1, k1, true}));
  EXPECT_EQ(outcomeOf({kTwoFirst, 0, k1}), (Outcome{k1, k1, true}));
  EXPECT_EQ(outcomeOf({kOneFirst, 0, k2, kTwoFirst}), (Outcome{k2, k2, true}));
  EXPECT_EQ(outcomeOf({kTwoFirst, 0, k2, kTwoFirst}), (Outcome{k2, k2, true}));
  EXPECT_EQ(outcomeOf({{k1}, 0, k2}), (Outcome{k1, k1})) << "this client speaks it no more";
  EXPECT_EQ(outcomeOf({kOneFirst, k1, k2}), (Outcome{k1, k1})) << "the application knows better";
  EXPECT_EQ(outcomeOf({kTwoFirst, k2, k1, {k2}}), (Outcome{k2, k2}));
  EXPECT_EQ(outcomeOf({{k1, kReserved}, kReserved, k1}), (Outcome{kReserved, k1, true}))
      << "it serves the attempt that is made in its version";
}

// covers RFC 9000 §6.2; RFC 9368 §4: what a client begins in is no reason to take the answer for forged
TEST(OriginalVersion, AVersionNegotiationPacketLeadsToTheBestOfBoth) {
  constexpr uint32_t k1 = kQuicVersion1;
  EXPECT_EQ(outcomeOf({{kQuicVersion2, k1, kReserved}, kReserved, 0, kOneFirst}), (Outcome{kReserved, k1}))
      << "begun again in version 2, and changed to version 1";
  EXPECT_EQ(outcomeOf({{kQuicVersion2, k1, kReserved}, kReserved, 0, {k1}}), (Outcome{kReserved, k1}));
}

}  // namespace
}  // namespace quic::test
