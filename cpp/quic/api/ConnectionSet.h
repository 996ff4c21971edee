// The connections behind one socket: found by connection ID, driven in turns, timed by one clock. Both endpoints are
// made of it. Pure: whoever owns the socket hands datagrams in and carries transmits out, a kernel or a simulated link.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "quic/api/QuicTransportBase.h"
#include "quic/common/Random.h"

namespace quic {

struct EndpointEvent {
  ConnectionHandle connection = 0;
  TransportEvent event;
};

class ConnectionSet {
 public:
  /// `random` seeds the keyed hash of connection IDs, so that a peer cannot choose IDs that collide.
  explicit ConnectionSet(Random& random);

  ConnectionHandle add(std::unique_ptr<QuicTransportBase> connection, ConnectionHandle handle);
  /// At once and without events: it never came to life.
  void discard(ConnectionHandle handle) { remove(handle); }
  [[nodiscard]] QuicTransportBase* find(ConnectionHandle handle) const;
  [[nodiscard]] std::optional<ConnectionHandle> route(const ConnectionId& destinationId) const;
  void addRoute(const ConnectionId& id, ConnectionHandle handle);
  void removeRoute(const ConnectionId& id);

  /// Something happened to it: its routes are brought up to date, and it is to be polled. Call after every on* and verb.
  void touch(ConnectionHandle handle);
  void onTimeout(TimePoint now);
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
  struct Entry {
    std::unique_ptr<QuicTransportBase> transport;
    std::optional<TimePoint> armed;
    bool isTouched = false;  // waits in transmitQueue_
    bool hasEvents = false;  // waits in eventQueue_
    std::vector<ConnectionId> routes;
  };
  struct IdHash {
    uint64_t k0 = 0, k1 = 0;
    size_t operator()(const ConnectionId& id) const;
  };
  void rearm(ConnectionHandle handle, Entry& entry);
  void remove(ConnectionHandle handle);

  std::map<ConnectionHandle, Entry> connections_;
  std::unordered_map<ConnectionId, ConnectionHandle, IdHash> routes_;
  std::set<std::pair<TimePoint, ConnectionHandle>> timers_;
  std::deque<ConnectionHandle> transmitQueue_;
  std::deque<ConnectionHandle> eventQueue_;
};

}  // namespace quic
