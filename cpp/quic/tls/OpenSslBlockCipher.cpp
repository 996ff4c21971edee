#include "quic/tls/OpenSslBlockCipher.h"

#include <cstdlib>

#include "quic/tls/OpenSslPtr.h"

namespace quic {
namespace {

void require(bool worked) {
  if (!worked) std::abort();
}

class OpenSslBlockCipher final : public BlockCipher {
 public:
  explicit OpenSslBlockCipher(ByteSpan key) {
    const EvpCipherPtr cipher(EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr));
    for (int direction = 0; direction < 2; ++direction) {
      EVP_CIPHER_CTX* context = contexts_[direction].get();
      require(cipher && context != nullptr && key.size() == kCipherBlockSize &&
              EVP_CipherInit_ex2(context, cipher.get(), key.data(), nullptr, direction, nullptr) == 1);
      EVP_CIPHER_CTX_set_padding(context, 0);
    }
  }
  void encrypt(CipherBlock& block) override { run(kEncrypt, block); }
  void decrypt(CipherBlock& block) override { run(kDecrypt, block); }

 private:
  static constexpr int kDecrypt = 0;
  static constexpr int kEncrypt = 1;

  void run(int direction, CipherBlock& block) {
    int length = 0;
    require(EVP_CipherUpdate(contexts_[direction].get(), block.data(), &length, block.data(), kCipherBlockSize) == 1);
  }

  EvpCipherCtxPtr contexts_[2] = {EvpCipherCtxPtr(EVP_CIPHER_CTX_new()), EvpCipherCtxPtr(EVP_CIPHER_CTX_new())};
};

}  // namespace

std::unique_ptr<BlockCipher> makeOpenSslBlockCipher(ByteSpan key) { return std::make_unique<OpenSslBlockCipher>(key); }

}  // namespace quic
