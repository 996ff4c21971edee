// The count of bytes in flight on one path: RFC 9002 §2. It is told of packets; it does not remember them.
#pragma once

#include <cstdint>

#include "quic/common/Bug.h"

namespace quic {

class BytesInFlight {
 public:
  void add(uint64_t bytes) { bytes_ += bytes; }
  void remove(uint64_t bytes) {
    const bool tooMany = QUIC_BUG(bytes > bytes_, "more left the flight than was in it");
    bytes_ = tooMany ? 0 : bytes_ - bytes;
  }
  [[nodiscard]] uint64_t count() const { return bytes_; }

 private:
  uint64_t bytes_ = 0;
};

}  // namespace quic
