// A vector of small trivial values whose first N live inside. Moved and cleared without touching the heap unless it
// ever outgrew N, so that records kept for each packet cost no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace quic {

template <class T, size_t N>
class SmallVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  void push_back(const T& value) {
    if (size_ < N) {
      inline_[size_] = value;
    } else {
      overflow_.push_back(value);
    }
    ++size_;
  }
  void pop_back() {
    --size_;
    if (size_ >= N) overflow_.pop_back();
  }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return i < N ? inline_[i] : overflow_[i - N]; }
  const T& operator[](size_t i) const { return i < N ? inline_[i] : overflow_[i - N]; }
  void clear() {
    size_ = 0;
    overflow_.clear();
  }

  template <class Vector, class Value>
  class Iterator {
   public:
    Iterator(Vector* vector, size_t index) : vector_(vector), index_(index) {}
    Value& operator*() const { return (*vector_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    Vector* vector_;
    size_t index_;
  };
  auto begin() { return Iterator<SmallVector, T>(this, 0); }
  auto end() { return Iterator<SmallVector, T>(this, size_); }
  auto begin() const { return Iterator<const SmallVector, const T>(this, 0); }
  auto end() const { return Iterator<const SmallVector, const T>(this, size_); }

 private:
  std::array<T, N> inline_;
  size_t size_ = 0;
  std::vector<T> overflow_;
};

}  // namespace quic
