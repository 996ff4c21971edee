// A HandshakeLayer without TLS: messages of the same shape (type, 24-bit length, body), secrets that anybody who includes
// this header knows, transport parameters that are believed. Real AEADs protect what it carries. It exists so that ends run
// in memory, and so that a misbehaving peer can speak at every level.
//
// ClientHello carries the client's transport parameters, EncryptedExtensions the server's, Certificate as many zeros as
// a test wants. NewSessionTicket is understood after the handshake; any other late message is unexpected_message. A session
// is offered, and taken up, by a message of its own ahead of ClientHello and EncryptedExtensions: PreSharedKey, a byte that
// says whether there is early data, and from the client the ticket, which is the server's early-data context as it was.
#pragma once

#include <algorithm>
#include <deque>
#include <string>

#include "quic/handshake/HandshakeLayer.h"

namespace quic::test {

enum class FakeMessage : uint8_t {  // RFC 8446 §4
  ClientHello = 1,
  ServerHello = 2,
  NewSessionTicket = 4,
  EncryptedExtensions = 8,
  Certificate = 11,
  Finished = 20,
  PreSharedKey = 41,  // there it is an extension
  KeyUpdate = 24,
};

inline ByteVector fakeMessage(FakeMessage type, ByteSpan body = {}) {
  ByteVector bytes = {static_cast<uint8_t>(type), static_cast<uint8_t>(body.size() >> 16),
                      static_cast<uint8_t>(body.size() >> 8), static_cast<uint8_t>(body.size())};
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

/// What `writer` seals with at `level`.
inline TrafficSecret fakeSecret(EncryptionLevel level, Role writer, CipherSuite suite) {
  TrafficSecret secret;
  secret.suite = suite;
  secret.size = suite == CipherSuite::AES_256_GCM_SHA384 ? 48 : 32;
  secret.bytes.fill(static_cast<uint8_t>(static_cast<int>(level) * 2 + (writer == Role::Client ? 1 : 2)));
  return secret;
}

struct FakeHandshakeOptions {
  CipherSuite suite = CipherSuite::AES_128_GCM_SHA256;
  size_t certificateSize = 500;
  std::string alpn = "fake";
  bool issuesTicket = false;      // server
  bool acceptsSession = true;     // server
  bool acceptsEarlyData = true;   // server: when the ticket has the same context
  bool acceptsAnyTicket = false;  // server: whatever its context
};

class FakeHandshake final : public HandshakeLayer {
 public:
  explicit FakeHandshake(Role role, const FakeHandshakeOptions& options = {}) : role_(role), options_(options) {}

  void offerSession(ByteSpan session, bool withEarlyData) override {
    session_.assign(session.begin(), session.end());
    if (withEarlyData) earlyData_ = EarlyDataOutcome::Rejected;  // until the server says otherwise
  }
  /// `bytes`: a client's transport parameters, a server's early-data context.
  Result<> start(ByteSpan bytes) override {
    if (role_ == Role::Server) {
      context_.assign(bytes.begin(), bytes.end());
      return Unit{};
    }
    const bool asksForEarlyData = earlyData_ != EarlyDataOutcome::NotOffered;
    if (!session_.empty()) sayPreSharedKey(EncryptionLevel::Initial, asksForEarlyData, session_);
    say(EncryptionLevel::Initial, FakeMessage::ClientHello, bytes);
    if (asksForEarlyData) {
      events_.push_back(HandshakeWriteSecret{EncryptionLevel::ZeroRtt, writeSecret(EncryptionLevel::ZeroRtt)});
    }
    return Unit{};
  }
  Result<> resume(ByteSpan transportParameters) override {
    say(EncryptionLevel::Initial, FakeMessage::ServerHello);
    installSecrets(EncryptionLevel::Handshake);
    if (earlyData_ == EarlyDataOutcome::Accepted) {
      events_.push_back(HandshakeReadSecret{EncryptionLevel::ZeroRtt, readSecret(EncryptionLevel::ZeroRtt)});
    }
    if (isResumed_) sayPreSharedKey(EncryptionLevel::Handshake, earlyData_ == EarlyDataOutcome::Accepted);
    say(EncryptionLevel::Handshake, FakeMessage::EncryptedExtensions, transportParameters);
    if (!isResumed_) say(EncryptionLevel::Handshake, FakeMessage::Certificate, ByteVector(options_.certificateSize));
    say(EncryptionLevel::Handshake, FakeMessage::Finished);
    events_.push_back(HandshakeWriteSecret{EncryptionLevel::OneRtt, writeSecret(EncryptionLevel::OneRtt)});
    expected_ = EncryptionLevel::Handshake;
    return Unit{};
  }
  Result<> onCryptoData(EncryptionLevel level, ByteSpan bytes) override {
    if (level != expected_) return fail(TransportErrorCode::PROTOCOL_VIOLATION, "CRYPTO at a level left behind");
    inbox_.insert(inbox_.end(), bytes.begin(), bytes.end());
    while (inbox_.size() >= 4) {
      const size_t size = size_t{inbox_[1]} << 16 | size_t{inbox_[2]} << 8 | inbox_[3];
      if (size > kMaxMessage) return fail(cryptoError(50), "message too long");
      if (inbox_.size() < 4 + size) break;
      const auto type = static_cast<FakeMessage>(inbox_[0]);
      const ByteVector body(inbox_.begin() + 4, inbox_.begin() + 4 + static_cast<ptrdiff_t>(size));
      inbox_.erase(inbox_.begin(), inbox_.begin() + 4 + static_cast<ptrdiff_t>(size));
      const Result<> done = role_ == Role::Client ? onServerMessage(type, body) : onClientMessage(type, body);
      if (!done) return done;
    }
    return Unit{};
  }
  std::optional<HandshakeEvent> pollEvent() override {
    if (events_.empty()) return std::nullopt;
    HandshakeEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
  }
  [[nodiscard]] std::unique_ptr<HandshakeLayer> another() const override {
    return std::make_unique<FakeHandshake>(role_, options_);
  }
  [[nodiscard]] std::string errorDetail() const override { return {}; }

 private:
  static constexpr size_t kMaxMessage = 64 * 1024;

  void say(EncryptionLevel level, FakeMessage type, ByteSpan body = {}) {
    events_.push_back(HandshakeBytes{level, fakeMessage(type, body)});
  }
  void sayPreSharedKey(EncryptionLevel level, bool earlyData, ByteSpan ticket = {}) {
    ByteVector body = {static_cast<uint8_t>(earlyData ? 1 : 0)};
    body.insert(body.end(), ticket.begin(), ticket.end());
    say(level, FakeMessage::PreSharedKey, body);
  }
  [[nodiscard]] TrafficSecret writeSecret(EncryptionLevel level) const {
    return fakeSecret(level, role_, options_.suite);
  }
  [[nodiscard]] TrafficSecret readSecret(EncryptionLevel level) const {
    return fakeSecret(level, role_ == Role::Client ? Role::Server : Role::Client, options_.suite);
  }
  void installSecrets(EncryptionLevel level) {
    events_.push_back(HandshakeReadSecret{level, readSecret(level)});
    events_.push_back(HandshakeWriteSecret{level, writeSecret(level)});
  }
  void complete() {
    events_.push_back(HandshakeComplete{options_.alpn, {}, {}, isResumed_, earlyData_});
    expected_ = EncryptionLevel::OneRtt;
    if (role_ == Role::Server && options_.issuesTicket) {
      say(EncryptionLevel::OneRtt, FakeMessage::NewSessionTicket, context_);
    }
  }
  static Unexpected<QuicError> unexpected() { return fail(cryptoError(10), "unexpected message"); }

  /// A server's judgement of what the client offers.
  Result<> onOfferedSession(const ByteVector& body) {
    if (body.empty()) return fail(cryptoError(50), "PreSharedKey without a body");
    isResumed_ = options_.acceptsSession;
    if (body[0] == 0) return Unit{};
    const bool isSame = std::equal(body.begin() + 1, body.end(), context_.begin(), context_.end());
    const bool accepts = isResumed_ && options_.acceptsEarlyData && (isSame || options_.acceptsAnyTicket);
    earlyData_ = accepts ? EarlyDataOutcome::Accepted : EarlyDataOutcome::Rejected;
    return Unit{};
  }
  Result<> onClientMessage(FakeMessage type, const ByteVector& body) {
    if (type == FakeMessage::PreSharedKey && expected_ == EncryptionLevel::Initial) return onOfferedSession(body);
    if (type == FakeMessage::ClientHello && expected_ == EncryptionLevel::Initial) {
      events_.push_back(PeerTransportParameters{body});
      return Unit{};
    }
    if (type != FakeMessage::Finished || expected_ != EncryptionLevel::Handshake) return unexpected();
    if (!body.empty()) return fail(cryptoError(51), "bad Finished");
    events_.push_back(HandshakeReadSecret{EncryptionLevel::OneRtt, readSecret(EncryptionLevel::OneRtt)});
    complete();
    return Unit{};
  }
  Result<> onServerMessage(FakeMessage type, const ByteVector& body) {
    if (expected_ == EncryptionLevel::Initial) {
      if (type != FakeMessage::ServerHello) return unexpected();
      installSecrets(EncryptionLevel::Handshake);
      expected_ = EncryptionLevel::Handshake;
      return Unit{};
    }
    if (expected_ == EncryptionLevel::OneRtt) {
      if (type != FakeMessage::NewSessionTicket) return unexpected();
      events_.push_back(SessionTicket{body});
      return Unit{};
    }
    if (type == FakeMessage::PreSharedKey && !session_.empty() && body.size() == 1) {
      isResumed_ = true;
      if (body[0] == 1) earlyData_ = EarlyDataOutcome::Accepted;
      return Unit{};
    }
    if (type == FakeMessage::EncryptedExtensions) events_.push_back(PeerTransportParameters{body});
    if (type == FakeMessage::EncryptedExtensions || type == FakeMessage::Certificate) return Unit{};
    if (type != FakeMessage::Finished) return unexpected();
    if (!body.empty()) return fail(cryptoError(51), "bad Finished");
    say(EncryptionLevel::Handshake, FakeMessage::Finished);
    installSecrets(EncryptionLevel::OneRtt);
    complete();
    return Unit{};
  }

  Role role_;
  FakeHandshakeOptions options_;
  EncryptionLevel expected_ = EncryptionLevel::Initial;
  ByteVector session_;  // client: offered
  ByteVector context_;  // server: what early data is tied to
  bool isResumed_ = false;
  EarlyDataOutcome earlyData_ = EarlyDataOutcome::NotOffered;
  ByteVector inbox_;
  std::deque<HandshakeEvent> events_;
};

}  // namespace quic::test
