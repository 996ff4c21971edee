#include "quic/loss/LossRecovery.h"

#include <algorithm>
#include <span>
#include <utility>

#include "quic/common/SmallVector.h"

namespace quic {
namespace {
constexpr std::array kAllSpaces = {PacketNumberSpace::Initial, PacketNumberSpace::Handshake,
                                   PacketNumberSpace::AppData};
constexpr size_t kMaxSkipsRemembered = 8;
constexpr int kPtosUntilForgotten = 3;  // RFC 9000 §13.3 asks for one; acknowledgments get lost as well
constexpr int kMaxPtoCount = 62;
constexpr int kProbesPerPto = 2;  // RFC 9002 §6.2.4: so that the loss of one probe does not cost a PTO twice as long

/// RFC 9002 §6.2.1: doubled with each PTO in a row. A connection without idle timeout still looks for its peer every
/// kLongestPto; a round trip that is longer than that is waited for.
Duration backedOff(Duration period, int doublings) {
  const Duration longest = std::max(period, kLongestPto);
  return period.count() > (longest.count() >> doublings) ? longest : period * (Duration::rep{1} << doublings);
}

bool intersects(const IntervalSet& set, PacketNum first, PacketNum last) {
  return std::any_of(set.begin(), set.end(),
                     [=](const Interval& interval) { return interval.start <= last && interval.end >= first; });
}

bool acknowledgesSkipped(const IntervalSet& skipped, const AckFrame& frame) {
  bool found = false;
  if (!skipped.empty()) {
    frame.forEachRange([&](PacketNum first, PacketNum last) { found = found || intersects(skipped, first, last); });
  }
  return found;
}

/// How many numbers were skipped between two that were sent. RFC 9002 §A.10: the packet threshold counts packets.
uint64_t skippedBetween(const IntervalSet& skipped, PacketNum low, PacketNum high) {
  uint64_t count = 0;
  for (const Interval& interval : skipped) {
    if (interval.start > low && interval.end < high) count += interval.end - interval.start + 1;
  }
  return count;
}

/// Takes out what `frame` acknowledges and appends it to `acked`, ascending. The frame names its ranges descending;
/// those that may hold something are noted first, which are no more than there are packets and holes between them.
void takeAcknowledged(OutstandingPackets& outstanding, const AckFrame& frame, std::vector<SentPacket>& acked) {
  SmallVector<Interval, 16> ranges;
  frame.forEachRange([&](PacketNum first, PacketNum last) {
    if (outstanding.holdsAny(first, last)) ranges.push_back({first, last});
  });
  for (size_t i = ranges.size(); i > 0; --i) {
    outstanding.takeAcknowledged(ranges[i - 1].start, ranges[i - 1].end,
                                 [&acked](SentPacket&& packet) { acked.push_back(std::move(packet)); });
  }
}

/// RFC 9000 §13.3: until when a lost packet may prove to be late.
TimePoint forgottenAt(TimePoint now, const RttEstimator& rtt) {
  return now + kPtosUntilForgotten * rtt.pto(kDefaultMaxAckDelay);
}

/// RFC 9002 §5.1. The largest of the frame must be new, late or not: a packet number is never ambiguous.
std::optional<RttSample> sampleOf(const AckFrame& frame, TimePoint now, std::span<const SentPacket> acked,
                                  std::span<const LostPacket> late) {
  bool elicited = false;
  const SentPacket* largest = nullptr;
  const auto consider = [&](const SentPacket& packet) {
    elicited = elicited || packet.ackEliciting;
    if (packet.number == frame.largest) largest = &packet;
  };
  for (const SentPacket& packet : acked) consider(packet);
  for (const LostPacket& lost : late) {
    if (lost.cause != LossCause::Abandoned) consider(lost.packet);
  }
  // What waited for its keys may claim to have come before what it acknowledges was sent: that measures nothing.
  if (largest == nullptr || !elicited || now < largest->sentAt) return std::nullopt;
  return RttSample{largest->path, now - largest->sentAt};
}
}  // namespace

bool LossRecovery::onPacketSent(PacketNumberSpace space, SentPacket&& packet, bool isBeside) {
  Space& state = at(space);
  const PacketNum number = packet.number;
  const TimePoint sentAt = packet.sentAt;
  const bool armsPto = packet.ackEliciting && packet.inFlight && !(isBeside && hasAckElicitingInFlight(space));
  if (!state.outstanding.insert(std::move(packet))) return false;
  if (state.largestSent && number - *state.largestSent > 1) {
    state.skipped.insert(*state.largestSent + 1, number - 1);
    if (state.skipped.size() > kMaxSkipsRemembered) state.skipped.popFront();
  }
  state.largestSent = number;
  if (armsPto) {
    state.ptoFrom = sentAt;
    lastProgressAt_ = sentAt;
  }
  return true;
}

Result<std::optional<RttSample>> LossRecovery::onAckReceived(PacketNumberSpace space, const AckFrame& frame,
                                                             TimePoint now, RecoveryOutcome& outcome) {
  Space& state = at(space);
  const auto frameType = static_cast<uint64_t>(frame.ecn ? FrameType::ACK_ECN : FrameType::ACK);
  if (!state.largestSent || frame.largest > *state.largestSent || acknowledgesSkipped(state.skipped, frame)) {
    return fail(TransportErrorCode::PROTOCOL_VIOLATION, "acknowledgment of a packet never sent", frameType);
  }
  state.largestAcked = std::max(state.largestAcked.value_or(0), frame.largest);
  const size_t ackedBefore = outcome.acked.size();
  const size_t lateBefore = outcome.late.size();
  takeAcknowledged(state.outstanding, frame, outcome.acked);
  takeLate(state, frame, now, outcome.late);
  if (outcome.acked.size() == ackedBefore && outcome.late.size() == lateBefore) return std::optional<RttSample>{};
  if (lastProgressAt_) lastProgressAt_ = std::max(*lastProgressAt_, now);
  return sampleOf(frame, now, std::span(outcome.acked).subspan(ackedBefore),
                  std::span(outcome.late).subspan(lateBefore));
}

void LossRecovery::takeLate(Space& state, const AckFrame& frame, TimePoint now, std::vector<LostPacket>& late) {
  state.lost.forgetUntil(now);
  if (state.lost.empty()) return;
  frame.forEachRange([&](PacketNum first, PacketNum last) {
    state.lost.takeAcknowledged(first, last, [&](LostPacket&& lost) {
      const PacketNum number = lost.packet.number;
      const uint64_t distance = *state.largestAcked - number;
      tolerance_.onLate(lost.cause, distance - skippedBetween(state.skipped, number, *state.largestAcked));
      late.push_back(std::move(lost));
    });
  });
}

void LossRecovery::detectLost(PacketNumberSpace space, TimePoint now, const RttEstimator& rtt,
                              RecoveryOutcome& outcome) {
  using Verdict = OutstandingPackets::Verdict;
  Space& state = at(space);
  state.lossTime.reset();
  if (!state.largestAcked) return;
  const PacketNum largestAcked = *state.largestAcked;
  const Duration delay = tolerance_.delay(rtt);
  const auto isFarBehind = [&](PacketNum number) {
    const uint64_t distance = largestAcked - number;
    return distance >= tolerance_.packets() &&
           distance - skippedBetween(state.skipped, number, largestAcked) >= tolerance_.packets();
  };
  LossCause cause{};
  const auto judge = [&](const SentPacket& packet) {
    if (packet.number > largestAcked) return Verdict::Stop;
    const bool isFar = isFarBehind(packet.number);
    cause = isFar ? LossCause::PacketThreshold : LossCause::TimeThreshold;
    if (isFar || now - packet.sentAt >= delay) return Verdict::GiveUp;
    if (packet.inFlight) state.lossTime = std::min(state.lossTime.value_or(TimePoint::max()), packet.sentAt + delay);
    return Verdict::Keep;
  };
  bool startsRun = true;  // what came before the first of them is settled already, one way or the other
  state.outstanding.giveUpWhere(judge, [&](SentPacket&& packet, bool followsAcknowledged) {
    startsRun = startsRun || followsAcknowledged;
    if (!packet.inFlight) return;
    packet.startsLossRun = std::exchange(startsRun, false);
    state.lost.remember({packet, cause, now, forgottenAt(now, rtt)});
    outcome.lost.push_back(std::move(packet));
  });
}

std::optional<TimePoint> LossRecovery::earliestLossTime() const {
  std::optional<TimePoint> earliest;
  for (const Space& state : spaces_) {
    if (state.lossTime && (!earliest || *state.lossTime < *earliest)) earliest = state.lossTime;
  }
  return earliest;
}

/// RFC 9002 §6.2.1, §6.2.2.1 and GetPtoTimeAndSpace of §A.8.
std::optional<LossRecovery::Pto> LossRecovery::earliestPto(const PtoContext& context) const {
  if (context.atAmplificationLimit) return std::nullopt;
  std::optional<Pto> earliest;
  for (const PacketNumberSpace space : kAllSpaces) {
    const bool isAppData = space == PacketNumberSpace::AppData;
    if (!hasAckElicitingInFlight(space) || (isAppData && !context.handshakeConfirmed)) continue;
    const Duration period = context.rtt.pto(isAppData ? context.maxAckDelay : Duration{0});
    const TimePoint due = at(space).ptoFrom + backedOff(period, ptoCount_);
    if (!earliest || due < earliest->at) earliest = Pto{space, due, kProbesPerPto};
  }
  // §6.2.2.1: the server may be blocked until it hears from us, so the client probes even with nothing in flight, or
  // with nothing in flight that arms a timer (0-RTT). What of the handshake waits behind such data leaves with a probe too.
  if (!earliest && (!context.peerCompletedAddressValidation || context.handshakeBytesWait) && lastProgressAt_) {
    const auto space = context.hasHandshakeKeys ? PacketNumberSpace::Handshake : PacketNumberSpace::Initial;
    return Pto{space, *lastProgressAt_ + backedOff(context.rtt.pto(Duration{0}), ptoCount_), 1};
  }
  return earliest;
}

std::optional<TimePoint> LossRecovery::nextTimeout([[maybe_unused]] TimePoint now, const PtoContext& context) const {
  // RFC 9002 §6.2.1: no PTO while a time threshold is pending.
  if (const auto lossTime = earliestLossTime()) return lossTime;
  const auto pto = earliestPto(context);
  return pto ? std::optional{pto->at} : std::nullopt;
}

std::optional<SendProbes> LossRecovery::onTimeout(TimePoint now, const PtoContext& context, RecoveryOutcome& outcome) {
  if (earliestLossTime()) {
    for (const PacketNumberSpace space : kAllSpaces) {
      const auto& lossTime = at(space).lossTime;
      if (lossTime && *lossTime <= now) detectLost(space, now, context.rtt, outcome);
    }
    return std::nullopt;
  }
  const auto pto = earliestPto(context);
  if (!pto || pto->at > now) return std::nullopt;
  ptoCount_ = std::min(ptoCount_ + 1, kMaxPtoCount);
  // The next one counts from here even if no probe can leave: a timer that is late by many periods fires once.
  at(pto->space).ptoFrom = now;
  lastProgressAt_ = now;
  return SendProbes{pto->space, pto->probes};
}

void LossRecovery::discardSpace(PacketNumberSpace space, RecoveryOutcome& outcome) {
  Space& state = at(space);
  state.outstanding.giveUpWhere([](const SentPacket&) { return OutstandingPackets::Verdict::GiveUp; },
                                [&outcome](SentPacket&& packet, bool) {
                                  if (packet.inFlight) outcome.lost.push_back(std::move(packet));
                                });
  state.lost.clear();  // no acknowledgment can come any more
  state.lossTime.reset();
  ptoCount_ = 0;
}

void LossRecovery::abandonPath(PathId path, TimePoint now, const RttEstimator& rtt, RecoveryOutcome& outcome) {
  using Verdict = OutstandingPackets::Verdict;
  for (Space& state : spaces_) {
    bool waitsForThreshold = false;
    const auto judge = [&](const SentPacket& packet) {
      if (packet.path == path) return Verdict::GiveUp;
      waitsForThreshold = waitsForThreshold || (packet.inFlight && packet.number < state.largestAcked.value_or(0));
      return Verdict::Keep;
    };
    state.outstanding.giveUpWhere(judge, [&](SentPacket&& packet, bool) {
      if (!packet.inFlight) return;
      state.lost.remember({packet, LossCause::Abandoned, now, forgottenAt(now, rtt)});
      outcome.lost.push_back(std::move(packet));
    });
    if (!waitsForThreshold) state.lossTime.reset();
  }
}

void LossRecovery::onResumed(TimePoint now, Duration frozenFor) {
  if (frozenFor <= Duration{0}) return;
  const auto shift = [=](TimePoint& time) { time = now - time > frozenFor ? time + frozenFor : std::max(time, now); };
  for (Space& state : spaces_) {
    state.outstanding.shiftSentTimes(frozenFor, now);
    state.lost.shiftTimes(frozenFor, now);
    shift(state.ptoFrom);
    if (state.lossTime) state.lossTime = std::clamp(*state.lossTime + frozenFor, now, now + kLongestPto);
  }
  if (lastProgressAt_) shift(*lastProgressAt_);
}

bool LossRecovery::hasAckElicitingInFlight(PacketNumberSpace space) const {
  return at(space).outstanding.ackElicitingInFlight() > 0;
}

bool LossRecovery::hasAckElicitingInFlight() const {
  return std::any_of(spaces_.begin(), spaces_.end(),
                     [](const Space& state) { return state.outstanding.ackElicitingInFlight() > 0; });
}

std::optional<PacketNum> LossRecovery::largestAcked(PacketNumberSpace space) const { return at(space).largestAcked; }

bool LossRecovery::isPersistentCongestion(const std::vector<SentPacket>& lost, PathId path, const RttEstimator& rtt,
                                          Duration maxAckDelay) {
  if (!rtt.hasSample()) return false;
  const Duration duration = rtt.pto(maxAckDelay) * kPersistentCongestionThreshold;
  const SentPacket* oldestOfRun = nullptr;
  for (const SentPacket& packet : lost) {
    if (packet.startsLossRun) oldestOfRun = nullptr;
    // RFC 9000 §14.4: what was lost for its size says nothing about congestion.
    if (packet.isMtuProbe) continue;
    if (packet.path != path || !packet.ackEliciting || packet.sentAt <= *rtt.firstSampleAt()) continue;
    if (oldestOfRun == nullptr) oldestOfRun = &packet;
    if (packet.sentAt - oldestOfRun->sentAt > duration) return true;
  }
  return false;
}

}  // namespace quic
