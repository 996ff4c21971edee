// SelfConnectionIds alone: what we issue, and what a peer may retire.
#include "quic/state/SelfConnectionIds.h"

#include <gtest/gtest.h>

#include <set>

#include "cpp/support/TestBytes.h"

namespace quic::test {
namespace {

class CountingIds final : public ConnectionIdGenerator {
 public:
  GeneratedConnectionId make() override {
    GeneratedConnectionId generated;
    const std::array<uint8_t, 2> bytes = {static_cast<uint8_t>(made >> 8), static_cast<uint8_t>(made)};
    generated.id = ConnectionId(bytes);
    generated.token[0] = static_cast<uint8_t>(made++);
    return generated;
  }
  uint32_t made = 1;
};

struct Fixture {
  CountingIds generator;
  SelfConnectionIds ids{generator.make()};

  /// All pending frames leave.
  std::vector<NewConnectionIdFrame> write() {
    std::vector<NewConnectionIdFrame> frames;
    while (const auto frame = ids.nextFrame()) {
      frames.push_back(*frame);
      ids.onFrameWritten();
    }
    return frames;
  }
  void issue(uint64_t limit) {
    ids.onPeerLimit(limit);
    ids.replenish(generator);
  }
};

const ConnectionId kElsewhere;

TEST(SelfConnectionIds, TheFirstIsSequenceZeroAndIsNeverAnnounced) {
  Fixture f;
  EXPECT_FALSE(f.ids.hasToSend());
  EXPECT_TRUE(f.ids.replenish(f.generator).empty()) << "nothing before the peer's limit is known";
  EXPECT_EQ(f.ids.active(), std::vector<ConnectionId>{f.ids.first()});
  EXPECT_EQ(f.ids.firstToken()[0], 1);
}

// covers RFC 9000 §5.1.1
TEST(SelfConnectionIds, ThePreferredOneIsNumberOneAndKnownToThePeerWithoutAFrame) {
  Fixture f;
  const ConnectionId preferred = f.ids.issuePreferred(f.generator).id;
  EXPECT_FALSE(f.ids.hasToSend());
  f.issue(4);
  EXPECT_EQ(f.ids.active().size(), 4u);
  EXPECT_EQ(f.ids.active()[1], preferred);
  const auto frames = f.write();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].sequence, 2u);
  EXPECT_TRUE(f.ids.onRetire(1, kElsewhere).hasValue());
  Fixture before;
  before.ids.issuePreferred(before.generator);
  EXPECT_TRUE(before.ids.onRetire(1, kElsewhere).hasValue()) << "before any frame";
  EXPECT_FALSE(before.ids.onRetire(2, kElsewhere).hasValue());
}

// covers RFC 9000 §5.1.1
TEST(SelfConnectionIds, NeverExceedsThePeersLimitNorOurs) {
  struct Row {
    uint64_t limit;
    size_t active;
  };
  const Row rows[] = {{2, 2}, {4, 4}, {8, 8}, {1000, kAdvertisedActiveConnectionIdLimit}, {kMaxVarint, 8}};
  for (const Row& row : rows) {
    Fixture f;
    f.issue(row.limit);
    EXPECT_EQ(f.ids.active().size(), row.active) << row.limit;
    EXPECT_EQ(f.write().size(), row.active - 1);
    EXPECT_TRUE(f.ids.replenish(f.generator).empty());
  }
}

TEST(SelfConnectionIds, NumbersFollowEachOtherAndFramesCarryTheirTokens) {
  Fixture f;
  f.issue(4);
  const auto frames = f.write();
  ASSERT_EQ(frames.size(), 3u);
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].sequence, i + 1);
    EXPECT_EQ(frames[i].retirePriorTo, 0u);
    EXPECT_EQ(frames[i].token[0], i + 2);
  }
  EXPECT_FALSE(f.ids.hasToSend());
}

// covers RFC 9000 §5.1.1: an endpoint SHOULD supply a new ID when one is retired
TEST(SelfConnectionIds, ARetiredOneIsReplacedByANewNumber) {
  Fixture f;
  f.issue(3);
  f.write();
  const auto retired = f.ids.onRetire(0, kElsewhere);
  ASSERT_TRUE(retired.hasValue());
  EXPECT_EQ(*retired, f.ids.first());
  ASSERT_EQ(f.ids.replenish(f.generator).size(), 1u);
  EXPECT_EQ(f.write().at(0).sequence, 3u);
  EXPECT_EQ(f.ids.active().size(), 3u);
}

TEST(SelfConnectionIds, RetiringTwiceIsHarmless) {
  Fixture f;
  f.issue(3);
  f.write();
  ASSERT_FALSE(f.ids.onRetire(1, kElsewhere)->empty());
  const auto again = f.ids.onRetire(1, kElsewhere);
  ASSERT_TRUE(again.hasValue());
  EXPECT_TRUE(again->empty());
}

// covers RFC 9000 §19.16; T-04 of the project's security cases
TEST(SelfConnectionIds, RefusesToRetireWhatWasNeverSent) {
  Fixture f;
  f.issue(4);
  const auto code = [&](uint64_t sequence) {
    const auto result = f.ids.onRetire(sequence, kElsewhere);
    return result ? std::nullopt : std::optional(result.error().code);
  };
  const QuicErrorCode violation = TransportErrorCode::PROTOCOL_VIOLATION;
  EXPECT_EQ(code(1), violation) << "made, and still waiting to be written";
  f.ids.onFrameWritten();
  EXPECT_EQ(code(1), std::nullopt);
  EXPECT_EQ(code(2), violation);
  EXPECT_EQ(code(4), violation);
  EXPECT_EQ(code(kMaxVarint), violation);
}

// covers RFC 9000 §19.16
TEST(SelfConnectionIds, RefusesToRetireTheIdOfTheVeryPacket) {
  Fixture f;
  f.issue(2);
  f.write();
  const auto result = f.ids.onRetire(0, f.ids.first());
  ASSERT_FALSE(result.hasValue());
  EXPECT_EQ(result.error().code, QuicErrorCode(TransportErrorCode::PROTOCOL_VIOLATION));
}

// covers RFC 9000 §13.3
TEST(SelfConnectionIds, ALostFrameIsSentAgainUnlessItsIdIsGone) {
  Fixture f;
  f.issue(4);
  f.write();
  f.ids.onLost(2);
  f.ids.onLost(2);
  EXPECT_EQ(f.write().size(), 1u);
  f.ids.onLost(2);
  ASSERT_TRUE(f.ids.onRetire(2, kElsewhere).hasValue());
  EXPECT_FALSE(f.ids.hasToSend());
  f.ids.onLost(2);
  EXPECT_FALSE(f.ids.hasToSend());
}

TEST(SelfConnectionIds, StayWithinTheLimitWhateverIsRetiredAndLost) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Seeded random(seed);
    Fixture f;
    const uint64_t limit = 2 + below(random, 7);
    f.issue(limit);
    std::set<uint64_t> sent = {0};
    for (int step = 0; step < 500; ++step) {
      const uint64_t sequence = below(random, *sent.rbegin() + 3);
      if (below(random, 2) == 0) {
        for (const NewConnectionIdFrame& frame : f.write()) sent.insert(frame.sequence);
      } else if (below(random, 3) == 0 && sent.contains(sequence)) {
        f.ids.onLost(sequence);
      } else {
        EXPECT_EQ(f.ids.onRetire(sequence, kElsewhere).hasValue(), sequence <= *sent.rbegin());
        f.ids.replenish(f.generator);
      }
      const auto active = f.ids.active();
      ASSERT_EQ(active.size(), limit) << "seed " << seed;
      ASSERT_EQ(std::set<ConnectionId>(active.begin(), active.end()).size(), limit);
    }
  }
}

}  // namespace
}  // namespace quic::test
