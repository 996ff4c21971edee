#include "quic/common/SocketAddress.h"

#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"

namespace quic {
namespace {

using Family = SocketAddress::Family;

struct ParseCase {
  const char* input;
  const char* canonical;
};

// RFC 5952 §4 and §5, RFC 4291 §2.2
constexpr ParseCase kHosts[] = {
    {"0.0.0.0", "0.0.0.0"},
    {"127.0.0.1", "127.0.0.1"},
    {"255.255.255.255", "255.255.255.255"},
    {"::", "::"},
    {"::1", "::1"},
    {"1::", "1::"},
    {"0:0:0:0:0:0:0:0", "::"},
    {"0000:0000:0000:0000:0000:0000:0000:0001", "::1"},
    {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},  // first of two equal runs
    {"2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"},                      // the longer run
    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},                  // one group is not compressed
    {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
    {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
    {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
    {"1:0:0:4:5:6:0:0", "1::4:5:6:0:0"},
    {"2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:00Ff", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff"},
    {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
    {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
    {"::1.2.3.4", "::102:304"},
    {"::ffff:192.0.2.1", "192.0.2.1"},  // IPv4-mapped
    {"::ffff:c000:201", "192.0.2.1"},
    {"0:0:0:0:0:ffff:10.0.0.1", "10.0.0.1"},
    {"fe80::1%3", "fe80::1%3"},
    {"fe80::1%4294967295", "fe80::1%4294967295"},
    {"fe80::1%0", "fe80::1"},
};

TEST(SocketAddress, ReadsEveryFormOfAnAddressAndWritesTheCanonicalOne) {
  for (const ParseCase& row : kHosts) {
    const auto address = SocketAddress::parse(row.input, 443);
    ASSERT_TRUE(address.has_value()) << row.input;
    EXPECT_EQ(address->host(), row.canonical) << row.input;
    EXPECT_EQ(address->port(), 443);
  }
}

constexpr const char* kBadHosts[] = {
    "",
    " ",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.",
    ".1.2.3",
    "1..2.3",
    "1.2.3.256",
    "1.2.3.1000",
    "01.2.3.4",
    "1.2.3.0x4",
    "1.2.3.+4",
    "1.2.3.-4",
    " 1.2.3.4",
    "1.2.3.4 ",
    "1.2.3.4%1",
    "localhost",
    "example.com",
    ":",
    ":::",
    "::1::",
    "1::2::3",
    ":1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8:",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4::5:6:7:8",
    "::12345",
    "::g",
    "::-1",
    "::1.2.3",
    "::1.2.3.4.5",
    "::1.2.3.4:5",
    "1.2.3.4::",
    "1.2.3.4::1",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::1:2:3:4:5:6:7:1.2.3.4",
    "[::1]",
    "fe80::1%",
    "fe80::1%eth0",
    "fe80::1%4294967296",
    "fe80::1%99999999999",
    "fe80::1%1%2",
    "%1",
};

TEST(SocketAddress, RefusesWhatIsNoAddress) {
  for (const char* text : kBadHosts) EXPECT_FALSE(SocketAddress::parse(text, 1).has_value()) << '"' << text << '"';
  EXPECT_FALSE(SocketAddress::parse(std::string_view("1.2.3.4\0", 8), 1).has_value());
}

TEST(SocketAddress, ReadsAnAddressWithItsPort) {
  constexpr ParseCase kRows[] = {
      {"127.0.0.1:4433", "127.0.0.1:4433"}, {"127.0.0.1:0", "127.0.0.1:0"},      {"[::1]:65535", "[::1]:65535"},
      {"[fe80::1%7]:1", "[fe80::1%7]:1"},   {"[::ffff:1.2.3.4]:5", "1.2.3.4:5"},
  };
  for (const ParseCase& row : kRows) {
    const auto address = SocketAddress::parse(row.input);
    ASSERT_TRUE(address.has_value()) << row.input;
    EXPECT_EQ(address->toString(), row.canonical);
  }
}

TEST(SocketAddress, RefusesWhatIsNoAddressWithPort) {
  for (const char* text : {"",
                           ":",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:080",
                           "127.0.0.1: 80",
                           "127.0.0.1:80 ",
                           "127.0.0.1:80:80",
                           "::1:80",
                           "::1",
                           "[::1]",
                           "[::1]:",
                           "[::1]80",
                           "[::1:80",
                           "::1]:80",
                           "[127.0.0.1]:80",
                           "[]:80",
                           "[[::1]]:80",
                           "[::1]:99999999999999999999",
                           "localhost:80",
                           ":80"}) {
    EXPECT_FALSE(SocketAddress::parse(text).has_value()) << '"' << text << '"';
  }
}

TEST(SocketAddress, RandomAddressesComeBackFromTheirText) {
  test::Seeded random(4);
  for (int i = 0; i < 5000; ++i) {
    std::array<uint8_t, 16> ip{};
    for (size_t group = 0; group < 8; ++group) {  // zero groups often, to meet every compression
      if (test::below(random, 2) == 0) continue;
      ip[2 * group] = static_cast<uint8_t>(test::below(random, 3) == 0 ? random() : 0);
      ip[2 * group + 1] = static_cast<uint8_t>(random());
    }
    const auto port = static_cast<uint16_t>(random());
    const SocketAddress v6 = SocketAddress::v6(ip, port, static_cast<uint32_t>(test::below(random, 3)));
    EXPECT_EQ(SocketAddress::parse(v6.toString()), v6) << v6.toString();
    const SocketAddress v4 = SocketAddress::v4({ip[1], ip[3], ip[5], ip[7]}, port);
    EXPECT_EQ(SocketAddress::parse(v4.toString()), v4) << v4.toString();
  }
}

TEST(SocketAddress, RandomTextNeverReadsOutOfBounds) {
  static constexpr char kAlphabet[] = "0123456789abcdefF:::..[]%x ";
  test::Seeded random(5);
  for (int i = 0; i < 20000; ++i) {
    ByteVector text;
    for (size_t n = test::below(random, 24); n > 0; --n) {
      text.push_back(static_cast<uint8_t>(kAlphabet[test::below(random, sizeof kAlphabet - 1)]));
    }
    const test::ExactBytes exact(text);
    const auto address = SocketAddress::parse(asText(exact.span()));
    if (address) {
      EXPECT_EQ(SocketAddress::parse(address->toString()), address);
    }
    if (const auto host = SocketAddress::parse(asText(exact.span()), 1)) {
      EXPECT_EQ(SocketAddress::parse(host->host(), 1), host);
    }
  }
}

// row T-30
TEST(SocketAddress, AnIPv4MappedAddressIsTheIPv4Address) {
  const SocketAddress mapped = SocketAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}, 9, 4);
  EXPECT_EQ(mapped, SocketAddress::v4({10, 0, 0, 1}, 9));
  EXPECT_EQ(mapped.family(), Family::V4);
  EXPECT_EQ(mapped.scope(), 0u);
  EXPECT_EQ(mapped.ip().size(), 4u);
}

struct ClassCase {
  const char* host;
  bool unspecified;
  bool loopback;
  bool linkLocal;
  bool multicast;
};
constexpr ClassCase kClasses[] = {
    {"0.0.0.0", true, false, false, false},
    {"0.0.0.1", false, false, false, false},
    {"127.0.0.1", false, true, false, false},
    {"127.255.255.254", false, true, false, false},
    {"126.255.255.255", false, false, false, false},
    {"169.254.0.1", false, false, true, false},
    {"169.253.0.1", false, false, false, false},
    {"223.255.255.255", false, false, false, false},
    {"224.0.0.1", false, false, false, true},
    {"239.255.255.255", false, false, false, true},
    {"240.0.0.1", false, false, false, false},
    {"255.255.255.254", false, false, false, false},
    {"255.255.255.255", false, false, false, true},
    {"::", true, false, false, false},
    {"::1", false, true, false, false},
    {"::2", false, false, false, false},
    {"1::1", false, false, false, false},
    {"fe80::1", false, false, true, false},
    {"febf::1", false, false, true, false},
    {"fec0::1", false, false, false, false},
    {"fe7f::1", false, false, false, false},
    {"ff02::1", false, false, false, true},
    {"2001:db8::1", false, false, false, false},
    {"::ffff:127.0.0.1", false, true, false, false},
};

TEST(SocketAddress, KnowsTheSpecialAddresses) {
  for (const ClassCase& row : kClasses) {
    const auto address = SocketAddress::parse(row.host, 1);
    ASSERT_TRUE(address.has_value()) << row.host;
    EXPECT_EQ(address->isUnspecified(), row.unspecified) << row.host;
    EXPECT_EQ(address->isLoopback(), row.loopback) << row.host;
    EXPECT_EQ(address->isLinkLocal(), row.linkLocal) << row.host;
    EXPECT_EQ(address->isMulticast(), row.multicast) << row.host;
  }
}

TEST(SocketAddress, TheSameHostMayHaveAnotherPortOrAnUnknownScope) {
  const auto at = [](const char* text) { return *SocketAddress::parse(text); };
  EXPECT_TRUE(at("10.0.0.1:1").sameHost(at("10.0.0.1:2")));
  EXPECT_FALSE(at("10.0.0.1:1").sameHost(at("10.0.0.2:1")));
  EXPECT_FALSE(at("0.0.0.0:1").sameHost(at("[::]:1")));
  EXPECT_TRUE(at("[fe80::1%2]:1").sameHost(at("[fe80::1]:1")));
  EXPECT_FALSE(at("[fe80::1%2]:1").sameHost(at("[fe80::1%3]:1")));
  EXPECT_EQ(at("10.0.0.1:1").withPort(2), at("10.0.0.1:2"));
}

TEST(SocketAddress, TheDefaultIsUnspecified) {
  EXPECT_TRUE(SocketAddress().isUnspecified());
  EXPECT_EQ(SocketAddress().toString(), "0.0.0.0:0");
}

}  // namespace
}  // namespace quic
