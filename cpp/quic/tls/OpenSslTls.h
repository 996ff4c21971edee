// The one TLS backend: OpenSSL >= 3.5 behind the interfaces of handshake/. RFC 9001 §4, §5, §8.
// Contexts are made once and shared by the connections of a process; a HandshakeLayer belongs to one connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quic/common/QuicClock.h"
#include "quic/handshake/HandshakeLayer.h"

namespace quic {

inline constexpr Duration kMaxSessionLifetime = 168h;  // RFC 8446 §4.6.1: 7 days

/// A certificate for some names.
struct TlsIdentity {
  std::vector<std::string> serverNames;  // of DNS, in any case; "*.example.org" stands for one label and no more
  std::string certificatePem;            // leaf first, then the chain
  std::string privateKeyPem;
};

/// RFC 8446 §4.3.2. A certificate that is sent must be valid; `Request` lets clients send none.
enum class ClientCertificates : uint8_t { None, Request, Require };

/// RFC 9001 §4.6, §9.2. Early data can be copied and sent again by anybody who saw it: an application must allow for that.
enum class EarlyDataPolicy : uint8_t {
  Refuse,
  /// From a ticket that is not used twice within 20 s, which is longer than a copy of a ClientHello is fresh. All handshakes of
  /// one context remember together (65,536 tickets; beyond that early data is refused); other contexts and processes
  /// with the same ticket keys do not: there a copy is accepted once more.
  AcceptOnce,
  AcceptReplays,
};

struct TlsServerOptions {
  std::string
      certificatePem;  // leaf first, then the chain; with identities it may be empty: other names are refused then
  std::string privateKeyPem;
  std::string clientCaPem;        // whom clients' certificates must chain to; empty: the system's store
  std::vector<std::string> alpn;  // in order of preference
  bool keyLog = false;
  /// For names of their own. Several for one name, with keys of different types, are all offered.
  std::vector<TlsIdentity> identities{};
  std::optional<ClientCertificates> clientCertificates{};  // nullopt: Require when there is a clientCaPem, else None
  std::vector<CipherSuite> cipherSuites{};                 // in order of preference; empty: all, AES-128-GCM first
  std::vector<std::string>
      groups{};                    // as OpenSSL calls them, e.g. "X25519"; empty: X25519, P-256, P-384, X25519MLKEM768
  uint32_t sessionTickets = 2;     // issued after a full handshake, 0 to 16; 0: no resumption at all
  Duration sessionLifetime = 24h;  // of a ticket, 1 s to 7 days
  /// What tickets are encrypted with: the first encrypts, all decrypt. 32 random bytes or more each, 16 keys at the most. The
  /// same for all processes that shall resume one another's sessions. Empty: made here, and replaced each sessionLifetime.
  std::vector<ByteVector> ticketKeys{};
  EarlyDataPolicy earlyData = EarlyDataPolicy::Refuse;
};

struct TlsClientOptions {
  std::vector<std::string> caPem;  // empty: the system's store
  std::string certificatePem;      // client certificate, may be empty
  std::string privateKeyPem;
  std::vector<std::string> alpn;
  bool verifyPeer = true;
  bool keyLog = false;
  std::vector<CipherSuite> cipherSuites{};  // in order of preference; empty: all, AES-128-GCM first
  std::vector<std::string> groups{};        // a key share is sent for the first one; empty: as for servers

  bool operator==(const TlsClientOptions&) const = default;
};

class TlsServerContext {
 public:
  virtual ~TlsServerContext() = default;
  [[nodiscard]] virtual std::unique_ptr<HandshakeLayer> makeHandshake() const = 0;
  /// Like TlsServerOptions::ticketKeys, from now on. To rotate keys that processes share, give each first the new key as
  /// the second one, then as the first. INVALID_ARGUMENT: none, too many, or too short; the old ones stay. From any thread.
  virtual Result<> setTicketKeys(const std::vector<ByteVector>& keys) = 0;
};
class TlsClientContext {
 public:
  virtual ~TlsClientContext() = default;
  /// `serverName`: a DNS name (sent as SNI and verified) or an IP literal (verified against IP SANs, no SNI: RFC 6066 §3).
  [[nodiscard]] virtual std::unique_ptr<HandshakeLayer> makeHandshake(const std::string& serverName) const = 0;
};

/// Errors: INVALID_CREDENTIALS for certificates and keys, INVALID_ARGUMENT for what else cannot be used, with a cause in
/// `detail`.
Result<std::shared_ptr<TlsServerContext>> makeTlsServerContext(const TlsServerOptions& options, std::string* detail);
Result<std::shared_ptr<TlsClientContext>> makeTlsClientContext(const TlsClientOptions& options, std::string* detail);

/// AEADs, header protection and key schedule through OpenSSL's EVP.
std::unique_ptr<CryptoFactory> makeOpenSslCryptoFactory();

/// Fresh entropy for all of TLS's randomness, on every thread before its next use. For a process that was continued from a
/// copy of its memory. False: none can be had.
bool reseedTlsRandomness();

/// "3.5.4": of the library that is linked in.
std::string_view tlsVersion();

}  // namespace quic
