// The sending part of a stream: RFC 9000 §3.1, draft-ietf-quic-reliable-stream-reset §5. Its machine, its credit and its bytes. Connection credit is the
// manager's.
#pragma once

#include "quic/QuicError.h"
#include "quic/codec/QuicFrames.h"
#include "quic/flowcontrol/SendCredit.h"
#include "quic/state/SendBuffer.h"

namespace quic {

/// RFC 9000 §3.1.
enum class SendState : uint8_t { Ready, Send, DataSent, DataRecvd, ResetSent, ResetRecvd };
enum class SendFact : uint8_t { FrameSent, FinSent, AllAcked, Reset, ResetAcked };

/// The whole machine. A fact that means nothing in a state leaves it.
SendState next(SendState state, SendFact fact);
inline bool isFinal(SendState state) { return state == SendState::DataRecvd || state == SendState::ResetRecvd; }

class SendStream {
 public:
  SendStream() = default;
  /// A stream that only receives: this part is final from the beginning.
  void begin() { state_ = SendState::DataRecvd; }
  void begin(uint64_t limit) {
    state_ = SendState::Ready;
    credit_ = SendCredit(limit);
  }
  void clear();

  // ---- facts
  void onMaxStreamData(uint64_t limit) { credit_.raise(limit); }
  void onAcked(const SentStream& frame);
  void onLost(const SentStream& frame);
  /// Of RESET_STREAM (`reliableSize` is 0) or RESET_STREAM_AT. Only the newest counts.
  void onResetAcked(uint64_t reliableSize);
  void onResetLost(uint64_t reliableSize) { resetDue_ |= isNewestReset(reliableSize); }
  /// 0-RTT was refused: nothing was ever sent, and `limit` is the peer's of now (RFC 9001 §4.6.2). A RESET_STREAM_AT becomes a
  /// RESET_STREAM where the peer does not know it now.
  void restart(uint64_t limit, bool mayResetAt);
  void onBlockedLost(uint64_t limit) { credit_.onReportLost(limit); }

  // ---- verbs
  void write(OwnedBytes&& bytes, bool fin);
  /// Whether it did anything: not when all was acknowledged or the stream was reset before.
  /// The code of an earlier resetAt() stays (draft-ietf-quic-reliable-stream-reset §5.2).
  bool reset(uint64_t errorCode);
  /// RESET_STREAM_AT: the first `reliableSize` bytes, more than none, are delivered all the same. Whether it did anything.
  /// May be called again with less. Error: INVALID_ARGUMENT for more than was written, more than the last time, or another code.
  Result<bool> resetAt(uint64_t errorCode, uint64_t reliableSize);

  // ---- work
  /// Lost data, or a FIN alone: needs no credit.
  [[nodiscard]] bool hasOwed() const { return isSending() && buffer_.owes(); }
  /// New bytes that the stream's credit allows.
  [[nodiscard]] bool hasFresh() const { return isSending() && buffer_.unsent() > 0 && credit_.available() > 0; }
  std::optional<SentStream> writeOwed(ByteWriter& writer, StreamId id, uint64_t least);
  std::optional<SentStream> writeFresh(ByteWriter& writer, StreamId id, uint64_t connectionCredit, uint64_t least);
  /// RESET_STREAM_AT waits until all that it promises was sent once: its final size is what consumed credit.
  [[nodiscard]] bool isResetDue() const {
    return resetDue_ && (state_ == SendState::ResetSent || (isPartial() && isSending() && buffer_.unsent() == 0));
  }
  /// Whether the reset is a RESET_STREAM_AT; its reliable size is 0 in the frame if not.
  [[nodiscard]] bool isPartial() const { return reliableSize_ > 0; }
  [[nodiscard]] ResetStreamAtFrame resetFrame(StreamId id) const {
    return {id, resetCode_, isPartial() ? buffer_.sent() : finalSize_, reliableSize_};
  }
  void onResetWritten();
  [[nodiscard]] bool isBlockedDue() const { return isSending() && buffer_.unsent() > 0 && credit_.isReportDue(); }
  [[nodiscard]] uint64_t limit() const { return credit_.limit(); }
  void onBlockedWritten();
  /// New bytes that only the stream's own credit holds back.
  [[nodiscard]] bool isBlocked() const { return isSending() && buffer_.unsent() > 0 && credit_.available() == 0; }
  void repeatBlocked() { credit_.repeatReport(); }

  // ---- nouns
  [[nodiscard]] SendState state() const { return state_; }
  [[nodiscard]] bool isFinal() const { return quic::isFinal(state_); }
  /// Whether the application may still write.
  [[nodiscard]] bool isWritable() const {
    return (state_ == SendState::Ready || state_ == SendState::Send) && !buffer_.isFinished() && !isPartial();
  }
  [[nodiscard]] uint64_t bufferedBytes() const { return buffer_.unsent(); }
  [[nodiscard]] uint64_t writtenBytes() const { return buffer_.end(); }
  [[nodiscard]] bool isUnfinished() const {
    return state_ == SendState::ResetSent || (isSending() && (buffer_.hasUnacked() || (isPartial() && !isResetAcked_)));
  }

 private:
  [[nodiscard]] bool isSending() const { return state_ <= SendState::DataSent; }
  void advance(SendFact fact) { state_ = next(state_, fact); }
  void afterFrame();
  [[nodiscard]] bool isNewestReset(uint64_t reliableSize) const {
    return reliableSize == reliableSize_ && (state_ == SendState::ResetSent || (isPartial() && isSending()));
  }
  void settle();

  SendState state_ = SendState::DataRecvd;
  bool resetDue_ = false;
  uint64_t resetCode_ = 0;
  uint64_t finalSize_ = 0;     // of RESET_STREAM
  uint64_t reliableSize_ = 0;  // of RESET_STREAM_AT; 0: there is none
  bool isResetAcked_ = false;  // of RESET_STREAM_AT with this size
  SendCredit credit_;
  SendBuffer buffer_;
};

}  // namespace quic
