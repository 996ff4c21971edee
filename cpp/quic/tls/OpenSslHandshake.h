// One TLS 1.3 handshake on OpenSSL's callbacks for QUIC stacks (SSL_set_quic_tls_cbs). RFC 9001 §4, §8.
// Its callbacks only note what happened: events, the read and write levels, the first error. Nobody is called from within.
//
// Bounds: unread CRYPTO bytes are at most kMaxCryptoBuffer a level; the events of one call are bounded by the bytes that
// call was given, so the queue is bounded for a caller that drains it after each call, as the interface asks.
// Not thread safe, but handshakes of one context may run on different threads.
#pragma once

#include <array>
#include <deque>

#include "quic/QuicConstants.h"
#include "quic/handshake/HandshakeLayer.h"
#include "quic/tls/ClientSession.h"
#include "quic/tls/CryptoInbox.h"
#include "quic/tls/OpenSslPtr.h"
#include "quic/tls/ServerIdentities.h"
#include "quic/tls/ServerSessions.h"

namespace quic {

/// What all handshakes of one server context have in common.
struct ServerShared {
  ServerShared(const TlsServerOptions& options, bool hasDefaultCertificate)
      : sessions(options, sessionClockNow()), identities(hasDefaultCertificate) {}
  ServerSessions sessions;
  ServerIdentities identities;
};

struct HandshakeSettings {
  Role role = Role::Client;
  std::string alpn;        // as in the extension: names with their length before them (RFC 7301 §3.1)
  std::string serverName;  // client: see TlsClientContext::makeHandshake
  SessionScope scope{};    // client
  /// Server; null: neither sessions nor names. Handshakes share it with their context, which may die before them.
  std::shared_ptr<ServerShared> shared{};
};

class OpenSslHandshake final : public HandshakeLayer {
 public:
  OpenSslHandshake(SSL_CTX* context, HandshakeSettings settings);
  ~OpenSslHandshake() override;
  OpenSslHandshake(const OpenSslHandshake&) = delete;  // OpenSSL knows this object by its address
  OpenSslHandshake& operator=(const OpenSslHandshake&) = delete;

  void offerSession(ByteSpan session, bool withEarlyData) override;
  void setVersion(uint32_t version) override;
  Result<> start(ByteSpan bytes) override;
  Result<> resume(ByteSpan transportParameters) override;
  Result<> onCryptoData(EncryptionLevel level, ByteSpan bytes) override;
  std::optional<HandshakeEvent> pollEvent() override;
  [[nodiscard]] Result<ByteVector> exportKeyingMaterial(std::string_view label, ByteSpan context, size_t size) override;
  [[nodiscard]] std::unique_ptr<HandshakeLayer> another() const override;
  [[nodiscard]] std::string errorDetail() const override { return detail_; }

  /// Callbacks that OpenSSL keeps in the context. They find their handshake through its SSL.
  static void installCallbacks(SSL_CTX* context, Role role, bool keyLog);
  /// More of them, for a server whose handshakes have `shared`.
  static void installSharedCallbacks(SSL_CTX* context);

 private:
  friend struct OpenSslCallbacks;

  enum class Phase { Created, Running, Paused, Complete, Failed };

  struct OfferedSession {
    ByteVector bytes;
    bool withEarlyData;
  };

  Result<> prepareClient(ByteSpan transportParameters);
  Result<> prepareServer(ByteSpan earlyDataContext);
  Result<> verifyServerName();
  Result<> setTransportParameters(ByteSpan transportParameters);
  Result<> acceptInput(EncryptionLevel level, ByteSpan bytes);
  Result<> advance();
  Result<> advanceHandshake();
  Result<> readPostHandshake();
  Result<> complete();
  /// Whether RFC 9001 §8.1 and §8.2 are satisfied; notes the error otherwise.
  bool hasNegotiated();
  [[nodiscard]] std::string_view selectedAlpn() const;
  [[nodiscard]] EarlyDataOutcome earlyDataOutcome() const;

  [[nodiscard]] bool hasFailed(int returned) const;
  Result<> failFromOpenSsl();
  Result<> failWith(const QuicError& error);
  void noteError(QuicErrorCode code, std::string_view reason);

  // What the callbacks do.
  bool send(ByteSpan bytes);
  bool changeSecret(EncryptionLevel level, bool write, ByteSpan secret);
  bool receivePeerParameters(ByteSpan parameters);
  int onClientHello(int* alert);
  [[nodiscard]] std::optional<QuicError> checkClientHello(const std::optional<ByteSpan>& parameters,
                                                          const std::string& serverName) const;
  void onHandshakeMessage(bool isOurs, ByteSpan message);
  void checkEncryptedExtensions(ByteSpan message);

  // Sessions, OpenSslSessions.cpp.
  void useOfferedSession();
  [[nodiscard]] bool isUsable(SSL_SESSION* session) const;
  void handOut(SSL_SESSION* session);
  bool noteOnTicket();
  bool admitsTicket(SSL_SESSION* session);
  bool admitsEarlyData();
  int useTicketKey(MutableByteSpan name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool seal);

  HandshakeSettings settings_;
  SslPtr ssl_;
  Phase phase_ = Phase::Created;
  std::array<CryptoInbox, kEncryptionLevels> inbox_;
  EncryptionLevel readLevel_ = EncryptionLevel::Initial;
  EncryptionLevel writeLevel_ = EncryptionLevel::Initial;
  HandshakeMessageScanner postHandshake_;
  ByteVector localParameters_;  // OpenSSL keeps a pointer to them
  std::optional<ByteVector> peerParameters_;
  std::deque<HandshakeEvent> events_;

  std::optional<OfferedSession> offered_;  // client, until start()
  std::vector<uint16_t> ourExtensions_;    // client: of its last ClientHello
  std::string peerServerName_;             // server: what the client asked for, in lower case
  Sha256Digest earlyDataContext_{};        // server
  uint32_t version_ = kQuicVersion1;       // server: of QUIC
  uint32_t originalVersion_ = kQuicVersion1;
  bool isEarlyDataOffered_ = false;  // by the client, whoever we are

  std::optional<QuicError> noted_;  // found by a callback; the alert that OpenSSL makes of it is not what we mean
  uint8_t alert_ = 0;               // the first one that is not close_notify
  std::optional<QuicError> failure_;
  std::string detail_;
};

}  // namespace quic
