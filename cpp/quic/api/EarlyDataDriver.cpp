#include "quic/api/EarlyDataDriver.h"

#include "quic/api/RecoveryDriver.h"
#include "quic/handshake/Resumption.h"

namespace quic {
namespace {

constexpr uint8_t kNoApplicationProtocol = 120;  // RFC 7301 §3.2

/// RFC 9001 §4.6.2: as if nothing had ever been sent, but for the numbers of the packets.
Result<> onRejected(QuicConnectionState& state, const std::string& alpn) {
  EarlyDataState& early = state.earlyData;
  if (alpn != early.alpn && state.streams.openStreams() > 0) {
    return fail(cryptoError(kNoApplicationProtocol), "early data was refused, and written in another protocol");
  }
  const PacketNum next = state.space(PacketNumberSpace::AppData).nextNumber;
  if (next > 0) early.rejectedUpTo = next - 1;
  restartSpace(state, PacketNumberSpace::AppData);
  state.streams.onEarlyDataRejected(*early.fresh);
  return Unit{};
}

}  // namespace

void offerResumption(QuicConnectionState& state) {
  state.earlyData.keys = {};  // of an attempt before, after Version Negotiation
  std::optional<Resumption> resumption = decodeResumption(state.settings.resumption);
  if (!resumption || resumption->version != state.handshake.version) return;  // RFC 9369 §5
  state.settings.resumption.clear();                                          // for one attempt
  state.handshake.tls->offerSession(resumption->session, state.settings.earlyData);
  if (!state.settings.earlyData) return;
  state.earlyData.remembered = resumption->remembered;
  state.earlyData.alpn = std::move(resumption->alpn);
}

void forgetUnusedResumption(QuicConnectionState& state) {
  if (!state.handshake.peerParameters) state.earlyData.remembered.reset();
}

ByteVector makeResumption(const QuicConnectionState& state, ByteSpan session) {
  if (!state.handshake.peerParameters) return {};
  return encodeResumption({state.handshake.version, state.handshake.alpn,
                           rememberedParameters(*state.handshake.peerParameters),
                           ByteVector(session.begin(), session.end())});
}

void onEarlyWriteSecret(QuicConnectionState& state, const TrafficSecret& secret) {
  EarlyDataState& early = state.earlyData;
  if (!early.remembered) return;
  early.keys = state.environment.crypto.protection(state.handshake.originalVersion, secret);
  // RFC 9000 §7.4.1: they apply until the handshake is complete.
  state.handshake.peerParameters = early.remembered;
  state.streams.onPeerParameters(*early.remembered);
  state.datagrams.sender.onPeerLimit(early.remembered->maxDatagramFrameSize);
  state.events.emplace_back(EarlyDataReady{early.alpn});
}

void onEarlyReadSecret(QuicConnectionState& state, const TrafficSecret& secret) {
  state.earlyData.keys = state.environment.crypto.protection(state.handshake.originalVersion, secret);
  if (state.settings.earlyData) state.events.emplace_back(EarlyDataReady{{}});
}

EarlyDataOutcome earlyDataOutcome(const QuicConnectionState& state, const HandshakeComplete& complete) {
  return state.earlyData.remembered && complete.earlyData == EarlyDataOutcome::NotOffered ? EarlyDataOutcome::Rejected
                                                                                          : complete.earlyData;
}

Result<> onEarlyDataOutcome(QuicConnectionState& state, EarlyDataOutcome outcome, const std::string& alpn) {
  EarlyDataState& early = state.earlyData;
  if (state.role == Role::Server) {
    // RFC 9001 §4.9.3: what was reordered is still read for a while.
    if (early.keys) early.forgetAt = state.now + 3 * state.paths.active().rtt.pto(state.peerMaxAckDelay());
    return Unit{};
  }
  if (!early.remembered || !early.fresh) return Unit{};
  if (outcome != EarlyDataOutcome::Accepted) return onRejected(state, alpn);
  if (keepsRemembered(*early.fresh, *early.remembered)) return Unit{};
  return fail(TransportErrorCode::PROTOCOL_VIOLATION, "early data accepted, and a limit lowered");  // RFC 9000 §7.4.1
}

Result<> checkEarlyAck(const QuicConnectionState& state, const AckFrame& frame) {
  if (!state.earlyData.rejectedUpTo) return Unit{};
  bool reportsRefused = false;
  frame.forEachRange([&](PacketNum first, PacketNum) { reportsRefused |= first <= *state.earlyData.rejectedUpTo; });
  if (!reportsRefused) return Unit{};
  return fail(TransportErrorCode::PROTOCOL_VIOLATION, "acknowledgment of refused early data",
              static_cast<uint64_t>(FrameType::ACK));
}

bool maySendEarlyData(const QuicConnectionState& state) {
  // RFC 9001 §5.6: never once there are 1-RTT keys.
  return state.role == Role::Client && state.earlyData.keys && !state.space(PacketNumberSpace::AppData).writeKeys;
}

bool mayAnswerEarlyData(const QuicConnectionState& state) {
  return state.role == Role::Server && state.settings.earlyData && state.earlyData.keys;
}

bool mayTellOfStreams(const QuicConnectionState& state) {
  return state.handshake.isComplete || state.role == Role::Client || state.settings.earlyData;
}

std::optional<TimePoint> nextEarlyDataTimeout(const QuicConnectionState& state) { return state.earlyData.forgetAt; }

void onEarlyDataTimeout(QuicConnectionState& state) {
  EarlyDataState& early = state.earlyData;
  if (!early.forgetAt || *early.forgetAt > state.now) return;
  early.keys = {};
  early.forgetAt.reset();
}

}  // namespace quic
