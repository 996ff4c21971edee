#include "quic/api/HandshakeDriver.h"

#include <algorithm>

#include "quic/api/AckFrequencyDriver.h"
#include "quic/api/EarlyDataDriver.h"
#include "quic/api/KeyDriver.h"
#include "quic/api/LifeDriver.h"
#include "quic/api/MigrationDriver.h"
#include "quic/api/PreferredAddressDriver.h"
#include "quic/api/QLogDriver.h"
#include "quic/api/RecoveryDriver.h"
#include "quic/api/VersionDriver.h"
#include "quic/handshake/Resumption.h"

namespace quic {
namespace {

uint64_t milliseconds(Duration duration) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

TransportParameters ourParameters(const QuicConnectionState& state) {
  TransportParameters ours;
  ours.initialSourceConnectionId = state.selfIds.first();
  ours.maxIdleTimeout = milliseconds(state.settings.idleTimeout);
  ours.maxAckDelay = milliseconds(state.settings.maxAckDelay);
  ours.activeConnectionIdLimit = kAdvertisedActiveConnectionIdLimit;
  offerAckFrequency(state, ours);
  ours.versionInformation = ourVersionInformation(state);
  ours.greaseQuicBit = state.settings.greaseQuicBit;
  state.streams.fillParameters(ours);
  ours.maxDatagramFrameSize = state.datagrams.receiver.announced();
  if (state.role == Role::Server) {
    ours.originalDestinationConnectionId = state.handshake.originalDestinationId;
    ours.retrySourceConnectionId = state.handshake.retrySourceId;
    ours.statelessResetToken = state.selfIds.firstToken();
    ours.disableActiveMigration = state.settings.disableActiveMigration;
  } else if (!state.settings.clientMigration.protocols.empty()) {
    ours.serverMigrationSuite = state.settings.clientMigration.protocols.bits();
  }
  return ours;
}

Unexpected<QuicError> badParameter(std::string_view why) {
  return fail(TransportErrorCode::TRANSPORT_PARAMETER_ERROR, why);
}

/// RFC 9000 §7.3: the IDs of the handshake, authenticated.
Result<> checkHandshakeIds(const QuicConnectionState& state, const TransportParameters& peer) {
  if (!peer.initialSourceConnectionId || !state.handshake.peerSourceId ||
      *peer.initialSourceConnectionId != *state.handshake.peerSourceId) {
    return badParameter("initial_source_connection_id does not match");
  }
  if (state.role == Role::Server) return Unit{};
  if (!peer.originalDestinationConnectionId ||
      *peer.originalDestinationConnectionId != state.handshake.originalDestinationId) {
    return badParameter("original_destination_connection_id does not match");
  }
  if (peer.retrySourceConnectionId != state.handshake.retrySourceId) {
    return badParameter("retry_source_connection_id does not match");
  }
  return Unit{};
}

/// What is agreed from now on.
Result<> applyPeerParameters(QuicConnectionState& state, const TransportParameters& peer) {
  state.handshake.peerParameters = peer;
  onAckFrequencyOffered(state, peer);
  state.streams.onPeerParameters(peer);
  state.datagrams.sender.onPeerLimit(peer.maxDatagramFrameSize);
  state.selfIds.onPeerLimit(peer.activeConnectionIdLimit);
  if (peer.statelessResetToken) state.peerIds.setFirstToken(*peer.statelessResetToken);
  const Result<std::optional<ServerMigrationProtocols>> answer = negotiateServerMigration(state, peer);
  if (!answer) return forward(answer.error());
  if (state.role == Role::Client) return onPreferredAddress(state, peer);

  negotiateCompatibleVersion(state, peer);
  TransportParameters ours = ourParameters(state);
  offerPreferredAddress(state, ours);
  if (*answer) ours.serverMigrationSuite = (*answer)->bits();
  logOwnParameters(state, ours);
  return state.handshake.tls->resume(encodeTransportParameters(ours));
}

Result<> onPeerParameters(QuicConnectionState& state, ByteSpan bytes) {
  const Role sender = state.role == Role::Client ? Role::Server : Role::Client;
  const Result<TransportParameters> decoded = decodeTransportParameters(bytes, sender);
  if (!decoded) return forward(decoded.error());
  const Result<> ids = checkHandshakeIds(state, *decoded);
  if (!ids) return ids;
  const Result<> versions = checkVersionInformation(state, *decoded);
  if (!versions) return versions;
  if (state.earlyData.remembered) {  // RFC 9000 §7.4.1: until the handshake is complete
    state.earlyData.fresh = *decoded;
    return Unit{};
  }
  return applyPeerParameters(state, *decoded);
}

/// RFC 9000 §7.4.1: the parameters that have waited for the end of 0-RTT.
Result<> applyFreshParameters(QuicConnectionState& state) {
  state.earlyData.remembered.reset();
  const std::optional<TransportParameters> fresh = std::exchange(state.earlyData.fresh, std::nullopt);
  if (!fresh) return Unit{};
  return applyPeerParameters(state, *fresh);
}

Result<> onComplete(QuicConnectionState& state, const HandshakeComplete& complete) {
  const EarlyDataOutcome outcome = earlyDataOutcome(state, complete);
  if (const Result<> early = onEarlyDataOutcome(state, outcome, complete.alpn); !early) return early;
  if (const Result<> applied = applyFreshParameters(state); !applied) return applied;
  state.handshake.alpn = complete.alpn;
  state.handshake.isComplete = true;
  state.life = life::Established{};
  state.events.emplace_back(HandshakeFinished{complete.alpn, complete.peerCertificate, negotiatedMigration(state),
                                              complete.isResumed, outcome, complete.serverName});
  issueConnectionIds(state);
  if (state.role == Role::Client) return Unit{};
  // RFC 9001 §4.1.2: for a server, complete is confirmed.
  state.life = life::Confirmed{};
  state.paths.active().isValidated = true;
  state.handshake.isDonePending = true;
  discardSpace(state, PacketNumberSpace::Handshake);
  state.events.emplace_back(HandshakeConfirmed{});
  onMigrationHandshakeConfirmed(state);
  return Unit{};
}

struct TlsEventHandler {
  QuicConnectionState& state;

  Result<> operator()(HandshakeBytes& event) {
    state.space(spaceOf(event.level)).crypto.append(event.bytes);
    return Unit{};
  }
  Result<> operator()(const HandshakeReadSecret& event) {
    installReadKeys(state, event.level, event.secret);
    return Unit{};
  }
  Result<> operator()(const HandshakeWriteSecret& event) {
    installWriteKeys(state, event.level, event.secret);
    return Unit{};
  }
  Result<> operator()(const PeerTransportParameters& event) { return onPeerParameters(state, event.bytes); }
  Result<> operator()(const HandshakeComplete& event) { return onComplete(state, event); }
  Result<> operator()(SessionTicket& event) {
    if (++state.handshake.sessionTickets > kMaxSessionTickets) return Unit{};
    event.bytes = makeResumption(state, event.bytes);
    if (!event.bytes.empty()) state.events.emplace_back(std::move(event));
    return Unit{};
  }
  Result<> operator()(KeyLogLine& event) {
    state.events.emplace_back(std::move(event));
    return Unit{};
  }
};

/// Everything TLS has to say, until it has nothing more or something is wrong.
Result<> drainTls(QuicConnectionState& state) {
  while (auto event = state.handshake.tls->pollEvent()) {
    const Result<> done = std::visit(TlsEventHandler{state}, *event);
    if (!done) return done;
  }
  return Unit{};
}

/// A failure of TLS itself, with OpenSSL's own words where there are some.
Result<> afterTls(QuicConnectionState& state, const Result<>& result) {
  const Result<> drained = drainTls(state);
  if (!drained) return drained;
  if (result) return Unit{};
  closeConnection(state, result.error(), state.handshake.tls->errorDetail());
  return Unit{};
}

}  // namespace

InitialProtection initialKeys(const QuicConnectionState& state, uint32_t version) {
  const HandshakeState& handshake = state.handshake;
  const ConnectionId& keyedBy = handshake.retrySourceId ? *handshake.retrySourceId : handshake.originalDestinationId;
  // A version that nobody speaks looks like version 1; it is there to be refused.
  return state.environment.crypto.initialProtection(isKnownVersion(version) ? version : kQuicVersion1, keyedBy.bytes());
}

void installInitialKeys(QuicConnectionState& state) {
  InitialProtection keys = initialKeys(state, state.handshake.version);
  PacketSpace& space = state.space(PacketNumberSpace::Initial);
  const bool isClient = state.role == Role::Client;
  space.writeKeys = isClient ? std::move(keys.client) : std::move(keys.server);
  space.readKeys = isClient ? std::move(keys.server) : std::move(keys.client);
}

void startClientHandshake(QuicConnectionState& state) {
  offerResumption(state);
  const TransportParameters ours = ourParameters(state);
  logOwnParameters(state, ours);
  const ByteVector parameters = encodeTransportParameters(ours);
  const Result<> done = afterTls(state, state.handshake.tls->start(parameters));
  forgetUnusedResumption(state);
  if (!done) closeConnection(state, done.error());
}

void startServerHandshake(QuicConnectionState& state) {
  state.handshake.tls->setVersion(state.handshake.version);
  const ByteVector context = earlyDataContext(ourParameters(state), state.settings.earlyDataContext);
  const Result<> done = afterTls(state, state.handshake.tls->start(context));
  if (!done) closeConnection(state, done.error());
}

Result<> onCryptoFrame(QuicConnectionState& state, EncryptionLevel level, const CryptoFrame& frame) {
  PacketSpace& space = state.space(spaceOf(level));
  if (level == EncryptionLevel::Initial && space.crypto.isRepeated(frame)) onRepeatedClientHello(state);
  const Result<> buffered = space.crypto.onFrame(frame);
  if (!buffered) return buffered;
  for (ByteSpan bytes = space.crypto.read(); !bytes.empty() && state.isOpen(); bytes = space.crypto.read()) {
    const Result<> done = afterTls(state, state.handshake.tls->onCryptoData(level, bytes));
    if (!done) return done;
  }
  return Unit{};
}

void onHandshakeDone(QuicConnectionState& state) {
  if (!std::holds_alternative<life::Established>(state.life)) return;
  state.life = life::Confirmed{};
  discardSpace(state, PacketNumberSpace::Handshake);
  state.events.emplace_back(HandshakeConfirmed{});
  followPreferredAddress(state);
}

void onHandshakePacketSent(QuicConnectionState& state) {
  if (state.role == Role::Client) discardSpace(state, PacketNumberSpace::Initial);
}

void issueConnectionIds(QuicConnectionState& state) {
  for (const ConnectionId& id : state.selfIds.replenish(state.environment.connectionIds)) {
    state.routing.emplace_back(ConnectionIdIssued{id});
  }
}

}  // namespace quic
