// Reads of TLS handshake messages (RFC 8446 §4) what QUIC, or we, must know and OpenSSL does not tell. Pure functions of
// whole messages, header included; what is malformed reads as absent, because OpenSSL refuses it a moment later.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "quic/common/Bytes.h"

namespace quic {

enum class TlsMessageType : uint8_t {  // RFC 8446 §4
  ClientHello = 1,
  ServerHello = 2,
  EncryptedExtensions = 8,
  CertificateRequest = 13,
};

/// The extension types of a ClientHello, a ServerHello that is no HelloRetryRequest, or EncryptedExtensions; else none.
std::vector<uint16_t> extensionsOf(ByteSpan message);
/// What one of them says, nullopt when it is not among them.
std::optional<ByteSpan> extensionOf(ByteSpan message, uint16_t type);
/// RFC 8446 §4.1.3: a ServerHello with a random value of its own.
bool isHelloRetryRequest(ByteSpan message);
/// The host name in a server_name extension (RFC 6066 §3), in lower case; empty when there is none.
std::string hostNameOf(ByteSpan extension);
/// The one name in a server's ALPN extension (RFC 7301 §3.1); empty when it is none, or not one.
std::string_view selectedProtocolOf(ByteSpan extension);
/// Whether an ALPN extension's names, with their lengths before them (RFC 7301 §3.1), contain this one.
bool alpnListHas(std::string_view list, std::string_view name);
/// ASCII only, as names are compared (RFC 6066 §3, RFC 9525 §6.3).
std::string inLowerCase(std::string_view text);

}  // namespace quic
