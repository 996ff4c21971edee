// The tools of this folder themselves: that an honest handshake with them works, with every suite.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"

namespace quic::test {
namespace {

class EveryRoleAndSuite : public testing::TestWithParam<std::tuple<Role, CipherSuite>> {};

// CT00, K10, K11, K12 of the project's security cases. covers RFC 9001 §5.3
TEST_P(EveryRoleAndSuite, ConnectsAndLives) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.endRole = std::get<0>(GetParam());
  settings.handshake.suite = std::get<1>(GetParam());
  MisbehavingPeer peer(settings);
  peer.connect();
  EXPECT_TRUE(peer.lives());
  ASSERT_TRUE(peer.endParameters().has_value());
  EXPECT_EQ(peer.count<HandshakeFinished>(), 1u);
  EXPECT_EQ(peer.count<HandshakeConfirmed>(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Handshakes, EveryRoleAndSuite,
                         testing::Combine(testing::Values(Role::Client, Role::Server),
                                          testing::Values(CipherSuite::AES_128_GCM_SHA256,
                                                          CipherSuite::AES_256_GCM_SHA384,
                                                          CipherSuite::CHACHA20_POLY1305_SHA256)));

}  // namespace
}  // namespace quic::test
