// 0-RTT between real ends (RFC 8446 §4.2.10, §8, RFC 9001 §4.6).
#include <gtest/gtest.h>

#include "cpp/tls/DeterministicTime.h"
#include "cpp/tls/TlsFixture.h"
#include "quic/tls/HelloMessages.h"

namespace quic {
namespace {

using namespace test;
using std::chrono::seconds;

constexpr uint16_t kEarlyDataExtension = 42;  // RFC 8446 §4.2
constexpr uint8_t kEndOfEarlyData = 5;        // RFC 8446 §4
constexpr uint8_t kUnexpectedMessage = 10;
constexpr uint8_t kIllegalParameter = 47;
constexpr uint8_t kUnsupportedExtension = 110;

const ByteVector kKey(kMinTicketKeySize, 1);
const ByteVector kContext{1, 2, 3};

TlsServerOptions earlyServer(EarlyDataPolicy policy = EarlyDataPolicy::AcceptOnce) {
  TlsServerOptions options = serverOptions();
  options.earlyData = policy;
  options.ticketKeys = {kKey};
  return options;
}

HandshakePair earlyPair(const TlsPeers& peers, const ByteVector& session) {
  HandshakePair pair = peers.resuming(session, true);
  pair.earlyDataContext = kContext;
  return pair;
}

template <class Secret>
std::vector<Secret> earlySecrets(const HandshakeEndpoint& endpoint) {
  std::vector<Secret> found;
  for (const Secret& secret : endpoint.all<Secret>()) {
    if (secret.level == EncryptionLevel::ZeroRtt) found.push_back(secret);
  }
  return found;
}

/// Rejected, at both ends, and nothing else is wrong.
void expectRejected(HandshakePair pair) {
  pair.run();
  EXPECT_EQ(pair.earlyData(), EarlyDataOutcome::Rejected)
      << pair.client.layer->errorDetail() << pair.server.layer->errorDetail();
  EXPECT_EQ(earlySecrets<HandshakeWriteSecret>(pair.client).size(), 1u);
  EXPECT_TRUE(earlySecrets<HandshakeReadSecret>(pair.server).empty());
}
void expectAccepted(HandshakePair pair) {
  pair.run();
  EXPECT_EQ(pair.earlyData(), EarlyDataOutcome::Accepted);
}

// ---- accepted

// covers RFC 9001 §4.6.1
TEST(EarlyData, IsAcceptedAndBothHaveTheSameSecret) {
  for (const CipherSuite suite :
       {CipherSuite::AES_128_GCM_SHA256, CipherSuite::AES_256_GCM_SHA384, CipherSuite::CHACHA20_POLY1305_SHA256}) {
    TlsClientOptions client = clientOptions();
    client.cipherSuites = {suite};
    const TlsPeers peers(earlyServer(), client);
    HandshakePair pair = earlyPair(peers, peers.session("server.test", kContext));
    pair.start();
    const auto write = earlySecrets<HandshakeWriteSecret>(pair.client);
    ASSERT_EQ(write.size(), 1u);
    EXPECT_EQ(write[0].secret.suite, suite);
    pair.exchange();
    EXPECT_EQ(pair.earlyData(), EarlyDataOutcome::Accepted);
    EXPECT_TRUE(pair.isResumed());
    const auto read = earlySecrets<HandshakeReadSecret>(pair.server);
    ASSERT_EQ(read.size(), 1u);
    EXPECT_EQ(read[0].secret.bytes, write[0].secret.bytes);
    EXPECT_EQ(read[0].secret.size, write[0].secret.size);
    EXPECT_EQ(read[0].secret.suite, suite);
  }
}

TEST(EarlyData, TellsWhatHappensInOrder) {
  const TlsPeers peers(earlyServer());
  HandshakePair pair = earlyPair(peers, peers.session("server.test", kContext));
  pair.fragment = 1;
  pair.run();
  EXPECT_EQ(namesOf(pair.client),
            (std::vector<std::string>{"write 0rtt", "write handshake", "read handshake", "parameters", "write 1rtt",
                                      "read 1rtt", "complete", "ticket"}));
  EXPECT_EQ(namesOf(pair.server), (std::vector<std::string>{"parameters", "read 0rtt", "write handshake", "write 1rtt",
                                                            "read handshake", "read 1rtt", "complete"}));
}

// covers RFC 9001 §8.3
// row H07
TEST(EarlyData, NeedsNoEndOfEarlyDataAndRefusesIt) {
  const TlsPeers peers(earlyServer());
  HandshakePair pair = earlyPair(peers, peers.session("server.test", kContext));
  pair.tamper = [&](bool toServer, EncryptionLevel& level, ByteVector& bytes) {
    if (!toServer || level != EncryptionLevel::Handshake) return;
    EXPECT_NE(bytes.at(0), kEndOfEarlyData);
    const ByteVector end = messageOf(kEndOfEarlyData, {});
    bytes.insert(bytes.begin(), end.begin(), end.end());
  };
  pair.run();
  EXPECT_FALSE(pair.server.isComplete());
  EXPECT_EQ(pair.server.errorCode(), alertCode(kUnexpectedMessage));
}

// covers RFC 9001 §4.6.1
TEST(EarlyData, IsAllowedInTicketsByTheSentinelOnly) {
  const ByteVector sentinel{0, kEarlyDataExtension, 0, 4, 0xff, 0xff, 0xff, 0xff};
  for (const EarlyDataPolicy policy : {EarlyDataPolicy::Refuse, EarlyDataPolicy::AcceptOnce}) {
    HandshakePair pair = TlsPeers(earlyServer(policy)).pair();
    pair.run();
    const ByteVector& tickets = pair.server.sent[EncryptionLevel::OneRtt];
    const bool isThere = std::search(tickets.begin(), tickets.end(), sentinel.begin(), sentinel.end()) != tickets.end();
    EXPECT_EQ(isThere, policy == EarlyDataPolicy::AcceptOnce);
  }
}

// ---- not offered

TEST(EarlyData, IsNotOfferedWithoutBeingAskedForOrAllowed) {
  const TlsPeers peers(earlyServer());
  const TlsPeers refusing(earlyServer(EarlyDataPolicy::Refuse));
  const auto expectNotOffered = [](HandshakePair pair) {
    pair.run();
    EXPECT_TRUE(pair.isResumed());
    EXPECT_EQ(pair.earlyData(), EarlyDataOutcome::NotOffered);
    EXPECT_TRUE(earlySecrets<HandshakeWriteSecret>(pair.client).empty());
  };
  expectNotOffered(peers.resuming(peers.session()));
  expectNotOffered(refusing.resuming(refusing.session(), true));
}

// ---- rejected

TEST(EarlyData, IsRejectedByAServerThatRefusesIt) {
  const ByteVector session = TlsPeers(earlyServer()).session("server.test", kContext);
  expectRejected(earlyPair(TlsPeers(earlyServer(EarlyDataPolicy::Refuse)), session));
}

TEST(EarlyData, IsRejectedWithATicketThatCannotBeRead) {
  const ByteVector session = TlsPeers(earlyServer()).session("server.test", kContext);
  TlsServerOptions stranger = earlyServer();
  stranger.ticketKeys.clear();
  HandshakePair pair = earlyPair(TlsPeers(stranger), session);
  pair.run();
  EXPECT_EQ(pair.earlyData(), EarlyDataOutcome::Rejected);
  EXPECT_FALSE(pair.client.all<HandshakeComplete>()[0].isResumed);
}

// covers RFC 9001 §4.6.3
TEST(EarlyData, IsRejectedInAnotherContext) {
  const TlsPeers peers(earlyServer());
  for (const ByteVector& context : {ByteVector{}, ByteVector{1, 2, 4}, ByteVector{1, 2, 3, 0}}) {
    HandshakePair pair = peers.resuming(peers.session("server.test", kContext), true);
    pair.earlyDataContext = context;
    expectRejected(std::move(pair));
  }
}

TEST(EarlyData, IsRejectedWithAnotherProtocol) {
  TlsServerOptions later = earlyServer();
  later.alpn = {"more", "echo"};
  TlsClientOptions client = clientOptions();
  client.alpn = {"echo", "more"};
  const ByteVector session = TlsPeers(earlyServer(), client).session("server.test", kContext);
  HandshakePair pair = earlyPair(TlsPeers(later, client), session);
  pair.run();
  EXPECT_EQ(pair.earlyData(), EarlyDataOutcome::Rejected);
  EXPECT_EQ(pair.client.all<HandshakeComplete>()[0].alpn, "more");
}

TEST(EarlyData, IsRejectedWithAnotherSuite) {
  TlsServerOptions later = earlyServer();
  later.cipherSuites = {CipherSuite::CHACHA20_POLY1305_SHA256};
  expectRejected(earlyPair(TlsPeers(later), TlsPeers(earlyServer()).session("server.test", kContext)));
}

// covers RFC 9001 §4.6.2
TEST(EarlyData, IsRejectedByAHelloRetryRequestAndNotOfferedAgain) {
  TlsServerOptions picky = earlyServer();
  picky.groups = {"P-384"};
  const ByteVector session = TlsPeers(earlyServer()).session("server.test", kContext);
  HandshakePair pair = earlyPair(TlsPeers(picky), session);
  std::vector<std::vector<uint16_t>> hellos;
  pair.tamper = [&](bool toServer, EncryptionLevel& level, ByteVector& bytes) {
    if (toServer && level == EncryptionLevel::Initial) hellos.push_back(extensionsOf(bytes));
  };
  pair.run();
  EXPECT_EQ(pair.earlyData(), EarlyDataOutcome::Rejected) << pair.server.layer->errorDetail();
  EXPECT_TRUE(pair.isResumed());
  ASSERT_EQ(hellos.size(), 2u);
  const auto offers = [](const std::vector<uint16_t>& types) {
    return std::find(types.begin(), types.end(), kEarlyDataExtension) != types.end();
  };
  EXPECT_TRUE(offers(hellos[0]));
  EXPECT_FALSE(offers(hellos[1]));
  EXPECT_EQ(earlySecrets<HandshakeWriteSecret>(pair.client).size(), 1u);
  EXPECT_TRUE(earlySecrets<HandshakeReadSecret>(pair.server).empty());
}

// RFC 8446 §8.3
TEST(EarlyData, IsRejectedWhenTheClientHelloWasLongOnItsWay) {
  DeterministicTime time;
  const TlsPeers peers(earlyServer());
  for (const auto& [delay, outcome] :
       {std::pair{seconds(8), EarlyDataOutcome::Accepted}, std::pair{seconds(15), EarlyDataOutcome::Rejected}}) {
    HandshakePair pair = earlyPair(peers, peers.session("server.test", kContext));
    time.advance(seconds(100));
    pair.start();
    time.advance(delay);
    pair.exchange();
    EXPECT_EQ(pair.earlyData(), outcome) << delay.count();
    EXPECT_TRUE(pair.isResumed());
  }
}

// ---- replays

// covers RFC 9001 §9.2
// row X45
TEST(EarlyData, IsNotAcceptedFromACopyOfAClientHello) {
  const TlsPeers peers(earlyServer());
  const TlsPeers careless(earlyServer(EarlyDataPolicy::AcceptReplays));
  const auto timesAccepted = [](const TlsPeers& with) {
    HandshakePair pair = earlyPair(with, with.session("server.test", kContext));
    pair.start();
    const ByteVector hello = pair.client.outbox.at(0).second;
    size_t accepted = 0;
    for (int copy = 0; copy < 3; ++copy) {
      HandshakePair other = with.pair();
      other.earlyDataContext = kContext;
      other.server.note(other.server.layer->start(kContext));
      other.server.give(EncryptionLevel::Initial, hello, SIZE_MAX, true);
      EXPECT_FALSE(other.server.error);
      accepted += earlySecrets<HandshakeReadSecret>(other.server).size();
    }
    return accepted;
  };
  EXPECT_EQ(timesAccepted(peers), 1u);
  EXPECT_EQ(timesAccepted(careless), 3u);
}

TEST(EarlyData, ComesOncePerTicketWithinTheWindow) {
  DeterministicTime time;
  const TlsPeers peers(earlyServer());
  const ByteVector session = peers.session("server.test", kContext);
  expectAccepted(earlyPair(peers, session));
  expectRejected(earlyPair(peers, session));
  time.advance(3 * kEarlyDataWindow);
  expectAccepted(earlyPair(peers, session));
}

// RFC 8446 §8.2: who began a moment ago does not know what was accepted before.
TEST(EarlyData, IsRejectedForOldTicketsByAServerThatHasJustBegun) {
  DeterministicTime time;
  const ByteVector session = TlsPeers(earlyServer()).session("server.test", kContext);
  time.advance(seconds(5));
  const TlsPeers restarted(earlyServer());
  expectRejected(earlyPair(restarted, session));
  expectAccepted(earlyPair(restarted, restarted.session("server.test", kContext)));
  time.advance(kEarlyDataWindow);
  expectAccepted(earlyPair(restarted, session));
}

TEST(EarlyData, OfABadBinderCostsTheTicketNothing) {
  const TlsPeers peers(earlyServer());
  const ByteVector session = peers.session("server.test", kContext);
  HandshakePair forged = earlyPair(peers, session);
  forged.tamper = [](bool, EncryptionLevel&, ByteVector& bytes) { bytes.back() ^= 1; };
  forged.run();
  EXPECT_FALSE(forged.server.isComplete());
  EXPECT_TRUE(earlySecrets<HandshakeReadSecret>(forged.server).empty());
  expectAccepted(earlyPair(peers, session));
}

// ---- servers that lie

/// Changes the server's EncryptedExtensions, which begin its Handshake flight.
HandshakePair withExtensions(HandshakePair pair, std::function<void(ByteVector&)> change) {
  pair.tamper = [change = std::move(change)](bool toServer, EncryptionLevel& level, ByteVector& bytes) {
    if (!toServer && level == EncryptionLevel::Handshake) change(bytes);
  };
  return pair;
}

// row X03
TEST(EarlyData, AcceptedWithAnotherProtocolEndsTheConnection) {
  TlsClientOptions client = clientOptions();
  client.alpn = {"echo", "ecko"};
  const TlsPeers peers(earlyServer(), client);
  HandshakePair pair = withExtensions(earlyPair(peers, peers.session("server.test", kContext)), [](ByteVector& bytes) {
    const std::string_view name = "echo";
    const auto at = std::search(bytes.begin(), bytes.end(), name.begin(), name.end());
    ASSERT_NE(at, bytes.end());
    at[2] = 'k';
  });
  pair.run();
  EXPECT_FALSE(pair.client.isComplete());
  EXPECT_EQ(pair.client.errorCode(), alertCode(kIllegalParameter));
}

// row H08
TEST(EarlyData, AcceptedWithoutBeingOfferedEndsTheConnection) {
  const TlsPeers peers(earlyServer());
  HandshakePair pair = withExtensions(peers.resuming(peers.session()), [](ByteVector& bytes) {
    const ByteVector extension{0, kEarlyDataExtension, 0, 0};
    bytes.insert(bytes.begin() + 6, extension.begin(), extension.end());  // behind the header and the list's length
    bytes[3] = static_cast<uint8_t>(bytes[3] + 4);
    bytes[5] = static_cast<uint8_t>(bytes[5] + 4);
  });
  pair.run();
  EXPECT_FALSE(pair.client.isComplete());
  EXPECT_EQ(pair.client.errorCode(), alertCode(kUnsupportedExtension));
}

TEST(EarlyData, IsInTheKeyLogOfBothEnds) {
  TlsServerOptions server = earlyServer();
  TlsClientOptions client = clientOptions();
  server.keyLog = client.keyLog = true;
  const TlsPeers peers(server, client);
  HandshakePair pair = earlyPair(peers, peers.session("server.test", kContext));
  pair.run();
  for (const HandshakeEndpoint* end : {&pair.client, &pair.server}) {
    std::vector<std::string> labels;
    for (const KeyLogLine& line : end->all<KeyLogLine>()) labels.push_back(line.line.substr(0, line.line.find(' ')));
    std::sort(labels.begin(), labels.end());
    EXPECT_EQ(labels, (std::vector<std::string>{"CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                                                "CLIENT_TRAFFIC_SECRET_0", "EARLY_EXPORTER_SECRET", "EXPORTER_SECRET",
                                                "SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"}));
  }
}

}  // namespace
}  // namespace quic
