#include "quic/api/ConnectionSet.h"

#include <algorithm>

#include "quic/QuicConstants.h"
#include "quic/common/ByteCursor.h"

namespace quic {

ConnectionSet::ConnectionSet(const CryptoFactory& crypto, Random& random)
    : routes_(16, IdHash{KeyedHash(random)}), crypto_(crypto) {
  random.fill(markKey_);
}

ConnectionHandle ConnectionSet::add(std::unique_ptr<QuicTransportBase> connection, ConnectionHandle handle) {
  Entry entry;
  entry.transport = std::move(connection);
  connections_.emplace(handle, std::move(entry));
  touch(handle);
  return handle;
}

QuicTransportBase* ConnectionSet::find(ConnectionHandle handle) const {
  const auto it = connections_.find(handle);
  return it == connections_.end() ? nullptr : it->second.transport.get();
}

std::optional<ConnectionHandle> ConnectionSet::route(const ConnectionId& destinationId) const {
  const auto it = routes_.find(destinationId);
  return it == routes_.end() ? std::nullopt : std::optional(it->second);
}

void ConnectionSet::addRoute(const ConnectionId& id, ConnectionHandle handle) {
  const auto it = connections_.find(handle);
  if (it == connections_.end() || !routes_.emplace(id, handle).second) return;
  it->second.routes.push_back(id);
}

void ConnectionSet::removeRoute(const ConnectionId& id, ConnectionHandle handle) {
  const auto route = routes_.find(id);
  if (route == routes_.end() || route->second != handle) return;
  const auto it = connections_.find(route->second);
  if (it != connections_.end()) std::erase(it->second.routes, id);
  routes_.erase(route);
}

ConnectionSet::ResetMark ConnectionSet::markOf(ByteSpan token) const {
  const std::array<uint8_t, 32> mac = crypto_.hmacSha256(markKey_, token);
  ByteReader reader(mac);
  const uint64_t first = reader.readBigEndian(8).value_or(0);
  return {first, reader.readBigEndian(8).value_or(0)};
}

void ConnectionSet::addResetToken(ByteSpan token, ConnectionHandle handle, Entry& entry) {
  const ResetMark mark = markOf(token);
  if (resets_.emplace(mark, handle).second) entry.resetMarks.push_back(mark);
}

void ConnectionSet::removeResetToken(ByteSpan token, Entry& entry) {
  const ResetMark mark = markOf(token);
  if (std::erase(entry.resetMarks, mark) > 0) resets_.erase(mark);
}

bool ConnectionSet::onUnrouted(TimePoint now, const ReceivedDatagram& datagram) {
  if (datagram.bytes.size() < kMinStatelessResetSize || resets_.empty()) return false;
  const auto found = resets_.find(markOf(datagram.bytes.last(kStatelessResetTokenSize)));
  if (found == resets_.end()) return false;
  const ConnectionHandle handle = found->second;
  if (!find(handle)->onUnroutedDatagram(now, datagram)) return false;
  touch(handle);
  return true;
}

void ConnectionSet::follow(const RoutingEvent& change, ConnectionHandle handle, Entry& entry) {
  if (const auto* issued = std::get_if<ConnectionIdIssued>(&change)) return addRoute(issued->id, handle);
  if (const auto* retired = std::get_if<ConnectionIdRetired>(&change)) return removeRoute(retired->id, handle);
  if (const auto* known = std::get_if<ResetTokenKnown>(&change)) return addResetToken(known->token, handle, entry);
  removeResetToken(std::get<ResetTokenForgotten>(change).token, entry);
}

void ConnectionSet::touch(ConnectionHandle handle) {
  const auto it = connections_.find(handle);
  if (it == connections_.end()) return;
  Entry& entry = it->second;
  while (const auto change = entry.transport->pollRouting()) {
    follow(*change, handle, entry);
  }
  if (!entry.isTouched) transmitQueue_.push_back(handle);
  if (!entry.hasEvents) eventQueue_.push_back(handle);
  entry.isTouched = true;
  entry.hasEvents = true;
}

void ConnectionSet::onTimeout(TimePoint now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const ConnectionHandle handle = timers_.begin()->second;
    timers_.erase(timers_.begin());
    const auto it = connections_.find(handle);
    if (it == connections_.end()) continue;
    it->second.armed.reset();
    it->second.transport->onTimeout(now);
    touch(handle);
  }
}

void ConnectionSet::onResumed(TimePoint now, Duration frozenFor) {
  for (auto& [handle, entry] : connections_) {
    entry.transport->onResumed(now, frozenFor);
    touch(handle);
  }
}

std::optional<Transmit> ConnectionSet::pollTransmit(TimePoint now, MutableByteSpan out) {
  while (!transmitQueue_.empty()) {
    const ConnectionHandle handle = transmitQueue_.front();
    transmitQueue_.pop_front();
    const auto it = connections_.find(handle);
    if (it == connections_.end()) continue;
    if (auto transmit = it->second.transport->pollTransmit(now, out)) {
      transmitQueue_.push_back(handle);  // its next train comes after the others'
      return transmit;
    }
    it->second.isTouched = false;
    rearm(handle, it->second);
  }
  return std::nullopt;
}

std::optional<EndpointEvent> ConnectionSet::pollEvent(std::vector<ConnectionHandle>* removed) {
  while (!eventQueue_.empty()) {
    const ConnectionHandle handle = eventQueue_.front();
    const auto it = connections_.find(handle);
    if (it == connections_.end()) {
      eventQueue_.pop_front();
      continue;
    }
    Entry& entry = it->second;
    if (auto event = entry.transport->pollEvent()) return EndpointEvent{handle, std::move(*event)};
    entry.hasEvents = false;
    eventQueue_.pop_front();
    if (entry.transport->isDrained()) {
      remove(handle);
      if (removed != nullptr) removed->push_back(handle);
    } else {
      rearm(handle, entry);
    }
  }
  return std::nullopt;
}

std::optional<TimePoint> ConnectionSet::nextTimeout() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

void ConnectionSet::rearm(ConnectionHandle handle, Entry& entry) {
  const auto next = entry.transport->nextTimeout();
  if (next == entry.armed) return;
  if (entry.armed) timers_.erase({*entry.armed, handle});
  if (next) timers_.emplace(*next, handle);
  entry.armed = next;
}

void ConnectionSet::remove(ConnectionHandle handle) {
  const auto it = connections_.find(handle);
  if (it == connections_.end()) return;
  if (it->second.armed) timers_.erase({*it->second.armed, handle});
  for (const ConnectionId& id : it->second.routes) routes_.erase(id);
  for (const ResetMark& mark : it->second.resetMarks) resets_.erase(mark);
  connections_.erase(it);
}

}  // namespace quic
