#include "quic/tls/ClientSession.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

ClientSession sample() {
  ClientSession session;
  session.scope.trust.fill(3);
  session.scope.identity.fill(4);
  session.scope.isVerified = true;
  session.serverName = "server.test";
  session.alpn = "echo";
  session.session.assign(700, 5);
  return session;
}

TEST(ClientSession, ComesBackAsItLeft) {
  const ClientSession session = sample();
  const auto back = ClientSession::decode(session.encode());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->scope.trust, session.scope.trust);
  EXPECT_EQ(back->scope.identity, session.scope.identity);
  EXPECT_TRUE(back->scope.isVerified);
  EXPECT_EQ(back->serverName, "server.test");
  EXPECT_EQ(back->alpn, "echo");
  EXPECT_EQ(back->session, session.session);
}

TEST(ClientSession, IsRefusedWithAnyByteChangedOrMissing) {
  const ByteVector bytes = sample().encode();
  for (size_t i = 0; i < bytes.size(); ++i) {
    ByteVector changed(bytes);
    changed[i] ^= 0x01;
    EXPECT_FALSE(ClientSession::decode(changed)) << i;
    EXPECT_FALSE(ClientSession::decode(ByteSpan(bytes).first(i))) << i;
  }
  ByteVector longer(bytes);
  longer.push_back(0);
  EXPECT_FALSE(ClientSession::decode(longer));
}

TEST(ClientSession, HasABoundBothWays) {
  ClientSession session = sample();
  session.session.assign(kMaxClientSessionSize, 5);
  EXPECT_TRUE(session.encode().empty());
  session = sample();
  session.serverName.assign(256, 'a');
  EXPECT_TRUE(session.encode().empty());
  EXPECT_FALSE(ClientSession::decode(ByteVector(kMaxClientSessionSize + 1, 1)));
}

TEST(SessionScope, AdmitsWhatWasMadeAtLeastAsCarefullyByTheSameClient) {
  SessionScope verified;
  verified.isVerified = true;
  SessionScope careless = verified;
  careless.isVerified = false;
  SessionScope elsewhere = verified;
  elsewhere.trust.fill(1);
  SessionScope somebody = verified;
  somebody.identity.fill(1);
  EXPECT_TRUE(verified.admits(verified));
  EXPECT_FALSE(verified.admits(careless));
  EXPECT_FALSE(verified.admits(elsewhere));
  EXPECT_TRUE(careless.admits(verified));
  EXPECT_TRUE(careless.admits(elsewhere));
  EXPECT_FALSE(careless.admits(somebody));
  EXPECT_FALSE(verified.admits(somebody));
}

}  // namespace
}  // namespace quic
