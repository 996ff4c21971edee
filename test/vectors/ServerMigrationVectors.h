// What server migration looks like on the wire, byte for byte, as the fork of mvfst that invented it writes and reads it. Data
// only. Frames are whole, with their type; a transport parameter is identifier, length, value. Spaces are for the eye.
#pragma once

#include <cstdint>

namespace quic::test {

struct AddressFrameVector {
  const char* name;
  const char* bytes;
  const char* ipv4;  // "" when there is none that counts
  const char* ipv6;
};

/// SERVER_MIGRATION, type 0x32: 25 bytes.
inline constexpr AddressFrameVector kServerMigrationVectors[] = {
    {"IPv4 alone", "32 7f000001 1388 00000000000000000000000000000000 0000", "127.0.0.1:5000", ""},
    {"IPv4 alone, as captured", "32 7f000002 15e0 00000000000000000000000000000000 0000", "127.0.0.2:5600", ""},
    {"IPv6 alone", "32 00000000 0000 20010db8000000000000000000000001 1151", "", "[2001:db8::1]:4433"},
    {"both", "32 c0000201 01bb 20010db8000000000000000000000002 2328", "192.0.2.1:443", "[2001:db8::2]:9000"},
    {"nowhere: Synchronized Symmetric", "32 00000000 0000 00000000000000000000000000000000 0000", "", ""},
    {"an address without its port", "32 c0000201 0000 00000000000000000000000000000000 0000", "", ""},
    {"a port without its address", "32 00000000 01bb 00000000000000000000000000000000 0000", "", ""},
    {"one family whole, the other half", "32 c0000201 01bb 20010db8000000000000000000000002 0000", "192.0.2.1:443", ""},
    {"the largest of all", "32 ffffffff ffff ffffffffffffffffffffffffffffffff ffff", "255.255.255.255:65535",
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
};

/// POOL_MIGRATION_ADDRESS, type 0x34: the same body.
inline constexpr AddressFrameVector kPoolMigrationAddressVectors[] = {
    {"IPv4 alone", "34 7f000001 1388 00000000000000000000000000000000 0000", "127.0.0.1:5000", ""},
    {"IPv6 alone", "34 00000000 0000 20010db8000000000000000000000001 1151", "", "[2001:db8::1]:4433"},
    {"both", "34 c0000201 01bb 20010db8000000000000000000000002 2328", "192.0.2.1:443", "[2001:db8::2]:9000"},
    {"nowhere", "34 00000000 0000 00000000000000000000000000000000 0000", "", ""},
};

/// SERVER_MIGRATED, type 0x33: nothing but its type.
inline constexpr const char* kServerMigratedVector = "33";

struct SuiteVector {
  const char* bytes;
  uint64_t suite;
};

/// Transport parameter 0x64: the bits of the protocols.
inline constexpr SuiteVector kSuiteVectors[] = {
    {"4064 01 0f", 0xf}, {"4064 01 00", 0x0}, {"4064 01 01", 0x1}, {"4064 01 02", 0x2},
    {"4064 01 04", 0x4}, {"4064 01 08", 0x8}, {"4064 01 07", 0x7}, {"4064 01 03", 0x3},
};

}  // namespace quic::test
