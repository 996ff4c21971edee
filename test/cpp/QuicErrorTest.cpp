#include "quic/QuicError.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace quic {
namespace {

struct Registered {
  uint64_t code;
  const char* name;
};

// RFC 9000 §20.1, RFC 9368 §10.2, RFC 9001 §4.8
constexpr Registered kTransport[] = {
    {0x00, "NO_ERROR"},
    {0x01, "INTERNAL_ERROR"},
    {0x02, "CONNECTION_REFUSED"},
    {0x03, "FLOW_CONTROL_ERROR"},
    {0x04, "STREAM_LIMIT_ERROR"},
    {0x05, "STREAM_STATE_ERROR"},
    {0x06, "FINAL_SIZE_ERROR"},
    {0x07, "FRAME_ENCODING_ERROR"},
    {0x08, "TRANSPORT_PARAMETER_ERROR"},
    {0x09, "CONNECTION_ID_LIMIT_ERROR"},
    {0x0a, "PROTOCOL_VIOLATION"},
    {0x0b, "INVALID_TOKEN"},
    {0x0c, "APPLICATION_ERROR"},
    {0x0d, "CRYPTO_BUFFER_EXCEEDED"},
    {0x0e, "KEY_UPDATE_ERROR"},
    {0x0f, "AEAD_LIMIT_REACHED"},
    {0x10, "NO_VIABLE_PATH"},
    {0x11, "VERSION_NEGOTIATION_ERROR"},
    {0xff, "UNKNOWN_TRANSPORT_ERROR"},
    {0x100, "CRYPTO_ERROR"},
    {0x178, "CRYPTO_ERROR"},
    {0x1ff, "CRYPTO_ERROR"},
    {0x200, "UNKNOWN_TRANSPORT_ERROR"},
    {(uint64_t{1} << 62) - 1, "UNKNOWN_TRANSPORT_ERROR"},
};

TEST(QuicError, TransportCodesKeepTheirNumberAndHaveTheNameOfTheRegistry) {
  for (const Registered& row : kTransport) {
    const QuicErrorCode code = static_cast<TransportErrorCode>(row.code);
    EXPECT_EQ(toString(code), row.name);
    EXPECT_EQ(wireCode(code), row.code);
  }
}

TEST(QuicError, ATlsAlertBecomesACryptoError) {  // covers RFC 9001 §4.8
  EXPECT_EQ(wireCode(cryptoError(120)), 0x178u);
  EXPECT_TRUE(isCryptoError(cryptoError(0)));
  EXPECT_TRUE(isCryptoError(cryptoError(255)));
  EXPECT_FALSE(isCryptoError(TransportErrorCode::PROTOCOL_VIOLATION));
}

TEST(QuicError, AnApplicationCodeKeepsItsNumber) {
  const QuicErrorCode code = static_cast<ApplicationErrorCode>(0x3fffffffffffffff);
  EXPECT_EQ(toString(code), "APPLICATION");
  EXPECT_EQ(wireCode(code), 0x3fffffffffffffffu);
}

TEST(QuicError, EveryLocalCodeHasAnOwnNameAndLeavesAsInternalError) {
  std::vector<std::string_view> names;
  for (uint32_t i = 0; i <= static_cast<uint32_t>(LocalErrorCode::INVALID_ARGUMENT); ++i) {
    const QuicErrorCode code = static_cast<LocalErrorCode>(i);
    names.push_back(toString(code));
    EXPECT_NE(names.back(), "UNKNOWN_LOCAL_ERROR") << i;
    EXPECT_EQ(wireCode(code), 1u);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(QuicError, RemembersWhereItWasMade) {
  const Result<> result = fail(TransportErrorCode::PROTOCOL_VIOLATION, "why", 0x1e);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "why");
  EXPECT_EQ(result.error().frameType, 0x1eu);
  EXPECT_NE(std::string_view(result.error().where.file_name()).find("QuicErrorTest"), std::string_view::npos);
  const Result<int> forwarded = forward(result.error());
  ASSERT_FALSE(forwarded);
  EXPECT_EQ(forwarded.error().where.line(), result.error().where.line());
}

}  // namespace
}  // namespace quic
