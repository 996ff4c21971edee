// SHA-256 in one call.
#pragma once

#include <openssl/sha.h>

#include <array>

#include "quic/common/Bytes.h"

namespace quic {

using Sha256Digest = std::array<uint8_t, SHA256_DIGEST_LENGTH>;

inline Sha256Digest sha256(ByteSpan bytes) {
  Sha256Digest digest{};
  SHA256(bytes.data(), bytes.size(), digest.data());
  return digest;
}

}  // namespace quic
