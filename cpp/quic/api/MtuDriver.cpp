#include "quic/api/MtuDriver.h"

#include <algorithm>

#include "quic/api/LifeDriver.h"
#include "quic/api/PathDriver.h"

namespace quic {
namespace {

// Ethernet's 1500 bytes without the headers of IP and UDP.
constexpr size_t kEthernetV4 = 1500 - 20 - 8;
constexpr size_t kEthernetV6 = 1500 - 40 - 8;
constexpr size_t kMaxUdpPayloadV4 = 65535 - 20 - 8;

/// Told to whoever counts in datagrams.
void onSizeChanged(QuicConnectionState& state, Path& path, size_t before) {
  if (path.mtu.size() == before) return;
  const uint64_t peerLimit =
      state.handshake.peerParameters ? state.handshake.peerParameters->maxUdpPayloadSize : kMaxUdpPayloadSize;
  path.controller->onMaxDatagramSize(static_cast<size_t>(std::min<uint64_t>(path.mtu.size(), peerLimit)));
}

}  // namespace

size_t largestDatagram(const QuicConnectionState& state, const SocketAddress& peer) {
  const size_t wanted = state.settings.maxDatagramSize != 0 ? state.settings.maxDatagramSize
                        : peer.isV4()                       ? kEthernetV4
                                                            : kEthernetV6;
  const size_t possible = peer.isV4() ? kMaxUdpPayloadV4 : kMaxUdpPayloadSize;
  const uint64_t peerLimit =
      state.handshake.peerParameters ? state.handshake.peerParameters->maxUdpPayloadSize : kMaxUdpPayloadSize;
  return static_cast<size_t>(std::min<uint64_t>({std::max(wanted, state.settings.datagramSize), possible, peerLimit}));
}

std::optional<size_t> mtuProbeDue(QuicConnectionState& state, size_t room) {
  Path& path = state.paths.active();
  // RFC 9000 §14.3.1: when the handshake is complete; on a new path when a full-sized challenge was answered.
  if (!state.isConfirmed() || !path.isValidated || path.validation || path.isWaitingForId) return std::nullopt;
  if (path.mtu.state() == PathMtu::State::Disabled) path.mtu.onConnected(largestDatagram(state, path.tuple.peer));
  // An application of RFC 9221 fits its datagrams to the size that it is told: only a probe can raise that.
  if (state.handshake.peerParameters && state.handshake.peerParameters->maxDatagramFrameSize) {
    path.mtu.onFullDatagramSent();
  }
  // RFC 9000 §14.4: probes consume the congestion window.
  return path.mtu.probeDue(state.now, std::min<uint64_t>(room, path.controller->available()));
}

void onDatagramSent(QuicConnectionState& state, size_t size) {
  if (size >= state.datagramSize()) state.paths.active().mtu.onFullDatagramSent();
}

void onAckedForMtu(QuicConnectionState& state, Path& path, const SentPacket& packet) {
  const size_t before = path.mtu.size();
  path.mtu.onAcked(state.now, packet.number, packet.size);
  onSizeChanged(state, path, before);
}

void onLostForMtu(QuicConnectionState& state, Path& path, const SentPacket& packet) {
  const size_t before = path.mtu.size();
  path.mtu.onLost(state.now, packet.number, packet.size);
  onSizeChanged(state, path, before);
}

void onBaseDoubted(QuicConnectionState& state) {
  Path& path = state.paths.active();
  const size_t before = path.mtu.size();
  path.mtu.onBaseDoubted(largestDatagram(state, path.tuple.peer));
  onSizeChanged(state, path, before);
}

void leaveUnusablePath(QuicConnectionState& state) {
  Path& path = state.paths.active();
  if (path.mtu.state() != PathMtu::State::Unusable) return;
  Path* other = state.paths.lastValidatedExcept(path.id);
  if (other == nullptr || other->mtu.state() == PathMtu::State::Unusable) {
    return closeConnection(state, {TransportErrorCode::NO_VIABLE_PATH, "the path does not carry 1200 bytes"});
  }
  const PathId left = path.id;
  switchPath(state, other->id);
  dropPath(state, left);
}

}  // namespace quic
