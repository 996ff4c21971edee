#include "quic/tls/StrikeRegister.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace quic {
namespace {

using std::chrono::seconds;

constexpr seconds kBegin{1'000};

TicketId idOf(uint64_t number) {
  TicketId id{};
  std::memcpy(id.data(), &number, sizeof number);
  return id;
}

// covers RFC 9001 §9.2
TEST(StrikeRegister, AdmitsATicketOnceInAWindow) {
  StrikeRegister strikes(kBegin);
  EXPECT_TRUE(strikes.admit(idOf(1), kBegin, kBegin));
  EXPECT_FALSE(strikes.admit(idOf(1), kBegin, kBegin));
  EXPECT_TRUE(strikes.admit(idOf(2), kBegin, kBegin));
  EXPECT_FALSE(strikes.admit(idOf(1), kBegin, kBegin + kEarlyDataWindow));
  EXPECT_TRUE(strikes.admit(idOf(1), kBegin, kBegin + 3 * kEarlyDataWindow));
}

TEST(StrikeRegister, NeverAdmitsTwiceWithinAWindowWhateverTheTimesAre) {
  std::mt19937_64 random(417);
  for (int round = 0; round < 200; ++round) {
    StrikeRegister strikes(kBegin);
    std::map<uint64_t, seconds> lastAdmitted;
    seconds now = kBegin;
    int admitted = 0;
    for (int step = 0; step < 300; ++step) {
      now += seconds(random() % 8);
      const uint64_t ticket = random() % 20;
      if (!strikes.admit(idOf(ticket), kBegin, now)) continue;
      ++admitted;
      const auto last = lastAdmitted.find(ticket);
      EXPECT_TRUE(last == lastAdmitted.end() || now - last->second > kEarlyDataWindow);
      lastAdmitted[ticket] = now;
    }
    EXPECT_GT(admitted, 20);
  }
}

TEST(StrikeRegister, RefusesWhenItIsFullAndIsEmptyAgainLater) {
  StrikeRegister strikes(kBegin);
  for (uint64_t i = 0; i < kMaxEarlyDataStrikes; ++i) ASSERT_TRUE(strikes.admit(idOf(i), kBegin, kBegin));
  EXPECT_FALSE(strikes.admit(idOf(kMaxEarlyDataStrikes), kBegin, kBegin));
  EXPECT_TRUE(strikes.admit(idOf(kMaxEarlyDataStrikes), kBegin, kBegin + kEarlyDataWindow));
  EXPECT_FALSE(strikes.admit(idOf(0), kBegin, kBegin + kEarlyDataWindow));
}

TEST(StrikeRegister, DistrustsOlderTicketsInItsFirstWindow) {
  StrikeRegister strikes(kBegin);
  EXPECT_FALSE(strikes.admit(idOf(1), kBegin - seconds(1), kBegin + kEarlyDataWindow - seconds(1)));
  EXPECT_TRUE(strikes.admit(idOf(1), kBegin - seconds(1), kBegin + kEarlyDataWindow));
  EXPECT_TRUE(strikes.admit(idOf(2), kBegin, kBegin + kEarlyDataWindow));
}

TEST(StrikeRegister, RefusesWhileTheClockIsSetBack) {
  StrikeRegister strikes(kBegin);
  const seconds late = kBegin + seconds(5'000);
  EXPECT_TRUE(strikes.admit(idOf(1), kBegin, kBegin));
  EXPECT_TRUE(strikes.admit(idOf(2), kBegin, late));
  EXPECT_FALSE(strikes.admit(idOf(1), kBegin, kBegin));
  EXPECT_FALSE(strikes.admit(idOf(3), kBegin, late - kEarlyDataWindow - seconds(1)));
  EXPECT_TRUE(strikes.admit(idOf(3), kBegin, late - kEarlyDataWindow));
}

}  // namespace
}  // namespace quic
