#include "quic/server/ConnectionIdAlgo.h"

#include <algorithm>

namespace quic {

GeneratedConnectionId ConnectionIdAlgo::make() {
  std::array<uint8_t, kMaxConnectionIdSize> bytes{};
  random_.fill(MutableByteSpan(bytes).first(size_));
  bytes[0] = worker_;
  const ConnectionId id(ByteSpan(bytes).first(size_));
  return {id, resetToken(id)};
}

std::optional<uint8_t> ConnectionIdAlgo::workerOf(ByteSpan id) const {
  if (id.size() != size_) return std::nullopt;
  return id[0];
}

}  // namespace quic
