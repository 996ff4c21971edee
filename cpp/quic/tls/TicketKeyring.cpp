#include "quic/tls/TicketKeyring.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

#include "quic/tls/KeySchedule.h"

namespace quic {
namespace {

/// Name and both keys from one secret, so that whoever shares the secret shares them.
std::optional<TicketKey> derive(ByteSpan secret) {
  KeySchedule schedule(HashFunction::Sha256);
  std::array<uint8_t, 32> root{};
  TicketKey key;
  const bool derived = schedule.extract(asBytes("quic session ticket"), secret, root) &&
                       schedule.expandLabel(root, "ticket name", key.name) &&
                       schedule.expandLabel(root, "ticket key", key.cipherKey) &&
                       schedule.expandLabel(root, "ticket mac", key.macKey);
  OPENSSL_cleanse(root.data(), root.size());
  if (!derived) return std::nullopt;
  return key;
}

}  // namespace

TicketKey::~TicketKey() {
  OPENSSL_cleanse(cipherKey.data(), cipherKey.size());
  OPENSSL_cleanse(macKey.data(), macKey.size());
}

bool TicketKeyring::use(const std::vector<ByteVector>& keys) {
  if (keys.empty() || keys.size() > kMaxTicketKeys) return false;
  std::vector<TicketKey> derived;
  for (const ByteVector& secret : keys) {
    const std::optional<TicketKey> key = secret.size() < kMinTicketKeySize ? std::nullopt : derive(secret);
    if (!key) return false;
    derived.push_back(*key);
  }
  keys_ = std::move(derived);
  generatedAt_.reset();
  return true;
}

std::optional<TicketKey> TicketKeyring::forSealing(SessionTime now) {
  const bool isDue = keys_.empty() || (generatedAt_ && now - *generatedAt_ >= lifetime_);
  if (isDue && !generate(now)) return std::nullopt;
  return keys_.front();
}

std::optional<TicketKey> TicketKeyring::forOpening(ByteSpan name) const {
  for (const TicketKey& key : keys_) {
    if (std::equal(name.begin(), name.end(), key.name.begin(), key.name.end())) return key;
  }
  return std::nullopt;
}

bool TicketKeyring::generate(SessionTime now) {
  std::array<uint8_t, 48> secret{};
  if (RAND_priv_bytes(secret.data(), static_cast<int>(secret.size())) != 1) return false;
  const std::optional<TicketKey> key = derive(secret);
  OPENSSL_cleanse(secret.data(), secret.size());
  if (!key) return false;
  // What the key before this one encrypted can be valid for one lifetime more; the one before that is of no use.
  if (keys_.size() > 1) keys_.resize(1);
  keys_.insert(keys_.begin(), *key);
  generatedAt_ = now;
  return true;
}

}  // namespace quic
