#include "io/ServerWorker.h"

#include <algorithm>
#include <utility>

#include "io/Overloaded.h"
#include "io/SystemClock.h"
#include "quic/api/Drive.h"
#include "quic/tls/TlsEntropy.h"

namespace quic {
namespace {

// RFC 9000 §20.1: a client that is told CONNECTION_REFUSED may try again elsewhere; the reason says what to do.
constexpr TransportErrorCode kLeftBehindCode = TransportErrorCode::CONNECTION_REFUSED;
constexpr std::string_view kLeftBehindReason = "server migrated: reconnect";

}  // namespace

/// The worker as quic/api/Drive.h sees it.
struct ServerWorker::Port {
  ServerWorker& worker;

  bool receive(TimePoint now, QuicServerEndpoint& endpoint) {
    worker.ports_->update([&](const SocketAddress& peer) { endpoint.onUnreachable(now, peer); });
    worker.ports_->pauseReceiving(worker.bridge_.isFull());
    if (worker.bridge_.isFull()) return false;
    return worker.ports_->receive([&](const ReceivedDatagram& datagram) { worker.receive(now, datagram); });
  }
  [[nodiscard]] bool mayTransmit() const { return worker.ports_->mayTransmit(); }
  [[nodiscard]] MutableByteSpan transmitBuffer() const { return worker.ports_->transmitBuffer(); }
  void transmit(const Transmit& transmit) { worker.ports_->transmit(transmit); }
  [[nodiscard]] bool mayTakeEvent() const { return !worker.bridge_.isFull(); }
  void onEvent(TimePoint, EndpointEvent&& event) { worker.bridge_.onEvent(std::move(event)); }
};

std::unique_ptr<ServerWorker> ServerWorker::make(const ServerWorkerOptions& options, UdpSocket&& socket, HostSink& sink,
                                                 DatagramForwarder& forwarder) {
  std::unique_ptr<ServerWorker> worker(new ServerWorker(options, sink, forwarder));
  if (!worker->isOpen()) return nullptr;
  worker->ports_ = std::make_unique<SocketPorts>(worker->loop(), worker->slab_);
  if (!worker->ports_->first().use(std::move(socket))) return nullptr;
  return worker;
}

ServerWorker::ServerWorker(const ServerWorkerOptions& options, HostSink& sink, DatagramForwarder& forwarder)
    : Worker(Role::Server, options.loop, sink),
      forwarder_(forwarder),
      tls_(options.tls),
      endpoint_(options.endpoint, *crypto_, *this, random_, options.index) {}

ServerWorker::~ServerWorker() { shutDown(); }

std::unique_ptr<HandshakeLayer> ServerWorker::makeHandshake() { return tls_->makeHandshake(); }

QuicTransportBase* ServerWorker::findTransport(ConnectionHandle connection) { return endpoint_.find(connection); }

ServerStats ServerWorker::stats() const {
  const auto read = [](const std::atomic<uint64_t>& value) { return value.load(std::memory_order_relaxed); };
  return {read(connections_), read(accepted_), read(refused_), read(dropped_), read(forwarded_)};
}

// ---- turns

bool ServerWorker::drive(TimePoint now) {
  Port port{*this};
  const bool isLeft = driveOnce(now, endpoint_, port, kTransmitsPerTurn);
  if (alarm_ && *alarm_ <= now) {
    alarm_.reset();
    up().facts.push_back(fact::AlarmDue{});
  }
  const ServerEndpointStats& counts = endpoint_.stats();
  connections_.store(endpoint_.connections().size(), std::memory_order_relaxed);
  accepted_.store(counts.accepted, std::memory_order_relaxed);
  refused_.store(counts.refused, std::memory_order_relaxed);
  dropped_.store(counts.dropped, std::memory_order_relaxed);
  return isLeft;
}

bool ServerWorker::transmit(TimePoint now) {
  Port port{*this};
  return transmitPending(now, endpoint_, port, kTransmitsPerTurn);
}

std::optional<TimePoint> ServerWorker::nextTimeout() const {
  const std::optional<TimePoint> next = endpoint_.nextTimeout();
  if (!next || !alarm_) return next ? next : alarm_;
  return std::min(*next, *alarm_);
}

void ServerWorker::receive(TimePoint now, const ReceivedDatagram& datagram) {
  const std::optional<uint8_t> other = endpoint_.onDatagram(now, datagram);
  if (!other) return;
  forwarded_.fetch_add(1, std::memory_order_relaxed);
  forwarder_.forward(*other, {datagram.path, datagram.ecn, ByteVector(datagram.bytes.begin(), datagram.bytes.end())});
}

void ServerWorker::onForwarded(TimePoint now, command::Forwarded& datagram) {
  // It names this worker, or another would not have sent it; a second forwarding would be a loop.
  static_cast<void>(endpoint_.onDatagram(now, {datagram.path, datagram.ecn, datagram.bytes}));
}

void ServerWorker::onThawed(TimePoint now, Duration frozenFor) {
  endpoint_.connections().onResumed(now, frozenFor);
  if (alarm_) *alarm_ += frozenFor;
}

void ServerWorker::runOfRole(TimePoint now, Command& command) {
  std::visit(Overloaded{
                 [&](command::Forwarded& c) { onForwarded(now, c); },
                 [&](command::Refuse& c) { endpoint_.refuseNewConnections(c.refuse); },
                 [&](command::BeginShutdown&) { endpoint_.beginShutdown(now); },
                 [&](command::SetRetryPolicy& c) { endpoint_.setRetryPolicy(c.policy); },
                 [&](command::SetTokenKeys& c) { endpoint_.setTokenKeys(c.keys); },
                 [&](command::Prepare& c) { prepare(now, c.plans); },
                 [&](command::SwitchNetwork& c) { switchNetwork(now, c); },
                 [&](command::CancelMigration&) { cancelMigration(); },
                 [&](command::GiveUpMigration& c) {
                   for (const ConnectionHandle connection : c.connections) {
                     closeUnmoved(now, connection, LocalErrorCode::MIGRATION_DEADLINE);
                   }
                 },
                 [&](command::SetAlarm& c) { alarm_ = c.at; },
                 [](auto&) {},
             },
             command);
}

// ---- moving

void ServerWorker::prepare(TimePoint now, const MigrationPlans& plans) {
  std::vector<ConnectionHandle> enlisted;
  endpoint_.connections().forEach([&](ConnectionHandle handle, const QuicTransportBase& transport) {
    if (!transport.isClosing()) enlisted.push_back(handle);
  });
  for (const ConnectionHandle handle : enlisted) up().facts.push_back(fact::Enlisted{handle});
  up().facts.push_back(fact::AllEnlisted{});
  for (const ConnectionHandle handle : enlisted) {
    const auto named = plans.named.find(handle);
    const MigrationPlan& plan = named == plans.named.end() ? plans.others : named->second;
    if (plan.protocol) {
      endpoint_.find(handle)->onImminentServerMigration(now, *plan.protocol, plan.address);
      endpoint_.touch(handle);
    } else {
      up().facts.push_back(fact::Excluded{handle});
    }
  }
}

void ServerWorker::switchNetwork(TimePoint now, command::SwitchNetwork& command) {
  std::vector<ConnectionHandle> moving;
  std::vector<ConnectionHandle> staying;
  endpoint_.connections().forEach([&](ConnectionHandle handle, const QuicTransportBase& transport) {
    if (transport.isClosing()) return;
    (command.ready.contains(handle) ? moving : staying).push_back(handle);
  });
  for (const ConnectionHandle handle : staying) {
    closeUnmoved(now, handle, LocalErrorCode::MIGRATED_WITHOUT_CONNECTION);
  }
  transmitUntilSent(now);  // on the old address: the only one these clients know

  // A wildcard that is kept: the kernel knows what this host's address is now.
  const SocketAddress present = ports_->first().localAddress();
  SocketAddress local = present.isUnspecified() ? present : SocketAddress();
  if (command.socket.isOpen()) {
    local = command.socket.localAddress();
    // libuv refuses only for want of memory; the connections then end by their idle timeouts.
    static_cast<void>(ports_->first().use(std::move(command.socket)));
  }
  random_.reseed();  // a process that was copied to move must not share its randomness with the copy
  reseedTlsEntropy();
  for (const ConnectionHandle handle : moving) {
    endpoint_.find(handle)->onNetworkSwitch(now, local);
    endpoint_.touch(handle);
  }
}

void ServerWorker::closeUnmoved(TimePoint now, ConnectionHandle connection, LocalErrorCode as) {
  QuicServerTransport* transport = endpoint_.find(connection);
  if (transport == nullptr || transport->isClosing()) return;
  bridge_.closesAs(connection, as);
  transport->close(now, kLeftBehindCode, kLeftBehindReason);
  endpoint_.touch(connection);
}

void ServerWorker::cancelMigration() {
  std::vector<ConnectionHandle> all;
  endpoint_.connections().forEach([&](ConnectionHandle handle, const QuicTransportBase&) { all.push_back(handle); });
  for (const ConnectionHandle handle : all) {
    endpoint_.find(handle)->cancelServerMigration();
    endpoint_.touch(handle);
  }
}

// ---- the end

void ServerWorker::transmitUntilSent(TimePoint now) {
  Port port{*this};
  const TimePoint end = systemNow() + kClosePatience;
  do {
    while (transmitPending(now, endpoint_, port, kTransmitsPerTurn) && systemNow() < end) {
    }
    ports_->waitUntilSent(std::max(end - systemNow(), Duration(0)));
  } while (!ports_->mayTransmit() && systemNow() < end);
}

void ServerWorker::closeEverything(TimePoint now) {
  std::vector<ConnectionHandle> open;
  endpoint_.connections().forEach([&](ConnectionHandle handle, const QuicTransportBase& transport) {
    if (!transport.isClosing()) open.push_back(handle);
  });
  for (const ConnectionHandle handle : open) {
    bridge_.closesAs(handle, LocalErrorCode::SERVER_CLOSED);
    endpoint_.find(handle)->close(now, TransportErrorCode::NO_ERROR, "server closed");
    endpoint_.touch(handle);
  }
  transmitUntilSent(now);
  while (auto event = endpoint_.pollEvent()) bridge_.onEvent(std::move(*event));
  ports_->close();
}

}  // namespace quic
