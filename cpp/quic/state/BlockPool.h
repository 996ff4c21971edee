// Memory of reassembly: blocks of two sizes, kept for the next taker up to a bound, so that a bulk transfer and a
// stream of small requests run without the heap. It is no accountant: who takes blocks is bounded by flow control.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "quic/common/Bytes.h"

namespace quic {

class BlockPool {
 public:
  using Block = std::unique_ptr<uint8_t[]>;
  enum class Size : uint8_t { Small = 0, Full = 1 };

  static constexpr size_t kSmallSize = 512;  // a whole small request; also what an idle tiny stream costs
  static constexpr size_t kFullSize = 4096;
  static constexpr std::array<size_t, 2> kMaxKept = {128, 24};  // at most 160 KiB for each connection

  /// The bytes are uninitialized.
  Block take(Size size) {
    std::vector<Block>& kept = kept_[static_cast<size_t>(size)];
    if (kept.empty()) return std::make_unique_for_overwrite<uint8_t[]>(size == Size::Small ? kSmallSize : kFullSize);
    Block block = std::move(kept.back());
    kept.pop_back();
    return block;
  }
  void give(Block block, Size size) {
    std::vector<Block>& kept = kept_[static_cast<size_t>(size)];
    if (block != nullptr && kept.size() < kMaxKept[static_cast<size_t>(size)]) kept.push_back(std::move(block));
  }

 private:
  std::array<std::vector<Block>, 2> kept_;
};

}  // namespace quic
