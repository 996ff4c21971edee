// Packet protection as the core sees it: one key, one direction. RFC 9001 §5. A TLS backend implements it.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "quic/common/Bytes.h"
#include "quic/common/Ids.h"
#include "quic/handshake/BlockCipher.h"

namespace quic {

enum class CipherSuite : uint16_t {
  AES_128_GCM_SHA256 = 0x1301,
  AES_256_GCM_SHA384 = 0x1302,
  CHACHA20_POLY1305_SHA256 = 0x1303,
};

class Aead {
 public:
  virtual ~Aead() = default;
  /// Encrypts `buffer`, whose last 16 bytes are room for the tag, in place. The nonce comes of `number` (RFC 9001 §5.3).
  virtual bool seal(PacketNum number, ByteSpan header, MutableByteSpan buffer) = 0;
  /// Decrypts `buffer` (ciphertext and tag) in place. The plaintext is its front; nullopt: not authentic.
  virtual std::optional<size_t> open(PacketNum number, ByteSpan header, MutableByteSpan buffer) = 0;
};

/// RFC 9001 §5.4: the five mask bytes.
using HeaderProtectionMask = std::array<uint8_t, 5>;

class PacketNumberCipher {
 public:
  virtual ~PacketNumberCipher() = default;
  /// `sample` has 16 bytes.
  virtual HeaderProtectionMask mask(ByteSpan sample) = 0;
};

/// The keys of one direction at one level. Empty until installed, empty again when discarded.
struct PacketProtection {
  std::unique_ptr<Aead> aead;
  std::unique_ptr<PacketNumberCipher> headerCipher;
  explicit operator bool() const { return aead != nullptr && headerCipher != nullptr; }
};

/// A traffic secret: 32 or 48 bytes by suite.
struct TrafficSecret {
  CipherSuite suite = CipherSuite::AES_128_GCM_SHA256;
  std::array<uint8_t, 48> bytes{};
  size_t size = 0;
  [[nodiscard]] ByteSpan span() const { return {bytes.data(), size}; }
};

struct InitialProtection {
  PacketProtection client;  // what the client seals and the server opens
  PacketProtection server;
};

/// Makes keys of QUIC version 1 and version 2 (RFC 9369 §3.3: the same with other constants); none for any other version.
/// Stateless; safe to share by all connections of a thread.
class CryptoFactory {
 public:
  virtual ~CryptoFactory() = default;
  /// RFC 9001 §5.2, from the client's first Destination Connection ID.
  [[nodiscard]] virtual InitialProtection initialProtection(uint32_t version, ByteSpan clientDestinationId) const = 0;
  /// RFC 9001 §5.1: "quic key", "quic iv", "quic hp"; version 2 says "quicv2".
  [[nodiscard]] virtual PacketProtection protection(uint32_t version, const TrafficSecret& secret) const = 0;
  /// RFC 9001 §6.1: the next generation's secret, "quic ku". The header-protection key stays.
  [[nodiscard]] virtual TrafficSecret nextSecret(uint32_t version, const TrafficSecret& secret) const = 0;
  /// RFC 9001 §5.8: the 16-byte tag over original destination ID and Retry packet without its tag.
  [[nodiscard]] virtual std::array<uint8_t, 16> retryIntegrityTag(uint32_t version, ByteSpan originalDestinationId,
                                                                  ByteSpan retryWithoutTag) const = 0;
  /// HMAC-SHA256, for stateless reset tokens, address tokens and keyed hashes.
  [[nodiscard]] virtual std::array<uint8_t, 32> hmacSha256(ByteSpan key, ByteSpan data) const = 0;
  /// AES-128, for connection IDs. Not shared by threads.
  [[nodiscard]] virtual std::unique_ptr<BlockCipher> blockCipher(const std::array<uint8_t, 16>& key) const = 0;
};

}  // namespace quic
