#include "quic/server/QuicServerEndpoint.h"

#include <algorithm>

#include "quic/api/QuicReadCodec.h"

namespace quic {
namespace {

constexpr int kWorkerShift = 40;  // handles stay below 2^53: JavaScript numbers

/// Versions that can be answered to; never none.
std::vector<uint32_t> knownVersions(const std::vector<uint32_t>& wanted) {
  std::vector<uint32_t> known;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(known), isKnownVersion);
  return known.empty() ? std::vector<uint32_t>{kQuicVersion1} : known;
}

TransportSettings usable(TransportSettings settings, size_t size) {
  settings.connectionIdSize = size;
  settings.versions = knownVersions(settings.versions);
  return settings;
}

/// A secret of zeros would let anybody forge stateless resets.
StatelessResetSecret drawnIfUnset(StatelessResetSecret secret, Random& random) {
  if (std::all_of(secret.begin(), secret.end(), [](uint8_t byte) { return byte == 0; })) random.fill(secret);
  return secret;
}

/// Whether the destination ID must be one of ours; before they hear from us, clients make it up.
bool isToOurId(ByteSpan datagram, const InvariantHeader& header) {
  return !header.isLong || longPacketType(datagram[0], header.version) == PacketType::Handshake;
}

}  // namespace

QuicServerEndpoint::QuicServerEndpoint(const ServerEndpointSettings& settings, const CryptoFactory& crypto,
                                       HandshakeFactory& handshakes, Random& random, uint8_t worker)
    : settings_(settings),
      crypto_(crypto),
      handshakes_(handshakes),
      random_(random),
      connectionIds_(worker, settings.transport.connectionIdSize, random, crypto,
                     drawnIfUnset(settings.resetSecret, random), settings.connectionIds),
      resetter_(connectionIds_.resetKey(), random, settings.resets),
      tokens_(crypto, random, settings.tokens),
      handshakeRates_(random, settings.handshakesPerSource),
      refusalRates_(random, settings.refusals),
      connections_(crypto, random),
      replies_(settings.maxStatelessReplies),
      nextHandle_((uint64_t{worker} << kWorkerShift) + 1) {
  settings_.transport = usable(settings.transport, connectionIds_.size());
}

std::optional<uint8_t> QuicServerEndpoint::onDatagram(TimePoint now, const ReceivedDatagram& datagram) {
  const auto header = parseInvariantHeader(datagram.bytes, connectionIds_.size());
  if (!header) {
    ++stats_.dropped;
    return std::nullopt;
  }
  std::optional<ConnectionHandle> handle;
  if (header->destinationId.size() <= kMaxConnectionIdSize) {
    const ConnectionId id(header->destinationId);
    handle = connections_.route(id);
    if (!handle && header->isLong) {
      const auto initial = initials_.find({datagram.path.peer, id});
      if (initial != initials_.end()) handle = initial->second;
    }
  }
  if (handle) {
    deliver(now, *handle, datagram);
    return std::nullopt;
  }
  if (connections_.onUnrouted(now, datagram)) return std::nullopt;
  const auto worker = connectionIds_.workerOf(header->destinationId);
  const bool isOthers = worker && *worker != connectionIds_.worker() && *worker < settings_.workers;
  if (isOthers && isToOurId(datagram.bytes, *header)) return worker;
  if (!onUnclaimed(now, datagram, *header)) ++stats_.dropped;
  return std::nullopt;
}

void QuicServerEndpoint::deliver(TimePoint now, ConnectionHandle handle, const ReceivedDatagram& datagram) {
  QuicServerTransport& connection = *find(handle);
  connection.onDatagram(now, datagram);
  const bool issuesTokens = settings_.tokens.newTokenLifetime != Duration{0};
  if (issuesTokens && connection.wantsAddressToken()) {
    connection.offerAddressToken(tokens_.makeNew(now, connection.version(), connection.activePath().peer));
  }
  connections_.touch(handle);
}

bool QuicServerEndpoint::onUnclaimed(TimePoint now, const ReceivedDatagram& datagram, const InvariantHeader& header) {
  const bool isLarge = datagram.bytes.size() >= kMinInitialDatagramSize;
  if (!header.isLong) return onLostPacket(now, datagram, header);
  if (header.version == kVersionNegotiation) return false;
  const std::vector<uint32_t>& versions = settings_.transport.versions;
  if (std::find(versions.begin(), versions.end(), header.version) == versions.end()) {  // RFC 9000 §6.1
    return isLarge && answerUnproved(now, datagram.path, makeVersionNegotiation(header, versions, random_));
  }
  MutableByteSpan rest = datagram.bytes;
  const auto packet = nextPacket(rest, connectionIds_.size());
  // RFC 9287 §3.1: a client that remembers our offer may begin with the bit at 0.
  if (!packet || !(fixedBit(*packet) || settings_.transport.greaseQuicBit)) return false;
  if (packet->type == PacketType::ZeroRtt) return onEarlyArrival(now, datagram, *packet);
  return isLarge && packet->type == PacketType::Initial && onInitial(now, datagram, *packet);
}

bool QuicServerEndpoint::onEarlyArrival(TimePoint now, const ReceivedDatagram& datagram,
                                        const ProtectedPacket& packet) {
  stats_.dropped += earlyArrivals_.expire(now);
  if (isFull() || mustProveAddress(now, datagram.path.peer)) return false;
  return earlyArrivals_.hold(now, packet.destinationId, datagram);
}

bool QuicServerEndpoint::onLostPacket(TimePoint now, const ReceivedDatagram& datagram, const InvariantHeader& header) {
  // Another server's, which has the same secret: it went astray, and its connection may well live.
  if (!connectionIds_.workerOf(header.destinationId)) return false;
  if (!replies_.push(datagram.path, resetter_.answer(now, datagram, ConnectionId(header.destinationId)))) return false;
  ++stats_.resets;
  return true;
}

bool QuicServerEndpoint::onInitial(TimePoint now, const ReceivedDatagram& datagram, const ProtectedPacket& packet) {
  const InitialHeader initial{packet.version, packet.destinationId, packet.sourceId};
  const FourTuple& path = datagram.path;
  const TokenVerdict token =
      tokens_.check(now, packet.token, {packet.version, path.peer, packet.destinationId, packet.sourceId});
  const bool isRetried = token.worth == TokenWorth::Retried;
  // RFC 9000 §7.2: what a client makes up has 8 bytes; what a Retry gave it is as long as our IDs are.
  if (!isRetried && packet.destinationId.size() < kMinInitialDestinationConnectionIdSize) return false;
  if (token.worth == TokenWorth::InvalidRetry) {
    // RFC 9000 §8.1.2: of an Initial that is otherwise valid. A token that was damaged on the way will come again.
    if (!isAuthentic(packet)) return false;
    ++stats_.invalidTokens;
    return closeInitial(now, path, initial, TransportErrorCode::INVALID_TOKEN);
  }
  if (token.worth == TokenWorth::None && mustProveAddress(now, path.peer)) return sendRetry(now, path, initial);
  if (isFull() || !handshakeRates_.mayTake(now, path.peer)) {
    ++stats_.refused;
    return closeInitial(now, path, initial, TransportErrorCode::CONNECTION_REFUSED);  // RFC 9000 §5.2.2
  }
  if (!isAuthentic(packet)) return false;
  ServerAccept accepted{path, packet.version, packet.destinationId, packet.sourceId};
  accepted.isAddressValidated = token.worth != TokenWorth::None;
  if (isRetried) accepted.originalDestinationId = token.originalDestinationId;
  if (token.worth == TokenWorth::Validated) tokens_.onUsed(now, packet.token);
  handshakeRates_.take(now, path.peer);
  return accept(now, datagram, accepted);
}

bool QuicServerEndpoint::mustProveAddress(TimePoint now, const SocketAddress& peer) const {
  if (isFull()) return false;  // it would be refused all the same
  const RetryPolicy& policy = settings_.retry;
  const bool isTooOften = !handshakeRates_.mayTake(now, peer);
  return policy.wantsRetry(halfOpen_.size(), halfOpen_.sizeOf(peer)) || (isTooOften && policy.mode != RetryMode::Never);
}

bool QuicServerEndpoint::answerUnproved(TimePoint now, const FourTuple& path, ByteVector&& answer) {
  return refusalRates_.take(now, path.peer) && replies_.push(path, std::move(answer));
}

bool QuicServerEndpoint::closeInitial(TimePoint now, const FourTuple& path, const InitialHeader& initial,
                                      TransportErrorCode code) {
  return answerUnproved(now, path, makeInitialClose(crypto_, initial, connectionIds_.make().id, code));
}

bool QuicServerEndpoint::isAuthentic(const ProtectedPacket& packet) {
  scratch_.assign(packet.bytes.begin(), packet.bytes.end());
  ProtectedPacket copy = packet;
  copy.bytes = scratch_;
  const PacketProtection keys = crypto_.initialProtection(packet.version, packet.destinationId.bytes()).client;
  return openPacket({keys, AckTracker()}, copy).hasValue();
}

bool QuicServerEndpoint::isFull() const {
  return refuses_ || isShuttingDown_ || halfOpen_.size() >= settings_.maxHandshakes ||
         connections_.size() >= settings_.maxConnections;
}

bool QuicServerEndpoint::sendRetry(TimePoint now, const FourTuple& path, const InitialHeader& initial) {
  ConnectionId sourceId = connectionIds_.make().id;
  while (sourceId == initial.destinationId) sourceId = connectionIds_.make().id;  // RFC 9000 §17.2.5.1
  const TokenContext context{initial.version, path.peer, sourceId, initial.sourceId};
  const ByteVector token = tokens_.makeRetry(now, context, initial.destinationId);
  if (!replies_.push(path, makeRetry(crypto_, random_, initial, sourceId, token))) return false;
  ++stats_.retries;
  return true;
}

bool QuicServerEndpoint::accept(TimePoint now, const ReceivedDatagram& datagram, const ServerAccept& accepted) {
  const ConnectionHandle handle = nextHandle_++;
  connections_.add(std::make_unique<QuicServerTransport>(
                       now, accepted, settings_.transport,
                       ServerDependencies{crypto_, random_, connectionIds_, handshakes_.makeHandshake()}),
                   handle);
  const InitialKey key{datagram.path.peer, accepted.clientDestinationId};
  initials_.emplace(key, handle);
  initialKeys_.emplace(handle, key);
  halfOpen_.add(handle, datagram.path.peer);
  QuicTransportBase& connection = *connections_.find(handle);
  connection.onDatagram(now, datagram);
  if (connection.stats().packetsReceived > 0) {
    ++stats_.accepted;
    connections_.touch(handle);
    for (EarlyArrival& early : earlyArrivals_.take(now, key.peer, key.id)) {
      deliver(now, handle, {early.path, early.ecn, early.bytes});
    }
    return true;
  }
  // Nothing in it was authentic: whatever it was, it leaves no connection behind.
  connections_.discard(handle);
  forget(handle);
  return false;
}

void QuicServerEndpoint::forget(ConnectionHandle handle) {
  halfOpen_.remove(handle);
  const auto key = initialKeys_.find(handle);
  if (key == initialKeys_.end()) return;
  initials_.erase(key->second);
  initialKeys_.erase(key);
}

void QuicServerEndpoint::onUnreachable(TimePoint, const SocketAddress&) {
  // A server's clients come and go by timeouts; an ICMP message about one is not to be believed (RFC 9000 §14.2.1).
}

std::optional<Transmit> QuicServerEndpoint::pollTransmit(TimePoint now, MutableByteSpan out) {
  if (auto reply = replies_.pop(out)) return reply;
  return connections_.pollTransmit(now, out);
}

std::optional<EndpointEvent> QuicServerEndpoint::pollEvent() {
  removed_.clear();
  std::optional<EndpointEvent> event = connections_.pollEvent(&removed_);
  for (const ConnectionHandle handle : removed_) forget(handle);
  if (event && std::holds_alternative<HandshakeConfirmed>(event->event)) halfOpen_.remove(event->connection);
  return event;
}

void QuicServerEndpoint::beginShutdown(TimePoint now) {
  isShuttingDown_ = true;
  for (const ConnectionHandle handle : halfOpen_.all()) {
    QuicServerTransport* connection = find(handle);
    if (connection == nullptr || connection->isHandshakeConfirmed()) continue;  // its event has not been taken yet
    connection->close(now, TransportErrorCode::CONNECTION_REFUSED, "server is shutting down");
    connections_.touch(handle);
  }
}

QuicServerTransport* QuicServerEndpoint::find(ConnectionHandle handle) const {
  return static_cast<QuicServerTransport*>(connections_.find(handle));
}

}  // namespace quic
