// Packet protection and header protection on EVP contexts that are made once for a key (RFC 9001 §5.3, §5.4).
// A packet costs no allocation. Not thread safe.
#pragma once

#include "quic/handshake/Aead.h"
#include "quic/tls/OpenSslPtr.h"

namespace quic {

inline constexpr size_t kAeadNonceSize = 12;  // RFC 9001 §5.3, every suite of QUIC v1

/// The algorithms of one suite, fetched once.
struct SuiteCiphers {
  EvpCipherPtr aead;
  EvpCipherPtr headerProtection;
  size_t keySize = 0;  // of both
};
SuiteCiphers fetchSuiteCiphers(CipherSuite suite);

/// Null when OpenSSL refuses, that is, when it is out of memory.
/// On failure open() wipes what it had begun to decrypt and leaves the last 16 bytes as they came, because they can be a
/// stateless reset token (RFC 9000 §10.3.1).
std::unique_ptr<Aead> makeOpenSslAead(const EVP_CIPHER* cipher, ByteSpan key, ByteSpan iv);
std::unique_ptr<PacketNumberCipher> makeOpenSslPacketNumberCipher(CipherSuite suite, const EVP_CIPHER* cipher,
                                                                  ByteSpan key);

}  // namespace quic
