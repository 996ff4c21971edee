#include "quic/api/QuicTransportBase.h"

#include "quic/api/DatagramDriver.h"
#include "quic/api/EarlyDataDriver.h"
#include "quic/api/KeyDriver.h"
#include "quic/api/LifeDriver.h"
#include "quic/api/PacketReceiver.h"
#include "quic/api/QLogDriver.h"
#include "quic/api/QuicConnectionState.h"
#include "quic/api/Timers.h"
#include "quic/api/TransmitDriver.h"

namespace quic {
namespace {

Unexpected<QuicError> isClosed() { return fail(LocalErrorCode::CONNECTION_CLOSED, "the connection is closed"); }

std::string_view ecnName(const QuicConnectionState& state) {
  if (!state.settings.ecn) return "off";
  switch (state.paths.active().ecn.state(state.now)) {
    case EcnMarking::State::Capable: return "capable";
    case EcnMarking::State::Failed: return "failed";
    default: return "testing";
  }
}

}  // namespace

QuicTransportBase::QuicTransportBase(std::unique_ptr<QuicConnectionState> state) : state_(std::move(state)) {}
QuicTransportBase::~QuicTransportBase() = default;

void QuicTransportBase::onDatagram(TimePoint now, const ReceivedDatagram& datagram) {
  state_->now = now;
  receiveDatagram(*state_, datagram);
  logChanges(*state_, Initiator::Remote);
}

bool QuicTransportBase::onUnroutedDatagram(TimePoint now, const ReceivedDatagram& datagram) {
  if (!state_->isOpen() || !isStatelessReset(*state_, datagram)) return false;
  state_->now = now;
  onStatelessReset(*state_);
  logChanges(*state_, Initiator::Remote);
  return true;
}

void QuicTransportBase::onTimeout(TimePoint now) {
  state_->now = now;
  quic::onTimeout(*state_);
  logChanges(*state_, Initiator::Local);
}

void QuicTransportBase::onUnreachable(TimePoint now, const SocketAddress& peer) {
  state_->now = now;
  const bool hasHeard = state_->stats.packetsReceived > 0;
  if (!state_->isHandshaking() || hasHeard || state_->paths.active().tuple.peer != peer) return;
  abandonConnection(*state_, {LocalErrorCode::PEER_UNREACHABLE, "the network says that nobody listens there"});
}

void QuicTransportBase::onResumed(TimePoint now, Duration frozenFor) {
  state_->now = now;
  quic::onResumed(*state_, frozenFor);
}

std::optional<Transmit> QuicTransportBase::pollTransmit(TimePoint now, MutableByteSpan out) {
  state_->now = now;
  auto transmit = quic::pollTransmit(*state_, out);
  logChanges(*state_, Initiator::Local);
  return transmit;
}

std::optional<TransportEvent> QuicTransportBase::pollEvent() {
  // Streams and datagrams keep their events themselves; a connection's own come first, so that a stream is never heard of
  // before HandshakeFinished. ConnectionClosed waits for the others' last ones.
  const bool onlyTheEnd =
      state_->events.size() == 1 && std::holds_alternative<ConnectionClosed>(state_->events.front());
  if (state_->events.empty() || onlyTheEnd) {
    if (mayTellOfStreams(*state_)) {
      if (auto event = pollDataEvent(*state_)) return event;
    }
    // The log is the last but one, so that what one turn brought is one text.
    if (auto text = takeQLog(*state_)) return TransportEvent(std::move(*text));
  }
  if (state_->events.empty()) return std::nullopt;
  TransportEvent event = std::move(state_->events.front());
  state_->events.pop_front();
  onEventTaken(*state_, event);
  return event;
}

std::optional<RoutingEvent> QuicTransportBase::pollRouting() {
  if (state_->routing.empty()) {
    const auto change = state_->peerIds.nextTokenChange();
    if (!change) return std::nullopt;
    return change->isKnown ? RoutingEvent(ResetTokenKnown{change->token})
                           : RoutingEvent(ResetTokenForgotten{change->token});
  }
  RoutingEvent event = state_->routing.front();
  state_->routing.pop_front();
  return event;
}

std::optional<TimePoint> QuicTransportBase::nextTimeout() const { return quic::nextTimeout(*state_); }

Result<StreamId> QuicTransportBase::openStream(bool unidirectional) {
  if (!state_->isOpen()) return isClosed();
  return state_->streams.open(unidirectional);
}

Result<> QuicTransportBase::writeStream(StreamId id, OwnedBytes&& bytes, bool fin) {
  if (!state_->isOpen()) return isClosed();
  const size_t size = bytes.size();
  const Result<> written = state_->streams.write(id, std::move(bytes), fin);
  if (written) logStreamData(*state_, id, DataDirection::FromApplication, size, fin);
  return written;
}

Result<StreamRead> QuicTransportBase::readStream(StreamId id, MutableByteSpan out) {
  const Result<StreamRead> read = state_->streams.read(id, out);
  if (read && (read->size > 0 || read->fin)) {
    logStreamData(*state_, id, DataDirection::ToApplication, read->size, read->fin);
  }
  return read;
}

Result<> QuicTransportBase::resetStream(StreamId id, uint64_t errorCode) {
  if (!state_->isOpen()) return isClosed();
  return state_->streams.reset(id, errorCode);
}

Result<> QuicTransportBase::resetStreamAt(StreamId id, uint64_t errorCode, uint64_t reliableSize) {
  if (!state_->isOpen()) return isClosed();
  return state_->streams.resetAt(id, errorCode, reliableSize);
}

Result<> QuicTransportBase::stopSending(StreamId id, uint64_t errorCode) {
  if (!state_->isOpen()) return isClosed();
  return state_->streams.stopSending(id, errorCode);
}

Result<> QuicTransportBase::updateKeys(TimePoint now) {
  if (!state_->isOpen()) return isClosed();
  state_->now = now;
  return quic::updateKeys(*state_);
}

Result<> QuicTransportBase::setStreamPriority(StreamId id, const StreamPriority& priority) {
  if (!state_->isOpen()) return isClosed();
  return state_->streams.setPriority(id, priority);
}

Result<> QuicTransportBase::sendDatagram(TimePoint now, OwnedBytes&& bytes, const DatagramOptions& options) {
  state_->now = now;
  if (!state_->isOpen()) return isClosed();
  const size_t size = bytes.size();
  const Result<> taken = quic::sendDatagram(*state_, std::move(bytes), options);
  if (taken) logDatagramData(*state_, DataDirection::FromApplication, size);
  return taken;
}

void QuicTransportBase::close(TimePoint now, const QuicErrorCode& code, std::string_view reason) {
  state_->now = now;
  closeConnection(*state_, QuicError{code, "closed by the application"}, reason);
}

void QuicTransportBase::stopQlog() {
  state_->settings.qlog = false;
  state_->qlog.reset();
}

Role QuicTransportBase::role() const { return state_->role; }
bool QuicTransportBase::isHandshakeFinished() const { return !state_->isHandshaking(); }
bool QuicTransportBase::isHandshakeConfirmed() const { return state_->isConfirmed(); }
bool QuicTransportBase::isDrained() const { return std::holds_alternative<life::Closed>(state_->life); }
bool QuicTransportBase::isClosing() const { return !state_->isOpen(); }
FourTuple QuicTransportBase::activePath() const { return state_->paths.active().tuple; }
uint32_t QuicTransportBase::version() const { return state_->handshake.version; }
uint64_t QuicTransportBase::bufferedBytes(StreamId id) const { return state_->streams.bufferedBytes(id); }
bool QuicTransportBase::hasUnfinishedSends() const { return state_->streams.hasUnfinishedSends(); }

std::optional<size_t> QuicTransportBase::maxDatagramPayload() const { return quic::maxDatagramPayload(*state_); }

size_t QuicTransportBase::waitingDatagrams() const { return state_->datagrams.sender.size(); }

CipherSuite QuicTransportBase::cipherSuite() const { return state_->keys.suite; }

bool QuicTransportBase::isKeyUpdateFollowed() const {
  return state_->keys.phases.isFollowed() && !state_->awaited.keyUpdate;
}

Result<ByteVector> QuicTransportBase::exportKeyingMaterial(std::string_view label, ByteSpan context,
                                                           size_t size) const {
  if (state_->isHandshaking() || size < 1 || size > 255) {
    return fail(LocalErrorCode::INVALID_ARGUMENT, "1 to 255 bytes, and not before the handshake is finished");
  }
  return state_->handshake.tls->exportKeyingMaterial(label, context, size);
}

ConnectionStats QuicTransportBase::stats() const {
  ConnectionStats stats = state_->stats;
  const Path& path = state_->paths.active();
  stats.congestionWindow = path.controller->congestionWindow();
  stats.bytesInFlight = path.controller->bytesInFlight();
  stats.congestionControl = path.controller->name();
  stats.deliveryRate = path.deliveryRate.latest();
  stats.pacingRate = path.pacer.rate();
  stats.smoothedRtt = path.rtt.smoothed();
  stats.minRtt = path.rtt.min();
  stats.latestRtt = path.rtt.latest();
  stats.ptoCount = static_cast<uint64_t>(state_->recovery.ptoCount());
  stats.datagramsDropped = state_->datagrams.receiver.dropped();
  stats.openStreams = state_->streams.openStreams();
  stats.keyUpdates = state_->keys.phases.generation();
  stats.datagramSize = state_->datagramSize();
  stats.ecn = ecnName(*state_);
  return stats;
}

}  // namespace quic
