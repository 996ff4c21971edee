// Contexts and pairs of handshakes with defaults, for the tests of the TLS backend.
// A ForeignPeer is an OpenSSL context with settings that ours never has: other stacks behave in other ways.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "cpp/tls/HandshakePair.h"
#include "cpp/tls/TestCertificates.h"
#include "quic/tls/OpenSslHandshake.h"
#include "quic/tls/OpenSslTls.h"
#include "quic/tls/PemCredentials.h"

namespace quic::test {

inline const TestPki& sharedPki() {
  static const TestPki pki = makeTestPki();
  return pki;
}

inline TlsServerOptions serverOptions() {
  const TestPki& pki = sharedPki();
  return {.certificatePem = pki.server.certificatePem,
          .privateKeyPem = pki.server.privateKeyPem,
          .clientCaPem = {},
          .alpn = {"echo"}};
}
inline TlsClientOptions clientOptions() {
  return {.caPem = {sharedPki().authority.certificatePem}, .certificatePem = {}, .privateKeyPem = {}, .alpn = {"echo"}};
}

inline std::unique_ptr<HandshakeLayer> makeServer(const TlsServerOptions& options) {
  std::string detail;
  auto context = makeTlsServerContext(options, &detail);
  EXPECT_TRUE(context) << detail;
  return (*context)->makeHandshake();
}
inline std::unique_ptr<HandshakeLayer> makeClient(const TlsClientOptions& options,
                                                  const std::string& name = "server.test") {
  std::string detail;
  auto context = makeTlsClientContext(options, &detail);
  EXPECT_TRUE(context) << detail;
  return (*context)->makeHandshake(name);
}
/// Two contexts, and connections between them.
struct TlsPeers {
  std::shared_ptr<TlsServerContext> server;
  std::shared_ptr<TlsClientContext> client;

  explicit TlsPeers(const TlsServerOptions& serverSide = serverOptions(),
                    const TlsClientOptions& clientSide = clientOptions()) {
    std::string detail;
    auto madeServer = makeTlsServerContext(serverSide, &detail);
    auto madeClient = makeTlsClientContext(clientSide, &detail);
    EXPECT_TRUE(madeServer && madeClient) << detail;
    server = *madeServer;
    client = *madeClient;
  }
  [[nodiscard]] HandshakePair pair(const std::string& name = "server.test") const {
    return {client->makeHandshake(name), server->makeHandshake()};
  }
  /// The first session that a full handshake gives the client.
  [[nodiscard]] ByteVector session(const std::string& name = "server.test", const ByteVector& context = {}) const {
    HandshakePair full = pair(name);
    full.earlyDataContext = context;
    full.run();
    const auto tickets = full.client.all<SessionTicket>();
    EXPECT_TRUE(full.isComplete()) << full.client.layer->errorDetail() << full.server.layer->errorDetail();
    return tickets.empty() ? ByteVector() : tickets.front().bytes;
  }
  /// Offers the session; not run.
  [[nodiscard]] HandshakePair resuming(const ByteVector& session, bool withEarlyData = false,
                                       const std::string& name = "server.test") const {
    HandshakePair again = pair(name);
    again.client.layer->offerSession(session, withEarlyData);
    return again;
  }
};

inline HandshakePair makePair() { return {makeClient(clientOptions()), makeServer(serverOptions())}; }

/// The wire form of one ALPN name; empty stays empty.
inline std::string alpnList(const std::string& name) {
  return name.empty() ? name : std::string(1, static_cast<char>(name.size())) + name;
}

struct ForeignPeer {
  Role role;
  SslCtxPtr context;

  explicit ForeignPeer(Role peerRole)
      : role(peerRole), context(SSL_CTX_new(role == Role::Client ? TLS_client_method() : TLS_server_method())) {
    OpenSslHandshake::installCallbacks(context.get(), role, false);
    const TestPki& pki = sharedPki();
    if (role == Role::Client) {
      EXPECT_FALSE(trustAuthorities(context.get(), pki.authority.certificatePem, CaUse::TrustOnly));
    } else {
      EXPECT_FALSE(useCertificate(context.get(), pki.server.certificatePem, pki.server.privateKeyPem));
      SSL_CTX_set_num_tickets(context.get(), 0);
      // OpenSSL's default list would ask our client for another key share.
      EXPECT_EQ(SSL_CTX_set1_groups_list(context.get(), "X25519"), 1);
    }
  }
  [[nodiscard]] std::unique_ptr<HandshakeLayer> make(const std::string& alpn = "echo") const {
    return std::make_unique<OpenSslHandshake>(
        context.get(),
        HandshakeSettings{role, alpnList(alpn), role == Role::Client ? "server.test" : "", {.isVerified = true}, {}});
  }
};

inline uint64_t alertCode(uint8_t alert) { return static_cast<uint64_t>(cryptoError(alert)); }
inline uint64_t numberOf(TransportErrorCode code) { return static_cast<uint64_t>(code); }

/// What a failed comparison shall print.
inline std::string nameOf(const HandshakeEvent& event) {
  static constexpr const char* kLevels[] = {"initial", "0rtt", "handshake", "1rtt"};
  if (const auto* read = std::get_if<HandshakeReadSecret>(&event)) {
    return std::string("read ") + kLevels[static_cast<size_t>(read->level)];
  }
  if (const auto* write = std::get_if<HandshakeWriteSecret>(&event)) {
    return std::string("write ") + kLevels[static_cast<size_t>(write->level)];
  }
  if (std::holds_alternative<PeerTransportParameters>(event)) return "parameters";
  if (std::holds_alternative<HandshakeComplete>(event)) return "complete";
  if (std::holds_alternative<SessionTicket>(event)) return "ticket";
  return "key log";
}

inline std::vector<std::string> namesOf(const HandshakeEndpoint& endpoint) {
  std::vector<std::string> names;
  for (const HandshakeEvent& event : endpoint.events) names.push_back(nameOf(event));
  return names;
}

/// A TLS handshake message (RFC 8446 §4) of less than 256 bytes.
inline ByteVector messageOf(uint8_t type, ByteVector body) {
  ByteVector message{type, 0, 0, static_cast<uint8_t>(body.size())};
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

}  // namespace quic::test
