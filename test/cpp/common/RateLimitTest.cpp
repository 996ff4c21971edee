#include "quic/common/RateLimit.h"

#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"

namespace quic::test {
namespace {

const TimePoint kStart{1h};

TEST(RateLimit, AllowsABurstAndThenItsRate) {
  RateLimit limit;
  const Rate rate{10, 5};
  int allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += limit.take(kStart, rate) ? 1 : 0;
  EXPECT_EQ(allowed, 5);
  for (Duration at{0}; at < 10s; at += 1ms) allowed += limit.take(kStart + at, rate) ? 1 : 0;
  EXPECT_NEAR(allowed, 5 + 100, 1);
}

TEST(RateLimit, ALongSilenceSavesNoMoreThanTheBurst) {
  RateLimit limit;
  const Rate rate{10, 5};
  EXPECT_TRUE(limit.take(kStart, rate));
  int allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += limit.take(kStart + 24h, rate) ? 1 : 0;
  EXPECT_EQ(allowed, 5);
}

TEST(RateLimit, ARefusalCostsNothing) {
  RateLimit limit;
  const Rate rate{1, 1};
  EXPECT_TRUE(limit.take(kStart, rate));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(limit.take(kStart + 500ms, rate));
  EXPECT_TRUE(limit.take(kStart + 1s, rate));
}

TEST(RateLimit, ZeroIsWithoutLimit) {
  RateLimit limit;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limit.take(kStart, Rate{}));
}

TEST(SourceRates, OneSourceDoesNotUseUpWhatOthersHave) {
  SeededRandom random(1);
  SourceRates rates(random, {1, 3});
  const auto greedy = SocketAddress::v4({10, 0, 0, 1}, 1);
  int allowed = 0;
  for (uint16_t port = 0; port < 100; ++port) allowed += rates.take(kStart, greedy.withPort(port)) ? 1 : 0;
  EXPECT_EQ(allowed, 3) << "ports are no sources";
  int others = 0;
  for (uint8_t i = 0; i < 100; ++i) others += rates.take(kStart, SocketAddress::v4({10, 9, 0, i}, 1)) ? 1 : 0;
  EXPECT_GE(others, 98) << "but for those that meet it in the table";
}

TEST(SourceRates, AnIpv6SourceIsItsNetwork) {
  SeededRandom random(1);
  SourceRates rates(random, {1, 3});
  int allowed = 0;
  for (uint8_t i = 0; i < 100; ++i) {
    std::array<uint8_t, 16> ip{0x20, 0x01, 0x0d, 0xb8};
    ip[15] = i;
    allowed += rates.take(kStart, SocketAddress::v6(ip, 1)) ? 1 : 0;
  }
  EXPECT_EQ(allowed, 3);
}

TEST(ReplyRates, LimitWhatASourceGetsAndWhatAllGetTogether) {
  SeededRandom random(1);
  ReplyRates rates(random, {.total = {10, 8}, .perSource = {2, 3}});
  const auto taken = [&](TimePoint now, uint8_t source) {
    int count = 0;
    for (int i = 0; i < 20; ++i) count += rates.take(now, SocketAddress::v4({10, 0, 0, source}, 1)) ? 1 : 0;
    return count;
  };
  EXPECT_EQ(taken(kStart, 1), 3);
  EXPECT_EQ(taken(kStart, 2), 3);
  EXPECT_EQ(taken(kStart, 3), 2) << "all together: 8";
  EXPECT_EQ(taken(kStart + 500ms, 1), 1);
  EXPECT_EQ(taken(kStart + 500ms, 4), 3);
}

}  // namespace
}  // namespace quic::test
