// The keys that address-validation tokens are sealed with (RFC 9000 §8.1.4). Either the application's, so that processes and
// machines accept each other's tokens and it rotates them as it likes; or our own, which rotate by themselves: each period's
// key is a hash of the one before, so that workers that began with one seed agree without talking, and a key that leaks opens
// no token of an earlier period.
#pragma once

#include <array>
#include <vector>

#include "quic/common/QuicClock.h"
#include "quic/common/Random.h"
#include "quic/handshake/Aead.h"

namespace quic {

using AddressTokenKey = std::array<uint8_t, 32>;

struct AddressTokenSettings {
  std::vector<AddressTokenKey> keys;    // the first one seals, all of them open, at most kMaxTokenKeys; empty: our own
  AddressTokenKey seed{};               // of our own keys: the same in all workers; zeros: drawn
  TimePoint seededAt{};                 // when the seed was drawn
  Duration retryLifetime = 10s;         // of a Retry token: its client answers at once
  Duration newTokenLifetime = 7 * 24h;  // of a NEW_TOKEN token; 0: none are issued
  Duration unixOffset{
      0};  // what a TimePoint lacks to UNIX time: needed where tokens outlive the process that issued them
};

inline constexpr size_t kMaxTokenKeys = 16;

class AddressTokenKeys {
 public:
  struct Key {
    AddressTokenKey bytes{};
    uint8_t name = 0;  // on the wire; two keys may have the same
  };

  AddressTokenKeys(const CryptoFactory& crypto, Random& random, const AddressTokenSettings& settings);

  /// Empty: our own from now on, of a new seed.
  void replace(const std::vector<AddressTokenKey>& keys);
  /// Never empty; the first one seals. Valid until the next call.
  [[nodiscard]] const std::vector<Key>& at(TimePoint now);

 private:
  [[nodiscard]] Key named(const AddressTokenKey& bytes) const;

  const CryptoFactory& crypto_;
  Random& random_;
  Duration period_;
  bool rotates_ = false;
  TimePoint nextPeriodAt_{};
  std::vector<Key> keys_;
};

}  // namespace quic
