// All server connections of one worker: routing, accepting, answering without a connection (version negotiation, Retry,
// refusal). Pure: the worker around it, or the simulator, owns socket and clock.
#pragma once

#include "quic/api/ConnectionSet.h"
#include "quic/api/StatelessPackets.h"
#include "quic/api/StatelessReplies.h"
#include "quic/api/StatelessReset.h"
#include "quic/server/AddressTokens.h"
#include "quic/server/EarlyArrivals.h"
#include "quic/server/HalfOpenConnections.h"
#include "quic/server/QuicServerTransport.h"
#include "quic/server/RetryPolicy.h"
#include "quic/server/ServerConnectionIds.h"

namespace quic {

struct ServerEndpointSettings {
  TransportSettings transport;
  size_t maxHandshakes = 4096;  // half-open connections; further Initials are refused
  size_t maxConnections = 100000;
  size_t maxStatelessReplies = 64;  // waiting to be sent; further ones are dropped
  StatelessResetSecret
      resetSecret{};  // the same in all workers, and after a restart; zeros: drawn. See StatelessReset.h
  ReplyLimits resets{};
  ReplyLimits
      refusals{};  // Version Negotiation packets and closed first packets; Retry packets are as many as are asked for
  size_t workers = 256;                  // that there are: an ID of another one is of a server before this one
  ConnectionIdSettings connectionIds{};  // how they are laid out; their size is transport.connectionIdSize
  Rate handshakesPerSource{};  // new connections of one source (common/SourcePrefix.h); further ones are refused
  RetryPolicy retry{};
  AddressTokenSettings tokens{};
};

struct ServerEndpointStats {
  uint64_t accepted = 0;
  uint64_t refused = 0;
  uint64_t dropped = 0;
  uint64_t retries = 0;        // Retry packets sent
  uint64_t invalidTokens = 0;  // closed with INVALID_TOKEN
  uint64_t resets = 0;         // stateless resets sent
};

/// A TLS engine for a new connection.
class HandshakeFactory {
 public:
  virtual ~HandshakeFactory() = default;
  virtual std::unique_ptr<HandshakeLayer> makeHandshake() = 0;
};

class QuicServerEndpoint {
 public:
  /// Handles carry `worker` in bits 40 to 47: workers of one server never give out the same one.
  QuicServerEndpoint(const ServerEndpointSettings& settings, const CryptoFactory& crypto, HandshakeFactory& handshakes,
                     Random& random, uint8_t worker);

  /// Routes it to a connection, accepts, answers, or drops. Returns the worker it belongs to when that is another one: the
  /// caller hands the datagram over.
  [[nodiscard]] std::optional<uint8_t> onDatagram(TimePoint now, const ReceivedDatagram& datagram);
  void onUnreachable(TimePoint now, const SocketAddress& peer);
  void onTimeout(TimePoint now) { connections_.onTimeout(now); }
  std::optional<Transmit> pollTransmit(TimePoint now, MutableByteSpan out);
  std::optional<EndpointEvent> pollEvent();
  [[nodiscard]] std::optional<TimePoint> nextTimeout() const { return connections_.nextTimeout(); }

  /// While true, new connections are answered with CONNECTION_REFUSED (RFC 9000 §20.1); known ones are not hurt.
  void refuseNewConnections(bool refuse) { refuses_ = refuse; }
  /// Refuses new connections for good, and those whose handshake is still under way; the others go on until they end.
  void beginShutdown(TimePoint now);
  void setRetryPolicy(const RetryPolicy& policy) { settings_.retry = policy; }
  /// See AddressTokenSettings::keys.
  void setTokenKeys(const std::vector<AddressTokenKey>& keys) { tokens_.setKeys(keys); }
  [[nodiscard]] QuicServerTransport* find(ConnectionHandle handle) const;
  void touch(ConnectionHandle handle) { connections_.touch(handle); }
  ConnectionSet& connections() { return connections_; }
  [[nodiscard]] const ServerEndpointStats& stats() const { return stats_; }

 private:
  struct InitialKey {
    SocketAddress peer;
    ConnectionId id;
    auto operator<=>(const InitialKey&) const = default;
  };

  /// To a connection that knows it.
  void deliver(TimePoint now, ConnectionHandle handle, const ReceivedDatagram& datagram);
  /// A datagram that no connection claims. False: nothing came of it.
  [[nodiscard]] bool onUnclaimed(TimePoint now, const ReceivedDatagram& datagram, const InvariantHeader& header);
  /// 0-RTT before its Initial: held when a connection could be made of that.
  [[nodiscard]] bool onEarlyArrival(TimePoint now, const ReceivedDatagram& datagram, const ProtectedPacket& packet);
  [[nodiscard]] bool onInitial(TimePoint now, const ReceivedDatagram& datagram, const ProtectedPacket& packet);
  /// Whether it was sealed by who chose its Destination Connection ID: junk is to cost no TLS engine.
  [[nodiscard]] bool isAuthentic(const ProtectedPacket& packet);
  /// Makes a connection of it, unless nothing in it is authentic.
  [[nodiscard]] bool accept(TimePoint now, const ReceivedDatagram& datagram, const ServerAccept& accepted);
  /// A packet of a connection that is gone, or never was.
  [[nodiscard]] bool onLostPacket(TimePoint now, const ReceivedDatagram& datagram, const InvariantHeader& header);
  [[nodiscard]] bool isFull() const;
  [[nodiscard]] bool mustProveAddress(TimePoint now, const SocketAddress& peer) const;
  bool sendRetry(TimePoint now, const FourTuple& path, const InitialHeader& initial);
  /// A short answer to who has not proved an address: seldom enough to hurt nobody.
  bool answerUnproved(TimePoint now, const FourTuple& path, ByteVector&& answer);
  bool closeInitial(TimePoint now, const FourTuple& path, const InitialHeader& initial, TransportErrorCode code);
  void forget(ConnectionHandle handle);

  ServerEndpointSettings settings_;
  const CryptoFactory& crypto_;
  HandshakeFactory& handshakes_;
  Random& random_;
  ServerConnectionIds connectionIds_;
  StatelessResetter resetter_;
  AddressTokens tokens_;
  SourceRates handshakeRates_;
  ReplyRates refusalRates_;
  ConnectionSet connections_;
  // As long as the connection lives, or a late copy of its first Initial would make another one, and a client that has not
  // heard of its end would too.
  std::map<InitialKey, ConnectionHandle> initials_;
  std::map<ConnectionHandle, InitialKey> initialKeys_;
  HalfOpenConnections halfOpen_;  // closing ones too
  EarlyArrivals earlyArrivals_;
  std::vector<ConnectionHandle> removed_;  // reused from call to call
  StatelessReplies replies_;
  ConnectionHandle nextHandle_;
  bool refuses_ = false;
  bool isShuttingDown_ = false;
  ByteVector scratch_;  // reused: packets that are looked at before they are let in
  ServerEndpointStats stats_;
};

}  // namespace quic
