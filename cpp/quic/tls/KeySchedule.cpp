#include "quic/tls/KeySchedule.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <array>
#include <cstring>

#include "quic/common/Bug.h"
#include "quic/common/ByteCursor.h"

namespace quic {
namespace {

constexpr std::string_view kLabelPrefix = "tls13 ";
constexpr size_t kMaxLabelSize = 12;  // of QUIC v1's and v2's labels; RFC 8446 §7.1 allows 249

}  // namespace

KeySchedule::KeySchedule(HashFunction hash) : hash_(hash) {
  const EvpMacPtr mac(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
  context_.reset(EVP_MAC_CTX_new(mac.get()));
  char digest[] = "SHA2-256";
  if (hash == HashFunction::Sha384) std::strcpy(digest, "SHA2-384");
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  if (context_ && EVP_MAC_CTX_set_params(context_.get(), parameters) != 1) context_.reset();
}

bool KeySchedule::hmac(ByteSpan key, std::initializer_list<ByteSpan> parts, MutableByteSpan out) {
  if (QUIC_BUG(out.size() != size(), "HMAC output of a wrong size")) return false;
  // A null key would mean "the key of last time" to OpenSSL.
  static constexpr uint8_t kNoKey[1] = {0};
  const uint8_t* keyData = key.empty() ? kNoKey : key.data();
  if (!context_ || EVP_MAC_init(context_.get(), keyData, key.size(), nullptr) != 1) return false;
  for (const ByteSpan part : parts) {
    if (!part.empty() && EVP_MAC_update(context_.get(), part.data(), part.size()) != 1) return false;
  }
  size_t written = 0;
  return EVP_MAC_final(context_.get(), out.data(), &written, out.size()) == 1 && written == out.size();
}

bool KeySchedule::expandLabel(ByteSpan secret, std::string_view label, MutableByteSpan out) {
  if (QUIC_BUG(out.empty() || out.size() > size() || label.size() > kMaxLabelSize,
               "HKDF-Expand-Label out of its range")) {
    return false;
  }
  std::array<uint8_t, 2 + 1 + kLabelPrefix.size() + kMaxLabelSize + 1 + 1> info{};
  ByteWriter writer(info);
  writer.writeBigEndian(out.size(), 2);
  writer.writeByte(static_cast<uint8_t>(kLabelPrefix.size() + label.size()));
  writer.writeBytes(asBytes(kLabelPrefix));
  writer.writeBytes(asBytes(label));
  writer.writeByte(0);  // RFC 9001 §5.1: the context is empty
  writer.writeByte(1);  // RFC 5869 §2.3: the counter of the first and only round
  std::array<uint8_t, 48> block{};
  const MutableByteSpan round(block.data(), size());
  if (!hmac(secret, {writer.written()}, round)) return false;
  std::memcpy(out.data(), block.data(), out.size());
  OPENSSL_cleanse(block.data(), block.size());
  return true;
}

}  // namespace quic
