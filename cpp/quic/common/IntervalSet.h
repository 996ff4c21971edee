// A bounded set of integers kept as sorted, disjoint, non-adjacent closed intervals in one vector.
// Small by nature (packet numbers received, ranges of a stream). A look-up is a binary search; what lies behind an
// insertion or a removal is moved, 16 bytes for each interval.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace quic {

struct Interval {
  uint64_t start = 0;
  uint64_t end = 0;  // inclusive
  bool operator==(const Interval&) const = default;
};

class IntervalSet {
 public:
  /// Adds [start, end]. Returns whether anything was new.
  bool insert(uint64_t start, uint64_t end) {
    // The first interval that touches or follows [start, end].
    const auto first = std::partition_point(intervals_.begin(), intervals_.end(), [start](const Interval& interval) {
      return interval.end != UINT64_MAX && interval.end + 1 < start;
    });
    if (first == intervals_.end() || (end != UINT64_MAX && first->start > end + 1)) {
      intervals_.insert(first, {start, end});
      return true;
    }
    if (first->start <= start && first->end >= end) return false;
    first->start = std::min(first->start, start);
    auto last = first;
    while (last != intervals_.end() && (end == UINT64_MAX || last->start <= end + 1)) ++last;
    first->end = std::max(end, (last - 1)->end);
    intervals_.erase(first + 1, last);
    return true;
  }
  bool insert(uint64_t value) { return insert(value, value); }

  /// Removes [start, end], splitting where needed.
  void erase(uint64_t start, uint64_t end) {
    const auto first = std::partition_point(intervals_.begin(), intervals_.end(),
                                            [start](const Interval& interval) { return interval.end < start; });
    for (auto i = static_cast<size_t>(first - intervals_.begin()); i < intervals_.size();) {
      Interval& current = intervals_[i];
      if (current.start > end) return;
      const bool keepsLeft = current.start < start;
      const bool keepsRight = current.end > end;
      if (keepsLeft && keepsRight) {
        const Interval right{end + 1, current.end};
        current.end = start - 1;
        intervals_.insert(intervals_.begin() + static_cast<ptrdiff_t>(i) + 1, right);
        return;
      }
      if (keepsLeft) {
        current.end = start - 1;
        ++i;
      } else if (keepsRight) {
        current.start = end + 1;
        return;
      } else {
        intervals_.erase(intervals_.begin() + static_cast<ptrdiff_t>(i));
      }
    }
  }

  [[nodiscard]] bool contains(uint64_t value) const {
    const auto it = std::upper_bound(intervals_.begin(), intervals_.end(), value,
                                     [](uint64_t v, const Interval& interval) { return v < interval.start; });
    return it != intervals_.begin() && (it - 1)->end >= value;
  }
  /// Whether all of [start, end] is in.
  [[nodiscard]] bool covers(uint64_t start, uint64_t end) const {
    const auto it = std::upper_bound(intervals_.begin(), intervals_.end(), start,
                                     [](uint64_t v, const Interval& interval) { return v < interval.start; });
    return it != intervals_.begin() && (it - 1)->end >= end;
  }

  [[nodiscard]] bool empty() const { return intervals_.empty(); }
  [[nodiscard]] size_t size() const { return intervals_.size(); }  // how many intervals, not how many values
  [[nodiscard]] const Interval& front() const { return intervals_.front(); }
  [[nodiscard]] const Interval& back() const { return intervals_.back(); }
  [[nodiscard]] auto begin() const { return intervals_.begin(); }
  [[nodiscard]] auto end() const { return intervals_.end(); }
  [[nodiscard]] auto rbegin() const { return intervals_.rbegin(); }
  [[nodiscard]] auto rend() const { return intervals_.rend(); }

  void popFront() { intervals_.erase(intervals_.begin()); }
  void clear() { intervals_.clear(); }

 private:
  std::vector<Interval> intervals_;
};

}  // namespace quic
