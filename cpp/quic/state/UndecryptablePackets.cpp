#include "quic/state/UndecryptablePackets.h"

#include <algorithm>

#include "quic/QuicConstants.h"

namespace quic {

bool UndecryptablePackets::hold(UndecryptablePacket&& packet) {
  const bool fits =
      packets_.size() < kMaxUndecryptablePackets && packet.bytes.size() <= kMaxUndecryptableBytes - bytes_;
  if (!fits) return false;
  bytes_ += packet.bytes.size();
  packets_.push_back(std::move(packet));
  return true;
}

std::optional<UndecryptablePacket> UndecryptablePackets::take(EncryptionLevel level) {
  const auto found = std::find_if(packets_.begin(), packets_.end(),
                                  [level](const UndecryptablePacket& packet) { return packet.level == level; });
  if (found == packets_.end()) return std::nullopt;
  UndecryptablePacket packet = std::move(*found);
  packets_.erase(found);
  bytes_ -= packet.bytes.size();
  if (packets_.empty()) packets_ = {};  // most connections never need it again
  return packet;
}

size_t UndecryptablePackets::drop(EncryptionLevel level) {
  size_t dropped = 0;
  while (take(level)) ++dropped;
  return dropped;
}

bool UndecryptablePackets::holds(EncryptionLevel level) const {
  return std::any_of(packets_.begin(), packets_.end(),
                     [level](const UndecryptablePacket& packet) { return packet.level == level; });
}

}  // namespace quic
