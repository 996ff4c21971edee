#include "quic/tls/ServerIdentities.h"

#include "quic/tls/HelloMessages.h"

namespace quic {
namespace {

constexpr size_t kMaxNameSize = 253;  // RFC 1035 §2.3.4, as text

/// A host name, or a wildcard for its first label.
bool isUsableName(const std::string& name) {
  const bool isWildcard = name.rfind("*.", 0) == 0;
  const std::string rest = isWildcard ? name.substr(2) : name;
  return !rest.empty() && rest.size() <= kMaxNameSize && rest.front() != '.' && rest.back() != '.' &&
         rest.find('*') == std::string::npos && rest.find('\0') == std::string::npos;
}

}  // namespace

CredentialFailure ServerIdentities::add(const TlsIdentity& identity) {
  if (identity.serverNames.empty()) return "an identity needs a server name";
  for (const std::string& name : identity.serverNames) {
    if (!isUsableName(name)) return "server name: it cannot be matched: " + name;
  }
  Credentials loaded;
  CredentialFailure failure = loadCredentials(identity.certificatePem, identity.privateKeyPem, loaded);
  if (failure) return failure;
  for (const std::string& name : identity.serverNames) byName_[inLowerCase(name)].push_back(credentials_.size());
  credentials_.push_back(std::move(loaded));
  return std::nullopt;
}

bool ServerIdentities::use(SSL* ssl, const std::string& name) const {
  const std::vector<size_t>* found = find(name);
  if (found == nullptr) return hasDefault_;
  SSL_certs_clear(ssl);  // or the default would be offered beside it
  for (const size_t index : *found) {
    const Credentials& one = credentials_[index];
    if (SSL_use_cert_and_key(ssl, one.leaf.get(), one.key.get(), one.chain.get(), 1) != 1) return false;
  }
  return true;
}

const std::vector<size_t>* ServerIdentities::find(const std::string& name) const {
  if (name.empty()) return nullptr;
  auto found = byName_.find(name);
  const size_t dot = name.find('.');
  if (found == byName_.end() && dot != 0 && dot != std::string::npos)
    found = byName_.find(name.substr(dot).insert(0, 1, '*'));
  return found == byName_.end() ? nullptr : &found->second;
}

}  // namespace quic
