#include "quic/api/AckFrequencyDriver.h"

#include <algorithm>

#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

/// What our timers can do; announced as min_ack_delay.
Duration minAckDelay(const QuicConnectionState& state) {
  return std::min(kTimerGranularity, state.settings.maxAckDelay);
}

/// To a peer that was not offered the extension the frames do not exist (RFC 9000 §12.4).
Unexpected<QuicError> notOffered(FrameType type) {
  return fail(TransportErrorCode::FRAME_ENCODING_ERROR, "unknown frame type", static_cast<uint64_t>(type));
}

}  // namespace

void offerAckFrequency(const QuicConnectionState& state, TransportParameters& ours) {
  if (state.settings.ackFrequency) ours.minAckDelay = static_cast<uint64_t>(minAckDelay(state).count());
}

void onAckFrequencyOffered(QuicConnectionState& state, const TransportParameters& peer) {
  if (!state.settings.ackFrequency || !peer.minAckDelay) return;
  state.ackFrequency.enable(Duration(static_cast<int64_t>(*peer.minAckDelay)), state.peerMaxAckDelay());
}

Result<> onAckFrequencyFrame(QuicConnectionState& state, const AckFrequencyFrame& frame) {
  if (!state.settings.ackFrequency) return notOffered(FrameType::ACK_FREQUENCY);
  // Draft §4: what was asked for later stands.
  if (state.ackFrequencyHeard && frame.sequence <= *state.ackFrequencyHeard) return Unit{};
  constexpr uint64_t kTooLong = 1'000 * (uint64_t{1} << 14);  // RFC 9000 §18.2, in microseconds
  if (frame.maxAckDelay < static_cast<uint64_t>(minAckDelay(state).count()) || frame.maxAckDelay >= kTooLong) {
    return fail(TransportErrorCode::PROTOCOL_VIOLATION,
                "asks for less than min_ack_delay or more than max_ack_delay can be",
                static_cast<uint64_t>(FrameType::ACK_FREQUENCY));
  }
  state.ackFrequencyHeard = frame.sequence;
  state.space(PacketNumberSpace::AppData)
      .acks.setPolicy({.maxDelay = Duration(static_cast<int64_t>(frame.maxAckDelay)),
                       .elicitingThreshold = frame.elicitingThreshold,
                       .reorderingThreshold = frame.reorderingThreshold});
  return Unit{};
}

Result<> onImmediateAckFrame(QuicConnectionState& state) {
  if (!state.settings.ackFrequency) return notOffered(FrameType::IMMEDIATE_ACK);
  state.space(PacketNumberSpace::AppData).acks.demandAck();
  return Unit{};
}

void reviewAckFrequency(QuicConnectionState& state) {
  if (!state.ackFrequency.isEnabled()) return;
  const Path& path = state.paths.active();
  const uint64_t packets = path.controller->congestionWindow() / state.datagramSize();
  state.ackFrequency.onAck(packets, path.rtt, state.recovery.reordering().packets());
}

void writeAckFrequency(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent) {
  if (!state.ackFrequency.isDue() || !writeFrame(writer, state.ackFrequency.frame())) return;
  sent.push_back(state.ackFrequency.onWritten());
}

bool writeImmediateAck(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent) {
  if (!state.ackFrequency.isEnabled() || !writeFrame(writer, ImmediateAckFrame{})) return false;
  sent.push_back(SentImmediateAck{});
  return true;
}

}  // namespace quic
