#include "quic/tls/OpenSslHandshake.h"

#include <gtest/gtest.h>

#include "cpp/tls/TlsFixture.h"
#include "quic/QuicConstants.h"

namespace quic {
namespace {

using namespace test;

constexpr uint8_t kUnexpectedMessage = 10;
constexpr uint8_t kIllegalParameter = 47;

TEST(OpenSslHandshake, TellsWhatHappenedInOrder) {
  HandshakePair pair = makePair();
  pair.run();
  ASSERT_TRUE(pair.isComplete());
  EXPECT_EQ(namesOf(pair.client),
            (std::vector<std::string>{"write handshake", "read handshake", "parameters", "write 1rtt", "read 1rtt",
                                      "complete", "ticket", "ticket"}));
  EXPECT_EQ(namesOf(pair.server), (std::vector<std::string>{"parameters", "write handshake", "read handshake",
                                                            "write 1rtt", "read 1rtt", "complete"}));
}

// covers RFC 9001 §8.2
TEST(OpenSslHandshake, CarriesTransportParametersBothWays) {
  HandshakePair pair = makePair();
  pair.run();
  EXPECT_EQ(pair.server.all<PeerTransportParameters>().at(0).bytes, pair.client.parameters);
  EXPECT_EQ(pair.client.all<PeerTransportParameters>().at(0).bytes, pair.server.parameters);
}

TEST(OpenSslHandshake, GivesBothSidesTheSameSecrets) {
  HandshakePair pair = makePair();
  pair.run();
  const auto reads = pair.client.all<HandshakeReadSecret>();
  const auto writes = pair.server.all<HandshakeWriteSecret>();
  ASSERT_EQ(reads.size(), 2u);
  ASSERT_EQ(writes.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(reads[i].level, writes[i].level);
    EXPECT_EQ(reads[i].secret.bytes, writes[i].secret.bytes);
    EXPECT_EQ(reads[i].secret.size, 32u);
    EXPECT_EQ(reads[i].secret.suite, CipherSuite::AES_128_GCM_SHA256);
  }
}

TEST(OpenSslHandshake, ReportsAlpnAndThePeerCertificate) {
  HandshakePair pair = makePair();
  pair.run();
  const HandshakeComplete client = pair.client.all<HandshakeComplete>().at(0);
  const HandshakeComplete server = pair.server.all<HandshakeComplete>().at(0);
  EXPECT_EQ(client.alpn, "echo");
  EXPECT_EQ(server.alpn, "echo");
  ASSERT_FALSE(client.peerCertificate.empty());
  EXPECT_EQ(client.peerCertificate[0], 0x30);  // a DER sequence
  EXPECT_TRUE(server.peerCertificate.empty());
}

TEST(OpenSslHandshake, FitsTheClientHelloInOneInitialPacket) {
  HandshakePair pair = makePair();
  pair.start();
  EXPECT_LT(pair.client.sent[EncryptionLevel::Initial].size(), 400u);
}

// row T-31
TEST(OpenSslHandshake, TakesFragmentsOfAnySize) {
  for (const size_t fragment : {1, 7, 100}) {
    HandshakePair pair = makePair();
    pair.fragment = fragment;
    pair.run();
    EXPECT_TRUE(pair.isComplete()) << fragment;
  }
}

class SuiteNegotiation : public ::testing::TestWithParam<std::pair<const char*, CipherSuite>> {};

TEST_P(SuiteNegotiation, FollowsWhatTheClientCanDo) {
  ForeignPeer client(Role::Client);
  ASSERT_EQ(SSL_CTX_set_ciphersuites(client.context.get(), GetParam().first), 1);
  HandshakePair pair(client.make(), makeServer(serverOptions()));
  pair.run();
  ASSERT_TRUE(pair.isComplete());
  const TrafficSecret secret = pair.server.all<HandshakeWriteSecret>().at(0).secret;
  EXPECT_EQ(secret.suite, GetParam().second);
  EXPECT_EQ(secret.size, GetParam().second == CipherSuite::AES_256_GCM_SHA384 ? 48u : 32u);
}

INSTANTIATE_TEST_SUITE_P(
    Suites, SuiteNegotiation,
    ::testing::Values(std::pair{"TLS_AES_128_GCM_SHA256", CipherSuite::AES_128_GCM_SHA256},
                      std::pair{"TLS_AES_256_GCM_SHA384", CipherSuite::AES_256_GCM_SHA384},
                      std::pair{"TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", CipherSuite::AES_128_GCM_SHA256},
                      std::pair{"TLS_CHACHA20_POLY1305_SHA256", CipherSuite::CHACHA20_POLY1305_SHA256},
                      std::pair{"TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
                                CipherSuite::CHACHA20_POLY1305_SHA256}));

class KeyTypes : public ::testing::TestWithParam<TestKeyType> {};

TEST_P(KeyTypes, CanBeTheServersKey) {
  const TestPki pki = makeTestPki(GetParam());
  TlsServerOptions options = serverOptions();
  options.certificatePem = pki.server.certificatePem;
  options.privateKeyPem = pki.server.privateKeyPem;
  HandshakePair pair(makeClient(clientOptions()), makeServer(options));
  pair.run();
  EXPECT_TRUE(pair.isComplete()) << pair.client.layer->errorDetail() << pair.server.layer->errorDetail();
}

INSTANTIATE_TEST_SUITE_P(Keys, KeyTypes,
                         ::testing::Values(TestKeyType::Ed25519, TestKeyType::EcdsaP256, TestKeyType::Rsa2048));

// ---- pausing

TEST(OpenSslHandshake, PausesTheServerUntilItsParametersAreKnown) {
  HandshakePair pair = makePair();
  pair.start();
  HandshakeLayer& server = *pair.server.layer;
  ASSERT_TRUE(server.onCryptoData(EncryptionLevel::Initial, pair.client.outbox.at(0).second));
  const auto event = server.pollEvent();
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::holds_alternative<PeerTransportParameters>(*event));
  EXPECT_FALSE(server.pollEvent());
  ASSERT_TRUE(server.onCryptoData(EncryptionLevel::Initial, {}));
  EXPECT_FALSE(server.pollEvent());

  pair.client.outbox.clear();
  ASSERT_TRUE(server.resume(pair.server.parameters));
  pair.server.drain(true);
  pair.exchange();
  EXPECT_TRUE(pair.client.isComplete());
  EXPECT_EQ(pair.client.all<PeerTransportParameters>().at(0).bytes, pair.server.parameters);
}

TEST(OpenSslHandshake, BoundsWhatArrivesDuringThePause) {
  HandshakePair pair = makePair();
  pair.start();
  HandshakeLayer& server = *pair.server.layer;
  ASSERT_TRUE(server.onCryptoData(EncryptionLevel::Initial, pair.client.outbox.at(0).second));
  const ByteVector piece(1024, 0);
  size_t accepted = 0;
  Result<> result(Unit{});
  while ((result = server.onCryptoData(EncryptionLevel::Handshake, piece))) accepted += piece.size();
  EXPECT_EQ(accepted, kMaxCryptoBuffer);
  EXPECT_EQ(std::get<TransportErrorCode>(result.error().code), TransportErrorCode::CRYPTO_BUFFER_EXCEEDED);
}

TEST(OpenSslHandshake, RefusesVerbsOutOfOrderAndGoesOn) {
  HandshakePair pair = makePair();
  const ByteVector byte{1};
  EXPECT_FALSE(pair.client.layer->resume({}));
  EXPECT_FALSE(pair.client.layer->onCryptoData(EncryptionLevel::Initial, byte));
  EXPECT_FALSE(pair.server.layer->resume({}));
  pair.start();
  EXPECT_FALSE(pair.client.layer->start({}));
  EXPECT_FALSE(pair.client.layer->resume({}));
  pair.exchange();
  EXPECT_TRUE(pair.isComplete());
  EXPECT_FALSE(pair.server.layer->resume({}));
}

// ---- HelloRetryRequest

ForeignPeer clientThatNeedsARetry() {
  ForeignPeer client(Role::Client);
  EXPECT_EQ(SSL_CTX_set1_groups_list(client.context.get(), "P-521:P-256"), 1);  // the server takes no P-521
  return client;
}

// covers RFC 9001 §4.7
TEST(OpenSslHandshake, CompletesAfterAHelloRetryRequest) {
  const ForeignPeer client = clientThatNeedsARetry();
  for (const size_t fragment : {SIZE_MAX, size_t{1}}) {
    HandshakePair pair(client.make(), makeServer(serverOptions()));
    pair.fragment = fragment;
    int hellos = 0;
    pair.tamper = [&](bool toServer, EncryptionLevel& level, ByteVector&) {
      hellos += toServer && level == EncryptionLevel::Initial ? 1 : 0;
    };
    pair.run();
    EXPECT_TRUE(pair.isComplete());
    EXPECT_EQ(hellos, 2);
    EXPECT_EQ(pair.server.all<PeerTransportParameters>().size(), 1u);
  }
}

TEST(OpenSslHandshake, RefusesASecondClientHelloWithOtherParameters) {
  const ForeignPeer client = clientThatNeedsARetry();
  HandshakePair pair(client.make(), makeServer(serverOptions()));
  pair.client.parameters = {0xde, 0xad, 0xbe, 0xef};
  int hellos = 0;
  pair.tamper = [&](bool toServer, EncryptionLevel&, ByteVector& bytes) {
    if (!toServer || ++hellos != 2) return;
    const auto at =
        std::search(bytes.begin(), bytes.end(), pair.client.parameters.begin(), pair.client.parameters.end());
    ASSERT_NE(at, bytes.end());
    *at ^= 1;
  };
  pair.run();
  EXPECT_EQ(pair.server.errorCode(), alertCode(kIllegalParameter));
}

// ---- errors

TEST(OpenSslHandshake, RepeatsItsErrorForEver) {
  HandshakePair pair = makePair();
  pair.server.note(pair.server.layer->start({}));
  const ByteVector garbage(200, 0x5a);
  pair.server.give(EncryptionLevel::Initial, garbage, SIZE_MAX, true);
  ASSERT_EQ(pair.server.errorCode(), alertCode(kUnexpectedMessage));
  EXPECT_FALSE(pair.server.layer->errorDetail().empty());
  const Result<> again = pair.server.layer->onCryptoData(EncryptionLevel::Initial, garbage);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, pair.server.error->code);
  EXPECT_FALSE(pair.server.layer->resume({}));
}

TEST(OpenSslHandshake, WritesAKeyLogOnlyWhenAsked) {
  TlsServerOptions server = serverOptions();
  TlsClientOptions client = clientOptions();
  client.keyLog = true;
  HandshakePair pair(makeClient(client), makeServer(server));
  pair.run();
  ASSERT_TRUE(pair.isComplete());
  EXPECT_TRUE(pair.server.all<KeyLogLine>().empty());
  std::vector<std::string> labels;
  for (const KeyLogLine& line : pair.client.all<KeyLogLine>())
    labels.push_back(line.line.substr(0, line.line.find(' ')));
  std::sort(labels.begin(), labels.end());
  EXPECT_EQ(labels,
            (std::vector<std::string>{"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "EXPORTER_SECRET",
                                      "SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"}));
  server.keyLog = true;
  HandshakePair logged(makeClient(clientOptions()), makeServer(server));
  logged.run();
  EXPECT_EQ(logged.server.all<KeyLogLine>().size(), 5u);
  EXPECT_TRUE(logged.client.all<KeyLogLine>().empty());
}

}  // namespace
}  // namespace quic
