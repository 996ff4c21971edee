#include "cpp/tls/DeterministicRand.h"

#include <gtest/gtest.h>
#include <openssl/rand.h>

#include <thread>

#include "cpp/tls/DeterministicTime.h"
#include "cpp/tls/TlsFixture.h"

namespace quic {
namespace {

using namespace test;

struct Trace {
  std::map<EncryptionLevel, ByteVector> client;
  std::map<EncryptionLevel, ByteVector> server;
  bool operator==(const Trace&) const = default;
};

Trace handshake(uint64_t seed, TestKeyType key) {
  const DeterministicRand rand(seed);
  const DeterministicTime time;
  const TestPki pki = makeTestPki(key);
  TlsServerOptions options = serverOptions();
  options.certificatePem = pki.server.certificatePem;
  options.privateKeyPem = pki.server.privateKeyPem;
  HandshakePair pair(makeClient(clientOptions()), makeServer(options));
  pair.run();
  EXPECT_TRUE(pair.isComplete());
  return {pair.client.sent, pair.server.sent};
}

TEST(DeterministicRand, RepeatsAWholeHandshakeByteForByte) {
  for (const TestKeyType key : {TestKeyType::Ed25519, TestKeyType::EcdsaP256, TestKeyType::Rsa2048}) {
    const Trace first = handshake(1, key);
    EXPECT_EQ(handshake(1, key), first);
    EXPECT_NE(handshake(2, key), first);
    Trace elsewhere;
    std::thread([&] { elsewhere = handshake(1, key); }).join();
    EXPECT_EQ(elsewhere, first);
  }
}

TEST(TestCertificates, AreTheSameBytesEachTimeButWithAnotherSeed) {
  const TestPki first = makeTestPki();
  const TestPki second = makeTestPki();
  EXPECT_EQ(first.authority.certificatePem, second.authority.certificatePem);
  EXPECT_EQ(first.server.certificatePem, second.server.certificatePem);
  EXPECT_EQ(first.client.privateKeyPem, second.client.privateKeyPem);
  EXPECT_NE(makeTestCertificate({.seed = 1}).privateKeyPem, makeTestCertificate({.seed = 2}).privateKeyPem);
}

TEST(DeterministicRand, GivesTheSameSizesWithoutASeed) {
  HandshakePair first = makePair();
  HandshakePair second = makePair();
  first.run();
  second.run();
  for (const EncryptionLevel level : {EncryptionLevel::Initial, EncryptionLevel::Handshake}) {
    EXPECT_EQ(first.client.sent[level].size(), second.client.sent[level].size());
    EXPECT_EQ(first.server.sent[level].size(), second.server.sent[level].size());
  }
  EXPECT_NE(first.client.sent, second.client.sent);
}

TEST(DeterministicRand, EndsWithItsScopeAndStaysInItsThread) {
  const auto draw = [] {
    ByteVector bytes(16);
    EXPECT_EQ(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())), 1);
    return bytes;
  };
  ByteVector inside, elsewhere;
  {
    const DeterministicRand rand(3);
    inside = draw();
    std::thread([&] { elsewhere = draw(); }).join();
    EXPECT_EQ(rand.drawn(), 16u);
  }
  EXPECT_NE(elsewhere, inside);
  EXPECT_NE(draw(), inside);
  const DeterministicRand rand(3);
  EXPECT_EQ(draw(), inside);
}

}  // namespace
}  // namespace quic
