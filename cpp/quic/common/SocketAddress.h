// An IPv4 or IPv6 address with a port, by value. IPv4-mapped IPv6 addresses are unwrapped on entry, so that
// one host compares equal to itself whatever socket it came from. The scope of a link-local address is kept
// for sending and never travels on the wire.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "quic/common/Bytes.h"

namespace quic {

class SocketAddress {
 public:
  enum class Family : uint8_t { V4, V6 };

  SocketAddress() = default;  // 0.0.0.0:0
  static SocketAddress v4(const std::array<uint8_t, 4>& ip, uint16_t port);
  static SocketAddress v6(const std::array<uint8_t, 16>& ip, uint16_t port, uint32_t scope = 0);
  /// "127.0.0.1:4433" or "[::1]:4433". No names.
  static std::optional<SocketAddress> parse(std::string_view text);
  /// "127.0.0.1" or "::1", with a port of its own.
  static std::optional<SocketAddress> parse(std::string_view host, uint16_t port);

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] bool isV4() const { return family_ == Family::V4; }
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] uint32_t scope() const { return scope_; }
  /// 4 or 16 bytes, network order.
  [[nodiscard]] ByteSpan ip() const { return {ip_.data(), isV4() ? size_t{4} : size_t{16}}; }
  [[nodiscard]] SocketAddress withPort(uint16_t port) const;

  [[nodiscard]] bool isUnspecified() const;
  [[nodiscard]] bool isLoopback() const;
  [[nodiscard]] bool isLinkLocal() const;
  [[nodiscard]] bool isMulticast() const;  // includes 255.255.255.255
  [[nodiscard]] bool sameHost(const SocketAddress& other) const;

  [[nodiscard]] std::string host() const;      // "127.0.0.1", "::1" (RFC 5952)
  [[nodiscard]] std::string toString() const;  // "127.0.0.1:4433", "[::1]:4433"

  bool operator==(const SocketAddress&) const = default;
  auto operator<=>(const SocketAddress&) const = default;

 private:
  Family family_ = Family::V4;
  std::array<uint8_t, 16> ip_{};
  uint16_t port_ = 0;
  uint32_t scope_ = 0;
};

struct FourTuple {
  SocketAddress local;
  SocketAddress peer;
  bool operator==(const FourTuple&) const = default;
};

}  // namespace quic
