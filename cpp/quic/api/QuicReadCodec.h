// Removal of header protection and of packet protection: RFC 9001 §5.3, §5.4. Decrypts in place.
#pragma once

#include <optional>

#include "quic/codec/QuicPacketHeaders.h"
#include "quic/state/PacketSpace.h"

namespace quic {

struct OpenedPacket {
  PacketNum number = 0;
  MutableByteSpan payload;
  bool hasReservedBits = false;  // RFC 9000 §17.2, §17.3.1: a violation once the packet is known to be authentic
};

enum class OpenFailure : uint8_t { NoKeys, Malformed, Duplicate, NotAuthentic };

Expected<OpenedPacket, OpenFailure> openPacket(PacketSpace& space, const ProtectedPacket& packet);

}  // namespace quic
