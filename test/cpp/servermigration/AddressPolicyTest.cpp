#include "quic/servermigration/AddressPolicy.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

SocketAddress address(std::string_view text) { return SocketAddress::parse(text).value(); }

struct Case {
  const char* firstPeer;
  const char* named;
  bool routable;
  bool any;
};

TEST(AddressPolicy, AcceptsByKindOfAddressAndByWhereTheConnectionBegan) {
  // covers SM-10, RFC 9000 §21.5.6
  const Case cases[] = {
      {"192.0.2.1:1", "192.0.2.2:1", true, true},         {"192.0.2.1:1", "10.0.0.1:1", true, true},
      {"192.0.2.1:1", "192.0.2.2:0", false, false},       {"192.0.2.1:1", "0.0.0.0:1", false, false},
      {"192.0.2.1:1", "224.0.0.1:1", false, false},       {"192.0.2.1:1", "255.255.255.255:1", false, false},
      {"192.0.2.1:1", "127.0.0.1:1", false, true},        {"192.0.2.1:1", "169.254.1.1:1", false, true},
      {"127.0.0.2:1", "127.0.0.3:1", true, true},         {"127.0.0.2:1", "169.254.1.1:1", false, true},
      {"127.0.0.2:1", "192.0.2.2:1", true, true},         {"127.0.0.2:1", "224.0.0.1:1", false, false},
      {"169.254.1.1:1", "169.254.1.2:1", true, true},     {"169.254.1.1:1", "127.0.0.1:1", false, true},
      {"[2001:db8::1]:1", "[2001:db8::2]:1", true, true}, {"[2001:db8::1]:1", "[::]:1", false, false},
      {"[2001:db8::1]:1", "[ff02::1]:1", false, false},   {"[2001:db8::1]:1", "[::1]:1", false, true},
      {"[2001:db8::1]:1", "[fe80::1]:1", false, true},    {"[::1]:1", "[::1]:2", true, true},
      {"[fe80::1]:1", "[fe80::2]:1", true, true},
  };
  for (const Case& c : cases) {
    const SocketAddress first = address(c.firstPeer);
    const SocketAddress named = address(c.named);
    EXPECT_EQ(AddressPolicy(AddressPolicyKind::Routable, first).accepts(named), c.routable) << c.named;
    EXPECT_EQ(AddressPolicy(AddressPolicyKind::Any, first).accepts(named), c.any) << c.named;
  }
}

TEST(AddressPolicy, IsTheStrictOneByDefault) {
  EXPECT_FALSE(AddressPolicy().accepts(address("127.0.0.1:1")));
  EXPECT_TRUE(AddressPolicy().accepts(address("192.0.2.1:1")));
}

}  // namespace
}  // namespace quic
