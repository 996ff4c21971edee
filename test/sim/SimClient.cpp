#include "sim/SimClient.h"

#include "sim/SimPattern.h"

namespace quic::test {

SimClient::SimClient(const SimWorld& world, const SocketAddress& address)
    : SimNode(world, address), endpoint_(world.crypto, world.random) {}

void SimClient::connect(const SocketAddress& server, const TransportSettings& settings,
                        std::unique_ptr<HandshakeLayer> handshake) {
  endpoint_.connect(clock().now(), kHandle, {address(), server}, settings, std::move(handshake));
  wake();
}

void SimClient::transfer(uint64_t size) {
  ++openTransfers;
  waiting_.push_back({size, false, clock().now()});
  start();
}

void SimClient::upload(uint64_t size) {
  const uint64_t seed = foldHash(kEmptyHash, asBytes(address().toString())) + uploadedHashes.size();
  const ByteVector bytes = patternOf(seed, size);
  const auto id = connection()->openStream(true);
  if (!id || !connection()->writeStream(*id, OwnedBytes::copyOf(bytes), true)) ++wrong;
  uploadedHashes.insert(foldHash(kEmptyHash, bytes));
  endpoint_.touch(kHandle);
  wake();
}

void SimClient::request(uint64_t size) {
  ++asked;
  waiting_.push_back({size, true, clock().now()});
  start();
}

void SimClient::requestEvery(Duration interval, uint64_t count) {
  planned = count;
  if (count == 0) return;
  clock().after(interval, [this, interval, count] {
    if (closeError) return;
    request();
    requestEvery(interval, count - 1);
  });
}

void SimClient::close() {
  if (QuicClientTransport* connection = this->connection()) {
    connection->close(clock().now(), ApplicationErrorCode{0}, "done");
    endpoint_.touch(kHandle);
    wake();
  }
}

Result<> SimClient::migrate(const SocketAddress& local) {
  addAddress(local);
  const Result<> moved = connection()->migrate(clock().now(), local);
  endpoint_.touch(kHandle);
  wake();
  return moved;
}

Result<> SimClient::rebindSocket(const SocketAddress& local) {
  addAddress(local);
  giveUpAddress(connection()->activePath().local);
  const Result<> moved = connection()->rebind(clock().now(), local);
  endpoint_.touch(kHandle);
  wake();
  return moved;
}

Result<> SimClient::startProbing() {
  const Result<> begun = connection()->startProbing(clock().now());
  endpoint_.touch(kHandle);
  wake();
  return begun;
}

void SimClient::start() {
  while ((isFinished || mayUseEarlyData) && !closeError && !waiting_.empty()) {
    const size_t before = waiting_.size();
    open(waiting_.front());
    if (waiting_.size() == before) break;
  }
  if (connection() != nullptr) endpoint_.touch(kHandle);
  wake();
}

void SimClient::open(const Wanted& wanted) {
  const auto id = connection()->openStream(false);
  if (!id) return;
  Exchange exchange{id->value + 7, wanted.size, 0, wanted.isRequest, wanted.at};
  exchanges_.emplace(*id, exchange);
  if (!connection()->writeStream(*id, OwnedBytes::copyOf(patternOf(exchange.seed, wanted.size)), true)) ++wrong;
  waiting_.pop_front();
}

void SimClient::read(StreamId id) {
  ByteVector buffer(16384);
  const auto it = exchanges_.find(id);
  if (it == exchanges_.end()) {
    ++wrong;
    return;
  }
  Exchange& exchange = it->second;
  while (true) {
    const auto read = connection()->readStream(id, buffer);
    if (!read || (read->size == 0 && !read->fin)) break;
    for (size_t i = 0; i < read->size; ++i) {
      if (buffer[i] != patternAt(exchange.seed, exchange.received + i)) ++wrong;
    }
    exchange.received += read->size;
    if (!read->fin) continue;
    if (exchange.received != exchange.size) ++wrong;
    if (exchange.isRequest) {
      ++answered;
      lastLatency = clock().now() - exchange.startedAt;
      worstLatency = std::max(worstLatency, *lastLatency);
    } else {
      --openTransfers;
    }
    lastDoneAt = clock().now();
    exchanges_.erase(it);
    break;
  }
  endpoint_.touch(kHandle);
}

void SimClient::download(StreamId id) {
  ByteVector buffer(16384);
  uint64_t& hash = downloads_.try_emplace(id, kEmptyHash).first->second;
  while (true) {
    const auto read = connection()->readStream(id, buffer);
    if (!read || (read->size == 0 && !read->fin)) break;
    hash = foldHash(hash, ByteSpan(buffer).first(read->size));
    if (!read->fin) continue;
    downloadedHashes.insert(hash);
    downloads_.erase(id);
    break;
  }
  endpoint_.touch(kHandle);
}

void SimClient::hear(const MigrationEvent& event) {
  static constexpr const char* kNames[] = {"pool-address", "announced", "probing",   "reverted", "expired",
                                           "detected",     "ready",     "completed", "failed",   "pool-acknowledged"};
  migrationEvents.emplace_back(kNames[event.index()]);
  note(std::string("heard: ") + kNames[event.index()]);
  if (const auto* completed = std::get_if<migration::Completed>(&event)) downtime = completed->downtime;
}

void SimClient::onEvent(ConnectionHandle, const TransportEvent& event) {
  if (std::holds_alternative<EarlyDataReady>(event)) {
    mayUseEarlyData = true;
    start();
  }
  if (const auto* finished = std::get_if<HandshakeFinished>(&event)) {
    isFinished = true;
    handshake = *finished;
    finishedAt = clock().now();
    start();
  }
  if (std::holds_alternative<HandshakeConfirmed>(event)) isConfirmed = true;
  if (const auto* closed = std::get_if<ConnectionClosed>(&event)) {
    closeError = closed->error;
    closeReason = closed->reason;
    note("ends: " + closed->reason);
  }
  if (const auto* migration = std::get_if<MigrationEvent>(&event)) hear(*migration);
  if (const auto* log = std::get_if<QLogText>(&event)) qlog += log->text;
  if (const auto* ticket = std::get_if<SessionTicket>(&event)) sessions.push_back(ticket->bytes);
  if (const auto* token = std::get_if<AddressToken>(&event)) addressTokens.push_back(*token);
  if (const auto* changed = std::get_if<PathChanged>(&event)) pathChanges.push_back(changed->path);
  if (const auto* failed = std::get_if<PathFailed>(&event)) pathFailures.push_back(failed->path);
  if (const auto* free = std::get_if<LocalAddressReleased>(&event)) {
    released.push_back(free->address);
    giveUpAddress(free->address);
  }
  const auto* stream = std::get_if<StreamEvent>(&event);
  if (stream == nullptr || closeError) return;
  if (const auto* readable = std::get_if<StreamReadable>(stream)) {
    if (readable->id.isServerInitiated()) {
      download(readable->id);
    } else {
      read(readable->id);
    }
  }
  if (std::holds_alternative<StreamsAvailable>(*stream)) start();
}

}  // namespace quic::test
