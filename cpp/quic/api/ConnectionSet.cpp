#include "quic/api/ConnectionSet.h"

#include <algorithm>

namespace quic {
namespace {

uint64_t mix(uint64_t value) {  // the finalizer of a 64-bit hash: every input bit reaches every output bit
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdull;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ull;
  return value ^ value >> 33;
}

}  // namespace

size_t ConnectionSet::IdHash::operator()(const ConnectionId& id) const {
  uint64_t hash = k0 ^ id.size();
  uint64_t word = 0;
  size_t filled = 0;
  for (const uint8_t byte : id.bytes()) {
    word = word << 8 | byte;
    if (++filled % 8 != 0) continue;
    hash = mix(hash ^ word) + k1;
    word = 0;
  }
  return static_cast<size_t>(mix(hash ^ word ^ k1));
}

ConnectionSet::ConnectionSet(Random& random) : routes_(16, IdHash{random.next64(), random.next64()}) {}

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

void ConnectionSet::removeRoute(const ConnectionId& id) {
  const auto route = routes_.find(id);
  if (route == routes_.end()) return;
  const auto it = connections_.find(route->second);
  if (it != connections_.end()) std::erase(it->second.routes, id);
  routes_.erase(route);
}

void ConnectionSet::touch(ConnectionHandle handle) {
  const auto it = connections_.find(handle);
  if (it == connections_.end()) return;
  Entry& entry = it->second;
  while (const auto change = entry.transport->pollRouting()) {
    if (const auto* issued = std::get_if<ConnectionIdIssued>(&*change)) {
      addRoute(issued->id, handle);
    } else {
      removeRoute(std::get<ConnectionIdRetired>(*change).id);
    }
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
  connections_.erase(it);
}

}  // namespace quic
