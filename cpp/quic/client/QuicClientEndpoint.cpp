#include "quic/client/QuicClientEndpoint.h"

#include <algorithm>

#include "quic/codec/QuicPacketHeaders.h"

namespace quic {
namespace {

constexpr size_t kMaxStatelessReplies = 64;
/// RFC 9000 §5.1: connections share one address, so each needs an ID; and one that is hard to meet by chance.
constexpr size_t kMinConnectionIdSize = 4;

}  // namespace

QuicClientEndpoint::QuicClientEndpoint(const CryptoFactory& crypto, Random& random, size_t connectionIdSize,
                                       const std::optional<StatelessResetSecret>& resetSecret)
    : crypto_(crypto),
      random_(random),
      resetKey_(resetSecret ? std::optional<StatelessResetKey>(std::in_place, crypto, *resetSecret) : std::nullopt),
      connectionIds_(random, std::clamp(connectionIdSize, kMinConnectionIdSize, kMaxConnectionIdSize),
                     resetKey_ ? &*resetKey_ : nullptr),
      connections_(crypto, random),
      replies_(kMaxStatelessReplies) {
  if (resetKey_) resetter_.emplace(*resetKey_, random, ReplyLimits{});
}

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
  const ConnectionId id(header->destinationId);
  const auto handle = connections_.route(id);
  if (!handle) {
    // A stateless reset has a destination ID that means nothing (RFC 9000 §10.3).
    const bool isReset = connections_.onUnrouted(now, datagram);
    if (!isReset && resetter_) replies_.push(datagram.path, resetter_->answer(now, datagram, id));
    return;
  }
  connections_.find(*handle)->onDatagram(now, datagram);
  connections_.touch(*handle);
}

std::optional<Transmit> QuicClientEndpoint::pollTransmit(TimePoint now, MutableByteSpan out) {
  if (auto reply = replies_.pop(out)) return reply;
  return connections_.pollTransmit(now, out);
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
