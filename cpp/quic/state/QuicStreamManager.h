// All streams of a connection and their credit: RFC 9000 §2, §3, §4. Frames in, frames out, events out. It knows
// nothing of packets, paths or keys; the engine tells it what was acknowledged and what was lost.
//
// Bounds: peer-opened streams by the limits we granted; bytes buffered for reading by the largest connection window; gaps
// of one stream by kMaxStreamGaps (beyond: the connection is closed); bytes for sending are the application's own, see
// bufferedBytes().
#pragma once

#include <array>
#include <optional>

#include "quic/QuicError.h"
#include "quic/codec/QuicFrames.h"
#include "quic/common/OwnedBytes.h"
#include "quic/flowcontrol/ReceiveCredit.h"
#include "quic/flowcontrol/ReceiveWindow.h"
#include "quic/flowcontrol/SendCredit.h"
#include "quic/handshake/TransportParameters.h"
#include "quic/loss/SentFrame.h"
#include "quic/state/StreamEventQueue.h"
#include "quic/state/StreamList.h"
#include "quic/state/StreamScheduler.h"
#include "quic/state/StreamTable.h"

namespace quic {

/// What we grant the peer. Sizes in bytes. Windows begin small and grow with a quick reader (flowcontrol/ReceiveWindow.h); an
/// initial window above the largest one counts as the largest.
struct StreamSettings {
  uint64_t connectionWindow = 16 * 1024 * 1024;  // the largest: so much a peer can make us buffer
  uint64_t streamWindow = 8 * 1024 * 1024;
  uint64_t bidirectionalStreams = 100;  // open at one time
  uint64_t unidirectionalStreams = 100;
  uint64_t sendLowWater = 256 * 1024;  // see StreamWritable
  uint64_t initialConnectionWindow = 1024 * 1024;
  uint64_t initialStreamWindow = 512 * 1024;
  bool resetStreamAt = false;  // offer draft-ietf-quic-reliable-stream-reset, and use it with a peer that offers it
};

struct StreamRead {
  size_t size = 0;
  bool fin = false;  // the last byte was given; the stream has no more
};

class QuicStreamManager {
 public:
  QuicStreamManager(Role role, const StreamSettings& settings);

  // ---- facts
  /// The peer's limits, from its transport parameters (RFC 9000 §7.4).
  void onPeerParameters(const TransportParameters& peer);
  /// 0-RTT was refused (RFC 9001 §4.6.2): everything is sent anew under the limits of `peer`, which may be lower than those that
  /// were remembered. Streams beyond them wait for MAX_STREAMS.
  void onEarlyDataRejected(const TransportParameters& peer);
  Result<> onStreamFrame(const StreamFrame& frame);
  Result<> onResetStream(const ResetStreamFrame& frame);
  Result<> onResetStreamAt(const ResetStreamAtFrame& frame);
  Result<> onStopSending(const StopSendingFrame& frame);
  Result<> onMaxData(const MaxDataFrame& frame);
  Result<> onMaxStreamData(const MaxStreamDataFrame& frame);
  Result<> onMaxStreams(const MaxStreamsFrame& frame);
  Result<> onDataBlocked(const DataBlockedFrame& frame);
  Result<> onStreamDataBlocked(const StreamDataBlockedFrame& frame);
  Result<> onStreamsBlocked(const StreamsBlockedFrame& frame);
  /// Whether the record was of a stream or of credit (else it is somebody else's).
  bool onAcked(const SentFrame& frame);
  bool onLost(const SentFrame& frame);

  // ---- work
  [[nodiscard]] bool hasControlToSend() const;
  /// Stream data, or a FIN, that flow control allows to leave now.
  [[nodiscard]] bool hasDataToSend() const;
  /// Of the data that would leave next (RFC 9218 §4.1): 0, first, to 7.
  [[nodiscard]] uint8_t urgency() const;
  /// There is data, and nothing but the peer's limits holds it back.
  [[nodiscard]] bool isHeldUp() const { return !hasDataToSend() && (scheduler_.hasFresh() || blocked_ > 0); }
  /// While held up: the peer is to hear of it once more (RFC 9000 §4.1).
  void repeatBlocked();
  /// RESET_STREAM, STOP_SENDING, MAX_*, *_BLOCKED: as many as fit, each recorded in `sent`.
  void writeControlFrames(ByteWriter& writer, SentFrames& sent, const FlowClock& clock = {});
  /// STREAM frames in the order of StreamScheduler: as many as fit. Returns whether any was written.
  bool writeStreamFrames(ByteWriter& writer, SentFrames& sent);
  std::optional<StreamEvent> pollEvent();

  // ---- verbs
  Result<StreamId> open(bool unidirectional);
  /// Takes all of it whatever the size; back-pressure is the caller's by bufferedBytes() and StreamWritable.
  Result<> write(StreamId id, OwnedBytes&& bytes, bool fin);
  /// RESET_STREAM (RFC 9000 §3.1). Harmless when all was already acknowledged.
  Result<> reset(StreamId id, uint64_t errorCode);
  /// RESET_STREAM_AT: the peer gets the first `reliableSize` bytes all the same. Again with less is allowed, with more is not.
  /// With 0 it is reset(). Errors: RESET_STREAM_AT_UNSUPPORTED, INVALID_ARGUMENT for more than was written.
  Result<> resetAt(StreamId id, uint64_t errorCode, uint64_t reliableSize);
  /// STOP_SENDING (RFC 9000 §3.5). What arrives from now on is credited and dropped.
  Result<> stopSending(StreamId id, uint64_t errorCode);
  Result<StreamRead> read(StreamId id, MutableByteSpan out);
  /// Of the sending part, from now on. Streams begin with StreamPriority's defaults.
  Result<> setPriority(StreamId id, const StreamPriority& priority);

  // ---- nouns
  /// Bytes written and not yet sent for the first time.
  [[nodiscard]] uint64_t bufferedBytes(StreamId id) const;
  [[nodiscard]] size_t openStreams() const;
  /// Whether anything of the application's is unsent or unacknowledged (for a graceful close).
  [[nodiscard]] bool hasUnfinishedSends() const;
  /// Our first limits, for our own transport parameters.
  void fillParameters(TransportParameters& ours) const;

 private:
  enum class Part : uint8_t { Send, Receive };
  /// Streams of one kind that we open.
  struct LocalStreams {
    SendCredit credit;
    bool isWanted = false;           // open() has failed at this limit
    bool isAvailableQueued = false;  // StreamsAvailable waits in the queue
  };

  // ---- finding, opening, closing
  [[nodiscard]] bool isLocal(StreamId id) const { return id.isServerInitiated() == (role_ == Role::Server); }
  [[nodiscard]] bool hasPart(StreamId id, Part part) const;
  /// The stream that a peer's frame speaks of, opened if it is the peer's to open; null when it is forgotten.
  Result<Stream*> lookUp(StreamId id, Part part, FrameType type);
  /// The stream of a verb.
  Result<Stream*> require(StreamId id, Part part);
  Stream& create(StreamId id);
  [[nodiscard]] uint64_t initialSendLimit(StreamId id) const;
  /// To be called after anything happened to a stream: puts it where it belongs, or forgets it. It may be gone then.
  void settle(Stream& stream);
  void refresh(Stream& stream);
  /// Opened under a remembered limit that the peer has not granted again.
  [[nodiscard]] bool isBeyondLimit(StreamId id) const;
  void forget(Stream& stream);

  // ---- receiving
  Result<> admit(Stream& stream, uint64_t end, bool isEnd, FrameType type);
  Result<> onReset(const ResetStreamAtFrame& frame, FrameType type);
  /// Tells of a reset that shows since `before`.
  void announceReset(const Stream& stream, ReceiveState before);
  void raiseLocalStreams(bool unidirectional, uint64_t limit);
  void setInitialLimits(const TransportParameters& peer);

  // ---- sending
  [[nodiscard]] bool isDataBlockedDue() const;
  [[nodiscard]] bool isStreamsBlockedDue(bool unidirectional) const;
  bool writeConnectionControl(ByteWriter& writer, SentFrames& sent, const FlowClock& clock);
  bool writeStreamControl(Stream& stream, ByteWriter& writer, SentFrames& sent, const FlowClock& clock);
  [[nodiscard]] uint64_t tunedStreamLimit(Stream& stream, const FlowClock& clock);
  void noteSent(Stream& stream);
  void onStreamAcked(const SentStream& frame);

  // ---- events
  void announceReadable(Stream& stream);
  /// Whether an event that waited still says the truth; it is about to be given out.
  bool deliver(StreamEvent& event);

  Role role_;
  StreamSettings settings_;
  bool isPeerKnown_ = false;
  bool mayResetAt_ = false;
  // What the peer's parameters grant new streams, by what the stream is to us.
  uint64_t localBidirectionalLimit_ = 0;
  uint64_t remoteBidirectionalLimit_ = 0;
  uint64_t unidirectionalLimit_ = 0;

  ReceiveWindow receiveCredit_;          // bytes of all streams
  SendCredit sendCredit_;                // bytes of all streams
  std::array<ReceiveCredit, 2> remote_;  // streams the peer opens, by unidirectional; consumed when closed
  std::array<LocalStreams, 2> local_;    // streams we open, by unidirectional

  BlockPool blocks_;
  StreamTable table_;
  StreamScheduler scheduler_;                    // streams with data
  StreamList control_{StreamListKind::Control};  // those with frames about them
  StreamEventQueue events_;
  size_t unfinished_ = 0;  // streams with something unsent or unacknowledged
  size_t blocked_ = 0;     // streams with new data that their own credit holds back
};

}  // namespace quic
