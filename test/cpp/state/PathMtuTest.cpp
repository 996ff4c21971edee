// PathMtu alone: a test plays the path, which carries datagrams up to a size, and the sender's loss detection.
#include "quic/state/PathMtu.h"

#include <gtest/gtest.h>

#include <vector>

#include "cpp/support/TestBytes.h"

namespace quic::test {
namespace {

constexpr TimePoint kStart{1h};
constexpr size_t kPlenty = 1 << 20;

/// A path that carries up to `carries` bytes, and loses anything with some chance.
struct PlayedPath {
  PathMtu mtu;
  size_t carries = 1472;
  double loss = 0;
  Seeded random{1};
  TimePoint now = kStart;
  PacketNum next = 0;
  std::vector<size_t> probes;

  bool arrives(size_t size) { return size <= carries && static_cast<double>(below(random, 1000)) / 1000 >= loss; }
  void settle(PacketNum number, size_t size) {
    if (arrives(size)) {
      mtu.onAcked(now, number, size);
    } else {
      mtu.onLost(now, number, size);
    }
  }
  /// One full datagram, and a probe if there is one.
  void round(size_t room = kPlenty) {
    now += 10ms;
    mtu.onFullDatagramSent();
    if (const auto size = mtu.probeDue(now, room)) {
      const PacketNum number = next++;
      mtu.onProbeSent(number, *size);
      probes.push_back(*size);
      settle(number, *size);
    }
    settle(next++, mtu.size());
  }
  void rounds(int count) {
    for (int i = 0; i < count; ++i) round();
  }
};

PlayedPath connected(size_t carries, size_t most = 1472) {
  PlayedPath path;
  path.carries = carries;
  path.mtu.onConnected(most);
  return path;
}

// covers RFC 9000 §14.3: the base is the smallest size allowed
TEST(PathMtu, BeginsWithTheBaseAndProbesNothingBeforeItIsConnected) {
  PathMtu mtu;
  mtu.onFullDatagramSent();
  EXPECT_EQ(mtu.size(), 1200u);
  EXPECT_EQ(mtu.state(), PathMtu::State::Disabled);
  EXPECT_EQ(mtu.probeDue(kStart, kPlenty), std::nullopt);
  mtu.onLost(kStart, 0, 1200);
  mtu.onAcked(kStart, 1, 1200);
  EXPECT_EQ(mtu.state(), PathMtu::State::Disabled);
}

TEST(PathMtu, SwitchedOffItKeepsItsSize) {
  PathMtu mtu({.isEnabled = false, .start = 1350});
  mtu.onConnected(9000);
  mtu.onFullDatagramSent();
  EXPECT_EQ(mtu.probeDue(kStart, kPlenty), std::nullopt);
  for (PacketNum number = 0; number < 20; ++number) mtu.onLost(kStart, number, 1350);
  EXPECT_EQ(mtu.size(), 1350u);
}

TEST(PathMtu, APathThatCarriesTheLargestIsKnownAfterOneProbe) {
  PlayedPath path = connected(1472);
  path.rounds(5);
  EXPECT_EQ(path.probes, std::vector<size_t>{1472});
  EXPECT_EQ(path.mtu.size(), 1472u);
  EXPECT_EQ(path.mtu.state(), PathMtu::State::SearchComplete);
}

// covers RFC 9000 §14.2: only a probe is larger than the maximum datagram size
TEST(PathMtu, ASizeIsUsedOnlyOnceItWasAcknowledged) {
  PathMtu mtu;
  mtu.onConnected(1472);
  mtu.onFullDatagramSent();
  ASSERT_EQ(mtu.probeDue(kStart, kPlenty), 1472u);
  mtu.onProbeSent(7, 1472);
  EXPECT_EQ(mtu.size(), 1200u);
  EXPECT_EQ(mtu.probeDue(kStart, kPlenty), std::nullopt) << "one at a time";
  mtu.onAcked(kStart, 6, 1200);
  EXPECT_EQ(mtu.size(), 1200u);
  EXPECT_TRUE(mtu.isProbe(7));
  mtu.onAcked(kStart, 7, 1472);
  EXPECT_EQ(mtu.size(), 1472u);
  EXPECT_FALSE(mtu.isProbe(7));
}

TEST(PathMtu, ProbesOnlyWhenALargerDatagramWouldBeOfUse) {
  PathMtu mtu;
  mtu.onConnected(1472);
  EXPECT_EQ(mtu.probeDue(kStart, kPlenty), std::nullopt);
  mtu.onFullDatagramSent();
  EXPECT_EQ(mtu.probeDue(kStart, kPlenty), 1472u);
}

// covers RFC 8899 §5.1.2: a size is given up after MAX_PROBES
TEST(PathMtu, AnIsolatedLossDoesNotEndTheSearch) {
  for (uint32_t lost = 0; lost <= PathMtu::kMaxProbes; ++lost) {
    PathMtu mtu;
    mtu.onConnected(1472);
    uint32_t probesOfMost = 0;
    for (PacketNum number = 0; number < 50; ++number) {
      mtu.onFullDatagramSent();
      const auto size = mtu.probeDue(kStart, kPlenty);
      if (!size) break;
      mtu.onProbeSent(number, *size);
      if (*size == 1472 && probesOfMost++ < lost) {
        mtu.onLost(kStart, number, *size);
      } else {
        mtu.onAcked(kStart, number, *size);
      }
    }
    EXPECT_EQ(mtu.size() == 1472u, lost < PathMtu::kMaxProbes) << lost;
    EXPECT_EQ(mtu.state(), PathMtu::State::SearchComplete);
  }
}

TEST(PathMtu, FindsEverySizeNearlyAndNeverMore) {
  for (const size_t most : {1200u, 1210u, 1452u, 1472u, 8972u, 65507u}) {
    for (size_t carries = 1200; carries <= most; carries += carries < 1500 ? 1 : 997) {
      PlayedPath path = connected(carries, most);
      path.rounds(200);
      ASSERT_EQ(path.mtu.state(), PathMtu::State::SearchComplete) << carries << " of " << most;
      ASSERT_LE(path.mtu.size(), carries) << most;
      const size_t gain = std::max<size_t>(16, path.mtu.size() / 64);
      ASSERT_GE(path.mtu.size() + gain, carries) << most;
      ASSERT_LE(path.probes.size(), most > 1500 ? 60u : 30u) << carries << " of " << most;
    }
  }
}

TEST(PathMtu, ASearchThatIsCompleteSaysSoAtOnceWhenThereIsNothingToGain) {
  PlayedPath path = connected(1472, 1200);
  path.rounds(10);
  EXPECT_TRUE(path.probes.empty());
  EXPECT_EQ(path.mtu.size(), 1200u);
}

TEST(PathMtu, AWindowThatIsSmallAllowsSmallProbesFirst) {
  PlayedPath path = connected(65507, 65507);
  for (int i = 0; i < 20; ++i) path.round(3000);
  EXPECT_GE(path.mtu.size(), 1472u);
  EXPECT_LE(path.mtu.size(), 3000u);
  EXPECT_EQ(path.mtu.state(), PathMtu::State::Searching) << "more may come when the window has grown";
  path.rounds(3);
  EXPECT_EQ(path.mtu.size(), 65507u);
}

// covers RFC 8899 §5.1.1: PMTU_RAISE_TIMER
TEST(PathMtu, APathThatHasBecomeWiderIsFoundAfterTheRaiseTimer) {
  PlayedPath path = connected(1300);
  path.rounds(100);
  const size_t before = path.mtu.size();
  ASSERT_LE(before, 1300u);
  path.carries = 1472;
  const size_t probes = path.probes.size();
  path.rounds(100);
  EXPECT_EQ(path.probes.size(), probes) << "not before its time";
  path.now += PathMtu::kRaiseInterval;
  path.rounds(10);
  EXPECT_EQ(path.mtu.size(), 1472u);
}

// covers RFC 8899 §4.3, RFC 9000 §14.2
TEST(PathMtu, APathThatHasBecomeNarrowerIsNoticedAndMeasuredAgain) {
  for (const size_t narrow : {1200u, 1250u, 1300u, 1400u, 1471u}) {
    PlayedPath path = connected(1472);
    path.rounds(5);
    ASSERT_EQ(path.mtu.size(), 1472u);
    path.carries = narrow;
    path.rounds(PathMtu::kBlackHoleLosses);
    EXPECT_EQ(path.mtu.size(), 1200u) << narrow;
    EXPECT_EQ(path.mtu.state(), PathMtu::State::Base);
    path.rounds(100);
    EXPECT_LE(path.mtu.size(), narrow);
    EXPECT_GE(path.mtu.size() + 23, narrow);
  }
}

TEST(PathMtu, LossesBeforeALaterLargePacketThatArrivedAreOrdinary) {
  PlayedPath path = connected(1472);
  path.rounds(5);
  PacketNum number = path.next;
  for (int i = 0; i < 100; ++i) {
    path.mtu.onAcked(path.now, number + 9, 1472);
    for (PacketNum lost = number; lost < number + 9; ++lost) path.mtu.onLost(path.now, lost, 1472);
    number += 10;
  }
  EXPECT_EQ(path.mtu.size(), 1472u);
  // Small packets that arrive prove nothing about large ones.
  for (uint32_t i = 0; i < PathMtu::kBlackHoleLosses; ++i) {
    path.mtu.onLost(path.now, number++, 1472);
    path.mtu.onAcked(path.now, number++, 100);
  }
  EXPECT_EQ(path.mtu.size(), 1200u);
}

TEST(PathMtu, LossesOfSmallPacketsSayNothingAboutSize) {
  PlayedPath path = connected(1472);
  path.rounds(5);
  for (int i = 0; i < 100; ++i) path.mtu.onLost(path.now, path.next++, 1100);
  EXPECT_EQ(path.mtu.size(), 1472u);
}

TEST(PathMtu, AnyFullDatagramSentAfterTheBlackHoleConfirmsTheBase) {
  PlayedPath path = connected(1472);
  path.rounds(5);
  const PacketNum before = path.next;
  for (uint32_t i = 0; i < PathMtu::kBlackHoleLosses; ++i) path.mtu.onLost(path.now, path.next++, 1472);
  ASSERT_EQ(path.mtu.state(), PathMtu::State::Base);
  path.mtu.onAcked(path.now, before, 1300);
  EXPECT_EQ(path.mtu.state(), PathMtu::State::Base) << "sent before";
  path.mtu.onAcked(path.now, path.next, 1199);
  EXPECT_EQ(path.mtu.state(), PathMtu::State::Base) << "smaller";
  path.mtu.onAcked(path.now, path.next + 1, 1200);
  EXPECT_EQ(path.mtu.state(), PathMtu::State::Searching);
}

TEST(PathMtu, ABaseThatIsInDoubtIsProbedFirst) {
  for (const size_t carries : {1100u, 1472u}) {
    PlayedPath path;
    path.carries = carries;
    path.mtu.onBaseDoubted(1472);
    EXPECT_EQ(path.mtu.probeDue(kStart, kPlenty), 1200u);
    path.rounds(20);
    EXPECT_EQ(path.mtu.state(), carries < 1200 ? PathMtu::State::Unusable : PathMtu::State::SearchComplete);
  }
}

// covers RFC 9000 §14.2: below 1200 bytes QUIC is not used
TEST(PathMtu, APathThatDoesNotCarryTheBaseIsUnusableAfterProbesOfTheBase) {
  PlayedPath path = connected(1472);
  path.rounds(5);
  path.carries = 1199;
  path.rounds(PathMtu::kBlackHoleLosses);
  ASSERT_EQ(path.mtu.state(), PathMtu::State::Base);
  path.probes.clear();
  path.rounds(PathMtu::kMaxProbes);
  EXPECT_EQ(path.mtu.state(), PathMtu::State::Error);
  path.rounds(PathMtu::kMaxProbes);
  EXPECT_EQ(path.mtu.state(), PathMtu::State::Unusable);
  EXPECT_EQ(path.probes, std::vector<size_t>(2 * PathMtu::kMaxProbes, 1200u));
  EXPECT_EQ(path.mtu.size(), 1200u);
}

TEST(PathMtu, APathThatRecoversInErrorIsSearchedAgain) {
  PlayedPath path = connected(1200, 1200);
  path.carries = 1000;
  path.rounds(PathMtu::kBlackHoleLosses + PathMtu::kMaxProbes);
  ASSERT_EQ(path.mtu.state(), PathMtu::State::Error) << "also when 1200 bytes were all that was ever sent";
  path.carries = 1472;
  path.rounds(2);
  EXPECT_EQ(path.mtu.state(), PathMtu::State::Searching);
}

// covers RFC 8899 §5.3.3
TEST(PathMtu, SizesThatComeAndGoAreTriedEverMoreRarely) {
  PlayedPath path = connected(1472);
  int probed = 0;
  for (int i = 0; i < 60'000; ++i) {  // ten minutes
    const size_t before = path.probes.size();
    path.carries = 1472;
    if (path.mtu.size() > 1200) path.carries = 1200;
    path.round();
    if (path.probes.size() > before && path.probes.back() > 1200) ++probed;
  }
  EXPECT_LE(probed, 12);
}

TEST(PathMtu, AnAbandonedFlightLeavesNoProbeBehind) {
  PathMtu mtu;
  mtu.onConnected(1472);
  mtu.onFullDatagramSent();
  mtu.onProbeSent(1, 1472);
  mtu.onFlightAbandoned();
  mtu.onFullDatagramSent();
  EXPECT_EQ(mtu.probeDue(kStart, kPlenty), 1472u);
}

// X21, T-39: whatever is lost or acknowledged, the size stays within its bounds. covers RFC 9000 §14.2.1
TEST(PathMtu, StaysWithinItsBoundsUnderAnyFacts) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Seeded random(seed);
    PathMtu mtu({.isEnabled = true, .start = 1200 + below(random, 300)});
    const size_t most = std::max<size_t>(mtu.size(), 1200 + below(random, 9000));
    TimePoint now = kStart;
    mtu.onConnected(most);
    PacketNum next = 0;
    for (int step = 0; step < 2000; ++step) {
      now += std::chrono::milliseconds(below(random, 20000));
      mtu.onFullDatagramSent();
      if (const auto size = mtu.probeDue(now, below(random, 20000)); size && below(random, 4) != 0) {
        ASSERT_LE(*size, most);
        ASSERT_GE(*size, 1200u);
        mtu.onProbeSent(next++, *size);
      }
      const PacketNum number = below(random, next + 1);
      const size_t size = below(random, 2000);
      if (below(random, 3) == 0) mtu.onAcked(now, number, size);
      if (below(random, 3) == 0) mtu.onLost(now, number, size);
      if (below(random, 50) == 0) mtu.onFlightAbandoned();
      ++next;
      ASSERT_GE(mtu.size(), 1200u) << seed;
      ASSERT_LE(mtu.size(), most) << seed;
    }
  }
}

}  // namespace
}  // namespace quic::test
