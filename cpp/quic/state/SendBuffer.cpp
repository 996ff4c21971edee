#include "quic/state/SendBuffer.h"

#include <algorithm>

#include "quic/codec/QuicFrames.h"
#include "quic/common/Bug.h"

namespace quic {

namespace {
constexpr size_t kKeptCapacity = 64;  // chunk records that stay with a stream slot for its next user
constexpr size_t kCompactAt = 64;

// RFC 9000 §19.8
constexpr uint8_t kFinBit = 0x01;
constexpr uint8_t kLengthBit = 0x02;
constexpr uint8_t kOffsetBit = 0x04;

/// The most bytes, up to `wanted`, that fit into `room` together with their length field.
uint64_t fittingSize(uint64_t wanted, uint64_t room) {
  for (const uint64_t lengthSize : {1u, 2u, 4u}) {
    if (room < lengthSize) return 0;
    const uint64_t size = std::min(wanted, room - lengthSize);
    if (varintSize(size) <= lengthSize) return size;
  }
  return 0;
}
}  // namespace

void SendBuffer::append(OwnedBytes&& bytes) {
  if (bytes.empty()) return;
  const uint64_t offset = end_;
  end_ += bytes.size();
  chunks_.push_back({offset, std::move(bytes)});
}

void SendBuffer::finish() {
  if (fin_ == Fin::Open) fin_ = Fin::Due;
}

void SendBuffer::restart() {
  if (QUIC_BUG(front_ != 0 || !acked_.empty(), "acknowledged data is sent anew")) return;
  sent_ = 0;
  end_ = std::min(end_, needed_);
  lost_ = IntervalSet();
  if (fin_ == Fin::Sent) fin_ = Fin::Due;
}

void SendBuffer::clear() {
  std::vector<Chunk> storage = std::move(chunks_);
  storage.clear();
  *this = SendBuffer();
  if (storage.capacity() <= kKeptCapacity) chunks_ = std::move(storage);
}

void SendBuffer::cut(uint64_t size) {
  if (QUIC_BUG(size > std::min(end_, needed_), "a stream is cut beyond what it has")) return;
  needed_ = size;
  end_ = std::max(sent_, size);
  fin_ = Fin::Open;
  if (!lost_.empty()) lost_.erase(size, UINT64_MAX);
  while (chunks_.size() > head_ && chunks_.back().offset >= size) chunks_.pop_back();
}

std::optional<SentStream> SendBuffer::writeOwed(ByteWriter& writer, StreamId id, uint64_t least) {
  if (lost_.empty()) return writeHeaderAndData(writer, id, end_, 0);
  const std::optional<SentStream> frame = writeFrame(writer, id, lost_.front(), least);
  if (frame) lost_.erase(frame->offset, frame->offset + frame->size - 1);
  return frame;
}

std::optional<SentStream> SendBuffer::writeFresh(ByteWriter& writer, StreamId id, uint64_t credit, uint64_t least) {
  const uint64_t size = std::min(unsent(), credit);
  if (size == 0) return std::nullopt;
  const std::optional<SentStream> frame = writeFrame(writer, id, {sent_, sent_ + size - 1}, least);
  if (frame) sent_ += frame->size;
  return frame;
}

std::optional<SentStream> SendBuffer::writeFrame(ByteWriter& writer, StreamId id, Interval range, uint64_t least) {
  const uint64_t header = 1 + varintSize(id.value) + (range.start == 0 ? 0 : varintSize(range.start));
  if (writer.remaining() <= header) return std::nullopt;
  const uint64_t wanted = range.end - range.start + 1;
  const uint64_t size = fittingSize(wanted, writer.remaining() - header);
  if (size == 0 || size < std::min(wanted, least)) return std::nullopt;
  return writeHeaderAndData(writer, id, range.start, size);
}

std::optional<SentStream> SendBuffer::writeHeaderAndData(ByteWriter& writer, StreamId id, uint64_t offset,
                                                         uint64_t size) {
  const bool fin = isFinished() && offset + size == end_;
  const uint64_t overhead = 1 + varintSize(id.value) + (offset == 0 ? 0 : varintSize(offset)) + varintSize(size);
  if (writer.remaining() < overhead + size) return std::nullopt;
  writer.writeByte(static_cast<uint8_t>(static_cast<uint8_t>(FrameType::STREAM) | kLengthBit |
                                        (offset == 0 ? 0 : kOffsetBit) | (fin ? kFinBit : 0)));
  writer.writeVarint(id.value);
  if (offset != 0) writer.writeVarint(offset);
  writer.writeVarint(size);
  copyOut(offset, size, writer);
  if (fin && fin_ == Fin::Due) fin_ = Fin::Sent;
  return SentStream{id, offset, static_cast<uint32_t>(size), fin};
}

void SendBuffer::onAcked(const SentStream& frame) {
  if (frame.fin) fin_ = Fin::Acked;
  if (frame.size == 0) return;
  const uint64_t end = frame.offset + frame.size;
  if (!lost_.empty()) lost_.erase(frame.offset, end - 1);  // it was late, not lost
  if (end <= front_) return;
  if (frame.offset > front_) {
    acked_.insert(frame.offset, end - 1);
    return;
  }
  front_ = end;
  while (!acked_.empty() && acked_.front().start <= front_) {
    front_ = std::max(front_, acked_.front().end + 1);
    acked_.popFront();
  }
  freeAcked();
}

void SendBuffer::onLost(const SentStream& frame) {
  if (frame.fin && fin_ == Fin::Sent) fin_ = Fin::Due;
  uint64_t start = std::max(frame.offset, front_);
  const uint64_t end = std::min(frame.offset + frame.size, needed_);
  // Pieces that another transmission brought there are not lost.
  auto known = std::partition_point(acked_.begin(), acked_.end(), [start](const Interval& i) { return i.end < start; });
  for (; known != acked_.end() && known->start < end; ++known) {
    if (known->start > start) lost_.insert(start, known->start - 1);
    start = known->end + 1;
  }
  if (start < end) lost_.insert(start, end - 1);
}

void SendBuffer::copyOut(uint64_t offset, uint64_t size, ByteWriter& writer) {
  if (size == 0) return;
  for (cursor_ = chunkAt(offset);; ++cursor_) {
    if (QUIC_BUG(cursor_ >= chunks_.size(), "bytes to be sent are gone")) return;
    const Chunk& chunk = chunks_[cursor_];
    const uint64_t piece = std::min(size, chunk.end() - offset);
    writer.writeBytes(
        chunk.bytes.span().subspan(static_cast<size_t>(offset - chunk.offset), static_cast<size_t>(piece)));
    offset += piece;
    size -= piece;
    if (size == 0) return;
  }
}

size_t SendBuffer::chunkAt(uint64_t offset) const {
  for (size_t i = std::max(cursor_, head_); i < chunks_.size() && i <= cursor_ + 1; ++i) {
    if (chunks_[i].offset <= offset && offset < chunks_[i].end()) return i;
  }
  const auto first = chunks_.begin() + static_cast<ptrdiff_t>(head_);
  const auto after = std::upper_bound(first, chunks_.end(), offset,
                                      [](uint64_t value, const Chunk& chunk) { return value < chunk.offset; });
  return static_cast<size_t>(after - chunks_.begin()) - (after == first ? 0 : 1);
}

void SendBuffer::freeAcked() {
  while (head_ < chunks_.size() && chunks_[head_].end() <= front_) chunks_[head_++].bytes = OwnedBytes();
  if (head_ == chunks_.size()) {
    chunks_.clear();
    head_ = cursor_ = 0;
  } else if (head_ >= kCompactAt && head_ > chunks_.size() / 2) {
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<ptrdiff_t>(head_));
    cursor_ -= std::min(cursor_, head_);
    head_ = 0;
  }
}

}  // namespace quic
