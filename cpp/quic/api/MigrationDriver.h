// Between the tables of servermigration/ and the connection: facts in, steps carried out. It knows actions, not protocols.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

// ---- negotiation
/// Client: checks the answer. Server: what to answer; nullopt: nothing.
Result<std::optional<ServerMigrationProtocols>> negotiateServerMigration(QuicConnectionState& state,
                                                                         const TransportParameters& peer);
[[nodiscard]] ServerMigrationProtocols negotiatedMigration(const QuicConnectionState& state);
void onMigrationHandshakeConfirmed(QuicConnectionState& state);

// ---- facts
Result<> onServerMigrationFrame(QuicConnectionState& state, const PacketContext& context,
                                const ServerMigrationFrame& frame);
Result<> onServerMigrationFrame(QuicConnectionState& state, const PacketContext& context,
                                const ServerMigratedFrame& frame);
Result<> onServerMigrationFrame(QuicConnectionState& state, const PacketContext& context,
                                const PoolMigrationAddressFrame& frame);
/// Before the frames of each 1-RTT packet.
void onOneRttPacket(QuicConnectionState& state, PacketNum number);
/// The highest-numbered packet so far, and not a probing one.
void onLatestNonProbingPacket(QuicConnectionState& state, const PacketContext& context);
/// Any authentic 1-RTT packet came on this path.
void onHeardFrom(QuicConnectionState& state, PathId path);
void onPathValidated(QuicConnectionState& state, PathId path);
void onPathFailed(QuicConnectionState& state, PathId path);
/// Also when the acknowledgment comes after the loss was declared: a client that has its answer asks no more.
void onPathResponseAcked(QuicConnectionState& state, PathId path);
/// The client has retired this ID of ours, in a packet that came on this path.
void onOwnIdRetired(QuicConnectionState& state, const ConnectionId& id, PathId path);
void onAnnouncementAcked(QuicConnectionState& state, uint32_t epoch);
void onAnnouncementLost(QuicConnectionState& state, uint32_t epoch);
void onPoolAddressAcked(QuicConnectionState& state, uint32_t index);
void onPoolAddressLost(QuicConnectionState& state, uint32_t index);
/// An ACK frame that covers everything up to `largest` has left.
void onAckLeft(QuicConnectionState& state, PacketNum largest);
/// An ack-eliciting 1-RTT packet has left on the active path.
void onAsked(QuicConnectionState& state);
/// The client sends from another address of its own now.
void onOwnAddressChanged(QuicConnectionState& state);
/// See onResumed() in Timers.h.
void onMigrationResumed(QuicConnectionState& state, Duration frozenFor);

// ---- verbs
Result<> startProbing(QuicConnectionState& state);
void prepareServerMigration(QuicConnectionState& state, ServerMigrationProtocol protocol,
                            const std::optional<QuicIPAddress>& address);
void switchNetwork(QuicConnectionState& state, const SocketAddress& local);
void cancelServerMigration(QuicConnectionState& state);

// ---- work
[[nodiscard]] bool hasMigrationFrames(const QuicConnectionState& state);
void writeMigrationFrames(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent);
[[nodiscard]] std::optional<TimePoint> nextMigrationTimeout(const QuicConnectionState& state);
void onMigrationTimeout(QuicConnectionState& state);

}  // namespace quic
