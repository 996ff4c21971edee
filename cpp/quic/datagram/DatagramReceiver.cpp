#include "quic/datagram/DatagramReceiver.h"

#include "quic/QuicConstants.h"

namespace quic {

Result<> DatagramReceiver::onFrame(const DatagramFrame& frame) {
  if (frame.wireSize > maxFrameSize_) {
    return fail(TransportErrorCode::PROTOCOL_VIOLATION,
                maxFrameSize_ == 0 ? "DATAGRAM was not offered" : "DATAGRAM larger than offered",
                static_cast<uint64_t>(FrameType::DATAGRAM));
  }
  queue_.push(ByteVector(frame.data.begin(), frame.data.end()));
  queued_ += frame.data.size() + kDatagramOverhead;
  while (queued_ > queueSize_) {
    queued_ -= queue_.pop().size() + kDatagramOverhead;
    ++dropped_;
  }
  return Unit{};
}

std::optional<DatagramEvent> DatagramReceiver::pollEvent() {
  if (queue_.empty()) return std::nullopt;
  DatagramReceived event{queue_.pop()};
  queued_ -= event.bytes.size() + kDatagramOverhead;
  return event;
}

}  // namespace quic
