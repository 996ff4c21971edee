#include "quic/state/EcnValidation.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace quic {
namespace {

using State = EcnMarking::State;
constexpr Duration kPto = 100ms;
TimePoint at(int64_t milliseconds) { return TimePoint{std::chrono::milliseconds{milliseconds}}; }

// ---- EcnLedger

struct Report {
  std::optional<EcnCounts> counts;
  uint64_t marked;
  bool isValid;
  uint64_t newCe;
};
struct LedgerRow {
  const char* what;
  uint64_t sent;
  std::vector<Report> reports;
};

// row X19. covers RFC 9000 §13.4.2.1
TEST(EcnLedger, JudgesWhatIsReported) {
  const EcnCounts none;
  const LedgerRow rows[] = {
      {"as sent", 10, {{EcnCounts{3, 0, 0}, 3, true, 0}, {EcnCounts{10, 0, 0}, 7, true, 0}}},
      {"congestion", 10, {{EcnCounts{2, 0, 1}, 3, true, 1}, {EcnCounts{2, 0, 1}, 0, true, 0}}},
      {"every mark became CE", 10, {{EcnCounts{0, 0, 10}, 10, true, 10}}},
      {"marks zeroed on the way", 10, {{none, 3, false, 0}}},
      {"one mark taken off", 10, {{EcnCounts{2, 0, 0}, 3, false, 0}}},
      {"CE turned back into nothing", 10, {{EcnCounts{2, 0, 1}, 3, true, 1}, {EcnCounts{3, 0, 1}, 2, false, 0}}},
      {"not reported", 10, {{std::nullopt, 3, false, 0}}},
      {"not reported, and nothing to report", 10, {{std::nullopt, 0, true, 0}}},
      {"reported, then not", 10, {{EcnCounts{3, 0, 0}, 3, true, 0}, {std::nullopt, 1, false, 0}}},
      {"an acknowledgment was lost", 10, {{EcnCounts{9, 0, 0}, 2, true, 0}}},
      {"ECT(0) goes down", 10, {{EcnCounts{3, 0, 0}, 3, true, 0}, {EcnCounts{2, 0, 2}, 1, false, 0}}},
      {"CE goes down", 10, {{EcnCounts{1, 0, 2}, 3, true, 2}, {EcnCounts{6, 0, 1}, 1, false, 0}}},
      {"a mark that is never set", 10, {{EcnCounts{3, 1, 0}, 3, false, 0}}},
      {"ECT(0) remarked to ECT(1)", 10, {{EcnCounts{0, 3, 0}, 3, false, 0}}},
      {"more ECT(0) than packets", 10, {{EcnCounts{11, 0, 0}, 3, false, 0}}},
      {"more marks than packets", 10, {{EcnCounts{6, 0, 5}, 3, false, 0}}},
      {"as many as can be said", 10, {{EcnCounts{kMaxVarint, 0, kMaxVarint}, 3, false, 0}}},
      {"from nothing", 0, {{EcnCounts{1, 0, 0}, 0, false, 0}}},
  };
  for (const LedgerRow& row : rows) {
    EcnLedger ledger;
    for (uint64_t i = 0; i < row.sent; ++i) ledger.onMarkedSent();
    for (const Report& report : row.reports) {
      const EcnLedger::Verdict verdict = ledger.onAck(report.counts, report.marked);
      EXPECT_EQ(verdict.isValid, report.isValid) << row.what;
      EXPECT_EQ(verdict.newCe, report.newCe) << row.what;
    }
  }
}

// ---- EcnMarking

void send(EcnMarking& path, int packets, TimePoint now = at(0)) {
  for (int i = 0; i < packets; ++i) path.onMarkedSent(now, kPto);
}
void lose(EcnMarking& path, int packets, TimePoint now) {
  for (int i = 0; i < packets; ++i) path.onMarkedLost(now);
}

// covers RFC 9000 §13.4.2, §A.4
TEST(EcnMarking, TestsWithTenPackets) {
  EcnMarking path;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(path.state(at(0)), State::Testing);
    EXPECT_EQ(path.mark(at(0)), Ecn::Ect0) << i;
    send(path, 1);
  }
  EXPECT_EQ(path.state(at(0)), State::Unknown);
  EXPECT_EQ(path.mark(at(0)), Ecn::NotEct);
}

// covers RFC 9000 §13.4.2
TEST(EcnMarking, TestsForThreeProbeTimeoutsAtTheMost) {
  EcnMarking path;
  EXPECT_EQ(path.mark(at(100'000)), Ecn::Ect0) << "it begins with the first packet";
  send(path, 1, at(1000));
  send(path, 1, at(1200));
  EXPECT_EQ(path.mark(at(1299)), Ecn::Ect0);
  EXPECT_EQ(path.mark(at(1300)), Ecn::NotEct);
}

struct PathRow {
  const char* what;
  std::function<void(EcnMarking&)> steps;
  State state;
};

// covers RFC 9000 §A.4
TEST(EcnMarking, ConcludesFromWhatBecameOfTheMarks) {
  const TimePoint late = at(1000);
  const PathRow rows[] = {
      {"nothing yet", [](EcnMarking& p) { send(p, 3); }, State::Unknown},
      {"one acknowledged",
       [](EcnMarking& p) {
         send(p, 3);
         p.onValidated(at(1), 1, 0);
       },
       State::Capable},
      {"acknowledged after the test",
       [&](EcnMarking& p) {
         send(p, 10);
         lose(p, 9, late);
         p.onValidated(late, 1, 0);
       },
       State::Capable},
      {"what is acknowledged was not marked",
       [&](EcnMarking& p) {
         send(p, 10);
         p.onValidated(late, 0, 0);
       },
       State::Unknown},
      {"all lost",
       [&](EcnMarking& p) {
         send(p, 10);
         lose(p, 10, late);
       },
       State::Failed},
      {"all but one lost",
       [&](EcnMarking& p) {
         send(p, 10);
         lose(p, 9, late);
       },
       State::Unknown},
      {"all CE",
       [&](EcnMarking& p) {
         send(p, 10);
         p.onValidated(at(1), 4, 4);
         p.onValidated(at(2), 6, 6);
       },
       State::Failed},
      {"all CE but one",
       [&](EcnMarking& p) {
         send(p, 10);
         p.onValidated(at(1), 10, 9);
       },
       State::Capable},
      {"failed while testing",
       [](EcnMarking& p) {
         send(p, 3);
         p.onFailed();
       },
       State::Failed},
      {"failed later",
       [](EcnMarking& p) {
         send(p, 3);
         p.onValidated(at(1), 1, 0);
         p.onFailed();
       },
       State::Failed},
      {"valid again after it failed",
       [](EcnMarking& p) {
         send(p, 3);
         p.onFailed();
         p.onValidated(at(1), 1, 0);
       },
       State::Failed},
  };
  for (const PathRow& row : rows) {
    EcnMarking path;
    row.steps(path);
    EXPECT_EQ(path.state(late), row.state) << row.what;
    const bool isMarked = row.state == State::Capable;
    EXPECT_EQ(path.mark(late), isMarked ? Ecn::Ect0 : Ecn::NotEct) << row.what;
  }
}

TEST(EcnMarking, DoesNotGiveUpOnTheLossOfItsFirstPacket) {
  EcnMarking path;
  send(path, 1);
  lose(path, 1, at(50));
  EXPECT_EQ(path.mark(at(60)), Ecn::Ect0);
}

}  // namespace
}  // namespace quic
