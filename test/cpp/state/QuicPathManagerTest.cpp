// QuicPathManager alone: paths, validation beside the active one, bounds. It sends nothing, so a test plays the sender.
#include "quic/state/QuicPathManager.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "cpp/support/TestBytes.h"

namespace quic::test {
namespace {

constexpr TimePoint kStart{1h};

class SeededFill final : public Random {
 public:
  void fill(MutableByteSpan out) override {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine_());
  }

 private:
  Seeded engine_{1};
};

SocketAddress v4(uint8_t last, uint16_t port) { return SocketAddress::v4({10, 0, 0, last}, port); }
FourTuple to(uint8_t last) { return {v4(1, 5000), v4(last, 4433)}; }

struct Fixture {
  QuicPathManager paths{PathSettings{}, to(2), true};
  SeededFill random;

  Path& add(uint8_t last, TimePoint heard = kStart) {
    std::optional<EvictedPath> evicted;
    Path& path = paths.add(heard, to(last), &evicted);
    path.lastReceivedAt = heard;
    return path;
  }
};

TEST(QuicPathManager, TheFirstPathIsActive) {
  Fixture f;
  EXPECT_EQ(f.paths.active().tuple, to(2));
  EXPECT_TRUE(f.paths.active().isValidated);
  EXPECT_EQ(f.paths.find(to(2)), &f.paths.active());
  EXPECT_EQ(f.paths.find(to(3)), nullptr);
  EXPECT_EQ(f.paths.findPeer(v4(2, 4433)), &f.paths.active());
  EXPECT_EQ(f.paths.remove(f.paths.active().id), std::nullopt) << "the active one stays";
}

TEST(QuicPathManager, AnUnspecifiedLocalAddressMatchesAnyOnEitherSide) {
  Fixture f;
  const SocketAddress any = SocketAddress::v4({0, 0, 0, 0}, 5000);
  EXPECT_NE(f.paths.find(FourTuple{any, v4(2, 4433)}), nullptr);
  EXPECT_EQ(f.paths.find(FourTuple{any.withPort(5001), v4(2, 4433)}), nullptr);
  EXPECT_NE(f.paths.find(FourTuple{any.withPort(0), v4(2, 4433)}), nullptr);
  f.paths.active().tuple.local = any.withPort(0);
  EXPECT_NE(f.paths.find(to(2)), nullptr);
  EXPECT_EQ(f.paths.find(to(3)), nullptr);
}

TEST(QuicPathManager, NamesOfPathsAreNeverUsedTwice) {
  Fixture f;
  std::set<uint32_t> seen = {f.paths.active().id.value};
  for (int i = 0; i < 20; ++i) {
    const PathId id = f.add(3).id;
    EXPECT_TRUE(seen.insert(id.value).second);
    f.paths.remove(id);
  }
}

TEST(QuicPathManager, KeepsABoundedNumberOfPathsAndAlwaysTheActiveOne) {
  Fixture f;
  const PathId active = f.paths.active().id;
  f.paths.active().lastReceivedAt = kStart - 1h;
  for (uint8_t last = 3; last < 100; ++last) {
    f.add(last, kStart + std::chrono::seconds(last));
    size_t count = 0;
    f.paths.forEach([&](const Path&) { ++count; });
    ASSERT_LE(count, kMaxPaths);
    ASSERT_NE(f.paths.find(active), nullptr);
  }
}

/// Whoever sends valid packets from made-up addresses (RFC 9000 §9.3.3) must not take away the path to go back to.
TEST(QuicPathManager, MadeUpAddressesDoNotEvictAValidatedPath) {
  Fixture f;
  const PathId validated = f.paths.active().id;
  f.paths.active().lastReceivedAt = kStart;
  for (uint8_t last = 3; last < 100; ++last) {
    Path& path = f.add(last, kStart + std::chrono::seconds(last));
    f.paths.setActive(path.id);
  }
  ASSERT_NE(f.paths.find(validated), nullptr);
  EXPECT_EQ(f.paths.lastValidatedExcept(f.paths.active().id), f.paths.find(validated));
}

TEST(QuicPathManager, AmongEqualsTheOneUnheardForLongestGoes) {
  Fixture f;
  const PathId second = f.add(3, kStart + 2s).id;
  const PathId third = f.add(4, kStart + 1s).id;
  const PathId fourth = f.add(5, kStart + 3s).id;
  f.paths.find(third)->destination.sequence = 42;
  std::optional<EvictedPath> evicted;
  f.paths.add(kStart, to(6), &evicted);
  ASSERT_TRUE(evicted.has_value());
  EXPECT_EQ(evicted->id, third);
  EXPECT_EQ(evicted->destination->sequence, 42u);
  EXPECT_EQ(f.paths.find(third), nullptr);
  EXPECT_NE(f.paths.find(second), nullptr);
  EXPECT_NE(f.paths.find(fourth), nullptr);
}

TEST(QuicPathManager, KnowsWhetherADestinationIdIsStillSentTo) {
  Fixture f;
  f.paths.active().destination.sequence = 1;
  Path& other = f.add(3);
  other.destination.sequence = 2;
  EXPECT_TRUE(f.paths.isDestinationInUse(1));
  EXPECT_TRUE(f.paths.isDestinationInUse(2));
  f.paths.remove(other.id);
  EXPECT_FALSE(f.paths.isDestinationInUse(2));
}

TEST(QuicPathManager, GoesBackToTheValidatedPathHeardFromLast) {
  Fixture f;
  f.paths.active().lastReceivedAt = kStart;
  Path& a = f.add(3, kStart + 2s);
  Path& b = f.add(4, kStart + 3s);
  a.isValidated = true;
  EXPECT_EQ(f.paths.lastValidatedExcept(f.paths.active().id), &a);
  b.isValidated = true;
  EXPECT_EQ(f.paths.lastValidatedExcept(f.paths.active().id), &b);
  EXPECT_EQ(f.paths.lastValidatedExcept(b.id), &a);
  f.paths.remove(a.id);
  f.paths.remove(b.id);
  EXPECT_EQ(f.paths.lastValidatedExcept(f.paths.active().id), nullptr);
}

// ---- validation
// covers RFC 9000 §8.2.1: each attempt has data of its own
TEST(QuicPathManager, EachAttemptHasFreshDataAndTheGapsDoubleUpToTheMaximum) {
  Fixture f;
  Path& path = f.add(3);
  f.paths.beginValidation(kStart, path.id, {50ms, 200ms, kStart + 3s});
  std::set<PathData> seen;
  TimePoint now = kStart;
  const Duration gaps[] = {50ms, 100ms, 200ms, 200ms, 200ms};
  for (const Duration gap : gaps) {
    EXPECT_TRUE(QuicPathManager::isChallengeDue(path, now));
    EXPECT_EQ(f.paths.nextWithPathFrames(now, false), &path);
    EXPECT_TRUE(seen.insert(f.paths.makeChallenge(now, path, f.random, 1200)).second);
    EXPECT_FALSE(QuicPathManager::isChallengeDue(path, now));
    EXPECT_EQ(f.paths.nextTimeout(now), now + gap);
    now += gap;
  }
}

// covers RFC 9000 §8.2.3
TEST(QuicPathManager, TheRightAnswerValidatesAndGivesTheFirstEstimate) {
  Fixture f;
  Path& path = f.add(3);
  f.paths.beginValidation(kStart, path.id, {50ms, 200ms, kStart + 3s});
  const PathData data = f.paths.makeChallenge(kStart, path, f.random, 1200);
  PathData wrong = data;
  wrong[7] ^= 1;
  EXPECT_EQ(f.paths.onResponse(kStart + 30ms, wrong), nullptr);
  EXPECT_FALSE(path.isValidated);
  EXPECT_EQ(f.paths.onResponse(kStart + 30ms, data), &path);
  EXPECT_TRUE(path.isValidated);
  EXPECT_EQ(path.rtt.smoothed(), 30ms);
  EXPECT_FALSE(path.validation.has_value());
  EXPECT_EQ(f.paths.onResponse(kStart + 31ms, data), nullptr) << "nobody asks any more";
}

// covers RFC 9000 §8.2.1
TEST(QuicPathManager, AnAnswerToASmallDatagramValidatesTheAddressAndAsksOnceMoreInAFullOne) {
  Fixture f;
  Path& path = f.add(3);
  f.paths.beginValidation(kStart, path.id, {50ms, 200ms, kStart + 3s});
  const PathData small = f.paths.makeChallenge(kStart, path, f.random, 105);
  EXPECT_EQ(f.paths.onResponse(kStart + 30ms, small), &path);
  EXPECT_TRUE(path.isValidated);
  EXPECT_TRUE(QuicPathManager::isChallengeDue(path, kStart + 30ms));
  EXPECT_EQ(f.paths.onResponse(kStart + 31ms, small), nullptr);
  const PathData full = f.paths.makeChallenge(kStart + 31ms, path, f.random, 1200);
  EXPECT_EQ(f.paths.onResponse(kStart + 60ms, full), &path);
  EXPECT_FALSE(path.validation.has_value());
}

// covers RFC 9000 §8.2.3, §8.2.4
TEST(QuicPathManager, SaysWhenOnlySmallChallengesWereAnswered) {
  Fixture f;
  Path& path = f.add(3);
  f.paths.beginValidation(kStart, path.id, {1s, Duration::max(), kStart + 3s});
  const PathData small = f.paths.makeChallenge(kStart, path, f.random, 105);
  ASSERT_EQ(f.paths.onResponse(kStart + 30ms, small), &path);
  f.paths.makeChallenge(kStart + 30ms, path, f.random, 1200);
  EXPECT_LT(*f.paths.nextTimeout(kStart + 30ms), kStart + 500ms) << "there is an estimate now";
  EXPECT_TRUE(f.paths.expire(kStart + 3s).empty()) << "the full one has its own time";
  const auto failed = f.paths.expire(kStart + 3s + 30ms);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_TRUE(failed[0].isAddressProved);
}

TEST(QuicPathManager, ALateAnswerToOneOfTheLastAttemptsCounts) {
  for (size_t age = 0; age < 5; ++age) {
    Fixture f;
    Path& path = f.add(3);
    f.paths.beginValidation(kStart, path.id, {50ms, 200ms, kStart + 3s});
    std::vector<PathData> sent;
    for (int i = 0; i < 5; ++i) sent.push_back(f.paths.makeChallenge(kStart + i * 200ms, path, f.random, 1200));
    const bool counts = f.paths.onResponse(kStart + 1s, sent[4 - age]) != nullptr;
    EXPECT_EQ(counts, age < kMaxPathChallengesQueued) << age;
  }
}

// covers RFC 9000 §8.2.4
TEST(QuicPathManager, GivesUpAtTheDeadlineAndSaysSoOnce) {
  Fixture f;
  Path& path = f.add(3);
  f.paths.beginValidation(kStart, path.id, {50ms, 200ms, kStart + 100ms});
  EXPECT_TRUE(f.paths.expire(kStart + 99ms).empty());
  const auto failed = f.paths.expire(kStart + 100ms);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].path, path.id);
  EXPECT_FALSE(failed[0].isAddressProved);
  EXPECT_TRUE(f.paths.expire(kStart + 100ms).empty());
  EXPECT_EQ(f.paths.nextTimeout(kStart + 100ms), std::nullopt);
}

TEST(QuicPathManager, BeginningTwiceDoesNotProlongIt) {
  Fixture f;
  Path& path = f.add(3);
  f.paths.beginValidation(kStart, path.id, {50ms, 200ms, kStart + 1s});
  f.paths.makeChallenge(kStart, path, f.random, 1200);
  f.paths.beginValidation(kStart + 500ms, path.id, {50ms, 200ms, kStart + 9s});
  EXPECT_EQ(f.paths.expire(kStart + 1s).size(), 1u);
  f.paths.beginValidation(kStart, PathId{77}, {50ms, 200ms, kStart + 1s});
  EXPECT_EQ(f.paths.nextTimeout(kStart), std::nullopt);
}

// covers RFC 9000 §8.1; what cannot leave waits for the peer's bytes, or a timer would spin
TEST(QuicPathManager, AnAttemptThatMayNotLeaveIsNoReasonToWakeUp) {
  Fixture f;
  Path& path = f.add(3);
  f.paths.beginValidation(kStart, path.id, {50ms, 200ms, kStart + 3s});
  EXPECT_EQ(f.paths.nextWithPathFrames(kStart, true), nullptr);
  EXPECT_EQ(f.paths.nextTimeout(kStart), kStart + 3s);
  path.bytesReceived = 40;
  EXPECT_EQ(f.paths.nextWithPathFrames(kStart, true), &path);
}

TEST(QuicPathManager, APathThatMayNotSendDoesNotHoldUpAnother) {
  Fixture f;
  Path& held = f.add(3);
  Path& free = f.add(4);
  f.paths.beginValidation(kStart, held.id, {50ms, 200ms, kStart + 3s});
  f.paths.beginValidation(kStart, free.id, {50ms, 200ms, kStart + 3s});
  free.bytesReceived = 1200;
  EXPECT_EQ(f.paths.nextWithPathFrames(kStart, true), &free);
}

// covers RFC 9000 §9.3, §9.4
TEST(QuicPathManager, AReturnSoonAfterFindsWhatWasKnownOfThePath) {
  struct Row {
    Duration away;
    bool isValidated;
    bool isKnown;
  };
  for (const Row& row : {Row{1s, true, true}, Row{QuicPathManager::kMemory, true, true},
                         Row{QuicPathManager::kMemory + 1s, true, false}, Row{1s, false, false}}) {
    Fixture f;
    Path& path = f.add(3);
    path.isValidated = row.isValidated;
    path.rtt.onSample(42ms, 0ms, 25ms, kStart);
    path.mtu.onConnected(1472);
    const auto fresh = path.controller->congestionWindow();
    path.controller->onPacketSent(kStart, 1200);
    path.controller->onAck({.now = kStart, .ackedBytes = 1200, .largestAckedSentAt = kStart}, path.rtt);
    f.paths.remove(path.id);
    Path& back = f.add(3, kStart + row.away);
    EXPECT_EQ(back.rtt.smoothed() == 42ms, row.isKnown);
    EXPECT_EQ(back.controller->congestionWindow() > fresh, row.isKnown);
    EXPECT_EQ(back.mtu.state() == PathMtu::State::Searching, row.isKnown);
    EXPECT_FALSE(back.isValidated) << "who is there now has to show it";
    EXPECT_FALSE(f.add(4).rtt.hasSample());
  }
}

TEST(QuicPathManager, APathWithPacketsInFlightIsNotRemembered) {
  Fixture f;
  Path& path = f.add(3);
  path.isValidated = true;
  path.rtt.onSample(42ms, 0ms, 25ms, kStart);
  path.controller->onPacketSent(kStart, 1200);
  f.paths.remove(path.id);
  EXPECT_FALSE(f.add(3).rtt.hasSample());
}

TEST(QuicPathManager, PathsTakeTurns) {
  Fixture f;
  Path& busy = f.paths.active();
  Path& quiet = f.add(3);
  Path& third = f.add(4);
  std::map<uint32_t, int> served;
  for (int i = 0; i < 90; ++i) {
    for (Path* path : {&busy, &quiet, &third}) f.paths.onChallenge(*path, PathData{static_cast<uint8_t>(i)});
    Path* next = f.paths.nextWithPathFrames(kStart, false);
    ASSERT_NE(next, nullptr);
    next->responses.clear();
    ++served[next->id.value];
  }
  for (const Path* path : {&busy, &quiet, &third}) EXPECT_EQ(served[path->id.value], 30);
}

TEST(QuicPathManager, APathWithoutAnIdSendsNothingAndHasNoneToRetire) {
  Fixture f;
  Path& path = f.add(3);
  path.isWaitingForId = true;
  f.paths.beginValidation(kStart, path.id, {50ms, 200ms, kStart + 3s});
  f.paths.onChallenge(path, PathData{1});
  EXPECT_EQ(f.paths.nextWithPathFrames(kStart, false), nullptr);
  EXPECT_EQ(f.paths.nextTimeout(kStart), kStart + 3s);
  EXPECT_FALSE(f.paths.remove(path.id));
}

TEST(QuicPathManager, AnExpeditedValidationIsDueNowButOnce) {
  Fixture f;
  Path& path = f.add(3);
  f.paths.beginValidation(kStart, path.id, {200ms, 200ms, kStart + 3s});
  f.paths.makeChallenge(kStart, path, f.random, 1200);
  f.paths.expediteValidation(kStart + 10ms, path.id);
  EXPECT_TRUE(QuicPathManager::isChallengeDue(path, kStart + 10ms));
  f.paths.makeChallenge(kStart + 10ms, path, f.random, 1200);
  f.paths.expediteValidation(kStart + 20ms, path.id);
  EXPECT_FALSE(QuicPathManager::isChallengeDue(path, kStart + 20ms));
}

// T-01 of the project's security cases. covers RFC 9000 §8.2.2
TEST(QuicPathManager, ChallengesBeyondTheBoundPushOutTheOldest) {
  Fixture f;
  Path& path = f.paths.active();
  for (uint8_t i = 0; i < 100; ++i) f.paths.onChallenge(path, PathData{i});
  ASSERT_EQ(path.responses.size(), kMaxPathChallengesQueued);
  EXPECT_EQ(path.responses[0], PathData{97});
  EXPECT_EQ(path.responses[2], PathData{99});
}

// T-01. covers RFC 9000 §8.2.2: congestion control may hold a response back
TEST(QuicPathManager, ResponsesStopWhenTheWindowIsFullAndNothingIsAcknowledged) {
  Fixture f;
  Path& path = f.paths.active();
  uint64_t answered = 0;
  for (uint8_t i = 0; i < 100; ++i) {
    f.paths.onChallenge(path, PathData{i});
    if (f.paths.nextWithPathFrames(kStart, false) == nullptr) continue;
    while (!path.responses.empty()) QuicPathManager::onResponseWritten(path);
    path.controller->onPacketSent(kStart, kMinUdpPayloadSize);
    ++answered;
  }
  EXPECT_GE(answered, kInitialWindowPackets);
  EXPECT_LE(answered, kInitialWindowPackets + kMaxPathChallengesQueued + 1);
}

TEST(QuicPathManager, AWindowThatOthersFilledHoldsBackAFewResponsesOnly) {
  Fixture f;
  Path& path = f.paths.active();
  path.controller->onPacketSent(kStart, 1 << 20);
  for (size_t i = 0; i < kMaxPathChallengesQueued; ++i) {
    f.paths.onChallenge(path, PathData{1});
    ASSERT_EQ(f.paths.nextWithPathFrames(kStart, false), &path);
    QuicPathManager::onResponseWritten(path);
  }
  f.paths.onChallenge(path, PathData{2});
  EXPECT_EQ(f.paths.nextWithPathFrames(kStart, false), nullptr);
  f.paths.onResponseSettled(path.id);
  EXPECT_EQ(f.paths.nextWithPathFrames(kStart, false), &path);
}

TEST(QuicPathManager, AFrozenClockDoesNotFailAValidation) {
  Fixture f;
  Path& path = f.add(3);
  f.paths.beginValidation(kStart, path.id, {50ms, 200ms, kStart + 1s});
  const PathData data = f.paths.makeChallenge(kStart, path, f.random, 1200);
  f.paths.onResumed(10s);
  EXPECT_TRUE(f.paths.expire(kStart + 10s + 999ms).empty());
  EXPECT_EQ(f.paths.onResponse(kStart + 10s + 20ms, data), &path);
  EXPECT_EQ(path.rtt.smoothed(), 20ms);
}

// covers RFC 9000 §8.1
TEST(Path, MaySendThreeTimesWhatItReceivedUntilValidated) {
  Path path;
  EXPECT_EQ(path.amplificationAllowance(), 0u);
  path.bytesReceived = 1200;
  EXPECT_EQ(path.amplificationAllowance(), 3600u);
  path.bytesSent = 3599;
  EXPECT_EQ(path.amplificationAllowance(), 1u);
  path.bytesSent = 5000;
  EXPECT_EQ(path.amplificationAllowance(), 0u);
  path.isValidated = true;
  EXPECT_EQ(path.amplificationAllowance(), UINT64_MAX);
}

/// Adding, removing, switching, hearing at random: there is an active path, ids stay unique, the bound holds.
TEST(QuicPathManager, HoldsItsInvariantsUnderAnyOperations) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Seeded random(seed);
    Fixture f;
    for (int step = 0; step < 300; ++step) {
      std::vector<PathId> ids;
      f.paths.forEach([&](const Path& path) { ids.push_back(path.id); });
      ASSERT_FALSE(ids.empty());
      ASSERT_LE(ids.size(), kMaxPaths);
      ASSERT_NE(f.paths.find(f.paths.active().id), nullptr);
      const PathId some = ids[below(random, ids.size())];
      const TimePoint now = kStart + std::chrono::milliseconds(step);
      switch (below(random, 6)) {
        case 0: f.add(static_cast<uint8_t>(3 + below(random, 200)), now); break;
        case 1: f.paths.remove(some); break;
        case 2: f.paths.setActive(some); break;
        case 3: f.paths.beginValidation(now, some, {10ms, 200ms, now + 50ms}); break;
        case 4: f.paths.find(some)->isValidated = true; break;
        default: f.paths.expire(now);
      }
      const auto next = f.paths.nextTimeout(now);
      EXPECT_TRUE(!next || *next > now || !f.paths.expire(now).empty());
    }
  }
}

}  // namespace
}  // namespace quic::test
