// LossRecovery against a naive model: a std::map per space and RFC 9002 §A.7 and §A.10 taken word for word.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "LossTesting.h"
#include "quic/loss/LossRecovery.h"

namespace quic {
namespace {

using testing::Ack;
using testing::ackOnly;
using testing::numbersOf;
using testing::packet;

struct Tolerance {
  uint64_t packets = kPacketReorderingThreshold;
  int eighths = 9;
};

struct Model {
  std::map<PacketNum, SentPacket> unsettled;
  std::set<PacketNum> sent;
  std::optional<PacketNum> largestAcked;
  struct Lost {
    bool isByNumber = false;
    TimePoint forgetAt;
  };
  std::map<PacketNum, Lost> lost;

  /// Those that were given up and are acknowledged now, and what that says about reordering.
  std::vector<PacketNum> acknowledgeLate(const std::vector<Interval>& ranges, TimePoint now, Tolerance& tolerance) {
    std::erase_if(lost, [&](const auto& each) { return each.second.forgetAt <= now; });
    while (lost.size() > LostPackets::kMaxRemembered) lost.erase(lost.begin());
    std::vector<PacketNum> late;
    for (const Interval& range : ranges) {
      for (auto it = lost.lower_bound(range.start); it != lost.end() && it->first <= range.end; it = lost.erase(it)) {
        late.push_back(it->first);
        if (!it->second.isByNumber) tolerance.eighths = std::min(tolerance.eighths + 1, 16);
        if (it->second.isByNumber) tolerance.packets = std::max(tolerance.packets, *largestAcked - it->first + 1);
      }
    }
    return late;
  }
  std::vector<PacketNum> acknowledge(const std::vector<Interval>& ranges) {
    largestAcked = std::max(largestAcked.value_or(0), ranges.front().end);
    std::vector<PacketNum> acked;
    std::erase_if(unsettled, [&](const auto& each) {
      for (const Interval& range : ranges) {
        if (each.first >= range.start && each.first <= range.end) {
          acked.push_back(each.first);
          return true;
        }
      }
      return false;
    });
    return acked;
  }
  std::vector<PacketNum> loseAt(TimePoint now, Duration delay, Duration kept, const Tolerance& tolerance) {
    std::vector<PacketNum> newlyLost;
    std::erase_if(unsettled, [&](const auto& each) {
      const auto& [number, sent] = each;
      if (!largestAcked || number > *largestAcked) return false;
      const bool isByNumber = *largestAcked >= number + tolerance.packets;
      if (sent.sentAt > now - delay && !isByNumber) return false;
      if (sent.inFlight) newlyLost.push_back(number);
      if (sent.inFlight) lost[number] = {isByNumber, now + kept};
      return true;
    });
    return newlyLost;
  }
  /// Packets that are not in flight arm no timer.
  [[nodiscard]] bool isLossDue(TimePoint now, Duration delay) const {
    return std::any_of(unsettled.begin(), unsettled.end(), [&](const auto& each) {
      return each.second.inFlight && each.first < largestAcked.value_or(0) && each.second.sentAt <= now - delay;
    });
  }
  [[nodiscard]] size_t ackElicitingInFlight() const {
    size_t count = 0;
    for (const auto& each : unsettled) count += each.second.ackEliciting && each.second.inFlight ? 1 : 0;
    return count;
  }
};

class LossRecoveryModelTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  void send(PacketNumberSpace space) {
    Model& model = models[static_cast<size_t>(space)];
    const PacketNum number = next[static_cast<size_t>(space)]++;
    SentPacket sent = random() % 6 == 0 ? ackOnly(number, now) : packet(number, now);
    model.unsettled.emplace(number, sent);
    model.sent.insert(number);
    ASSERT_TRUE(recovery.onPacketSent(space, std::move(sent)));
    inFlight += model.unsettled.at(number).inFlight ? 1 : 0;
  }
  void acknowledgeSome(PacketNumberSpace space) {
    Model& model = models[static_cast<size_t>(space)];
    if (model.sent.empty()) return;
    std::set<PacketNum> received;
    const PacketNum newest = *model.sent.rbegin() - std::min(*model.sent.rbegin(), random() % 6);
    const PacketNum oldest = newest - std::min<PacketNum>(newest, random() % 40);
    for (PacketNum number = oldest; number <= newest; ++number) {
      if (random() % 10 != 0) received.insert(number);
    }
    if (received.empty()) return;
    const auto ranges = Ack::rangesOf(received);
    const Ack ack(ranges);
    outcome.clear();
    ASSERT_TRUE(recovery.onAckReceived(space, ack.frame(), now, outcome));
    ASSERT_EQ(numbersOf(outcome.acked), model.acknowledge(ranges));
    ASSERT_EQ(numbersOf(outcome.late), model.acknowledgeLate(ranges, now, tolerance));
    lateTotal += outcome.late.size();
    recovery.detectLost(space, now, rtt, outcome);
    ASSERT_EQ(numbersOf(outcome.lost), lose(model));
    settle();
    recovery.resetPtoCount();
  }
  void fire() {
    const PtoContext context{.rtt = rtt, .maxAckDelay = 25ms, .handshakeConfirmed = true};
    const auto due = recovery.nextTimeout(now, context);
    ASSERT_EQ(due.has_value(), recovery.hasAckElicitingInFlight());
    if (!due) return;
    now = std::max(now, *due);
    outcome.clear();
    const auto probes = recovery.onTimeout(now, context, outcome);
    ASSERT_NE(probes.has_value(), !outcome.lost.empty()) << "a due timer does exactly one of both";
    std::vector<PacketNum> lost;
    if (!probes) {
      for (Model& model : models) {
        if (!model.isLossDue(now, delay())) continue;
        for (const PacketNum number : lose(model)) lost.push_back(number);
      }
    }
    ASSERT_EQ(numbersOf(outcome.lost), lost);
    settle();
    if (probes) send(probes->space);
  }
  [[nodiscard]] Duration delay() const { return std::max(rtt.latest(), rtt.smoothed()) * tolerance.eighths / 8; }
  std::vector<PacketNum> lose(Model& model) {
    return model.loseAt(now, delay(), 3 * rtt.pto(kDefaultMaxAckDelay), tolerance);
  }
  void settle() {
    for (const SentPacket& each : outcome.acked) inFlight -= each.inFlight ? 1 : 0;
    inFlight -= static_cast<int64_t>(outcome.lost.size());
  }

  std::mt19937_64 random{GetParam()};
  LossRecovery recovery;
  RecoveryOutcome outcome;
  RttEstimator rtt;
  std::array<Model, kPacketNumberSpaces> models;
  std::array<PacketNum, kPacketNumberSpaces> next{};
  Tolerance tolerance;
  uint64_t lateTotal = 0;
  TimePoint now{1s};
  int64_t inFlight = 0;
};

TEST_P(LossRecoveryModelTest, AgreesWithTheAppendixOfTheRfc) {  // covers RFC 9002 §6.1
  rtt.onSample(20ms, 0us, 25ms, now);
  for (int step = 0; step < 8000; ++step) {
    now += Duration{random() % 3000};
    const auto space = static_cast<PacketNumberSpace>(random() % 3);
    const uint64_t dice = random() % 100;
    if (dice < 70) {
      send(space);
    } else if (dice < 92) {
      acknowledgeSome(space);
    } else {
      fire();
    }
    if (HasFatalFailure()) return;
    int64_t modelInFlight = 0;
    for (size_t i = 0; i < models.size(); ++i) {
      ASSERT_EQ(recovery.hasAckElicitingInFlight(static_cast<PacketNumberSpace>(i)),
                models[i].ackElicitingInFlight() > 0);
      for (const auto& each : models[i].unsettled) modelInFlight += each.second.inFlight ? 1 : 0;
    }
    ASSERT_EQ(inFlight, modelInFlight) << "every packet in flight is handed out exactly once";
  }
  EXPECT_GT(lateTotal, 10u);
  EXPECT_GT(tolerance.packets, kPacketReorderingThreshold);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LossRecoveryModelTest, ::testing::Range<uint64_t>(1, 13));

}  // namespace
}  // namespace quic
