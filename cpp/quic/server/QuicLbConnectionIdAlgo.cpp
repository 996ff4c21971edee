#include "quic/server/QuicLbConnectionIdAlgo.h"

#include <algorithm>

namespace quic {
namespace {

constexpr size_t kSinglePassSize = kCipherBlockSize;  // §5.4.1
constexpr uint8_t kRotationShift = 5;
constexpr uint8_t kSizeMask = 0x1f;

using Half = std::array<uint8_t, (kMaxQuicLbBlockSize + 1) / 2>;

/// §5.4.2: a block of an odd number of bytes is cut in the middle of a byte. The left half owns the high bits of it, the right
/// half the low ones; the other four bits of each are kept zero.
struct Halves {
  explicit Halves(ByteSpan block) : size((block.size() + 1) / 2), isOdd(block.size() % 2 != 0), total(block.size()) {
    std::copy_n(block.begin(), size, left.begin());
    std::copy_n(block.end() - static_cast<ptrdiff_t>(size), size, right.begin());
    trim();
  }
  void trim() {
    if (!isOdd) return;
    left[size - 1] &= 0xf0;
    right[0] &= 0x0f;
  }
  void store(MutableByteSpan block) const {
    std::array<uint8_t, kMaxQuicLbBlockSize> bytes{};
    for (size_t i = 0; i < size; ++i) {
      bytes[i] |= left[i];
      bytes[total - size + i] |= right[i];
    }
    for (size_t i = 0; i < std::min(block.size(), bytes.size()); ++i) block[i] = bytes[i];
  }
  /// `to` takes up what AES makes of `from` in this pass.
  void mix(BlockCipher& cipher, const Half& from, Half& to, uint8_t pass) {
    CipherBlock input{};
    std::copy_n(from.begin(), size, input.begin());
    input[14] = static_cast<uint8_t>(total);
    input[15] = pass;
    cipher.encrypt(input);
    for (size_t i = 0; i < size; ++i) to[i] ^= input[i];
    trim();
  }

  size_t size;
  bool isOdd;
  size_t total;
  Half left{};
  Half right{};
};

void runOneBlock(MutableByteSpan block, auto&& run) {
  CipherBlock bytes{};
  std::copy(block.begin(), block.end(), bytes.begin());
  run(bytes);
  std::copy(bytes.begin(), bytes.end(), block.begin());
}

}  // namespace

void encryptQuicLb(BlockCipher& cipher, MutableByteSpan block) {
  if (block.size() == kSinglePassSize) return runOneBlock(block, [&](CipherBlock& bytes) { cipher.encrypt(bytes); });
  Halves halves(block);
  halves.mix(cipher, halves.left, halves.right, 1);
  halves.mix(cipher, halves.right, halves.left, 2);
  halves.mix(cipher, halves.left, halves.right, 3);
  halves.mix(cipher, halves.right, halves.left, 4);
  halves.store(block);
}

void decryptQuicLb(BlockCipher& cipher, MutableByteSpan block) {
  if (block.size() == kSinglePassSize) return runOneBlock(block, [&](CipherBlock& bytes) { cipher.decrypt(bytes); });
  Halves halves(block);
  halves.mix(cipher, halves.right, halves.left, 4);
  halves.mix(cipher, halves.left, halves.right, 3);
  halves.mix(cipher, halves.right, halves.left, 2);
  halves.mix(cipher, halves.left, halves.right, 1);
  halves.store(block);
}

QuicLbConnectionIdAlgo::QuicLbConnectionIdAlgo(const QuicLbConfig& config, ByteVector serverId,
                                               std::unique_ptr<BlockCipher> cipher, Random& random)
    : config_(config),
      serverId_(std::move(serverId)),
      cipher_(std::move(cipher)),
      random_(random),
      nonce_(config.nonceSize) {
  config_.configRotation = std::min(config_.configRotation, kMaxConfigRotation);
  random_.fill(nonce_);
}

ConnectionId QuicLbConnectionIdAlgo::make() {
  std::array<uint8_t, kMaxConnectionIdSize> bytes{};
  const MutableByteSpan id = MutableByteSpan(bytes).first(size());
  random_.fill(id.first(1));
  const auto low = config_.encodesSize ? static_cast<uint8_t>(config_.blockSize()) : id[0];
  id[0] = static_cast<uint8_t>(config_.configRotation << kRotationShift | (low & kSizeMask));
  const MutableByteSpan block = id.subspan(1);
  std::copy(serverId_.begin(), serverId_.end(), block.begin());
  std::copy(nonce_.begin(), nonce_.end(), block.begin() + static_cast<ptrdiff_t>(serverId_.size()));
  for (size_t at = nonce_.size(); at > 0 && ++nonce_[at - 1] == 0; --at) {
  }
  encryptQuicLb(*cipher_, block);
  return ConnectionId(id);
}

std::optional<uint8_t> QuicLbConnectionIdAlgo::workerOf(ByteSpan id) const {
  if (id.size() != size() || id[0] >> kRotationShift != config_.configRotation) return std::nullopt;
  if (config_.encodesSize && (id[0] & kSizeMask) != config_.blockSize()) return std::nullopt;
  std::array<uint8_t, kMaxQuicLbBlockSize> bytes{};
  const MutableByteSpan block = MutableByteSpan(bytes).first(config_.blockSize());
  std::copy(id.begin() + 1, id.end(), block.begin());
  decryptQuicLb(*cipher_, block);
  const bool isOurs = std::equal(serverId_.begin(), serverId_.end() - 1, block.begin());
  return isOurs ? std::optional(block[serverId_.size() - 1]) : std::nullopt;
}

}  // namespace quic
