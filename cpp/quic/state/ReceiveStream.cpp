#include "quic/state/ReceiveStream.h"

#include <algorithm>

namespace quic {

ReceiveState next(ReceiveState state, ReceiveFact fact) {
  using S = ReceiveState;
  using F = ReceiveFact;
  switch (state) {
    case S::Recv:
      if (fact == F::FinReceived) return S::SizeKnown;
      if (fact == F::AllReceived) return S::DataRecvd;
      if (fact == F::ResetReceived) return S::ResetRecvd;
      if (fact == F::StopSending) return S::Stopped;
      return state;
    case S::SizeKnown:
      if (fact == F::AllReceived) return S::DataRecvd;
      if (fact == F::ResetReceived) return S::ResetRecvd;
      // The peer has sent everything once: STOP_SENDING would save nothing, and nobody reads what is missing.
      if (fact == F::StopSending) return S::ResetRead;
      return state;
    case S::DataRecvd:
      // RFC 9000 §3.2: RESET_STREAM may be ignored once all data is here.
      if (fact == F::AllRead) return S::DataRead;
      if (fact == F::StopSending) return S::ResetRead;
      return state;
    case S::ResetRecvd:
      if (fact == F::ResetConsumed || fact == F::StopSending) return S::ResetRead;
      return state;
    case S::Stopped:
      // With the final size known the connection's credit is settled and nothing more is expected.
      if (fact == F::FinReceived || fact == F::AllReceived || fact == F::ResetReceived) return S::ResetRead;
      return state;
    case S::DataRead:
    case S::ResetRead: return state;
  }
  return state;
}

void ReceiveStream::clear(BlockPool& pool) {
  buffer_.clear(pool);
  ReassemblyBuffer kept = std::move(buffer_);
  *this = ReceiveStream();
  buffer_ = std::move(kept);
}

Result<uint64_t> ReceiveStream::admit(uint64_t end, bool isEnd, FrameType type) const {
  const auto wire = static_cast<uint64_t>(type);
  const uint64_t received = credit_.received();
  if (finalSize_ && (end > *finalSize_ || (isEnd && end != *finalSize_))) {
    return fail(TransportErrorCode::FINAL_SIZE_ERROR, "beyond or beside the known final size", wire);  // RFC 9000 §4.5
  }
  if (isEnd && end < received) {
    return fail(TransportErrorCode::FINAL_SIZE_ERROR, "final size below received data", wire);  // RFC 9000 §4.5
  }
  if (!credit_.allows(end)) {
    return fail(TransportErrorCode::FLOW_CONTROL_ERROR, "stream credit exceeded", wire);  // RFC 9000 §4.1
  }
  return end > received ? end - received : 0;
}

bool ReceiveStream::onData(const StreamFrame& frame, BlockPool& pool) {
  const uint64_t end = frame.offset + frame.data.size();
  credit_.onReceived(end);
  if (frame.fin) finalSize_ = end;
  const bool isWanted = isReceiving();
  const uint64_t wantedEnd = std::min(end, reliableSize_.value_or(end));
  if (isWanted && frame.offset <= wantedEnd) {
    const ByteSpan wanted = frame.data.first(static_cast<size_t>(wantedEnd - frame.offset));
    if (!buffer_.insert(frame.offset, wanted, pool)) return false;
  }
  if (!finalSize_) return true;
  // After a reset there is no end to be read, only the reset.
  const bool isComplete = isWanted && !reliableSize_ && buffer_.contiguousEnd() == *finalSize_;
  advance(isComplete ? ReceiveFact::AllReceived : ReceiveFact::FinReceived);
  return true;
}

Result<> ReceiveStream::admitReset(const ResetStreamAtFrame& frame, FrameType type) const {
  const bool isPartial = reliableSize_.has_value() && isReceiving();
  const bool wasReset = type == FrameType::RESET_STREAM_AT && state_ == ReceiveState::ResetRecvd;
  if ((isPartial || wasReset) && frame.errorCode != errorCode_) {
    return fail(TransportErrorCode::STREAM_STATE_ERROR, "a reset with another code", static_cast<uint64_t>(type));
  }
  return Unit{};
}

void ReceiveStream::onReset(const ResetStreamAtFrame& frame, BlockPool& pool) {
  credit_.onReceived(frame.finalSize);
  finalSize_ = frame.finalSize;
  if (!isReceiving()) return advance(ReceiveFact::ResetReceived);
  // A larger reliable size is older news (draft §5.2).
  reliableSize_ = std::min(frame.reliableSize, reliableSize_.value_or(frame.reliableSize));
  errorCode_ = frame.errorCode;
  advance(ReceiveFact::FinReceived);
  endAtReliableSize(pool);
}

void ReceiveStream::endAtReliableSize(BlockPool& pool) {
  if (!isReceiving() || !reliableSize_ || buffer_.readOffset() < *reliableSize_) return;
  advance(ReceiveFact::ResetReceived);
  buffer_.clear(pool);
}

void ReceiveStream::stopSending(uint64_t errorCode, BlockPool& pool) {
  const ReceiveState before = state_;
  advance(ReceiveFact::StopSending);
  if (state_ == before) return;
  if (state_ == ReceiveState::Stopped) {
    errorCode_ = errorCode;
    stopSendingDue_ = true;
  }
  buffer_.clear(pool);
}

size_t ReceiveStream::read(MutableByteSpan out, BlockPool& pool) {
  const size_t size = buffer_.read(out.first(static_cast<size_t>(std::min<uint64_t>(out.size(), readable()))), pool);
  credit_.onRead(size);
  if (state_ == ReceiveState::DataRecvd && buffer_.readOffset() == *finalSize_) advance(ReceiveFact::AllRead);
  endAtReliableSize(pool);
  return size;
}

uint64_t ReceiveStream::readable() const {
  const uint64_t there = buffer_.readable();
  if (!reliableSize_) return there;
  return buffer_.readOffset() >= *reliableSize_ ? 0 : std::min(there, *reliableSize_ - buffer_.readOffset());
}

uint64_t ReceiveStream::takeDropped() {
  if (state_ <= ReceiveState::DataRecvd) return 0;
  const uint64_t dropped = credit_.received() - credit_.consumed();
  credit_.onDropped(dropped);
  return dropped;
}

}  // namespace quic
