#include "quic/tls/HelloMessages.h"

#include <gtest/gtest.h>

#include "cpp/tls/TlsFixture.h"

namespace quic {
namespace {

using namespace test;

using Types = std::vector<uint16_t>;

ByteVector hostName(std::string_view name, uint8_t type = 0) {
  const auto size = static_cast<uint8_t>(name.size());
  ByteVector extension{0, static_cast<uint8_t>(size + 3), type, 0, size};
  extension.insert(extension.end(), name.begin(), name.end());
  return extension;
}

TEST(HelloMessages, ListsTheExtensionsOfRealMessages) {
  HandshakePair pair = makePair();
  pair.run();
  const auto has = [](const Types& types, uint16_t type) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  const Types offered = extensionsOf(pair.client.sent[EncryptionLevel::Initial]);
  for (const uint16_t type : {0, 10, 13, 16, 43, 51, 57}) EXPECT_TRUE(has(offered, type)) << type;
  const Types answered = extensionsOf(pair.server.sent[EncryptionLevel::Initial]);
  EXPECT_TRUE(has(answered, 43) && has(answered, 51));
  const ByteVector& flight = pair.server.sent[EncryptionLevel::Handshake];
  const Types encrypted = extensionsOf(flight);
  EXPECT_TRUE(has(encrypted, 16) && has(encrypted, 57));
  ASSERT_TRUE(extensionOf(flight, 16) && extensionOf(flight, 57));
  EXPECT_EQ(selectedProtocolOf(*extensionOf(flight, 16)), "echo");
  EXPECT_EQ(asText(*extensionOf(flight, 57)), asText(pair.server.parameters));
  EXPECT_FALSE(extensionOf(flight, 0x1234));
}

// covers RFC 9001 §4.2, §5.3: nothing older than TLS 1.3, and no suite without header protection (RFC 8446 §4.1.2, §4.2.1)
TEST(ClientHello, OffersTls13AloneAndSuitesThatProtectHeaders) {
  HandshakePair pair = makePair();
  pair.run();
  const ByteVector& hello = pair.client.sent[EncryptionLevel::Initial];
  constexpr size_t kBeforeSessionId = 4 + 2 + 32;
  ASSERT_GT(hello.size(), kBeforeSessionId + 3);
  EXPECT_EQ(hello[kBeforeSessionId], 0u);
  const size_t suites = size_t{hello[kBeforeSessionId + 1]} * 256 + hello[kBeforeSessionId + 2];
  ASSERT_LT(kBeforeSessionId + 3 + suites, hello.size());
  EXPECT_GE(suites, 2u);
  for (size_t i = 0; i < suites; i += 2) {
    EXPECT_EQ(hello[kBeforeSessionId + 3 + i], 0x13);
    EXPECT_TRUE(hello[kBeforeSessionId + 4 + i] >= 1 && hello[kBeforeSessionId + 4 + i] <= 3);
  }
  ASSERT_TRUE(extensionOf(hello, 43));
  EXPECT_EQ(asText(*extensionOf(hello, 43)), std::string_view("\x02\x03\x04"));
}

TEST(HelloMessages, ReadASelectedProtocolOnlyWhenItIsOne) {
  const auto read = [](ByteVector extension) { return std::string(selectedProtocolOf(extension)); };
  EXPECT_EQ(read({0, 3, 2, 'h', '3'}), "h3");
  EXPECT_EQ(read({0, 6, 2, 'h', '3', 2, 'h', '2'}), "");
  EXPECT_EQ(read({0, 3, 3, 'h', '3'}), "");
  EXPECT_EQ(read({0, 3, 2, 'h', '3', 0}), "");
  EXPECT_EQ(read({0, 0}), "");
  EXPECT_EQ(read({}), "");
}

TEST(HelloMessages, ReadNothingFromWhatIsCutShort) {
  HandshakePair pair = makePair();
  pair.run();
  for (const ByteVector& message :
       {pair.client.sent[EncryptionLevel::Initial], pair.server.sent[EncryptionLevel::Initial]}) {
    for (size_t size = 0; size < message.size(); ++size) {
      EXPECT_TRUE(extensionsOf(ByteSpan(message).first(size)).empty()) << size;
    }
  }
  EXPECT_TRUE(extensionsOf(messageOf(20, {0, 4, 0, 16, 0, 0})).empty());
}

TEST(HelloMessages, KnowAHelloRetryRequestByItsRandom) {
  HandshakePair pair = makePair();
  pair.run();
  EXPECT_FALSE(isHelloRetryRequest(pair.server.sent[EncryptionLevel::Initial]));
  EXPECT_FALSE(isHelloRetryRequest(messageOf(2, ByteVector(33, 0xcf))));
}

TEST(HelloMessages, ReadTheHostNameInLowerCase) {
  EXPECT_EQ(hostNameOf(hostName("Server.TEST")), "server.test");
  EXPECT_EQ(hostNameOf(hostName("")), "");
  EXPECT_EQ(hostNameOf(hostName("server.test", 1)), "");
  const ByteVector whole = hostName("server.test");
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_EQ(hostNameOf(ByteSpan(whole).first(size)), "");
}

TEST(HelloMessages, FindANameInAnAlpnList) {
  const std::string list(
      "\x04"
      "echo"
      "\x02"
      "h3");
  EXPECT_TRUE(alpnListHas(list, "echo"));
  EXPECT_TRUE(alpnListHas(list, "h3"));
  EXPECT_FALSE(alpnListHas(list, "h"));
  EXPECT_FALSE(alpnListHas(list, "echo\x02h3"));
  EXPECT_FALSE(
      alpnListHas("\x09"
                  "echo",
                  "echo\x02h3"));
  EXPECT_FALSE(alpnListHas({}, "echo"));
}

}  // namespace
}  // namespace quic
