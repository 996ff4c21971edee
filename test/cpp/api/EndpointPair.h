// A client's and a server's endpoint with FakeHandshake, and between them a wire without delay or loss that a test may hold
// up, look at and add to.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "cpp/api/FakeHandshake.h"
#include "cpp/api/MisbehavingPeer.h"
#include "quic/client/QuicClientEndpoint.h"
#include "quic/codec/QuicPacketHeaders.h"
#include "quic/server/QuicServerEndpoint.h"
#include "quic/tls/OpenSslTls.h"

namespace quic::test {

class FakeHandshakes final : public HandshakeFactory {
 public:
  std::unique_ptr<HandshakeLayer> makeHandshake() override {
    ++made;
    return std::make_unique<FakeHandshake>(Role::Server, options);
  }
  FakeHandshakeOptions options;
  uint64_t made = 0;
};

inline const SocketAddress kServerAddress = SocketAddress::v4({10, 0, 0, 1}, 4433);
inline const SocketAddress kClientAddress = SocketAddress::v4({10, 0, 1, 1}, 5000);

struct WireDatagram {
  FourTuple path;  // as the sender sees it
  ByteVector bytes;
};

struct EndpointPair {
  explicit EndpointPair(const ServerEndpointSettings& serverSettings = {}, uint8_t worker = 0)
      : server(serverSettings, *crypto, handshakes, random, worker) {}

  ConnectionHandle connect(const TransportSettings& settings = {}) {
    client.connect(now, ++clients, {kClientAddress, kServerAddress}, settings,
                   std::make_unique<FakeHandshake>(Role::Client, clientHandshake));
    return clients;
  }
  void giveServer(ByteVector bytes, const SocketAddress& from = kClientAddress) {
    forwarded = server.onDatagram(now, {{kServerAddress, from}, Ecn::NotEct, bytes});
  }
  void giveClient(ByteVector bytes, const SocketAddress& from = kServerAddress) {
    client.onDatagram(now, {{kClientAddress, from}, Ecn::NotEct, bytes});
  }
  /// What the server sends now, nobody hears it.
  std::vector<WireDatagram> takeFromServer() { return take(server, serverEvents); }
  std::vector<WireDatagram> takeFromClient() { return take(client, clientEvents); }
  /// Until both are silent.
  void exchange() {
    for (int idle = 0, round = 0; idle < 2; ++round) {
      ASSERT_LT(round, 100000);
      const bool fromClient = round % 2 == 0;
      const auto datagrams = fromClient ? takeFromClient() : takeFromServer();
      idle = datagrams.empty() ? idle + 1 : 0;
      for (const WireDatagram& datagram : datagrams) {
        if (fromClient) {
          carried.push_back(datagram);
          giveServer(datagram.bytes, datagram.path.local);
        } else {
          giveClient(datagram.bytes, kServerAddress);
        }
      }
    }
  }
  void advance(Duration duration) {
    const TimePoint end = now + duration;
    for (int steps = 0;; ++steps) {
      ASSERT_LT(steps, 10000) << "timers without end";
      std::optional<TimePoint> next = client.nextTimeout();
      if (const auto at = server.nextTimeout(); at && (!next || *at < *next)) next = at;
      if (!next || *next > end) break;
      now = std::max(now, *next);
      client.onTimeout(now);
      server.onTimeout(now);
      exchange();
    }
    now = end;
  }
  template <class Event>
  static size_t count(const std::vector<EndpointEvent>& events) {
    size_t found = 0;
    for (const EndpointEvent& event : events) found += std::holds_alternative<Event>(event.event) ? 1 : 0;
    return found;
  }

  std::unique_ptr<CryptoFactory> crypto = makeOpenSslCryptoFactory();
  SeededRandom random{1};
  FakeHandshakes handshakes;
  FakeHandshakeOptions clientHandshake;
  QuicClientEndpoint client{*crypto, random};
  QuicServerEndpoint server;
  TimePoint now{1h};
  ConnectionHandle clients = 0;
  std::optional<uint8_t> forwarded;
  std::vector<EndpointEvent> clientEvents;
  std::vector<EndpointEvent> serverEvents;
  std::vector<WireDatagram> carried;  // from the client to the server

 private:
  template <class Endpoint>
  std::vector<WireDatagram> take(Endpoint& endpoint, std::vector<EndpointEvent>& events) {
    std::vector<WireDatagram> datagrams;
    ByteVector buffer(1 << 16);
    while (const auto transmit = endpoint.pollTransmit(now, buffer)) {
      for (size_t at = 0; at < transmit->size; at += transmit->segmentSize) {
        const size_t size = std::min(transmit->segmentSize, transmit->size - at);
        datagrams.push_back({transmit->path, ByteVector(buffer.begin() + static_cast<ptrdiff_t>(at),
                                                        buffer.begin() + static_cast<ptrdiff_t>(at + size))});
      }
      if (datagrams.size() > 100000) {
        ADD_FAILURE() << "an endpoint never stops sending";
        break;
      }
    }
    while (auto event = endpoint.pollEvent()) events.push_back(std::move(*event));
    return datagrams;
  }
};

}  // namespace quic::test
