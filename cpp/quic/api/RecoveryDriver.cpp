#include "quic/api/RecoveryDriver.h"

#include <algorithm>

#include "quic/api/AckFrequencyDriver.h"
#include "quic/api/CongestionDriver.h"
#include "quic/api/EcnDriver.h"
#include "quic/api/MigrationDriver.h"
#include "quic/api/MtuDriver.h"
#include "quic/api/QLogDriver.h"
#include "quic/api/SentFrameFates.h"

namespace quic {
namespace {

enum class LossKind : uint8_t { Congestion, Discarded };

/// One acknowledgment seldom covers more than one path; this bounds the sums that are kept on the stack.
struct PathSums {
  Path* path = nullptr;
  CongestionAckEvent acked;
  CongestionLossEvent lost;
  uint64_t lostPackets = 0;
  uint64_t discardedBytes = 0;  // left the flight without a signal
};
using AllSums = std::array<PathSums, kMaxPaths>;

PathSums* sumsFor(QuicConnectionState& state, AllSums& all, PathId id) {
  for (PathSums& sums : all) {
    if (sums.path != nullptr && sums.path->id == id) return &sums;
    if (sums.path != nullptr) continue;
    sums.path = state.paths.find(id);
    return sums.path == nullptr ? nullptr : &sums;
  }
  return nullptr;
}

void addAcked(QuicConnectionState& state, AllSums& all) {
  for (const SentPacket& packet : state.outcome.acked) {
    for (const SentFrame& frame : packet.frames) onFrameAcked(state, frame);
    if (!packet.inFlight) continue;
    PathSums* sums = sumsFor(state, all, packet.path);
    if (sums == nullptr) continue;
    onAckedForMtu(state, *sums->path, packet);
    sums->path->deliveryRate.onPacketAcked(state.now, packet);
    sums->acked.ackedBytes += packet.size;
    sums->acked.largestAckedSentAt = packet.sentAt;  // ascending, so the last one stays
  }
}

/// What was given up and has arrived need not be sent again. When that was true of all losses behind a reduction of the
/// window, the reduction is taken back.
void takeBackLosses(QuicConnectionState& state) {
  for (const LostPacket& late : state.outcome.late) {
    for (const SentFrame& frame : late.packet.frames) onFrameAcked(state, frame);
    if (late.cause == LossCause::Abandoned) continue;
    ++state.stats.packetsSpuriouslyLost;
    logSpuriousLoss(state, late);
    if (late.packet.isMtuProbe) continue;  // its loss was held against nobody
    Path& path = state.paths.active();
    if (late.packet.path != path.id) continue;
    if (const auto reducedAt = path.losses.onLate(late.lostAt)) {
      path.controller->onSpuriousLoss({state.now, *reducedAt});
    }
  }
}

/// RFC 9000 §9.4: a probe that finds nobody says nothing about congestion.
bool isSignal(const QuicConnectionState& state, const Path& path, LossKind kind) {
  return kind == LossKind::Congestion && path.id == state.paths.active().id;
}

void addLost(QuicConnectionState& state, AllSums& all, LossKind kind) {
  for (const SentPacket& packet : state.outcome.lost) {
    if (kind == LossKind::Congestion) {
      ++state.stats.packetsLost;
      logPacketLost(state, packet);
      onEcnPacketLost(state, packet);
    }
    for (const SentFrame& frame : packet.frames) onFrameLost(state, frame);
    if (!packet.inFlight) continue;
    PathSums* sums = sumsFor(state, all, packet.path);
    if (sums == nullptr) continue;
    if (kind == LossKind::Congestion) {
      onLostForMtu(state, *sums->path, packet);
    } else {
      sums->path->mtu.onFlightAbandoned();
    }
    if (packet.isMtuProbe) {  // RFC 9000 §14.4
      sums->discardedBytes += packet.size;
      continue;
    }
    ++sums->lostPackets;
    if (isSignal(state, *sums->path, kind)) {
      sums->path->controller->onPacketLost(sums->path->deliveryRate.onPacketLost(state.now, packet));
    }
    sums->lost.lostBytes += packet.size;
    sums->lost.largestLostSentAt = std::max(sums->lost.largestLostSentAt, packet.sentAt);
  }
}

void tellController(QuicConnectionState& state, PathSums& sums, LossKind kind) {
  Path& path = *sums.path;
  const bool wasInSlowStart = path.controller->inSlowStart();
  if (sums.discardedBytes > 0) path.controller->onDiscarded(sums.discardedBytes);
  if (sums.lost.lostBytes > 0 && !isSignal(state, path, kind)) path.controller->onDiscarded(sums.lost.lostBytes);
  if (sums.lost.lostBytes > 0 && isSignal(state, path, kind)) {
    sums.lost.now = state.now;
    sums.lost.persistent =
        LossRecovery::isPersistentCongestion(state.outcome.lost, path.id, path.rtt, state.peerMaxAckDelay());
    path.controller->onLoss(sums.lost);
    path.losses.onLost(state.now, sums.lost.largestLostSentAt, sums.lostPackets);
    if (sums.lost.persistent) {
      path.rtt.onPersistentCongestion();  // RFC 9002 §5.2
      state.recovery.resetReordering();
    }
  }
  if (sums.acked.ackedBytes > 0) tellAcked(state, path, sums.acked);
  if (wasInSlowStart && !path.controller->inSlowStart()) ++state.stats.slowStartExits;
  updatePace(state, path);
}

/// RFC 9002 §7.3.2: a lost packet may be repeated at once although the window has shrunk. Handshake packets need it: data that
/// the peer cannot read yet may fill the window, and its timer does not run before the handshake is confirmed.
void letHandshakeRepeat(QuicConnectionState& state, PacketNumberSpace name) {
  PacketSpace& space = state.space(name);
  if (name == PacketNumberSpace::AppData || state.outcome.lost.empty() || !space.writeKeys) return;
  space.probesToSend = std::max(space.probesToSend, 1);
}

/// Both handshake levels are said again together: what the peer lacks of one, it seldom has of the other (RFC 9002 §6.2.4).
void resendHandshake(QuicConnectionState& state) {
  for (const PacketNumberSpace name : {PacketNumberSpace::Initial, PacketNumberSpace::Handshake}) {
    if (state.space(name).writeKeys) state.space(name).crypto.resendUnacked();
  }
}

/// What probes for application data carry first: the oldest that is unanswered, a packet for each probe. New data follows as
/// there is room, and a PING is left when nothing is (RFC 9002 §6.2.4).
void repeatOldest(QuicConnectionState& state) {
  constexpr size_t kPackets = 2;
  SmallVector<SentFrame, 8> repeated;
  size_t packets = 0;
  state.recovery.forEachUnacked(PacketNumberSpace::AppData, [&](const SentPacket& packet) {
    if (packet.isMtuProbe) return true;
    for (const SentFrame& frame : packet.frames) repeated.push_back(frame);
    return ++packets < kPackets;
  });
  for (const SentFrame& frame : repeated) repeatFrame(state, frame);
}

/// Hands every settled packet to its frames' owners and its path's controller.
void settle(QuicConnectionState& state, LossKind kind) {
  AllSums all;
  addAcked(state, all);
  takeBackLosses(state);
  addLost(state, all, kind);
  for (PathSums& sums : all) {
    if (sums.path != nullptr) tellController(state, sums, kind);
  }
  state.outcome.clear();
}

/// RFC 9000 §19.3. Initial and Handshake packets may come before the parameter, so the default holds for them.
Duration decodeAckDelay(const QuicConnectionState& state, PacketNumberSpace space, uint64_t encoded) {
  const bool isKnown = space == PacketNumberSpace::AppData && state.handshake.peerParameters;
  const uint64_t exponent = isKnown ? state.handshake.peerParameters->ackDelayExponent : kDefaultAckDelayExponent;
  constexpr uint64_t kLongest = 1ull << 40;  // microseconds; a peer may claim anything
  return Duration(static_cast<int64_t>(encoded > (kLongest >> exponent) ? kLongest : encoded << exponent));
}

/// RFC 9002 §5.3.
void takeSample(QuicConnectionState& state, const RttSample& sample, Duration ackDelay) {
  Path* path = state.paths.find(sample.path);
  if (path == nullptr) return;
  if (!state.isConfirmed() && path->rtt.isHeldBack(sample.latest, ackDelay)) return;
  const Duration cap = state.isConfirmed() ? state.peerMaxAckDelay() : Duration::max();
  path->rtt.onSample(sample.latest, ackDelay, cap, state.now);
}

/// What becomes of the content of a flight that nobody will acknowledge.
enum class FlightContent : uint8_t { Forgotten, SentAgain };

/// RFC 9002 §6.4: only the byte counts matter; no controller takes it for a signal.
void endFlight(QuicConnectionState& state, PacketNumberSpace name, FlightContent content) {
  state.space(name).probesToSend = 0;
  state.outcome.clear();
  state.recovery.discardSpace(name, state.outcome);
  if (content == FlightContent::Forgotten) {
    for (SentPacket& packet : state.outcome.lost) packet.frames.clear();
  }
  settle(state, LossKind::Discarded);
}

}  // namespace

Result<> onAckFrame(QuicConnectionState& state, const PacketContext& context, const AckFrame& frame) {
  const PacketNumberSpace space = spaceOf(context.level);
  state.outcome.clear();
  const auto largestBefore = state.recovery.largestAcked(space);
  const bool raisesLargest = !largestBefore || frame.largest > *largestBefore;
  // RFC 9002 §5.3: the time that a packet waited for its keys is no part of the round trip.
  const auto sample = state.recovery.onAckReceived(space, frame, state.receivedAt, state.outcome);
  if (!sample) return forward(sample.error());
  // RFC 9000 §9.4: an estimate is of one path. A server that was frozen and goes on elsewhere acknowledges there what came before:
  // taken for a round trip, a minute would stand in the way of all that is tried next.
  if (*sample && (*sample)->path == context.path)
    takeSample(state, **sample, decodeAckDelay(state, space, frame.ackDelay));
  onEcnAck(state, space, frame, raisesLargest);
  const bool hasNews = !state.outcome.acked.empty() || !state.outcome.late.empty();
  state.recovery.detectLost(space, state.now, state.paths.active().rtt, state.outcome);
  // RFC 9002 §6.2.1: a client keeps backing off until it knows that the server has validated its address.
  if (hasNews && state.ptoContext().peerCompletedAddressValidation) state.recovery.resetPtoCount();
  letHandshakeRepeat(state, space);
  settle(state, LossKind::Congestion);
  reviewAckFrequency(state);
  return Unit{};
}

std::optional<TimePoint> nextRecoveryTimeout(const QuicConnectionState& state) {
  return state.recovery.nextTimeout(state.now, state.ptoContext());
}

void onRecoveryTimeout(QuicConnectionState& state) {
  const auto due = nextRecoveryTimeout(state);
  if (!due || *due > state.now) return;
  state.outcome.clear();
  const std::optional<SendProbes> probes = state.recovery.onTimeout(state.now, state.ptoContext(), state.outcome);
  letHandshakeRepeat(state, PacketNumberSpace::Initial);
  letHandshakeRepeat(state, PacketNumberSpace::Handshake);
  settle(state, LossKind::Congestion);
  if (!probes) return;
  PacketSpace& space = state.space(probes->space);
  space.probesToSend = std::max(space.probesToSend, probes->count);
  if (probes->space == PacketNumberSpace::AppData) return repeatOldest(state);
  resendHandshake(state);
  // RFC 9002 §6.2.4: what is in flight in other spaces goes along, because the peer may have keys for one of them only.
  PacketSpace& app = state.space(PacketNumberSpace::AppData);
  if (!app.writeKeys || !state.recovery.hasAckElicitingInFlight(PacketNumberSpace::AppData)) return;
  app.probesToSend = std::max(app.probesToSend, 1);
  repeatOldest(state);
}

void discardSpace(QuicConnectionState& state, PacketNumberSpace name) {
  PacketSpace& space = state.space(name);
  if (space.isDiscarded) return;
  space.isDiscarded = true;
  if (name == PacketNumberSpace::Initial) state.handshake.originalReadKeys = {};
  space.readKeys = {};
  space.writeKeys = {};
  space.crypto = CryptoStream(name);
  endFlight(state, name, FlightContent::Forgotten);
}

void forgetFlight(QuicConnectionState& state, PacketNumberSpace name) {
  state.space(name).crypto = CryptoStream(name);
  endFlight(state, name, FlightContent::Forgotten);
}

void restartSpace(QuicConnectionState& state, PacketNumberSpace name) {
  endFlight(state, name, FlightContent::SentAgain);
}

void onRepeatedClientHello(QuicConnectionState& state) {
  // RFC 9002 §6.2.3: the client cannot have heard our flight; a limited number of times it is said again without a timer.
  constexpr uint32_t kMaxEarlyResends = 3;
  if (state.role != Role::Server || !state.isHandshaking()) return;
  if (state.handshake.earlyResends++ >= kMaxEarlyResends) return;
  resendHandshake(state);
}

void abandonFlight(QuicConnectionState& state, PathId path) {
  state.outcome.clear();
  state.recovery.abandonPath(path, state.now, state.paths.active().rtt, state.outcome);
  settle(state, LossKind::Discarded);
  // Of what the path lost before, nothing tells any more whether it was all.
  if (Path* left = state.paths.find(path)) left->losses = {};
}

}  // namespace quic
