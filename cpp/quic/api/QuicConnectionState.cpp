#include "quic/api/QuicConnectionState.h"

#include <algorithm>

namespace quic {
namespace {

PathSettings pathSettings(const TransportSettings& settings, Random& random) {
  const bool isRandomized = settings.congestionControl == CongestionControlType::Bbr;
  return {.congestionControl = settings.congestionControl,
          .mtu = {settings.pathMtuDiscovery, settings.datagramSize},
          .initialRtt = settings.initialRtt,
          .seed = isRandomized ? random.next64() : 0};
}

}  // namespace

QuicConnectionState::QuicConnectionState(Role role, const TransportSettings& settings, const Environment& environment,
                                         const FourTuple& path, bool isPeerValidated)
    : role(role),
      settings(settings),
      environment(environment),
      paths(pathSettings(settings, environment.random), path, isPeerValidated),
      selfIds(environment.connectionIds.make()),
      streams(role, settings.streams),
      datagrams(settings.datagrams) {
  for (int i = 0; i < kPacketNumberSpaces; ++i) spaces[i].crypto = CryptoStream(static_cast<PacketNumberSpace>(i));
  // RFC 9000 §18.2: what is announced includes how late a timer may be.
  const bool hasSlack = settings.maxAckDelay > kTimerGranularity;
  space(PacketNumberSpace::AppData).acks =
      AckTracker(hasSlack ? settings.maxAckDelay - kTimerGranularity : settings.maxAckDelay);
}

Duration QuicConnectionState::peerMaxAckDelay() const {
  const Duration parameter = handshake.peerParameters ? std::chrono::milliseconds(handshake.peerParameters->maxAckDelay)
                                                      : Duration(kDefaultMaxAckDelay);
  return ackFrequency.maxAckDelay(parameter);
}

bool QuicConnectionState::handshakeBytesWait() const {
  const auto waits = [this](PacketNumberSpace name) { return space(name).writeKeys && space(name).crypto.hasToSend(); };
  return waits(PacketNumberSpace::Initial) || waits(PacketNumberSpace::Handshake);
}

PtoContext QuicConnectionState::ptoContext() const {
  const Path& active = paths.active();
  return PtoContext{
      .rtt = active.rtt,
      .maxAckDelay = peerMaxAckDelay(),
      .handshakeConfirmed = isConfirmed(),
      // RFC 9002 §6.2.2.1: an acknowledgment of a Handshake packet proves it to the client.
      .peerCompletedAddressValidation =
          role == Role::Server || isConfirmed() || recovery.largestAcked(PacketNumberSpace::Handshake).has_value(),
      .hasHandshakeKeys = static_cast<bool>(space(PacketNumberSpace::Handshake).writeKeys),
      .handshakeBytesWait = handshakeBytesWait(),
      .atAmplificationLimit = active.amplificationAllowance() == 0 || active.isWaitingForId,
  };
}

size_t QuicConnectionState::datagramSize() const {
  const uint64_t peerLimit =
      handshake.peerParameters ? handshake.peerParameters->maxUdpPayloadSize : uint64_t{kMaxUdpPayloadSize};
  return static_cast<size_t>(std::min<uint64_t>(paths.active().mtu.size(), peerLimit));
}

}  // namespace quic
