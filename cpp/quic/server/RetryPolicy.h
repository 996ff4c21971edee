// Which clients must prove their address before they cost anything: RFC 9000 §8.1.2.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quic {

enum class RetryMode : uint8_t {
  Never,
  UnderLoad,  // when too many handshakes are under way, in all or from the client's source
  Always,     // every client without a good token
};

struct RetryPolicy {
  RetryMode mode = RetryMode::UnderLoad;
  size_t halfOpen = 1000;  // UnderLoad: from so many half-open connections on, whoever comes
  size_t halfOpenPerSource =
      100;  // UnderLoad: from so many of one source (common/SourcePrefix.h) on, whoever comes from there

  [[nodiscard]] bool wantsRetry(size_t nowHalfOpen, size_t nowHalfOpenOfSource) const {
    if (mode != RetryMode::UnderLoad) return mode == RetryMode::Always;
    return nowHalfOpen >= halfOpen || nowHalfOpenOfSource >= halfOpenPerSource;
  }
};

}  // namespace quic
