// What a peer lets us send: bytes of a stream, bytes of the connection, or streams of a kind (RFC 9000 §4.1, §4.6).
// It counts first transmissions only; what is sent again was counted before. Invariant: used() <= limit(), but for streams
// that were opened under remembered limits and refused (RFC 9001 §4.6.2): those beyond the new limit wait for it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "quic/common/Bug.h"

namespace quic {

class SendCredit {
 public:
  SendCredit() = default;
  explicit SendCredit(uint64_t limit, uint64_t used = 0) : limit_(limit), used_(used) {}

  [[nodiscard]] uint64_t limit() const { return limit_; }
  [[nodiscard]] uint64_t used() const { return used_; }
  [[nodiscard]] uint64_t available() const { return limit_ > used_ ? limit_ - used_ : 0; }

  /// A limit that is not higher is ignored (RFC 9000 §4.1). Returns whether it counted.
  bool raise(uint64_t limit) {
    if (limit <= limit_) return false;
    limit_ = limit;
    reported_ = false;
    return true;
  }
  void use(uint64_t amount) {
    QUIC_BUG(amount > available(), "more sent than the peer allows");
    used_ += std::min(amount, available());
  }

  /// Whether the peer should hear that this limit holds us up. The caller knows that there is more to send.
  [[nodiscard]] bool isReportDue() const { return available() == 0 && !reported_; }
  /// limit() was written in a *_BLOCKED frame, which is sent once for each limit unless somebody asks for it again.
  void onReported() { reported_ = true; }
  /// The report is wanted once more for the same limit.
  void repeatReport() { reported_ = false; }
  /// RFC 9000 §13.3: sent again only while it still says the truth.
  void onReportLost(uint64_t limit) {
    if (limit == limit_) reported_ = false;
  }

 private:
  uint64_t limit_ = 0;
  uint64_t used_ = 0;
  bool reported_ = false;
};

}  // namespace quic
