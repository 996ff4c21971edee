// Datagrams between the connection and its packets (RFC 9221), and whose turn it is: theirs or the streams'. What is more
// urgent goes first (RFC 9218 §4.1); of equal urgency they take turns, a packet each.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

/// The largest datagram that would leave now: changes with the path; nullopt when the peer takes none.
[[nodiscard]] std::optional<size_t> maxDatagramPayload(const QuicConnectionState& state);
Result<> sendDatagram(QuicConnectionState& state, OwnedBytes&& bytes, const DatagramOptions& options);
Result<> onDatagramFrame(QuicConnectionState& state, const DatagramFrame& frame);
void onDatagramAcked(QuicConnectionState& state, uint64_t id);
void onDatagramLost(QuicConnectionState& state, uint64_t id);

/// Whether the application has something that the peer lets us send: DATAGRAM or STREAM.
[[nodiscard]] bool hasDataToSend(const QuicConnectionState& state);
/// DATAGRAM and STREAM frames, as many as fit.
void writeDataFrames(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent);
/// What streams and datagrams have to tell, in turns.
std::optional<TransportEvent> pollDataEvent(QuicConnectionState& state);

}  // namespace quic
