// Sessions between real ends: who may resume what (RFC 8446 §4.6.1, RFC 9001 §4.5).
#include <gtest/gtest.h>

#include "cpp/tls/DeterministicTime.h"
#include "cpp/tls/TlsFixture.h"
#include "quic/tls/HelloMessages.h"

namespace quic {
namespace {

using namespace test;
using std::chrono::hours;
using std::chrono::seconds;

constexpr uint16_t kPreSharedKey = 41;  // RFC 8446 §4.2

const ByteVector kKey(kMinTicketKeySize, 1);
const ByteVector kOtherKey(kMinTicketKeySize, 2);

TlsServerOptions serverWith(const std::vector<ByteVector>& keys) {
  TlsServerOptions options = serverOptions();
  options.ticketKeys = keys;
  return options;
}

bool offersPsk(HandshakePair& pair) {
  const auto types = extensionsOf(pair.client.sent[EncryptionLevel::Initial]);
  return std::find(types.begin(), types.end(), kPreSharedKey) != types.end();
}

/// A full handshake all the same, and whether the client even tried.
void expectFullHandshake(HandshakePair pair, bool offered) {
  pair.run();
  ASSERT_TRUE(pair.isComplete()) << pair.client.layer->errorDetail() << pair.server.layer->errorDetail();
  EXPECT_FALSE(pair.client.all<HandshakeComplete>()[0].isResumed);
  EXPECT_FALSE(pair.server.all<HandshakeComplete>()[0].isResumed);
  EXPECT_EQ(offersPsk(pair), offered);
}
void expectResumed(HandshakePair pair) {
  pair.run();
  EXPECT_TRUE(pair.isResumed()) << pair.client.layer->errorDetail() << pair.server.layer->errorDetail();
}

// ---- what works

TEST(Resumption, IssuesAsManyTicketsAsItIsTold) {
  for (const uint32_t tickets : {0, 1, 2, 16}) {
    TlsServerOptions options = serverOptions();
    options.sessionTickets = tickets;
    HandshakePair pair = TlsPeers(options).pair();
    pair.run();
    EXPECT_EQ(pair.client.all<SessionTicket>().size(), tickets);
    EXPECT_EQ(pair.server.sent[EncryptionLevel::OneRtt].empty(), tickets == 0);
  }
}

// covers RFC 9001 §4.5
// row B07
TEST(Resumption, SparesTheCertificateAndStillNamesIt) {
  const TlsPeers peers;
  HandshakePair full = peers.pair();
  full.run();
  for (const SessionTicket& ticket : full.client.all<SessionTicket>()) {
    HandshakePair again = peers.resuming(ticket.bytes);
    again.run();
    ASSERT_TRUE(again.isResumed()) << again.client.layer->errorDetail();
    EXPECT_LT(again.server.sent[EncryptionLevel::Handshake].size(), 150u);
    EXPECT_GT(full.server.sent[EncryptionLevel::Handshake].size(), 400u);
    const HandshakeComplete complete = again.client.all<HandshakeComplete>()[0];
    EXPECT_EQ(complete.peerCertificate, full.client.all<HandshakeComplete>()[0].peerCertificate);
    EXPECT_EQ(complete.alpn, "echo");
    EXPECT_EQ(complete.earlyData, EarlyDataOutcome::NotOffered);
    EXPECT_EQ(again.server.all<HandshakeComplete>()[0].serverName, "server.test");
    EXPECT_EQ(again.client.all<PeerTransportParameters>()[0].bytes, again.server.parameters);
  }
}

TEST(Resumption, GoesOnFromSessionToSession) {
  const TlsPeers peers;
  ByteVector session = peers.session();
  for (int i = 0; i < 5; ++i) {
    HandshakePair pair = peers.resuming(session);
    pair.fragment = 7;
    pair.run();
    ASSERT_TRUE(pair.isResumed());
    session = pair.client.all<SessionTicket>().at(0).bytes;
  }
}

TEST(Resumption, WorksWithEachSuiteAndWithAnAddressForAName) {
  for (const CipherSuite suite :
       {CipherSuite::AES_128_GCM_SHA256, CipherSuite::AES_256_GCM_SHA384, CipherSuite::CHACHA20_POLY1305_SHA256}) {
    TlsClientOptions options = clientOptions();
    options.cipherSuites = {suite};
    const TlsPeers peers(serverOptions(), options);
    expectResumed(peers.resuming(peers.session()));
    expectResumed(peers.resuming(peers.session("127.0.0.1"), false, "127.0.0.1"));
  }
}

TEST(Resumption, ReportsTheClientsCertificateAgain) {
  TlsServerOptions server = serverOptions();
  server.clientCaPem = sharedPki().authority.certificatePem;
  TlsClientOptions client = clientOptions();
  client.certificatePem = sharedPki().client.certificatePem;
  client.privateKeyPem = sharedPki().client.privateKeyPem;
  const TlsPeers peers(server, client);
  HandshakePair pair = peers.resuming(peers.session());
  pair.run();
  ASSERT_TRUE(pair.isResumed()) << pair.server.layer->errorDetail();
  EXPECT_FALSE(pair.server.all<HandshakeComplete>()[0].peerCertificate.empty());
}

// ---- keys

TEST(Resumption, CrossesProcessesThatShareTheirKeys) {
  const TlsPeers here(serverWith({kKey})), there(serverWith({kOtherKey, kKey})), elsewhere(serverWith({kOtherKey}));
  const ByteVector session = here.session();
  expectResumed(there.resuming(session));
  expectFullHandshake(elsewhere.resuming(session), true);
  expectFullHandshake(TlsPeers().resuming(session), true);
}

TEST(Resumption, FollowsKeysThatAreReplaced) {
  const TlsPeers peers(serverWith({kKey}));
  const ByteVector session = peers.session();
  ASSERT_TRUE(peers.server->setTicketKeys({kOtherKey, kKey}));
  expectResumed(peers.resuming(session));
  const ByteVector later = peers.session();
  ASSERT_TRUE(peers.server->setTicketKeys({kOtherKey}));
  expectFullHandshake(peers.resuming(session), true);
  expectResumed(peers.resuming(later));
  const auto refused = peers.server->setTicketKeys({ByteVector(8, 1)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(std::get<LocalErrorCode>(refused.error().code), LocalErrorCode::INVALID_ARGUMENT);
  expectResumed(peers.resuming(later));
}

TEST(Resumption, SurvivesThatGeneratedKeysAreReplaced) {
  DeterministicTime time;
  TlsServerOptions options = serverOptions();
  options.sessionLifetime = 1h;
  const TlsPeers peers(options);
  (void)peers.session();  // the first key is as old as this
  time.advance(seconds(3500));
  const ByteVector before = peers.session();
  time.advance(seconds(200));
  const ByteVector after = peers.session();
  expectResumed(peers.resuming(before));
  expectResumed(peers.resuming(after));
}

// ---- what the client passes over

TEST(Resumption, OffersNoSessionOfAnotherNameOrProtocol) {
  TlsClientOptions both = clientOptions();
  both.alpn = {"echo", "more"};
  const TlsPeers peers;
  const ByteVector session = peers.session();
  expectFullHandshake(peers.resuming(session, false, "localhost"), false);
  expectFullHandshake(peers.resuming(session, false, "127.0.0.1"), false);
  expectResumed(peers.resuming(session, false, "SERVER.test"));
  TlsServerOptions server = serverWith({kKey});
  server.alpn = {"more", "echo"};
  const TlsPeers wide(server, both);
  expectFullHandshake(TlsPeers(server).resuming(wide.session()), false);
}

TEST(Resumption, OffersNoSessionOfALessCarefulOrOtherClient) {
  const TlsServerOptions server = serverWith({kKey});
  TlsClientOptions careless = clientOptions();
  careless.verifyPeer = false;
  TlsClientOptions trusting = clientOptions();
  trusting.caPem.push_back(sharedPki().client.certificatePem);
  TlsClientOptions named = clientOptions();
  named.certificatePem = sharedPki().client.certificatePem;
  named.privateKeyPem = sharedPki().client.privateKeyPem;
  const ByteVector unverified = TlsPeers(server, careless).session();
  const ByteVector verified = TlsPeers(server).session();
  expectFullHandshake(TlsPeers(server).resuming(unverified), false);
  expectFullHandshake(TlsPeers(server, trusting).resuming(verified), false);
  expectFullHandshake(TlsPeers(server, named).resuming(verified), false);
  expectResumed(TlsPeers(server, careless).resuming(verified));
  expectResumed(TlsPeers(server, careless).resuming(unverified));
  expectResumed(TlsPeers(server).resuming(verified));
}

TEST(Resumption, OffersNoSessionOfASuiteThatIsOff) {
  const TlsServerOptions server = serverWith({kKey});
  TlsClientOptions client = clientOptions();
  client.cipherSuites = {CipherSuite::CHACHA20_POLY1305_SHA256};
  expectFullHandshake(TlsPeers(server, client).resuming(TlsPeers(server).session()), false);
}

TEST(Resumption, PassesOverWhatIsNoSession) {
  const TlsPeers peers;
  const ByteVector session = peers.session();
  std::vector<ByteVector> broken{{}, ByteVector(100, 7), ByteVector(100'000, 7)};
  broken.emplace_back(session.begin(), session.end() - 1);
  for (size_t i = 0; i < session.size(); i += 37) {
    broken.push_back(session);
    broken.back()[i] ^= 0x20;
  }
  for (const ByteVector& bytes : broken) expectFullHandshake(peers.resuming(bytes, true), false);
}

TEST(Resumption, PassesOverSessionsWhoseInsideIsNotOpenSsls) {
  const TlsPeers peers;
  const ClientSession good = *ClientSession::decode(peers.session());
  for (size_t i = 0; i < good.session.size(); i += 3) {
    ClientSession bad = good;
    bad.session[i] ^= 0xff;
    HandshakePair pair = peers.resuming(bad.encode(), true);
    pair.run();
    EXPECT_TRUE(pair.isComplete() || pair.server.error || pair.client.error);  // a forger hurts nobody but himself
  }
  for (const size_t size : {size_t{0}, size_t{1}, good.session.size() - 1}) {
    ClientSession bad = good;
    bad.session.resize(size);
    expectFullHandshake(peers.resuming(bad.encode(), true), false);
  }
  ClientSession trailing = good;
  trailing.session.push_back(0);
  expectFullHandshake(peers.resuming(trailing.encode(), true), false);
}

TEST(Resumption, OffersNoSessionThatIsTooOld) {
  DeterministicTime time;
  TlsServerOptions options = serverOptions();
  options.sessionLifetime = 1h;
  const TlsPeers peers(options);
  const ByteVector session = peers.session();
  time.advance(seconds(3599));
  expectResumed(peers.resuming(session));
  time.advance(seconds(1));
  expectFullHandshake(peers.resuming(session, true), false);
}

// ---- what the server passes over

TEST(Resumption, IsForTheNameThatTheTicketWasIssuedFor) {
  TlsServerOptions options = serverWith({kKey});
  const TestCredentials both =
      makeTestCertificate({.subjectAltName = "DNS:server.test,DNS:other.test", .seed = 9}, &sharedPki().authority);
  options.certificatePem = both.certificatePem;
  options.privateKeyPem = both.privateKeyPem;
  const TlsPeers peers(options);
  ClientSession session = *ClientSession::decode(peers.session());
  session.serverName = "other.test";  // a client that does not care
  expectFullHandshake(peers.resuming(session.encode(), false, "other.test"), true);
}

// covers RFC 9369 §5
TEST(Resumption, IsForTheVersionThatTheTicketWasIssuedIn) {
  const TlsPeers peers;
  HandshakePair upgraded = peers.pair();
  upgraded.server.layer->setVersion(kQuicVersion1);
  upgraded.start();
  upgraded.server.layer->setVersion(kQuicVersion2);  // within the handshake
  upgraded.exchange();
  ASSERT_FALSE(upgraded.client.all<SessionTicket>().empty());
  const ByteVector session = upgraded.client.all<SessionTicket>()[0].bytes;
  const auto resumed = [&](uint32_t version) {
    HandshakePair pair = peers.resuming(session);
    pair.server.layer->setVersion(version);
    pair.run();
    EXPECT_TRUE(pair.isComplete());
    return pair.isResumed();
  };
  EXPECT_TRUE(resumed(kQuicVersion2));
  EXPECT_FALSE(resumed(kQuicVersion1)) << "a full handshake instead";
}

TEST(Resumption, DoesNotGetRoundTheDemandForACertificate) {
  TlsServerOptions strict = serverWith({kKey});
  strict.clientCaPem = sharedPki().authority.certificatePem;
  const ByteVector session = TlsPeers(serverWith({kKey})).session();
  HandshakePair pair = TlsPeers(strict).resuming(session);
  pair.run();
  EXPECT_FALSE(pair.server.isComplete());
  EXPECT_EQ(pair.server.errorCode(), alertCode(116));  // certificate_required
}

TEST(Resumption, EndsWithTheSwitch) {
  TlsServerOptions off = serverWith({kKey});
  off.sessionTickets = 0;
  expectFullHandshake(TlsPeers(off).resuming(TlsPeers(serverWith({kKey})).session()), true);
}

// RFC 8446 §4.6.1: certificates are shown again after some time, however many sessions lie between.
TEST(Resumption, EndsSevenDaysAfterTheCertificateWasShown) {
  DeterministicTime time;
  const TlsPeers peers(serverWith({kKey}));
  ByteVector session = peers.session();
  for (int day = 1; day <= 7; ++day) {
    time.advance(hours(23));
    HandshakePair pair = peers.resuming(session);
    pair.run();
    ASSERT_TRUE(pair.isResumed()) << day;
    session = pair.client.all<SessionTicket>().at(0).bytes;
  }
  time.advance(hours(7));
  expectFullHandshake(peers.resuming(session), true);
}

TEST(Resumption, RefusesOptionsOutOfTheirRange) {
  const auto isRefused = [](auto change) {
    TlsServerOptions options = serverOptions();
    change(options);
    std::string detail;
    const auto made = makeTlsServerContext(options, &detail);
    return !made && std::get<LocalErrorCode>(made.error().code) == LocalErrorCode::INVALID_ARGUMENT && !detail.empty();
  };
  EXPECT_TRUE(isRefused([](TlsServerOptions& options) { options.sessionTickets = 17; }));
  EXPECT_TRUE(isRefused([](TlsServerOptions& options) { options.sessionLifetime = 999ms; }));
  EXPECT_TRUE(isRefused([](TlsServerOptions& options) { options.sessionLifetime = kMaxSessionLifetime + 1s; }));
  EXPECT_TRUE(isRefused([](TlsServerOptions& options) { options.ticketKeys = {ByteVector(31, 1)}; }));
  EXPECT_FALSE(isRefused([](TlsServerOptions& options) { options.sessionLifetime = kMaxSessionLifetime; }));
}

TEST(Resumption, IgnoresASessionThatComesTooLateOrToAServer) {
  const TlsPeers peers;
  const ByteVector session = peers.session();
  HandshakePair pair = peers.pair();
  pair.server.layer->offerSession(session, true);
  pair.start();
  pair.client.layer->offerSession(session, true);
  pair.exchange();
  ASSERT_TRUE(pair.isComplete());
  EXPECT_FALSE(pair.isResumed());
}

}  // namespace
}  // namespace quic
