// Contexts: what all handshakes of one server or one kind of client have in common.
#include <openssl/crypto.h>
#include <openssl/err.h>

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

constexpr unsigned char kSessionIdContext[] = "quic";
constexpr size_t kMaxAlpnNameSize = 255;    // RFC 7301 §3.1
constexpr size_t kMaxAlpnListSize = 65533;  // RFC 7301 §3.1: a 16-bit length in a 16-bit length

class OpenSslServerContext final : public TlsServerContext {
 public:
  OpenSslServerContext(SslCtxPtr context, std::string alpn) : context_(std::move(context)), alpn_(std::move(alpn)) {}
  [[nodiscard]] std::unique_ptr<HandshakeLayer> makeHandshake() const override {
    return std::make_unique<OpenSslHandshake>(context_.get(), HandshakeSettings{Role::Server, alpn_, {}, false});
  }

 private:
  SslCtxPtr context_;
  std::string alpn_;
};

class OpenSslClientContext final : public TlsClientContext {
 public:
  OpenSslClientContext(SslCtxPtr context, std::string alpn, bool verifyPeer)
      : context_(std::move(context)), alpn_(std::move(alpn)), verifyPeer_(verifyPeer) {}
  [[nodiscard]] std::unique_ptr<HandshakeLayer> makeHandshake(const std::string& serverName) const override {
    return std::make_unique<OpenSslHandshake>(context_.get(),
                                              HandshakeSettings{Role::Client, alpn_, serverName, verifyPeer_});
  }

 private:
  SslCtxPtr context_;
  std::string alpn_;
  bool verifyPeer_;
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

SslCtxPtr makeContext(const SSL_METHOD* method) {
  SslCtxPtr context(SSL_CTX_new(method));
  if (!context) return nullptr;
  SSL_CTX* raw = context.get();
  const bool configured = SSL_CTX_ctrl(raw, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_3_VERSION, nullptr) == 1 &&
                          SSL_CTX_set_ciphersuites(raw, kCipherSuites) == 1 &&
                          SSL_CTX_ctrl(raw, SSL_CTRL_SET_GROUPS_LIST, 0, const_cast<char*>(kGroups)) == 1;
  return configured ? std::move(context) : nullptr;
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

void configureServer(SSL_CTX* context, const TlsServerOptions& options) {
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_id_context(context, kSessionIdContext, sizeof kSessionIdContext - 1);
  if (!options.clientCaPem.empty()) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  OpenSslHandshake::installCallbacks(context, Role::Server, options.keyLog);
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
  std::string alpn = encodeAlpn(options.alpn);
  if (alpn.empty()) return refuseAlpn(detail);
  SslCtxPtr context = makeContext(TLS_server_method());
  if (!context) return fail(TransportErrorCode::INTERNAL_ERROR, "out of memory for TLS");
  if (auto failure = useCertificate(context.get(), options.certificatePem, options.privateKeyPem)) {
    return refuseCredentials(detail, std::move(*failure));
  }
  if (!options.clientCaPem.empty()) {
    auto failure = trustAuthorities(context.get(), options.clientCaPem, CaUse::TrustAndNameToClients);
    if (failure) return refuseCredentials(detail, std::move(*failure));
  }
  configureServer(context.get(), options);
  return std::shared_ptr<TlsServerContext>(std::make_shared<OpenSslServerContext>(std::move(context), std::move(alpn)));
}

Result<std::shared_ptr<TlsClientContext>> makeTlsClientContext(const TlsClientOptions& options, std::string* detail) {
  std::string alpn = encodeAlpn(options.alpn);
  if (alpn.empty()) return refuseAlpn(detail);
  SslCtxPtr context = makeContext(TLS_client_method());
  if (!context) return fail(TransportErrorCode::INTERNAL_ERROR, "out of memory for TLS");
  if (auto failure = loadClientCredentials(context.get(), options)) {
    return refuseCredentials(detail, std::move(*failure));
  }
  OpenSslHandshake::installCallbacks(context.get(), Role::Client, options.keyLog);
  return std::shared_ptr<TlsClientContext>(
      std::make_shared<OpenSslClientContext>(std::move(context), std::move(alpn), options.verifyPeer));
}

std::string_view tlsVersion() { return OpenSSL_version(OPENSSL_VERSION_STRING); }

}  // namespace quic
