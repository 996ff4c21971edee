// What an application wrote to one stream, from the write until the last byte is acknowledged. It writes STREAM
// frames itself (RFC 9000 §19.8), so that a byte is copied once, from the application's chunk into the packet; a
// frame may span chunks. It is not flow control: the caller says how many new bytes may leave.
//
// Bytes below acknowledged front < sent <= end. Lost ranges lie between front and sent, and below what is needed. Chunks are
// freed from the front.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "quic/common/ByteCursor.h"
#include "quic/common/IntervalSet.h"
#include "quic/common/OwnedBytes.h"
#include "quic/loss/SentFrame.h"

namespace quic {

class SendBuffer {
 public:
  void append(OwnedBytes&& bytes);
  /// No more bytes will come: the last frame carries FIN.
  void finish();
  void clear();
  /// The stream is reset but for its first `size` bytes, at most end(), and never more than the last time: the rest is neither
  /// sent nor repeated, and there is no FIN.
  void cut(uint64_t size);

  /// Lost bytes, or a FIN that is due alone: what needs no credit.
  [[nodiscard]] bool owes() const { return !lost_.empty() || (fin_ == Fin::Due && sent_ == end_); }
  /// A frame of what is owed, or of up to `credit` new bytes. Empty when fewer than `least` of the bytes at hand fit.
  std::optional<SentStream> writeOwed(ByteWriter& writer, StreamId id, uint64_t least);
  std::optional<SentStream> writeFresh(ByteWriter& writer, StreamId id, uint64_t credit, uint64_t least);

  /// As if nothing had been sent. Only while nothing is acknowledged.
  void restart();

  void onAcked(const SentStream& frame);
  void onLost(const SentStream& frame);

  [[nodiscard]] uint64_t end() const { return end_; }
  [[nodiscard]] uint64_t sent() const { return sent_; }
  [[nodiscard]] uint64_t unsent() const { return end_ - sent_; }
  [[nodiscard]] bool isFinished() const { return fin_ != Fin::Open; }
  [[nodiscard]] bool isFinSent() const { return fin_ >= Fin::Sent; }
  [[nodiscard]] bool isAllAcked() const { return fin_ == Fin::Acked && front_ == end_; }
  /// All bytes that still matter; FIN is another matter.
  [[nodiscard]] bool isNeededAcked() const { return front_ >= std::min(end_, needed_); }
  [[nodiscard]] bool hasUnacked() const { return !isNeededAcked() || (isFinished() && fin_ != Fin::Acked); }
  /// How many of the application's chunks are held.
  [[nodiscard]] size_t chunks() const { return chunks_.size() - head_; }

 private:
  struct Chunk {
    uint64_t offset = 0;
    OwnedBytes bytes;
    [[nodiscard]] uint64_t end() const { return offset + bytes.size(); }
  };
  enum class Fin : uint8_t { Open, Due, Sent, Acked };

  std::optional<SentStream> writeFrame(ByteWriter& writer, StreamId id, Interval range, uint64_t least);
  std::optional<SentStream> writeHeaderAndData(ByteWriter& writer, StreamId id, uint64_t offset, uint64_t size);
  void copyOut(uint64_t offset, uint64_t size, ByteWriter& writer);
  size_t chunkAt(uint64_t offset) const;
  void freeAcked();

  std::vector<Chunk> chunks_;  // those before head_ are empty
  size_t head_ = 0;
  size_t cursor_ = 0;  // the chunk of the last copy: where the next one usually goes on
  uint64_t front_ = 0;
  uint64_t sent_ = 0;
  uint64_t end_ = 0;
  uint64_t needed_ = UINT64_MAX;  // bytes from here on are not repeated, see cut()
  Fin fin_ = Fin::Open;
  IntervalSet acked_;  // beyond front_
  IntervalSet lost_;
};

}  // namespace quic
