// The time by which OpenSSL judges sessions and tickets, made to stand still: it asks gettimeofday(), and test programs that
// link this file bring that function themselves. For the thread that holds one; the others see the real time. Not covered:
// the validity of certificates, which OpenSSL judges by time().
#pragma once

#include <chrono>
#include <cstdint>

namespace quic::test {

class DeterministicTime {
 public:
  explicit DeterministicTime(std::chrono::seconds since1970 = std::chrono::seconds(1'800'000'000));
  ~DeterministicTime();
  DeterministicTime(const DeterministicTime&) = delete;
  DeterministicTime& operator=(const DeterministicTime&) = delete;

  void advance(std::chrono::seconds by);
  [[nodiscard]] std::chrono::seconds now() const;
};

}  // namespace quic::test
