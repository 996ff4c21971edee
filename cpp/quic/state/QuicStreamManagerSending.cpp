// The half of QuicStreamManager that writes frames and learns what became of them.
#include "quic/codec/QuicFrameCodec.h"
#include "quic/state/QuicStreamManager.h"

namespace quic {

namespace {
/// A packet that has something already is not filled up with a crumb of a stream.
constexpr uint64_t kLeastFragment = 64;

template <class Frame>
bool put(ByteWriter& writer, SentFrames& sent, const Frame& frame, const SentFrame& record) {
  if (!writeFrame(writer, frame)) return false;
  sent.push_back(record);
  return true;
}

bool isOfStreams(const SentFrame& frame) {
  return std::holds_alternative<SentStream>(frame) || std::holds_alternative<SentResetStream>(frame) ||
         std::holds_alternative<SentStopSending>(frame) || std::holds_alternative<SentMaxData>(frame) ||
         std::holds_alternative<SentMaxStreamData>(frame) || std::holds_alternative<SentMaxStreams>(frame) ||
         std::holds_alternative<SentDataBlocked>(frame) || std::holds_alternative<SentStreamDataBlocked>(frame) ||
         std::holds_alternative<SentStreamsBlocked>(frame);
}
}  // namespace

// ---- what can be sent

bool QuicStreamManager::hasControlToSend() const {
  return !control_.empty() || receiveCredit_.isUpdateDue() || remote_[0].isUpdateDue() || remote_[1].isUpdateDue() ||
         isDataBlockedDue() || isStreamsBlockedDue(false) || isStreamsBlockedDue(true);
}

bool QuicStreamManager::hasDataToSend() const { return scheduler_.next(sendCredit_.available() > 0).has_value(); }

uint8_t QuicStreamManager::urgency() const {
  const auto turn = scheduler_.next(sendCredit_.available() > 0);
  return turn ? turn->urgency : kDefaultUrgency;
}

bool QuicStreamManager::isDataBlockedDue() const { return scheduler_.hasFresh() && sendCredit_.isReportDue(); }

bool QuicStreamManager::isStreamsBlockedDue(bool unidirectional) const {
  const LocalStreams& streams = local_[unidirectional];
  return streams.isWanted && isPeerKnown_ && streams.credit.isReportDue();
}

void QuicStreamManager::repeatBlocked() {
  if (scheduler_.hasFresh()) return sendCredit_.repeatReport();
  bool isDone = false;  // one frame is enough
  table_.forEach([&](Stream& stream) {
    if (isDone || !stream.send.isBlocked()) return;
    isDone = true;
    stream.send.repeatBlocked();
    refresh(stream);
  });
}

// ---- control frames

void QuicStreamManager::writeControlFrames(ByteWriter& writer, SentFrames& sent, const FlowClock& clock) {
  if (!writeConnectionControl(writer, sent, clock)) return;
  while (!control_.empty()) {
    Stream& stream = table_.at(control_.front());
    const bool isAllWritten = writeStreamControl(stream, writer, sent, clock);
    refresh(stream);
    if (!isAllWritten) return;
  }
}

/// False when something did not fit; so below.
bool QuicStreamManager::writeConnectionControl(ByteWriter& writer, SentFrames& sent, const FlowClock& clock) {
  if (receiveCredit_.isUpdateDue()) {
    receiveCredit_.tune(clock);
    const uint64_t limit = receiveCredit_.nextLimit();
    if (!put(writer, sent, MaxDataFrame{limit}, SentMaxData{limit})) return false;
    receiveCredit_.onAnnounced();
  }
  for (const bool unidirectional : {false, true}) {
    ReceiveCredit& streams = remote_[unidirectional];
    if (!streams.isUpdateDue()) continue;
    const uint64_t limit = streams.nextLimit();
    if (!put(writer, sent, MaxStreamsFrame{limit, unidirectional}, SentMaxStreams{limit, unidirectional})) return false;
    streams.onAnnounced();
  }
  if (isDataBlockedDue()) {
    const uint64_t limit = sendCredit_.limit();
    if (!put(writer, sent, DataBlockedFrame{limit}, SentDataBlocked{limit})) return false;
    sendCredit_.onReported();
  }
  for (const bool unidirectional : {false, true}) {
    if (!isStreamsBlockedDue(unidirectional)) continue;
    SendCredit& credit = local_[unidirectional].credit;
    const StreamsBlockedFrame frame{credit.limit(), unidirectional};
    if (!put(writer, sent, frame, SentStreamsBlocked{credit.limit(), unidirectional})) return false;
    credit.onReported();
  }
  return true;
}

/// The next limit, after the stream's window, and the connection's with it, have been adapted to the reader.
uint64_t QuicStreamManager::tunedStreamLimit(Stream& stream, const FlowClock& clock) {
  // One stream alone shall be able to use its window.
  if (stream.receive.tune(clock)) receiveCredit_.growTo(stream.receive.window() / 2 * 3);
  return stream.receive.nextLimit();
}

bool QuicStreamManager::writeStreamControl(Stream& stream, ByteWriter& writer, SentFrames& sent,
                                           const FlowClock& clock) {
  const StreamId id = stream.id;
  if (stream.send.isResetDue()) {
    const ResetStreamAtFrame frame = stream.send.resetFrame(id);
    const SentResetStream record{id, frame.reliableSize};
    const bool isWritten = stream.send.isPartial()
                               ? put(writer, sent, frame, record)
                               : put(writer, sent, ResetStreamFrame{id, frame.errorCode, frame.finalSize}, record);
    if (!isWritten) return false;
    stream.send.onResetWritten();
  }
  if (stream.receive.isStopSendingDue()) {
    const StopSendingFrame frame{id, stream.receive.stopSendingCode()};
    if (!put(writer, sent, frame, SentStopSending{id})) return false;
    stream.receive.onStopSendingWritten();
  }
  if (stream.receive.isMaxStreamDataDue()) {
    const uint64_t limit = tunedStreamLimit(stream, clock);
    if (!put(writer, sent, MaxStreamDataFrame{id, limit}, SentMaxStreamData{id, limit})) return false;
    stream.receive.onMaxStreamDataWritten();
  }
  if (stream.send.isBlockedDue()) {
    const uint64_t limit = stream.send.limit();
    if (!put(writer, sent, StreamDataBlockedFrame{id, limit}, SentStreamDataBlocked{id, limit})) return false;
    stream.send.onBlockedWritten();
  }
  return true;
}

// ---- stream data

bool QuicStreamManager::writeStreamFrames(ByteWriter& writer, SentFrames& sent) {
  const size_t before = sent.size();
  while (const auto turn = scheduler_.next(sendCredit_.available() > 0)) {
    Stream& stream = table_.at(turn->slot);
    const uint64_t least = sent.empty() ? 1 : kLeastFragment;
    const std::optional<SentStream> frame =
        turn->isOwed ? stream.send.writeOwed(writer, stream.id, least)
                     : stream.send.writeFresh(writer, stream.id, sendCredit_.available(), least);
    if (!frame) break;
    sent.push_back(*frame);
    if (!turn->isOwed) sendCredit_.use(frame->size);
    noteSent(stream);
    refresh(stream);
    scheduler_.onWritten(table_, stream, frame->size);
  }
  return sent.size() > before;
}

void QuicStreamManager::noteSent(Stream& stream) {
  if (!stream.isAboveLowWater || stream.send.bufferedBytes() > settings_.sendLowWater) return;
  stream.isAboveLowWater = false;
  stream.writtenSinceWritable = 0;
  if (stream.isWritableQueued) return;
  stream.isWritableQueued = true;
  events_.push(StreamWritable{stream.id});
}

// ---- what became of it

bool QuicStreamManager::onAcked(const SentFrame& frame) {
  if (const auto* data = std::get_if<SentStream>(&frame)) {
    onStreamAcked(*data);
    return true;
  }
  if (const auto* reset = std::get_if<SentResetStream>(&frame)) {
    if (Stream* stream = table_.find(reset->id)) {
      stream->send.onResetAcked(reset->reliableSize);
      settle(*stream);
    }
    return true;
  }
  return isOfStreams(frame);  // credit and STOP_SENDING have done their work by arriving
}

void QuicStreamManager::onStreamAcked(const SentStream& frame) {
  Stream* stream = table_.find(frame.id);
  if (stream == nullptr || stream->send.isFinal()) return;
  stream->send.onAcked(frame);
  const bool isComplete = stream->send.state() == SendState::DataRecvd && !stream->send.isPartial();
  if (isComplete) events_.push(StreamSendComplete{frame.id});
  settle(*stream);
}

bool QuicStreamManager::onLost(const SentFrame& frame) {
  const auto tell = [this](StreamId id, auto&& what) {
    if (Stream* stream = table_.find(id)) {
      what(*stream);
      refresh(*stream);
    }
  };
  if (const auto* data = std::get_if<SentStream>(&frame)) {
    tell(data->id, [data](Stream& stream) { stream.send.onLost(*data); });
  } else if (const auto* reset = std::get_if<SentResetStream>(&frame)) {
    tell(reset->id, [reset](Stream& stream) { stream.send.onResetLost(reset->reliableSize); });
  } else if (const auto* stop = std::get_if<SentStopSending>(&frame)) {
    tell(stop->id, [](Stream& stream) { stream.receive.onStopSendingLost(); });
  } else if (const auto* streamCredit = std::get_if<SentMaxStreamData>(&frame)) {
    tell(streamCredit->id, [&](Stream& stream) { stream.receive.onMaxStreamDataLost(streamCredit->limit); });
  } else if (const auto* streamBlocked = std::get_if<SentStreamDataBlocked>(&frame)) {
    tell(streamBlocked->id, [&](Stream& stream) { stream.send.onBlockedLost(streamBlocked->limit); });
  } else if (const auto* credit = std::get_if<SentMaxData>(&frame)) {
    receiveCredit_.onUpdateLost(credit->limit);
  } else if (const auto* streams = std::get_if<SentMaxStreams>(&frame)) {
    remote_[streams->unidirectional].onUpdateLost(streams->limit);
  } else if (const auto* blocked = std::get_if<SentDataBlocked>(&frame)) {
    sendCredit_.onReportLost(blocked->limit);
  } else if (const auto* streamsBlocked = std::get_if<SentStreamsBlocked>(&frame)) {
    local_[streamsBlocked->unidirectional].credit.onReportLost(streamsBlocked->limit);
  }
  return isOfStreams(frame);
}

}  // namespace quic
