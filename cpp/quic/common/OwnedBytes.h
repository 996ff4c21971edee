// Bytes with an owner, moved from hand to hand: what an application gave to be sent. Whoever holds it last frees it, by the
// deleter that came with it, so that memory of another world (a JavaScript buffer) can be lent without a copy.
#pragma once

#include <cstring>
#include <utility>

#include "quic/common/Bytes.h"

namespace quic {

class OwnedBytes {
 public:
  using Deleter = void (*)(uint8_t* data, void* context);

  OwnedBytes() = default;
  static OwnedBytes copyOf(ByteSpan bytes) {
    if (bytes.empty()) return {};
    auto* data = new uint8_t[bytes.size()];
    std::memcpy(data, bytes.data(), bytes.size());
    return OwnedBytes(data, bytes.size(), [](uint8_t* p, void*) { delete[] p; }, nullptr);
  }
  /// `deleter` runs once, on the thread that drops the last holder.
  OwnedBytes(uint8_t* data, size_t size, Deleter deleter, void* context)
      : data_(data), size_(size), deleter_(deleter), context_(context) {}
  OwnedBytes(OwnedBytes&& other) noexcept { swap(other); }
  OwnedBytes& operator=(OwnedBytes&& other) noexcept {
    OwnedBytes taken(std::move(other));
    swap(taken);
    return *this;
  }
  OwnedBytes(const OwnedBytes&) = delete;
  OwnedBytes& operator=(const OwnedBytes&) = delete;
  ~OwnedBytes() {
    if (deleter_ != nullptr) deleter_(data_, context_);
  }

  [[nodiscard]] ByteSpan span() const { return {data_, size_}; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  void swap(OwnedBytes& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(deleter_, other.deleter_);
    std::swap(context_, other.context_);
  }

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  Deleter deleter_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace quic
