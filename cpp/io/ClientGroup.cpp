#include "io/ClientGroup.h"

#include <errno.h>

#include <cstring>
#include <utility>

#include "io/HostRecords.h"

namespace quic {

ClientGroup::ClientGroup(const Surroundings& surroundings)
    : bridge_(surroundings.bridge),
      answers_(surroundings.answers),
      sockets_(surroundings.loop, surroundings.slab),
      endpoint_(surroundings.crypto, surroundings.random) {}

void ClientGroup::connect(TimePoint now, command::Connect& command) {
  onFirst_.insert(command.connection);
  const FourTuple path{sockets_.first().localAddress(), command.path.peer};
  endpoint_.connect(now, command.connection, path, command.settings, std::move(command.handshake));
}

bool ClientGroup::receive(TimePoint now, QuicClientEndpoint& to) {
  sockets_.update([&](const SocketAddress& peer) { to.onUnreachable(now, peer); });
  sockets_.pauseReceiving(bridge_.isFull());
  if (bridge_.isFull()) return false;
  return sockets_.receive([&](const ReceivedDatagram& datagram) { to.onDatagram(now, datagram); });
}

void ClientGroup::onEvent(TimePoint, EndpointEvent&& event) {
  watchFirst(event);
  if (!moves_.empty() || !further_.empty()) follow(event);
  bridge_.onEvent(std::move(event));
}

// ---- moves

void ClientGroup::migrate(TimePoint now, const command::Migrate& command) {
  if (endpoint_.find(command.connection) == nullptr) return;  // its end answers every request
  UdpSocketOptions options;
  options.local = command.local;
  SocketResult<UdpSocket> socket = UdpSocket::open(options);
  if (!socket) {
    const QuicError refused{LocalErrorCode::BIND_FAILED, strerrorname_np(socket.error().systemError)};
    return answers_.refuse(command.connection, command.request, refused);
  }
  const Result<> begun = begin(now, command, std::move(*socket));
  if (!begun) answers_.refuse(command.connection, command.request, begun.error());
}

Result<> ClientGroup::begin(TimePoint now, const command::Migrate& command, UdpSocket&& socket) {
  QuicClientTransport& transport = *endpoint_.find(command.connection);
  const SocketAddress local = socket.localAddress();
  const Result<> moved = command.probe ? transport.migrate(now, local) : transport.rebind(now, local);
  if (!moved) return moved;
  endpoint_.touch(command.connection);
  // libuv refuses only for want of memory; the path then fails, as one that nobody answers on.
  if (sockets_.add(std::move(socket))) further_.push_back({command.connection, local});
  moves_.push_back({command.connection, command.request, local});
  return Unit{};
}

void ClientGroup::watchFirst(const EndpointEvent& event) {
  const auto* released = std::get_if<LocalAddressReleased>(&event.event);
  const bool hasLeft = released != nullptr && isBoundFor(sockets_.first().localAddress(), released->address);
  const bool hasEnded = std::holds_alternative<ConnectionClosed>(event.event);
  if (!hasLeft && !hasEnded) return;
  const bool wasThere = onFirst_.erase(event.connection) > 0;
  if (wasThere && hasEnded) closingOnFirst_.push_back(event.connection);
}

bool ClientGroup::leaveFirst() {
  // Its CONNECTION_CLOSE is sent, and sent again, from there (RFC 9000 §10.2.1).
  std::erase_if(closingOnFirst_, [&](ConnectionHandle connection) { return endpoint_.find(connection) == nullptr; });
  if (!onFirst_.empty() || !closingOnFirst_.empty() || further_.empty()) return false;
  const Further next = further_.front();
  if (!sockets_.replaceFirst(next.bound)) return false;
  further_.erase(further_.begin());
  onFirst_.insert(next.connection);
  return true;
}

void ClientGroup::follow(const EndpointEvent& event) {
  const ConnectionHandle connection = event.connection;
  const auto refuse = [&](const SocketAddress& local, const QuicError& error) {
    settleMoves(connection, local, [&](uint32_t request) { answers_.refuse(connection, request, error); });
  };
  if (const auto* changed = std::get_if<PathChanged>(&event.event)) {
    const std::string path = pathRecord(changed->path);
    settleMoves(connection, changed->path.local,
                [&](uint32_t request) { answers_.answer(connection, request, asBytes(path)); });
  } else if (const auto* failed = std::get_if<PathFailed>(&event.event)) {
    refuse(failed->path.local, failed->error);
  } else if (const auto* released = std::get_if<LocalAddressReleased>(&event.event)) {
    refuse(released->address, {LocalErrorCode::NO_VIABLE_PATH, "given up for another move"});
    release(connection, released->address);
  } else if (std::holds_alternative<ConnectionClosed>(event.event)) {
    releaseAll(connection);
  }
}

template <class Tell>
void ClientGroup::settleMoves(ConnectionHandle connection, const SocketAddress& local, Tell&& tell) {
  std::erase_if(moves_, [&](const Move& move) {
    if (move.connection != connection || !isBoundFor(move.local, local)) return false;
    tell(move.request);
    return true;
  });
}

void ClientGroup::release(ConnectionHandle connection, const SocketAddress& local) {
  std::erase_if(further_, [&](const Further& one) {
    if (one.connection != connection || !isBoundFor(one.bound, local)) return false;
    sockets_.remove(one.bound);
    return true;
  });
}

void ClientGroup::releaseAll(ConnectionHandle connection) {
  std::erase_if(moves_, [&](const Move& move) { return move.connection == connection; });
  std::erase_if(further_, [&](const Further& one) {
    if (one.connection != connection) return false;
    sockets_.remove(one.bound);
    return true;
  });
}

}  // namespace quic
