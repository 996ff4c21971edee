#include "io/Sockaddr.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace quic {
namespace {

Sockaddr toV4(const SocketAddress& address) {
  Sockaddr result;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(address.port());
  std::memcpy(&v4.sin_addr, address.ip().data(), sizeof v4.sin_addr);
  std::memcpy(&result.storage, &v4, sizeof v4);
  result.size = sizeof v4;
  return result;
}

Sockaddr toV6(const SocketAddress& address) {
  Sockaddr result;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port());
  v6.sin6_scope_id = address.scope();
  uint8_t* ip = v6.sin6_addr.s6_addr;
  if (address.isV4() && !address.isUnspecified()) {
    ip[10] = ip[11] = 0xff;  // RFC 4291 §2.5.5.2
    ip += 12;
  }
  if (!address.isUnspecified()) std::copy(address.ip().begin(), address.ip().end(), ip);
  std::memcpy(&result.storage, &v6, sizeof v6);
  result.size = sizeof v6;
  return result;
}

}  // namespace

Sockaddr toSockaddr(const SocketAddress& address, bool mapped) {
  return address.isV4() && !mapped ? toV4(address) : toV6(address);
}

SocketAddress fromSockaddr(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    std::array<uint8_t, 4> ip{};
    std::memcpy(ip.data(), &v4.sin_addr, ip.size());
    return SocketAddress::v4(ip, ntohs(v4.sin_port));
  }
  if (storage.ss_family != AF_INET6) return {};
  sockaddr_in6 v6{};
  std::memcpy(&v6, &storage, sizeof v6);
  std::array<uint8_t, 16> ip{};
  std::memcpy(ip.data(), &v6.sin6_addr, ip.size());
  return SocketAddress::v6(ip, ntohs(v6.sin6_port), v6.sin6_scope_id);
}

}  // namespace quic
