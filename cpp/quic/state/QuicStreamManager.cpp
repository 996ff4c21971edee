#include "quic/state/QuicStreamManager.h"

namespace quic {

namespace {
constexpr uint64_t kMaxStreamCount = uint64_t{1} << 60;  // RFC 9000 §4.6
constexpr uint64_t kStreamLimitParts = 8;                // MAX_STREAMS when an eighth of the streams has been replaced

uint64_t wire(FrameType type) { return static_cast<uint64_t>(type); }

/// Keeps `total` the number of streams of which `isSo` was true when they were last looked at.
void count(bool isSo, bool& wasSo, size_t& total) {
  if (isSo && !wasSo) ++total;
  if (!isSo && wasSo) --total;
  wasSo = isSo;
}
}  // namespace

QuicStreamManager::QuicStreamManager(Role role, const StreamSettings& settings)
    : role_(role),
      settings_(settings),
      receiveCredit_(settings.initialConnectionWindow, std::min(settings.connectionWindow, kMaxVarint)),
      remote_{ReceiveCredit(settings.bidirectionalStreams, kStreamLimitParts, kMaxStreamCount),
              ReceiveCredit(settings.unidirectionalStreams, kStreamLimitParts, kMaxStreamCount)} {
  settings_.streamWindow = std::min(settings_.streamWindow, kMaxVarint);
  settings_.initialStreamWindow = std::min(settings_.initialStreamWindow, settings_.streamWindow);
}

// ---- facts

void QuicStreamManager::setInitialLimits(const TransportParameters& peer) {
  isPeerKnown_ = true;
  mayResetAt_ = settings_.resetStreamAt && peer.resetStreamAt;
  // RFC 9000 §18.2: "local" and "remote" are as the sender of the parameters sees them.
  localBidirectionalLimit_ = peer.initialMaxStreamDataBidiRemote;
  remoteBidirectionalLimit_ = peer.initialMaxStreamDataBidiLocal;
  unidirectionalLimit_ = peer.initialMaxStreamDataUni;
}

void QuicStreamManager::onPeerParameters(const TransportParameters& peer) {
  setInitialLimits(peer);
  sendCredit_.raise(peer.initialMaxData);
  raiseLocalStreams(false, peer.initialMaxStreamsBidi);
  raiseLocalStreams(true, peer.initialMaxStreamsUni);
  // Streams opened in 0-RTT live under remembered limits until now (RFC 9000 §7.4.1).
  table_.forEach([this](Stream& stream) {
    stream.send.onMaxStreamData(initialSendLimit(stream.id));
    refresh(stream);
  });
}

void QuicStreamManager::onEarlyDataRejected(const TransportParameters& peer) {
  setInitialLimits(peer);
  sendCredit_ = SendCredit(peer.initialMaxData);
  for (const bool unidirectional : {false, true}) {
    LocalStreams& streams = local_[unidirectional];
    const uint64_t limit = unidirectional ? peer.initialMaxStreamsUni : peer.initialMaxStreamsBidi;
    streams.isWanted = streams.isWanted || streams.credit.used() > limit;
    streams.credit = SendCredit(limit, streams.credit.used());
  }
  table_.forEach([this](Stream& stream) {
    stream.send.restart(initialSendLimit(stream.id), mayResetAt_);
    refresh(stream);
  });
}

Result<> QuicStreamManager::onStreamFrame(const StreamFrame& frame) {
  const uint64_t end = frame.offset + frame.data.size();
  if (frame.offset > kMaxVarint || end > kMaxVarint) {
    return fail(TransportErrorCode::FRAME_ENCODING_ERROR, "stream beyond 2^62-1", wire(FrameType::STREAM));
  }
  const Result<Stream*> found = lookUp(frame.id, Part::Receive, FrameType::STREAM);
  if (!found) return forward(found.error());
  if (*found == nullptr) return Unit{};
  Stream& stream = **found;
  if (const Result<> admitted = admit(stream, end, frame.fin, FrameType::STREAM); !admitted) return admitted;
  if (!stream.receive.onData(frame, blocks_)) {
    // No rule of QUIC is broken, so the code says that it is we who cannot go on (RFC 9000 §20.1, §21.9).
    return fail(TransportErrorCode::INTERNAL_ERROR, "too many gaps in a stream", wire(FrameType::STREAM));
  }
  receiveCredit_.onDropped(stream.receive.takeDropped());
  announceReadable(stream);
  settle(stream);
  return Unit{};
}

Result<> QuicStreamManager::onResetStream(const ResetStreamFrame& frame) {
  return onReset({frame.id, frame.errorCode, frame.finalSize, 0}, FrameType::RESET_STREAM);
}

Result<> QuicStreamManager::onResetStreamAt(const ResetStreamAtFrame& frame) {
  if (!settings_.resetStreamAt) {  // to us it is a frame like any that we do not know (RFC 9000 §12.4)
    return fail(TransportErrorCode::FRAME_ENCODING_ERROR, "RESET_STREAM_AT was not offered",
                wire(FrameType::RESET_STREAM_AT));
  }
  return onReset(frame, FrameType::RESET_STREAM_AT);
}

Result<> QuicStreamManager::onReset(const ResetStreamAtFrame& frame, FrameType type) {
  const Result<Stream*> found = lookUp(frame.id, Part::Receive, type);
  if (!found) return forward(found.error());
  if (*found == nullptr) return Unit{};
  Stream& stream = **found;
  if (const Result<> allowed = stream.receive.admitReset(frame, type); !allowed) return allowed;
  if (const Result<> admitted = admit(stream, frame.finalSize, true, type); !admitted) return admitted;
  const ReceiveState before = stream.receive.state();
  stream.receive.onReset(frame, blocks_);
  receiveCredit_.onDropped(stream.receive.takeDropped());
  announceReset(stream, before);
  settle(stream);
  return Unit{};
}

Result<> QuicStreamManager::onStopSending(const StopSendingFrame& frame) {
  const Result<Stream*> found = lookUp(frame.id, Part::Send, FrameType::STOP_SENDING);
  if (!found) return forward(found.error());
  if (*found == nullptr) return Unit{};
  Stream& stream = **found;
  if (stream.send.reset(frame.errorCode)) {
    stream.isAboveLowWater = false;
    events_.push(StreamStopped{frame.id, frame.errorCode});
  }
  settle(stream);
  return Unit{};
}

Result<> QuicStreamManager::onMaxData(const MaxDataFrame& frame) {
  sendCredit_.raise(frame.limit);
  return Unit{};
}

Result<> QuicStreamManager::onMaxStreamData(const MaxStreamDataFrame& frame) {
  const Result<Stream*> found = lookUp(frame.id, Part::Send, FrameType::MAX_STREAM_DATA);
  if (!found) return forward(found.error());
  if (*found == nullptr) return Unit{};
  (*found)->send.onMaxStreamData(frame.limit);
  settle(**found);
  return Unit{};
}

Result<> QuicStreamManager::onMaxStreams(const MaxStreamsFrame& frame) {
  if (frame.limit > kMaxStreamCount) {
    const FrameType type = frame.unidirectional ? FrameType::MAX_STREAMS_UNI : FrameType::MAX_STREAMS_BIDI;
    return fail(TransportErrorCode::FRAME_ENCODING_ERROR, "more than 2^60 streams", wire(type));  // RFC 9000 §19.11
  }
  raiseLocalStreams(frame.unidirectional, frame.limit);
  return Unit{};
}

// What a peer is blocked by is no news: credit is raised as the application reads, and lost raises are sent again.

Result<> QuicStreamManager::onDataBlocked(const DataBlockedFrame&) { return Unit{}; }

Result<> QuicStreamManager::onStreamDataBlocked(const StreamDataBlockedFrame& frame) {
  const Result<Stream*> found = lookUp(frame.id, Part::Receive, FrameType::STREAM_DATA_BLOCKED);
  if (!found) return forward(found.error());
  return Unit{};
}

Result<> QuicStreamManager::onStreamsBlocked(const StreamsBlockedFrame& frame) {
  if (frame.limit > kMaxStreamCount) {
    const FrameType type = frame.unidirectional ? FrameType::STREAMS_BLOCKED_UNI : FrameType::STREAMS_BLOCKED_BIDI;
    return fail(TransportErrorCode::FRAME_ENCODING_ERROR, "more than 2^60 streams", wire(type));  // RFC 9000 §19.14
  }
  return Unit{};
}

// ---- verbs

Result<StreamId> QuicStreamManager::open(bool unidirectional) {
  LocalStreams& streams = local_[unidirectional];
  if (streams.credit.available() == 0) {
    streams.isWanted = true;
    return fail(LocalErrorCode::STREAM_LIMIT_EXCEEDED, "the peer allows no further stream yet");
  }
  const StreamId id = StreamId::make(streams.credit.used(), role_ == Role::Server, unidirectional);
  streams.credit.use(1);
  create(id);
  return id;
}

Result<> QuicStreamManager::write(StreamId id, OwnedBytes&& bytes, bool fin) {
  const Result<Stream*> found = require(id, Part::Send);
  if (!found) return forward(found.error());
  Stream& stream = **found;
  if (!stream.send.isWritable()) return fail(LocalErrorCode::STREAM_SEND_CLOSED, "written after the end or a reset");
  if (bytes.size() > kMaxVarint - stream.send.writtenBytes()) {
    return fail(LocalErrorCode::INVALID_ARGUMENT, "a stream ends at 2^62-1 bytes");  // RFC 9000 §19.8
  }
  stream.writtenSinceWritable += bytes.size();
  stream.send.write(std::move(bytes), fin);
  if (std::max(stream.writtenSinceWritable, stream.send.bufferedBytes()) > settings_.sendLowWater) {
    stream.isAboveLowWater = true;
  }
  settle(stream);
  return Unit{};
}

Result<> QuicStreamManager::reset(StreamId id, uint64_t errorCode) {
  if (errorCode > kMaxVarint) return fail(LocalErrorCode::INVALID_ARGUMENT, "error codes have 62 bits");
  const Result<Stream*> found = require(id, Part::Send);
  if (!found) return forward(found.error());
  (*found)->send.reset(errorCode);
  (*found)->isAboveLowWater = false;
  settle(**found);
  return Unit{};
}

Result<> QuicStreamManager::resetAt(StreamId id, uint64_t errorCode, uint64_t reliableSize) {
  if (reliableSize == 0) return reset(id, errorCode);
  if (!mayResetAt_) return fail(LocalErrorCode::RESET_STREAM_AT_UNSUPPORTED, "the peer does not know RESET_STREAM_AT");
  if (errorCode > kMaxVarint) return fail(LocalErrorCode::INVALID_ARGUMENT, "error codes have 62 bits");
  const Result<Stream*> found = require(id, Part::Send);
  if (!found) return forward(found.error());
  const Result<bool> done = (*found)->send.resetAt(errorCode, reliableSize);
  if (!done) return forward(done.error());
  (*found)->isAboveLowWater = false;
  settle(**found);
  return Unit{};
}

Result<> QuicStreamManager::stopSending(StreamId id, uint64_t errorCode) {
  if (errorCode > kMaxVarint) return fail(LocalErrorCode::INVALID_ARGUMENT, "error codes have 62 bits");
  const Result<Stream*> found = require(id, Part::Receive);
  if (!found) return forward(found.error());
  Stream& stream = **found;
  stream.receive.stopSending(errorCode, blocks_);
  receiveCredit_.onDropped(stream.receive.takeDropped());
  settle(stream);
  return Unit{};
}

Result<StreamRead> QuicStreamManager::read(StreamId id, MutableByteSpan out) {
  const Result<Stream*> found = require(id, Part::Receive);
  if (!found) return forward(found.error());
  Stream& stream = **found;
  if (!stream.receive.isReadingOpen()) return fail(LocalErrorCode::STREAM_CLOSED, "read after a reset or stopSending");
  const ReceiveState before = stream.receive.state();
  StreamRead result;
  result.size = stream.receive.read(out, blocks_);
  result.fin = stream.receive.state() == ReceiveState::DataRead;
  receiveCredit_.onRead(result.size);
  receiveCredit_.onDropped(stream.receive.takeDropped());
  announceReset(stream, before);
  stream.isReadableTold = false;
  announceReadable(stream);
  settle(stream);
  return result;
}

Result<> QuicStreamManager::setPriority(StreamId id, const StreamPriority& priority) {
  if (priority.urgency >= kUrgencies) return fail(LocalErrorCode::INVALID_ARGUMENT, "urgency goes from 0 to 7");
  const Result<Stream*> found = require(id, Part::Send);
  if (!found) return forward(found.error());
  scheduler_.setPriority(table_, **found, priority);
  return Unit{};
}

// ---- nouns

uint64_t QuicStreamManager::bufferedBytes(StreamId id) const {
  const Stream* stream = table_.find(id);
  return stream == nullptr ? 0 : stream->send.bufferedBytes();
}

size_t QuicStreamManager::openStreams() const { return table_.size(); }

bool QuicStreamManager::hasUnfinishedSends() const { return unfinished_ > 0; }

void QuicStreamManager::fillParameters(TransportParameters& ours) const {
  ours.initialMaxData = receiveCredit_.limit();
  ours.initialMaxStreamDataBidiLocal = settings_.initialStreamWindow;
  ours.initialMaxStreamDataBidiRemote = settings_.initialStreamWindow;
  ours.initialMaxStreamDataUni = settings_.initialStreamWindow;
  ours.initialMaxStreamsBidi = remote_[0].limit();
  ours.initialMaxStreamsUni = remote_[1].limit();
  ours.resetStreamAt = settings_.resetStreamAt;
}

// ---- finding, opening, closing

bool QuicStreamManager::hasPart(StreamId id, Part part) const {
  return !id.isUnidirectional() || isLocal(id) == (part == Part::Send);
}

Result<Stream*> QuicStreamManager::lookUp(StreamId id, Part part, FrameType type) {
  if (Stream* stream = table_.find(id); stream != nullptr && hasPart(id, part)) return stream;
  if (!hasPart(id, part)) {
    return fail(TransportErrorCode::STREAM_STATE_ERROR, "a frame for the direction that a stream lacks", wire(type));
  }
  if (isLocal(id)) {
    if (id.ordinal() < local_[id.isUnidirectional()].credit.used()) return nullptr;
    return fail(TransportErrorCode::STREAM_STATE_ERROR, "a stream that we have not opened", wire(type));
  }
  ReceiveCredit& streams = remote_[id.isUnidirectional()];
  if (id.ordinal() < streams.received()) return nullptr;
  if (!streams.allows(id.ordinal() + 1)) {
    return fail(TransportErrorCode::STREAM_LIMIT_ERROR, "a stream beyond the limit", wire(type));  // RFC 9000 §4.6
  }
  // RFC 9000 §3.2: a stream opens all lower ones of its kind.
  Stream* last = nullptr;
  for (uint64_t ordinal = streams.received(); ordinal <= id.ordinal(); ++ordinal) {
    last = &create(StreamId::make(ordinal, id.isServerInitiated(), id.isUnidirectional()));
    events_.push(StreamOpened{last->id});
  }
  streams.onReceived(id.ordinal() + 1);
  return last;
}

Result<Stream*> QuicStreamManager::require(StreamId id, Part part) {
  if (!hasPart(id, part)) return fail(LocalErrorCode::INVALID_ARGUMENT, "the stream lacks this direction");
  Stream* stream = table_.find(id);
  if (stream == nullptr) return fail(LocalErrorCode::STREAM_CLOSED, "no such stream");
  return stream;
}

Stream& QuicStreamManager::create(StreamId id) {
  Stream& stream = table_.create(id);
  if (hasPart(id, Part::Send)) stream.send.begin(initialSendLimit(id));
  if (hasPart(id, Part::Receive))
    stream.receive.begin(ReceiveWindow(settings_.initialStreamWindow, settings_.streamWindow));
  return stream;
}

uint64_t QuicStreamManager::initialSendLimit(StreamId id) const {
  if (id.isUnidirectional()) return unidirectionalLimit_;
  return isLocal(id) ? localBidirectionalLimit_ : remoteBidirectionalLimit_;
}

void QuicStreamManager::settle(Stream& stream) {
  refresh(stream);
  if (stream.send.isFinal() && stream.receive.isFinal()) forget(stream);
}

void QuicStreamManager::refresh(Stream& stream) {
  const SendStream& send = stream.send;
  const ReceiveStream& receive = stream.receive;
  stream.isHeldBack = isBeyondLimit(stream.id);
  scheduler_.place(table_, stream);
  control_.set(table_, stream,
               !stream.isHeldBack && (send.isResetDue() || send.isBlockedDue() || receive.isStopSendingDue() ||
                                      receive.isMaxStreamDataDue()));
  count(send.isUnfinished(), stream.isCountedUnfinished, unfinished_);
  count(send.isBlocked() && !stream.isHeldBack, stream.isCountedBlocked, blocked_);
}

/// Both parts are final, so that no list holds it.
void QuicStreamManager::forget(Stream& stream) {
  const StreamId id = stream.id;
  table_.erase(stream, blocks_);
  if (!isLocal(id)) remote_[id.isUnidirectional()].onConsumed(1);
  events_.push(StreamClosed{id});
}

// ---- receiving

Result<> QuicStreamManager::admit(Stream& stream, uint64_t end, bool isEnd, FrameType type) {
  const Result<uint64_t> growth = stream.receive.admit(end, isEnd, type);
  if (!growth) return forward(growth.error());
  const uint64_t total = receiveCredit_.received() + *growth;
  if (!receiveCredit_.allows(total)) {
    return fail(TransportErrorCode::FLOW_CONTROL_ERROR, "connection credit exceeded", wire(type));  // RFC 9000 §4.1
  }
  receiveCredit_.onReceived(total);
  return Unit{};
}

void QuicStreamManager::announceReset(const Stream& stream, ReceiveState before) {
  if (stream.receive.state() != ReceiveState::ResetRecvd || before == ReceiveState::ResetRecvd) return;
  events_.push(StreamReset{stream.id, stream.receive.resetCode()});
}

bool QuicStreamManager::isBeyondLimit(StreamId id) const {
  return isLocal(id) && id.ordinal() >= local_[id.isUnidirectional()].credit.limit();
}

void QuicStreamManager::raiseLocalStreams(bool unidirectional, uint64_t limit) {
  LocalStreams& streams = local_[unidirectional];
  const bool someWait = streams.credit.used() > streams.credit.limit();
  if (!streams.credit.raise(limit)) return;
  streams.isWanted = streams.credit.used() > limit;
  if (someWait) table_.forEach([this](Stream& stream) { refresh(stream); });
  if (streams.isAvailableQueued) return;
  streams.isAvailableQueued = true;
  events_.push(StreamsAvailable{unidirectional, limit});
}

// ---- events

void QuicStreamManager::announceReadable(Stream& stream) {
  if (stream.isReadableQueued || stream.isReadableTold || !stream.receive.isReadable()) return;
  stream.isReadableQueued = true;
  events_.push(StreamReadable{stream.id});
}

std::optional<StreamEvent> QuicStreamManager::pollEvent() {
  while (std::optional<StreamEvent> event = events_.pop()) {
    if (deliver(*event)) return event;
  }
  return std::nullopt;
}

bool QuicStreamManager::deliver(StreamEvent& event) {
  if (auto* available = std::get_if<StreamsAvailable>(&event)) {
    LocalStreams& streams = local_[available->unidirectional];
    streams.isAvailableQueued = false;
    available->limit = streams.credit.limit();
    return true;
  }
  if (const auto* readable = std::get_if<StreamReadable>(&event)) {
    Stream* stream = table_.find(readable->id);
    if (stream == nullptr) return false;
    stream->isReadableQueued = false;
    stream->isReadableTold = stream->receive.isReadable();
    return stream->isReadableTold;
  }
  if (const auto* writable = std::get_if<StreamWritable>(&event)) {
    Stream* stream = table_.find(writable->id);
    if (stream == nullptr) return false;
    stream->isWritableQueued = false;
    return !stream->isAboveLowWater && stream->send.state() <= SendState::DataRecvd;
  }
  if (const auto* reset = std::get_if<StreamReset>(&event)) {
    Stream* stream = table_.find(reset->id);
    if (stream == nullptr || stream->receive.state() != ReceiveState::ResetRecvd) return false;
    stream->receive.onResetConsumed();
    settle(*stream);
  }
  return true;
}

}  // namespace quic
