#include "quic/server/AddressTokenKeys.h"

#include <algorithm>

namespace quic {
namespace {

constexpr Duration kShortestPeriod = 60s;

bool isZero(const AddressTokenKey& key) {
  return std::all_of(key.begin(), key.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

AddressTokenKeys::AddressTokenKeys(const CryptoFactory& crypto, Random& random, const AddressTokenSettings& settings)
    : crypto_(crypto), random_(random), period_(std::max(kShortestPeriod, settings.newTokenLifetime)) {
  nextPeriodAt_ = settings.seededAt + period_;
  if (!settings.keys.empty() || isZero(settings.seed)) {
    replace(settings.keys);
  } else {
    rotates_ = true;
    keys_ = {named(settings.seed)};
  }
}

void AddressTokenKeys::replace(const std::vector<AddressTokenKey>& keys) {
  keys_.clear();
  rotates_ = keys.empty();
  for (size_t i = 0; i < std::min(keys.size(), kMaxTokenKeys); ++i) keys_.push_back(named(keys[i]));
  if (!rotates_) return;
  AddressTokenKey seed{};
  random_.fill(seed);
  keys_.push_back(named(seed));
}

const std::vector<AddressTokenKeys::Key>& AddressTokenKeys::at(TimePoint now) {
  if (!rotates_ || now < nextPeriodAt_) return keys_;
  const auto periods = (now - nextPeriodAt_) / period_ + 1;
  for (auto i = periods; i > 0; --i) {
    // Only the key before is kept: what an older one sealed has expired.
    keys_.insert(keys_.begin(), named(crypto_.hmacSha256(keys_.front().bytes, asBytes("next period"))));
    keys_.resize(std::min<size_t>(keys_.size(), 2));
  }
  nextPeriodAt_ += periods * period_;
  return keys_;
}

AddressTokenKeys::Key AddressTokenKeys::named(const AddressTokenKey& bytes) const {
  return {bytes, crypto_.hmacSha256(bytes, asBytes("name"))[0]};
}

}  // namespace quic
