// Address-validation tokens: what they are bound to, how long they last, who can open them, and that nobody learns anything.
#include "quic/server/AddressTokens.h"

#include <gtest/gtest.h>

#include <set>

#include "cpp/api/MisbehavingPeer.h"
#include "quic/tls/OpenSslTls.h"

namespace quic::test {
namespace {

const SocketAddress kPeer = SocketAddress::v4({192, 0, 2, 7}, 5000);
const ConnectionId kOriginal(fromHex("0102030405060708"));
const ConnectionId kRetryId(fromHex("00a1a2a3a4a5a6a7"));
const ConnectionId kClientId(fromHex("c1c2c3c4"));
const TokenContext kContext{kQuicVersion1, kPeer, kRetryId, kClientId};
const TimePoint kStart{1000h};

AddressTokenKey keyOf(uint8_t fill) {
  AddressTokenKey key;
  key.fill(fill);
  return key;
}

struct Issuer {
  explicit Issuer(const AddressTokenSettings& settings = {}, uint64_t seed = 1)
      : random(seed), tokens(*crypto, random, settings) {}
  TokenWorth worth(TimePoint now, ByteSpan token, const TokenContext& context = kContext) {
    return tokens.check(now, token, context).worth;
  }
  std::unique_ptr<CryptoFactory> crypto = makeOpenSslCryptoFactory();
  SeededRandom random;
  AddressTokens tokens;
};

// R06. covers RFC 9000 §8.1.2
TEST(AddressTokens, ARetryTokenReturnsTheOriginalIdToWhoeverFitsIt) {
  Issuer issuer;
  const ByteVector token = issuer.tokens.makeRetry(kStart, kContext, kOriginal);
  const TokenVerdict verdict = issuer.tokens.check(kStart + 1s, token, kContext);
  EXPECT_EQ(verdict.worth, TokenWorth::Retried);
  EXPECT_EQ(verdict.originalDestinationId, kOriginal);
  EXPECT_LE(token.size(), kMaxAddressTokenSize);
}

TEST(AddressTokens, OriginalIdsOfEveryLengthComeBack) {
  Issuer issuer;
  for (size_t size = 0; size <= kMaxConnectionIdSize; ++size) {
    const ConnectionId original{ByteSpan(ByteVector(size, 9))};
    const ByteVector token = issuer.tokens.makeRetry(kStart, kContext, original);
    EXPECT_EQ(issuer.tokens.check(kStart, token, kContext).originalDestinationId, original);
  }
}

// R04, R05. covers RFC 9000 §8.1.4
TEST(AddressTokens, ARetryTokenIsBoundToAddressPortIdsAndVersion) {
  Issuer issuer;
  const ByteVector token = issuer.tokens.makeRetry(kStart, kContext, kOriginal);
  TokenContext other = kContext;
  other.peer = kPeer.withPort(5001);
  EXPECT_EQ(issuer.worth(kStart, token, other), TokenWorth::InvalidRetry) << "R04: port";
  other.peer = SocketAddress::v4({192, 0, 2, 8}, 5000);
  EXPECT_EQ(issuer.worth(kStart, token, other), TokenWorth::InvalidRetry) << "address";
  other = kContext;
  other.destinationId = kOriginal;
  EXPECT_EQ(issuer.worth(kStart, token, other), TokenWorth::InvalidRetry) << "R05: destination";
  other = kContext;
  other.sourceId = kOriginal;
  EXPECT_EQ(issuer.worth(kStart, token, other), TokenWorth::InvalidRetry) << "source";
  other = kContext;
  other.version = 0x6b3343cf;
  EXPECT_EQ(issuer.worth(kStart, token, other), TokenWorth::InvalidRetry) << "version";
}

// covers RFC 9000 §8.1.3, §8.1.4
TEST(AddressTokens, ANewTokenIsBoundToTheAddressAloneAndTheVersion) {
  Issuer issuer;
  const ByteVector token = issuer.tokens.makeNew(kStart, kQuicVersion1, kPeer);
  TokenContext other{kQuicVersion1, kPeer.withPort(9), kOriginal, kOriginal};
  EXPECT_EQ(issuer.worth(kStart + 24h, token, other), TokenWorth::Validated);
  other.version = 0x6b3343cf;
  EXPECT_EQ(issuer.worth(kStart, token, other), TokenWorth::None);
  other = {kQuicVersion1, SocketAddress::v4({192, 0, 2, 8}, 5000), kOriginal, kOriginal};
  EXPECT_EQ(issuer.worth(kStart, token, other), TokenWorth::None);
}

TEST(AddressTokens, BothKindsExpire) {
  AddressTokenSettings settings;
  settings.retryLifetime = 10s;
  settings.newTokenLifetime = 48h;
  Issuer issuer(settings);
  const ByteVector retry = issuer.tokens.makeRetry(kStart, kContext, kOriginal);
  EXPECT_EQ(issuer.worth(kStart + 10s, retry), TokenWorth::Retried);
  EXPECT_EQ(issuer.worth(kStart + 10s + Duration(1), retry), TokenWorth::InvalidRetry);
  const ByteVector fresh = issuer.tokens.makeNew(kStart, kQuicVersion1, kPeer);
  EXPECT_EQ(issuer.worth(kStart + 48h, fresh), TokenWorth::Validated);
  EXPECT_EQ(issuer.worth(kStart + 48h + Duration(1), fresh), TokenWorth::None);
}

TEST(AddressTokens, ATokenOfTheFutureIsNotBelieved) {
  Issuer issuer;
  const ByteVector token = issuer.tokens.makeRetry(kStart + 1h, kContext, kOriginal);
  EXPECT_EQ(issuer.worth(kStart, token), TokenWorth::InvalidRetry);
  EXPECT_EQ(issuer.worth(kStart + 1h - 5s, token), TokenWorth::Retried) << "clocks differ a little";
}

// T-37 (CVE-2026-26081). covers RFC 9000 §8.1.4: integrity
TEST(AddressTokens, NoChangedCutOrMadeUpTokenIsWorthAnything) {
  Issuer issuer;
  Seeded random(3);
  for (const ByteVector& good :
       {issuer.tokens.makeRetry(kStart, kContext, kOriginal), issuer.tokens.makeNew(kStart, kQuicVersion1, kPeer)}) {
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      ByteVector token = good;
      token[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      const TokenWorth worth = issuer.worth(kStart, token);
      EXPECT_TRUE(worth == TokenWorth::None || worth == TokenWorth::InvalidRetry) << bit;
    }
    for (size_t size = 0; size < good.size() + 40; ++size) {
      ByteVector token = good;
      token.resize(size);
      if (size == good.size()) continue;
      const TokenWorth worth = issuer.worth(kStart, token);
      EXPECT_TRUE(worth == TokenWorth::None || worth == TokenWorth::InvalidRetry) << size;
    }
  }
  for (int i = 0; i < 2000; ++i) {
    ByteVector token = randomBytes(random, below(random, 200));
    if (!token.empty()) token[0] %= 4;
    const TokenWorth worth = issuer.worth(kStart, token);
    EXPECT_TRUE(worth == TokenWorth::None || worth == TokenWorth::InvalidRetry);
  }
}

// covers RFC 9000 §8.1.1: the two kinds are told apart, and neither passes for the other
TEST(AddressTokens, OneKindCannotBeTurnedIntoTheOther) {
  Issuer issuer;
  ByteVector retry = issuer.tokens.makeRetry(kStart, kContext, kOriginal);
  ByteVector fresh = issuer.tokens.makeNew(kStart, kQuicVersion1, kPeer);
  std::swap(retry[0], fresh[0]);
  EXPECT_EQ(issuer.worth(kStart, retry), TokenWorth::None);
  EXPECT_EQ(issuer.worth(kStart, fresh), TokenWorth::InvalidRetry);
}

// B10. covers RFC 9000 §8.1.3: unique, and nothing in them can be linked to the connection
TEST(AddressTokens, EveryTokenDiffersAndShowsNothingOfItsClient) {
  Issuer issuer;
  std::set<ByteVector> seen;
  for (int i = 0; i < 200; ++i) seen.insert(issuer.tokens.makeNew(kStart, kQuicVersion1, kPeer));
  EXPECT_EQ(seen.size(), 200u);
  for (size_t at = 2; at < seen.begin()->size(); ++at) {
    std::set<uint8_t> values;
    for (const ByteVector& token : seen) values.insert(token[at]);
    EXPECT_GT(values.size(), 64u) << "byte " << at << " is the same in many tokens of one client";
  }
}

// covers RFC 9000 §8.1.4
TEST(AddressTokens, ANewTokenIsUsedUpByOneConnection) {
  Issuer issuer;
  const ByteVector token = issuer.tokens.makeNew(kStart, kQuicVersion1, kPeer);
  EXPECT_EQ(issuer.worth(kStart, token), TokenWorth::Validated);
  EXPECT_EQ(issuer.worth(kStart, token), TokenWorth::Validated) << "a look is no use";
  issuer.tokens.onUsed(kStart, token);
  EXPECT_EQ(issuer.worth(kStart, token), TokenWorth::None);
}

// ---------------------------------------------------------------- keys
TEST(AddressTokens, ProcessesThatShareAKeyAcceptEachOthersTokens) {
  AddressTokenSettings settings;
  settings.keys = {keyOf(1)};
  Issuer first(settings, 1);
  Issuer second(settings, 2);
  EXPECT_EQ(second.worth(kStart, first.tokens.makeRetry(kStart, kContext, kOriginal)), TokenWorth::Retried);
  EXPECT_EQ(second.worth(kStart, first.tokens.makeNew(kStart, kQuicVersion1, kPeer)), TokenWorth::Validated);
  settings.keys = {keyOf(2)};
  Issuer stranger(settings, 3);
  EXPECT_EQ(stranger.worth(kStart, first.tokens.makeRetry(kStart, kContext, kOriginal)), TokenWorth::InvalidRetry);
  EXPECT_EQ(stranger.worth(kStart, first.tokens.makeNew(kStart, kQuicVersion1, kPeer)), TokenWorth::None);
}

TEST(AddressTokens, ProcessesWithClocksOfTheirOwnAgreeByUnixTime) {
  AddressTokenSettings settings;
  settings.keys = {keyOf(1)};
  settings.unixOffset = 500000h;
  Issuer first(settings, 1);
  settings.unixOffset = 499000h;  // booted 1,000 hours later
  Issuer second(settings, 2);
  const ByteVector token = first.tokens.makeRetry(kStart, kContext, kOriginal);
  EXPECT_EQ(second.worth(kStart + 1000h + 1s, token), TokenWorth::Retried);
  EXPECT_EQ(second.worth(kStart + 1000h + 11s, token), TokenWorth::InvalidRetry);
}

TEST(AddressTokens, TheFirstKeySealsAndAllOfThemOpen) {
  AddressTokenSettings settings;
  settings.keys = {keyOf(1)};
  Issuer issuer(settings);
  const ByteVector old = issuer.tokens.makeNew(kStart, kQuicVersion1, kPeer);
  issuer.tokens.setKeys({keyOf(2), keyOf(1)});
  const ByteVector fresh = issuer.tokens.makeNew(kStart, kQuicVersion1, kPeer);
  EXPECT_EQ(issuer.worth(kStart, old), TokenWorth::Validated);
  EXPECT_EQ(issuer.worth(kStart, fresh), TokenWorth::Validated);
  issuer.tokens.setKeys({keyOf(2)});
  EXPECT_EQ(issuer.worth(kStart, old), TokenWorth::None);
  EXPECT_EQ(issuer.worth(kStart, fresh), TokenWorth::Validated);
}

TEST(AddressTokens, KeysOfOurOwnDifferFromServerToServer) {
  Issuer first({}, 1);
  Issuer second({}, 2);
  EXPECT_EQ(second.worth(kStart, first.tokens.makeNew(kStart, kQuicVersion1, kPeer)), TokenWorth::None);
}

TEST(AddressTokens, WorkersOfOneSeedAgreeThroughEveryRotation) {
  AddressTokenSettings settings;
  settings.seed = keyOf(7);
  settings.seededAt = kStart;
  settings.newTokenLifetime = 24h;
  Issuer busy(settings, 1);
  Issuer idle(settings, 2);
  for (TimePoint now = kStart; now < kStart + 240h; now += 7h) {
    const ByteVector token = busy.tokens.makeNew(now, kQuicVersion1, kPeer);
    EXPECT_EQ(busy.worth(now + 24h, token), TokenWorth::Validated);
  }
  const TimePoint late = kStart + 300h;
  EXPECT_EQ(idle.worth(late, busy.tokens.makeNew(late, kQuicVersion1, kPeer)), TokenWorth::Validated);
  EXPECT_EQ(busy.worth(late, idle.tokens.makeNew(late, kQuicVersion1, kPeer)), TokenWorth::Validated);
}

TEST(AddressTokenKeys, AKeyOfOurOwnIsGoneAfterTwoPeriods) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  AddressTokenSettings settings;
  settings.seed = keyOf(7);
  settings.seededAt = kStart;
  settings.newTokenLifetime = 24h;
  AddressTokenKeys keys(*crypto, random, settings);
  EXPECT_EQ(keys.at(kStart).front().bytes, keyOf(7));
  ASSERT_EQ(keys.at(kStart + 25h).size(), 2u);
  EXPECT_NE(keys.at(kStart + 25h).front().bytes, keyOf(7));
  EXPECT_EQ(keys.at(kStart + 25h).back().bytes, keyOf(7));
  for (const auto& key : keys.at(kStart + 49h)) EXPECT_NE(key.bytes, keyOf(7));
  EXPECT_LE(keys.at(kStart + 24h * 365).size(), 2u);
}

TEST(AddressTokenKeys, NoMoreKeysAreTriedThanTheBound) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  AddressTokenSettings settings;
  settings.keys = std::vector<AddressTokenKey>(100, keyOf(1));
  AddressTokenKeys keys(*crypto, random, settings);
  EXPECT_EQ(keys.at(kStart).size(), kMaxTokenKeys);
}

// ---------------------------------------------------------------- replay
TEST(TokenReplayGuard, NeverAcceptsATokenTwiceHoweverManyAreUsed) {
  constexpr size_t kLimit = 8;
  TokenReplayGuard guard;
  struct Used {
    uint64_t mark;
    Duration issuedAt;
  };
  std::vector<Used> used;
  for (uint64_t i = 0; i < 500; ++i) {
    const Duration now = std::chrono::seconds(i);
    const Duration issuedAt = now - std::chrono::seconds(i % 3);
    if (guard.mayUse(i, issuedAt)) {
      guard.onUsed(i, now, kLimit);
      used.push_back({i, issuedAt});
    }
    ASSERT_LE(guard.size(), 2 * kLimit);
    for (const Used& token : used) ASSERT_FALSE(guard.mayUse(token.mark, token.issuedAt)) << token.mark;
  }
  EXPECT_GT(used.size(), 450u) << "tokens that are used soon are not refused for others";
}

}  // namespace
}  // namespace quic::test
