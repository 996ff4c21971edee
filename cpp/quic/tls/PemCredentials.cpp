#include "quic/tls/PemCredentials.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <climits>
#include <vector>

namespace quic {
namespace {

// OpenSSL's default asks on the terminal.
int refusePassPhrase(char*, int, int, void*) { return -1; }

std::string withReason(std::string what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  if (reason != nullptr) what.append(": ").append(reason);
  ERR_clear_error();
  return what;
}

BioPtr openText(const std::string& text) {
  if (text.size() > INT_MAX) return nullptr;
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

CredentialFailure readCertificates(const std::string& pem, const char* what, std::vector<X509Ptr>& out) {
  ERR_clear_error();
  const BioPtr text = openText(pem);
  if (!text) return withReason(what);
  while (X509* certificate = PEM_read_bio_X509(text.get(), nullptr, refusePassPhrase, nullptr)) {
    out.emplace_back(certificate);
  }
  // "No start line" is how the end of the text looks.
  const unsigned long error = ERR_peek_last_error();
  const bool atEnd = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!atEnd || out.empty()) return withReason(what);
  ERR_clear_error();
  return std::nullopt;
}

}  // namespace

CredentialFailure loadCredentials(const std::string& certificatePem, const std::string& privateKeyPem,
                                  Credentials& out) {
  std::vector<X509Ptr> certificates;
  if (CredentialFailure failure = readCertificates(certificatePem, "certificate", certificates)) return failure;
  out.leaf = std::move(certificates.front());
  out.chain.reset(sk_X509_new_null());
  if (!out.chain) return withReason("certificate chain");
  for (size_t i = 1; i < certificates.size(); ++i) {
    if (sk_X509_push(out.chain.get(), certificates[i].get()) <= 0) return withReason("certificate chain");
    certificates[i].release();  // the chain owns it now
  }
  const BioPtr text = openText(privateKeyPem);
  if (!text) return withReason("private key");
  out.key.reset(PEM_read_bio_PrivateKey(text.get(), nullptr, refusePassPhrase, nullptr));
  if (!out.key || X509_check_private_key(out.leaf.get(), out.key.get()) != 1) return withReason("private key");
  return std::nullopt;
}

CredentialFailure useCertificate(SSL_CTX* context, const std::string& certificatePem,
                                 const std::string& privateKeyPem) {
  Credentials loaded;
  CredentialFailure failure = loadCredentials(certificatePem, privateKeyPem, loaded);
  if (failure) return failure;
  if (SSL_CTX_use_cert_and_key(context, loaded.leaf.get(), loaded.key.get(), loaded.chain.get(), 1) != 1) {
    return withReason("certificate");
  }
  return std::nullopt;
}

CredentialFailure trustAuthorities(SSL_CTX* context, const std::string& pem, CaUse use) {
  std::vector<X509Ptr> authorities;
  if (CredentialFailure failure = readCertificates(pem, "certificate authority", authorities)) return failure;
  for (const X509Ptr& authority : authorities) {
    const bool added = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) == 1 &&
                       (use == CaUse::TrustOnly || SSL_CTX_add_client_CA(context, authority.get()) == 1);
    if (!added) return withReason("certificate authority");
  }
  return std::nullopt;
}

}  // namespace quic
