// Two handshakes that exchange their CRYPTO bytes in memory, as a connection would: in order, in fragments, drained after
// each call. What happened is kept for the test to look at.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "quic/handshake/HandshakeLayer.h"

namespace quic::test {

struct HandshakeEndpoint {
  std::unique_ptr<HandshakeLayer> layer;
  ByteVector parameters;               // given to start() by a client, to resume() by a server
  std::vector<HandshakeEvent> events;  // all but HandshakeBytes
  std::map<EncryptionLevel, ByteVector> sent;
  std::vector<std::pair<EncryptionLevel, ByteVector>> outbox;
  std::optional<QuicError> error;

  template <class Event>
  [[nodiscard]] std::vector<Event> all() const {
    std::vector<Event> found;
    for (const HandshakeEvent& event : events) {
      if (const auto* match = std::get_if<Event>(&event)) found.push_back(*match);
    }
    return found;
  }
  [[nodiscard]] bool isComplete() const { return all<HandshakeComplete>().size() == 1; }
  /// The transport error, or ~0.
  [[nodiscard]] uint64_t errorCode() const {
    const auto* code = error ? std::get_if<TransportErrorCode>(&error->code) : nullptr;
    return code == nullptr ? ~uint64_t{0} : static_cast<uint64_t>(*code);
  }

  void note(const Result<>& result) {
    if (!result && !error) error = result.error();
  }
  /// Drains the events; answers PeerTransportParameters on a server.
  void drain(bool isServer) {
    bool paused = false;
    while (auto event = layer->pollEvent()) {
      if (auto* bytes = std::get_if<HandshakeBytes>(&*event)) {
        ByteVector& total = sent[bytes->level];
        total.insert(total.end(), bytes->bytes.begin(), bytes->bytes.end());
        outbox.emplace_back(bytes->level, std::move(bytes->bytes));
        continue;
      }
      paused = paused || (isServer && std::holds_alternative<PeerTransportParameters>(*event));
      events.push_back(std::move(*event));
    }
    if (!paused) return;
    note(layer->resume(parameters));
    drain(isServer);
  }
  void give(EncryptionLevel level, ByteSpan bytes, size_t fragment, bool isServer) {
    while (!bytes.empty() && !error) {
      const size_t size = std::min(fragment, bytes.size());
      note(layer->onCryptoData(level, bytes.first(size)));
      drain(isServer);
      bytes = bytes.subspan(size);
    }
  }
};

struct HandshakePair {
  HandshakeEndpoint client;
  HandshakeEndpoint server;
  size_t fragment = SIZE_MAX;
  ByteVector earlyDataContext;  // given to start() by the server
  /// Sees each flight before it is delivered and may change it.
  std::function<void(bool toServer, EncryptionLevel& level, ByteVector& bytes)> tamper;

  HandshakePair(std::unique_ptr<HandshakeLayer> clientLayer, std::unique_ptr<HandshakeLayer> serverLayer) {
    client.layer = std::move(clientLayer);
    server.layer = std::move(serverLayer);
    client.parameters.assign(3, 0xc1);
    server.parameters.assign(4, 0x5e);
  }

  void start() {
    server.note(server.layer->start(earlyDataContext));
    client.note(client.layer->start(client.parameters));
    client.drain(false);
  }
  /// Whether both ends say so; neither is an answer too.
  [[nodiscard]] bool isResumed() const {
    return isComplete() && client.all<HandshakeComplete>()[0].isResumed && server.all<HandshakeComplete>()[0].isResumed;
  }
  /// What both ends say, or nullopt when they do not agree or did not finish.
  [[nodiscard]] std::optional<EarlyDataOutcome> earlyData() const {
    if (!isComplete()) return std::nullopt;
    const EarlyDataOutcome outcome = client.all<HandshakeComplete>()[0].earlyData;
    if (server.all<HandshakeComplete>()[0].earlyData != outcome) return std::nullopt;
    return outcome;
  }
  /// Carries what is waiting, both ways, until nothing is, or `budget` flights have gone.
  bool exchange(int budget = 100) {
    while (budget-- > 0) {
      HandshakeEndpoint& from = client.outbox.empty() ? server : client;
      if (from.outbox.empty()) return true;
      const bool toServer = &from == &client;
      auto [level, bytes] = std::move(from.outbox.front());
      from.outbox.erase(from.outbox.begin());
      if (tamper) tamper(toServer, level, bytes);
      (toServer ? server : client).give(level, bytes, fragment, toServer);
    }
    return false;
  }
  void run() {
    start();
    exchange();
  }
  [[nodiscard]] bool isComplete() const { return client.isComplete() && server.isComplete(); }
};

}  // namespace quic::test
