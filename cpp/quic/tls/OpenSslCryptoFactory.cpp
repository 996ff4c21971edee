// The key schedules of QUIC v1 (RFC 9001 §5.1, §5.2, §5.8, §6.1) and v2 (RFC 9369 §3.3).
#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>

#include "quic/QuicConstants.h"
#include "quic/common/Bug.h"
#include "quic/tls/KeySchedule.h"
#include "quic/tls/OpenSslAead.h"
#include "quic/tls/OpenSslBlockCipher.h"
#include "quic/tls/OpenSslTls.h"

namespace quic {
namespace {

/// All in which the key schedules of two versions differ.
struct VersionConstants {
  std::array<uint8_t, 20> initialSalt;
  std::array<uint8_t, 16> retryKey;
  std::array<uint8_t, kAeadNonceSize> retryNonce;
  std::string_view keyLabel;
  std::string_view ivLabel;
  std::string_view headerProtectionLabel;
  std::string_view keyUpdateLabel;
};
// RFC 9001 §5.2, §5.8, §5.1, §6.1
constexpr VersionConstants kVersion1 = {
    {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
     0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
    {0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e},
    {0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb},
    "quic key",
    "quic iv",
    "quic hp",
    "quic ku"};
// RFC 9369 §3.3.1, §3.3.3, §3.3.2
constexpr VersionConstants kVersion2 = {
    {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
     0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
    {0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2, 0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc, 0x92},
    {0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a},
    "quicv2 key",
    "quicv2 iv",
    "quicv2 hp",
    "quicv2 ku"};

/// Null for a version that is unknown.
const VersionConstants* constantsOf(uint32_t version) {
  if (version == kQuicVersion1) return &kVersion1;
  return version == kQuicVersion2 ? &kVersion2 : nullptr;
}

constexpr size_t kMaxKeySize = 32;

HashFunction hashOf(CipherSuite suite) {
  return suite == CipherSuite::AES_256_GCM_SHA384 ? HashFunction::Sha384 : HashFunction::Sha256;
}

// Tokens and tags must never come out as zeros that everybody can guess: like any failed allocation, it ends the process.
void requireMemory(bool worked) {
  if (!worked) std::abort();
}

class OpenSslCryptoFactory final : public CryptoFactory {
 public:
  [[nodiscard]] InitialProtection initialProtection(uint32_t version, ByteSpan clientDestinationId) const override {
    const VersionConstants* constants = constantsOf(version);
    if (constants == nullptr) return {};
    std::array<uint8_t, 32> initial{};
    if (!sha256_.extract(constants->initialSalt, clientDestinationId, initial)) return {};
    const auto derive = [&](std::string_view label) {
      TrafficSecret secret;
      secret.size = sha256_.size();
      if (!sha256_.expandLabel(initial, label, {secret.bytes.data(), secret.size})) return PacketProtection{};
      return protection(version, secret);
    };
    return {derive("client in"), derive("server in")};
  }

  [[nodiscard]] PacketProtection protection(uint32_t version, const TrafficSecret& secret) const override {
    KeySchedule* schedule = scheduleFor(secret);
    const VersionConstants* constants = constantsOf(version);
    if (schedule == nullptr || constants == nullptr) return {};
    const SuiteCiphers& ciphers = ciphersOf(secret.suite);
    std::array<uint8_t, kMaxKeySize> key{};
    std::array<uint8_t, kMaxKeySize> headerKey{};
    std::array<uint8_t, kAeadNonceSize> iv{};
    const MutableByteSpan keySpan(key.data(), ciphers.keySize);
    const MutableByteSpan headerKeySpan(headerKey.data(), ciphers.keySize);
    PacketProtection result;
    if (schedule->expandLabel(secret.span(), constants->keyLabel, keySpan) &&
        schedule->expandLabel(secret.span(), constants->ivLabel, iv) &&
        schedule->expandLabel(secret.span(), constants->headerProtectionLabel, headerKeySpan)) {
      result.aead = makeOpenSslAead(ciphers.aead.get(), keySpan, iv);
      result.headerCipher = makeOpenSslPacketNumberCipher(secret.suite, ciphers.headerProtection.get(), headerKeySpan);
    }
    OPENSSL_cleanse(key.data(), key.size());
    OPENSSL_cleanse(headerKey.data(), headerKey.size());
    return result;
  }

  [[nodiscard]] TrafficSecret nextSecret(uint32_t version, const TrafficSecret& secret) const override {
    TrafficSecret next;
    next.suite = secret.suite;
    KeySchedule* schedule = scheduleFor(secret);
    const VersionConstants* constants = constantsOf(version);
    if (schedule == nullptr || constants == nullptr) return next;
    if (schedule->expandLabel(secret.span(), constants->keyUpdateLabel, {next.bytes.data(), schedule->size()})) {
      next.size = schedule->size();
    }
    return next;
  }

  [[nodiscard]] std::array<uint8_t, 16> retryIntegrityTag(uint32_t version, ByteSpan originalDestinationId,
                                                          ByteSpan retryWithoutTag) const override {
    std::array<uint8_t, 16> tag{};
    const VersionConstants* constants = constantsOf(version);
    if (QUIC_BUG(constants == nullptr, "Retry of an unknown version")) return tag;
    if (QUIC_BUG(originalDestinationId.size() > UINT8_MAX, "connection ID too long for a Retry")) return tag;
    const uint8_t idSize = static_cast<uint8_t>(originalDestinationId.size());
    EVP_CIPHER_CTX* context = retryContext_.get();
    requireMemory(context != nullptr && EVP_CipherInit_ex2(context, aes128_.aead.get(), constants->retryKey.data(),
                                                           constants->retryNonce.data(), 1, nullptr) == 1);
    for (const ByteSpan part : {ByteSpan(&idSize, 1), originalDestinationId, retryWithoutTag}) {
      int length = 0;
      requireMemory(part.empty() ||
                    EVP_CipherUpdate(context, nullptr, &length, part.data(), static_cast<int>(part.size())) == 1);
    }
    int length = 0;
    requireMemory(EVP_CipherFinal_ex(context, tag.data(), &length) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag.size(), tag.data()) == 1);
    return tag;
  }

  [[nodiscard]] std::array<uint8_t, 32> hmacSha256(ByteSpan key, ByteSpan data) const override {
    std::array<uint8_t, 32> result{};
    requireMemory(sha256_.hmac(key, {data}, result));
    return result;
  }

  [[nodiscard]] std::unique_ptr<BlockCipher> blockCipher(const std::array<uint8_t, 16>& key) const override {
    return makeOpenSslBlockCipher(key);
  }

 private:
  /// Null for a secret whose size is not its suite's.
  KeySchedule* scheduleFor(const TrafficSecret& secret) const {
    KeySchedule* schedule = hashOf(secret.suite) == HashFunction::Sha384 ? &sha384_ : &sha256_;
    return secret.size == schedule->size() ? schedule : nullptr;
  }
  [[nodiscard]] const SuiteCiphers& ciphersOf(CipherSuite suite) const {
    if (suite == CipherSuite::AES_256_GCM_SHA384) return aes256_;
    return suite == CipherSuite::CHACHA20_POLY1305_SHA256 ? chacha20_ : aes128_;
  }

  SuiteCiphers aes128_ = fetchSuiteCiphers(CipherSuite::AES_128_GCM_SHA256);
  SuiteCiphers aes256_ = fetchSuiteCiphers(CipherSuite::AES_256_GCM_SHA384);
  SuiteCiphers chacha20_ = fetchSuiteCiphers(CipherSuite::CHACHA20_POLY1305_SHA256);
  mutable KeySchedule sha256_{HashFunction::Sha256};  // scratch space: nothing is carried from call to call
  mutable KeySchedule sha384_{HashFunction::Sha384};
  EvpCipherCtxPtr retryContext_{EVP_CIPHER_CTX_new()};  // scratch space too
};

}  // namespace

std::unique_ptr<CryptoFactory> makeOpenSslCryptoFactory() { return std::make_unique<OpenSslCryptoFactory>(); }

}  // namespace quic
