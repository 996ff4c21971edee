// The part of OpenSslHandshake that is about sessions: a client's that come and go, a server's tickets and its decision on
// early data (RFC 8446 §4.6.1, §4.2.10, RFC 9001 §4.5, §4.6).
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>

#include "quic/tls/HelloMessages.h"
#include "quic/tls/OpenSslHandshake.h"

namespace quic {
namespace {

constexpr uint32_t kEarlyDataSentinel = 0xffffffff;            // RFC 9001 §4.6.1
constexpr std::chrono::hours kMaxAuthenticationAge = 7 * 24h;  // RFC 8446 §4.6.1 asks for a limit over all resumptions
constexpr int kIvSize = 16;                                    // of AES-256-CBC

bool hasCipherOf(const SSL* ssl, const SSL_SESSION* session) {
  const SSL_CIPHER* wanted = SSL_SESSION_get0_cipher(session);
  const STACK_OF(SSL_CIPHER)* allowed = SSL_get_ciphers(ssl);
  for (int i = 0; wanted != nullptr && i < sk_SSL_CIPHER_num(allowed); ++i) {
    if (SSL_CIPHER_get_id(sk_SSL_CIPHER_value(allowed, i)) == SSL_CIPHER_get_id(wanted)) return true;
  }
  return false;
}

bool isCertificateValidNow(SSL_SESSION* session) {
  const X509* certificate = SSL_SESSION_get0_peer(session);
  return certificate != nullptr && X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

SessionTime issuedAt(const SSL_SESSION* session) { return SessionTime(SSL_SESSION_get_time_ex(session)); }

std::optional<TicketNotes> notesOf(SSL_SESSION* session) {
  void* data = nullptr;
  size_t size = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || data == nullptr) return std::nullopt;
  return TicketNotes::decode({static_cast<const uint8_t*>(data), size});
}

TicketId idOf(const SSL_SESSION* session) {
  std::array<unsigned char, SSL_MAX_MASTER_KEY_LENGTH> secret{};
  const size_t size = SSL_SESSION_get_master_key(session, secret.data(), secret.size());
  const Sha256Digest digest = sha256({secret.data(), size});
  OPENSSL_cleanse(secret.data(), secret.size());
  TicketId id{};
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

}  // namespace

// ---- client

void OpenSslHandshake::offerSession(ByteSpan session, bool withEarlyData) {
  if (settings_.role != Role::Client || phase_ != Phase::Created || session.size() > kMaxClientSessionSize) return;
  offered_ = OfferedSession{{session.begin(), session.end()}, withEarlyData};
}

void OpenSslHandshake::useOfferedSession() {
  const std::optional<OfferedSession> offered = std::move(offered_);
  offered_.reset();
  const std::optional<ClientSession> made = offered ? ClientSession::decode(offered->bytes) : std::nullopt;
  if (!made || !settings_.scope.admits(made->scope) || made->serverName != inLowerCase(settings_.serverName) ||
      !alpnListHas(settings_.alpn, made->alpn)) {
    return;
  }
  SSL* ssl = ssl_.get();
  ERR_clear_error();
  const unsigned char* at = made->session.data();
  const SslSessionPtr session(d2i_SSL_SESSION(nullptr, &at, static_cast<long>(made->session.size())));
  if (session && at == made->session.data() + made->session.size() && isUsable(session.get())) {
    // Exactly as we say them now: OpenSSL compares both before it sends early data.
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const bool set =
        SSL_SESSION_set1_hostname(session.get(), name) == 1 &&
        SSL_SESSION_set1_alpn_selected(session.get(), asBytes(made->alpn).data(), made->alpn.size()) == 1 &&
        SSL_set_session(ssl, session.get()) == 1;
    if (set && offered->withEarlyData && SSL_SESSION_get_max_early_data(session.get()) == kEarlyDataSentinel) {
      (void)SSL_set_quic_tls_early_data_enabled(ssl, 1);
    }
  }
  ERR_clear_error();
}

bool OpenSslHandshake::isUsable(SSL_SESSION* session) const {
  if (SSL_SESSION_get_protocol_version(session) != TLS1_3_VERSION || SSL_SESSION_is_resumable(session) != 1 ||
      !hasCipherOf(ssl_.get(), session)) {
    return false;
  }
  // OpenSSL keeps an old ticket back, but not the early_data extension that goes with it.
  const std::chrono::seconds lifetime(SSL_SESSION_get_ticket_lifetime_hint(session));
  if (sessionClockNow() - issuedAt(session) >= lifetime) return false;
  return !settings_.scope.isVerified || isCertificateValidNow(session);
}

void OpenSslHandshake::handOut(SSL_SESSION* session) {
  const int size = i2d_SSL_SESSION(session, nullptr);
  if (size <= 0) return;
  ClientSession made{settings_.scope, inLowerCase(settings_.serverName), std::string(selectedAlpn()),
                     ByteVector(static_cast<size_t>(size))};
  unsigned char* out = made.session.data();
  i2d_SSL_SESSION(session, &out);
  ByteVector bytes = made.encode();
  if (!bytes.empty()) events_.emplace_back(SessionTicket{std::move(bytes)});
}

// ---- server

void OpenSslHandshake::setVersion(uint32_t version) {
  if (phase_ == Phase::Created) originalVersion_ = version;
  version_ = version;
}

int OpenSslHandshake::useTicketKey(MutableByteSpan name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                                   bool seal) {
  constexpr int kFailed = -1;
  constexpr int kUnknownKey = 0;
  ServerSessions& sessions = settings_.shared->sessions;
  if (!sessions.issuesTickets()) return kUnknownKey;
  const std::optional<TicketKey> key = seal ? sessions.keyForSealing(sessionClockNow()) : sessions.keyForOpening(name);
  if (!key) return seal ? kFailed : kUnknownKey;
  if (seal) std::copy(key->name.begin(), key->name.end(), name.begin());
  if (seal && RAND_bytes(iv, kIvSize) != 1) return kFailed;
  char digest[] = "SHA2-256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  const bool isReady =
      EVP_CipherInit_ex2(cipher, EVP_aes_256_cbc(), key->cipherKey.data(), iv, seal ? 1 : 0, nullptr) == 1 &&
      EVP_MAC_init(mac, key->macKey.data(), key->macKey.size(), parameters) == 1;
  return isReady ? 1 : kFailed;
}

bool OpenSslHandshake::noteOnTicket() {
  SSL_SESSION* session = SSL_get_session(ssl_.get());
  const std::optional<TicketNotes> before = notesOf(session);  // of the ticket that is resumed
  const TicketNotes notes{before ? before->authenticatedAt : issuedAt(session), earlyDataContext_, version_,
                          peerServerName_};
  const ByteVector bytes = notes.encode();
  return SSL_SESSION_set1_ticket_appdata(session, bytes.data(), bytes.size()) == 1;
}

// RFC 8446 §4.6.1: for the name that it was issued for, and not for ever. RFC 9369 §5: for the version of QUIC.
bool OpenSslHandshake::admitsTicket(SSL_SESSION* session) {
  const std::optional<TicketNotes> notes = notesOf(session);
  return notes && notes->serverName == peerServerName_ && notes->quicVersion == originalVersion_ &&
         sessionClockNow() - notes->authenticatedAt < kMaxAuthenticationAge;
}

// OpenSSL has made sure of the rest: the first PSK, the same ALPN, a fresh ClientHello, no HelloRetryRequest. The suite must
// be the same too (RFC 8446 §4.2.10), for which it looks at the hash only.
bool OpenSslHandshake::admitsEarlyData() {
  SSL_SESSION* session = SSL_get_session(ssl_.get());
  const std::optional<TicketNotes> notes = notesOf(session);
  return notes && notes->earlyDataContext == earlyDataContext_ &&
         SSL_SESSION_get0_cipher(session) == SSL_get_pending_cipher(ssl_.get()) &&
         settings_.shared->sessions.admitEarlyData(idOf(session), issuedAt(session), sessionClockNow());
}

}  // namespace quic
