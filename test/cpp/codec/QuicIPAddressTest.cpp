#include <gtest/gtest.h>

#include "quic/codec/QuicFrames.h"

namespace quic {
namespace {

using Family = SocketAddress::Family;

SocketAddress at(const char* text) { return *SocketAddress::parse(text); }

TEST(QuicIPAddress, FillsOnlyTheFamilyOfTheAddress) {
  const QuicIPAddress v4 = QuicIPAddress::from(at("127.0.0.1:5000"));
  EXPECT_EQ(v4.forFamily(Family::V4), at("127.0.0.1:5000"));
  EXPECT_EQ(v4.forFamily(Family::V6), std::nullopt);
  const QuicIPAddress v6 = QuicIPAddress::from(at("[2001:db8::1]:5000"));
  EXPECT_EQ(v6.forFamily(Family::V6), at("[2001:db8::1]:5000"));
  EXPECT_EQ(v6.forFamily(Family::V4), std::nullopt);
}

TEST(QuicIPAddress, TheScopeDoesNotTravel) {
  EXPECT_EQ(QuicIPAddress::from(at("[fe80::1%3]:1")).forFamily(Family::V6), at("[fe80::1]:1"));
}

TEST(QuicIPAddress, AFamilyCountsOnlyWithAddressAndPort) {
  QuicIPAddress address;
  EXPECT_TRUE(address.isAllZero());
  address.ipv4 = {10, 0, 0, 1};
  EXPECT_FALSE(address.isAllZero());
  EXPECT_EQ(address.forFamily(Family::V4), std::nullopt);
  address.ipv4 = {};
  address.ipv4Port = 1;
  EXPECT_FALSE(address.isAllZero());
  EXPECT_EQ(address.forFamily(Family::V4), std::nullopt);
  QuicIPAddress portOnly;
  portOnly.ipv6Port = 1;
  EXPECT_FALSE(portOnly.isAllZero());
  EXPECT_EQ(portOnly.forFamily(Family::V6), std::nullopt);
  QuicIPAddress hostOnly;
  hostOnly.ipv6[15] = 1;
  EXPECT_FALSE(hostOnly.isAllZero());
  EXPECT_EQ(hostOnly.forFamily(Family::V6), std::nullopt);
}

TEST(QuicIPAddress, AnIPv4MappedAddressIsNoIPv6Address) {
  QuicIPAddress address;
  address.ipv6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  address.ipv6Port = 80;
  EXPECT_EQ(address.forFamily(Family::V6), std::nullopt);
  EXPECT_EQ(address.forFamily(Family::V4), std::nullopt);
}

TEST(QuicIPAddress, OrderIsIPv4ThenItsPortThenIPv6ThenItsPort) {
  const QuicIPAddress low{{1, 0, 0, 1}, 9, {9}, 9};
  EXPECT_LT(low, (QuicIPAddress{{1, 0, 0, 2}, 1, {}, 0}));
  EXPECT_LT(low, (QuicIPAddress{{1, 0, 0, 1}, 10, {}, 0}));
  EXPECT_LT(low, (QuicIPAddress{{1, 0, 0, 1}, 9, {10}, 0}));
  EXPECT_LT(low, (QuicIPAddress{{1, 0, 0, 1}, 9, {9}, 10}));
  EXPECT_EQ(low, (QuicIPAddress{{1, 0, 0, 1}, 9, {9}, 9}));
}

}  // namespace
}  // namespace quic
