#include "quic/api/Timers.h"

#include <algorithm>

#include "quic/api/EarlyDataDriver.h"
#include "quic/api/KeyDriver.h"
#include "quic/api/LifeDriver.h"
#include "quic/api/MigrationDriver.h"
#include "quic/api/PathDriver.h"
#include "quic/api/RecoveryDriver.h"

namespace quic {
namespace {

std::optional<TimePoint> earlier(std::optional<TimePoint> a, std::optional<TimePoint> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace

std::optional<TimePoint> nextTimeout(const QuicConnectionState& state) {
  std::optional<TimePoint> next = nextLifeTimeout(state);
  if (!state.isOpen()) return next;
  next = earlier(next, nextRecoveryTimeout(state));
  next = earlier(next, nextPathTimeout(state));
  next = earlier(next, nextKeyTimeout(state));
  next = earlier(next, nextEarlyDataTimeout(state));
  next = earlier(next, nextMigrationTimeout(state));
  next = earlier(next, state.pacedUntil);
  for (const PacketSpace& space : state.spaces) {
    // An ACK that was due at the last poll and did not leave is held back by the amplification limit: bytes from the peer
    // will let it go, not the clock.
    if (space.writeKeys && !space.acks.isDue(state.now)) next = earlier(next, space.acks.deadline());
  }
  return next;
}

void onTimeout(QuicConnectionState& state) {
  onLifeTimeout(state);
  if (!state.isOpen()) return;
  onRecoveryTimeout(state);
  onPathTimeout(state);
  onMigrationTimeout(state);
  onKeyTimeout(state);
  onEarlyDataTimeout(state);
}

void onResumed(QuicConnectionState& state, Duration frozenFor) {
  // Only onResumed knows that this time did not pass for the connection.
  const auto shift = [&](TimePoint& at) { at = std::min(at + frozenFor, std::max(at, state.now)); };
  shift(state.idle.lastReceivedAt);
  if (state.idle.firstAskedAt) shift(*state.idle.firstAskedAt);
  if (state.isHandshaking()) state.handshake.deadline += frozenFor;
  state.recovery.onResumed(state.now, frozenFor);
  state.paths.onResumed(frozenFor);
  onMigrationResumed(state, frozenFor);
}

}  // namespace quic
