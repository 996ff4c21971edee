#include "quic/server/QuicServerEndpoint.h"

#include <algorithm>

#include "quic/api/QuicPacketBuilder.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

constexpr int kWorkerShift = 40;  // handles stay below 2^53: JavaScript numbers

TransportSettings withIdSize(TransportSettings settings, size_t size) {
  settings.connectionIdSize = size;
  return settings;
}

bool isInitial(ByteSpan datagram) { return !datagram.empty() && (datagram[0] & 0xf0) == 0xc0; }

}  // namespace

QuicServerEndpoint::QuicServerEndpoint(const ServerEndpointSettings& settings, const CryptoFactory& crypto,
                                       HandshakeFactory& handshakes, Random& random, uint8_t worker)
    : settings_(settings),
      crypto_(crypto),
      handshakes_(handshakes),
      random_(random),
      connectionIds_(worker, std::clamp<size_t>(settings.transport.connectionIdSize, 4, kMaxConnectionIdSize), random,
                     crypto, settings.resetSecret),
      connections_(random),
      nextHandle_((uint64_t{worker} << kWorkerShift) + 1) {
  settings_.transport = withIdSize(settings.transport, connectionIds_.size());
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
  if (!handle) {
    const auto worker = connectionIds_.workerOf(header->destinationId);
    // An Initial's destination was made up by the client, so it names no worker.
    const bool isOurs = !header->isLong || !isInitial(datagram.bytes);
    if (isOurs && worker && *worker != connectionIds_.worker()) return worker;
    if (header->isLong) {
      acceptDatagram(now, datagram, *header);
    } else {
      ++stats_.dropped;
    }
    return std::nullopt;
  }
  connections_.find(*handle)->onDatagram(now, datagram);
  connections_.touch(*handle);
  return std::nullopt;
}

void QuicServerEndpoint::acceptDatagram(TimePoint now, const ReceivedDatagram& datagram,
                                        const InvariantHeader& header) {
  const auto handle = accept(now, datagram, header);
  if (!handle) {
    ++stats_.dropped;
    return;
  }
  QuicTransportBase& connection = *connections_.find(*handle);
  connection.onDatagram(now, datagram);
  if (connection.stats().packetsReceived > 0) {
    connections_.touch(*handle);
    return;
  }
  // Nothing in it was authentic: whatever it was, it leaves no connection behind.
  connections_.discard(*handle);
  forget(*handle);
  --stats_.accepted;
  ++stats_.dropped;
}

void QuicServerEndpoint::forget(ConnectionHandle handle) {
  halfOpen_.erase(handle);
  const auto key = initialKeys_.find(handle);
  if (key == initialKeys_.end()) return;
  initials_.erase(key->second);
  initialKeys_.erase(key);
}

std::optional<ConnectionHandle> QuicServerEndpoint::accept(TimePoint now, const ReceivedDatagram& datagram,
                                                           const InvariantHeader& header) {
  if (datagram.bytes.size() < kMinInitialDatagramSize || header.version == kVersionNegotiation) return std::nullopt;
  if (header.version != kQuicVersion1) {  // RFC 9000 §6.1
    negotiateVersion(datagram, header);
    return std::nullopt;
  }
  if (!isInitial(datagram.bytes) || header.destinationId.size() < kMinInitialDestinationConnectionIdSize ||
      header.destinationId.size() > kMaxConnectionIdSize || header.sourceId.size() > kMaxConnectionIdSize) {
    return std::nullopt;
  }
  if (refuses_ || halfOpen_.size() >= settings_.maxHandshakes || connections_.size() >= settings_.maxConnections) {
    ++stats_.refused;
    refuse(datagram, header);
    return std::nullopt;
  }
  const ServerAccept accepted{datagram.path, header.version, ConnectionId(header.destinationId),
                              ConnectionId(header.sourceId)};
  const ConnectionHandle handle = nextHandle_++;
  connections_.add(std::make_unique<QuicServerTransport>(
                       now, accepted, settings_.transport,
                       ServerDependencies{crypto_, random_, connectionIds_, handshakes_.makeHandshake()}),
                   handle);
  const InitialKey key{datagram.path.peer, accepted.clientDestinationId};
  initials_.emplace(key, handle);
  initialKeys_.emplace(handle, key);
  halfOpen_.insert(handle);
  ++stats_.accepted;
  return handle;
}

void QuicServerEndpoint::negotiateVersion(const ReceivedDatagram& datagram, const InvariantHeader& header) {
  ByteVector packet(64 + header.destinationId.size() + header.sourceId.size());
  const std::array<uint32_t, 1> versions = {kQuicVersion1};
  std::array<uint8_t, 1> unused{};
  random_.fill(unused);
  // The IDs change places (RFC 9000 §17.2.1).
  packet.resize(writeVersionNegotiation(packet, unused[0], header.sourceId, header.destinationId, versions));
  if (!packet.empty()) reply(datagram.path, std::move(packet));
}

void QuicServerEndpoint::refuse(const ReceivedDatagram& datagram, const InvariantHeader& header) {
  // RFC 9000 §5.2.2: CONNECTION_REFUSED in an Initial packet, with keys that the client's Initial implies.
  const InitialProtection keys = crypto_.initialProtection(header.version, header.destinationId);
  ByteVector packet(kMinInitialDatagramSize);
  const PacketHeaderFields fields{EncryptionLevel::Initial, header.version, ConnectionId(header.sourceId),
                                  connectionIds_.make().id};
  auto builder = QuicPacketBuilder::begin(packet, fields, 0, std::nullopt);
  if (!builder) return;
  ConnectionCloseFrame close;
  close.errorCode = static_cast<uint64_t>(TransportErrorCode::CONNECTION_REFUSED);
  if (!writeFrame(builder->frames(), close)) return;
  packet.resize(builder->seal(keys.server));
  reply(datagram.path, std::move(packet));
}

void QuicServerEndpoint::reply(const FourTuple& path, ByteVector&& bytes) {
  if (replies_.size() >= settings_.maxStatelessReplies) {
    ++stats_.dropped;
    return;
  }
  replies_.push_back({path, std::move(bytes)});
}

void QuicServerEndpoint::onUnreachable(TimePoint, const SocketAddress&) {
  // A server's clients come and go by timeouts; an ICMP message about one is not to be believed (RFC 9000 §14.2.1).
}

std::optional<Transmit> QuicServerEndpoint::pollTransmit(TimePoint now, MutableByteSpan out) {
  if (!replies_.empty()) {
    const StatelessReply stateless = std::move(replies_.front());
    replies_.pop_front();
    if (stateless.bytes.size() <= out.size()) {
      std::copy(stateless.bytes.begin(), stateless.bytes.end(), out.begin());
      return Transmit{stateless.path, Ecn::NotEct, stateless.bytes.size(), stateless.bytes.size()};
    }
  }
  return connections_.pollTransmit(now, out);
}

std::optional<EndpointEvent> QuicServerEndpoint::pollEvent() {
  removed_.clear();
  std::optional<EndpointEvent> event = connections_.pollEvent(&removed_);
  for (const ConnectionHandle handle : removed_) forget(handle);
  if (event && std::holds_alternative<HandshakeConfirmed>(event->event)) halfOpen_.erase(event->connection);
  return event;
}

QuicServerTransport* QuicServerEndpoint::find(ConnectionHandle handle) const {
  return static_cast<QuicServerTransport*>(connections_.find(handle));
}

}  // namespace quic
