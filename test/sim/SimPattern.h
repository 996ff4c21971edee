// Bytes that can be told apart from all others: a pattern of a seed and an offset, and a hash that is the same only when no byte
// is missing, doubled or out of place.
#pragma once

#include <cstring>

#include "quic/common/Bytes.h"

namespace quic::test {

inline uint8_t patternAt(uint64_t seed, uint64_t offset) {
  return static_cast<uint8_t>((offset * 0x9e3779b97f4a7c15 + seed) >> 56);
}

inline ByteVector patternOf(uint64_t seed, uint64_t size) {
  ByteVector bytes(size);
  for (uint64_t i = 0; i < size; ++i) bytes[i] = patternAt(seed, i);
  return bytes;
}

inline constexpr uint64_t kEmptyHash = 0xcbf29ce484222325;  // FNV-1a

inline uint64_t foldHash(uint64_t hash, ByteSpan bytes) {
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

/// Of the whole, eight bytes at a time: not the same as of its parts one after the other.
inline uint64_t foldWhole(uint64_t hash, ByteSpan bytes) {
  while (bytes.size() >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof(word));
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
    bytes = bytes.subspan(sizeof(word));
  }
  return foldHash(hash, bytes);
}

}  // namespace quic::test
