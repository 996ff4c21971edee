// Options that change how ends shake hands: suites, groups, client certificates; and what can be had of a finished one.
#include <gtest/gtest.h>

#include "cpp/tls/TlsFixture.h"
#include "quic/tls/HelloMessages.h"

namespace quic {
namespace {

using namespace test;

constexpr uint8_t kHandshakeFailure = 40;
constexpr uint8_t kUnknownCa = 48;
constexpr uint8_t kCertificateRequired = 116;

bool askedForAnotherHello(const HandshakePair& pair) {
  const auto sent = pair.server.sent.find(EncryptionLevel::Initial);
  return sent != pair.server.sent.end() && isHelloRetryRequest(sent->second);
}

// ---- suites

TEST(TlsOptions, LimitTheSuitesAtEitherEnd) {
  for (const CipherSuite suite :
       {CipherSuite::AES_128_GCM_SHA256, CipherSuite::AES_256_GCM_SHA384, CipherSuite::CHACHA20_POLY1305_SHA256}) {
    for (const bool byServer : {true, false}) {
      TlsServerOptions server = serverOptions();
      TlsClientOptions client = clientOptions();
      (byServer ? server.cipherSuites : client.cipherSuites) = {suite};
      HandshakePair pair = TlsPeers(server, client).pair();
      pair.run();
      ASSERT_TRUE(pair.isComplete());
      EXPECT_EQ(pair.client.all<HandshakeWriteSecret>()[0].secret.suite, suite);
    }
  }
}

TEST(TlsOptions, FollowTheServersOrderOfSuites) {
  TlsServerOptions server = serverOptions();
  server.cipherSuites = {CipherSuite::AES_256_GCM_SHA384, CipherSuite::AES_128_GCM_SHA256};
  HandshakePair pair = TlsPeers(server).pair();
  pair.run();
  EXPECT_EQ(pair.client.all<HandshakeWriteSecret>().at(0).secret.suite, CipherSuite::AES_256_GCM_SHA384);
}

// row T18
TEST(TlsOptions, WithoutACommonSuiteEndTheConnection) {
  TlsServerOptions server = serverOptions();
  TlsClientOptions client = clientOptions();
  server.cipherSuites = {CipherSuite::CHACHA20_POLY1305_SHA256};
  client.cipherSuites = {CipherSuite::AES_128_GCM_SHA256, CipherSuite::AES_256_GCM_SHA384};
  HandshakePair pair = TlsPeers(server, client).pair();
  pair.run();
  EXPECT_EQ(pair.server.errorCode(), alertCode(kHandshakeFailure));
  EXPECT_FALSE(pair.client.isComplete());
}

// ---- groups

// row T20
// row CT25
TEST(TlsOptions, MakeTheServerAskForAnotherKeyShare) {
  for (const size_t fragment : {SIZE_MAX, size_t{1}}) {
    TlsServerOptions server = serverOptions();
    TlsClientOptions client = clientOptions();
    server.groups = {"P-256"};
    client.groups = {"X25519", "P-256"};
    HandshakePair pair = TlsPeers(server, client).pair();
    pair.fragment = fragment;
    pair.run();
    ASSERT_TRUE(pair.isComplete()) << pair.server.layer->errorDetail();
    EXPECT_TRUE(askedForAnotherHello(pair));
    EXPECT_EQ(pair.server.all<PeerTransportParameters>().size(), 1u);
  }
}

TEST(TlsOptions, NeedNoSecondHelloByDefaultWhateverTheClientPrefers) {
  for (const char* group : {"X25519", "P-256", "P-384", "X25519MLKEM768"}) {
    TlsClientOptions client = clientOptions();
    client.groups = {group};
    HandshakePair pair = TlsPeers(serverOptions(), client).pair();
    pair.run();
    EXPECT_TRUE(pair.isComplete()) << group;
    EXPECT_FALSE(askedForAnotherHello(pair)) << group;
  }
}

TEST(TlsOptions, WithoutACommonGroupEndTheConnection) {
  TlsServerOptions server = serverOptions();
  TlsClientOptions client = clientOptions();
  server.groups = {"P-384"};
  client.groups = {"X25519"};
  HandshakePair pair = TlsPeers(server, client).pair();
  pair.run();
  EXPECT_EQ(pair.server.errorCode(), alertCode(kHandshakeFailure));
}

TEST(TlsOptions, RefuseGroupsThatDoNotExistOrMeanMore) {
  for (const char* group : {"", "nonsense", "X25519:P-256", "*X25519", "?X25519", "DEFAULT", "X25519/P-256"}) {
    TlsServerOptions server = serverOptions();
    TlsClientOptions client = clientOptions();
    server.groups = client.groups = {group};
    std::string detail;
    EXPECT_FALSE(makeTlsServerContext(server, &detail)) << group;
    EXPECT_EQ(detail, "groups cannot be used");
    EXPECT_FALSE(makeTlsClientContext(client, &detail)) << group;
  }
}

TEST(TlsOptions, OfClientsAreComparedWhole) {
  const TlsClientOptions options = clientOptions();
  TlsClientOptions other = options;
  EXPECT_TRUE(options == other);
  other.groups = {"X25519"};
  EXPECT_FALSE(options == other);
  other = options;
  other.cipherSuites = {CipherSuite::AES_128_GCM_SHA256};
  EXPECT_FALSE(options == other);
}

// ---- client certificates

TlsClientOptions clientWith(const TestCredentials& credentials) {
  TlsClientOptions options = clientOptions();
  options.certificatePem = credentials.certificatePem;
  options.privateKeyPem = credentials.privateKeyPem;
  return options;
}

// covers RFC 9001 §4.4
// row X47
TEST(ClientCertificates, AreIgnoredRequestedOrRequired) {
  const TestCredentials stranger = makeTestCertificate({.commonName = "client.test", .seed = 55});
  struct Row {
    ClientCertificates demand;
    const TestCredentials* shown;
    uint8_t alert;  // 0: accepted
    bool isReported;
  };
  const TestCredentials& known = sharedPki().client;
  for (const Row& row :
       {Row{ClientCertificates::None, nullptr, 0, false}, Row{ClientCertificates::None, &known, 0, false},
        Row{ClientCertificates::Request, nullptr, 0, false}, Row{ClientCertificates::Request, &known, 0, true},
        Row{ClientCertificates::Request, &stranger, kUnknownCa, false},
        Row{ClientCertificates::Require, nullptr, kCertificateRequired, false},
        Row{ClientCertificates::Require, &known, 0, true},
        Row{ClientCertificates::Require, &stranger, kUnknownCa, false}}) {
    TlsServerOptions server = serverOptions();
    server.clientCaPem = sharedPki().authority.certificatePem;
    server.clientCertificates = row.demand;
    HandshakePair pair = TlsPeers(server, row.shown == nullptr ? clientOptions() : clientWith(*row.shown)).pair();
    pair.run();
    ASSERT_EQ(pair.server.isComplete(), row.alert == 0) << pair.server.layer->errorDetail();
    if (row.alert != 0) {
      EXPECT_EQ(pair.server.errorCode(), alertCode(row.alert));
      continue;
    }
    EXPECT_EQ(!pair.server.all<HandshakeComplete>()[0].peerCertificate.empty(), row.isReported);
  }
}

TEST(ClientCertificates, AreJudgedByTheSystemsStoreWithoutAnAuthority) {
  TlsServerOptions server = serverOptions();
  server.clientCertificates = ClientCertificates::Require;
  HandshakePair pair = TlsPeers(server, clientWith(sharedPki().client)).pair();
  pair.run();
  EXPECT_EQ(pair.server.errorCode(), alertCode(kUnknownCa));
}

// ---- exporter

// RFC 8446 §7.5
TEST(Exporter, GivesBothEndsTheSameAndEachUseItsOwn) {
  HandshakePair pair = makePair();
  pair.run();
  const auto take = [&](const HandshakeEndpoint& end, std::string_view label, ByteVector context, size_t size) {
    const auto result = end.layer->exportKeyingMaterial(label, context, size);
    EXPECT_TRUE(result);
    return result ? *result : ByteVector();
  };
  for (const size_t size : {1, 32, 255}) {
    const ByteVector ours = take(pair.client, "EXPORTER-test", {1}, size);
    EXPECT_EQ(ours.size(), size);
    EXPECT_EQ(ours, take(pair.server, "EXPORTER-test", {1}, size));
  }
  const ByteVector one = take(pair.client, "EXPORTER-test", {1}, 32);
  EXPECT_NE(one, take(pair.client, "EXPORTER-test", {2}, 32));
  EXPECT_NE(one, take(pair.client, "EXPORTER-other", {1}, 32));
  EXPECT_NE(one, take(pair.client, "EXPORTER-test", {}, 32));
  HandshakePair other = makePair();
  other.run();
  EXPECT_NE(one, take(other.client, "EXPORTER-test", {1}, 32));
}

TEST(Exporter, RefusesWhatIsOutOfRangeAndWhatComesTooEarly) {
  HandshakePair pair = makePair();
  const auto isRefused = [&](std::string_view label, size_t size) {
    const auto result = pair.client.layer->exportKeyingMaterial(label, {}, size);
    return !result && std::get<LocalErrorCode>(result.error().code) == LocalErrorCode::INVALID_ARGUMENT;
  };
  EXPECT_TRUE(isRefused("EXPORTER-test", 32));
  pair.start();
  EXPECT_TRUE(isRefused("EXPORTER-test", 32));
  pair.exchange();
  EXPECT_FALSE(isRefused("EXPORTER-test", 32));
  EXPECT_TRUE(isRefused("EXPORTER-test", 0));
  EXPECT_TRUE(isRefused("EXPORTER-test", 256));
  EXPECT_TRUE(isRefused("", 32));
  EXPECT_TRUE(isRefused(std::string(250, 'l'), 32));
  EXPECT_FALSE(isRefused(std::string(249, 'l'), 32));
}

// ---- randomness

TEST(TlsRandomness, CanBeSeededAnewAtAnyTime) {
  EXPECT_TRUE(reseedTlsRandomness());
  HandshakePair pair = makePair();
  pair.start();
  EXPECT_TRUE(reseedTlsRandomness());
  pair.exchange();
  EXPECT_TRUE(pair.isComplete());
}

}  // namespace
}  // namespace quic
