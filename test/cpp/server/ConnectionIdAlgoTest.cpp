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
  for (const size_t size : {8u, 9u, 20u}) {
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

// covers RFC 9000 §5.1: an ID that is given out twice belongs to one connection only
TEST(ConnectionIdAlgo, KeepsEnoughRandomBytesForItsIdsToStayApart) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  for (size_t serverIdSize = 0; serverIdSize <= kMaxServerIdSize; ++serverIdSize) {
    ConnectionIdSettings settings;
    settings.serverId = ByteVector(serverIdSize, 3);
    for (const size_t size : {0u, 4u, 7u, 8u, 16u, 20u, 21u}) {
      const auto algo = makeConnectionIdAlgo(settings, size, 1, random, *crypto);
      EXPECT_GE(algo->size(), 1 + serverIdSize + 7);
      EXPECT_LE(algo->size(), kMaxConnectionIdSize);
      std::set<ConnectionId> seen;
      for (int i = 0; i < 20'000; ++i) seen.insert(algo->make());
      EXPECT_EQ(seen.size(), 20'000u) << serverIdSize << " " << size;
    }
  }
}

TEST(ConnectionIdAlgo, SaysWhatIsWrongWithItsSettings) {
  struct Row {
    const char* what;
    size_t size;
    size_t serverIdSize;
    uint8_t rotation;
    bool isEncrypted;
    const char* problem;
  };
  const Row rows[] = {
      {"the default", 8, 0, 0, false, ""},
      {"the longest", 20, 12, 6, false, ""},
      {"short", 7, 0, 0, false, "connection IDs that are not encrypted have 8 to 20 bytes"},
      {"short, encrypted", 7, 0, 0, true, ""},
      {"the shortest, encrypted", 4, 0, 0, true, ""},
      {"too short for anything", 3, 0, 0, true, "connection IDs of a server have 4 to 20 bytes"},
      {"too long", 21, 0, 0, false, "connection IDs of a server have 4 to 20 bytes"},
      {"a long server ID", 20, 13, 0, false, "a server ID has 12 bytes at the most"},
      {"another configuration", 8, 0, 7, true, "a configuration of connection IDs is 0 to 6"},
  };
  for (const Row& row : rows) {
    ConnectionIdSettings settings;
    settings.serverId = ByteVector(row.serverIdSize);
    settings.configRotation = row.rotation;
    if (row.isEncrypted) settings.key = ConnectionIdKey{};
    EXPECT_EQ(settings.problem(row.size), row.problem) << row.what;
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
