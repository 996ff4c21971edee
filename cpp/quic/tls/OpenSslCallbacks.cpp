// The C side of OpenSslHandshake: OpenSSL's callbacks, translated into calls of its private methods.
#include <openssl/core_dispatch.h>
#include <openssl/tls1.h>

#include "quic/tls/OpenSslHandshake.h"

namespace quic {

struct OpenSslCallbacks {
  static OpenSslHandshake& of(void* argument) { return *static_cast<OpenSslHandshake*>(argument); }
  static OpenSslHandshake* of(const SSL* ssl) { return static_cast<OpenSslHandshake*>(SSL_get_ex_data(ssl, 0)); }
  static CryptoInbox& readInbox(OpenSslHandshake& handshake) {
    return handshake.inbox_[static_cast<size_t>(handshake.readLevel_)];
  }

  // ---- per connection: the record layer that QUIC is

  static int sendCrypto(SSL*, const unsigned char* bytes, size_t size, size_t* consumed, void* argument) {
    if (!of(argument).send({bytes, size})) return 0;
    *consumed = size;
    return 1;
  }
  static int receiveCrypto(SSL*, const unsigned char** bytes, size_t* size, void* argument) {
    const ByteSpan next = readInbox(of(argument)).borrow();
    *bytes = next.data();
    *size = next.size();
    return 1;
  }
  static int releaseCrypto(SSL*, size_t size, void* argument) { return readInbox(of(argument)).release(size) ? 1 : 0; }
  static int yieldSecret(SSL*, uint32_t level, int direction, const unsigned char* secret, size_t size,
                         void* argument) {
    // OSSL_RECORD_PROTECTION_LEVEL_* count as EncryptionLevel does; direction 1 is writing.
    if (level >= static_cast<uint32_t>(kEncryptionLevels)) return 0;
    return of(argument).changeSecret(static_cast<EncryptionLevel>(level), direction == 1, {secret, size}) ? 1 : 0;
  }
  static int gotTransportParameters(SSL*, const unsigned char* parameters, size_t size, void* argument) {
    return of(argument).receivePeerParameters({parameters, size}) ? 1 : 0;
  }
  static int raiseAlert(SSL*, unsigned char alert, void* argument) {
    if (of(argument).alert_ == 0) of(argument).alert_ = alert;
    return 1;
  }

  // ---- per context

  static int clientHello(SSL* ssl, int* alert, void*) { return of(ssl)->onClientHello(alert); }
  static int selectAlpn(SSL* ssl, const unsigned char** out, unsigned char* outSize, const unsigned char* offered,
                        unsigned int offeredSize, void*) {
    const std::string& ours = of(ssl)->settings_.alpn;
    unsigned char* selected = nullptr;
    const int found = SSL_select_next_proto(&selected, outSize, reinterpret_cast<const unsigned char*>(ours.data()),
                                            static_cast<unsigned int>(ours.size()), offered, offeredSize);
    if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 §3.2: no_application_protocol
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
  }
  static void keyLog(const SSL* ssl, const char* line) { of(ssl)->events_.emplace_back(KeyLogLine{line}); }
  static int newSession(SSL* ssl, SSL_SESSION* session) {
    of(ssl)->handOut(session);
    return 0;  // the session stays OpenSSL's
  }
  static void listenToMessages(SSL* ssl, OpenSslHandshake* handshake) {
    SSL_set_msg_callback(ssl, [](int isOurs, int, int type, const void* bytes, size_t size, SSL*, void* argument) {
      if (type != SSL3_RT_HANDSHAKE) return;
      of(argument).onHandshakeMessage(isOurs == 1, {static_cast<const uint8_t*>(bytes), size});
    });
    SSL_set_msg_callback_arg(ssl, handshake);
  }

  // ---- per context, for what its handshakes share

  static int serverName(SSL* ssl, int*, void*) {
    const OpenSslHandshake& handshake = *of(ssl);
    const bool isKnown = handshake.settings_.shared->identities.has(handshake.peerServerName_);
    return isKnown ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;  // RFC 6066 §3: acknowledged when it was of use
  }
  static int selectCertificate(SSL* ssl, void*) {
    const OpenSslHandshake& handshake = *of(ssl);
    if (SSL_session_reused(ssl) == 1) return 1;  // none is shown
    return handshake.settings_.shared->identities.use(ssl, handshake.peerServerName_) ? 1 : 0;
  }
  static int ticketKey(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                       int seal) {
    return of(ssl)->useTicketKey({name, TicketKey::kNameSize}, iv, cipher, mac, seal == 1);
  }
  static int makeTicket(SSL* ssl, void*) { return of(ssl)->noteOnTicket() ? 1 : 0; }
  static SSL_TICKET_RETURN openTicket(SSL* ssl, SSL_SESSION* session, const unsigned char*, size_t,
                                      SSL_TICKET_STATUS status, void*) {
    const bool isOpen = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    // A new one follows in any case: RFC 8446 §C.4 advises clients to use each only once.
    return isOpen && of(ssl)->admitsTicket(session) ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  static int allowEarlyData(SSL* ssl, void*) { return of(ssl)->admitsEarlyData() ? 1 : 0; }
};

namespace {

const OSSL_DISPATCH kQuicCallbacks[] = {
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_SEND, reinterpret_cast<void (*)()>(OpenSslCallbacks::sendCrypto)},
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RECV_RCD, reinterpret_cast<void (*)()>(OpenSslCallbacks::receiveCrypto)},
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RELEASE_RCD, reinterpret_cast<void (*)()>(OpenSslCallbacks::releaseCrypto)},
    {OSSL_FUNC_SSL_QUIC_TLS_YIELD_SECRET, reinterpret_cast<void (*)()>(OpenSslCallbacks::yieldSecret)},
    {OSSL_FUNC_SSL_QUIC_TLS_GOT_TRANSPORT_PARAMS,
     reinterpret_cast<void (*)()>(OpenSslCallbacks::gotTransportParameters)},
    {OSSL_FUNC_SSL_QUIC_TLS_ALERT, reinterpret_cast<void (*)()>(OpenSslCallbacks::raiseAlert)},
    {0, nullptr}};

}  // namespace

OpenSslHandshake::OpenSslHandshake(SSL_CTX* context, HandshakeSettings settings)
    : settings_(std::move(settings)), ssl_(SSL_new(context)) {
  // Once only: a second call of SSL_set_quic_tls_cbs would keep the first callbacks.
  if (ssl_ &&
      (SSL_set_ex_data(ssl_.get(), 0, this) != 1 || SSL_set_quic_tls_cbs(ssl_.get(), kQuicCallbacks, this) != 1)) {
    ssl_.reset();
  }
  if (!ssl_) return;
  // RFC 9001 §8.4: no middlebox compatibility mode.
  SSL_clear_options(ssl_.get(), SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  if (settings_.role == Role::Client) {
    SSL_set_connect_state(ssl_.get());
    OpenSslCallbacks::listenToMessages(ssl_.get(), this);
  } else {
    SSL_set_accept_state(ssl_.get());
  }
}

OpenSslHandshake::~OpenSslHandshake() {
  // Without it SSL_free calls the session broken and not resumable. Callbacks can run within, so the members still live.
  if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ssl_.reset();
}

void OpenSslHandshake::installCallbacks(SSL_CTX* context, Role role, bool keyLog) {
  if (keyLog) SSL_CTX_set_keylog_callback(context, OpenSslCallbacks::keyLog);
  if (role == Role::Server) {
    SSL_CTX_set_client_hello_cb(context, OpenSslCallbacks::clientHello, nullptr);
    SSL_CTX_set_alpn_select_cb(context, OpenSslCallbacks::selectAlpn, nullptr);
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, OpenSslCallbacks::newSession);
  }
}

void OpenSslHandshake::installSharedCallbacks(SSL_CTX* context) {
  SSL_CTX_set_tlsext_servername_callback(context, OpenSslCallbacks::serverName);
  SSL_CTX_set_cert_cb(context, OpenSslCallbacks::selectCertificate, nullptr);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, OpenSslCallbacks::ticketKey);
  SSL_CTX_set_session_ticket_cb(context, OpenSslCallbacks::makeTicket, OpenSslCallbacks::openTicket, nullptr);
  SSL_CTX_set_allow_early_data_cb(context, OpenSslCallbacks::allowEarlyData, nullptr);
}

}  // namespace quic
