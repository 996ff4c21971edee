// Virtual time and chance of one simulation, both from a seed. Nothing here or in the core looks at a real clock.
#pragma once

#include <functional>
#include <map>
#include <random>

#include "quic/common/QuicClock.h"
#include "quic/common/Random.h"

namespace quic::test {

class SimRandom final : public Random {
 public:
  explicit SimRandom(uint64_t seed) : engine_(seed) {}
  void fill(MutableByteSpan out) override {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine_());
  }
  /// True once in 1 / probability.
  bool chance(double probability) {
    return probability > 0 && static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability;
  }

 private:
  std::mt19937_64 engine_;
};

/// What is going to happen, in order of time; at the same time in the order in which it was planned.
class SimClock {
 public:
  [[nodiscard]] TimePoint now() const { return now_; }
  void at(TimePoint when, std::function<void()> what) {
    planned_.emplace(Key{std::max(when, now_), next_++}, std::move(what));
  }
  void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
  /// The next thing happens. False: nothing is planned, or nothing before `limit`.
  bool step(TimePoint limit) {
    if (planned_.empty() || planned_.begin()->first.when > limit) return false;
    auto first = planned_.extract(planned_.begin());
    now_ = first.key().when;
    ++steps_;
    first.mapped()();
    return true;
  }
  [[nodiscard]] uint64_t steps() const { return steps_; }

 private:
  struct Key {
    TimePoint when;
    uint64_t order;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::function<void()>> planned_;
  TimePoint now_ = TimePoint(Duration(1'000'000));
  uint64_t next_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace quic::test
