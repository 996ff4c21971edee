// Bytes of one stream, put in order (RFC 9000 §2.2). It knows nothing of final sizes or credit: the caller admits
// bytes first.
//
// Memory: aligned blocks that hold the range from the first unread byte to the last received one, so at most the
// flow-control window rounded up to blocks, however small the pieces are; plus kMaxStreamGaps ranges. A small stream
// has a small first block, a drained one has none. Bytes that come twice are harmless; if they differ, the last ones
// before reading win (RFC 9000 §2.2 lets us choose).
#pragma once

#include "quic/common/IntervalSet.h"
#include "quic/state/BlockPool.h"

namespace quic {

class ReassemblyBuffer {
 public:
  /// False when the peer has left more than kMaxStreamGaps gaps; the buffer is of no use then.
  [[nodiscard]] bool insert(uint64_t offset, ByteSpan data, BlockPool& pool);
  /// Copies the next bytes in order; returns how many.
  size_t read(MutableByteSpan out, BlockPool& pool);
  /// Drops all bytes; offsets begin at zero again.
  void clear(BlockPool& pool);

  [[nodiscard]] uint64_t readable() const { return contiguous_ - read_; }
  [[nodiscard]] uint64_t readOffset() const { return read_; }
  /// Everything below has been received.
  [[nodiscard]] uint64_t contiguousEnd() const { return contiguous_; }
  [[nodiscard]] size_t gaps() const { return received_.size(); }
  /// Bytes of memory held in blocks.
  [[nodiscard]] size_t blockBytes() const;

 private:
  void store(uint64_t offset, ByteSpan data, BlockPool& pool);
  uint8_t* blockFor(uint64_t number, size_t needed, BlockPool& pool);
  void releaseFront(BlockPool& pool);
  void releaseAll(BlockPool& pool);

  uint64_t read_ = 0;
  uint64_t contiguous_ = 0;
  IntervalSet received_;                  // beyond contiguous_
  std::vector<BlockPool::Block> blocks_;  // blocks_[head_] is the block of read_; null where nothing came yet
  size_t head_ = 0;
  bool firstIsSmall_ = false;  // block number 0 has kSmallSize bytes
};

}  // namespace quic
