#include "quic/api/KeyDriver.h"

#include <algorithm>

#include "quic/api/EarlyDataDriver.h"
#include "quic/api/LifeDriver.h"
#include "quic/handshake/AeadLimits.h"

namespace quic {
namespace {

/// What is kept back of a key's uses, so that a train under way and the close itself still fit.
constexpr uint64_t kReservedSeals = 128;

AeadLimits limitsOf(const QuicConnectionState& state) {
  return state.settings.aeadLimits.value_or(aeadLimits(state.keys.suite));
}

uint64_t closeAt(const AeadLimits& limits) {
  return limits.confidentiality - std::min(kReservedSeals, limits.confidentiality / 4);
}

uint64_t updateAt(const QuicConnectionState& state, const AeadLimits& limits) {
  const uint64_t latest = limits.confidentiality / 2;
  const uint64_t wanted = state.settings.keyUpdateInterval;
  return wanted == 0 ? latest : std::min(wanted, latest);
}

/// Packets sealed with the keys of the level.
uint64_t sealedAt(const QuicConnectionState& state, EncryptionLevel level) {
  if (level == EncryptionLevel::OneRtt) return state.keys.phases.sealed();
  return state.space(spaceOf(level)).nextNumber;  // these keys never change, so every number is one use
}

TimePoint afterThreePtos(const QuicConnectionState& state) {
  return state.now + 3 * state.paths.active().rtt.pto(state.peerMaxAckDelay());
}

KeyPhases::Current currentKeys(QuicConnectionState& state) {
  PacketSpace& space = state.space(PacketNumberSpace::AppData);
  return {space.readKeys, space.writeKeys};
}

bool mayUpdate(const QuicConnectionState& state) {
  return state.isConfirmed() && state.keys.phases.mayUpdate(state.now);
}

void beginUpdate(QuicConnectionState& state) {
  state.keys.phases.update(currentKeys(state));
  state.isPingPending = true;  // the peer hears of it although we may have nothing to say
}

}  // namespace

const PacketProtection& writeKeysOf(const QuicConnectionState& state, EncryptionLevel level) {
  return level == EncryptionLevel::ZeroRtt ? state.earlyData.keys : state.space(spaceOf(level)).writeKeys;
}

void installReadKeys(QuicConnectionState& state, EncryptionLevel level, const TrafficSecret& secret) {
  if (level == EncryptionLevel::ZeroRtt) return onEarlyReadSecret(state, secret);
  state.space(spaceOf(level)).readKeys = state.environment.crypto.protection(state.handshake.version, secret);
  state.keys.suite = secret.suite;
  if (level == EncryptionLevel::OneRtt) state.keys.phases.setReadSecret(secret);
}

void installWriteKeys(QuicConnectionState& state, EncryptionLevel level, const TrafficSecret& secret) {
  if (level == EncryptionLevel::ZeroRtt) return onEarlyWriteSecret(state, secret);
  state.space(spaceOf(level)).writeKeys = state.environment.crypto.protection(state.handshake.version, secret);
  if (level != EncryptionLevel::OneRtt) return;
  state.keys.phases.setWriteSecret(secret);
  if (state.role == Role::Client) state.earlyData.keys = {};  // RFC 9001 §4.9.3
}

Result<> onOneRttOpened(QuicConnectionState& state, KeyPhase phase, PacketNum number) {
  return state.keys.phases.onOpened(phase, number, currentKeys(state), afterThreePtos(state));
}

Result<> onAckUnderKeys(QuicConnectionState& state, const PacketContext& context, const AckFrame& frame) {
  if (context.level != EncryptionLevel::OneRtt) return Unit{};
  if (const Result<> early = checkEarlyAck(state, frame); !early) return early;
  return state.keys.phases.onAck(context.keyPhase, frame.largest, afterThreePtos(state));
}

void onForgedPacket(QuicConnectionState& state) {
  if (++state.keys.forgedPackets <= limitsOf(state).integrity) return;
  closeConnection(state, {TransportErrorCode::AEAD_LIMIT_REACHED, "too many packets that are not authentic"});
}

void onSealedUnderKeys(QuicConnectionState& state, EncryptionLevel level, PacketNum number, bool hasAck) {
  if (level == EncryptionLevel::OneRtt) state.keys.phases.onSealed(number, hasAck);
}

Result<> updateKeys(QuicConnectionState& state) {
  const bool isEarly = !state.isConfirmed() && !std::exchange(state.awaited.keyUpdate, true);
  if (isEarly) return Unit{};
  if (!mayUpdate(state)) return fail(LocalErrorCode::KEY_UPDATE_NOT_READY, "the last key update is not confirmed yet");
  beginUpdate(state);
  return Unit{};
}

void tendKeys(QuicConnectionState& state) {
  KeyPhases& phases = state.keys.phases;
  phases.prepare(state.environment.crypto, state.handshake.version);
  if (state.awaited.keyUpdate && mayUpdate(state)) {
    state.awaited.keyUpdate = false;
    beginUpdate(state);
  }
  const AeadLimits limits = limitsOf(state);
  if (phases.sealed() >= updateAt(state, limits) && mayUpdate(state)) phases.update(currentKeys(state));
  for (const auto level : {EncryptionLevel::Initial, EncryptionLevel::Handshake, EncryptionLevel::OneRtt}) {
    if (!state.space(spaceOf(level)).writeKeys || sealedAt(state, level) < closeAt(limits)) continue;
    closeConnection(state, {TransportErrorCode::AEAD_LIMIT_REACHED, "keys are used up and cannot be updated"});
  }
}

bool maySeal(const QuicConnectionState& state, EncryptionLevel level) {
  return sealedAt(state, level) < limitsOf(state).confidentiality;
}

std::optional<TimePoint> nextKeyTimeout(const QuicConnectionState& state) {
  return state.keys.phases.forgetPreviousAt();
}

void onKeyTimeout(QuicConnectionState& state) {
  const auto due = nextKeyTimeout(state);
  if (due && *due <= state.now) state.keys.phases.forgetPrevious();
}

}  // namespace quic
