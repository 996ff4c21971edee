#include "io/ConnectionBridge.h"

#include <algorithm>
#include <utility>

#include "io/Overloaded.h"

namespace quic {
namespace {

constexpr size_t kReadChunk = 64 * 1024;

uint32_t low(uint64_t value) { return static_cast<uint32_t>(value); }
uint32_t high(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

/// As word 7 of DatagramSettled has it.
enum class DatagramFate : uint32_t { Lost = 0, Acknowledged = 1, Expired = 2 };

DatagramFate fateOf(DatagramLossCause cause) {
  return cause == DatagramLossCause::Expired ? DatagramFate::Expired : DatagramFate::Lost;
}

}  // namespace

ConnectionBridge::ConnectionBridge(Role role, ConnectionAccess& connections, UpBatch& up)
    : role_(role), access_(connections), up_(up) {}

void ConnectionBridge::onEvent(EndpointEvent&& event) {
  std::visit([&](auto&& specific) { on(event.connection, std::move(specific)); }, std::move(event.event));
}

// ---- events

void ConnectionBridge::addJson(RecordKind kind, ConnectionHandle handle, const std::string& json, uint32_t flag) {
  up_.records.addBytes(kind, handle, 0, asBytes(json), flag);
}

HandshakeFacts ConnectionBridge::factsOf(ConnectionHandle handle) {
  const QuicTransportBase* transport = access_.findTransport(handle);
  if (transport == nullptr) return {};
  return {transport->activePath(), transport->version(), transport->cipherSuite(),
          transport->maxDatagramPayload().value_or(0)};
}

void ConnectionBridge::on(ConnectionHandle handle, EarlyDataReady&& event) {
  connections_[handle].isKnown = true;
  addJson(RecordKind::EarlyDataReady, handle, earlyRecord(factsOf(handle), event, role_));
}

void ConnectionBridge::on(ConnectionHandle handle, HandshakeFinished&& event) {
  connections_[handle].isKnown = true;
  addJson(RecordKind::ConnectionOpened, handle, openedRecord(factsOf(handle), event));
}

void ConnectionBridge::on(ConnectionHandle handle, HandshakeConfirmed&&) {
  up_.records.add(RecordKind::HandshakeConfirmed, handle);
}

void ConnectionBridge::on(ConnectionHandle handle, StreamEvent&& event) {
  HostBatch& records = up_.records;
  const auto forget = [&](StreamId id) { connections_[handle].streams.erase(id.value); };
  std::visit(Overloaded{
                 [&](const StreamOpened& e) {
                   records.add(RecordKind::StreamOpened, handle, e.id.value);
                   if (e.id.isUnidirectional()) connections_[handle].streams[e.id.value].isTaken = false;
                 },
                 [&](const StreamReadable& e) { enqueue({handle, e.id}, connections_[handle].streams[e.id.value]); },
                 [&](const StreamReset& e) {
                   records.add(RecordKind::StreamReset, handle, e.id.value, low(e.errorCode), high(e.errorCode));
                   forget(e.id);
                 },
                 [&](const StreamStopped& e) {
                   records.add(RecordKind::StreamStopped, handle, e.id.value, low(e.errorCode), high(e.errorCode));
                 },
                 [&](const StreamWritable& e) { records.add(RecordKind::StreamWritable, handle, e.id.value); },
                 [&](const StreamSendComplete& e) { records.add(RecordKind::StreamSendComplete, handle, e.id.value); },
                 [&](const StreamClosed& e) {
                   records.add(RecordKind::StreamClosed, handle, e.id.value);
                   forget(e.id);
                 },
                 [&](const StreamsAvailable& e) {
                   records.add(RecordKind::StreamsAvailable, handle, e.limit, 0, 0, e.unidirectional ? 1 : 0);
                 },
             },
             event);
}

void ConnectionBridge::on(ConnectionHandle handle, DatagramEvent&& event) {
  HostBatch& records = up_.records;
  const auto settled = [&](uint64_t id, DatagramFate fate) {
    if (id == 0) return;  // nobody asked
    records.add(RecordKind::DatagramSettled, handle, id - 1, 0, 0, static_cast<uint32_t>(fate));
  };
  std::visit(Overloaded{
                 [&](const DatagramReceived& e) { records.addBytes(RecordKind::DatagramReceived, handle, 0, e.bytes); },
                 [&](const DatagramAcked& e) { settled(e.id, DatagramFate::Acknowledged); },
                 [&](const DatagramLost& e) { settled(e.id, fateOf(e.cause)); },
             },
             event);
}

void ConnectionBridge::on(ConnectionHandle handle, DatagramLimitChanged&& event) {
  up_.records.add(RecordKind::DatagramLimit, handle, event.maxPayload);
}

void ConnectionBridge::on(ConnectionHandle handle, PathChanged&& event) {
  addJson(RecordKind::PathChanged, handle, pathRecord(event.path));
}

void ConnectionBridge::on(ConnectionHandle handle, MigrationEvent&& event) {
  addJson(RecordKind::Migration, handle, migrationRecord(event));
  if (role_ == Role::Client) return;
  if (const auto* ready = std::get_if<migration::Ready>(&event)) {
    up_.facts.push_back(fact::Ready{handle, ready->protocol});
  } else if (const auto* failed = std::get_if<migration::Failed>(&event)) {
    up_.facts.push_back(fact::Excluded{handle, failed->error});
  } else if (std::holds_alternative<migration::Completed>(event)) {
    up_.facts.push_back(fact::Completed{handle});
  }
}

void ConnectionBridge::on(ConnectionHandle handle, SessionTicket&& event) {
  up_.records.addBytes(RecordKind::SessionTicket, handle, 0, event.bytes);
}

void ConnectionBridge::on(ConnectionHandle handle, AddressToken&& event) {
  up_.records.addBytes(RecordKind::AddressToken, handle, 0, packToken(event));
}

void ConnectionBridge::on(ConnectionHandle handle, KeyLogLine&& event) {
  up_.records.addBytes(RecordKind::KeyLog, handle, 0, asBytes(event.line));
}

void ConnectionBridge::on(ConnectionHandle handle, QLogText&& event) {
  up_.records.addBytes(RecordKind::Qlog, handle, 0, asBytes(event.text));
}

void ConnectionBridge::on(ConnectionHandle handle, ConnectionClosed&& event) {
  readWhatIsLeft(handle);
  addClosed(handle, event.error.code, event.error.initiator, event.reason);
}

/// What the peer sent before it closed was received and acknowledged: the host gets it, at most the connection's window.
void ConnectionBridge::readWhatIsLeft(ConnectionHandle handle) {
  const auto found = connections_.find(handle);
  if (found == connections_.end()) return;
  std::vector<uint64_t> ids;
  for (const auto& [id, reading] : found->second.streams) {
    if (reading.isQueued || reading.mayHaveMore) ids.push_back(id);
  }
  for (const uint64_t id : ids) {
    const StreamKey key{handle, StreamId{id}};
    if (Reading* reading = find(key)) read(key, *reading, Limits::Lift);
  }
}

void ConnectionBridge::addClosed(ConnectionHandle handle, const QuicErrorCode& code, Initiator initiator,
                                 std::string_view reason) {
  const auto found = connections_.find(handle);
  const bool isRenamed = found != connections_.end() && found->second.closesAs.has_value();
  const QuicErrorCode told = isRenamed ? QuicErrorCode(*found->second.closesAs) : code;
  addJson(RecordKind::ConnectionClosed, handle,
          closedRecord(told, isRenamed ? Initiator::Local : initiator, reason, peerOfUnknown(handle)));
  if (found != connections_.end()) connections_.erase(found);
  if (role_ == Role::Server) up_.facts.push_back(fact::Closed{handle});
}

/// Whose attempt came to nothing: the host has never heard of it.
std::optional<SocketAddress> ConnectionBridge::peerOfUnknown(ConnectionHandle handle) {
  const auto found = connections_.find(handle);
  if (found != connections_.end() && found->second.isKnown) return std::nullopt;
  const QuicTransportBase* transport = access_.findTransport(handle);
  if (transport == nullptr) return std::nullopt;
  return SocketAddress(transport->activePath().peer);
}

void ConnectionBridge::closesAs(ConnectionHandle connection, LocalErrorCode code) {
  connections_[connection].closesAs = code;
}

void ConnectionBridge::onConnecting(ConnectionHandle connection) { connections_[connection].isKnown = true; }

void ConnectionBridge::openUpTo(ConnectionHandle connection, QuicTransportBase& transport, StreamId stream) {
  const auto found = connections_.find(connection);
  const bool isLocal = stream.isServerInitiated() == (role_ == Role::Server);
  if (found == connections_.end() || !isLocal) return;
  uint64_t& opened = found->second.opened[stream.isUnidirectional() ? 1 : 0];
  while (opened <= stream.ordinal()) {
    if (!transport.openStream(stream.isUnidirectional())) return;
    ++opened;
  }
}

void ConnectionBridge::addFailure(ConnectionHandle connection, LocalErrorCode code, std::string_view reason) {
  addClosed(connection, code, Initiator::Local, reason);
}

void ConnectionBridge::endAll(LocalErrorCode code) {
  std::vector<ConnectionHandle> open;
  for (const auto& [handle, connection] : connections_) {
    if (connection.isKnown) open.push_back(handle);
  }
  std::sort(open.begin(), open.end());
  for (const ConnectionHandle handle : open) addClosed(handle, code, Initiator::Local, "closed");
  connections_.clear();
  ready_.clear();
}

void ConnectionBridge::addStats(ConnectionHandle connection, uint32_t request) {
  const QuicTransportBase* transport = access_.findTransport(connection);
  addJson(RecordKind::Stats, connection, statsRecord(transport == nullptr ? ConnectionStats{} : transport->stats()),
          request);
}

// ---- streams

ConnectionBridge::Reading* ConnectionBridge::find(const StreamKey& key) {
  const auto connection = connections_.find(key.connection);
  if (connection == connections_.end()) return nullptr;
  const auto reading = connection->second.streams.find(key.stream.value);
  return reading == connection->second.streams.end() ? nullptr : &reading->second;
}

void ConnectionBridge::enqueue(const StreamKey& key, Reading& reading) {
  reading.mayHaveMore = true;
  if (reading.credit == 0 || !reading.isTaken || std::exchange(reading.isQueued, true)) return;
  ready_.push_back(key);
}

void ConnectionBridge::onConsumed(ConnectionHandle connection, StreamId stream, uint64_t bytes) {
  const StreamKey key{connection, stream};
  Reading* reading = find(key);
  if (reading == nullptr) return;
  reading->isTaken |= bytes == 0;
  reading->credit = std::min(kStreamCredit, reading->credit + std::min(bytes, kStreamCredit));
  if (reading->mayHaveMore) enqueue(key, *reading);
}

bool ConnectionBridge::readStreams() {
  bool touched = false;
  // Each stream once: one that could not be read to its end is back in the queue, behind the others.
  for (size_t left = ready_.size(); left > 0 && !ready_.empty(); --left) {
    if (up_.records.bytes.size() >= kMaxBatchBytes || isFull()) break;
    const StreamKey key = ready_.front();
    ready_.pop_front();
    Reading* reading = find(key);
    if (reading == nullptr || !reading->isQueued) continue;
    reading->isQueued = false;
    read(key, *reading, Limits::Apply);
    touched = true;
  }
  return touched;
}

void ConnectionBridge::read(const StreamKey& key, Reading& reading, Limits limits) {
  QuicTransportBase* transport = access_.findTransport(key.connection);
  if (transport == nullptr) return;
  BatchBytes& bytes = up_.records.bytes;
  const size_t start = bytes.size();
  const size_t room = kMaxBatchBytes > start ? kMaxBatchBytes - start : 0;
  size_t allowed = limits == Limits::Lift ? SIZE_MAX : std::min<uint64_t>(reading.credit, room);
  bool fin = false;
  bool mayHaveMore = true;
  while (allowed > 0 && mayHaveMore && !fin) {
    const size_t wanted = std::min(allowed, kReadChunk);
    const size_t offset = bytes.size();
    bytes.resize(offset + wanted);
    const Result<StreamRead> result = transport->readStream(key.stream, MutableByteSpan(bytes).subspan(offset));
    const StreamRead got = result ? *result : StreamRead{};
    bytes.resize(offset + got.size);
    allowed -= got.size;
    fin = got.fin;
    mayHaveMore = got.size == wanted;
  }
  access_.touchTransport(key.connection);
  const size_t size = bytes.size() - start;
  if (size > 0 || fin) {
    up_.records.add(RecordKind::StreamData, key.connection, key.stream.value, static_cast<uint32_t>(start),
                    static_cast<uint32_t>(size), fin ? 1 : 0);
  }
  if (fin) {
    connections_[key.connection].streams.erase(key.stream.value);
    return;
  }
  reading.credit -= std::min<uint64_t>(reading.credit, size);
  reading.mayHaveMore = mayHaveMore;
  if (mayHaveMore && limits == Limits::Apply) enqueue(key, reading);
}

}  // namespace quic
