// How often something may happen: in all, and for each source of datagrams. The memory is fixed, whoever sends.
#pragma once

#include <algorithm>
#include <vector>

#include "quic/common/KeyedHash.h"
#include "quic/common/QuicClock.h"
#include "quic/common/SourcePrefix.h"

namespace quic {

struct Rate {
  uint32_t perSecond = 0;  // 0: without limit
  uint32_t burst = 1;      // so many at once, when it was quiet before
};

/// A token bucket as one instant: when it will be full again.
class RateLimit {
 public:
  [[nodiscard]] bool mayTake(TimePoint now, const Rate& rate) const {
    return rate.perSecond == 0 || fullAt_ - now <= interval(rate) * (std::max(rate.burst, 1u) - 1);
  }
  /// False: too often.
  bool take(TimePoint now, const Rate& rate) {
    if (!mayTake(now, rate)) return false;
    if (rate.perSecond != 0) fullAt_ = std::max(fullAt_, now) + interval(rate);
    return true;
  }

 private:
  static Duration interval(const Rate& rate) { return Duration(1s) / rate.perSecond; }
  TimePoint fullAt_{};
};

/// One RateLimit for each source, in a table of fixed size. Sources that meet in one place share it; with a keyed hash nobody
/// can choose whom to meet.
class SourceRates {
 public:
  static constexpr size_t kPlaces = 4096;  // 32 KiB

  SourceRates(Random& random, const Rate& rate) : hash_(random), rate_(rate) {
    if (rate.perSecond != 0) places_.resize(kPlaces);
  }
  [[nodiscard]] bool mayTake(TimePoint now, const SocketAddress& source) const {
    return places_.empty() || places_[placeOf(source)].mayTake(now, rate_);
  }
  bool take(TimePoint now, const SocketAddress& source) {
    return places_.empty() || places_[placeOf(source)].take(now, rate_);
  }

 private:
  [[nodiscard]] size_t placeOf(const SocketAddress& source) const {
    const SourcePrefix prefix = sourcePrefixOf(source);
    std::array<uint8_t, 9> bytes{};
    bytes[0] = static_cast<uint8_t>(prefix.family);
    std::copy(prefix.bytes.begin(), prefix.bytes.end(), bytes.begin() + 1);
    return hash_(bytes) % kPlaces;
  }

  KeyedHash hash_;
  Rate rate_;
  std::vector<RateLimit> places_;
};

/// How often whoever asks is answered without a connection.
struct ReplyLimits {
  Rate total{1000, 1000};  // junk must not make us busy
  Rate perSource{20, 50};  // nor us anybody else: sources can be forged
};

class ReplyRates {
 public:
  ReplyRates(Random& random, const ReplyLimits& limits) : limits_(limits), sources_(random, limits.perSource) {}

  /// False: too often.
  bool take(TimePoint now, const SocketAddress& source) {
    return sources_.mayTake(now, source) && total_.take(now, limits_.total) && sources_.take(now, source);
  }

 private:
  ReplyLimits limits_;
  RateLimit total_;
  SourceRates sources_;
};

}  // namespace quic
