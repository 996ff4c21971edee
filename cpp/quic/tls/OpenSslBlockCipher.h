// AES-128-ECB on two EVP contexts, one for each direction. Not thread safe.
#pragma once

#include <memory>

#include "quic/common/Bytes.h"
#include "quic/handshake/BlockCipher.h"

namespace quic {

/// `key` has 16 bytes. Never null: out of memory ends the process.
std::unique_ptr<BlockCipher> makeOpenSslBlockCipher(ByteSpan key);

}  // namespace quic
