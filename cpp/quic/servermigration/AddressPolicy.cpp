#include "quic/servermigration/AddressPolicy.h"

#include <algorithm>

namespace quic {

bool AddressRange::contains(const SocketAddress& address) const {
  if (address.family() != network.family() || (network.port() != 0 && network.port() != address.port())) return false;
  const ByteSpan bytes = address.ip();
  const size_t bits = std::min<size_t>(prefixLength, 8 * bytes.size());
  const size_t whole = bits / 8;
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(whole), network.ip().begin())) return false;
  const auto mask = static_cast<uint8_t>(0xff00u >> (bits % 8));
  return bits % 8 == 0 || ((bytes[whole] ^ network.ip()[whole]) & mask) == 0;
}

// SM-10
bool AddressPolicy::accepts(const SocketAddress& address) const {
  if (address.port() == 0 || address.isUnspecified() || address.isMulticast()) return false;
  if (!allowed_.empty()) {
    return std::any_of(allowed_.begin(), allowed_.end(),
                       [&](const AddressRange& range) { return range.contains(address); });
  }
  if (kind_ == AddressPolicyKind::Any) return true;
  if (address.isLoopback() && !firstPeer_.isLoopback()) return false;
  return !address.isLinkLocal() || firstPeer_.isLinkLocal();
}

}  // namespace quic
