// Names: which certificate a server shows to whom.
#include "quic/tls/ServerIdentities.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "cpp/tls/TlsFixture.h"
#include "quic/tls/HelloMessages.h"

namespace quic {
namespace {

using namespace test;

constexpr uint16_t kServerName = 0;  // RFC 6066 §3
constexpr uint8_t kMissingExtension = 109;
constexpr uint8_t kUnrecognizedName = 112;

TlsIdentity identityFor(std::vector<std::string> names, uint64_t seed, TestKeyType key = TestKeyType::Ed25519) {
  std::string alternatives;
  for (const std::string& name : names) alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
  const TestCredentials made =
      makeTestCertificate({.subjectAltName = alternatives, .key = key, .seed = seed}, &sharedPki().authority);
  return {std::move(names), made.certificatePem, made.privateKeyPem};
}

ByteVector derOf(const std::string& pem) {
  const BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const X509Ptr certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  ByteVector der(static_cast<size_t>(i2d_X509(certificate.get(), nullptr)));
  unsigned char* out = der.data();
  i2d_X509(certificate.get(), &out);
  return der;
}

TEST(ServerIdentities, ShowTheCertificateOfTheNameElseTheDefault) {
  TlsServerOptions options = serverOptions();
  options.identities = {identityFor({"one.test", "www.one.test"}, 201), identityFor({"*.one.test"}, 202),
                        identityFor({"Two.TEST"}, 203)};
  const ByteVector one = derOf(options.identities[0].certificatePem);
  const ByteVector wild = derOf(options.identities[1].certificatePem);
  const ByteVector two = derOf(options.identities[2].certificatePem);
  const ByteVector standard = derOf(options.certificatePem);
  TlsClientOptions careless = clientOptions();
  careless.verifyPeer = false;
  const TlsPeers peers(options, careless);
  const std::vector<std::pair<std::string, ByteVector>> cases{
      {"one.test", one},          {"www.one.test", one},      {"WWW.One.Test", one},
      {"a.one.test", wild},       {"a.b.one.test", standard}, {"two.test", two},
      {"www.two.test", standard}, {"server.test", standard},  {"", standard},
      {"127.0.0.1", standard},    {"notone.test", standard},  {"test", standard}};
  for (const auto& [name, certificate] : cases) {
    HandshakePair pair = peers.pair(name);
    pair.run();
    ASSERT_TRUE(pair.isComplete()) << name << pair.server.layer->errorDetail();
    EXPECT_EQ(pair.client.all<HandshakeComplete>()[0].peerCertificate, certificate) << name;
    const std::string reported = name == "127.0.0.1" ? "" : inLowerCase(name);
    EXPECT_EQ(pair.server.all<HandshakeComplete>()[0].serverName, reported);
    EXPECT_EQ(pair.client.all<HandshakeComplete>()[0].serverName, "");
  }
}

// RFC 6066 §3
TEST(ServerIdentities, AcknowledgeANameThatWasOfUse) {
  TlsServerOptions options = serverOptions();
  options.identities = {identityFor({"one.test"}, 201)};
  const TlsPeers peers(options);
  for (const auto& [name, isAcknowledged] : {std::pair{"one.test", true}, std::pair{"server.test", false}}) {
    HandshakePair pair = peers.pair(name);
    pair.run();
    ASSERT_TRUE(pair.isComplete());
    const auto types = extensionsOf(pair.server.sent[EncryptionLevel::Handshake]);
    EXPECT_EQ(std::find(types.begin(), types.end(), kServerName) != types.end(), isAcknowledged) << name;
  }
}

TEST(ServerIdentities, RefuseStrangersWhenThereIsNoDefault) {
  TlsServerOptions options = serverOptions();
  options.certificatePem.clear();
  options.privateKeyPem.clear();
  options.identities = {identityFor({"one.test"}, 201)};
  TlsClientOptions careless = clientOptions();
  careless.verifyPeer = false;
  const TlsPeers peers(options, careless);
  HandshakePair known = peers.pair("one.test");
  known.run();
  EXPECT_TRUE(known.isComplete());
  for (const auto& [name, alert] : {std::pair{"two.test", kUnrecognizedName}, std::pair{"", kMissingExtension}}) {
    HandshakePair pair = peers.pair(name);
    pair.run();
    EXPECT_EQ(pair.server.errorCode(), alertCode(alert)) << name;
    EXPECT_TRUE(pair.server.events.empty());
  }
}

TEST(ServerIdentities, OfferSeveralKeysForOneName) {
  TlsServerOptions options = serverOptions();
  options.identities = {identityFor({"one.test"}, 201, TestKeyType::Rsa2048),
                        identityFor({"one.test"}, 202, TestKeyType::EcdsaP256)};
  for (const auto& [algorithms, index] :
       {std::pair{"rsa_pss_rsae_sha256", 0}, std::pair{"ecdsa_secp256r1_sha256", 1}}) {
    ForeignPeer client(Role::Client);
    ASSERT_EQ(SSL_CTX_set1_sigalgs_list(client.context.get(), algorithms), 1);
    SSL_CTX_set_verify(client.context.get(), SSL_VERIFY_NONE, nullptr);
    HandshakeSettings settings{Role::Client, alpnList("echo"), "one.test", {}, {}};
    HandshakePair pair(std::make_unique<OpenSslHandshake>(client.context.get(), settings), makeServer(options));
    pair.run();
    ASSERT_TRUE(pair.isComplete()) << pair.server.layer->errorDetail();
    EXPECT_EQ(pair.client.all<HandshakeComplete>()[0].peerCertificate,
              derOf(options.identities[static_cast<size_t>(index)].certificatePem));
  }
}

TEST(ServerIdentities, WorkWithSessionsOfTheirOwnNames) {
  TlsServerOptions options = serverOptions();
  options.identities = {identityFor({"one.test"}, 201)};
  const TlsPeers peers(options);
  HandshakePair pair = peers.resuming(peers.session("one.test"), false, "one.test");
  pair.run();
  EXPECT_TRUE(pair.isResumed());
  EXPECT_EQ(pair.server.all<HandshakeComplete>()[0].serverName, "one.test");
}

TEST(ServerIdentities, RefuseNamesThatNobodyCanAskFor) {
  const TlsIdentity good = identityFor({"one.test"}, 201);
  ServerIdentities identities(true);
  EXPECT_FALSE(identities.add(good));
  EXPECT_TRUE(identities.has("one.test"));
  const std::vector<std::vector<std::string>> lists{{},
                                                    {""},
                                                    {"."},
                                                    {"*"},
                                                    {"*."},
                                                    {"a.*.test"},
                                                    {"*one.t"},
                                                    {".one.test"},
                                                    {"one.test."},
                                                    {"one.test", ""},
                                                    {std::string(254, 'a')},
                                                    {std::string("a\0b", 3)}};
  for (const auto& names : lists) {
    TlsIdentity bad = good;
    bad.serverNames = names;
    EXPECT_TRUE(identities.add(bad));
  }
  TlsServerOptions options = serverOptions();
  options.identities = {{{"one.test"}, good.certificatePem, sharedPki().server.privateKeyPem}};
  std::string detail;
  const auto made = makeTlsServerContext(options, &detail);
  ASSERT_FALSE(made);
  EXPECT_EQ(std::get<LocalErrorCode>(made.error().code), LocalErrorCode::INVALID_CREDENTIALS);
  EXPECT_EQ(detail.rfind("private key", 0), 0u) << detail;
}

}  // namespace
}  // namespace quic
