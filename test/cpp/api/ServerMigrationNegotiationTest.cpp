// The agreement on server migration by transport parameter, on every way into a connection. What TLS has a part in
// (HelloRetryRequest, tickets) is in the simulator too.
#include <gtest/gtest.h>

#include "cpp/api/MovePair.h"

namespace quic::test {
namespace {

using enum ServerMigrationProtocol;

constexpr uint32_t kReserved = 0x1a2a3a4a;
const SocketAddress kSecond = SocketAddress::v4({10, 0, 0, 2}, 4433);
constexpr ServerMigrationProtocols kAll{EXPLICIT, POOL_OF_ADDRESSES, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};

const HandshakeFinished* finishedOf(const std::vector<EndpointEvent>& events) {
  for (const EndpointEvent& event : events) {
    if (const auto* finished = std::get_if<HandshakeFinished>(&event.event)) return finished;
  }
  return nullptr;
}

struct Way {
  const char* name;
  std::function<void(ServerEndpointSettings&)> server;
  std::function<void(TransportSettings&)> client;
  EarlyDataOutcome earlyData = EarlyDataOutcome::NotOffered;
  bool isResumed = false;
};

/// The bytes of a session that a server with these settings leaves behind.
ByteVector sessionOf(const ServerEndpointSettings& server, const TransportSettings& client) {
  MovePair pair(server);
  pair.handshakes.options.issuesTicket = true;
  pair.begin(client);
  for (const EndpointEvent& event : pair.clientEvents) {
    if (const auto* ticket = std::get_if<SessionTicket>(&event.event)) return ticket->bytes;
  }
  ADD_FAILURE() << "no ticket";
  return {};
}

/// Both ends agree on what they have in common, and the first move that this allows is made.
void expectAgreement(const Way& way, ServerMigrationProtocol protocol) {
  const std::vector<SocketAddress> pool = {kServerAddress, kSecond};
  ServerEndpointSettings server =
      MovePair::serverSpeaking({protocol, EXPLICIT}, protocol == POOL_OF_ADDRESSES ? pool : decltype(pool){});
  TransportSettings client = MovePair::clientSpeaking({protocol});
  if (way.server) way.server(server);
  if (way.isResumed) {
    client.resumption = sessionOf(server, client);
    client.earlyData = way.earlyData != EarlyDataOutcome::NotOffered;
  }
  if (way.client) way.client(client);
  MovePair pair(server);
  pair.handshakes.options.acceptsEarlyData = way.earlyData == EarlyDataOutcome::Accepted;
  pair.begin(client);
  for (const auto* events : {&pair.clientEvents, &pair.serverEvents}) {
    const HandshakeFinished* finished = finishedOf(*events);
    ASSERT_NE(finished, nullptr) << way.name;
    EXPECT_EQ(finished->serverMigration, ServerMigrationProtocols{protocol}) << way.name;
    EXPECT_EQ(finished->isResumed, way.isResumed) << way.name;
    EXPECT_EQ(finished->earlyData, way.earlyData) << way.name;
  }
  pair.request(3000);
  pair.migrate(protocol, kSecond);
  EXPECT_FALSE(pair.follower().isClosing()) << way.name;
  EXPECT_EQ(pair.follower().activePath().peer, kSecond) << way.name;
  EXPECT_EQ(pair.heard<migration::Completed>(pair.serverEvents).size(), 1u) << way.name;
  EXPECT_TRUE(pair.isAllAnswered()) << way.name;
}

void expectAgreement(const Way& way) {
  for (const ServerMigrationProtocol protocol : {EXPLICIT, POOL_OF_ADDRESSES, SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    expectAgreement(way, protocol);
  }
}

TEST(MigrationNegotiation, InAPlainHandshake) { expectAgreement({"plain", {}, {}}); }

// BUG 1
TEST(MigrationNegotiation, AfterARetry) {
  expectAgreement({"retry", [](ServerEndpointSettings& s) { s.retry.mode = RetryMode::Always; }, {}});
}

TEST(MigrationNegotiation, AfterVersionNegotiation) {
  expectAgreement({"version", {}, [](TransportSettings& s) { s.versions = {kReserved, kQuicVersion1}; }});
}

TEST(MigrationNegotiation, AfterAChangeToACompatibleVersion) {
  expectAgreement({"version 2",
                   [](ServerEndpointSettings& s) { s.transport.versions = {kQuicVersion2, kQuicVersion1}; },
                   [](TransportSettings& s) { s.versions = {kQuicVersion1, kQuicVersion2}; }});
}

TEST(MigrationNegotiation, AfterVersionNegotiationAndARetry) {
  expectAgreement({"both", [](ServerEndpointSettings& s) { s.retry.mode = RetryMode::Always; },
                   [](TransportSettings& s) { s.versions = {kReserved, kQuicVersion1}; }});
}

TEST(MigrationNegotiation, InAResumedConnection) {
  expectAgreement({"resumed", {}, {}, EarlyDataOutcome::NotOffered, true});
}

// BUG 2
TEST(MigrationNegotiation, WhenEarlyDataIsAccepted) {
  expectAgreement(
      {"0-RTT", [](ServerEndpointSettings& s) { s.transport.earlyData = true; }, {}, EarlyDataOutcome::Accepted, true});
}

TEST(MigrationNegotiation, WhenEarlyDataIsRejected) {
  expectAgreement({"0-RTT rejected",
                   [](ServerEndpointSettings& s) { s.transport.earlyData = true; },
                   {},
                   EarlyDataOutcome::Rejected,
                   true});
}

TEST(MigrationNegotiation, WhenARetryMeetsEarlyData) {
  expectAgreement({"0-RTT and Retry",
                   [](ServerEndpointSettings& s) {
                     s.transport.earlyData = true;
                     s.retry.mode = RetryMode::Always;
                   },
                   {},
                   EarlyDataOutcome::Accepted,
                   true});
}

// The agreement is each handshake's own: a session remembers nothing of it.
TEST(MigrationNegotiation, IsNotRememberedFromTheConnectionBefore) {
  ServerEndpointSettings server = MovePair::serverSpeaking(kAll, {kSecond});
  server.transport.earlyData = true;
  const ByteVector without = sessionOf(server, {});
  const ByteVector with = sessionOf(server, MovePair::clientSpeaking(kAll));
  for (const bool offers : {true, false}) {
    TransportSettings client = offers ? MovePair::clientSpeaking({SYMMETRIC}) : TransportSettings{};
    client.resumption = offers ? without : with;
    client.earlyData = true;
    MovePair pair(server);
    pair.begin(client);
    const HandshakeFinished* finished = finishedOf(pair.clientEvents);
    ASSERT_NE(finished, nullptr);
    EXPECT_EQ(finished->earlyData, EarlyDataOutcome::Accepted);
    EXPECT_EQ(finished->serverMigration, offers ? ServerMigrationProtocols{SYMMETRIC} : ServerMigrationProtocols{});
    EXPECT_EQ(pair.moving().negotiatedMigration(), finished->serverMigration);
    EXPECT_FALSE(pair.follower().isClosing());
  }
}

// covers SM-01, SM-02, SM-03: nothing in common is no error
TEST(MigrationNegotiation, NothingInCommonLeavesAnOrdinaryConnection) {
  for (const auto& [offered, supported] : std::vector<std::pair<ServerMigrationProtocols, ServerMigrationProtocols>>{
           {{EXPLICIT}, {SYMMETRIC}}, {{}, kAll}, {kAll, {}}}) {
    MovePair pair(MovePair::serverSpeaking(supported, {kSecond}));
    pair.begin(MovePair::clientSpeaking(offered));
    EXPECT_TRUE(finishedOf(pair.clientEvents)->serverMigration.empty());
    EXPECT_TRUE(finishedOf(pair.serverEvents)->serverMigration.empty());
    pair.prepare(EXPLICIT, kSecond);
    pair.request();
    pair.runFor(1s);
    EXPECT_EQ(pair.serverMoves(), std::vector<std::string>{"failed"});
    EXPECT_TRUE(pair.isAllAnswered());
  }
}

// BUG 25: the code is TRANSPORT_PARAMETER_ERROR on the wire
TEST(MigrationNegotiation, AnEmptyOfferClosesWithTheRightCode) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.serverMigration = kAll;
  settings.parameters.serverMigrationSuite = 0;
  MisbehavingPeer peer(settings);
  peer.begin();
  EXPECT_EQ(peer.closeCode(), static_cast<uint64_t>(TransportErrorCode::TRANSPORT_PARAMETER_ERROR));
}

TEST(MigrationNegotiation, AnAnswerThatWasNotOfferedClosesWithTheRightCode) {
  for (const bool offers : {true, false}) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    if (offers) settings.end.clientMigration.protocols = {EXPLICIT};
    settings.parameters.serverMigrationSuite = static_cast<uint64_t>(SYMMETRIC);
    MisbehavingPeer peer(settings);
    peer.reachHandshakeLevel();
    peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
    EXPECT_EQ(peer.closeCode(), static_cast<uint64_t>(TransportErrorCode::TRANSPORT_PARAMETER_ERROR));
  }
}

}  // namespace
}  // namespace quic::test
