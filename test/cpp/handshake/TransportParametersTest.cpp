#include "quic/handshake/TransportParameters.h"

#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"

namespace quic {
namespace {

using test::fromHex;
using test::toHex;

const StatelessResetToken kToken{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr const char* kTokenHex = "000102030405060708090a0b0c0d0e0f";

TransportParameters decoded(std::string_view hex, Role sender) {
  const test::ExactBytes exact(fromHex(hex));
  const auto result = decodeTransportParameters(exact.span(), sender);
  EXPECT_TRUE(result) << hex << ": " << result.error().reason;
  return result ? *result : TransportParameters{};
}

TEST(TransportParameters, NothingMeansTheDefaultsOfTheRfc) {  // covers RFC 9000 §18.2
  const TransportParameters parameters = decoded("", Role::Client);
  EXPECT_EQ(parameters, TransportParameters{});
  EXPECT_EQ(parameters.maxUdpPayloadSize, 65527u);
  EXPECT_EQ(parameters.ackDelayExponent, 3u);
  EXPECT_EQ(parameters.maxAckDelay, 25u);
  EXPECT_EQ(parameters.activeConnectionIdLimit, 2u);
  EXPECT_TRUE(encodeTransportParameters(TransportParameters{}).empty());
}

TEST(TransportParameters, ReadsEveryParameterByItsNumber) {  // covers RFC 9000 §18.2
  const TransportParameters p =
      decoded(std::string("00 02 aabb 01 02 4101 02 10 ") + kTokenHex +
                  "03 02 45dc 04 04 80100000 05 01 05 06 01 06 07 01 07 08 01 08 09 01 09 0a 01 0a 0b 01 0b 0c 00"
                  "0e 01 04 0f 00 10 01 cc 20 04 8000ffff 4064 01 0f 6ab2 00"
                  "c0000000ff04de1b 02 43e8",
              Role::Server);
  EXPECT_EQ(p.originalDestinationConnectionId, ConnectionId(fromHex("aabb")));
  EXPECT_EQ(p.maxIdleTimeout, 0x101u);
  EXPECT_EQ(p.statelessResetToken, kToken);
  EXPECT_EQ(p.maxUdpPayloadSize, 1500u);
  EXPECT_EQ(p.initialMaxData, 0x100000u);
  EXPECT_EQ(p.initialMaxStreamDataBidiLocal, 5u);
  EXPECT_EQ(p.initialMaxStreamDataBidiRemote, 6u);
  EXPECT_EQ(p.initialMaxStreamDataUni, 7u);
  EXPECT_EQ(p.initialMaxStreamsBidi, 8u);
  EXPECT_EQ(p.initialMaxStreamsUni, 9u);
  EXPECT_EQ(p.ackDelayExponent, 10u);
  EXPECT_EQ(p.maxAckDelay, 11u);
  EXPECT_TRUE(p.disableActiveMigration);
  EXPECT_EQ(p.activeConnectionIdLimit, 4u);
  EXPECT_EQ(p.initialSourceConnectionId, ConnectionId());
  EXPECT_EQ(p.retrySourceConnectionId, ConnectionId(fromHex("cc")));
  EXPECT_EQ(p.maxDatagramFrameSize, 65535u);
  EXPECT_EQ(p.serverMigrationSuite, 15u);
  EXPECT_EQ(p.minAckDelay, 1000u);
  EXPECT_TRUE(p.greaseQuicBit);
}

TransportParameters randomParameters(test::Seeded& random, Role sender) {
  const auto chance = [&random] { return test::below(random, 2) == 0; };
  const auto id = [&random](size_t least) {
    return ConnectionId(test::randomBytes(random, least + test::below(random, 21 - least)));
  };
  TransportParameters p;
  if (chance()) p.initialSourceConnectionId = id(1);
  if (chance()) p.maxIdleTimeout = test::randomVarint(random);
  if (chance()) p.maxUdpPayloadSize = 1200 + test::below(random, 64000);
  if (chance()) p.initialMaxData = test::randomVarint(random);
  if (chance()) p.initialMaxStreamDataBidiLocal = test::randomVarint(random);
  if (chance()) p.initialMaxStreamDataBidiRemote = test::randomVarint(random);
  if (chance()) p.initialMaxStreamDataUni = test::randomVarint(random);
  if (chance()) p.initialMaxStreamsBidi = test::randomVarint(random) / 4;
  if (chance()) p.initialMaxStreamsUni = test::randomVarint(random) / 4;
  if (chance()) p.ackDelayExponent = test::below(random, 21);
  if (chance()) p.maxAckDelay = test::below(random, 1 << 14);
  if (chance()) p.minAckDelay = test::below(random, 1000 * p.maxAckDelay + 1);
  p.disableActiveMigration = chance();
  p.greaseQuicBit = chance();
  if (chance()) p.activeConnectionIdLimit = 2 + test::randomVarint(random) / 2;
  if (chance()) p.maxDatagramFrameSize = test::randomVarint(random);
  p.resetStreamAt = chance();
  if (chance()) p.serverMigrationSuite = test::randomVarint(random);
  if (sender == Role::Client) return p;
  if (chance()) p.originalDestinationConnectionId = id(0);
  if (chance()) p.retrySourceConnectionId = id(0);
  if (chance()) p.statelessResetToken = kToken;
  if (!chance()) return p;
  PreferredAddress preferred;
  if (chance()) preferred.v4 = *SocketAddress::parse("192.0.2.1:443");
  if (chance()) preferred.v6 = *SocketAddress::parse("[2001:db8::1]:443");
  preferred.id = id(1);
  preferred.token = kToken;
  p.preferredAddress = preferred;
  return p;
}

TEST(TransportParameters, RandomParametersComeBack) {
  test::Seeded random(41);
  for (int i = 0; i < 3000; ++i) {
    const Role sender = i % 2 == 0 ? Role::Client : Role::Server;
    const TransportParameters parameters = randomParameters(random, sender);
    const auto result = decodeTransportParameters(encodeTransportParameters(parameters), sender);
    ASSERT_TRUE(result) << result.error().reason;
    ASSERT_EQ(*result, parameters);
  }
}

TEST(TransportParameters, CutAnywhereTheyAreRefusedOrEndBetweenTwo) {
  test::Seeded random(42);
  for (int i = 0; i < 200; ++i) {
    const ByteVector whole = encodeTransportParameters(randomParameters(random, Role::Server));
    for (size_t size = 0; size < whole.size(); ++size) {
      const test::ExactBytes cut(ByteSpan(whole).first(size));
      const auto result = decodeTransportParameters(cut.span(), Role::Server);
      if (result) continue;
      ASSERT_EQ(result.error().code, QuicErrorCode(TransportErrorCode::TRANSPORT_PARAMETER_ERROR));
    }
  }
}

TEST(TransportParameters, RandomBytesNeverReadOutOfBounds) {
  test::Seeded random(43);
  for (int i = 0; i < 50000; ++i) {
    ByteVector bytes = test::randomBytes(random, test::below(random, 80));
    for (uint8_t& byte : bytes) {
      if (test::below(random, 2) == 0) byte &= 0x1f;
    }
    const test::ExactBytes exact(bytes);
    const auto result = decodeTransportParameters(exact.span(), Role::Server);
    if (result) {
      ASSERT_TRUE(decodeTransportParameters(encodeTransportParameters(*result), Role::Server));
    }
  }
}

struct RefusedCase {
  const char* row;  // of the must-close table
  Role sender;
  std::string hex;
};

/// 2^60 + 1 as a varint.
constexpr const char* kTooManyStreams = "d000000000000001";

// covers RFC 9000 §7.4, §18, §18.2
TEST(TransportParameters, RefusesWhatMustCloseTheConnection) {
  const std::string addresses = "c0000201 01bb 20010db8000000000000000000000001 01bb";
  const std::string token = kTokenHex;
  const RefusedCase rows[] = {
      {"T02a original_destination_connection_id from a client", Role::Client, "00 02 aabb"},
      {"T02b stateless_reset_token from a client", Role::Client, "02 10" + token},
      {"T02c retry_source_connection_id from a client", Role::Client, "10 02 aabb"},
      {"T02 preferred_address from a client", Role::Client, "0d 2b" + addresses + "02 aabb" + token},
      {"T05 max_udp_payload_size 1199", Role::Client, "03 02 44af"},
      {"max_udp_payload_size 0", Role::Server, "03 01 00"},
      {"T06 ack_delay_exponent 21", Role::Client, "0a 01 15"},
      {"CT08 ack_delay_exponent 21", Role::Server, "0a 01 15"},
      {"T07 max_ack_delay 2^14", Role::Client, "0b 04 80004000"},
      {"CT09 max_ack_delay 2^14", Role::Server, "0b 04 80004000"},
      {"T08 active_connection_id_limit 1", Role::Client, "0e 01 01"},
      {"active_connection_id_limit 0", Role::Server, "0e 01 00"},
      {"T09a initial_max_streams_bidi 2^60+1", Role::Client, std::string("08 08") + kTooManyStreams},
      {"T09b initial_max_streams_uni 2^60+1", Role::Client, std::string("09 08") + kTooManyStreams},
      {"CT11 initial_max_streams_bidi 2^60+1", Role::Server, std::string("08 08") + kTooManyStreams},
      {"T10b integer with trailing bytes", Role::Client, "04 03 010000"},
      {"integer cut by its own length", Role::Client, "04 01 40"},
      {"T10c integer of length 0", Role::Client, "04 00"},
      {"max_datagram_frame_size of length 0", Role::Client, "20 00"},
      {"max_datagram_frame_size with trailing bytes", Role::Client, "20 02 0000"},
      {"T11 disable_active_migration with a value", Role::Client, "0c 01 00"},
      {"CT12 stateless_reset_token of 15 bytes", Role::Server, "02 0f" + token.substr(2)},
      {"stateless_reset_token of 17 bytes", Role::Server, "02 11" + token + "00"},
      {"CT16 length past the end", Role::Server, "04 05 01"},
      {"CT16 length of 2^62-1", Role::Server, "04 ffffffffffffffff 01"},
      {"CT16 unknown parameter, length past the end", Role::Server, "1b 02 00"},
      {"no length", Role::Client, "04"},
      {"id cut short", Role::Client, "40"},
      {"initial_source_connection_id of 21 bytes", Role::Client, "0f 15" + token + "0001020304"},
      {"original_destination_connection_id of 21 bytes", Role::Server, "00 15" + token + "0001020304"},
      {"retry_source_connection_id of 21 bytes", Role::Server, "10 15" + token + "0001020304"},
      {"min_ack_delay above max_ack_delay", Role::Client, "c0000000ff04de1b 04 800061a9"},
      {"min_ack_delay above a max_ack_delay that follows", Role::Server, "c0000000ff04de1b 02 7d00 0b 01 0a"},
      {"min_ack_delay that is no integer", Role::Server, "c0000000ff04de1b 02 0000"},
      {"twice the same", Role::Client, "04 01 01 04 01 01"},
      {"twice the same, apart and written otherwise", Role::Client, "04 01 01 05 01 01 4004 01 01"},
      {"twice the same unknown", Role::Client, "1b 00 04 01 01 1b 00"},
      {"preferred_address with an empty ID", Role::Server, "0d 29" + addresses + "00" + token},
      {"preferred_address with an ID of 21 bytes", Role::Server,
       "0d 3e" + addresses + "15" + token + "0001020304" + token},
      {"preferred_address cut in its token", Role::Server, "0d 2a" + addresses + "02 aabb" + token.substr(2)},
      {"preferred_address with trailing bytes", Role::Server, "0d 2c" + addresses + "02 aabb" + token + "00"},
      {"preferred_address empty", Role::Server, "0d 00"},
      {"preferred_address beside an empty ID", Role::Server, "0f 00 0d 2b" + addresses + "02 aabb" + token},
      {"reset_stream_at with a value", Role::Client, "1d 01 00"},
      {"reset_stream_at of the drafts with a value", Role::Server, "c017f7586d2cb571 01 00"},
      {"server_migration_suite empty", Role::Client, "4064 00"},
      {"server_migration_suite cut short", Role::Server, "4064 01 40"},
  };
  for (const RefusedCase& row : rows) {
    const test::ExactBytes exact(fromHex(row.hex));
    const auto result = decodeTransportParameters(exact.span(), row.sender);
    ASSERT_FALSE(result) << row.row;
    EXPECT_EQ(result.error().code, QuicErrorCode(TransportErrorCode::TRANSPORT_PARAMETER_ERROR)) << row.row;
  }
}

// covers RFC 9000 §18.2
TEST(TransportParameters, TakesTheLastValuesThatAreAllowed) {
  EXPECT_EQ(decoded("03 02 44b0", Role::Client).maxUdpPayloadSize, 1200u);
  EXPECT_EQ(decoded("0a 01 14", Role::Client).ackDelayExponent, 20u);
  EXPECT_EQ(decoded("0b 02 7fff", Role::Client).maxAckDelay, 16383u);
  EXPECT_EQ(decoded("0e 01 02", Role::Client).activeConnectionIdLimit, 2u);
  EXPECT_EQ(decoded("08 08 d000000000000000", Role::Client).initialMaxStreamsBidi, uint64_t{1} << 60);
  EXPECT_EQ(decoded("20 01 00", Role::Client).maxDatagramFrameSize, 0u);            // T27
  EXPECT_EQ(decoded("20 04 8000ffff", Role::Client).maxDatagramFrameSize, 65535u);  // T27
}

TEST(TransportParameters, ResetStreamAtIsKnownByBothItsNumbers) {
  EXPECT_TRUE(decoded("1d 00", Role::Client).resetStreamAt);
  EXPECT_TRUE(decoded("c017f7586d2cb571 00", Role::Server).resetStreamAt);
  EXPECT_TRUE(decoded("c017f7586d2cb571 00 1d 00", Role::Server).resetStreamAt);
  TransportParameters parameters;
  parameters.resetStreamAt = true;
  EXPECT_EQ(toHex(encodeTransportParameters(parameters)), "1d00c017f7586d2cb57100");
}

TEST(TransportParameters, IgnoresUnknownOnes) {  // covers RFC 9000 §7.4.2
  // CT18: a reserved one (31 * N + 27), and one whose number has eight bytes.
  const TransportParameters p =
      decoded("1b 03 aabbcc 21 08 0000000100000001 ffffffffffffffff 00 04 01 09", Role::Server);
  TransportParameters expected;
  expected.initialMaxData = 9;
  EXPECT_EQ(p, expected);
}

TEST(TransportParameters, TakesNumbersThatAreLongerThanNeeded) {  // T12d; covers RFC 9000 §16
  EXPECT_EQ(decoded("80000004 4002 4009", Role::Client).initialMaxData, 9u);
}

TEST(TransportParameters, WritesServerMigrationAsPeersKnowIt) {
  TransportParameters parameters;
  parameters.serverMigrationSuite = 0xf;
  EXPECT_EQ(toHex(encodeTransportParameters(parameters)), "4064010f");
  parameters.serverMigrationSuite = 0;
  EXPECT_EQ(toHex(encodeTransportParameters(parameters)), "40640100");
}

TEST(TransportParameters, ServerMigrationIgnoresWhatFollowsItsInteger) {
  EXPECT_EQ(decoded("4064 03 05aabb", Role::Client).serverMigrationSuite, 5u);
  EXPECT_EQ(decoded("4064 02 4100", Role::Server).serverMigrationSuite, 0x100u);
  EXPECT_EQ(decoded("04 01 01", Role::Server).serverMigrationSuite, std::nullopt);
}

TEST(TransportParameters, WritesThePreferredAddressOfTheRfc) {  // covers RFC 9000 §18.2
  TransportParameters parameters;
  PreferredAddress preferred;
  preferred.v4 = *SocketAddress::parse("192.0.2.1:443");
  preferred.id = ConnectionId(fromHex("aabb"));
  preferred.token = kToken;
  parameters.preferredAddress = preferred;
  EXPECT_EQ(toHex(encodeTransportParameters(parameters)),
            "0d2bc000020101bb00000000000000000000000000000000000002aabb" + std::string(kTokenHex));
}

TEST(TransportParameters, AnIPv4MappedPreferredAddressIsAbsent) {
  const TransportParameters p =
      decoded(std::string("0d 2a 00000000 0000 00000000000000000000ffff7f000001 0050 01 aa") + kTokenHex, Role::Server);
  ASSERT_TRUE(p.preferredAddress);
  EXPECT_TRUE(p.preferredAddress->v4.isUnspecified());
  EXPECT_TRUE(p.preferredAddress->v6.isUnspecified());
}

}  // namespace
}  // namespace quic
