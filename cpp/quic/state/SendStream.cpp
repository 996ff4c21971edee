#include "quic/state/SendStream.h"

namespace quic {

SendState next(SendState state, SendFact fact) {
  using S = SendState;
  using F = SendFact;
  switch (state) {
    case S::Ready:
    case S::Send:
      if (fact == F::FrameSent) return S::Send;
      if (fact == F::FinSent) return S::DataSent;
      if (fact == F::Reset) return S::ResetSent;
      return state;
    case S::DataSent:
      if (fact == F::AllAcked) return S::DataRecvd;
      if (fact == F::Reset) return S::ResetSent;
      return state;
    case S::ResetSent: return fact == F::ResetAcked ? S::ResetRecvd : state;
    case S::DataRecvd:
    case S::ResetRecvd: return state;
  }
  return state;
}

void SendStream::clear() {
  buffer_.clear();
  SendBuffer kept = std::move(buffer_);
  *this = SendStream();
  buffer_ = std::move(kept);
}

void SendStream::onAcked(const SentStream& frame) {
  if (!isSending()) return;
  buffer_.onAcked(frame);
  settle();
}

/// Everything has arrived: bytes and FIN, or what a RESET_STREAM_AT promised and itself (draft §5.3).
void SendStream::settle() {
  const bool isPartDone = isPartial() && isResetAcked_ && buffer_.isNeededAcked();
  if (isPartDone || buffer_.isAllAcked()) advance(SendFact::AllAcked);
}

void SendStream::onLost(const SentStream& frame) {
  if (isSending()) buffer_.onLost(frame);
}

void SendStream::restart(uint64_t limit, bool mayResetAt) {
  if (isFinal()) return;
  credit_ = SendCredit(limit);
  isResetAcked_ = false;
  if (isPartial() && !mayResetAt) reset(resetCode_);
  if (state_ == SendState::ResetSent) {
    resetDue_ = true;
    finalSize_ = 0;
    return;
  }
  resetDue_ = isPartial();
  state_ = SendState::Ready;
  buffer_.restart();
}

void SendStream::write(OwnedBytes&& bytes, bool fin) {
  buffer_.append(std::move(bytes));
  if (fin) buffer_.finish();
}

bool SendStream::reset(uint64_t errorCode) {
  if (!isSending()) return false;
  advance(SendFact::Reset);
  resetDue_ = true;
  if (!isPartial()) resetCode_ = errorCode;
  reliableSize_ = 0;
  finalSize_ = buffer_.sent();  // RFC 9000 §4.5: what consumed credit
  buffer_.clear();
  return true;
}

Result<bool> SendStream::resetAt(uint64_t errorCode, uint64_t reliableSize) {
  if (!isSending()) return false;
  if (reliableSize > buffer_.end()) return fail(LocalErrorCode::INVALID_ARGUMENT, "more than was written");
  if (isPartial() && reliableSize > reliableSize_) {
    return fail(LocalErrorCode::INVALID_ARGUMENT, "what a reset promises cannot grow");
  }
  if (isPartial() && errorCode != resetCode_) {
    return fail(LocalErrorCode::INVALID_ARGUMENT, "the code of a reset cannot change");
  }
  if (reliableSize == reliableSize_) return false;
  buffer_.cut(reliableSize);
  resetCode_ = errorCode;
  reliableSize_ = reliableSize;
  resetDue_ = true;
  isResetAcked_ = false;
  return true;
}

void SendStream::onResetWritten() {
  resetDue_ = false;
  if (isPartial()) advance(SendFact::FinSent);  // to the machine it is what FIN is (draft §5.3)
}

void SendStream::onResetAcked(uint64_t reliableSize) {
  if (!isNewestReset(reliableSize)) return;
  if (!isPartial()) return advance(SendFact::ResetAcked);
  isResetAcked_ = true;
  settle();
}

std::optional<SentStream> SendStream::writeOwed(ByteWriter& writer, StreamId id, uint64_t least) {
  const std::optional<SentStream> frame = buffer_.writeOwed(writer, id, least);
  if (frame) afterFrame();
  return frame;
}

std::optional<SentStream> SendStream::writeFresh(ByteWriter& writer, StreamId id, uint64_t connectionCredit,
                                                 uint64_t least) {
  const std::optional<SentStream> frame =
      buffer_.writeFresh(writer, id, std::min(credit_.available(), connectionCredit), least);
  if (!frame) return frame;
  credit_.use(frame->size);
  afterFrame();
  return frame;
}

void SendStream::onBlockedWritten() {
  advance(SendFact::FrameSent);  // RFC 9000 §3.1: STREAM_DATA_BLOCKED opens the stream as well
  credit_.onReported();
}

void SendStream::afterFrame() { advance(buffer_.isFinSent() ? SendFact::FinSent : SendFact::FrameSent); }

}  // namespace quic
