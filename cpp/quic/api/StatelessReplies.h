// Datagrams that no connection sends, waiting for their turn. Bounded: what comes when it is full is dropped, and whoever asked
// will ask again.
#pragma once

#include <deque>
#include <optional>

#include "quic/common/Datagram.h"

namespace quic {

class StatelessReplies {
 public:
  explicit StatelessReplies(size_t limit) : limit_(limit) {}

  /// False: it is full, or there is nothing to send.
  bool push(const FourTuple& path, ByteVector&& bytes) {
    if (bytes.empty() || waiting_.size() >= limit_) return false;
    waiting_.push_back({path, std::move(bytes)});
    return true;
  }
  std::optional<Transmit> pop(MutableByteSpan out) {
    while (!waiting_.empty()) {
      const Reply reply = std::move(waiting_.front());
      waiting_.pop_front();
      if (reply.bytes.size() > out.size()) continue;
      std::copy(reply.bytes.begin(), reply.bytes.end(), out.begin());
      return Transmit{reply.path, Ecn::NotEct, reply.bytes.size(), reply.bytes.size()};
    }
    return std::nullopt;
  }

 private:
  struct Reply {
    FourTuple path;
    ByteVector bytes;
  };
  size_t limit_;
  std::deque<Reply> waiting_;
};

}  // namespace quic
