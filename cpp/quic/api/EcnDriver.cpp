#include "quic/api/EcnDriver.h"

namespace quic {
namespace {

/// The marked packets of one path that one ACK frame newly acknowledges.
struct MarkedSum {
  Path* path = nullptr;
  uint64_t packets = 0;
  TimePoint newestSentAt{};
};
using MarkedSums = SmallVector<MarkedSum, kMaxPaths>;

void add(QuicConnectionState& state, MarkedSums& sums, const SentPacket& packet) {
  if (packet.ecn == Ecn::NotEct) return;
  Path* path = state.paths.find(packet.path);
  // What left on a path before it failed has lost its marks, which says nothing about others.
  if (path == nullptr || path->ecn.state(state.now) == EcnMarking::State::Failed) return;
  for (MarkedSum& sum : sums) {
    if (sum.path != path) continue;
    ++sum.packets;
    sum.newestSentAt = std::max(sum.newestSentAt, packet.sentAt);
    return;
  }
  sums.push_back({path, 1, packet.sentAt});
}

/// RFC 9002 §7.1, §B.7: as of the time when the newest of them was sent.
void onCongestionMarks(QuicConnectionState& state, const MarkedSums& sums, uint64_t count) {
  state.stats.congestionMarks += count;
  MarkedSum newest{&state.paths.active(), 0, state.now};
  for (const MarkedSum& sum : sums) {
    if (newest.packets == 0 || sum.newestSentAt > newest.newestSentAt) newest = sum;
  }
  newest.path->controller->onEcnCe(state.now, newest.newestSentAt);
}

}  // namespace

Ecn ecnMark(const QuicConnectionState& state, const Path& path) {
  return state.settings.ecn ? path.ecn.mark(state.now) : Ecn::NotEct;
}

void onEcnPacketSent(QuicConnectionState& state, Path& path, PacketNumberSpace space, Ecn mark) {
  if (mark == Ecn::NotEct) return;
  state.space(space).ecn.onMarkedSent();
  path.ecn.onMarkedSent(state.now, path.rtt.pto(Duration{0}));
}

void onEcnAck(QuicConnectionState& state, PacketNumberSpace space, const AckFrame& frame, bool raisesLargest) {
  if (!raisesLargest) return;
  MarkedSums sums;
  for (const SentPacket& packet : state.outcome.acked) add(state, sums, packet);
  for (const LostPacket& late : state.outcome.late) add(state, sums, late.packet);
  uint64_t marked = 0;
  for (const MarkedSum& sum : sums) marked += sum.packets;
  const EcnLedger::Verdict verdict = state.space(space).ecn.onAck(frame.ecn, marked);
  if (!verdict.isValid) {
    for (MarkedSum& sum : sums) sum.path->ecn.onFailed();
    if (sums.empty()) state.paths.active().ecn.onFailed();
    return;
  }
  for (MarkedSum& sum : sums) sum.path->ecn.onValidated(state.now, sum.packets, verdict.newCe);
  if (verdict.newCe > 0) onCongestionMarks(state, sums, verdict.newCe);
}

void onEcnPacketLost(QuicConnectionState& state, const SentPacket& packet) {
  if (packet.ecn == Ecn::NotEct) return;
  if (Path* path = state.paths.find(packet.path)) path->ecn.onMarkedLost(state.now);
}

}  // namespace quic
