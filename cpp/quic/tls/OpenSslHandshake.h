// One TLS 1.3 handshake on OpenSSL's callbacks for QUIC stacks (SSL_set_quic_tls_cbs). RFC 9001 §4, §8.
// Its callbacks only note what happened: events, the read and write levels, the first error. Nobody is called from within.
//
// Bounds: unread CRYPTO bytes are at most kMaxCryptoBuffer a level; the events of one call are bounded by the bytes that
// call was given, so the queue is bounded for a caller that drains it after each call, as the interface asks.
// Not thread safe, but handshakes of one context may run on different threads.
#pragma once

#include <array>
#include <deque>

#include "quic/handshake/HandshakeLayer.h"
#include "quic/tls/CryptoInbox.h"
#include "quic/tls/OpenSslPtr.h"

namespace quic {

struct HandshakeSettings {
  Role role = Role::Client;
  std::string alpn;        // as in the extension: names with their length before them (RFC 7301 §3.1)
  std::string serverName;  // client: see TlsClientContext::makeHandshake
  bool verifyPeer = true;  // client
};

class OpenSslHandshake final : public HandshakeLayer {
 public:
  OpenSslHandshake(SSL_CTX* context, HandshakeSettings settings);
  ~OpenSslHandshake() override;
  OpenSslHandshake(const OpenSslHandshake&) = delete;  // OpenSSL knows this object by its address
  OpenSslHandshake& operator=(const OpenSslHandshake&) = delete;

  Result<> start(ByteSpan transportParameters) override;
  Result<> resume(ByteSpan transportParameters) override;
  Result<> onCryptoData(EncryptionLevel level, ByteSpan bytes) override;
  std::optional<HandshakeEvent> pollEvent() override;
  [[nodiscard]] std::string errorDetail() const override { return detail_; }

  /// Callbacks that OpenSSL keeps in the context. They find their handshake through its SSL.
  static void installCallbacks(SSL_CTX* context, Role role, bool keyLog);

 private:
  friend struct OpenSslCallbacks;

  enum class Phase { Created, Running, Paused, Complete, Failed };

  Result<> prepare(ByteSpan transportParameters);
  Result<> verifyServerName();
  Result<> setTransportParameters(ByteSpan transportParameters);
  Result<> acceptInput(EncryptionLevel level, ByteSpan bytes);
  Result<> advance();
  Result<> advanceHandshake();
  Result<> readPostHandshake();
  Result<> complete();
  /// Whether RFC 9001 §8.1 and §8.2 are satisfied; notes the error otherwise.
  bool hasNegotiated();

  [[nodiscard]] bool hasFailed(int returned) const;
  Result<> failFromOpenSsl();
  Result<> failWith(const QuicError& error);
  void noteError(QuicErrorCode code, std::string_view reason);

  // What the callbacks do.
  bool send(ByteSpan bytes);
  bool changeSecret(EncryptionLevel level, bool write, ByteSpan secret);
  bool receivePeerParameters(ByteSpan parameters);
  int onClientHello(int* alert);

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

  std::optional<QuicError> noted_;  // found by a callback; the alert that OpenSSL makes of it is not what we mean
  uint8_t alert_ = 0;               // the first one that is not close_notify
  std::optional<QuicError> failure_;
  std::string detail_;
};

}  // namespace quic
