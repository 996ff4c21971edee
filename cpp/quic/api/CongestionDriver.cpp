#include "quic/api/CongestionDriver.h"

#include <algorithm>

#include "quic/api/QuicPacketScheduler.h"

namespace quic {
namespace {

bool hasAnythingToSend(const QuicConnectionState& state) {
  constexpr std::array kLevels = {EncryptionLevel::Initial, EncryptionLevel::Handshake, EncryptionLevel::OneRtt};
  return std::any_of(kLevels.begin(), kLevels.end(),
                     [&](EncryptionLevel level) { return hasInterest(state, level, SendConstraint::None); });
}

}  // namespace

void onInFlightSent(QuicConnectionState& state, Path& path, SentPacket& packet) {
  CongestionController& controller = *path.controller;
  const uint64_t before = controller.bytesInFlight();
  packet.delivery = path.deliveryRate.stamp(state.now, packet.size, before);
  if (before == 0) path.pacer.onRestart(state.now);
  controller.onPacketSent(state.now, packet.size);
  if (before == 0) updatePace(state, path);  // a controller may restart at another rate
  path.pacer.onPacketSent(state.now, packet.size);
  path.windowUsage.onPacketSent(state.now, packet.size,
                                {controller.bytesInFlight(), controller.congestionWindow(), state.datagramSize()});
}

void onSendingStopped(QuicConnectionState& state) {
  Path& path = state.paths.active();
  const bool mayNot = path.amplificationAllowance() < state.datagramSize();
  if (!mayNot && hasAnythingToSend(state)) return;
  path.windowUsage.onOutOfData();
  if (path.controller->available() < state.datagramSize()) return;
  path.deliveryRate.onAppLimited(path.controller->bytesInFlight());
  path.controller->onAppLimited();
}

void tellAcked(QuicConnectionState& state, Path& path, CongestionAckEvent& event) {
  event.now = state.now;
  event.appLimited = !path.windowUsage.wasFullSince(event.largestAckedSentAt);
  event.rate = path.deliveryRate.finishAck(path.rtt.min());
  path.controller->onAck(event, path.rtt);
}

void updatePace(QuicConnectionState& state, Path& path) {
  if (!path.rtt.hasSample()) return;  // nothing to pace by yet
  path.pacer.onUpdate(state.now, {.congestionWindow = path.controller->congestionWindow(),
                                  .smoothedRtt = path.rtt.smoothed(),
                                  .inSlowStart = path.controller->inSlowStart(),
                                  .maxDatagramSize = state.datagramSize(),
                                  .rate = path.controller->pacingRate()});
}

}  // namespace quic
