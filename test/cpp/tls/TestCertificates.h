// Certificates for tests and simulation, made in memory. An Ed25519 key comes from a number, its signatures are
// deterministic and the validity is fixed, so the same options give the same bytes in each run.
// RSA and ECDSA keys and signatures are random (see DeterministicRand).
#pragma once

#include <cstdint>
#include <string>

namespace quic::test {

enum class TestKeyType { Ed25519, EcdsaP256, Rsa2048 };
enum class TestValidity { UntilTheYear2099, Expired };

struct TestCertificateOptions {
  std::string commonName = "server.test";
  std::string subjectAltName = "DNS:server.test,DNS:localhost,IP:127.0.0.1,IP:::1";  // may be empty
  TestKeyType key = TestKeyType::Ed25519;
  uint64_t seed = 1;  // of an Ed25519 key; also the serial number
  bool isAuthority = false;
  TestValidity validity = TestValidity::UntilTheYear2099;
};

struct TestCredentials {
  std::string certificatePem;
  std::string privateKeyPem;
};

/// Signed by `issuer`, or by itself. Aborts when OpenSSL refuses: then the test is wrong.
TestCredentials makeTestCertificate(const TestCertificateOptions& options, const TestCredentials* issuer = nullptr);

/// What most tests need: an authority (always Ed25519), a server "server.test" and a client "client.test" below it.
struct TestPki {
  TestCredentials authority;
  TestCredentials server;
  TestCredentials client;
};
TestPki makeTestPki(TestKeyType serverKey = TestKeyType::Ed25519);

}  // namespace quic::test
