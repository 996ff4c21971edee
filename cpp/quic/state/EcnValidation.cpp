#include "quic/state/EcnValidation.h"

namespace quic {

EcnLedger::Verdict EcnLedger::onAck(const std::optional<EcnCounts>& counts, uint64_t marked) {
  if (!counts) return {marked == 0, 0};  // zeroed on the way, or not reported
  const bool fell = counts->ect0 < reported_.ect0 || counts->ect1 < reported_.ect1 || counts->ce < reported_.ce;
  if (fell) return {false, 0};
  const uint64_t newCe = counts->ce - reported_.ce;
  const uint64_t gained = counts->ect0 - reported_.ect0 + newCe;
  reported_ = *counts;
  // A mark that we never set, marks that were taken off, and more marks than packets.
  const bool isValid = counts->ect1 == 0 && gained >= marked && counts->ect0 + counts->ce <= sent_;
  return {isValid, isValid ? newCe : 0};
}

EcnMarking::State EcnMarking::state(TimePoint now) const {
  const bool isTestOver = sent_ >= kTestPackets || now >= testUntil_;
  return verdict_ == State::Testing && isTestOver ? State::Unknown : verdict_;
}

Ecn EcnMarking::mark(TimePoint now) const {
  const State current = state(now);
  return current == State::Testing || current == State::Capable ? Ecn::Ect0 : Ecn::NotEct;
}

void EcnMarking::onMarkedSent(TimePoint now, Duration pto) {
  if (sent_ == 0) testUntil_ = now + kTestPtos * pto;
  ++sent_;
}

void EcnMarking::onMarkedLost(TimePoint now) {
  ++lost_;
  // A.4: all of them lost, as if the marks were the reason.
  if (state(now) == State::Unknown && lost_ >= sent_) verdict_ = State::Failed;
}

void EcnMarking::onValidated(TimePoint now, uint64_t acked, uint64_t ce) {
  acked_ += acked;
  ce_ += ce;
  if (verdict_ != State::Testing || acked == 0) return;
  if (ce_ < acked_) {
    verdict_ = State::Capable;
  } else if (state(now) == State::Unknown && acked_ + lost_ >= sent_) {
    verdict_ = State::Failed;  // A.4: all of them CE, so the marks say nothing
  }
}

}  // namespace quic
