// Encrypted connection IDs: the vectors of draft-ietf-quic-load-balancers-21, and what an observer must not see.
#include "quic/server/QuicLbConnectionIdAlgo.h"

#include <gtest/gtest.h>

#include <set>

#include "cpp/api/EndpointPair.h"

namespace quic::test {
namespace {

/// Appendix B.2, and the example of §5.4.2.5. The first octet, which comes of the configuration, is left off.
struct Vector {
  const char* key;
  const char* serverId;
  const char* nonce;
  const char* encrypted;
};
constexpr Vector kVectors[] = {
    {"8f95f09245765f80256934e50c66207f", "ed793a", "ee080dbf", "20b1d07b359d3c"},
    {"8f95f09245765f80256934e50c66207f", "ed793a51d49b8f5fab65", "ee080dbf48", "cc381bc74cb4fbad2823a3d1f8fed2"},
    {"8f95f09245765f80256934e50c66207f", "ed793a51d49b8f5f", "ee080dbf48c0d1e5", "4dd2d05a7b0de9b2b9907afb5ecf8cc3"},
    {"8f95f09245765f80256934e50c66207f", "ed793a51d49b8f5fab", "ee080dbf48c0d1e55d",
     "5779c9cc86beb3a3a4a3ca96fce4bfe0cdbc"},
    {"fdf726a9893ec05c0632d3956680baf0", "31441a", "9c69c275", "67947d29be054a"},
};

std::unique_ptr<BlockCipher> cipherOf(std::string_view hex) {
  const ByteVector bytes = fromHex(hex);
  std::array<uint8_t, 16> key{};
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return makeOpenSslCryptoFactory()->blockCipher(key);
}

TEST(QuicLb, EncryptsAndDecryptsTheDraftsVectors) {
  for (const Vector& vector : kVectors) {
    const auto cipher = cipherOf(vector.key);
    const ByteVector plain = fromHex(std::string(vector.serverId) + vector.nonce);
    ByteVector block = plain;
    encryptQuicLb(*cipher, block);
    EXPECT_EQ(toHex(block), vector.encrypted);
    decryptQuicLb(*cipher, block);
    EXPECT_EQ(block, plain);
  }
}

TEST(QuicLb, EverySizeOfBlockComesBack) {
  const auto cipher = cipherOf("000102030405060708090a0b0c0d0e0f");
  Seeded random(1);
  for (size_t size = 5; size <= kMaxQuicLbBlockSize; ++size) {
    for (int i = 0; i < 50; ++i) {
      const ByteVector plain = randomBytes(random, size);
      ByteVector block = plain;
      encryptQuicLb(*cipher, block);
      EXPECT_NE(block, plain);
      decryptQuicLb(*cipher, block);
      EXPECT_EQ(block, plain) << size;
    }
  }
}

ConnectionIdSettings encrypted(ByteVector serverId = {}) {
  ConnectionIdSettings settings;
  settings.serverId = std::move(serverId);
  settings.key = ConnectionIdKey{1, 2, 3};
  return settings;
}

TEST(QuicLb, NamesItsWorkerToWhoeverHasTheKeyAlone) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  for (const size_t size : {8u, 12u, 18u, 20u}) {
    const auto algo = makeConnectionIdAlgo(encrypted({0xaa, 0xbb}), size, 9, random, *crypto);
    const auto reader = makeConnectionIdAlgo(encrypted({0xaa, 0xbb}), size, 4, random, *crypto);
    ConnectionIdSettings other = encrypted({0xaa, 0xbb});
    other.key = ConnectionIdKey{9};
    const auto stranger = makeConnectionIdAlgo(other, size, 4, random, *crypto);
    int mistaken = 0;
    for (int i = 0; i < 500; ++i) {
      const ConnectionId id = algo->make();
      EXPECT_EQ(id.size(), size);
      EXPECT_EQ(id.bytes()[0], size - 1) << "configuration 0, and its own size";
      EXPECT_EQ(reader->workerOf(id.bytes()), 9);
      mistaken += stranger->workerOf(id.bytes()) ? 1 : 0;
    }
    EXPECT_LE(mistaken, 1);
  }
}

TEST(QuicLb, AnIdOfAnotherServerOrConfigurationIsNotOurs) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  const auto ours = makeConnectionIdAlgo(encrypted({1}), 12, 0, random, *crypto);
  const auto neighbour = makeConnectionIdAlgo(encrypted({2}), 12, 0, random, *crypto);
  ConnectionIdSettings rotated = encrypted({1});
  rotated.configRotation = 3;
  const auto later = makeConnectionIdAlgo(rotated, 12, 0, random, *crypto);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ours->workerOf(neighbour->make().bytes()), std::nullopt);
    const ConnectionId id = later->make();
    EXPECT_EQ(id.bytes()[0] >> 5, 3);
    EXPECT_EQ(ours->workerOf(id.bytes()), std::nullopt);
  }
  EXPECT_EQ(ours->workerOf(ByteVector(11)), std::nullopt);
  EXPECT_EQ(ours->workerOf({}), std::nullopt);
}

// covers RFC 9000 §5.1: nothing that links two IDs
TEST(QuicLb, IdsOfOneWorkerLookLikeRandomBytes) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  ConnectionIdSettings settings = encrypted({7, 7});
  settings.encodesSize = false;
  const auto algo = makeConnectionIdAlgo(settings, 8, 3, random, *crypto);
  std::set<ConnectionId> ids;
  std::array<std::set<uint8_t>, 8> values;
  for (int i = 0; i < 2000; ++i) {
    const ConnectionId id = algo->make();
    ids.insert(id);
    for (size_t at = 0; at < 8; ++at) values[at].insert(id.bytes()[at]);
    EXPECT_EQ(id.bytes()[0] >> 5, 0);
  }
  EXPECT_EQ(ids.size(), 2000u);
  EXPECT_EQ(values[0].size(), 32u) << "all that the first octet has to show";
  for (size_t at = 1; at < 8; ++at) EXPECT_GT(values[at].size(), 240u) << at;
}

TEST(QuicLb, AnIdThatIsTooShortForItsPartsGrows) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  EXPECT_EQ(makeConnectionIdAlgo(encrypted(), 4, 0, random, *crypto)->size(), 6u);
  EXPECT_EQ(makeConnectionIdAlgo(encrypted(ByteVector(8)), 8, 0, random, *crypto)->size(), 14u);
  EXPECT_EQ(makeConnectionIdAlgo(encrypted(ByteVector(100)), 8, 0, random, *crypto)->size(), 18u);
  ConnectionIdSettings plain;
  plain.serverId = ByteVector(8);
  EXPECT_EQ(makeConnectionIdAlgo(plain, 8, 0, random, *crypto)->size(), 16u);
}

TEST(PlainConnectionIds, NameWorkerAndServerInTheClear) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  ConnectionIdSettings settings;
  settings.serverId = {0xab, 0xcd};
  const auto algo = makeConnectionIdAlgo(settings, 8, 5, random, *crypto);
  const ConnectionId id = algo->make();
  EXPECT_EQ(toHex(id.bytes().first(3)), "05abcd");
  EXPECT_EQ(algo->workerOf(id.bytes()), 5);
  EXPECT_EQ(id.size(), 10u) << "what names the server is no room for chance";
  EXPECT_EQ(algo->workerOf(fromHex("06abcd00000000000000")), 6);
  EXPECT_EQ(algo->workerOf(fromHex("05abce00000000000000")), std::nullopt) << "another server's";
  EXPECT_TRUE(settings.isSteerable());
  EXPECT_FALSE(encrypted().isSteerable());
}

// ---------------------------------------------------------------- a server with them
TEST(QuicLb, AServerServesForwardsAndResetsByEncryptedIds) {
  ServerEndpointSettings settings;
  settings.resetSecret = {5};
  settings.connectionIds = encrypted({1, 2});
  settings.transport.connectionIdSize = 12;
  settings.retry.mode = RetryMode::Always;
  EndpointPair pair(settings, 2);
  pair.connect();
  pair.exchange();
  pair.advance(100ms);
  ASSERT_TRUE(pair.client.find(1)->isHandshakeConfirmed());
  const auto others = makeConnectionIdAlgo(settings.connectionIds, 12, 3, pair.random, *pair.crypto);
  const auto ours = makeConnectionIdAlgo(settings.connectionIds, 12, 2, pair.random, *pair.crypto);
  const auto oneRtt = [](const ConnectionId& id) {
    ByteVector bytes(100, 0x11);
    bytes[0] = 0x41;
    std::copy(id.bytes().begin(), id.bytes().end(), bytes.begin() + 1);
    return bytes;
  };
  pair.giveServer(oneRtt(others->make()));
  EXPECT_EQ(pair.forwarded, 3);
  pair.giveServer(oneRtt(ours->make()));
  EXPECT_EQ(pair.forwarded, std::nullopt);
  EXPECT_EQ(pair.server.stats().resets, 1u);
  pair.giveServer(ByteVector(100, 0x41));
  EXPECT_EQ(pair.forwarded, std::nullopt);
  EXPECT_EQ(pair.server.stats().resets, 1u) << "an ID that is not of ours is not reset";
}

TEST(QuicLb, AnApplicationMayBringASchemeOfItsOwn) {
  class Numbered final : public ConnectionIdAlgo {
   public:
    explicit Numbered(uint8_t worker) : worker_(worker) {}
    ConnectionId make() override {
      ByteVector bytes(10, 0xee);
      bytes[9] = worker_;
      bytes[8] = ++count_;
      return ConnectionId(bytes);
    }
    [[nodiscard]] std::optional<uint8_t> workerOf(ByteSpan id) const override {
      return id.size() == 10 && id[0] == 0xee ? std::optional(id[9]) : std::nullopt;
    }
    [[nodiscard]] size_t size() const override { return 10; }

   private:
    uint8_t worker_;
    uint8_t count_ = 0;
  };
  ServerEndpointSettings settings;
  settings.connectionIds.custom = [](uint8_t worker, Random&, const CryptoFactory&) {
    return std::make_unique<Numbered>(worker);
  };
  EndpointPair pair(settings, 7);
  pair.connect();
  pair.exchange();
  pair.advance(100ms);
  ASSERT_TRUE(pair.client.find(1)->isHandshakeConfirmed());
  const ConnectionId& id = pair.server.find(pair.serverEvents.front().connection)->originalConnectionId();
  EXPECT_EQ(id.size(), 10u);
  EXPECT_EQ(id.bytes()[9], 7);
}

}  // namespace
}  // namespace quic::test
