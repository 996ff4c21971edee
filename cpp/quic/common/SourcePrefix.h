// Who counts as one source when sources are limited: an IPv4 address, or the 64 bits of an IPv6 address that one customer has
// all addresses of.
#pragma once

#include <algorithm>
#include <array>
#include <compare>

#include "quic/common/SocketAddress.h"

namespace quic {

struct SourcePrefix {
  SocketAddress::Family family = SocketAddress::Family::V4;
  std::array<uint8_t, 8> bytes{};
  auto operator<=>(const SourcePrefix&) const = default;
};

inline SourcePrefix sourcePrefixOf(const SocketAddress& address) {
  SourcePrefix prefix{address.family(), {}};
  std::copy_n(address.ip().begin(), std::min(address.ip().size(), prefix.bytes.size()), prefix.bytes.begin());
  return prefix;
}

}  // namespace quic
