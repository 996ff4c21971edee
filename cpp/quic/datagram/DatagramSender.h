// Datagrams on their way out (RFC 9221 §5): the queue until they leave, and the news of them afterwards. It remembers nothing
// of what has left, so nothing is ever sent twice. How much room a packet has, and when one may leave, is the engine's to say.
//
// Bounds: the queue in bytes by DatagramSettings; news by what the application itself has sent since it last polled, at most
// three for each datagram.
#pragma once

#include <array>
#include <optional>

#include "quic/QuicError.h"
#include "quic/common/ByteCursor.h"
#include "quic/common/Fifo.h"
#include "quic/common/OwnedBytes.h"
#include "quic/datagram/DatagramTypes.h"

namespace quic {

/// The most bytes that fit into a DATAGRAM frame of `frameSize` bytes together with their length; nullopt: not even none.
std::optional<size_t> datagramPayloadWithin(uint64_t frameSize);

class DatagramSender {
 public:
  explicit DatagramSender(const DatagramSettings& settings)
      : queueSize_(settings.sendQueueSize), overflow_(settings.overflow) {}

  // ---- facts
  /// The peer's max_datagram_frame_size; nothing, or 0, when it takes none (RFC 9221 §3).
  void onPeerLimit(std::optional<uint64_t> maxFrameSize) { peerLimit_ = maxFrameSize.value_or(0); }
  void onAcked(uint64_t id) { news_.push(DatagramAcked{id}); }
  void onLost(uint64_t id) { news_.push(DatagramLost{id, DatagramLossCause::Network}); }

  // ---- verbs
  /// `room` is the largest frame that a packet can carry now. Errors: DATAGRAM_UNSUPPORTED, DATAGRAM_TOO_LARGE,
  /// DATAGRAM_QUEUE_FULL.
  Result<> push(TimePoint now, OwnedBytes&& bytes, const DatagramOptions& options, size_t room);

  // ---- work
  [[nodiscard]] bool hasToSend() const { return waiting_ != 0; }
  /// Of the one that is next. Something waits.
  [[nodiscard]] uint8_t urgency() const;
  /// Writes the next one. Returns its id; nothing when it does not fit here or none is left. What has expired, or can never
  /// fit into `room`, is dropped on the way.
  std::optional<uint64_t> write(TimePoint now, ByteWriter& writer, size_t room);
  std::optional<DatagramEvent> pollEvent();

  // ---- nouns
  /// The largest datagram that can be sent now; nullopt when the peer takes none.
  [[nodiscard]] std::optional<size_t> maxPayload(size_t room) const;
  [[nodiscard]] size_t queuedBytes() const { return queued_; }
  /// How many wait.
  [[nodiscard]] size_t size() const { return size_; }

 private:
  struct Waiting {
    OwnedBytes bytes;
    uint64_t id = 0;
    std::optional<TimePoint> expiresAt;
  };

  bool makeRoom(TimePoint now, size_t wanted, size_t urgency);
  Waiting take(size_t urgency);
  void drop(size_t urgency, DatagramLossCause cause);

  size_t queueSize_;
  DatagramOverflow overflow_;
  uint64_t peerLimit_ = 0;
  std::array<Fifo<Waiting>, kUrgencies> lines_;
  uint8_t waiting_ = 0;  // a bit for each line that is not empty
  size_t queued_ = 0;
  size_t size_ = 0;
  Fifo<DatagramEvent> news_;
};

}  // namespace quic
