// What we look at in hello messages before OpenSSL does, or because it does not (RFC 9001 §8, RFC 8446 §4).
#include <openssl/tls1.h>

#include <algorithm>

#include "quic/tls/HelloMessages.h"
#include "quic/tls/OpenSslHandshake.h"

namespace quic {
namespace {

std::optional<ByteSpan> clientHelloExtension(SSL* ssl, unsigned int type) {
  const unsigned char* data = nullptr;
  size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, type, &data, &size) != 1) return std::nullopt;
  return ByteSpan(data, size);
}

}  // namespace

// Called again by resume(), and once more for the second ClientHello after a HelloRetryRequest.
int OpenSslHandshake::onClientHello(int* alert) {
  SSL* ssl = ssl_.get();
  const auto parameters = clientHelloExtension(ssl, TLSEXT_TYPE_quic_transport_parameters);
  const auto name = clientHelloExtension(ssl, TLSEXT_TYPE_server_name);
  const std::string serverName = name ? hostNameOf(*name) : std::string();
  if (const auto error = checkClientHello(parameters, serverName)) {
    noteError(error->code, error->reason);
    *alert = SSL_AD_ILLEGAL_PARAMETER;  // any: what we noted counts
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (peerParameters_) return SSL_CLIENT_HELLO_SUCCESS;
  peerServerName_ = serverName;
  isEarlyDataOffered_ = clientHelloExtension(ssl, TLSEXT_TYPE_early_data).has_value();
  receivePeerParameters(*parameters);
  phase_ = Phase::Paused;
  return SSL_CLIENT_HELLO_RETRY;
}

std::optional<QuicError> OpenSslHandshake::checkClientHello(const std::optional<ByteSpan>& parameters,
                                                            const std::string& serverName) const {
  SSL* ssl = ssl_.get();
  const unsigned char* sessionId = nullptr;
  if (SSL_client_hello_get0_session_id(ssl, &sessionId) != 0) {
    // RFC 9001 §8.4
    return fail(TransportErrorCode::PROTOCOL_VIOLATION, "ClientHello with a session ID").error;
  }
  if (!clientHelloExtension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation)) {
    // RFC 9001 §8.1
    return fail(cryptoError(TLS1_AD_NO_APPLICATION_PROTOCOL), "the client offers no application protocol").error;
  }
  if (!parameters) {
    // RFC 9001 §8.2
    return fail(cryptoError(SSL_AD_MISSING_EXTENSION), "no transport parameters from the peer").error;
  }
  if (peerParameters_) {
    // RFC 8446 §4.1.2: a second ClientHello changes nothing but what it was asked for.
    const bool isSame =
        std::equal(parameters->begin(), parameters->end(), peerParameters_->begin(), peerParameters_->end()) &&
        serverName == peerServerName_;
    if (isSame) return std::nullopt;
    return fail(cryptoError(SSL_AD_ILLEGAL_PARAMETER), "the second ClientHello is about something else").error;
  }
  if (!settings_.shared || settings_.shared->identities.hasDefault() || settings_.shared->identities.has(serverName)) {
    return std::nullopt;
  }
  // RFC 8446 §9.2, RFC 6066 §3
  if (serverName.empty()) return fail(cryptoError(SSL_AD_MISSING_EXTENSION), "no server name from the client").error;
  return fail(cryptoError(SSL_AD_UNRECOGNIZED_NAME), "no certificate for the name that the client asks for").error;
}

// A client's: each whole message, before OpenSSL acts on it.
void OpenSslHandshake::onHandshakeMessage(bool isOurs, ByteSpan message) {
  if (message.empty()) return;
  if (isOurs) {
    std::vector<uint16_t> extensions = extensionsOf(message);
    if (!extensions.empty()) ourExtensions_ = std::move(extensions);
    return;
  }
  if (isHelloRetryRequest(message)) {
    // RFC 8446 §4.2.10: the next ClientHello has no early_data. OpenSSL 3.5 would repeat it.
    if (SSL_SESSION* session = SSL_get_session(ssl_.get())) SSL_SESSION_set_max_early_data(session, 0);
    return;
  }
  for (const uint16_t type : extensionsOf(message)) {
    if (std::find(ourExtensions_.begin(), ourExtensions_.end(), type) != ourExtensions_.end()) continue;
    // RFC 8446 §4.2. OpenSSL lets pass what it does not know.
    noteError(cryptoError(SSL_AD_UNSUPPORTED_EXTENSION), "the server answers an extension that was not offered");
  }
  if (message.front() == static_cast<uint8_t>(TlsMessageType::EncryptedExtensions)) checkEncryptedExtensions(message);
}

void OpenSslHandshake::checkEncryptedExtensions(ByteSpan message) {
  const auto protocol = extensionOf(message, TLSEXT_TYPE_application_layer_protocol_negotiation);
  if (!protocol) {
    // RFC 9001 §8.1
    noteError(cryptoError(TLS1_AD_NO_APPLICATION_PROTOCOL), "the server selects no application protocol");
  } else if (const std::string_view name = selectedProtocolOf(*protocol);
             !name.empty() && !alpnListHas(settings_.alpn, name)) {
    noteError(cryptoError(SSL_AD_ILLEGAL_PARAMETER), "the server selects an application protocol that was not offered");
  }
  if (!extensionOf(message, TLSEXT_TYPE_quic_transport_parameters)) {
    // RFC 9001 §8.2
    noteError(cryptoError(SSL_AD_MISSING_EXTENSION), "no transport parameters from the peer");
  }
}

}  // namespace quic
