// Two endpoints with FakeHandshake on a network with addresses: what is sent to where nobody listens is gone. The server echoes
// streams and can be moved; so can the client. Virtual time, a delay each way, loss where a test wants it. Everything that was
// sent is kept. Cannot see: TLS, sockets, jitter (the simulator has the first and the last).
#pragma once

#include <set>
#include <string>

#include "cpp/api/EndpointPair.h"
#include "cpp/servermigration/MigrationTesting.h"

namespace quic::test {

struct SentDatagram {
  bool toServer = false;
  FourTuple path;  // as the sender sees it
  ByteVector bytes;
  TimePoint at;
  [[nodiscard]] ConnectionId destinationId(size_t size = 8) const {
    return ConnectionId(ByteSpan(bytes).subspan(1, size));  // of a short header
  }
};

inline std::string nameOf(const MigrationEvent& event) {
  static constexpr std::array<const char*, std::variant_size_v<MigrationEvent>> kNames = {
      "pool-address", "announced", "probing",   "reverted", "expired",
      "detected",     "ready",     "completed", "failed",   "pool-acknowledged"};
  return kNames[event.index()];
}

class MovePair : public EndpointPair {
 public:
  explicit MovePair(const ServerEndpointSettings& settings = {}) : EndpointPair(settings) {}

  /// Both ends speak these.
  static ServerEndpointSettings serverSpeaking(ServerMigrationProtocols protocols,
                                               const std::vector<SocketAddress>& pool = {}) {
    ServerEndpointSettings settings;
    settings.transport.serverMigration = protocols;
    for (const SocketAddress& address : pool) settings.transport.migrationPool.push_back(QuicIPAddress::from(address));
    return settings;
  }
  static TransportSettings clientSpeaking(ServerMigrationProtocols protocols,
                                          ExplicitProbing probing = ExplicitProbing::Reactive) {
    TransportSettings settings;
    settings.clientMigration.protocols = protocols;
    settings.clientMigration.explicitProbing = probing;
    return settings;
  }

  /// Connected, and everything said that is said after a handshake.
  void begin(const TransportSettings& settings) {
    connect(settings);
    runFor(500ms + 8 * delay);
    ASSERT_NE(client.find(1), nullptr);
    ASSERT_TRUE(client.find(1)->isHandshakeConfirmed());
    handle = served().back();
  }
  void connect(const TransportSettings& settings) {
    client.connect(now, ++clients, {clientAt, serverAt}, settings,
                   std::make_unique<FakeHandshake>(Role::Client, clientHandshake));
  }

  // ---- verbs
  void prepare(ServerMigrationProtocol protocol, const std::optional<SocketAddress>& target = std::nullopt) {
    std::optional<QuicIPAddress> address;
    if (target) address = QuicIPAddress::from(*target);
    announce(protocol, address);
  }
  void announce(ServerMigrationProtocol protocol, const std::optional<QuicIPAddress>& address) {
    moving().onImminentServerMigration(serversNow(), protocol, address);
    server.touch(handle);
  }
  /// With all of its connections.
  void moveTo(const SocketAddress& address) {
    serverAt = address;
    isServerUp = true;
    for (const ConnectionHandle each : served()) {
      server.find(each)->onNetworkSwitch(serversNow(), address);
      server.touch(each);
    }
  }
  /// Prepared, moved, and given time to arrive.
  void migrate(ServerMigrationProtocol protocol, const SocketAddress& address) {
    const bool isExplicit = protocol == ServerMigrationProtocol::EXPLICIT;
    prepare(protocol, isExplicit ? std::optional(address) : std::nullopt);
    runFor(200ms);
    moveTo(address);
    runFor(2s);
  }
  /// `size` bytes on a stream of their own; the server sends them back.
  void request(size_t size = 1000, ConnectionHandle from = 1) {
    const auto stream = client.find(from)->openStream(false);
    ASSERT_TRUE(stream.hasValue());
    ByteVector bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + stream->value);
    asked[{from, *stream}] = bytes;
    ASSERT_TRUE(client.find(from)->writeStream(*stream, OwnedBytes::copyOf(bytes), true).hasValue());
    client.touch(from);
  }
  [[nodiscard]] bool isAllAnswered() const { return answered == asked; }
  QuicServerTransport& moving() { return *server.find(handle); }
  QuicClientTransport& follower() { return *client.find(1); }
  [[nodiscard]] std::vector<ConnectionHandle> served() {
    std::vector<ConnectionHandle> all;
    server.connections().forEach([&](ConnectionHandle each, QuicTransportBase&) { all.push_back(each); });
    return all;
  }

  // ---- time
  void runFor(Duration duration) {
    const TimePoint end = now + duration;
    for (int steps = 0;; ++steps) {
      ASSERT_LT(steps, 200000) << "it never rests";
      pump();
      std::optional<TimePoint> next = client.nextTimeout();
      const auto consider = [&](const std::optional<TimePoint>& at) {
        if (at && (!next || *at < *next)) next = at;
      };
      if (const auto at = server.nextTimeout(); at && isServerUp) consider(*at - serverClockAhead);
      if (!inFlight_.empty()) consider(inFlight_.begin()->first);
      if (!next || *next > end) break;
      now = std::max(now, *next);
      deliverDue();
      client.onTimeout(now);
      if (isServerUp) server.onTimeout(serversNow());
    }
    now = end;
  }
  /// The server's process, which stood still, goes on with a clock that has jumped.
  void thawServer(Duration frozenFor) {
    isServerUp = true;
    server.connections().onResumed(serversNow(), frozenFor);
  }
  [[nodiscard]] TimePoint serversNow() const { return now + serverClockAhead; }
  [[nodiscard]] std::vector<std::string> clientMoves() const { return moves(clientEvents); }
  [[nodiscard]] std::vector<std::string> serverMoves() const { return moves(serverEvents); }
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
  template <class Event>
  [[nodiscard]] std::vector<Event> heard(const std::vector<EndpointEvent>& events) const {
    std::vector<Event> found;
    for (const EndpointEvent& event : events) {
      if (const auto* migration = std::get_if<MigrationEvent>(&event.event)) {
        if (const auto* match = std::get_if<Event>(migration)) found.push_back(*match);
      }
    }
    return found;
  }
  void forgetEvents() {
    clientEvents.clear();
    serverEvents.clear();
    readFrom_[0] = readFrom_[1] = 0;
    sent.clear();
  }

  SocketAddress serverAt = kServerAddress;
  SocketAddress clientAt = kClientAddress;
  std::set<SocketAddress> alsoClientAt;  // further sockets of the client
  bool isServerUp = true;                // else its process stands still
  Duration serverClockAhead{0};
  Duration delay = 10ms;                                                           // each way
  std::function<bool(const SentDatagram&)> isLost;                                 // on the wire
  std::function<std::optional<SocketAddress>(const SentDatagram&)> rewriteSource;  // what the receiver sees instead
  ConnectionHandle handle = 0;  // of the server's end of the connection that began last
  std::vector<SentDatagram> sent;
  using ClientStream = std::pair<ConnectionHandle, StreamId>;
  std::map<ClientStream, ByteVector> asked;
  std::map<ClientStream, ByteVector> answered;  // whole ones

  /// Without time passing: what is ready to leave leaves.
  void pump() {
    for (bool isBusy = true; isBusy;) {
      isBusy = false;
      for (const bool toServer : {true, false}) {
        if (!toServer && !isServerUp) continue;
        if (!toServer) now += serverClockAhead;
        const auto datagrams = toServer ? takeFromClient() : takeFromServer();
        if (!toServer) now -= serverClockAhead;
        for (const WireDatagram& datagram : datagrams) send({toServer, datagram.path, datagram.bytes, now});
        isBusy |= !datagrams.empty();
      }
      isBusy |= readStreams();
    }
  }

 private:
  static std::vector<std::string> moves(const std::vector<EndpointEvent>& events) {
    std::vector<std::string> names;
    for (const EndpointEvent& event : events) {
      if (const auto* migration = std::get_if<MigrationEvent>(&event.event)) names.push_back(nameOf(*migration));
    }
    return names;
  }
  void send(SentDatagram&& datagram) {
    sent.push_back(datagram);
    if (!isLost || !isLost(sent.back())) inFlight_.emplace(now + delay, sent.back());
  }
  void deliverDue() {
    while (!inFlight_.empty() && inFlight_.begin()->first <= now) {
      SentDatagram datagram = std::move(inFlight_.begin()->second);
      inFlight_.erase(inFlight_.begin());
      const SocketAddress to = datagram.path.peer;
      SocketAddress from = datagram.path.local;
      if (rewriteSource) from = rewriteSource(datagram).value_or(from);
      if (datagram.toServer && isServerUp && to == serverAt) {
        forwarded = server.onDatagram(serversNow(), {{to, from}, Ecn::NotEct, datagram.bytes});
      }
      if (!datagram.toServer && (to == clientAt || alsoClientAt.contains(to))) {
        client.onDatagram(now, {{to, from}, Ecn::NotEct, datagram.bytes});
      }
    }
  }
  bool readStreams() {
    bool hasRead = false;
    for (const bool atServer : {false, true}) {
      const std::vector<EndpointEvent>& events = atServer ? serverEvents : clientEvents;
      for (size_t& i = readFrom_[atServer ? 1 : 0]; i < events.size(); ++i) {
        const auto* stream = std::get_if<StreamEvent>(&events[i].event);
        const auto* readable = stream == nullptr ? nullptr : std::get_if<StreamReadable>(stream);
        if (readable == nullptr) continue;
        hasRead = true;
        atServer ? echo(events[i].connection, readable->id) : collect({events[i].connection, readable->id});
      }
    }
    return hasRead;
  }
  void echo(ConnectionHandle connection, StreamId id) {
    QuicServerTransport* transport = server.find(connection);
    if (transport == nullptr) return;
    ByteVector room(100000);
    for (;;) {
      const auto read = transport->readStream(id, room);
      if (!read || (read->size == 0 && !read->fin)) break;
      (void)transport->writeStream(id, OwnedBytes::copyOf(ByteSpan(room).first(read->size)), read->fin);
      if (read->fin) break;
    }
    server.touch(connection);
  }
  void collect(const ClientStream& stream) {
    const auto& [connection, id] = stream;
    QuicClientTransport* transport = client.find(connection);
    if (transport == nullptr) return;
    ByteVector room(100000);
    for (;;) {
      const auto read = transport->readStream(id, room);
      if (!read || (read->size == 0 && !read->fin)) break;
      ByteVector& bytes = partly_[stream];
      bytes.insert(bytes.end(), room.begin(), room.begin() + static_cast<ptrdiff_t>(read->size));
      if (!read->fin) continue;
      answered[stream] = bytes;
      break;
    }
    client.touch(connection);
  }

  std::multimap<TimePoint, SentDatagram> inFlight_;
  std::map<ClientStream, ByteVector> partly_;
  size_t readFrom_[2] = {0, 0};
};

}  // namespace quic::test
