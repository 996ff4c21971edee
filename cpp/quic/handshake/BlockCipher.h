// AES-128 on single blocks, for connection IDs that only we can read. Nothing of packets is protected with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace quic {

inline constexpr size_t kCipherBlockSize = 16;
using CipherBlock = std::array<uint8_t, kCipherBlockSize>;

class BlockCipher {
 public:
  virtual ~BlockCipher() = default;
  virtual void encrypt(CipherBlock& block) = 0;
  virtual void decrypt(CipherBlock& block) = 0;
};

}  // namespace quic
