// Removal of header protection and of packet protection: RFC 9001 §5.3, §5.4. Decrypts in place.
// Whatever the header says, one AEAD is run over the packet before anything is judged (§9.5): neither a packet number that was
// seen before nor an impossible Key Phase can be told by the time it takes.
#pragma once

#include <optional>

#include "quic/codec/QuicPacketHeaders.h"
#include "quic/handshake/Aead.h"
#include "quic/state/AckTracker.h"
#include "quic/state/KeyPhases.h"

namespace quic {

struct OpenedPacket {
  PacketNum number = 0;
  MutableByteSpan payload;
  bool hasReservedBits = false;  // RFC 9000 §17.2, §17.3.1: a violation once the packet is known to be authentic
  KeyPhase keyPhase = KeyPhase::Current;
};

enum class OpenFailure : uint8_t { NoKeys, Malformed, Duplicate, NotAuthentic };

/// What packets of one level are opened with.
struct OpeningKeys {
  const PacketProtection& keys;
  const AckTracker& received;         // of their number space
  const KeyPhases* phases = nullptr;  // 1-RTT only
};

Expected<OpenedPacket, OpenFailure> openPacket(const OpeningKeys& with, const ProtectedPacket& packet);

}  // namespace quic
