#include "cpp/tls/DeterministicTime.h"

#include <sys/time.h>

#include <ctime>
#include <optional>

namespace quic::test {
namespace {

thread_local std::optional<std::chrono::seconds> fixedTime;

}  // namespace

DeterministicTime::DeterministicTime(std::chrono::seconds since1970) { fixedTime = since1970; }
DeterministicTime::~DeterministicTime() { fixedTime.reset(); }
void DeterministicTime::advance(std::chrono::seconds by) { *fixedTime += by; }
std::chrono::seconds DeterministicTime::now() const { return *fixedTime; }

}  // namespace quic::test

extern "C" int gettimeofday(struct timeval* now, void*) noexcept {
  timespec real{};
  clock_gettime(CLOCK_REALTIME, &real);
  now->tv_sec = quic::test::fixedTime ? static_cast<time_t>(quic::test::fixedTime->count()) : real.tv_sec;
  now->tv_usec = quic::test::fixedTime ? 0 : real.tv_nsec / 1000;
  return 0;
}
