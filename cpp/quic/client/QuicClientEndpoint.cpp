#include "quic/client/QuicClientEndpoint.h"

#include "quic/codec/QuicPacketHeaders.h"

namespace quic {

QuicClientEndpoint::QuicClientEndpoint(const CryptoFactory& crypto, Random& random, size_t connectionIdSize)
    : crypto_(crypto), random_(random), connectionIds_(random, connectionIdSize), connections_(random) {}

void QuicClientEndpoint::connect(TimePoint now, ConnectionHandle handle, const FourTuple& path,
                                 const TransportSettings& settings, std::unique_ptr<HandshakeLayer> handshake) {
  TransportSettings own = settings;
  own.connectionIdSize = connectionIds_.size();
  connections_.add(std::make_unique<QuicClientTransport>(
                       now, path, own, ClientDependencies{crypto_, random_, connectionIds_, std::move(handshake)}),
                   handle);
}

void QuicClientEndpoint::onDatagram(TimePoint now, const ReceivedDatagram& datagram) {
  const auto header = parseInvariantHeader(datagram.bytes, connectionIds_.size());
  if (!header || header->destinationId.size() > kMaxConnectionIdSize) return;
  const auto handle = connections_.route(ConnectionId(header->destinationId));
  if (!handle) {
    if (!header->isLong) onUnrouted(now, datagram);
    return;
  }
  connections_.find(*handle)->onDatagram(now, datagram);
  connections_.touch(*handle);
}

void QuicClientEndpoint::onUnrouted(TimePoint now, const ReceivedDatagram& datagram) {
  connections_.forEach([&](ConnectionHandle handle, QuicTransportBase& connection) {
    if (connection.onUnroutedDatagram(now, datagram)) connections_.touch(handle);
  });
}

void QuicClientEndpoint::onUnreachable(TimePoint now, const SocketAddress& peer) {
  connections_.forEach([&](ConnectionHandle handle, QuicTransportBase& connection) {
    if (connection.isHandshakeFinished() || connection.activePath().peer != peer) return;
    connection.onUnreachable(now, peer);
    connections_.touch(handle);
  });
}

QuicClientTransport* QuicClientEndpoint::find(ConnectionHandle handle) const {
  return static_cast<QuicClientTransport*>(connections_.find(handle));
}

}  // namespace quic
