// May this client send to an address that its server names? RFC 9000 §21.5 (request forgery). It knows kinds of
// addresses, not reachability; what it accepts is still probed before any application data goes there.
#pragma once

#include <vector>

#include "quic/common/SocketAddress.h"

namespace quic {

enum class AddressPolicyKind : uint8_t {
  /// Refuses loopback and link-local addresses unless the connection began on that kind; and what Any refuses.
  Routable,
  /// Everything but unspecified, multicast and broadcast addresses and port 0.
  Any,
};

/// Addresses whose first `prefixLength` bits are those of `network`; its port, or any when that is 0.
struct AddressRange {
  SocketAddress network;
  uint8_t prefixLength = 128;  // more than the family has: all of them
  [[nodiscard]] bool contains(const SocketAddress& address) const;
  bool operator==(const AddressRange&) const = default;
};

class AddressPolicy {
 public:
  AddressPolicy() = default;
  /// `allowed`: the application's word. When there are any, they and only they are accepted, of whatever kind, but for what
  /// every policy refuses.
  AddressPolicy(AddressPolicyKind kind, const SocketAddress& firstPeer, const std::vector<AddressRange>& allowed = {})
      : kind_(kind), firstPeer_(firstPeer), allowed_(allowed) {}
  [[nodiscard]] bool accepts(const SocketAddress& address) const;
  bool operator==(const AddressPolicy&) const = default;

 private:
  AddressPolicyKind kind_ = AddressPolicyKind::Routable;
  SocketAddress firstPeer_;
  std::vector<AddressRange> allowed_;
};

}  // namespace quic
