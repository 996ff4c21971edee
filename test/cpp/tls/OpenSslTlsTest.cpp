// Credentials: which are taken, and whom they let in.
#include "quic/tls/OpenSslTls.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "cpp/tls/TlsFixture.h"

namespace quic {
namespace {

using namespace test;

constexpr uint8_t kBadCertificate = 42;
constexpr uint8_t kCertificateExpired = 45;
constexpr uint8_t kUnknownCa = 48;
constexpr uint8_t kCertificateRequired = 116;

struct Verification {
  const char* what;
  TestCertificateOptions certificate;
  bool signedByTheAuthority;
  const char* connectTo;
  uint8_t alert;       // 0: accepted
  const char* detail;  // of errorDetail()
};

class ServerVerification : public ::testing::TestWithParam<Verification> {};

// covers RFC 9001 §4.4
TEST_P(ServerVerification, DecidesAsItShould) {
  const Verification& expected = GetParam();
  const TestCredentials server =
      makeTestCertificate(expected.certificate, expected.signedByTheAuthority ? &sharedPki().authority : nullptr);
  TlsServerOptions options = serverOptions();
  options.certificatePem = server.certificatePem;
  options.privateKeyPem = server.privateKeyPem;

  HandshakePair pair(makeClient(clientOptions(), expected.connectTo), makeServer(options));
  pair.run();
  EXPECT_EQ(pair.isComplete(), expected.alert == 0);
  if (expected.alert != 0) {
    EXPECT_EQ(pair.client.errorCode(), alertCode(expected.alert));
  }
  EXPECT_EQ(pair.client.layer->errorDetail(), expected.detail);

  TlsClientOptions careless = clientOptions();
  careless.verifyPeer = false;
  HandshakePair unverified(makeClient(careless, expected.connectTo), makeServer(options));
  unverified.run();
  EXPECT_TRUE(unverified.isComplete());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ServerVerification,
    ::testing::Values(
        Verification{"Name", {}, true, "server.test", 0, ""},
        Verification{"NameWithDot", {}, true, "server.test.", 0, ""},
        Verification{"NameInOtherCase", {}, true, "Server.TEST", 0, ""},
        Verification{"V4Address", {}, true, "127.0.0.1", 0, ""}, Verification{"V6Address", {}, true, "::1", 0, ""},
        Verification{"V6AddressInFull", {}, true, "0:0:0:0:0:0:0:1", 0, ""},
        Verification{"WrongName", {}, true, "other.test", kBadCertificate, "hostname mismatch"},
        Verification{"Subdomain", {}, true, "a.server.test", kBadCertificate, "hostname mismatch"},
        Verification{"WrongAddress", {}, true, "127.0.0.2", kBadCertificate, "IP address mismatch"},
        Verification{"Wildcard", {.subjectAltName = "DNS:*.server.test"}, true, "a.server.test", 0, ""},
        Verification{"WildcardOfTwoLabels",
                     {.subjectAltName = "DNS:*.server.test"},
                     true,
                     "a.b.server.test",
                     kBadCertificate,
                     "hostname mismatch"},
        Verification{"PartialWildcard",
                     {.subjectAltName = "DNS:a*.server.test"},
                     true,
                     "ab.server.test",
                     kBadCertificate,
                     "hostname mismatch"},
        Verification{
            "NameInTheSubjectOnly", {.subjectAltName = ""}, true, "server.test", kBadCertificate, "hostname mismatch"},
        Verification{"AddressAsAName",
                     {.subjectAltName = "DNS:127.0.0.1"},
                     true,
                     "127.0.0.1",
                     kBadCertificate,
                     "IP address mismatch"},
        Verification{"SelfSigned", {}, false, "server.test", kUnknownCa, "self-signed certificate"},
        Verification{"Expired",
                     {.validity = TestValidity::Expired},
                     true,
                     "server.test",
                     kCertificateExpired,
                     "certificate has expired"}),
    [](const auto& info) { return info.param.what; });

TEST(ServerVerificationByCa, RefusesAServerOfAnUnknownAuthority) {
  const TestCredentials stranger = makeTestCertificate({.commonName = "stranger", .seed = 7, .isAuthority = true});
  TlsClientOptions options = clientOptions();
  options.caPem = {stranger.certificatePem};
  HandshakePair pair(makeClient(options), makeServer(serverOptions()));
  pair.run();
  EXPECT_EQ(pair.client.errorCode(), alertCode(kUnknownCa));
  EXPECT_EQ(pair.client.layer->errorDetail(), "unable to get local issuer certificate");
}

TEST(ServerVerificationByCa, FallsBackOnTheSystemsStore) {
  TlsClientOptions options = clientOptions();
  options.caPem.clear();
  HandshakePair pair(makeClient(options), makeServer(serverOptions()));
  pair.run();
  EXPECT_EQ(pair.client.errorCode(), alertCode(kUnknownCa));
}

TEST(ServerVerificationByCa, TakesSeveralAuthoritiesAndChains) {
  const TestCredentials stranger = makeTestCertificate({.commonName = "stranger", .seed = 7, .isAuthority = true});
  const TestCredentials middle =
      makeTestCertificate({.commonName = "middle", .seed = 8, .isAuthority = true}, &sharedPki().authority);
  const TestCredentials leaf = makeTestCertificate({.seed = 9}, &middle);
  TlsServerOptions server = serverOptions();
  server.certificatePem = leaf.certificatePem + middle.certificatePem;
  server.privateKeyPem = leaf.privateKeyPem;
  const std::string& root = sharedPki().authority.certificatePem;
  const std::vector<std::vector<std::string>> stores{{stranger.certificatePem + root}, {stranger.certificatePem, root}};
  for (const auto& store : stores) {
    TlsClientOptions options = clientOptions();
    options.caPem = store;
    HandshakePair pair(makeClient(options), makeServer(server));
    pair.run();
    EXPECT_TRUE(pair.isComplete()) << pair.client.layer->errorDetail();
  }
}

TEST(ServerName, MustBeGivenToVerifyAndCannotHideBytes) {
  for (const std::string& name : {std::string(), std::string("."), std::string("server.test\0.evil", 17)}) {
    HandshakePair pair(makeClient(clientOptions(), name), makeServer(serverOptions()));
    pair.start();
    ASSERT_TRUE(pair.client.error) << name;
    EXPECT_EQ(std::get<LocalErrorCode>(pair.client.error->code), LocalErrorCode::INVALID_ARGUMENT);
    EXPECT_TRUE(pair.client.outbox.empty());
  }
  TlsClientOptions careless = clientOptions();
  careless.verifyPeer = false;
  HandshakePair pair(makeClient(careless, ""), makeServer(serverOptions()));
  pair.run();
  EXPECT_TRUE(pair.isComplete());
}

TEST(ServerName, TravelsAsSniUnlessItIsAnAddress) {
  const auto helloContains = [](const std::string& name) {
    HandshakePair pair(makeClient(clientOptions(), name), makeServer(serverOptions()));
    pair.start();
    return asText(pair.client.sent[EncryptionLevel::Initial]).find(name) != std::string_view::npos;
  };
  EXPECT_TRUE(helloContains("server.test"));
  EXPECT_FALSE(helloContains("127.0.0.1"));
  EXPECT_FALSE(helloContains("::1"));
}

// ---- client certificates

TlsServerOptions demandingServer() {
  TlsServerOptions options = serverOptions();
  options.clientCaPem = sharedPki().authority.certificatePem;
  return options;
}

TlsClientOptions clientWith(const TestCredentials& credentials) {
  TlsClientOptions options = clientOptions();
  options.certificatePem = credentials.certificatePem;
  options.privateKeyPem = credentials.privateKeyPem;
  return options;
}

TEST(ClientCertificate, IsAcceptedAndReported) {
  HandshakePair pair(makeClient(clientWith(sharedPki().client)), makeServer(demandingServer()));
  pair.run();
  ASSERT_TRUE(pair.isComplete()) << pair.server.layer->errorDetail();
  EXPECT_FALSE(pair.server.all<HandshakeComplete>().at(0).peerCertificate.empty());
}

TEST(ClientCertificate, IsRequiredWhenAskedFor) {
  HandshakePair pair(makeClient(clientOptions()), makeServer(demandingServer()));
  pair.run();
  EXPECT_EQ(pair.server.errorCode(), alertCode(kCertificateRequired));
  EXPECT_FALSE(pair.server.isComplete());
}

TEST(ClientCertificate, OfAStrangerIsRefused) {
  const TestCredentials stranger = makeTestCertificate({.commonName = "client.test", .seed = 55});
  HandshakePair pair(makeClient(clientWith(stranger)), makeServer(demandingServer()));
  pair.run();
  EXPECT_EQ(pair.server.errorCode(), alertCode(kUnknownCa));
  EXPECT_EQ(pair.server.layer->errorDetail(), "self-signed certificate");
  EXPECT_FALSE(pair.server.isComplete());
}

TEST(ClientCertificate, IsNotSentToAServerThatDoesNotAsk) {
  HandshakePair pair(makeClient(clientWith(sharedPki().client)), makeServer(serverOptions()));
  pair.run();
  ASSERT_TRUE(pair.isComplete());
  EXPECT_TRUE(pair.server.all<HandshakeComplete>().at(0).peerCertificate.empty());
}

// ---- what cannot be used at all

std::string damaged(std::string pem) {
  pem[pem.size() / 2] = '#';
  return pem;
}

std::string encryptedKey() {
  const EvpPkeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const BioPtr text(BIO_new(BIO_s_mem()));
  const std::string phrase = "secret";
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(text.get(), key.get(), EVP_aes_128_cbc(), phrase.data(),
                                          static_cast<int>(phrase.size()), nullptr, nullptr),
            1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<size_t>(size)};
}

void expectRefused(const TlsServerOptions& options, const char* beginning) {
  std::string detail;
  const auto context = makeTlsServerContext(options, &detail);
  ASSERT_FALSE(context) << beginning;
  EXPECT_EQ(std::get<LocalErrorCode>(context.error().code), LocalErrorCode::INVALID_CREDENTIALS);
  EXPECT_EQ(detail.rfind(beginning, 0), 0u) << detail;
  EXPECT_GT(detail.size(), std::string_view(beginning).size()) << "no cause: " << detail;
}

void expectRefused(const TlsClientOptions& options, const char* beginning) {
  std::string detail;
  const auto context = makeTlsClientContext(options, &detail);
  ASSERT_FALSE(context) << beginning;
  EXPECT_EQ(std::get<LocalErrorCode>(context.error().code), LocalErrorCode::INVALID_CREDENTIALS);
  EXPECT_EQ(detail.rfind(beginning, 0), 0u) << detail;
}

TEST(TlsServerContext, RefusesCredentialsThatCannotServe) {
  const TlsServerOptions good = serverOptions();
  for (const std::string& pem : {std::string(), std::string("nonsense"), damaged(good.certificatePem),
                                 good.certificatePem + damaged(good.certificatePem), good.privateKeyPem}) {
    TlsServerOptions options = good;
    options.certificatePem = pem;
    expectRefused(options, "certificate: ");
  }
  for (const std::string& pem : {std::string(), std::string("nonsense"), damaged(good.privateKeyPem),
                                 good.certificatePem, sharedPki().client.privateKeyPem, encryptedKey()}) {
    TlsServerOptions options = good;
    options.privateKeyPem = pem;
    expectRefused(options, "private key: ");
  }
  TlsServerOptions options = good;
  options.clientCaPem = "nonsense";
  expectRefused(options, "certificate authority: ");
}

TEST(TlsClientContext, RefusesCredentialsThatCannotServe) {
  const TestPki& pki = sharedPki();
  TlsClientOptions options = clientOptions();
  options.caPem.push_back("nonsense");
  expectRefused(options, "certificate authority: ");
  options = clientOptions();
  options.certificatePem = pki.client.certificatePem;
  expectRefused(options, "private key: ");
  options.certificatePem.clear();
  options.privateKeyPem = pki.client.privateKeyPem;
  expectRefused(options, "certificate: ");
  options.certificatePem = pki.server.certificatePem;
  expectRefused(options, "private key: key values mismatch");
}

TEST(TlsContexts, RefuseProtocolNamesThatCannotTravel) {
  const std::vector<std::vector<std::string>> lists{
      {}, {""}, {"echo", ""}, {std::string(256, 'a')}, std::vector<std::string>(300, std::string(255, 'a'))};
  for (const auto& names : lists) {
    TlsServerOptions server = serverOptions();
    TlsClientOptions client = clientOptions();
    server.alpn = client.alpn = names;
    EXPECT_FALSE(makeTlsServerContext(server, nullptr));
    EXPECT_FALSE(makeTlsClientContext(client, nullptr));
  }
}

TEST(TlsContexts, MayDieBeforeTheirHandshakes) {
  HandshakePair pair = makePair();  // its contexts are gone by now
  pair.run();
  EXPECT_TRUE(pair.isComplete());
}

}  // namespace
}  // namespace quic
