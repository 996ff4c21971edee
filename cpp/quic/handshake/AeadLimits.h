// How often a key may be used, and how many forgeries a connection bears: RFC 9001 §6.6.
#pragma once

#include <cstdint>

#include "quic/handshake/Aead.h"

namespace quic {

struct AeadLimits {
  uint64_t confidentiality = 0;  // packets sealed with one key
  uint64_t integrity = 0;        // packets that fail to open, over the connection and all its keys

  bool operator==(const AeadLimits&) const = default;
};

constexpr AeadLimits aeadLimits(CipherSuite suite) {
  constexpr uint64_t kAllPacketNumbers = uint64_t{1} << 62;
  switch (suite) {
    case CipherSuite::AES_128_GCM_SHA256:
    case CipherSuite::AES_256_GCM_SHA384: return {uint64_t{1} << 23, uint64_t{1} << 52};
    case CipherSuite::CHACHA20_POLY1305_SHA256: return {kAllPacketNumbers, uint64_t{1} << 36};
  }
  return {};
}

}  // namespace quic
