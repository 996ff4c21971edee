// A connection ID: 0 to 20 bytes, by value. RFC 9000 §5.1, §17.2.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <string>

#include "quic/common/Bytes.h"

namespace quic {

inline constexpr size_t kMaxConnectionIdSize = 20;      // RFC 9000 §17.2
inline constexpr size_t kStatelessResetTokenSize = 16;  // RFC 9000 §10.3
using StatelessResetToken = std::array<uint8_t, kStatelessResetTokenSize>;

class ConnectionId {
 public:
  ConnectionId() = default;
  /// Takes at most kMaxConnectionIdSize bytes; callers check the length of what a peer sent.
  explicit ConnectionId(ByteSpan bytes) : size_(static_cast<uint8_t>(std::min(bytes.size(), kMaxConnectionIdSize))) {
    std::copy_n(bytes.begin(), size_, bytes_.begin());
  }

  [[nodiscard]] ByteSpan bytes() const { return {bytes_.data(), size_}; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  bool operator==(const ConnectionId&) const = default;
  auto operator<=>(const ConnectionId&) const = default;

  [[nodiscard]] std::string hex() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const uint8_t byte : bytes()) {
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
    return text;
  }

 private:
  std::array<uint8_t, kMaxConnectionIdSize> bytes_{};
  uint8_t size_ = 0;
};

}  // namespace quic
