#include "io/PendingAnswers.h"

#include <algorithm>
#include <utility>

#include "io/HostRecords.h"

namespace quic {

void PendingAnswers::answer(ConnectionHandle connection, uint32_t request, ByteSpan bytes) {
  records_.addBytes(RecordKind::Answer, connection, 1, bytes, request);
}

void PendingAnswers::refuse(ConnectionHandle connection, uint32_t request, const QuicError& error) {
  const std::string json = closedRecord(error.code, error.initiator, error.reason);
  records_.addBytes(RecordKind::Answer, connection, 0, asBytes(json), request);
}

void PendingAnswers::updateKeys(TimePoint now, const command::UpdateKeys& command) {
  QuicTransportBase* transport = access_.findTransport(command.connection);
  if (transport == nullptr) return;  // its end answers every request
  if (const Result<> updated = transport->updateKeys(now); !updated) {
    return refuse(command.connection, command.request, updated.error());
  }
  access_.touchTransport(command.connection);
  keyUpdates_.push_back({command.connection, command.request});
}

void PendingAnswers::exportKeyingMaterial(const command::ExportKeyingMaterial& command) {
  const QuicTransportBase* transport = access_.findTransport(command.connection);
  if (transport == nullptr) return;
  const auto exported = transport->exportKeyingMaterial(command.label, command.context.span(), command.size);
  if (!exported) return refuse(command.connection, command.request, exported.error());
  answer(command.connection, command.request, *exported);
}

void PendingAnswers::sendDatagram(TimePoint now, command::SendDatagram& command) {
  QuicTransportBase* transport = access_.findTransport(command.connection);
  if (transport == nullptr) return;
  DatagramOptions options = command.options;
  options.id = command.isWatched ? command.datagram + 1 : 0;
  const Result<> taken = transport->sendDatagram(now, std::move(command.bytes), options);
  access_.touchTransport(command.connection);
  if (!taken && command.isWatched) {
    records_.add(RecordKind::DatagramSettled, command.connection, command.datagram);
  }
  ++sending_[command.connection].given;
}

void PendingAnswers::settle() {
  if (!keyUpdates_.empty()) settleKeyUpdates();
  if (!sending_.empty()) settleDatagrams();
}

void PendingAnswers::settleKeyUpdates() {
  std::erase_if(keyUpdates_, [&](const Asked& asked) {
    const QuicTransportBase* transport = access_.findTransport(asked.connection);
    if (transport == nullptr) return true;
    if (!transport->isKeyUpdateFollowed()) return false;
    answer(asked.connection, asked.request);
    return true;
  });
}

void PendingAnswers::settleDatagrams() {
  for (auto at = sending_.begin(); at != sending_.end();) {
    at = settleDatagrams(at->first, at->second) ? sending_.erase(at) : std::next(at);
  }
}

/// True: none waits any more.
bool PendingAnswers::settleDatagrams(ConnectionHandle connection, Sending& sending) {
  const QuicTransportBase* transport = access_.findTransport(connection);
  if (transport == nullptr || transport->isClosing()) return true;
  const uint64_t left = sending.given - std::min<uint64_t>(sending.given, transport->waitingDatagrams());
  if (left != sending.given && left < sending.told + kTellAfter) return false;
  records_.add(RecordKind::DatagramsLeft, connection, left - std::exchange(sending.told, left));
  return left == sending.given;
}

}  // namespace quic
