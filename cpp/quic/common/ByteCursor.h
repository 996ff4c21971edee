// Reading and writing of bytes with a bound. A failed read or write moves nothing and says so; nothing asserts,
// because what is read comes from a peer.
#pragma once

#include <cstring>
#include <optional>

#include "quic/common/Bytes.h"

namespace quic {

class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : bytes_(bytes) {}

  [[nodiscard]] size_t remaining() const { return bytes_.size() - offset_; }
  [[nodiscard]] bool atEnd() const { return remaining() == 0; }
  [[nodiscard]] size_t offset() const { return offset_; }
  [[nodiscard]] ByteSpan rest() const { return bytes_.subspan(offset_); }

  std::optional<uint64_t> readBigEndian(size_t size) {
    if (remaining() < size) return std::nullopt;
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | bytes_[offset_ + i];
    offset_ += size;
    return value;
  }
  std::optional<uint8_t> readByte() {
    if (atEnd()) return std::nullopt;
    return bytes_[offset_++];
  }
  /// RFC 9000 §16. Any encoded length is accepted. One and two bytes, the usual ones, go without a loop.
  std::optional<uint64_t> readVarint() {
    if (atEnd()) return std::nullopt;
    const uint8_t first = bytes_[offset_];
    if (first < 0x40) {
      ++offset_;
      return first;
    }
    const size_t size = size_t{1} << (first >> 6);
    if (remaining() < size) return std::nullopt;
    uint64_t value = uint64_t{first & 0x3fu} << 8 | bytes_[offset_ + 1];
    for (size_t i = 2; i < size; ++i) value = value << 8 | bytes_[offset_ + i];
    offset_ += size;
    return value;
  }
  std::optional<ByteSpan> readBytes(uint64_t size) {
    if (remaining() < size) return std::nullopt;
    const ByteSpan out = bytes_.subspan(offset_, static_cast<size_t>(size));
    offset_ += static_cast<size_t>(size);
    return out;
  }
  bool skip(uint64_t size) { return readBytes(size).has_value(); }

 private:
  ByteSpan bytes_;
  size_t offset_ = 0;
};

inline constexpr uint64_t kMaxVarint = (uint64_t{1} << 62) - 1;  // RFC 9000 §16

/// Bytes of the shortest encoding of a value up to kMaxVarint.
constexpr size_t varintSize(uint64_t value) {
  if (value < (1u << 6)) return 1;
  if (value < (1u << 14)) return 2;
  if (value < (1u << 30)) return 4;
  return 8;
}

class ByteWriter {
 public:
  explicit ByteWriter(MutableByteSpan bytes) : bytes_(bytes) {}

  [[nodiscard]] size_t remaining() const { return bytes_.size() - offset_; }
  [[nodiscard]] size_t offset() const { return offset_; }
  [[nodiscard]] MutableByteSpan written() const { return bytes_.first(offset_); }
  [[nodiscard]] MutableByteSpan rest() const { return bytes_.subspan(offset_); }

  bool writeBigEndian(uint64_t value, size_t size) {
    if (remaining() < size) return false;
    for (size_t i = 0; i < size; ++i) bytes_[offset_ + i] = static_cast<uint8_t>(value >> 8 * (size - 1 - i));
    offset_ += size;
    return true;
  }
  bool writeByte(uint8_t value) {
    if (remaining() == 0) return false;
    bytes_[offset_++] = value;
    return true;
  }
  bool writeVarint(uint64_t value) { return writeVarint(value, varintSize(value)); }
  /// With a length of its own: 1, 2, 4 or 8 bytes, for a field that is patched later.
  bool writeVarint(uint64_t value, size_t size) {
    if (remaining() < size || value > kMaxVarint || varintSize(value) > size) return false;
    static constexpr uint8_t kPrefix[9] = {0, 0x00, 0x40, 0, 0x80, 0, 0, 0, 0xc0};
    writeBigEndian(value, size);
    bytes_[offset_ - size] |= kPrefix[size];
    return true;
  }
  bool writeBytes(ByteSpan data) {
    if (remaining() < data.size()) return false;
    if (!data.empty()) std::memcpy(bytes_.data() + offset_, data.data(), data.size());
    offset_ += data.size();
    return true;
  }
  bool writeZeros(size_t size) {
    if (remaining() < size) return false;
    std::memset(bytes_.data() + offset_, 0, size);
    offset_ += size;
    return true;
  }
  /// Moves over bytes that somebody else wrote into rest().
  bool advance(size_t size) {
    if (remaining() < size) return false;
    offset_ += size;
    return true;
  }

 private:
  MutableByteSpan bytes_;
  size_t offset_ = 0;
};

}  // namespace quic
