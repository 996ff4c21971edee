#include "io/QuicHost.h"

#include <algorithm>
#include <utility>

namespace quic {

QuicHost::~QuicHost() = default;

bool QuicHost::startAll() {
  for (const auto& worker : workers_) {
    if (!worker->start()) return false;
  }
  return true;
}

/// All are told before the first is waited for, and none is freed while another could still hand it a datagram.
void QuicHost::shutDown() {
  if (!isClosing_) {
    for (const auto& worker : workers_) worker->post(command::Stop{});
  }
  for (const auto& worker : workers_) worker->join();
  workers_.clear();
}

void QuicHost::postTo(ConnectionHandle connection, Command&& command) {
  const size_t index = workerOf(connection);
  if (index < workers_.size()) workers_[index]->post(std::move(command));
}

// ---- verbs

void QuicHost::streamWrite(ConnectionHandle connection, StreamId stream, OwnedBytes&& bytes, bool fin) {
  postTo(connection, command::StreamWrite{connection, stream, std::move(bytes), fin});
}

void QuicHost::streamConsume(ConnectionHandle connection, StreamId stream, uint64_t bytes) {
  postTo(connection, command::StreamConsume{connection, stream, bytes});
}

void QuicHost::streamReset(ConnectionHandle connection, StreamId stream, uint64_t code) {
  postTo(connection, command::StreamReset{connection, stream, code});
}

void QuicHost::streamStop(ConnectionHandle connection, StreamId stream, uint64_t code) {
  postTo(connection, command::StreamStop{connection, stream, code});
}

void QuicHost::streamResetAt(ConnectionHandle connection, StreamId stream, uint64_t code, uint64_t reliableSize) {
  postTo(connection, command::StreamResetAt{connection, stream, code, reliableSize});
}

void QuicHost::streamPriority(ConnectionHandle connection, StreamId stream, const StreamPriority& priority) {
  postTo(connection, command::StreamPrioritize{connection, stream, priority});
}

void QuicHost::sendDatagram(ConnectionHandle connection, uint64_t datagram, OwnedBytes&& bytes, bool isWatched,
                            const DatagramOptions& options) {
  postTo(connection, command::SendDatagram{connection, datagram, std::move(bytes), isWatched, options});
}

void QuicHost::updateKeys(ConnectionHandle connection, uint32_t request) {
  postTo(connection, command::UpdateKeys{connection, request});
}

void QuicHost::exportKeyingMaterial(ConnectionHandle connection, uint32_t request, const std::string& label,
                                    OwnedBytes&& context, size_t size) {
  postTo(connection, command::ExportKeyingMaterial{connection, request, label, std::move(context), size});
}

void QuicHost::closeConnection(ConnectionHandle connection, bool application, uint64_t code,
                               const std::string& reason) {
  const QuicErrorCode errorCode = application ? QuicErrorCode(static_cast<ApplicationErrorCode>(code))
                                              : QuicErrorCode(static_cast<TransportErrorCode>(code));
  postTo(connection, command::CloseConnection{connection, errorCode, reason});
}

void QuicHost::stopQlog(ConnectionHandle connection) { postTo(connection, command::StopQlog{connection}); }

void QuicHost::stats(ConnectionHandle connection, uint32_t request) {
  postTo(connection, command::QueryStats{connection, request});
}

void QuicHost::flush() {
  for (const auto& worker : workers_) worker->flush();
}

void QuicHost::setRef(bool ref) {
  for (const auto& worker : workers_) worker->setRef(ref);
}

void QuicHost::thaw(Duration frozenFor) {
  for (const auto& worker : workers_) worker->post(command::Thaw{std::max(frozenFor, Duration{0})});
}

void QuicHost::close() {
  if (std::exchange(isClosing_, true)) return;
  for (const auto& worker : workers_) worker->post(command::Stop{});
}

// ---- batches

void QuicHost::addRecord(RecordKind kind, const std::string& json, uint32_t flag) {
  own_.push_back({kind, json, flag});
}

void QuicHost::poke() {
  if (!workers_.empty()) workers_.front()->post(command::Poke{});
}

bool QuicHost::takeBatch(HostBatch& out) {
  out.clear();
  if (isEnded_) return false;
  bool found = false;
  for (size_t tried = 0; tried < workers_.size() && !found; ++tried) {
    const size_t index = std::exchange(next_, (next_ + 1) % workers_.size());
    std::swap(taken_.records, out);
    found = workers_[index]->take(taken_);
    std::swap(taken_.records, out);
    if (!found) continue;
    for (const HostFact& fact : taken_.facts) {
      std::holds_alternative<fact::WorkerStopped>(fact) ? onStopped() : onFact(index, fact);
    }
  }
  found |= !own_.empty();
  for (const OwnRecord& record : std::exchange(own_, {})) {
    out.addBytes(record.kind, 0, 0, asBytes(record.json), record.flag);
  }
  if (stopped_ == workers_.size()) {
    for (const auto& worker : workers_) worker->join();
    isEnded_ = true;
    out.add(RecordKind::HostClosed, 0);
  }
  return found;
}

void QuicHost::onStopped() { ++stopped_; }

}  // namespace quic
