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
  if (buffer_.isAllAcked()) advance(SendFact::AllAcked);
}

void SendStream::onLost(const SentStream& frame) {
  if (isSending()) buffer_.onLost(frame);
}

void SendStream::write(OwnedBytes&& bytes, bool fin) {
  buffer_.append(std::move(bytes));
  if (fin) buffer_.finish();
}

bool SendStream::reset(uint64_t errorCode) {
  if (!isSending()) return false;
  advance(SendFact::Reset);
  resetDue_ = true;
  resetCode_ = errorCode;
  finalSize_ = buffer_.sent();  // RFC 9000 §4.5: what consumed credit
  buffer_.clear();
  return true;
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
