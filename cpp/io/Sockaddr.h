// SocketAddress as the kernel wants it, and back.
#pragma once

#include <sys/socket.h>

#include "quic/common/SocketAddress.h"

namespace quic {

struct Sockaddr {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

/// `mapped`: for a dual-stack socket, which knows IPv4 hosts as ::ffff:a.b.c.d.
Sockaddr toSockaddr(const SocketAddress& address, bool mapped = false);
/// The unspecified address when it is neither IPv4 nor IPv6.
SocketAddress fromSockaddr(const sockaddr_storage& storage);

}  // namespace quic
