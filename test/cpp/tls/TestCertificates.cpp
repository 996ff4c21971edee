#include "cpp/tls/TestCertificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "quic/tls/OpenSslPtr.h"

namespace quic::test {
namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "test certificate: %s\n", what);
  std::abort();
}

EvpPkeyPtr makeKey(TestKeyType type, uint64_t seed) {
  switch (type) {
    case TestKeyType::EcdsaP256: return EvpPkeyPtr(EVP_EC_gen("P-256"));
    case TestKeyType::Rsa2048: return EvpPkeyPtr(EVP_RSA_gen(2048));
    case TestKeyType::Ed25519: break;
  }
  std::array<unsigned char, 32> secret{};
  for (size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<unsigned char>(0x5a + i + (seed >> i % 8 * 8));
  return EvpPkeyPtr(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret.data(), secret.size()));
}

BioPtr memory(const std::string& text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::string contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

void addExtension(X509* certificate, X509* issuer, int id, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value);
  X509_EXTENSION_free(extension);
}

void addExtensions(X509* certificate, X509* issuer, const TestCertificateOptions& options) {
  const bool ca = options.isAuthority;
  addExtension(certificate, issuer, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  addExtension(certificate, issuer, NID_subject_key_identifier, "hash");
  if (issuer != certificate) addExtension(certificate, issuer, NID_authority_key_identifier, "keyid");
  addExtension(certificate, issuer, NID_key_usage, ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (ca) return;
  addExtension(certificate, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
  if (!options.subjectAltName.empty()) {
    addExtension(certificate, issuer, NID_subject_alt_name, options.subjectAltName.c_str());
  }
}

}  // namespace

TestCredentials makeTestCertificate(const TestCertificateOptions& options, const TestCredentials* issuer) {
  const EvpPkeyPtr key = makeKey(options.key, options.seed);
  const X509Ptr certificate(X509_new());
  X509Ptr issuerCertificate;
  EvpPkeyPtr issuerKey;
  if (issuer != nullptr) {
    issuerCertificate.reset(PEM_read_bio_X509(memory(issuer->certificatePem).get(), nullptr, nullptr, nullptr));
    issuerKey.reset(PEM_read_bio_PrivateKey(memory(issuer->privateKeyPem).get(), nullptr, nullptr, nullptr));
    require(issuerCertificate && issuerKey, "issuer");
  }
  require(key && certificate, "key");
  X509* made = certificate.get();
  X509* signer = issuerCertificate ? issuerCertificate.get() : made;
  EVP_PKEY* signingKey = issuerKey ? issuerKey.get() : key.get();

  const bool expired = options.validity == TestValidity::Expired;
  X509_set_version(made, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made), options.seed);
  ASN1_TIME_set_string_X509(X509_getm_notBefore(made), "20190101000000Z");
  ASN1_TIME_set_string_X509(X509_getm_notAfter(made), expired ? "20200101000000Z" : "20991231235959Z");
  X509_set_pubkey(made, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(options.commonName.c_str()), -1, -1, 0);
  X509_set_issuer_name(made, X509_get_subject_name(signer));
  addExtensions(made, signer, options);
  const EVP_MD* digest = EVP_PKEY_is_a(signingKey, "ED25519") == 1 ? nullptr : EVP_sha256();
  require(X509_sign(made, signingKey, digest) > 0, "signature");

  const BioPtr certificateText(BIO_new(BIO_s_mem()));
  const BioPtr keyText(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(certificateText.get(), made) == 1, "PEM");
  require(PEM_write_bio_PKCS8PrivateKey(keyText.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "PEM");
  return {contents(certificateText.get()), contents(keyText.get())};
}

TestPki makeTestPki(TestKeyType serverKey) {
  TestPki pki;
  pki.authority = makeTestCertificate({.commonName = "test authority", .seed = 100, .isAuthority = true});
  pki.server = makeTestCertificate({.key = serverKey, .seed = 101}, &pki.authority);
  pki.client = makeTestCertificate({.commonName = "client.test", .subjectAltName = "DNS:client.test", .seed = 102},
                                   &pki.authority);
  return pki;
}

}  // namespace quic::test
