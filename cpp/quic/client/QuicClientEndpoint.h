// All client connections that share one UDP socket.
#pragma once

#include "quic/api/ConnectionSet.h"
#include "quic/api/StatelessReplies.h"
#include "quic/client/QuicClientTransport.h"

namespace quic {

class QuicClientEndpoint {
 public:
  /// `connectionIdSize`: of the IDs of all its connections, 4 to 20; it overrides the settings of each. With a `resetSecret`,
  /// which outlives the process, packets of connections that it knows nothing of are answered with stateless resets.
  QuicClientEndpoint(const CryptoFactory& crypto, Random& random, size_t connectionIdSize = 8,
                     const std::optional<StatelessResetSecret>& resetSecret = std::nullopt);

  /// `handle` is the caller's, new to this endpoint.
  void connect(TimePoint now, ConnectionHandle handle, const FourTuple& path, const TransportSettings& settings,
               std::unique_ptr<HandshakeLayer> handshake);
  void onDatagram(TimePoint now, const ReceivedDatagram& datagram);
  void onUnreachable(TimePoint now, const SocketAddress& peer);
  void onTimeout(TimePoint now) { connections_.onTimeout(now); }
  std::optional<Transmit> pollTransmit(TimePoint now, MutableByteSpan out);
  std::optional<EndpointEvent> pollEvent() { return connections_.pollEvent(); }
  [[nodiscard]] std::optional<TimePoint> nextTimeout() const { return connections_.nextTimeout(); }

  /// nullptr when it is gone. After a verb on it: touch().
  [[nodiscard]] QuicClientTransport* find(ConnectionHandle handle) const;
  void touch(ConnectionHandle handle) { connections_.touch(handle); }
  ConnectionSet& connections() { return connections_; }

 private:
  const CryptoFactory& crypto_;
  Random& random_;
  std::optional<StatelessResetKey> resetKey_;
  std::optional<StatelessResetter> resetter_;
  RandomConnectionIds connectionIds_;
  ConnectionSet connections_;
  StatelessReplies replies_;
};

}  // namespace quic
