// What streams tell the application. Values; queued by QuicStreamManager, drained through the connection's pollEvent().
#pragma once

#include <variant>

#include "quic/common/Ids.h"

namespace quic {

/// The peer opened a stream. Comes before anything else about it.
struct StreamOpened {
  StreamId id;
};
/// Bytes or the end can be read. At most one is queued for a stream until it was read.
struct StreamReadable {
  StreamId id;
};
/// RESET_STREAM: nothing more can be read; bytes that were not read are gone (RFC 9000 §3.2). RESET_STREAM_AT: likewise, after
/// the bytes that it promised were read.
struct StreamReset {
  StreamId id;
  uint64_t errorCode = 0;
};
/// STOP_SENDING: our sending part has been reset with the same code (RFC 9000 §3.5).
struct StreamStopped {
  StreamId id;
  uint64_t errorCode = 0;
};
/// More than the low mark was written since the last of these, and what is buffered has fallen to the mark: whoever
/// counts what he writes and waits beyond the mark is always called.
struct StreamWritable {
  StreamId id;
};
/// Everything up to and including FIN was acknowledged by the peer. Not after a reset of either kind.
struct StreamSendComplete {
  StreamId id;
};
/// Both parts have reached a final state and the stream is forgotten. The last event of a stream.
struct StreamClosed {
  StreamId id;
};
/// The peer allows streams of this kind up to this count in all.
struct StreamsAvailable {
  bool unidirectional = false;
  uint64_t limit = 0;
};

using StreamEvent = std::variant<StreamOpened, StreamReadable, StreamReset, StreamStopped, StreamWritable,
                                 StreamSendComplete, StreamClosed, StreamsAvailable>;

}  // namespace quic
