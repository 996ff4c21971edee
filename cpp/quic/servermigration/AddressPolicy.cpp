#include "quic/servermigration/AddressPolicy.h"

namespace quic {

// SM-10
bool AddressPolicy::accepts(const SocketAddress& address) const {
  if (address.port() == 0 || address.isUnspecified() || address.isMulticast()) return false;
  if (kind_ == AddressPolicyKind::Any) return true;
  if (address.isLoopback() && !firstPeer_.isLoopback()) return false;
  return !address.isLinkLocal() || firstPeer_.isLinkLocal();
}

}  // namespace quic
