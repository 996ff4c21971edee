// PeerConnectionIds alone: NEW_CONNECTION_ID frames in, IDs for paths and sequence numbers to retire out.
#include "quic/state/PeerConnectionIds.h"

#include <gtest/gtest.h>

#include <set>

#include "cpp/support/TestBytes.h"

namespace quic::test {
namespace {

ConnectionId idOf(uint64_t number) {
  std::array<uint8_t, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(number >> 8 * i);
  return ConnectionId(bytes);
}
NewConnectionIdFrame frame(uint64_t sequence, uint64_t retirePriorTo = 0) {
  NewConnectionIdFrame made{sequence, retirePriorTo, idOf(1000 + sequence), {}};
  made.token[0] = static_cast<uint8_t>(sequence);
  return made;
}
std::optional<QuicErrorCode> codeOf(const Result<>& result) {
  return result ? std::nullopt : std::optional(result.error().code);
}
PeerConnectionIds known(uint64_t upTo) {
  PeerConnectionIds ids;
  ids.setFirst(idOf(1000));
  for (uint64_t sequence = 1; sequence <= upTo; ++sequence)
    EXPECT_TRUE(ids.onNewConnectionId(frame(sequence)).hasValue());
  return ids;
}
std::vector<uint64_t> writeRetired(PeerConnectionIds& ids) {
  std::vector<uint64_t> written;
  while (ids.hasToRetire()) {
    written.push_back(ids.nextRetire());
    ids.onRetireWritten();
  }
  return written;
}

const QuicErrorCode kViolation = TransportErrorCode::PROTOCOL_VIOLATION;
const QuicErrorCode kLimit = TransportErrorCode::CONNECTION_ID_LIMIT_ERROR;

TEST(PeerConnectionIds, TheFirstIsInUseAndMayBeReplaced) {
  PeerConnectionIds ids;
  ids.setFirst(idOf(1));
  ids.setFirst(idOf(2));
  ids.setFirstToken({7});
  ASSERT_EQ(ids.all().size(), 1u);
  EXPECT_EQ(ids.all()[0].id, idOf(2));
  EXPECT_EQ(ids.all()[0].token, StatelessResetToken{7});
  EXPECT_EQ(ids.unused(), 0u);
  EXPECT_EQ(ids.takeUnused(), std::nullopt);
}

// covers RFC 9000 §9.5
// covers RFC 9000 §5.1.1
TEST(PeerConnectionIds, ThePreferredOneIsNumberOneAndCounts) {
  PeerConnectionIds ids = known(0);
  ASSERT_TRUE(ids.setPreferred(idOf(1001), frame(1).token).hasValue());
  EXPECT_TRUE(ids.onNewConnectionId(frame(1)).hasValue()) << "a copy";
  EXPECT_EQ(ids.unused(), 1u);
  for (uint64_t sequence = 2; sequence < kAdvertisedActiveConnectionIdLimit; ++sequence) {
    ASSERT_TRUE(ids.onNewConnectionId(frame(sequence)).hasValue());
  }
  EXPECT_EQ(codeOf(ids.onNewConnectionId(frame(8))), kLimit);
  EXPECT_EQ(ids.takeUnused()->sequence, 1u);
  PeerConnectionIds again = known(0);
  EXPECT_EQ(codeOf(again.setPreferred(idOf(1000), {})), QuicErrorCode(TransportErrorCode::TRANSPORT_PARAMETER_ERROR));
}

// covers RFC 9000 §19.15: Retire Prior To applies to the one of preferred_address too
TEST(PeerConnectionIds, RetirePriorToTakesThePreferredOneAway) {
  PeerConnectionIds ids = known(0);
  ASSERT_TRUE(ids.setPreferred(idOf(1001), {}).hasValue());
  ASSERT_TRUE(ids.onNewConnectionId(frame(2, 2)).hasValue());
  EXPECT_EQ(writeRetired(ids), (std::vector<uint64_t>{0, 1}));
}

TEST(PeerConnectionIds, GivesEachIdToOneTaker) {
  PeerConnectionIds ids = known(3);
  std::set<uint64_t> taken;
  while (const auto id = ids.takeUnused()) taken.insert(id->sequence);
  EXPECT_EQ(taken, (std::set<uint64_t>{1, 2, 3}));
}

TEST(PeerConnectionIds, AnEmptyIdIsSharedAndNeverRetired) {
  PeerConnectionIds ids;
  ids.setFirst(ConnectionId());
  EXPECT_TRUE(ids.takeUnused().has_value());
  EXPECT_TRUE(ids.takeUnused().has_value());
  ids.retire(0);
  EXPECT_FALSE(ids.hasToRetire());
  // covers RFC 9000 §19.15
  EXPECT_EQ(codeOf(ids.onNewConnectionId(frame(1))), kViolation);
}

// covers RFC 9000 §5.1.1
TEST(PeerConnectionIds, AcceptsExactlyWhatWasAdvertised) {
  PeerConnectionIds ids = known(kAdvertisedActiveConnectionIdLimit - 1);
  EXPECT_EQ(codeOf(ids.onNewConnectionId(frame(kAdvertisedActiveConnectionIdLimit))), kLimit);
}

struct RepeatRow {
  const char* what;
  NewConnectionIdFrame again;
  std::optional<QuicErrorCode> code;
};

// covers RFC 9000 §19.15
TEST(PeerConnectionIds, TellsCopiesFromContradictions) {
  NewConnectionIdFrame otherId = frame(1);
  otherId.id = idOf(99);
  NewConnectionIdFrame otherSequence = frame(1);
  otherSequence.sequence = 2;
  NewConnectionIdFrame first = frame(5);
  first.id = idOf(1000);
  NewConnectionIdFrame otherToken = frame(1);
  otherToken.token[5] = 77;
  const RepeatRow rows[] = {
      {"a copy", frame(1), std::nullopt},
      {"one number, two IDs", otherId, kViolation},
      {"one ID, two tokens", otherToken, kViolation},
      {"one ID, two numbers", otherSequence, kViolation},
      {"the ID of the handshake under another number", first, kViolation},
  };
  for (const RepeatRow& row : rows) {
    PeerConnectionIds ids = known(1);
    EXPECT_EQ(codeOf(ids.onNewConnectionId(row.again)), row.code) << row.what;
    EXPECT_EQ(ids.all().size(), 2u) << row.what;
  }
}

// covers RFC 9000 §5.1.2
TEST(PeerConnectionIds, RetirePriorToTakesAwayAndMakesRoom) {
  PeerConnectionIds ids = known(7);
  ASSERT_TRUE(ids.onNewConnectionId(frame(8, 6)).hasValue());
  EXPECT_EQ(writeRetired(ids), (std::vector<uint64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_FALSE(ids.isKnown(5));
  EXPECT_TRUE(ids.isKnown(6));
  EXPECT_TRUE(ids.isKnown(8));
}

// covers RFC 9000 §19.15: a number below one that was asked to be retired is retired at once
TEST(PeerConnectionIds, ALateIdBelowTheMarkIsRetiredUnseen) {
  PeerConnectionIds ids = known(0);
  ASSERT_TRUE(ids.onNewConnectionId(frame(9, 8)).hasValue());
  EXPECT_EQ(writeRetired(ids), (std::vector<uint64_t>{0}));
  ASSERT_TRUE(ids.onNewConnectionId(frame(4)).hasValue());
  EXPECT_FALSE(ids.isKnown(4));
  EXPECT_EQ(writeRetired(ids), (std::vector<uint64_t>{4}));
  ASSERT_TRUE(ids.onNewConnectionId(frame(4)).hasValue());
  EXPECT_TRUE(writeRetired(ids).empty()) << "a copy is not retired again";
}

TEST(PeerConnectionIds, ALateCopyOfARetiredIdChangesNothing) {
  PeerConnectionIds ids = known(2);
  ids.retire(1);
  ASSERT_TRUE(ids.onNewConnectionId(frame(1)).hasValue());
  EXPECT_FALSE(ids.isKnown(1));
}

// covers RFC 9000 §13.3
TEST(PeerConnectionIds, ALostRetirementIsWrittenAgainUntilAcknowledged) {
  PeerConnectionIds ids = known(1);
  ids.retire(1);
  EXPECT_EQ(writeRetired(ids), std::vector<uint64_t>{1});
  ids.onRetireLost(1);
  ids.onRetireLost(1);
  EXPECT_EQ(writeRetired(ids), std::vector<uint64_t>{1});
  ids.onRetireAcked(1);
  ids.onRetireLost(1);
  EXPECT_FALSE(ids.hasToRetire());
}

// T-02 of the project's security cases, X09. covers RFC 9000 §5.1.2
TEST(PeerConnectionIds, APeerThatNeverAcknowledgesRetirementsIsRefusedInTheEnd) {
  PeerConnectionIds ids = known(0);
  uint64_t sequence = 1;
  std::optional<QuicErrorCode> code;
  for (; !code && sequence < 1000; ++sequence) {
    code = codeOf(ids.onNewConnectionId(frame(sequence, sequence)));
    writeRetired(ids);
    ASSERT_LE(ids.all().size(), kAdvertisedActiveConnectionIdLimit);
  }
  EXPECT_EQ(code, kLimit);
  EXPECT_LE(sequence, kMaxRetireQueue + 3);
}

TEST(PeerConnectionIds, APeerThatAcknowledgesMayGoOnForEver) {
  PeerConnectionIds ids = known(0);
  for (uint64_t sequence = 1; sequence < 10000; ++sequence) {
    ASSERT_TRUE(ids.onNewConnectionId(frame(sequence, sequence)).hasValue()) << sequence;
    for (const uint64_t retired : writeRetired(ids)) ids.onRetireAcked(retired);
  }
  EXPECT_EQ(ids.all().size(), 1u);
}

TEST(PeerConnectionIds, GapsInTheNumbersDoNotMakeItsMemoryGrow) {
  PeerConnectionIds ids = known(0);
  for (uint64_t sequence = 2; sequence < 4000; sequence += 2) {
    ASSERT_TRUE(ids.onNewConnectionId(frame(sequence, sequence)).hasValue());
    for (const uint64_t retired : writeRetired(ids)) ids.onRetireAcked(retired);
  }
  // A number of the forgotten past counts as known: it is neither used nor retired.
  ASSERT_TRUE(ids.onNewConnectionId(frame(3)).hasValue());
  EXPECT_FALSE(ids.isKnown(3));
}

/// Whatever comes, in whatever order: bounds hold, nobody is told to retire a number twice without a loss in between.
TEST(PeerConnectionIds, KeepsItsBoundsUnderAnyFrames) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Seeded random(seed);
    PeerConnectionIds ids = known(0);
    std::set<uint64_t> unacked;
    for (int step = 0; step < 300; ++step) {
      const uint64_t sequence = below(random, 40);
      if (below(random, 3) != 0) {
        const Result<> result = ids.onNewConnectionId(frame(sequence, below(random, sequence + 1)));
        if (!result) break;
      } else if (const auto taken = ids.takeUnused(); taken && below(random, 2) == 0) {
        ids.retire(taken->sequence);
      }
      for (const uint64_t retired : writeRetired(ids)) {
        EXPECT_TRUE(unacked.insert(retired).second) << "seed " << seed;
        EXPECT_FALSE(ids.isKnown(retired)) << "seed " << seed;
      }
      for (auto it = unacked.begin(); it != unacked.end();) {
        if (below(random, 3) == 0) {
          ids.onRetireAcked(*it);
          it = unacked.erase(it);
        } else {
          ++it;
        }
      }
      ASSERT_LE(ids.all().size(), kAdvertisedActiveConnectionIdLimit);
      ASSERT_LE(unacked.size(), kMaxRetireQueue);
    }
  }
}

}  // namespace
}  // namespace quic::test
