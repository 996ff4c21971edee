// The addresses that an application allows its clients to be pointed at.
#include <gtest/gtest.h>

#include "quic/servermigration/AddressPolicy.h"

namespace quic {
namespace {

SocketAddress at(const char* text) { return *SocketAddress::parse(text); }

struct Row {
  const char* network;
  uint8_t prefixLength;
  const char* address;
  bool isInside;
};

TEST(AddressRange, ComparesAsManyBitsAsThePrefixHas) {
  const Row rows[] = {
      {"10.1.2.3:0", 32, "10.1.2.3:443", true},
      {"10.1.2.3:0", 128, "10.1.2.3:443", true},
      {"10.1.2.3:0", 32, "10.1.2.2:443", false},
      {"10.1.2.3:0", 31, "10.1.2.2:443", true},
      {"10.1.2.3:0", 24, "10.1.2.255:443", true},
      {"10.1.2.3:0", 24, "10.1.3.3:443", false},
      {"10.1.128.0:0", 17, "10.1.255.1:1", true},
      {"10.1.128.0:0", 17, "10.1.127.1:1", false},
      {"0.0.0.0:0", 0, "203.0.113.9:1", true},
      {"0.0.0.0:0", 0, "[2001:db8::1]:1", false},
      {"10.1.2.3:443", 24, "10.1.2.9:443", true},
      {"10.1.2.3:443", 24, "10.1.2.9:444", false},
      {"[2001:db8::]:0", 32, "[2001:db8:ffff::1]:7", true},
      {"[2001:db8::]:0", 33, "[2001:db8:8000::1]:7", false},
      {"[2001:db8::1]:0", 128, "[2001:db8::1]:7", true},
      {"[2001:db8::1]:0", 128, "[2001:db8::3]:7", false},
      {"[2001:db8::1]:0", 0, "10.0.0.1:7", false},
  };
  for (const Row& row : rows) {
    const AddressRange range{at(row.network), row.prefixLength};
    EXPECT_EQ(range.contains(at(row.address)), row.isInside)
        << row.network << "/" << int{row.prefixLength} << " " << row.address;
  }
}

// covers SM-10
TEST(AddressPolicy, WhatTheApplicationAllowsIsAllThatIsAccepted) {
  const AddressPolicy policy(AddressPolicyKind::Any, at("10.0.0.1:443"),
                             {{at("10.0.0.0:0"), 24}, {at("127.0.0.1:9000"), 32}, {at("0.0.0.0:0"), 4}});
  EXPECT_TRUE(policy.accepts(at("10.0.0.7:1")));
  EXPECT_FALSE(policy.accepts(at("203.0.113.1:443")));
  EXPECT_TRUE(policy.accepts(at("127.0.0.1:9000"))) << "it is the application that says so";
  EXPECT_FALSE(policy.accepts(at("127.0.0.1:22")));
  const AddressPolicy all(AddressPolicyKind::Any, at("10.0.0.1:443"), {{at("0.0.0.0:0"), 0}});
  EXPECT_TRUE(all.accepts(at("203.0.113.1:443")));
  for (const char* never : {"0.0.0.0:443", "224.0.0.1:443", "255.255.255.255:443", "203.0.113.1:0"}) {
    EXPECT_FALSE(all.accepts(at(never))) << never;
  }
}

}  // namespace
}  // namespace quic
