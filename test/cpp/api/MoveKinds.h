// The kinds of server migration that a test of moves goes through, and what holds after each move.
#pragma once

#include <gtest/gtest.h>

#include "cpp/api/MovePair.h"

namespace quic::test {

using enum ServerMigrationProtocol;
using Names = std::vector<std::string>;

inline const SocketAddress kSecond = SocketAddress::v4({10, 0, 0, 2}, 4433);
inline const SocketAddress kThirdPlace = SocketAddress::v4({10, 0, 0, 3}, 4433);
inline const SocketAddress kOtherPort = SocketAddress::v4({10, 0, 0, 1}, 5544);
inline const SocketAddress kElsewhere = SocketAddress::v4({10, 0, 9, 9}, 9999);
inline const SocketAddress kClientsSecond = SocketAddress::v4({10, 0, 1, 2}, 5001);

inline constexpr ServerMigrationProtocols kAllButPool{EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};
inline constexpr ServerMigrationProtocols kAll{EXPLICIT, POOL_OF_ADDRESSES, SYMMETRIC, SYNCHRONIZED_SYMMETRIC};
inline const std::vector<SocketAddress> kPool = {kServerAddress, kSecond, kThirdPlace};

struct Kind {
  const char* name;
  ServerMigrationProtocol protocol;
  ExplicitProbing probing = ExplicitProbing::Reactive;
};
inline const std::vector<Kind> kKinds = {{"reactive", EXPLICIT},
                                         {"proactive", EXPLICIT, ExplicitProbing::Proactive},
                                         {"pool", POOL_OF_ADDRESSES},
                                         {"symmetric", SYMMETRIC},
                                         {"synchronized", SYNCHRONIZED_SYMMETRIC}};

inline ServerEndpointSettings serverFor(const Kind& kind) {
  const bool isPool = kind.protocol == POOL_OF_ADDRESSES;
  return MovePair::serverSpeaking({kind.protocol}, isPool ? kPool : std::vector<SocketAddress>{});
}

inline TransportSettings clientFor(const Kind& kind) { return MovePair::clientSpeaking({kind.protocol}, kind.probing); }

/// Where both ends are, and that nothing is missing.
inline void expectAt(MovePair& pair, const SocketAddress& address, const std::string& what) {
  ASSERT_NE(pair.client.find(1), nullptr) << what;
  ASSERT_FALSE(pair.follower().isClosing()) << what;
  EXPECT_EQ(pair.follower().activePath().peer, address) << what;
  EXPECT_EQ(pair.moving().activePath().local, address) << what;
  EXPECT_EQ(pair.moving().migrationState(), ServerMigrationServer::State::Idle) << what;
  EXPECT_EQ(pair.follower().migrationState(), ServerMigrationClient::State::Idle) << what;
  EXPECT_TRUE(pair.isAllAnswered()) << what;
}

}  // namespace quic::test
