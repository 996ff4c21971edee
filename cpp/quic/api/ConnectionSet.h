// The connections behind one socket: found by connection ID or by stateless reset token, driven in turns, timed by one clock. Both endpoints are
// made of it. Pure: whoever owns the socket hands datagrams in and carries transmits out, a kernel or a simulated link.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "quic/api/QuicTransportBase.h"
#include "quic/common/KeyedHash.h"
#include "quic/handshake/Aead.h"

namespace quic {

struct EndpointEvent {
  ConnectionHandle connection = 0;
  TransportEvent event;
};

class ConnectionSet {
 public:
  /// `random` keys the hash of connection IDs, so that a peer cannot choose IDs that collide. `crypto` outlives it.
  ConnectionSet(const CryptoFactory& crypto, Random& random);

  ConnectionHandle add(std::unique_ptr<QuicTransportBase> connection, ConnectionHandle handle);
  /// At once and without events: it never came to life.
  void discard(ConnectionHandle handle) { remove(handle); }
  [[nodiscard]] QuicTransportBase* find(ConnectionHandle handle) const;
  [[nodiscard]] std::optional<ConnectionHandle> route(const ConnectionId& destinationId) const;
  void addRoute(const ConnectionId& id, ConnectionHandle handle);
  /// Harmless when it is not `handle`'s.
  void removeRoute(const ConnectionId& id, ConnectionHandle handle);

  /// A datagram that no connection ID claims (RFC 9000 §10.3.1). True: it was a stateless reset, and has ended a connection.
  bool onUnrouted(TimePoint now, const ReceivedDatagram& datagram);

  /// Something happened to it: its routes are brought up to date, and it is to be polled. Call after every on* and verb.
  void touch(ConnectionHandle handle);
  void onTimeout(TimePoint now);
  /// The process was frozen: QuicTransportBase::onResumed for each.
  void onResumed(TimePoint now, Duration frozenFor);
  /// Until nullopt. Connections take turns, one train each.
  std::optional<Transmit> pollTransmit(TimePoint now, MutableByteSpan out);
  /// Until nullopt. A drained connection is removed after its last event; its handle is added to `removed`.
  std::optional<EndpointEvent> pollEvent(std::vector<ConnectionHandle>* removed = nullptr);
  [[nodiscard]] std::optional<TimePoint> nextTimeout() const;

  [[nodiscard]] size_t size() const { return connections_.size(); }
  template <class Visitor>
  void forEach(Visitor&& visit) {
    for (auto& [handle, entry] : connections_) visit(handle, *entry.transport);
  }

 private:
  /// A token under a pseudorandom function, so that looking for one tells nothing about those that are there (§10.3.1).
  using ResetMark = std::array<uint64_t, 2>;
  struct Entry {
    std::unique_ptr<QuicTransportBase> transport;
    std::optional<TimePoint> armed;
    bool isTouched = false;  // waits in transmitQueue_
    bool hasEvents = false;  // waits in eventQueue_
    std::vector<ConnectionId> routes;
    std::vector<ResetMark> resetMarks;
  };
  struct IdHash {
    KeyedHash hash;
    size_t operator()(const ConnectionId& id) const { return static_cast<size_t>(hash(id.bytes())); }
  };
  struct MarkHash {
    size_t operator()(const ResetMark& mark) const { return static_cast<size_t>(mark[0]); }
  };
  [[nodiscard]] ResetMark markOf(ByteSpan token) const;
  void addResetToken(ByteSpan token, ConnectionHandle handle, Entry& entry);
  void removeResetToken(ByteSpan token, Entry& entry);
  void follow(const RoutingEvent& change, ConnectionHandle handle, Entry& entry);
  void rearm(ConnectionHandle handle, Entry& entry);
  void remove(ConnectionHandle handle);

  std::map<ConnectionHandle, Entry> connections_;
  std::unordered_map<ConnectionId, ConnectionHandle, IdHash> routes_;
  std::unordered_map<ResetMark, ConnectionHandle, MarkHash> resets_;
  const CryptoFactory& crypto_;
  std::array<uint8_t, 32> markKey_{};
  std::set<std::pair<TimePoint, ConnectionHandle>> timers_;
  std::deque<ConnectionHandle> transmitQueue_;
  std::deque<ConnectionHandle> eventQueue_;
};

}  // namespace quic
