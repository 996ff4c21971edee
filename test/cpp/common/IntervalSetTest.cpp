#include "quic/common/IntervalSet.h"

#include <gtest/gtest.h>

#include <set>

#include "cpp/support/TestBytes.h"

namespace quic {
namespace {

constexpr uint64_t kUniverse = 64;

/// What the set means: its values one by one.
class Model {
 public:
  bool insert(uint64_t start, uint64_t end) {
    bool changed = false;
    for (uint64_t value = start; value <= end; ++value) changed = values_.insert(value).second || changed;
    return changed;
  }
  void erase(uint64_t start, uint64_t end) {
    for (uint64_t value = start; value <= end; ++value) values_.erase(value);
  }
  [[nodiscard]] bool covers(uint64_t start, uint64_t end) const {
    for (uint64_t value = start; value <= end; ++value) {
      if (!values_.contains(value)) return false;
    }
    return true;
  }
  [[nodiscard]] std::vector<Interval> intervals() const {
    std::vector<Interval> out;
    for (const uint64_t value : values_) {
      if (!out.empty() && out.back().end + 1 == value) {
        out.back().end = value;
      } else {
        out.push_back({value, value});
      }
    }
    return out;
  }

 private:
  std::set<uint64_t> values_;
};

std::vector<Interval> intervalsOf(const IntervalSet& set) { return {set.begin(), set.end()}; }

TEST(IntervalSet, AgreesWithASetOfValuesUnderRandomOperations) {
  test::Seeded random(2);
  for (int run = 0; run < 200; ++run) {
    IntervalSet set;
    Model model;
    for (int step = 0; step < 100; ++step) {
      const uint64_t start = test::below(random, kUniverse);
      const uint64_t end = std::min(kUniverse - 1, start + test::below(random, 8));
      if (test::below(random, 3) == 0) {
        set.erase(start, end);
        model.erase(start, end);
      } else {
        ASSERT_EQ(set.insert(start, end), model.insert(start, end));
      }
      ASSERT_EQ(intervalsOf(set), model.intervals()) << "run " << run << " step " << step;
      ASSERT_EQ(set.covers(start, end), model.covers(start, end));
      for (uint64_t value = 0; value < kUniverse; ++value) {
        ASSERT_EQ(set.contains(value), model.covers(value, value)) << value;
      }
    }
  }
}

TEST(IntervalSet, CoversEveryPairOfEndsAsASetOfValuesDoes) {
  test::Seeded random(3);
  for (int run = 0; run < 20; ++run) {
    IntervalSet set;
    Model model;
    for (int i = 0; i < 10; ++i) {
      const uint64_t start = test::below(random, kUniverse);
      set.insert(start);
      model.insert(start, start);
    }
    for (uint64_t start = 0; start < kUniverse; ++start) {
      for (uint64_t end = start; end < kUniverse; ++end) ASSERT_EQ(set.covers(start, end), model.covers(start, end));
    }
  }
}

TEST(IntervalSet, HoldsTheLargestNumbersWithoutOverflow) {
  IntervalSet set;
  EXPECT_TRUE(set.insert(UINT64_MAX));
  EXPECT_TRUE(set.insert(UINT64_MAX - 1));
  EXPECT_EQ(intervalsOf(set), (std::vector<Interval>{{UINT64_MAX - 1, UINT64_MAX}}));
  EXPECT_FALSE(set.insert(UINT64_MAX));
  EXPECT_TRUE(set.insert(0, UINT64_MAX));
  EXPECT_EQ(intervalsOf(set), (std::vector<Interval>{{0, UINT64_MAX}}));
  set.erase(5, UINT64_MAX);
  EXPECT_EQ(intervalsOf(set), (std::vector<Interval>{{0, 4}}));
}

TEST(IntervalSet, PopFrontForgetsTheLowestInterval) {
  IntervalSet set;
  set.insert(1, 2);
  set.insert(10, 20);
  set.insert(5);
  EXPECT_EQ(set.size(), 3u);
  set.popFront();
  EXPECT_EQ(set.front(), (Interval{5, 5}));
  EXPECT_EQ(set.back(), (Interval{10, 20}));
  set.clear();
  EXPECT_TRUE(set.empty());
}

}  // namespace
}  // namespace quic
