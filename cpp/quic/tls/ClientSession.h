// A client's session as it leaves us and comes back, perhaps in another process and after a year: OpenSSL's bytes, and what
// must be the same again for it to be used (RFC 8446 §4.6.1, RFC 9001 §4.5). It ends with a checksum, because OpenSSL
// would take a changed secret for a good one and the handshake would fail for it. It is not encrypted: who can
// read it can be us.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "quic/common/Bytes.h"

namespace quic {

inline constexpr size_t kMaxClientSessionSize = 16 * 1024;  // larger ones are neither handed out nor taken

/// As whom and how a client shook hands: what a session says without a certificate being shown again.
struct SessionScope {
  std::array<uint8_t, 16> trust{};     // the authorities; meaningless unless `isVerified`
  std::array<uint8_t, 16> identity{};  // the client's own certificate
  bool isVerified = false;             // the server's certificate was checked

  /// Whether a client of this scope may use a session that was made in another.
  [[nodiscard]] bool admits(const SessionScope& made) const {
    return identity == made.identity && (!isVerified || (made.isVerified && trust == made.trust));
  }
};

struct ClientSession {
  SessionScope scope;
  std::string serverName;  // in lower case
  std::string alpn;
  ByteVector session;  // DER, as OpenSSL writes it

  /// Empty when it would be too large.
  [[nodiscard]] ByteVector encode() const;
  /// Nullopt for anything that encode() did not make.
  static std::optional<ClientSession> decode(ByteSpan bytes);
};

}  // namespace quic
