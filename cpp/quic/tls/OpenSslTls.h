// The one TLS backend: OpenSSL >= 3.5 behind the interfaces of handshake/. RFC 9001 §4, §5, §8.
// Contexts are made once and shared by the connections of a process; a HandshakeLayer belongs to one connection.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "quic/handshake/HandshakeLayer.h"

namespace quic {

struct TlsServerOptions {
  std::string certificatePem;  // leaf first, then the chain
  std::string privateKeyPem;
  std::string clientCaPem;        // not empty: clients must present a certificate that chains to it
  std::vector<std::string> alpn;  // in order of preference
  bool keyLog = false;
};

struct TlsClientOptions {
  std::vector<std::string> caPem;  // empty: the system's store
  std::string certificatePem;      // client certificate, may be empty
  std::string privateKeyPem;
  std::vector<std::string> alpn;
  bool verifyPeer = true;
  bool keyLog = false;
};

class TlsServerContext {
 public:
  virtual ~TlsServerContext() = default;
  [[nodiscard]] virtual std::unique_ptr<HandshakeLayer> makeHandshake() const = 0;
};
class TlsClientContext {
 public:
  virtual ~TlsClientContext() = default;
  /// `serverName`: a DNS name (sent as SNI and verified) or an IP literal (verified against IP SANs, no SNI: RFC 6066 §3).
  [[nodiscard]] virtual std::unique_ptr<HandshakeLayer> makeHandshake(const std::string& serverName) const = 0;
};

/// Errors: INVALID_CREDENTIALS for certificates and keys, INVALID_ARGUMENT for an ALPN list that cannot be sent, with a cause
/// in `detail`.
Result<std::shared_ptr<TlsServerContext>> makeTlsServerContext(const TlsServerOptions& options, std::string* detail);
Result<std::shared_ptr<TlsClientContext>> makeTlsClientContext(const TlsClientOptions& options, std::string* detail);

/// AEADs, header protection and key schedule through OpenSSL's EVP.
std::unique_ptr<CryptoFactory> makeOpenSslCryptoFactory();

/// "3.5.4": of the library that is linked in.
std::string_view tlsVersion();

}  // namespace quic
