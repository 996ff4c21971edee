#include "quic/tls/OpenSslAead.h"

#include <openssl/crypto.h>

#include <climits>
#include <cstring>

#include "quic/QuicConstants.h"
#include "quic/common/Bug.h"

namespace quic {
namespace {

enum class Direction : int { Open = 0, Seal = 1 };

class OpenSslAead final : public Aead {
 public:
  OpenSslAead(EvpCipherCtxPtr context, ByteSpan iv) : context_(std::move(context)) {
    std::memcpy(iv_.data(), iv.data(), iv_.size());
  }

  bool seal(PacketNum number, ByteSpan header, MutableByteSpan buffer) override {
    if (buffer.size() < kAeadTagSize || buffer.size() > INT_MAX) return false;
    const MutableByteSpan text = buffer.first(buffer.size() - kAeadTagSize);
    if (!begin(Direction::Seal, number, header) || !transform(text) || !finish()) return false;
    return EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kAeadTagSize, text.data() + text.size()) == 1;
  }

  std::optional<size_t> open(PacketNum number, ByteSpan header, MutableByteSpan buffer) override {
    if (buffer.size() < kAeadTagSize || buffer.size() > INT_MAX) return std::nullopt;
    const MutableByteSpan text = buffer.first(buffer.size() - kAeadTagSize);
    const bool authentic =
        begin(Direction::Open, number, header) &&
        EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kAeadTagSize, text.data() + text.size()) == 1 &&
        transform(text) && finish();
    if (authentic) return text.size();
    OPENSSL_cleanse(text.data(), text.size());
    return std::nullopt;
  }

 private:
  bool begin(Direction direction, PacketNum number, ByteSpan header) {
    // RFC 9001 §5.3: the packet number, padded on the left, XORed into the IV.
    std::array<uint8_t, kAeadNonceSize> nonce = iv_;
    for (size_t i = 0; i < 8; ++i) nonce[kAeadNonceSize - 1 - i] ^= static_cast<uint8_t>(number >> 8 * i);
    if (header.size() > INT_MAX) return false;
    if (EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, nonce.data(), static_cast<int>(direction), nullptr) != 1) {
      return false;
    }
    int length = 0;
    return header.empty() ||
           EVP_CipherUpdate(context_.get(), nullptr, &length, header.data(), static_cast<int>(header.size())) == 1;
  }
  bool transform(MutableByteSpan text) {
    int length = 0;
    return text.empty() ||
           EVP_CipherUpdate(context_.get(), text.data(), &length, text.data(), static_cast<int>(text.size())) == 1;
  }
  bool finish() {
    std::array<uint8_t, kAeadTagSize> nothing{};  // a stream cipher has no last block
    int length = 0;
    return EVP_CipherFinal_ex(context_.get(), nothing.data(), &length) == 1;
  }

  EvpCipherCtxPtr context_;
  std::array<uint8_t, kAeadNonceSize> iv_{};
};

// RFC 9001 §5.4.3
class AesPacketNumberCipher final : public PacketNumberCipher {
 public:
  explicit AesPacketNumberCipher(EvpCipherCtxPtr context) : context_(std::move(context)) {}

  HeaderProtectionMask mask(ByteSpan sample) override {
    HeaderProtectionMask result{};
    if (QUIC_BUG(sample.size() != kHeaderProtectionSampleSize, "header protection sample of a wrong size"))
      return result;
    std::array<uint8_t, kHeaderProtectionSampleSize> block{};
    int length = 0;
    EVP_CipherUpdate(context_.get(), block.data(), &length, sample.data(), static_cast<int>(sample.size()));
    std::memcpy(result.data(), block.data(), result.size());
    return result;
  }

 private:
  EvpCipherCtxPtr context_;
};

// RFC 9001 §5.4.4. Its counter (4 bytes, little endian) and nonce (12 bytes) are the sample as it lies, and this is
// OpenSSL's form of a ChaCha20 IV.
class ChaCha20PacketNumberCipher final : public PacketNumberCipher {
 public:
  explicit ChaCha20PacketNumberCipher(EvpCipherCtxPtr context) : context_(std::move(context)) {}

  HeaderProtectionMask mask(ByteSpan sample) override {
    HeaderProtectionMask result{};
    if (QUIC_BUG(sample.size() != kHeaderProtectionSampleSize, "header protection sample of a wrong size"))
      return result;
    int length = 0;
    EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, sample.data(), 1, nullptr);
    EVP_CipherUpdate(context_.get(), result.data(), &length, result.data(), static_cast<int>(result.size()));
    return result;
  }

 private:
  EvpCipherCtxPtr context_;
};

EvpCipherCtxPtr makeKeyedContext(const EVP_CIPHER* cipher, ByteSpan key) {
  if (cipher == nullptr || static_cast<size_t>(EVP_CIPHER_get_key_length(cipher)) != key.size()) return nullptr;
  EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
  if (!context || EVP_CipherInit_ex2(context.get(), cipher, key.data(), nullptr, 1, nullptr) != 1) return nullptr;
  return context;
}

}  // namespace

SuiteCiphers fetchSuiteCiphers(CipherSuite suite) {
  const auto fetch = [](const char* aead, const char* headerProtection, size_t keySize) {
    return SuiteCiphers{EvpCipherPtr(EVP_CIPHER_fetch(nullptr, aead, nullptr)),
                        EvpCipherPtr(EVP_CIPHER_fetch(nullptr, headerProtection, nullptr)), keySize};
  };
  switch (suite) {
    case CipherSuite::AES_128_GCM_SHA256: return fetch("AES-128-GCM", "AES-128-ECB", 16);
    case CipherSuite::AES_256_GCM_SHA384: return fetch("AES-256-GCM", "AES-256-ECB", 32);
    case CipherSuite::CHACHA20_POLY1305_SHA256: return fetch("ChaCha20-Poly1305", "ChaCha20", 32);
  }
  return {};
}

std::unique_ptr<Aead> makeOpenSslAead(const EVP_CIPHER* cipher, ByteSpan key, ByteSpan iv) {
  if (QUIC_BUG(iv.size() != kAeadNonceSize, "AEAD IV of a wrong size")) return nullptr;
  EvpCipherCtxPtr context = makeKeyedContext(cipher, key);
  if (!context) return nullptr;
  return std::make_unique<OpenSslAead>(std::move(context), iv);
}

std::unique_ptr<PacketNumberCipher> makeOpenSslPacketNumberCipher(CipherSuite suite, const EVP_CIPHER* cipher,
                                                                  ByteSpan key) {
  EvpCipherCtxPtr context = makeKeyedContext(cipher, key);
  if (!context) return nullptr;
  if (suite == CipherSuite::CHACHA20_POLY1305_SHA256) {
    return std::make_unique<ChaCha20PacketNumberCipher>(std::move(context));
  }
  EVP_CIPHER_CTX_set_padding(context.get(), 0);  // whole blocks only; each call is one
  return std::make_unique<AesPacketNumberCipher>(std::move(context));
}

}  // namespace quic
