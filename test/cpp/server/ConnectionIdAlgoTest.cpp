// The IDs that a server issues: worker, randomness, and a reset token that depends on nothing but the ID and the secret.
#include "quic/server/ServerConnectionIds.h"

#include <gtest/gtest.h>

#include <set>

#include "cpp/api/MisbehavingPeer.h"
#include "quic/tls/OpenSslTls.h"

namespace quic::test {
namespace {

TEST(ConnectionIdAlgo, NamesItsWorkerInEveryId) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  for (const size_t size : {4u, 8u, 20u}) {
    ServerConnectionIds algo(9, size, random, *crypto, {});
    std::set<ConnectionId> seen;
    for (int i = 0; i < 100; ++i) {
      const ConnectionId id = algo.make().id;
      EXPECT_EQ(id.size(), size);
      EXPECT_EQ(algo.workerOf(id.bytes()), 9);
      seen.insert(id);
    }
    EXPECT_EQ(seen.size(), 100u);
    EXPECT_EQ(algo.workerOf(ByteVector(size + 1)), std::nullopt);
    EXPECT_EQ(algo.workerOf(ByteVector(size - 1)), std::nullopt);
  }
}

// covers RFC 9000 §10.3.2
TEST(ConnectionIdAlgo, TheTokenFollowsFromIdAndSecretAlone) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  StatelessResetSecret secret{1};
  StatelessResetSecret other{2};
  ServerConnectionIds first(0, 8, random, *crypto, secret);
  ServerConnectionIds second(5, 8, random, *crypto, secret);
  ServerConnectionIds stranger(0, 8, random, *crypto, other);
  const GeneratedConnectionId made = first.make();
  EXPECT_EQ(second.resetToken(made.id), made.token) << "another worker, or another process, knows it too";
  EXPECT_NE(stranger.resetToken(made.id), made.token);
  EXPECT_NE(first.resetToken(first.make().id), made.token);
}

}  // namespace
}  // namespace quic::test
