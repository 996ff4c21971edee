#include "quic/api/DatagramDriver.h"

#include <utility>

#include "quic/api/QLogDriver.h"

namespace quic {
namespace {

/// The largest frame that a 1-RTT packet on the active path can carry, next to nothing else.
size_t frameRoom(const QuicConnectionState& state) {
  constexpr size_t kFlagsAndNumber = 1 + 4;  // RFC 9000 §17.3.1, with the longest packet number
  const size_t overhead = kFlagsAndNumber + state.paths.active().destination.id.size() + kAeadTagSize;
  const size_t datagram = state.datagramSize();
  return datagram > overhead ? datagram - overhead : 0;
}

bool writeDatagrams(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent) {
  const size_t before = sent.size();
  while (const auto id = state.datagrams.sender.write(state.now, writer, frameRoom(state))) {
    sent.push_back(SentDatagram{*id});
    ++state.stats.datagramsSent;
  }
  return sent.size() > before;
}

bool goesFirst(const QuicConnectionState& state) {
  const DatagramSender& sender = state.datagrams.sender;
  if (!sender.hasToSend()) return false;
  if (!state.streams.hasDataToSend()) return true;
  const uint8_t ofStreams = state.streams.urgency();
  return sender.urgency() < ofStreams || (sender.urgency() == ofStreams && state.datagrams.hasTurn);
}

std::optional<TransportEvent> pollLimit(QuicConnectionState& state) {
  if (state.isHandshaking() || !state.isOpen()) return std::nullopt;
  const size_t limit = maxDatagramPayload(state).value_or(0);
  if (limit == std::exchange(state.datagrams.toldLimit, limit)) return std::nullopt;
  return TransportEvent(DatagramLimitChanged{limit});
}

std::optional<TransportEvent> pollDatagramEvent(QuicConnectionState& state) {
  if (auto event = pollLimit(state)) return event;
  if (auto event = state.datagrams.sender.pollEvent()) return TransportEvent(std::move(*event));
  if (auto event = state.datagrams.receiver.pollEvent()) {
    if (const auto* received = std::get_if<DatagramReceived>(&*event)) {
      logDatagramData(state, DataDirection::ToApplication, received->bytes.size());
    }
    return TransportEvent(std::move(*event));
  }
  return std::nullopt;
}

std::optional<TransportEvent> pollStreamEvent(QuicConnectionState& state) {
  if (auto event = state.streams.pollEvent()) return TransportEvent(*event);
  return std::nullopt;
}

}  // namespace

std::optional<size_t> maxDatagramPayload(const QuicConnectionState& state) {
  return state.datagrams.sender.maxPayload(frameRoom(state));
}

Result<> sendDatagram(QuicConnectionState& state, OwnedBytes&& bytes, const DatagramOptions& options) {
  return state.datagrams.sender.push(state.now, std::move(bytes), options, frameRoom(state));
}

Result<> onDatagramFrame(QuicConnectionState& state, const DatagramFrame& frame) {
  ++state.stats.datagramsReceived;
  return state.datagrams.receiver.onFrame(frame);
}

void onDatagramAcked(QuicConnectionState& state, uint64_t id) { state.datagrams.sender.onAcked(id); }

void onDatagramLost(QuicConnectionState& state, uint64_t id) {
  ++state.stats.datagramsLost;
  state.datagrams.sender.onLost(id);
}

bool hasDataToSend(const QuicConnectionState& state) {
  return state.streams.hasDataToSend() || state.datagrams.sender.hasToSend();
}

void writeDataFrames(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent) {
  // The turn ends when it was used: a datagram that found no room beside an acknowledgment keeps it.
  const bool isFirst = goesFirst(state);
  if (isFirst && writeDatagrams(state, writer, sent)) state.datagrams.hasTurn = false;
  const bool hasStreams = state.streams.hasDataToSend() && state.streams.writeStreamFrames(writer, sent);
  if (isFirst) return;
  if (hasStreams) state.datagrams.hasTurn = true;
  writeDatagrams(state, writer, sent);
}

std::optional<TransportEvent> pollDataEvent(QuicConnectionState& state) {
  // In turns, so that neither waits for the other when the host is slow.
  bool& isDatagramNext = state.datagrams.isEventNext;
  isDatagramNext = !isDatagramNext;
  if (isDatagramNext) {
    if (auto event = pollDatagramEvent(state)) return event;
    return pollStreamEvent(state);
  }
  if (auto event = pollStreamEvent(state)) return event;
  return pollDatagramEvent(state);
}

}  // namespace quic
