// The transport parameter version_information: RFC 9368 §3, §4.
#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"
#include "quic/handshake/TransportParameters.h"

namespace quic::test {
namespace {

bool isRefused(std::string_view hex, Role sender) {
  const auto decoded = decodeTransportParameters(fromHex(hex), sender);
  if (decoded) return false;
  EXPECT_EQ(std::get<TransportErrorCode>(decoded.error().code), TransportErrorCode::TRANSPORT_PARAMETER_ERROR);
  return true;
}

TEST(VersionInformation, IsWrittenAsTheRfcDrawsIt) {
  TransportParameters parameters;
  parameters.versionInformation = VersionInformation{kQuicVersion1, {kQuicVersion2, kQuicVersion1}};
  EXPECT_EQ(toHex(encodeTransportParameters(parameters)), toHex(fromHex("11 0c 00000001 6b3343cf 00000001")));
  for (const Role role : {Role::Client, Role::Server}) {
    const auto decoded = decodeTransportParameters(encodeTransportParameters(parameters), role);
    ASSERT_TRUE(decoded.hasValue());
    EXPECT_EQ(*decoded, parameters);
  }
}

// T25. covers RFC 9368 §4
TEST(VersionInformation, WhatCannotBeParsedIsATransportParameterError) {
  for (const Role role : {Role::Client, Role::Server}) {
    EXPECT_TRUE(isRefused("11 06 00000001 0000", role)) << "T25";
    EXPECT_TRUE(isRefused("11 00", role));
    EXPECT_TRUE(isRefused("11 03 000001", role));
    EXPECT_TRUE(isRefused("11 08 00000000 00000001", role)) << "chosen 0";
    EXPECT_TRUE(isRefused("11 0c 00000001 00000001 00000000", role)) << "available 0";
  }
}

TEST(VersionInformation, OnlyAServerMayListWithoutItsChoice) {
  EXPECT_TRUE(isRefused("11 08 00000001 6b3343cf", Role::Client));
  EXPECT_TRUE(isRefused("11 04 00000001", Role::Client));
  EXPECT_FALSE(isRefused("11 08 00000001 6b3343cf", Role::Server));
  EXPECT_FALSE(isRefused("11 04 00000001", Role::Server));
}

TEST(VersionInformation, ALongListIsCheckedWholeAndKeptInPart) {
  ByteVector bytes = fromHex("11 6324 00000001");
  for (uint32_t i = 0; i < 2248; ++i) {
    const uint32_t version = i == 2247 ? 1 : 0x1a2a3a4a;
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<uint8_t>(version >> shift));
  }
  const auto decoded = decodeTransportParameters(bytes, Role::Client);
  ASSERT_TRUE(decoded.hasValue()) << "the choice is the last one";
  const std::vector<uint32_t>& kept = decoded->versionInformation->available;
  EXPECT_EQ(kept.size(), kMaxAvailableVersions);
  EXPECT_EQ(kept.back(), 1u) << "the choice is kept in any case";
}

}  // namespace
}  // namespace quic::test
