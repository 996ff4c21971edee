// Contexts: what all handshakes of one server or one kind of client have in common.
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <algorithm>

#include "quic/QuicConstants.h"
#include "quic/tls/HelloMessages.h"
#include "quic/tls/OpenSslHandshake.h"
#include "quic/tls/OpenSslTls.h"
#include "quic/tls/PemCredentials.h"

namespace quic {
namespace {

// AES-128-GCM first: its secrets are the smallest and it is the fastest where the processor has AES.
constexpr const char* kCipherSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// A plain list. OpenSSL's default one makes a server ask clients of this list for another key share (HelloRetryRequest), and
// makes a client send two shares, which do not fit one Initial packet.
constexpr const char* kGroups = "X25519:P-256:P-384:X25519MLKEM768";

constexpr size_t kMaxAlpnNameSize = 255;    // RFC 7301 §3.1
constexpr size_t kMaxAlpnListSize = 65533;  // RFC 7301 §3.1: a 16-bit length in a 16-bit length

class OpenSslServerContext final : public TlsServerContext {
 public:
  OpenSslServerContext(SslCtxPtr context, HandshakeSettings settings)
      : context_(std::move(context)), settings_(std::move(settings)) {}
  [[nodiscard]] std::unique_ptr<HandshakeLayer> makeHandshake() const override {
    return std::make_unique<OpenSslHandshake>(context_.get(), settings_);
  }
  Result<> setTicketKeys(const std::vector<ByteVector>& keys) override {
    if (settings_.shared->sessions.setTicketKeys(keys)) return Unit{};
    return fail(LocalErrorCode::INVALID_ARGUMENT, "ticket keys cannot be used");
  }

 private:
  SslCtxPtr context_;
  HandshakeSettings settings_;
};

class OpenSslClientContext final : public TlsClientContext {
 public:
  OpenSslClientContext(SslCtxPtr context, HandshakeSettings settings)
      : context_(std::move(context)), settings_(std::move(settings)) {}
  [[nodiscard]] std::unique_ptr<HandshakeLayer> makeHandshake(const std::string& serverName) const override {
    HandshakeSettings settings = settings_;
    settings.serverName = serverName;
    return std::make_unique<OpenSslHandshake>(context_.get(), std::move(settings));
  }

 private:
  SslCtxPtr context_;
  HandshakeSettings settings_;
};

/// Empty when a name, or the list, cannot stand in the extension.
std::string encodeAlpn(const std::vector<std::string>& names) {
  std::string encoded;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > kMaxAlpnNameSize) return {};
    encoded.push_back(static_cast<char>(name.size()));
    encoded.append(name);
  }
  return encoded.size() > kMaxAlpnListSize ? std::string() : encoded;
}

std::string suiteList(const std::vector<CipherSuite>& suites) {
  std::string list;
  for (const CipherSuite suite : suites) {
    if (!list.empty()) list += ':';
    switch (suite) {
      case CipherSuite::AES_128_GCM_SHA256: list += "TLS_AES_128_GCM_SHA256"; break;
      case CipherSuite::AES_256_GCM_SHA384: list += "TLS_AES_256_GCM_SHA384"; break;
      case CipherSuite::CHACHA20_POLY1305_SHA256: list += "TLS_CHACHA20_POLY1305_SHA256"; break;
    }
  }
  return suites.empty() ? kCipherSuites : list;
}

/// Empty when a name means more than one group in OpenSSL's lists.
std::string groupList(const std::vector<std::string>& groups) {
  std::string list;
  for (const std::string& group : groups) {
    const auto isPlain = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
    };
    if (group.empty() || inLowerCase(group) == "default" || !std::all_of(group.begin(), group.end(), isPlain))
      return {};
    if (!list.empty()) list += ':';
    list += group;
  }
  return groups.empty() ? kGroups : list;
}

SslCtxPtr makeContext(const SSL_METHOD* method) {
  SslCtxPtr context(SSL_CTX_new(method));
  if (!context || SSL_CTX_ctrl(context.get(), SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_3_VERSION, nullptr) != 1) {
    return nullptr;
  }
  return context;
}

/// The name of the option that cannot be used, or null.
template <class Options>
const char* useAlgorithms(SSL_CTX* context, const Options& options) {
  std::string groups = groupList(options.groups);
  if (SSL_CTX_set_ciphersuites(context, suiteList(options.cipherSuites).c_str()) != 1) return "cipherSuites";
  const bool set = !groups.empty() && SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, groups.data()) == 1;
  return set ? nullptr : "groups";
}

Unexpected<QuicError> refuse(std::string* detail, std::string cause, LocalErrorCode code, std::string_view reason) {
  ERR_clear_error();
  if (detail != nullptr) *detail = std::move(cause);
  return fail(code, reason);
}
Unexpected<QuicError> refuseCredentials(std::string* detail, std::string cause) {
  return refuse(detail, std::move(cause), LocalErrorCode::INVALID_CREDENTIALS, "certificate or key cannot be used");
}
Unexpected<QuicError> refuseAlpn(std::string* detail) {
  return refuse(detail, "alpn needs names of 1 to 255 bytes", LocalErrorCode::INVALID_ARGUMENT, "ALPN cannot be used");
}
Unexpected<QuicError> refuseOption(std::string* detail, const char* option) {
  return refuse(detail, std::string(option) + " cannot be used", LocalErrorCode::INVALID_ARGUMENT,
                "a TLS option cannot be used");
}

ClientCertificates clientCertificatesOf(const TlsServerOptions& options) {
  const bool hasAuthority = !options.clientCaPem.empty();
  return options.clientCertificates.value_or(hasAuthority ? ClientCertificates::Require : ClientCertificates::None);
}

/// The name of the option that is out of its range, or null.
const char* unusableSessionOption(const TlsServerOptions& options) {
  if (options.sessionTickets > kMaxSessionTickets) return "sessionTickets";
  if (options.sessionLifetime < 1s || options.sessionLifetime > kMaxSessionLifetime) return "sessionLifetime";
  return nullptr;
}

/// RFC 8446 §4.2.11 leaves it to us: a session that was made with other demands on the client is not resumed.
Sha256Digest sessionIdContext(const TlsServerOptions& options) {
  std::string scope(1, static_cast<char>(clientCertificatesOf(options)));
  scope += options.clientCaPem;
  return sha256(asBytes(scope));
}

void configureSessions(SSL_CTX* context, const TlsServerOptions& options, const ServerSessions& sessions) {
  // Tickets carry everything, and ServerSessions guards against replays: OpenSSL's own guard keeps sessions in memory.
  SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, sessions.tickets());
  SSL_CTX_set_timeout(context, static_cast<long>(sessions.lifetime().count()));
  const Sha256Digest scope = sessionIdContext(options);
  SSL_CTX_set_session_id_context(context, scope.data(), static_cast<unsigned int>(scope.size()));
}

CredentialFailure demandClientCertificates(SSL_CTX* context, const TlsServerOptions& options) {
  const ClientCertificates demand = clientCertificatesOf(options);
  if (demand == ClientCertificates::None) return std::nullopt;
  const int mode =
      demand == ClientCertificates::Require ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER;
  SSL_CTX_set_verify(context, mode, nullptr);
  if (!options.clientCaPem.empty()) return trustAuthorities(context, options.clientCaPem, CaUse::TrustAndNameToClients);
  if (SSL_CTX_set_default_verify_paths(context) == 1) return std::nullopt;
  return "the system's certificate store cannot be opened";
}

CredentialFailure loadServerCredentials(SSL_CTX* context, const TlsServerOptions& options,
                                        ServerIdentities& identities) {
  for (const TlsIdentity& identity : options.identities) {
    if (CredentialFailure failure = identities.add(identity)) return failure;
  }
  if (identities.hasDefault()) {
    CredentialFailure failure = useCertificate(context, options.certificatePem, options.privateKeyPem);
    if (failure) return failure;
  }
  return demandClientCertificates(context, options);
}

/// The beginning of a hash, with lengths, so that no two lists look the same.
std::array<uint8_t, 16> fingerprint(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all.append(std::to_string(text.size())).append(" ").append(text);
  const Sha256Digest digest = sha256(asBytes(all));
  std::array<uint8_t, 16> beginning{};
  std::copy_n(digest.begin(), beginning.size(), beginning.begin());
  return beginning;
}

CredentialFailure loadClientCredentials(SSL_CTX* context, const TlsClientOptions& options) {
  for (const std::string& pem : options.caPem) {
    if (CredentialFailure failure = trustAuthorities(context, pem, CaUse::TrustOnly)) return failure;
  }
  if (options.caPem.empty() && options.verifyPeer && SSL_CTX_set_default_verify_paths(context) != 1) {
    return "the system's certificate store cannot be opened";
  }
  if (options.certificatePem.empty() && options.privateKeyPem.empty()) return std::nullopt;
  return useCertificate(context, options.certificatePem, options.privateKeyPem);
}

}  // namespace

Result<std::shared_ptr<TlsServerContext>> makeTlsServerContext(const TlsServerOptions& options, std::string* detail) {
  const std::string alpn = encodeAlpn(options.alpn);
  if (alpn.empty()) return refuseAlpn(detail);
  if (const char* unusable = unusableSessionOption(options)) return refuseOption(detail, unusable);
  SslCtxPtr context = makeContext(TLS_server_method());
  if (!context) return fail(TransportErrorCode::INTERNAL_ERROR, "out of memory for TLS");
  if (const char* unusable = useAlgorithms(context.get(), options)) return refuseOption(detail, unusable);

  const bool hasDefault = options.identities.empty() || !options.certificatePem.empty();
  auto shared = std::make_shared<ServerShared>(options, hasDefault);
  if (!options.ticketKeys.empty() && !shared->sessions.setTicketKeys(options.ticketKeys)) {
    return refuseOption(detail, "ticketKeys");
  }
  if (auto failure = loadServerCredentials(context.get(), options, shared->identities)) {
    return refuseCredentials(detail, std::move(*failure));
  }
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  configureSessions(context.get(), options, shared->sessions);
  OpenSslHandshake::installCallbacks(context.get(), Role::Server, options.keyLog);
  OpenSslHandshake::installSharedCallbacks(context.get());
  return std::shared_ptr<TlsServerContext>(std::make_shared<OpenSslServerContext>(
      std::move(context), HandshakeSettings{Role::Server, alpn, {}, {}, std::move(shared)}));
}

Result<std::shared_ptr<TlsClientContext>> makeTlsClientContext(const TlsClientOptions& options, std::string* detail) {
  const std::string alpn = encodeAlpn(options.alpn);
  if (alpn.empty()) return refuseAlpn(detail);
  SslCtxPtr context = makeContext(TLS_client_method());
  if (!context) return fail(TransportErrorCode::INTERNAL_ERROR, "out of memory for TLS");
  if (const char* unusable = useAlgorithms(context.get(), options)) return refuseOption(detail, unusable);
  if (auto failure = loadClientCredentials(context.get(), options)) {
    return refuseCredentials(detail, std::move(*failure));
  }
  OpenSslHandshake::installCallbacks(context.get(), Role::Client, options.keyLog);
  const SessionScope scope{fingerprint(options.caPem), fingerprint({options.certificatePem}), options.verifyPeer};
  return std::shared_ptr<TlsClientContext>(
      std::make_shared<OpenSslClientContext>(std::move(context), HandshakeSettings{Role::Client, alpn, {}, scope, {}}));
}

// Generators of threads notice that their parent was seeded anew, and follow (EVP_RAND(7)).
bool reseedTlsRandomness() {
  EVP_RAND_CTX* primary = RAND_get0_primary(nullptr);
  return primary != nullptr && EVP_RAND_reseed(primary, 0, nullptr, 0, nullptr, 0) == 1;
}

std::string_view tlsVersion() { return OpenSSL_version(OPENSSL_VERSION_STRING); }

}  // namespace quic
