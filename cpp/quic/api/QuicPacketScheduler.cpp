#include "quic/api/QuicPacketScheduler.h"

#include "quic/api/AckFrequencyDriver.h"
#include "quic/api/DatagramDriver.h"
#include "quic/api/EarlyDataDriver.h"
#include "quic/api/MigrationDriver.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

void writeAck(QuicConnectionState& state, PacketNumberSpace name, ByteWriter& writer, PacketContent& content) {
  PacketSpace& space = state.space(name);
  // A probe repeats the report too: the peer's silence may mean that it has not seen the last one.
  const bool isWanted = space.acks.hasNews() || space.acks.isDue(state.now) || space.probesToSend > 0;
  if (space.acks.received().empty() || !isWanted) return;
  // RFC 9000 §13.2.5: as measured, even where nothing is delayed on purpose. A flight that is sent again repeats its report.
  const auto delay = static_cast<uint64_t>(space.acks.delay(state.now).count()) >> kDefaultAckDelayExponent;
  if (!writeAckFrame(writer, space.acks.received(), delay, space.acks.ecnCounts())) return;
  space.acks.onAckSent();
  content.frames.push_back(SentAck{*space.acks.largest(), name});
  content.hasAck = true;
}

FlowClock flowClock(const QuicConnectionState& state) {
  const RttEstimator& rtt = state.paths.active().rtt;
  return {state.now, rtt.hasSample() ? rtt.smoothed() : Duration{0}};
}

bool hasAppControl(const QuicConnectionState& state) {
  return state.handshake.isDonePending || state.newTokensSent.hasToSend() || state.selfIds.hasToSend() ||
         state.peerIds.hasToRetire() || state.isPingPending || hasMigrationFrames(state) ||
         state.ackFrequency.isDue() || state.streams.hasControlToSend();
}

void writeConnectionControl(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent) {
  if (state.handshake.isDonePending && writeFrame(writer, HandshakeDoneFrame{})) {
    state.handshake.isDonePending = false;
    sent.push_back(SentHandshakeDone{});
  }
  if (state.newTokensSent.hasToSend() && writeFrame(writer, state.newTokensSent.frame())) {
    sent.push_back(state.newTokensSent.onWritten());
  }
  writeMigrationFrames(state, writer, sent);
  writeAckFrequency(state, writer, sent);
  while (const auto frame = state.selfIds.nextFrame()) {
    if (!writeFrame(writer, *frame)) break;
    state.selfIds.onFrameWritten();
    sent.push_back(SentNewConnectionId{frame->sequence});
  }
  while (state.peerIds.hasToRetire()) {
    const uint64_t sequence = state.peerIds.nextRetire();
    if (!writeFrame(writer, RetireConnectionIdFrame{sequence})) break;
    state.peerIds.onRetireWritten();
    sent.push_back(SentRetireConnectionId{sequence});
  }
  if (state.streams.hasControlToSend()) state.streams.writeControlFrames(writer, sent, flowClock(state));
}

void writeAppFrames(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent) {
  PacketSpace& space = state.space(PacketNumberSpace::AppData);
  if (space.crypto.hasToSend()) space.crypto.writeFrames(writer, sent);
  if (hasAppControl(state)) writeConnectionControl(state, writer, sent);
  if (state.isPingPending && writeFrame(writer, PingFrame{})) {
    state.isPingPending = false;
    sent.push_back(SentPing{});
  }
  if (hasDataToSend(state)) writeDataFrames(state, writer, sent);
}

/// RFC 9000 §13.2.4: whoever only acknowledges is not acknowledged, and its reports grow, unless it asks now and then.
bool asksForAnswer(const PacketSpace& space, EncryptionLevel level) {
  return level == EncryptionLevel::OneRtt && space.acks.wantsAnswer();
}

/// RFC 9000 §12.5: what a client may say before the handshake is complete.
bool hasEarlyFrames(const QuicConnectionState& state) {
  return state.isPingPending || state.streams.hasControlToSend() || hasDataToSend(state);
}

void writeEarlyFrames(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent) {
  if (state.streams.hasControlToSend()) state.streams.writeControlFrames(writer, sent, flowClock(state));
  if (state.isPingPending && writeFrame(writer, PingFrame{})) {
    state.isPingPending = false;
    sent.push_back(SentPing{});
  }
  if (hasDataToSend(state)) writeDataFrames(state, writer, sent);
}

}  // namespace

bool hasInterest(const QuicConnectionState& state, EncryptionLevel level, SendConstraint constraint) {
  if (level == EncryptionLevel::ZeroRtt) {
    return constraint != SendConstraint::CongestionLimited && maySendEarlyData(state) && hasEarlyFrames(state);
  }
  const PacketNumberSpace name = spaceOf(level);
  const PacketSpace& space = state.space(name);
  if (!space.writeKeys) return false;
  if (space.acks.isDue(state.now)) return true;
  if (constraint == SendConstraint::CongestionLimited) return false;
  if (space.probesToSend > 0 || space.crypto.hasToSend()) return true;
  if (level != EncryptionLevel::OneRtt) return false;
  // RFC 9001 §5.7: a server holds 1-RTT data back until the client is known; a client has finished by now.
  if (state.isHandshaking()) return mayAnswerEarlyData(state) && hasEarlyFrames(state);
  return hasAppControl(state) || hasDataToSend(state);
}

PacketContent fillPacket(QuicConnectionState& state, EncryptionLevel level, SendConstraint constraint,
                         ByteWriter& writer) {
  PacketContent content;
  const PacketNumberSpace name = spaceOf(level);
  PacketSpace& space = state.space(name);
  if (level != EncryptionLevel::ZeroRtt) writeAck(state, name, writer, content);  // RFC 9000 §17.2.3
  if (constraint == SendConstraint::CongestionLimited) return content;

  const size_t before = content.frames.size();
  const bool isEarly =
      level == EncryptionLevel::ZeroRtt || (level == EncryptionLevel::OneRtt && mayAnswerEarlyData(state));
  if (state.isHandshaking() && isEarly) {
    writeEarlyFrames(state, writer, content.frames);
  } else if (level != EncryptionLevel::OneRtt) {
    // Each probe carries the flight, as far as it fits: of a lost first one, a PING behind it would tell nothing.
    if (space.probesToSend > 0 && !space.crypto.hasToSend()) space.crypto.resendUnacked();
    space.crypto.writeFrames(writer, content.frames);
  } else if (!state.isHandshaking()) {
    writeAppFrames(state, writer, content.frames);
  }
  if (space.probesToSend > 0 && level == EncryptionLevel::OneRtt) writeImmediateAck(state, writer, content.frames);
  content.ackEliciting = content.frames.size() > before;
  // RFC 9002 §6.2.4: a probe is ack-eliciting, if only by a PING.
  const bool mustElicit = space.probesToSend > 0 || (content.hasAck && asksForAnswer(space, level));
  if (mustElicit && !content.ackEliciting && writeFrame(writer, PingFrame{})) {
    content.frames.push_back(SentPing{});
    content.ackEliciting = true;
    space.acks.onAnswerAskedFor();
  }
  return content;
}

}  // namespace quic
