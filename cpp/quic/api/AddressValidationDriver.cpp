#include "quic/api/AddressValidationDriver.h"

#include <algorithm>

#include "quic/api/HandshakeDriver.h"
#include "quic/api/RecoveryDriver.h"

namespace quic {
namespace {

bool isForThisAttempt(const QuicConnectionState& state, const ProtectedPacket& packet) {
  const HandshakeState& handshake = state.handshake;
  const bool hasProcessedAny = handshake.peerSourceId.has_value() || handshake.retrySourceId.has_value();
  const bool isQuic = fixedBit(packet) || state.settings.greaseQuicBit;  // RFC 9287 §3.1: Retry packets too
  return state.role == Role::Client && !hasProcessedAny && isQuic && packet.version == handshake.version &&
         packet.destinationId == state.selfIds.first() && packet.sourceId != handshake.originalDestinationId;
}

/// RFC 9001 §5.8. The tag is no secret: it only says that its sender saw our Initial packet.
bool isIntact(const QuicConnectionState& state, const ProtectedPacket& packet) {
  const ByteSpan whole = packet.bytes;
  const auto tag =
      state.environment.crypto.retryIntegrityTag(packet.version, state.handshake.originalDestinationId.bytes(),
                                                 whole.first(whole.size() - packet.retryIntegrityTag.size()));
  return std::equal(tag.begin(), tag.end(), packet.retryIntegrityTag.begin(), packet.retryIntegrityTag.end());
}

}  // namespace

bool onRetry(QuicConnectionState& state, const ProtectedPacket& packet) {
  if (!isForThisAttempt(state, packet) || !isIntact(state, packet)) return false;
  // One that leaves no room for a ClientHello beside it could not be answered: as if it had not come.
  if (packet.token.empty() || packet.token.size() > kMaxAddressTokenSize) return false;
  HandshakeState& handshake = state.handshake;
  handshake.retrySourceId = packet.sourceId;
  handshake.token.assign(packet.token.begin(), packet.token.end());
  state.peerIds.setFirst(packet.sourceId);
  state.paths.active().destination = state.peerIds.all().front();
  restartSpace(state, PacketNumberSpace::Initial);
  restartSpace(state, PacketNumberSpace::AppData);  // 0-RTT, if there was any
  installInitialKeys(state);
  return true;
}

void onNewToken(QuicConnectionState& state, const NewTokenFrame& frame) {
  if (!state.newTokensReceived.onFrame(frame)) return;
  state.events.emplace_back(AddressToken{{frame.token.begin(), frame.token.end()}, state.handshake.version});
}

}  // namespace quic
