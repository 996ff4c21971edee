// The receiving part of a stream: RFC 9000 §3.2, §4.5, draft-ietf-quic-reliable-stream-reset §5. It says what a peer's frame means for one stream; connection
// credit is the manager's, who is told here how much a frame takes and how much a drop gives back.
#pragma once

#include <optional>

#include "quic/QuicError.h"
#include "quic/codec/QuicFrames.h"
#include "quic/flowcontrol/ReceiveWindow.h"
#include "quic/state/ReassemblyBuffer.h"

namespace quic {

/// RFC 9000 §3.2, and one of our own: Stopped is Recv after STOP_SENDING, where nobody will read. DataRead means that
/// the application has everything; a stream that it gave up ends in ResetRead.
enum class ReceiveState : uint8_t { Recv, SizeKnown, DataRecvd, DataRead, ResetRecvd, ResetRead, Stopped };
enum class ReceiveFact : uint8_t { FinReceived, AllReceived, AllRead, ResetReceived, ResetConsumed, StopSending };

/// The whole machine. A fact that means nothing in a state leaves it.
ReceiveState next(ReceiveState state, ReceiveFact fact);
inline bool isFinal(ReceiveState state) { return state == ReceiveState::DataRead || state == ReceiveState::ResetRead; }

class ReceiveStream {
 public:
  ReceiveStream() = default;
  /// A stream that only sends: this part is final from the beginning.
  void begin() { state_ = ReceiveState::DataRead; }
  void begin(const ReceiveWindow& window) {
    state_ = ReceiveState::Recv;
    credit_ = window;
  }
  void clear(BlockPool& pool);

  // ---- facts
  /// Whether bytes up to `end`, the last of all when `isEnd`, keep to the rules; changes nothing. Gives how many
  /// bytes of connection credit they take. Errors: FINAL_SIZE_ERROR, FLOW_CONTROL_ERROR.
  [[nodiscard]] Result<uint64_t> admit(uint64_t end, bool isEnd, FrameType type) const;
  /// An admitted STREAM frame. False when there are more gaps than anybody needs.
  [[nodiscard]] bool onData(const StreamFrame& frame, BlockPool& pool);
  /// Whether a reset may have this code; changes nothing. Error: STREAM_STATE_ERROR.
  [[nodiscard]] Result<> admitReset(const ResetStreamAtFrame& frame, FrameType type) const;
  /// An admitted RESET_STREAM_AT, or RESET_STREAM, which promises 0 bytes. It shows (ResetRecvd) once what it promises was
  /// read.
  void onReset(const ResetStreamAtFrame& frame, BlockPool& pool);
  void onResetConsumed() { advance(ReceiveFact::ResetConsumed); }
  void onMaxStreamDataLost(uint64_t limit) { credit_.onUpdateLost(limit); }
  void onStopSendingLost() { stopSendingDue_ = state_ == ReceiveState::Stopped; }

  // ---- verbs
  void stopSending(uint64_t errorCode, BlockPool& pool);
  size_t read(MutableByteSpan out, BlockPool& pool);
  /// Bytes received that will never be read and have not been given back yet: the manager returns them to connection
  /// credit.
  uint64_t takeDropped();

  // ---- work
  [[nodiscard]] bool isStopSendingDue() const { return stopSendingDue_ && state_ == ReceiveState::Stopped; }
  [[nodiscard]] uint64_t stopSendingCode() const { return errorCode_; }
  void onStopSendingWritten() { stopSendingDue_ = false; }
  /// RFC 9000 §3.2: more credit is of use in Recv alone.
  [[nodiscard]] bool isMaxStreamDataDue() const { return state_ == ReceiveState::Recv && credit_.isUpdateDue(); }
  /// An update is about to be written. Returns whether the window grew.
  bool tune(const FlowClock& clock) { return credit_.tune(clock); }
  [[nodiscard]] uint64_t window() const { return credit_.window(); }
  [[nodiscard]] uint64_t nextLimit() const { return credit_.nextLimit(); }
  void onMaxStreamDataWritten() { credit_.onAnnounced(); }

  // ---- nouns
  [[nodiscard]] ReceiveState state() const { return state_; }
  [[nodiscard]] bool isFinal() const { return quic::isFinal(state_); }
  /// Whether read() would give bytes or the end that it has not given before.
  [[nodiscard]] bool isReadable() const { return readable() > 0 || state_ == ReceiveState::DataRecvd; }
  /// Whether reading makes sense: not after a reset or stopSending().
  [[nodiscard]] bool isReadingOpen() const { return state_ <= ReceiveState::DataRead; }
  [[nodiscard]] uint64_t resetCode() const { return errorCode_; }
  [[nodiscard]] const ReassemblyBuffer& buffer() const { return buffer_; }

 private:
  void advance(ReceiveFact fact) { state_ = next(state_, fact); }
  [[nodiscard]] bool isReceiving() const { return state_ == ReceiveState::Recv || state_ == ReceiveState::SizeKnown; }
  [[nodiscard]] uint64_t readable() const;
  void endAtReliableSize(BlockPool& pool);

  ReceiveState state_ = ReceiveState::DataRead;
  bool stopSendingDue_ = false;
  std::optional<uint64_t> finalSize_;
  std::optional<uint64_t>
      reliableSize_;        // of RESET_STREAM_AT, the least: bytes beyond are not waited for and not given
  uint64_t errorCode_ = 0;  // of the reset when received, of our STOP_SENDING in Stopped
  ReceiveWindow credit_;
  ReassemblyBuffer buffer_;
};

}  // namespace quic
