// Which certificate for which name (RFC 6066 §3, RFC 8446 §4.4.2.2). A name of its own comes before a wildcard; for all other
// names there may be a default, which lies in the SSL_CTX and is not kept here. Immutable once made: threads may share it.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "quic/tls/OpenSslTls.h"
#include "quic/tls/PemCredentials.h"

namespace quic {

class ServerIdentities {
 public:
  explicit ServerIdentities(bool hasDefault) : hasDefault_(hasDefault) {}

  /// Nullopt, or why it cannot be used.
  CredentialFailure add(const TlsIdentity& identity);

  [[nodiscard]] bool hasDefault() const { return hasDefault_; }
  /// `name` in lower case.
  [[nodiscard]] bool has(const std::string& name) const { return find(name) != nullptr; }
  /// Gives a connection the certificates of the name instead of the default. False when OpenSSL refuses.
  [[nodiscard]] bool use(SSL* ssl, const std::string& name) const;

 private:
  [[nodiscard]] const std::vector<size_t>* find(const std::string& name) const;

  bool hasDefault_;
  std::vector<Credentials> credentials_;
  std::unordered_map<std::string, std::vector<size_t>> byName_;  // "a.test" or "*.test" → credentials_
};

}  // namespace quic
