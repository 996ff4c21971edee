// Certificates and keys from PEM text into OpenSSL's context. Nothing is read from files, no pass phrase is ever asked for.
// A returned string is the cause of the failure in words; nullopt is success.
#pragma once

#include <optional>
#include <string>

#include "quic/tls/OpenSslPtr.h"

namespace quic {

using CredentialFailure = std::optional<std::string>;

struct Credentials {
  X509Ptr leaf;
  X509StackPtr chain;  // without the leaf
  EvpPkeyPtr key;
};
/// Leaf first, then the chain; and the private key of the leaf.
CredentialFailure loadCredentials(const std::string& certificatePem, const std::string& privateKeyPem,
                                  Credentials& out);
CredentialFailure useCertificate(SSL_CTX* context, const std::string& certificatePem, const std::string& privateKeyPem);
enum class CaUse { TrustOnly, TrustAndNameToClients };
/// Adds every certificate of `pem` to those that are trusted.
CredentialFailure trustAuthorities(SSL_CTX* context, const std::string& pem, CaUse use);

}  // namespace quic
