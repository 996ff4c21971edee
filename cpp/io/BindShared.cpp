#include "io/BindShared.h"

#include <errno.h>

namespace quic {
namespace {

/// Same port, and one of the two addresses contains the other.
bool overlap(const SocketAddress& a, const SocketAddress& b) {
  return a.port() == b.port() && (a.isUnspecified() || b.isUnspecified());
}

SocketResult<UdpSocket> openFirst(const BindSharedOptions& options) {
  if (options.fd) return UdpSocket::adopt(*options.fd, {});
  UdpSocketOptions first;
  first.local = options.local;
  first.dualStack = options.dualStack;
  SocketResult<UdpSocket> exclusive = UdpSocket::open(first);
  const bool mayBeOwn = options.present && overlap(options.local, *options.present);
  if (exclusive || !mayBeOwn || exclusive.error().systemError != EADDRINUSE) return exclusive;
  first.joinsShared = true;
  return UdpSocket::open(first);
}

}  // namespace

SocketResult<std::vector<UdpSocket>> bindShared(const BindSharedOptions& options) {
  std::vector<UdpSocket> sockets;
  SocketResult<UdpSocket> first = openFirst(options);
  if (!first) return Unexpected<SocketFailure>{first.error()};
  // Also with one socket: a later move to an overlapping address binds beside it.
  if (!first->share() && options.count > 1) {
    return Unexpected<SocketFailure>{{fail(LocalErrorCode::BIND_FAILED, "SO_REUSEPORT").error, errno}};
  }
  UdpSocketOptions further;
  further.local = first->localAddress();
  further.joinsShared = true;
  further.dualStack = options.dualStack;
  sockets.push_back(std::move(*first));
  while (sockets.size() < options.count) {
    SocketResult<UdpSocket> next = UdpSocket::open(further);
    if (!next) return Unexpected<SocketFailure>{next.error()};
    sockets.push_back(std::move(*next));
  }
  if (options.steer && options.count > 1) {
    // Without it datagrams are forwarded between workers: slower, not wrong.
    static_cast<void>(sockets.front().steerByConnectionId(static_cast<uint32_t>(options.count)));
  }
  return sockets;
}

}  // namespace quic
