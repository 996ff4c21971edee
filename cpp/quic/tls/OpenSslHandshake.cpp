#include "quic/tls/OpenSslHandshake.h"

#include <openssl/err.h>
#include <openssl/tls1.h>
#include <openssl/x509v3.h>

#include "quic/QuicConstants.h"
#include "quic/tls/HelloMessages.h"

namespace quic {
namespace {

constexpr size_t kMaxExportSize = 255;   // see HandshakeLayer.h; HKDF-Expand could give more
constexpr size_t kMaxExportLabel = 249;  // RFC 8446 §7.1

size_t indexOf(EncryptionLevel level) { return static_cast<size_t>(level); }

bool isIpLiteral(const std::string& name) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
  ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

bool isFatal(const SSL* ssl, int returned) {
  switch (SSL_get_error(ssl, returned)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
    case SSL_ERROR_WANT_CLIENT_HELLO_CB: return false;
    default: return true;
  }
}

// Where the RFC asks for another code than the alert that OpenSSL raises.
std::optional<TransportErrorCode> codeInsteadOfAlert(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return std::nullopt;
  switch (ERR_GET_REASON(error)) {
    case SSL_R_NOT_ON_RECORD_BOUNDARY:  // RFC 9001 §4.1.3: bytes behind the message that changes the keys
    case SSL_R_INVALID_MAX_EARLY_DATA:  // RFC 9001 §4.6.1
      return TransportErrorCode::PROTOCOL_VIOLATION;
    case SSL_R_LENGTH_MISMATCH:  // RFC 8446 §6.2; it says protocol_version when supported_versions is malformed
      return cryptoError(SSL_AD_DECODE_ERROR);
    default: return std::nullopt;
  }
}

ByteVector peerCertificateDer(const SSL* ssl) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  const int size = certificate == nullptr ? 0 : i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  ByteVector der(static_cast<size_t>(size));
  unsigned char* out = der.data();
  i2d_X509(certificate, &out);
  return der;
}

}  // namespace

std::unique_ptr<HandshakeLayer> OpenSslHandshake::another() const {
  return ssl_ ? std::make_unique<OpenSslHandshake>(SSL_get_SSL_CTX(ssl_.get()), settings_) : nullptr;
}

Result<> OpenSslHandshake::start(ByteSpan bytes) {
  if (phase_ == Phase::Failed) return forward(*failure_);
  if (phase_ != Phase::Created) return fail(LocalErrorCode::INVALID_ARGUMENT, "the handshake was started before");
  const bool isClient = settings_.role == Role::Client;
  const Result<> prepared = isClient ? prepareClient(bytes) : prepareServer(bytes);
  if (!prepared) return failWith(prepared.error());
  phase_ = Phase::Running;
  return isClient ? advance() : Result<>(Unit{});
}

Result<> OpenSslHandshake::resume(ByteSpan transportParameters) {
  if (phase_ == Phase::Failed) return forward(*failure_);
  if (phase_ != Phase::Paused) return fail(LocalErrorCode::INVALID_ARGUMENT, "the handshake is not paused");
  if (!transportParameters.empty()) {
    if (const Result<> set = setTransportParameters(transportParameters); !set) return failWith(set.error());
  }
  phase_ = Phase::Running;
  return advance();
}

Result<> OpenSslHandshake::onCryptoData(EncryptionLevel level, ByteSpan bytes) {
  if (phase_ == Phase::Failed) return forward(*failure_);
  if (phase_ == Phase::Created) return fail(LocalErrorCode::INVALID_ARGUMENT, "the handshake was not started");
  if (const Result<> accepted = acceptInput(level, bytes); !accepted) return failWith(accepted.error());
  return phase_ == Phase::Paused ? Result<>(Unit{}) : advance();
}

std::optional<HandshakeEvent> OpenSslHandshake::pollEvent() {
  if (events_.empty()) return std::nullopt;
  HandshakeEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Result<ByteVector> OpenSslHandshake::exportKeyingMaterial(std::string_view label, ByteSpan context, size_t size) {
  if (phase_ != Phase::Complete) return fail(LocalErrorCode::INVALID_ARGUMENT, "the handshake is not complete");
  if (size == 0 || size > kMaxExportSize || label.empty() || label.size() > kMaxExportLabel) {
    return fail(LocalErrorCode::INVALID_ARGUMENT, "an exporter's label or size is out of range");
  }
  ByteVector exported(size);
  ERR_clear_error();
  if (SSL_export_keying_material(ssl_.get(), exported.data(), size, label.data(), label.size(), context.data(),
                                 context.size(), 1) != 1) {
    return fail(TransportErrorCode::INTERNAL_ERROR, "out of memory for TLS");
  }
  return exported;
}

Result<> OpenSslHandshake::prepareClient(ByteSpan transportParameters) {
  if (!ssl_) return fail(TransportErrorCode::INTERNAL_ERROR, "out of memory for TLS");
  if (const Result<> verified = verifyServerName(); !verified) return verified;
  const auto* alpn = reinterpret_cast<const unsigned char*>(settings_.alpn.data());
  if (SSL_set_alpn_protos(ssl_.get(), alpn, static_cast<unsigned int>(settings_.alpn.size())) != 0) {
    return fail(TransportErrorCode::INTERNAL_ERROR, "out of memory for TLS");
  }
  useOfferedSession();
  return transportParameters.empty() ? Result<>(Unit{}) : setTransportParameters(transportParameters);
}

Result<> OpenSslHandshake::prepareServer(ByteSpan earlyDataContext) {
  earlyDataContext_ = sha256(earlyDataContext);
  const bool wantsEarlyData = settings_.shared && settings_.shared->sessions.acceptsEarlyData();
  if (!ssl_ || (wantsEarlyData && SSL_set_quic_tls_early_data_enabled(ssl_.get(), 1) != 1)) {
    return fail(TransportErrorCode::INTERNAL_ERROR, "out of memory for TLS");
  }
  return Unit{};
}

Result<> OpenSslHandshake::verifyServerName() {
  const bool isVerifying = settings_.scope.isVerified;
  std::string& name = settings_.serverName;
  if (!name.empty() && name.back() == '.') name.pop_back();  // RFC 6066 §3: without a trailing dot
  if (name.find('\0') != std::string::npos || (name.empty() && isVerifying)) {
    // OpenSSL would read an empty name as "any name will do".
    return fail(LocalErrorCode::INVALID_ARGUMENT, "a server name is needed to verify the server");
  }
  SSL* ssl = ssl_.get();
  bool set = true;
  if (isIpLiteral(name)) {
    set = !isVerifying || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  } else if (!name.empty()) {
    // RFC 9525 §6.3: names are in the subjectAltName; a wildcard stands for a whole label.
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    set = SSL_set1_host(ssl, name.c_str()) == 1 &&
          SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
  }
  if (!set) return fail(LocalErrorCode::INVALID_ARGUMENT, "the server name cannot be used");
  SSL_set_verify(ssl, isVerifying ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  return Unit{};
}

Result<> OpenSslHandshake::setTransportParameters(ByteSpan transportParameters) {
  localParameters_.assign(transportParameters.begin(), transportParameters.end());
  if (SSL_set_quic_tls_transport_params(ssl_.get(), localParameters_.data(), localParameters_.size()) == 1)
    return Unit{};
  return fail(TransportErrorCode::INTERNAL_ERROR, "TLS does not take the transport parameters");
}

Result<> OpenSslHandshake::acceptInput(EncryptionLevel level, ByteSpan bytes) {
  if (bytes.empty()) return Unit{};
  // RFC 9001 §8.3
  if (level == EncryptionLevel::ZeroRtt) return fail(TransportErrorCode::PROTOCOL_VIOLATION, "CRYPTO frame in 0-RTT");
  if (level < readLevel_) {
    return fail(TransportErrorCode::PROTOCOL_VIOLATION, "handshake bytes at a level that TLS has left");
  }
  // RFC 9001 §4.4
  if (level == EncryptionLevel::OneRtt && settings_.role == Role::Client &&
      postHandshake_.sees(static_cast<uint8_t>(TlsMessageType::CertificateRequest), bytes)) {
    return fail(TransportErrorCode::PROTOCOL_VIOLATION, "CertificateRequest after the handshake");
  }
  CryptoInbox& inbox = inbox_[indexOf(level)];
  if (bytes.size() > kMaxCryptoBuffer - inbox.size()) {
    return fail(TransportErrorCode::CRYPTO_BUFFER_EXCEEDED, "too many handshake bytes wait for TLS");
  }
  inbox.append(bytes);
  return Unit{};
}

Result<> OpenSslHandshake::advance() {
  if (phase_ == Phase::Running) {
    if (const Result<> advanced = advanceHandshake(); !advanced) return advanced;
  }
  return phase_ == Phase::Complete ? readPostHandshake() : Result<>(Unit{});
}

Result<> OpenSslHandshake::advanceHandshake() {
  ERR_clear_error();  // the queue is the thread's, not the connection's
  const int returned = SSL_do_handshake(ssl_.get());
  if (hasFailed(returned)) return failFromOpenSsl();
  // The return value does not say it: with early data it is 1 before the end.
  return SSL_is_init_finished(ssl_.get()) == 1 ? complete() : Result<>(Unit{});
}

Result<> OpenSslHandshake::complete() {
  if (!hasNegotiated()) return failFromOpenSsl();
  phase_ = Phase::Complete;
  events_.emplace_back(HandshakeComplete{std::string(selectedAlpn()), peerCertificateDer(ssl_.get()), peerServerName_,
                                         SSL_session_reused(ssl_.get()) == 1, earlyDataOutcome()});
  peerParameters_.reset();
  return Unit{};
}

Result<> OpenSslHandshake::readPostHandshake() {
  const CryptoInbox& inbox = inbox_[indexOf(EncryptionLevel::OneRtt)];
  for (size_t before = inbox.size(); before > 0; before = inbox.size()) {
    ERR_clear_error();
    size_t read = 0;
    const int returned = SSL_read_ex(ssl_.get(), nullptr, 0, &read);
    if (hasFailed(returned)) return failFromOpenSsl();
    if (inbox.size() == before) break;
  }
  return Unit{};
}

bool OpenSslHandshake::hasNegotiated() {
  const std::string_view alpn = selectedAlpn();
  if (alpn.empty() || !alpnListHas(settings_.alpn, alpn)) {
    // RFC 9001 §8.1
    noteError(cryptoError(TLS1_AD_NO_APPLICATION_PROTOCOL), "no application protocol was negotiated");
    return false;
  }
  if (!peerParameters_) {
    // RFC 9001 §8.2
    noteError(cryptoError(SSL_AD_MISSING_EXTENSION), "no transport parameters from the peer");
    return false;
  }
  return true;
}

std::string_view OpenSslHandshake::selectedAlpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return asText({name, size});
}

EarlyDataOutcome OpenSslHandshake::earlyDataOutcome() const {
  if (!isEarlyDataOffered_) return EarlyDataOutcome::NotOffered;
  const bool isAccepted = SSL_get_early_data_status(ssl_.get()) == SSL_EARLY_DATA_ACCEPTED;
  return isAccepted ? EarlyDataOutcome::Accepted : EarlyDataOutcome::Rejected;
}

bool OpenSslHandshake::hasFailed(int returned) const {
  // RFC 9001 §4.8: every alert is fatal, whatever TLS does next.
  return noted_ || alert_ != 0 || (returned <= 0 && isFatal(ssl_.get(), returned));
}

Result<> OpenSslHandshake::failFromOpenSsl() {
  const unsigned long error = ERR_peek_error();
  const long verified = SSL_get_verify_result(ssl_.get());
  const bool verifies = (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_PEER) != 0;
  if (noted_) return failWith(*noted_);
  if (const auto code = codeInsteadOfAlert(error)) {
    return failWith(fail(*code, "handshake bytes that QUIC does not allow").error);
  }
  if (verifies && verified != X509_V_OK) {
    detail_ = X509_verify_cert_error_string(verified);
  } else if (const char* reason = ERR_reason_error_string(error)) {
    detail_ = reason;
  }
  // OpenSSL fails without an alert only when it is out of memory.
  const uint8_t alert = alert_ != 0 ? alert_ : uint8_t{SSL_AD_INTERNAL_ERROR};
  return failWith(fail(cryptoError(alert), SSL_alert_desc_string_long(alert)).error);
}

Result<> OpenSslHandshake::failWith(const QuicError& error) {
  phase_ = Phase::Failed;
  failure_ = error;
  if (detail_.empty()) detail_ = error.reason;
  return forward(error);
}

void OpenSslHandshake::noteError(QuicErrorCode code, std::string_view reason) {
  if (!noted_) noted_ = fail(code, reason).error;
}

bool OpenSslHandshake::send(ByteSpan bytes) {
  if (noted_) return false;  // whatever OpenSSL thinks of it
  // The client's first bytes at the Handshake level follow the server's EncryptedExtensions: now it is known whether
  // everything was negotiated, and nothing has confirmed the handshake to the server yet.
  const bool isFirstAnswer = settings_.role == Role::Client && writeLevel_ == EncryptionLevel::Handshake;
  if (isFirstAnswer && !hasNegotiated()) return false;
  // RFC 9001 §4.1.3: the 0-RTT level carries no CRYPTO; a second ClientHello after 0-RTT keys is still an Initial.
  const EncryptionLevel level = writeLevel_ == EncryptionLevel::ZeroRtt ? EncryptionLevel::Initial : writeLevel_;
  auto* last = events_.empty() ? nullptr : std::get_if<HandshakeBytes>(&events_.back());
  if (last == nullptr || last->level != level) {
    last = std::get_if<HandshakeBytes>(&events_.emplace_back(HandshakeBytes{level, {}}));
  }
  last->bytes.insert(last->bytes.end(), bytes.begin(), bytes.end());
  return true;
}

bool OpenSslHandshake::changeSecret(EncryptionLevel level, bool write, ByteSpan secret) {
  TrafficSecret traffic;
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_.get());
  if (noted_ || cipher == nullptr || secret.size() > traffic.bytes.size()) return false;
  traffic.suite = static_cast<CipherSuite>(SSL_CIPHER_get_protocol_id(cipher));
  traffic.size = secret.size();
  std::copy(secret.begin(), secret.end(), traffic.bytes.begin());
  if (write) {
    isEarlyDataOffered_ = isEarlyDataOffered_ || level == EncryptionLevel::ZeroRtt;
    writeLevel_ = level;
    events_.emplace_back(HandshakeWriteSecret{level, traffic});
    return true;
  }
  // RFC 9001 §4.1.3: what TLS has not consumed of the level that it leaves is an error. 0-RTT has no bytes of its own.
  if (level != EncryptionLevel::ZeroRtt) {
    if (inbox_[indexOf(readLevel_)].size() != 0) {
      noteError(TransportErrorCode::PROTOCOL_VIOLATION, "handshake bytes behind the end of a level");
      return false;
    }
    readLevel_ = level;
  }
  events_.emplace_back(HandshakeReadSecret{level, traffic});
  return true;
}

bool OpenSslHandshake::receivePeerParameters(ByteSpan parameters) {
  if (peerParameters_) return true;  // a server has read them from the ClientHello
  peerParameters_.emplace(parameters.begin(), parameters.end());
  events_.emplace_back(PeerTransportParameters{*peerParameters_});
  return true;
}

}  // namespace quic
