#include "quic/api/FrameDispatch.h"

#include "quic/api/AckFrequencyDriver.h"
#include "quic/api/AddressValidationDriver.h"
#include "quic/api/DatagramDriver.h"
#include "quic/api/HandshakeDriver.h"
#include "quic/api/KeyDriver.h"
#include "quic/api/LifeDriver.h"
#include "quic/api/MigrationDriver.h"
#include "quic/api/PathDriver.h"
#include "quic/api/RecoveryDriver.h"

namespace quic {
namespace {

Result<> done() { return Unit{}; }

struct Dispatcher {
  QuicConnectionState& state;
  const PacketContext& context;

  Result<> operator()(const PaddingFrame&) { return done(); }
  Result<> operator()(const PingFrame&) { return done(); }
  Result<> operator()(const AckFrame& f) {
    const Result<> keys = onAckUnderKeys(state, context, f);
    return keys ? onAckFrame(state, context, f) : keys;
  }
  Result<> operator()(const CryptoFrame& f) { return onCryptoFrame(state, context.level, f); }
  Result<> operator()(const ResetStreamFrame& f) { return state.streams.onResetStream(f); }
  Result<> operator()(const ResetStreamAtFrame& f) { return state.streams.onResetStreamAt(f); }
  Result<> operator()(const StopSendingFrame& f) { return state.streams.onStopSending(f); }
  Result<> operator()(const StreamFrame& f) { return state.streams.onStreamFrame(f); }
  Result<> operator()(const MaxDataFrame& f) { return state.streams.onMaxData(f); }
  Result<> operator()(const MaxStreamDataFrame& f) { return state.streams.onMaxStreamData(f); }
  Result<> operator()(const MaxStreamsFrame& f) { return state.streams.onMaxStreams(f); }
  Result<> operator()(const DataBlockedFrame& f) { return state.streams.onDataBlocked(f); }
  Result<> operator()(const StreamDataBlockedFrame& f) { return state.streams.onStreamDataBlocked(f); }
  Result<> operator()(const StreamsBlockedFrame& f) { return state.streams.onStreamsBlocked(f); }

  Result<> operator()(const NewTokenFrame& f) {
    onNewToken(state, f);
    return done();
  }
  Result<> operator()(const NewConnectionIdFrame& f) {
    // The fork's clients give the first ID that they issue the number of the handshake's. It counts as never issued; numbers
    // above it are as they should be (section "Old peers" of servermigration/FORK.md).
    if (f.sequence == 0 && state.role == Role::Server && !negotiatedMigration(state).empty()) return done();
    const Result<> taken = state.peerIds.onNewConnectionId(f);
    if (taken) refreshDestinationIds(state);
    return taken;
  }
  Result<> operator()(const RetireConnectionIdFrame& f) {
    const Result<ConnectionId> retired = state.selfIds.onRetire(f.sequence, context.destinationId);
    if (!retired) return forward(retired.error());
    if (!retired->empty()) state.routing.emplace_back(ConnectionIdRetired{*retired});
    onOwnIdRetired(state, *retired, context.path);
    issueConnectionIds(state);
    return done();
  }
  Result<> operator()(const PathChallengeFrame& f) {
    onPathChallenge(state, context, f);
    return done();
  }
  Result<> operator()(const PathResponseFrame& f) {
    onPathResponse(state, f);
    return done();
  }
  Result<> operator()(const ConnectionCloseFrame& f) {
    onPeerClose(state, f);
    return done();
  }
  Result<> operator()(const HandshakeDoneFrame&) {
    onHandshakeDone(state);
    return done();
  }
  Result<> operator()(const DatagramFrame& f) { return onDatagramFrame(state, f); }
  Result<> operator()(const AckFrequencyFrame& f) { return onAckFrequencyFrame(state, f); }
  Result<> operator()(const ImmediateAckFrame&) { return onImmediateAckFrame(state); }
  Result<> operator()(const ServerMigrationFrame& f) { return onServerMigrationFrame(state, context, f); }
  Result<> operator()(const ServerMigratedFrame& f) { return onServerMigrationFrame(state, context, f); }
  Result<> operator()(const PoolMigrationAddressFrame& f) { return onServerMigrationFrame(state, context, f); }
};

}  // namespace

Result<> dispatchFrame(QuicConnectionState& state, const PacketContext& context, const QuicFrame& frame) {
  return std::visit(Dispatcher{state, context}, frame);
}

}  // namespace quic
