#include "io/ClientWorker.h"

#include <errno.h>

#include <cstring>
#include <utility>

#include "io/Overloaded.h"
#include "io/SystemClock.h"
#include "quic/api/Drive.h"

namespace quic {

std::unique_ptr<ClientWorker> ClientWorker::make(uv_loop_t* given, HostSink& sink) {
  std::unique_ptr<ClientWorker> worker(new ClientWorker(given, sink));
  return worker->isOpen() ? std::move(worker) : nullptr;
}

ClientWorker::ClientWorker(uv_loop_t* given, HostSink& sink) : Worker(Role::Client, given, sink) {}

ClientWorker::~ClientWorker() { shutDown(); }

// ---- connections

ClientGroup* ClientWorker::groupOf(ConnectionHandle connection) {
  const auto found = connections_.find(connection);
  return found == connections_.end() ? nullptr : found->second;
}

QuicTransportBase* ClientWorker::findTransport(ConnectionHandle connection) {
  ClientGroup* group = groupOf(connection);
  return group == nullptr ? nullptr : group->endpoint().find(connection);
}

void ClientWorker::touchTransport(ConnectionHandle connection) {
  if (ClientGroup* group = groupOf(connection)) group->endpoint().touch(connection);
}

ClientGroup* ClientWorker::groupFor(const SocketAddress& local, int* systemError) {
  const auto found = groups_.find(local);
  if (found != groups_.end()) return found->second.get();
  UdpSocketOptions options;
  options.local = local;
  SocketResult<UdpSocket> socket = UdpSocket::open(options);
  if (!socket) {
    *systemError = socket.error().systemError;
    return nullptr;
  }
  auto group =
      std::make_unique<ClientGroup>(ClientGroup::Surroundings{loop(), slab_, *crypto_, random_, bridge_, answers_});
  *systemError = ENOMEM;
  if (!group->sockets().first().use(std::move(*socket))) return nullptr;
  return groups_.emplace(local, std::move(group)).first->second.get();
}

void ClientWorker::connect(TimePoint now, command::Connect& command) {
  bridge_.onConnecting(command.connection);
  int systemError = 0;
  ClientGroup* group = groupFor(command.path.local, &systemError);
  if (group == nullptr) {
    bridge_.addFailure(command.connection, LocalErrorCode::BIND_FAILED, strerrorname_np(systemError));
    return;
  }
  connections_[command.connection] = group;
  group->connect(now, command);
}

void ClientWorker::closeIdleGroups() {
  std::erase_if(connections_, [](const auto& entry) { return entry.second->endpoint().find(entry.first) == nullptr; });
  std::erase_if(groups_, [](const auto& entry) { return entry.second->endpoint().connections().size() == 0; });
  std::erase_if(moved_, [](const auto& group) { return group->endpoint().connections().size() == 0; });
}

void ClientWorker::parkMovedGroups() {
  for (const auto& group : moved_) group->leaveFirst();
  for (auto at = groups_.begin(); at != groups_.end();) {
    if (at->second->leaveFirst()) {
      moved_.push_back(std::move(at->second));
      at = groups_.erase(at);
    } else {
      ++at;
    }
  }
}

void ClientWorker::runOfRole(TimePoint now, Command& command) {
  std::visit(Overloaded{
                 [&](command::Connect& c) { connect(now, c); },
                 [&](command::StartProbing& c) {
                   ClientGroup* group = groupOf(c.connection);
                   QuicClientTransport* transport = group == nullptr ? nullptr : group->endpoint().find(c.connection);
                   if (transport == nullptr) return;
                   // In a wrong state there is nothing to probe: the announcement has expired or was superseded.
                   static_cast<void>(transport->startProbing(now));
                   group->endpoint().touch(c.connection);
                 },
                 [&](command::Migrate& c) {
                   if (ClientGroup* group = groupOf(c.connection)) group->migrate(now, c);
                 },
                 [](auto&) {},
             },
             command);
}

// ---- turns

void ClientWorker::onThawed(TimePoint now, Duration frozenFor) {
  forEachGroup([&](ClientGroup& group) { group.endpoint().connections().onResumed(now, frozenFor); });
}

bool ClientWorker::drive(TimePoint now) {
  bool isLeft = false;
  size_t before = 0;
  size_t after = 0;
  forEachGroup([&](ClientGroup& group) {
    before += group.endpoint().connections().size();
    isLeft |= driveOnce(now, group.endpoint(), group, kTransmitsPerTurn);
    after += group.endpoint().connections().size();
  });
  if (after < before) closeIdleGroups();
  parkMovedGroups();
  return isLeft;
}

bool ClientWorker::transmit(TimePoint now) {
  bool isLeft = false;
  forEachGroup([&](ClientGroup& group) { isLeft |= transmitPending(now, group.endpoint(), group, kTransmitsPerTurn); });
  return isLeft;
}

std::optional<TimePoint> ClientWorker::nextTimeout() const {
  std::optional<TimePoint> earliest;
  forEachGroup([&](const ClientGroup& group) {
    const auto next = group.endpoint().nextTimeout();
    if (next && (!earliest || *next < *earliest)) earliest = next;
  });
  return earliest;
}

void ClientWorker::closeEverything(TimePoint now) {
  for (const auto& [handle, group] : connections_) {
    QuicClientTransport* transport = group->endpoint().find(handle);
    if (transport == nullptr || transport->isClosing()) continue;
    bridge_.closesAs(handle, LocalErrorCode::CONNECTION_CLOSED);
    transport->close(now, TransportErrorCode::NO_ERROR, "client closed");
    group->endpoint().touch(handle);
  }
  const TimePoint end = systemNow() + kClosePatience;
  do {
    while (transmit(now) && systemNow() < end) {
    }
    forEachGroup([&](ClientGroup& group) { group.sockets().waitUntilSent(std::max(end - systemNow(), Duration(0))); });
  } while (systemNow() < end && transmit(now));
  forEachGroup([&](ClientGroup& group) {
    while (auto event = group.endpoint().pollEvent()) group.onEvent(now, std::move(*event));
  });
  connections_.clear();
  groups_.clear();
  moved_.clear();
}

}  // namespace quic
