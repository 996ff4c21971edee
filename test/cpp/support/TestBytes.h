// Bytes for tests: from hex, to hex, and copies on the heap without a byte to spare, so that a sanitizer sees the first
// byte read past the end.
#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "quic/common/Bytes.h"

namespace quic::test {

/// Digits in pairs; anything else is skipped, so that spaces may group them.
inline ByteVector fromHex(std::string_view text) {
  ByteVector out;
  int high = -1;
  for (const char c : text) {
    const size_t digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) continue;
    if (high < 0) {
      high = static_cast<int>(digit);
    } else {
      out.push_back(static_cast<uint8_t>(high << 4 | static_cast<int>(digit)));
      high = -1;
    }
  }
  return out;
}

inline std::string toHex(ByteSpan bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

class ExactBytes {
 public:
  explicit ExactBytes(ByteSpan bytes) : data_(new uint8_t[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), data_.get());
  }
  [[nodiscard]] ByteSpan span() const { return {data_.get(), size_}; }
  [[nodiscard]] MutableByteSpan mutableSpan() { return {data_.get(), size_}; }

 private:
  std::unique_ptr<uint8_t[]> data_;
  size_t size_;
};

using Seeded = std::mt19937_64;

inline uint64_t below(Seeded& random, uint64_t bound) { return random() % bound; }

/// Spread over the four encoded sizes of a varint, each as likely as the others.
inline uint64_t randomVarint(Seeded& random) {
  static constexpr int kBits[] = {6, 14, 30, 62};
  return random() >> (64 - kBits[below(random, 4)]);
}

inline ByteVector randomBytes(Seeded& random, size_t size) {
  ByteVector out(size);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(random());
  return out;
}

inline bool sameBytes(ByteSpan left, ByteSpan right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

}  // namespace quic::test
