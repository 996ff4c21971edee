// What a connection's qlog tells, and when (draft-ietf-quic-qlog-quic-events-13): the one place that knows both the connection
// and the log. Two kinds of hooks: packets and parameters are told as they pass (below), and all that is a state is compared
// with what was told last, once for each door that was opened (api/QLogChanges).
// Every function returns at once when there is no log: one branch, no allocation.
#pragma once

#include "quic/api/QuicConnectionState.h"
#include "quic/codec/QuicPacketHeaders.h"

namespace quic {

class QuicPacketBuilder;
struct OpenedPacket;

/// After the connection's first destination ID is known, and before anything is done with it: from here on there is a log, if
/// the settings want one. A further attempt, in another version, goes on with the log that there is.
void beginQLog(QuicConnectionState& state);

// ---- packets
/// Before the seal.
void logPacketSent(QuicConnectionState& state, const Path& path, const QuicPacketBuilder& packet, bool isMtuProbe);
struct ReceivedPacketFacts {
  PathId path;
  bool wasHeld = false;  // for want of keys
};
/// Before its frames are processed.
void logPacketReceived(QuicConnectionState& state, const ProtectedPacket& packet, const OpenedPacket& opened,
                       const ReceivedPacketFacts& facts);
/// Retry and Version Negotiation, which have neither number nor frames.
void logPacketReceived(QuicConnectionState& state, const ProtectedPacket& packet);

/// As the schema says them.
enum class DropReason : uint8_t { Rejected, Unsupported, Invalid, Duplicate, DecryptionFailure, KeyUnavailable };
/// `packet` null: it could not even be told apart; `size` bytes went.
void logPacketDropped(QuicConnectionState& state, const ProtectedPacket* packet, size_t size, DropReason reason);
/// It waits for its keys.
void logPacketBuffered(QuicConnectionState& state, const ProtectedPacket& packet);

// ---- recovery
void logPacketLost(QuicConnectionState& state, const SentPacket& packet);
void logSpuriousLoss(QuicConnectionState& state, const LostPacket& late);

// ---- the connection
void logOwnParameters(QuicConnectionState& state, const TransportParameters& parameters);
/// Bytes pass between the application and the transport.
enum class DataDirection : uint8_t { FromApplication, ToApplication };
void logStreamData(QuicConnectionState& state, StreamId stream, DataDirection direction, size_t size, bool fin);
void logDatagramData(QuicConnectionState& state, DataDirection direction, size_t size);

// ---- states
/// At the end of a door. `cause`: whether the peer opened it.
void logChanges(QuicConnectionState& state, Initiator cause);
/// The paths alone, so that no packet is told on one that nobody has heard of.
void tellPaths(QuicConnectionState& state);

// ---- taking it
/// Whole records. nullopt: there are none.
std::optional<QLogText> takeQLog(QuicConnectionState& state);
/// The front of the queue is handed out. ConnectionClosed ends the log: what is sent afterwards is only that again.
void onEventTaken(QuicConnectionState& state, const TransportEvent& event);

}  // namespace quic
