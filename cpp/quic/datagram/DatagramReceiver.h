// Datagrams of the peer until the application takes them (RFC 9221 §5, §5.3). There is no flow control: what nobody takes in
// time is dropped, the oldest first, and counted.
//
// Bound: DatagramSettings::receiveQueueSize bytes, kDatagramOverhead included for each.
#pragma once

#include <optional>

#include "quic/QuicError.h"
#include "quic/codec/QuicFrames.h"
#include "quic/common/Fifo.h"
#include "quic/datagram/DatagramTypes.h"

namespace quic {

class DatagramReceiver {
 public:
  explicit DatagramReceiver(const DatagramSettings& settings)
      : maxFrameSize_(settings.maxFrameSize), queueSize_(settings.receiveQueueSize) {}

  /// Error: PROTOCOL_VIOLATION for what we did not offer, or larger than we offered (RFC 9221 §3).
  Result<> onFrame(const DatagramFrame& frame);
  std::optional<DatagramEvent> pollEvent();

  /// For our transport parameters; nothing when we take none.
  [[nodiscard]] std::optional<uint64_t> announced() const {
    return maxFrameSize_ == 0 ? std::nullopt : std::optional(maxFrameSize_);
  }
  [[nodiscard]] uint64_t dropped() const { return dropped_; }
  [[nodiscard]] size_t queuedBytes() const { return queued_; }

 private:
  uint64_t maxFrameSize_;
  size_t queueSize_;
  Fifo<ByteVector> queue_;
  size_t queued_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace quic
