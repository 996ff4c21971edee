// First in, first out: a vector and a mark. Nothing while empty, and no allocation in steady state, unlike a deque. It has no
// bound of its own; whoever pushes keeps one.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace quic {

template <class T>
class Fifo {
 public:
  void push(T value) { items_.push_back(std::move(value)); }
  [[nodiscard]] bool empty() const { return head_ == items_.size(); }
  [[nodiscard]] size_t size() const { return items_.size() - head_; }
  /// Not of an empty one.
  T& front() { return items_[head_]; }
  const T& front() const { return items_[head_]; }
  /// The one that was first. Not of an empty one.
  T pop() {
    T value = std::move(items_[head_++]);
    if (head_ == items_.size()) {
      clear();
    } else if (head_ >= kCompactAt && head_ > items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(head_));
      head_ = 0;
    }
    return value;
  }
  void clear() {
    items_.clear();
    head_ = 0;
  }

 private:
  static constexpr size_t kCompactAt = 64;

  std::vector<T> items_;
  size_t head_ = 0;
};

}  // namespace quic
