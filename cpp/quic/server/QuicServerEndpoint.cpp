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

/// Whether the packet was sealed by who chose its Destination Connection ID. It is decrypted in place.
bool isAuthentic(const CryptoFactory& crypto, const ProtectedPacket& packet) {
  const PacketProtection keys = crypto.initialProtection(packet.version, packet.destinationId.bytes()).client;
  return openPacket({keys, AckTracker()}, packet).hasValue();
}

}  // namespace

QuicServerEndpoint::QuicServerEndpoint(const ServerEndpointSettings& settings, const CryptoFactory& crypto,
                                       HandshakeFactory& handshakes, Random& random, uint8_t worker)
    : settings_(settings),
      crypto_(crypto),
      handshakes_(handshakes),
      random_(random),
      connectionIds_(worker, std::clamp<size_t>(settings.transport.connectionIdSize, 4, kMaxConnectionIdSize), random,
                     crypto, drawnIfUnset(settings.resetSecret, random)),
      resetter_(connectionIds_.resetKey(), random, settings.resets),
      tokens_(crypto, random, settings.tokens),
      handshakeRates_(random, settings.handshakesPerSource),
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
  if (isToOurId(datagram.bytes, *header) && worker && *worker != connectionIds_.worker()) return worker;
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
  if (!isLarge || header.version == kVersionNegotiation) return false;
  const std::vector<uint32_t>& versions = settings_.transport.versions;
  if (std::find(versions.begin(), versions.end(), header.version) == versions.end()) {  // RFC 9000 §6.1
    return replies_.push(datagram.path, makeVersionNegotiation(header, versions, random_));
  }
  MutableByteSpan rest = datagram.bytes;
  const auto packet = nextPacket(rest, connectionIds_.size());
  return packet && packet->type == PacketType::Initial && fixedBit(*packet) && onInitial(now, datagram, *packet);
}

bool QuicServerEndpoint::onLostPacket(TimePoint now, const ReceivedDatagram& datagram, const InvariantHeader& header) {
  if (!replies_.push(datagram.path, resetter_.answer(now, datagram, ConnectionId(header.destinationId)))) return false;
  ++stats_.resets;
  return true;
}

bool QuicServerEndpoint::onInitial(TimePoint now, const ReceivedDatagram& datagram, const ProtectedPacket& packet) {
  const InitialHeader initial{packet.version, packet.destinationId, packet.sourceId};
  const SocketAddress& peer = datagram.path.peer;
  const TokenVerdict token =
      tokens_.check(now, packet.token, {packet.version, peer, packet.destinationId, packet.sourceId});
  const bool isRetried = token.worth == TokenWorth::Retried;
  // RFC 9000 §7.2: what a client makes up has 8 bytes; what a Retry gave it is as long as our IDs are.
  if (!isRetried && packet.destinationId.size() < kMinInitialDestinationConnectionIdSize) return false;
  if (token.worth == TokenWorth::InvalidRetry) {
    // RFC 9000 §8.1.2: of an Initial that is otherwise valid. A token that was damaged on the way will come again.
    if (!isAuthentic(crypto_, packet)) return false;
    ++stats_.invalidTokens;
    return replies_.push(
        datagram.path, makeInitialClose(crypto_, initial, connectionIds_.make().id, TransportErrorCode::INVALID_TOKEN));
  }
  const bool isTooOften = !handshakeRates_.mayTake(now, peer);
  const bool isLoaded = settings_.retry.wantsRetry(halfOpen_.size(), halfOpen_.sizeOf(peer)) ||
                        (isTooOften && settings_.retry.mode != RetryMode::Never);
  if (token.worth == TokenWorth::None && isLoaded && !isFull()) {
    sendRetry(now, datagram.path, initial);
    return true;
  }
  if (isTooOften || isFull()) {
    ++stats_.refused;  // RFC 9000 §5.2.2
    return replies_.push(datagram.path, makeInitialClose(crypto_, initial, connectionIds_.make().id,
                                                         TransportErrorCode::CONNECTION_REFUSED));
  }
  ServerAccept accepted{datagram.path, packet.version, packet.destinationId, packet.sourceId};
  accepted.isAddressValidated = token.worth != TokenWorth::None;
  if (isRetried) accepted.originalDestinationId = token.originalDestinationId;
  const ByteVector used =
      token.worth == TokenWorth::Validated ? ByteVector(packet.token.begin(), packet.token.end()) : ByteVector();
  if (!accept(now, datagram, accepted)) return false;
  handshakeRates_.take(now, peer);
  if (!used.empty()) tokens_.onUsed(now, used);
  return true;
}

bool QuicServerEndpoint::isFull() const {
  return refuses_ || halfOpen_.size() >= settings_.maxHandshakes || connections_.size() >= settings_.maxConnections;
}

void QuicServerEndpoint::sendRetry(TimePoint now, const FourTuple& path, const InitialHeader& initial) {
  ConnectionId sourceId = connectionIds_.make().id;
  while (sourceId == initial.destinationId) sourceId = connectionIds_.make().id;  // RFC 9000 §17.2.5.1
  const TokenContext context{initial.version, path.peer, sourceId, initial.sourceId};
  const ByteVector token = tokens_.makeRetry(now, context, initial.destinationId);
  if (replies_.push(path, makeRetry(crypto_, random_, initial, sourceId, token))) ++stats_.retries;
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
  refuses_ = true;
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
