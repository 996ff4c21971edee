// Packets that came before the keys that open them (RFC 9001 §5.7), as they came and in the order in which they came, until
// the keys are there or will never be. Bounded by kMaxUndecryptablePackets and kMaxUndecryptableBytes: what is beyond them counts
// as lost in the network. Whether keys are there is api/PacketReceiver's to know.
#pragma once

#include <optional>
#include <vector>

#include "quic/common/Datagram.h"
#include "quic/common/QuicClock.h"

namespace quic {

struct UndecryptablePacket {
  EncryptionLevel level = EncryptionLevel::OneRtt;
  TimePoint receivedAt{};
  FourTuple path;
  Ecn ecn = Ecn::NotEct;
  ByteVector bytes;
};

class UndecryptablePackets {
 public:
  /// False: there is no room.
  bool hold(UndecryptablePacket&& packet);
  /// The oldest of a level.
  std::optional<UndecryptablePacket> take(EncryptionLevel level);
  /// Returns how many there were.
  size_t drop(EncryptionLevel level);

  [[nodiscard]] bool holds(EncryptionLevel level) const;
  [[nodiscard]] bool empty() const { return packets_.empty(); }
  [[nodiscard]] size_t size() const { return packets_.size(); }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  std::vector<UndecryptablePacket> packets_;
  size_t bytes_ = 0;
};

}  // namespace quic
