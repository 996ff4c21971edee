// Between path MTU discovery (state/PathMtu) and the connection: which packets it hears of, when a probe may leave, and who is
// told of a new size. RFC 9000 §14.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// The largest datagram that is ever tried on a path to `peer`.
[[nodiscard]] size_t largestDatagram(const QuicConnectionState& state, const SocketAddress& peer);
/// The size of a probe that is to be sent on the active path now, into `room` bytes.
[[nodiscard]] std::optional<size_t> mtuProbeDue(QuicConnectionState& state, size_t room);
/// An ordinary datagram of this size left on the active path.
void onDatagramSent(QuicConnectionState& state, size_t size);
/// A packet in flight was acknowledged.
void onAckedForMtu(QuicConnectionState& state, Path& path, const SentPacket& packet);
/// A packet in flight was declared lost.
void onLostForMtu(QuicConnectionState& state, Path& path, const SentPacket& packet);
/// The address of the active path is proved, and full datagrams seem to be lost there (RFC 9000 §8.2.3): probes will tell.
void onBaseDoubted(QuicConnectionState& state);
/// RFC 9000 §14.2: a path that does not carry 1200 bytes is left, or the connection ends.
void leaveUnusablePath(QuicConnectionState& state);

}  // namespace quic
