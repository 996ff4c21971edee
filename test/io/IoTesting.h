// What the loopback tests share: waiting for a condition without sleeping, and a loop that is turned by hand.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <string_view>

#include "io/SystemClock.h"
#include "io/UdpSocket.h"

namespace quic::testing {

/// Turns until `done` or a minute has passed, which only a failing test takes, however slow a sanitizer or the machine.
template <class Done, class Turn>
bool waitFor(Done&& done, Turn&& turn) {
  const TimePoint end = systemNow() + 60s;
  while (!done()) {
    if (systemNow() > end) return false;
    turn();
  }
  return true;
}

/// Until something can be read, or an error waits, or so many milliseconds are over.
inline bool waitReadable(const UdpSocket& socket, int milliseconds = 2000) {
  pollfd entry{socket.fd(), POLLIN, 0};
  return poll(&entry, 1, milliseconds) > 0;
}

inline SocketAddress address(std::string_view text) { return SocketAddress::parse(text).value_or(SocketAddress()); }

inline UdpSocket mustOpen(const UdpSocketOptions& options) {
  auto socket = UdpSocket::open(options);
  return socket ? std::move(*socket) : UdpSocket();
}
inline UdpSocket mustOpen(std::string_view local) {
  UdpSocketOptions options;
  options.local = address(local);
  return mustOpen(options);
}

}  // namespace quic::testing
