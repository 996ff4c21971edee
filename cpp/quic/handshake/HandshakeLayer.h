// What a TLS 1.3 engine must offer to a QUIC connection (RFC 9001 §4): CRYPTO bytes in and out by level, secrets out,
// the peer's transport parameters out. It calls nobody: what happened is drained with pollEvent().
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "quic/QuicError.h"
#include "quic/handshake/Aead.h"

namespace quic {

/// Bytes to be carried in CRYPTO frames of `level` (Initial, Handshake or OneRtt), following those given before.
struct HandshakeBytes {
  EncryptionLevel level = EncryptionLevel::Initial;
  ByteVector bytes;
};
struct HandshakeReadSecret {
  EncryptionLevel level;
  TrafficSecret secret;
};
struct HandshakeWriteSecret {
  EncryptionLevel level;
  TrafficSecret secret;
};
/// The peer's quic_transport_parameters extension, once. Not yet authenticated: use it, believe it at HandshakeComplete.
struct PeerTransportParameters {
  ByteVector bytes;
};
/// RFC 9001 §4.6. A server that rejects early data completes the handshake all the same, and so it does after it has asked
/// for another ClientHello (HelloRetryRequest), which rejects it too.
enum class EarlyDataOutcome : uint8_t { NotOffered, Rejected, Accepted };
/// RFC 9001 §4.1.1: Finished sent and the peer's verified. ALPN was agreed and the peer's certificate accepted.
struct HandshakeComplete {
  std::string alpn;
  ByteVector
      peerCertificate;  // DER; empty when the peer sent none. Of the first handshake when this one resumed its session
  std::string serverName{};  // server: what the client asked for by SNI, in lower case; empty when it did not
  bool isResumed = false;    // RFC 8446 §2.2: no certificate was exchanged now
  EarlyDataOutcome earlyData = EarlyDataOutcome::NotOffered;
};
/// A session ticket for a later resumption (client), opaque: what offerSession() of a later handshake takes.
struct SessionTicket {
  ByteVector bytes;
};
/// One line of an NSS key log.
struct KeyLogLine {
  std::string line;
};
using HandshakeEvent = std::variant<HandshakeBytes, HandshakeReadSecret, HandshakeWriteSecret, PeerTransportParameters,
                                    HandshakeComplete, SessionTicket, KeyLogLine>;

class HandshakeLayer {
 public:
  virtual ~HandshakeLayer() = default;
  /// Client, before start(): resume this session, and ask for early data with it: HandshakeWriteSecret of ZeroRtt follows
  /// start() when the session allows it. A session that cannot be used is passed over: a full handshake is made.
  virtual void offerSession(ByteSpan /*session*/, bool /*withEarlyData*/) {}
  /// Server: the version of QUIC that the client began in, before start(); later the one that was agreed instead. A ticket is of
  /// the version that is spoken when it is issued, and good for connections that begin in that (RFC 9369 §5).
  virtual void setVersion(uint32_t /*version*/) {}
  /// Before the first onCryptoData, once. Client: makes the ClientHello; `bytes` is our transport parameters extension.
  /// Server: nothing yet, its extension comes with resume(); `bytes` goes into the tickets that are issued, and early data
  /// is accepted only with a ticket that has the same (RFC 9001 §4.6.3: limits that a client remembers must still hold).
  virtual Result<> start(ByteSpan bytes) = 0;
  /// Server only, when the answer depends on what the client offered: call on PeerTransportParameters, before
  /// resume(). The engine pauses by itself after PeerTransportParameters until then.
  virtual Result<> resume(ByteSpan transportParameters) = 0;
  /// In-order bytes of CRYPTO frames of one level. Errors: a TLS alert as CRYPTO_ERROR, or PROTOCOL_VIOLATION for bytes at a
  /// level whose keys TLS has left behind (RFC 9001 §4.1.3).
  virtual Result<> onCryptoData(EncryptionLevel level, ByteSpan bytes) = 0;
  /// What happened since, in order, until empty. Call after each of the above, also after an error (an alert may follow bytes).
  virtual std::optional<HandshakeEvent> pollEvent() = 0;
  /// RFC 8446 §7.5, after HandshakeComplete. `size`: 1 to 255.
  [[nodiscard]] virtual Result<ByteVector> exportKeyingMaterial(std::string_view /*label*/, ByteSpan /*context*/,
                                                                size_t /*size*/) {
    return fail(LocalErrorCode::INVALID_ARGUMENT, "this TLS engine exports no keying material");
  }
  /// Client: a fresh engine for the same server and with the same options, but without a session, for an attempt in another
  /// version of QUIC (RFC 9368 §2.1). nullptr: this engine makes none.
  [[nodiscard]] virtual std::unique_ptr<HandshakeLayer> another() const { return nullptr; }
  /// More than the RFC's number: the human-readable cause of the last error, e.g. OpenSSL's verification result. May be empty.
  [[nodiscard]] virtual std::string errorDetail() const = 0;
};

}  // namespace quic
