// The address field pair of SERVER_MIGRATION and POOL_MIGRATION_ADDRESS.
#include <algorithm>

#include "quic/codec/QuicFrames.h"

namespace quic {
namespace {

bool isZero(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

QuicIPAddress QuicIPAddress::from(const SocketAddress& address) {
  QuicIPAddress out;
  const ByteSpan ip = address.ip();
  if (address.isV4()) {
    std::copy(ip.begin(), ip.end(), out.ipv4.begin());
    out.ipv4Port = address.port();
  } else {
    std::copy(ip.begin(), ip.end(), out.ipv6.begin());
    out.ipv6Port = address.port();
  }
  return out;
}

bool QuicIPAddress::isAllZero() const { return isZero(ipv4) && ipv4Port == 0 && isZero(ipv6) && ipv6Port == 0; }

std::optional<SocketAddress> QuicIPAddress::forFamily(SocketAddress::Family family) const {
  if (family == SocketAddress::Family::V4) {
    if (isZero(ipv4) || ipv4Port == 0) return std::nullopt;
    return SocketAddress::v4(ipv4, ipv4Port);
  }
  if (isZero(ipv6) || ipv6Port == 0) return std::nullopt;
  const SocketAddress address = SocketAddress::v6(ipv6, ipv6Port);
  // An IPv4-mapped address in the IPv6 field would come out as IPv4, past the choice of family.
  if (address.family() != SocketAddress::Family::V6) return std::nullopt;
  return address;
}

}  // namespace quic
