// CRYPTO bytes of one level that TLS has not consumed yet, and a scanner that knows where handshake messages begin.
// OpenSSL borrows a piece and reads it later, so a piece that was lent never moves until it is given back.
#pragma once

#include <algorithm>

#include "quic/common/Bytes.h"

namespace quic {

class CryptoInbox {
 public:
  [[nodiscard]] size_t size() const { return lent_.size() - released_ + waiting_.size(); }
  void append(ByteSpan bytes) { waiting_.insert(waiting_.end(), bytes.begin(), bytes.end()); }

  /// What TLS has not released of the piece it has, else the next piece; empty when there is none.
  ByteSpan borrow() {
    if (released_ == lent_.size()) {
      lent_.clear();
      lent_.swap(waiting_);
      released_ = 0;
    }
    return ByteSpan(lent_).subspan(released_);
  }
  /// False when more is given back than was lent.
  bool release(size_t size) {
    if (size > lent_.size() - released_) return false;
    released_ += size;
    return true;
  }

 private:
  ByteVector lent_;
  size_t released_ = 0;  // of lent_
  ByteVector waiting_;
};

/// RFC 8446 §4: a message is a type byte, a 24-bit length and so many bytes. They can be cut anywhere.
class HandshakeMessageScanner {
 public:
  /// Whether a message of `type` begins within the next bytes of the flow.
  bool sees(uint8_t type, ByteSpan bytes) {
    bool seen = false;
    while (!bytes.empty()) {
      if (headerBytes_ == kHeaderSize) {
        const size_t skipped = std::min<size_t>(body_, bytes.size());
        bytes = bytes.subspan(skipped);
        body_ -= static_cast<uint32_t>(skipped);
        if (body_ == 0) headerBytes_ = 0;
        continue;
      }
      if (headerBytes_ == 0) {
        seen = seen || bytes.front() == type;
        body_ = 0;
      } else {
        body_ = body_ << 8 | bytes.front();
      }
      bytes = bytes.subspan(1);
      if (++headerBytes_ == kHeaderSize && body_ == 0) headerBytes_ = 0;
    }
    return seen;
  }

 private:
  static constexpr uint8_t kHeaderSize = 4;
  uint8_t headerBytes_ = 0;
  uint32_t body_ = 0;  // bytes of the present message still to come, once its header is whole
};

}  // namespace quic
