// HMAC, and HKDF as TLS 1.3 uses it (RFC 5869, RFC 8446 §7.1), on one cached context per hash.
// Not thread safe: an object belongs to one thread. It holds no key between two calls that matters: each call sets its own.
#pragma once

#include <initializer_list>
#include <string_view>

#include "quic/common/Bytes.h"
#include "quic/tls/OpenSslPtr.h"

namespace quic {

enum class HashFunction : uint8_t { Sha256, Sha384 };

constexpr size_t hashSize(HashFunction hash) { return hash == HashFunction::Sha256 ? 32 : 48; }

class KeySchedule {
 public:
  explicit KeySchedule(HashFunction hash);

  [[nodiscard]] size_t size() const { return hashSize(hash_); }
  /// HMAC over the concatenated parts. `out` has size() bytes. False only when OpenSSL is out of memory.
  bool hmac(ByteSpan key, std::initializer_list<ByteSpan> parts, MutableByteSpan out);
  /// RFC 5869 §2.2. `out` has size() bytes.
  bool extract(ByteSpan salt, ByteSpan keyMaterial, MutableByteSpan out) { return hmac(salt, {keyMaterial}, out); }
  /// RFC 8446 §7.1, HKDF-Expand-Label with an empty context. `label` comes without "tls13 "; `out` has 1 to size() bytes,
  /// which is all that QUIC asks for and is one round of HKDF-Expand.
  bool expandLabel(ByteSpan secret, std::string_view label, MutableByteSpan out);

 private:
  HashFunction hash_;
  EvpMacCtxPtr context_;
};

}  // namespace quic
