#include "quic/state/ReassemblyBuffer.h"

#include <cstring>

#include "quic/QuicConstants.h"

namespace quic {

namespace {
constexpr size_t kKeptCapacity = 64;  // pointers to blocks that stay with a stream slot for its next user
constexpr size_t kCompactAt = 32;
}  // namespace

bool ReassemblyBuffer::insert(uint64_t offset, ByteSpan data, BlockPool& pool) {
  const uint64_t end = offset + data.size();
  if (data.empty() || end <= contiguous_) return true;
  if (offset < contiguous_) {
    data = data.subspan(static_cast<size_t>(contiguous_ - offset));
    offset = contiguous_;
  }
  if (offset == contiguous_ && received_.empty()) {
    store(offset, data, pool);
    contiguous_ = end;
    return true;
  }
  received_.insert(offset, end - 1);
  if (received_.size() > kMaxStreamGaps) return false;
  store(offset, data, pool);
  if (received_.front().start == contiguous_) {
    contiguous_ = received_.front().end + 1;
    received_.popFront();
  }
  return true;
}

size_t ReassemblyBuffer::read(MutableByteSpan out, BlockPool& pool) {
  const auto size = static_cast<size_t>(std::min<uint64_t>(out.size(), readable()));
  size_t done = 0;
  while (done < size) {
    const auto within = static_cast<size_t>(read_ % BlockPool::kFullSize);
    const size_t piece = std::min(size - done, BlockPool::kFullSize - within);
    std::memcpy(out.data() + done, blocks_[head_].get() + within, piece);
    done += piece;
    read_ += piece;
    if (within + piece == BlockPool::kFullSize) releaseFront(pool);
  }
  // An idle stream keeps no memory.
  if (read_ == contiguous_ && received_.empty()) releaseAll(pool);
  return size;
}

void ReassemblyBuffer::clear(BlockPool& pool) {
  releaseAll(pool);
  std::vector<BlockPool::Block> storage = std::move(blocks_);
  *this = ReassemblyBuffer();
  if (storage.capacity() <= kKeptCapacity) blocks_ = std::move(storage);
}

size_t ReassemblyBuffer::blockBytes() const {
  size_t bytes = 0;
  for (const BlockPool::Block& block : blocks_) {
    if (block != nullptr) bytes += BlockPool::kFullSize;
  }
  if (firstIsSmall_) bytes -= BlockPool::kFullSize - BlockPool::kSmallSize;
  return bytes;
}

void ReassemblyBuffer::store(uint64_t offset, ByteSpan data, BlockPool& pool) {
  while (!data.empty()) {
    const auto within = static_cast<size_t>(offset % BlockPool::kFullSize);
    const size_t piece = std::min(data.size(), BlockPool::kFullSize - within);
    uint8_t* block = blockFor(offset / BlockPool::kFullSize, within + piece, pool);
    std::memcpy(block + within, data.data(), piece);
    data = data.subspan(piece);
    offset += piece;
  }
}

/// The block with room for its first `needed` bytes.
uint8_t* ReassemblyBuffer::blockFor(uint64_t number, size_t needed, BlockPool& pool) {
  const size_t index = head_ + static_cast<size_t>(number - read_ / BlockPool::kFullSize);
  if (index >= blocks_.size()) blocks_.resize(index + 1);
  BlockPool::Block& block = blocks_[index];
  const bool fitsSmall = number == 0 && needed <= BlockPool::kSmallSize;
  if (block == nullptr) {
    firstIsSmall_ = firstIsSmall_ || fitsSmall;
    block = pool.take(fitsSmall ? BlockPool::Size::Small : BlockPool::Size::Full);
  } else if (number == 0 && firstIsSmall_ && !fitsSmall) {
    BlockPool::Block full = pool.take(BlockPool::Size::Full);
    std::memcpy(full.get(), block.get(), BlockPool::kSmallSize);
    pool.give(std::move(block), BlockPool::Size::Small);
    block = std::move(full);
    firstIsSmall_ = false;
  }
  return block.get();
}

void ReassemblyBuffer::releaseFront(BlockPool& pool) {
  pool.give(std::move(blocks_[head_]), BlockPool::Size::Full);  // a small block is never read to the end of a full one
  ++head_;
  if (head_ == blocks_.size()) {
    blocks_.clear();
    head_ = 0;
  } else if (head_ >= kCompactAt && head_ > blocks_.size() / 2) {
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }
}

void ReassemblyBuffer::releaseAll(BlockPool& pool) {
  for (size_t i = head_; i < blocks_.size(); ++i) {
    const bool isSmall = firstIsSmall_ && i == head_;
    pool.give(std::move(blocks_[i]), isSmall ? BlockPool::Size::Small : BlockPool::Size::Full);
  }
  blocks_.clear();
  head_ = 0;
  firstIsSmall_ = false;
}

}  // namespace quic
