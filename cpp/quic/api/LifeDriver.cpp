#include "quic/api/LifeDriver.h"

#include <algorithm>

#include "quic/common/ByteCursor.h"

namespace quic {
namespace {

constexpr size_t kMaxReasonSize = 1024;     // of the peer's words that are kept
constexpr size_t kMaxSentReasonSize = 256;  // of our own that are sent

Duration threePtos(const QuicConnectionState& state) {
  return 3 * state.paths.active().rtt.pto(state.peerMaxAckDelay());  // RFC 9000 §10.2
}

/// RFC 9000 §10.1: the smaller of what both ends announced; never less than three PTOs.
std::optional<Duration> idleTimeout(const QuicConnectionState& state) {
  Duration timeout = state.settings.idleTimeout;
  if (state.handshake.peerParameters && state.handshake.peerParameters->maxIdleTimeout != 0) {
    // Beyond a century it is as good as none, and must not overflow.
    constexpr uint64_t kLongest = 100ull * 365 * 24 * 3600 * 1000;
    const Duration theirs =
        std::chrono::milliseconds(std::min(state.handshake.peerParameters->maxIdleTimeout, kLongest));
    timeout = timeout == Duration{0} ? theirs : std::min(timeout, theirs);
  }
  if (timeout == Duration{0}) return std::nullopt;
  return std::max(timeout, threePtos(state));
}

TimePoint idleBase(const QuicConnectionState& state) {
  return state.idle.firstAskedAt ? std::max(*state.idle.firstAskedAt, state.idle.lastReceivedAt)
                                 : state.idle.lastReceivedAt;
}

/// Of two intervals of which 0 means none.
Duration shorter(Duration a, Duration b) {
  if (a == Duration{0} || b == Duration{0}) return std::max(a, b);
  return std::min(a, b);
}

Duration keepAliveInterval(const QuicConnectionState& state) {
  // A client that was told of a move must notice it even when it has nothing to say [BUG 12].
  constexpr Duration kWatchInterval = 500ms;
  const ServerMigrationClient* client = state.migrationClient();
  const bool watches = client != nullptr && client->state() != ServerMigrationClient::State::Idle;
  const Duration interval = shorter(state.settings.keepAliveInterval, watches ? kWatchInterval : Duration{0});
  // Whoever wants to be kept alive wants it in time (RFC 9000 §10.1.2), and so does who waits for credit (§4.1).
  const auto timeout = idleTimeout(state);
  if (!timeout || (interval == Duration{0} && !state.streams.isHeldUp())) return interval;
  return shorter(interval, *timeout / 2);
}

std::optional<TimePoint> keepAliveAt(const QuicConnectionState& state) {
  const Duration interval = keepAliveInterval(state);
  if (interval == Duration{0} || state.isHandshaking() || state.isPingPending) return std::nullopt;
  if (state.recovery.hasAckElicitingInFlight(PacketNumberSpace::AppData)) return std::nullopt;
  return state.idle.lastReceivedAt + interval;
}

void forgetKeys(QuicConnectionState& state) {
  for (PacketSpace& space : state.spaces) {
    space.readKeys = {};
    space.writeKeys = {};
  }
  state.earlyData.keys = {};
}

}  // namespace

void closeConnection(QuicConnectionState& state, const QuicError& error, std::string_view reason) {
  if (!state.isOpen()) return;
  const std::string_view words = reason.empty() ? error.reason : reason;
  life::Closing closing;
  closing.error = error;
  closing.reason = std::string(words.substr(0, kMaxSentReasonSize));
  closing.until = state.now + threePtos(state);
  state.life = std::move(closing);
  state.events.emplace_back(ConnectionClosed{error, std::string(words)});
}

void onPeerClose(QuicConnectionState& state, const ConnectionCloseFrame& frame) {
  if (!state.isOpen()) return;
  QuicError error{TransportErrorCode::NO_ERROR, "closed by the peer", Initiator::Remote, frame.frameType};
  if (frame.isApplication) {
    error.code = static_cast<ApplicationErrorCode>(frame.errorCode);
  } else {
    error.code = static_cast<TransportErrorCode>(frame.errorCode);
  }
  const ByteSpan reason = frame.reason.first(std::min(frame.reason.size(), kMaxReasonSize));
  state.life = life::Draining{state.now + threePtos(state)};
  state.events.emplace_back(ConnectionClosed{error, std::string(asText(reason))});
}

void onStatelessReset(QuicConnectionState& state) {
  if (!state.isOpen()) return;
  const QuicError error{LocalErrorCode::STATELESS_RESET, "the peer no longer knows this connection", Initiator::Remote};
  state.life = life::Draining{state.now + threePtos(state)};
  state.events.emplace_back(ConnectionClosed{error, std::string(error.reason)});
}

void abandonConnection(QuicConnectionState& state, const QuicError& error) {
  if (!state.isOpen()) return;
  state.life = life::Closed{};
  state.events.emplace_back(ConnectionClosed{error, std::string(error.reason)});
  forgetKeys(state);
}

bool hasPacketNumbers(const QuicConnectionState& state, PacketNumberSpace name) {
  return state.space(name).nextNumber < kMaxVarint;
}

void endAfterLastPacketNumber(QuicConnectionState& state) {
  for (int i = 0; i < kPacketNumberSpaces; ++i) {
    if (hasPacketNumbers(state, static_cast<PacketNumberSpace>(i))) continue;
    abandonConnection(state, {TransportErrorCode::INTERNAL_ERROR, "packet numbers are used up"});
  }
}

void onDatagramWhileClosing(QuicConnectionState& state, size_t size) {
  auto* closing = std::get_if<life::Closing>(&state.life);
  if (closing == nullptr) return;
  // RFC 9001 §6.6: said once, and nothing is sealed any more.
  if (closing->error.code == QuicErrorCode(TransportErrorCode::AEAD_LIMIT_REACHED)) return;
  closing->receivedBytes += size;
  if (++closing->received < closing->answerAt) return;
  if (closing->answeredBytes + closing->closeSize > kAmplificationFactor * closing->receivedBytes) return;
  closing->answerAt = 2 * closing->received;
  closing->isSendPending = true;
}

void onCloseSent(QuicConnectionState& state, size_t size) {
  auto& closing = std::get<life::Closing>(state.life);
  if (closing.received > 0) closing.answeredBytes += size;
  closing.closeSize = size;
}

void onPacketProcessed(QuicConnectionState& state) {
  state.idle.lastReceivedAt = state.now;
  state.idle.firstAskedAt.reset();
}

void onAckElicitingSent(QuicConnectionState& state) {
  if (!state.idle.firstAskedAt) state.idle.firstAskedAt = state.now;
}

std::optional<TimePoint> nextLifeTimeout(const QuicConnectionState& state) {
  if (const auto* closing = std::get_if<life::Closing>(&state.life)) return closing->until;
  if (const auto* draining = std::get_if<life::Draining>(&state.life)) return draining->until;
  if (!state.isOpen()) return std::nullopt;
  std::optional<TimePoint> next;
  const auto consider = [&](TimePoint at) { next = next ? std::min(*next, at) : at; };
  if (state.isHandshaking() && state.settings.handshakeTimeout != Duration{0}) consider(state.handshake.deadline);
  if (const auto timeout = idleTimeout(state)) consider(idleBase(state) + *timeout);
  if (const auto at = keepAliveAt(state)) consider(*at);
  return next;
}

void onLifeTimeout(QuicConnectionState& state) {
  const bool closingOver =
      (std::holds_alternative<life::Closing>(state.life) && std::get<life::Closing>(state.life).until <= state.now) ||
      (std::holds_alternative<life::Draining>(state.life) && std::get<life::Draining>(state.life).until <= state.now);
  if (closingOver) {
    state.life = life::Closed{};
    forgetKeys(state);
    return;
  }
  if (!state.isOpen()) return;
  if (state.isHandshaking() && state.settings.handshakeTimeout != Duration{0} &&
      state.handshake.deadline <= state.now) {
    abandonConnection(state, {LocalErrorCode::HANDSHAKE_TIMEOUT, "the handshake took too long"});
    return;
  }
  const auto timeout = idleTimeout(state);
  if (timeout && idleBase(state) + *timeout <= state.now) {
    abandonConnection(state, {LocalErrorCode::IDLE_TIMEOUT, "nothing was heard from the peer for the idle timeout"});
    return;
  }
  const auto keepAlive = keepAliveAt(state);
  if (!keepAlive || *keepAlive > state.now) return;
  state.isPingPending = true;
  if (state.streams.isHeldUp()) state.streams.repeatBlocked();
}

}  // namespace quic
