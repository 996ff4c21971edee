// EndpointPair with a server that can leave its address for another one: what is sent to where nobody is, is lost, and what
// the server sends comes from where it is. The wire has no delay. The server echoes every stream.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "cpp/api/EndpointPair.h"
#include "cpp/servermigration/MigrationTesting.h"

namespace quic::test {

class MovingServer : public EndpointPair {
 public:
  explicit MovingServer(ServerMigrationProtocols supported, const std::vector<SocketAddress>& pool = {},
                        RetryMode retry = RetryMode::Never)
      : EndpointPair(settingsFor(supported, pool, retry)) {}

  static TransportSettings offering(ServerMigrationProtocols protocols, ExplicitProbing probing = {}) {
    TransportSettings settings;
    settings.clientMigration.protocols = protocols;
    settings.clientMigration.explicitProbing = probing;
    return settings;
  }

  /// Until its handshake is confirmed, and everything that follows it has arrived.
  ConnectionHandle join(const TransportSettings& settings, const SocketAddress& from = kClientAddress) {
    client.connect(now, ++clients, {from, at}, settings,
                   std::make_unique<FakeHandshake>(Role::Client, clientHandshake));
    exchange();
    advance(100ms);
    return clients;
  }
  /// Step 1 of a move, for every connection.
  void prepare(ServerMigrationProtocol protocol, const std::optional<SocketAddress>& address = std::nullopt) {
    for (const ConnectionHandle handle : served()) prepareOne(handle, protocol, address);
  }
  void prepareOne(ConnectionHandle handle, ServerMigrationProtocol protocol,
                  const std::optional<SocketAddress>& address = std::nullopt) {
    const auto announced = address ? std::optional(QuicIPAddress::from(*address)) : std::nullopt;
    server.find(handle)->onImminentServerMigration(now, protocol, announced);
    server.touch(handle);
    exchange();
    advance(100ms);
  }
  /// Step 2.
  void moveTo(const SocketAddress& address) {
    at = address;
    for (const ConnectionHandle handle : served()) {
      server.find(handle)->onNetworkSwitch(now, address);
      server.touch(handle);
    }
    exchange();
  }
  /// A line there and back, on a stream of its own, within a minute.
  [[nodiscard]] bool echoes(ConnectionHandle handle, std::string_view line) {
    const auto id = client.find(handle)->openStream(false);
    if (!id) return false;
    const ByteVector bytes(line.begin(), line.end());
    EXPECT_TRUE(client.find(handle)->writeStream(*id, OwnedBytes::copyOf(bytes), true));
    client.touch(handle);
    exchange();
    std::string came;
    for (int i = 0; i < 600 && came.size() < line.size(); ++i) {
      came += readAtClient(handle, *id);
      if (came.size() < line.size()) advance(100ms);
    }
    return came == line;
  }
  [[nodiscard]] std::string readAtClient(ConnectionHandle handle, StreamId id) {
    QuicClientTransport* connection = client.find(handle);
    if (connection == nullptr) return {};
    ByteVector room(1 << 16);
    const auto read = connection->readStream(id, room);
    client.touch(handle);
    return read ? std::string(room.begin(), room.begin() + static_cast<ptrdiff_t>(read->size)) : std::string();
  }

  void exchange() {
    for (int idle = 0, round = 0; idle < 2; ++round) {
      ASSERT_LT(round, 100000);
      echo();
      const bool fromClient = round % 2 == 0;
      const auto datagrams = fromClient ? takeFromClient() : takeFromServer();
      idle = datagrams.empty() ? idle + 1 : 0;
      for (const WireDatagram& datagram : datagrams) {
        ByteVector bytes = datagram.bytes;
        if (drop && drop(datagram)) continue;
        if (!fromClient) {
          client.onDatagram(now, {{datagram.path.peer, datagram.path.local}, Ecn::NotEct, bytes});
        } else if (datagram.path.peer == at) {
          (void)server.onDatagram(now, {{at, datagram.path.local}, Ecn::NotEct, bytes});
        } else {
          lost.push_back(datagram);
        }
      }
    }
  }
  void advance(Duration duration) {
    const TimePoint end = now + duration;
    for (int steps = 0;; ++steps) {
      ASSERT_LT(steps, 20000) << "timers without end";
      std::optional<TimePoint> next = client.nextTimeout();
      if (const auto other = server.nextTimeout(); other && (!next || *other < *next)) next = other;
      if (!next || *next > end) break;
      now = std::max(now, *next);
      client.onTimeout(now);
      server.onTimeout(now);
      exchange();
    }
    now = end;
  }

  [[nodiscard]] std::vector<ConnectionHandle> served() {
    std::vector<ConnectionHandle> all;
    server.connections().forEach([&](ConnectionHandle handle, QuicTransportBase&) { all.push_back(handle); });
    return all;
  }
  /// "announced, probing target, completed target" of one connection, or of all.
  [[nodiscard]] static std::string told(const std::vector<EndpointEvent>& events,
                                        std::optional<ConnectionHandle> connection = std::nullopt) {
    std::string text;
    for (const EndpointEvent& event : events) {
      const auto* migration = std::get_if<MigrationEvent>(&event.event);
      if (migration == nullptr || (connection && event.connection != *connection)) continue;
      text += (text.empty() ? "" : ", ") + std::visit(migrationtesting::EventText{}, *migration);
    }
    return text;
  }
  [[nodiscard]] std::string clientHeard(ConnectionHandle handle) const { return told(clientEvents, handle); }
  void forget() {
    clientEvents.clear();
    serverEvents.clear();
    echoed_ = 0;
    lost.clear();
  }
  [[nodiscard]] SocketAddress peerOf(ConnectionHandle handle) { return client.find(handle)->activePath().peer; }

  SocketAddress at = migrationtesting::kOld;
  std::function<bool(const WireDatagram&)> drop;
  std::vector<WireDatagram> lost;  // sent to where nobody is

 private:
  static ServerEndpointSettings settingsFor(ServerMigrationProtocols supported, const std::vector<SocketAddress>& pool,
                                            RetryMode retry) {
    ServerEndpointSettings settings;
    settings.transport.serverMigration = supported;
    for (const SocketAddress& address : pool) settings.transport.migrationPool.push_back(QuicIPAddress::from(address));
    settings.retry.mode = retry;
    return settings;
  }
  void echo() {
    for (; echoed_ < serverEvents.size(); ++echoed_) {
      const auto* stream = std::get_if<StreamEvent>(&serverEvents[echoed_].event);
      const auto* readable = stream == nullptr ? nullptr : std::get_if<StreamReadable>(stream);
      QuicServerTransport* connection = server.find(serverEvents[echoed_].connection);
      if (readable == nullptr || connection == nullptr) continue;
      ByteVector room(1 << 16);
      const auto read = connection->readStream(readable->id, room);
      if (!read || (read->size == 0 && !read->fin)) continue;
      const ByteSpan bytes = ByteSpan(room).first(read->size);
      EXPECT_TRUE(connection->writeStream(readable->id, OwnedBytes::copyOf(bytes), read->fin));
      server.touch(serverEvents[echoed_].connection);
    }
  }

  size_t echoed_ = 0;  // of serverEvents
};

}  // namespace quic::test
