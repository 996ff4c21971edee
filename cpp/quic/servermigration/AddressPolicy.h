// May this client send to an address that its server names? RFC 9000 §21.5 (request forgery). It knows kinds of
// addresses, not reachability; what it accepts is still probed before any application data goes there.
#pragma once

#include "quic/common/SocketAddress.h"

namespace quic {

enum class AddressPolicyKind : uint8_t {
  /// Refuses loopback and link-local addresses unless the connection began on that kind; and what Any refuses.
  Routable,
  /// Everything but unspecified, multicast and broadcast addresses and port 0.
  Any,
};

class AddressPolicy {
 public:
  AddressPolicy() = default;
  AddressPolicy(AddressPolicyKind kind, const SocketAddress& firstPeer) : kind_(kind), firstPeer_(firstPeer) {}
  [[nodiscard]] bool accepts(const SocketAddress& address) const;
  bool operator==(const AddressPolicy&) const = default;

 private:
  AddressPolicyKind kind_ = AddressPolicyKind::Routable;
  SocketAddress firstPeer_;
};

}  // namespace quic
