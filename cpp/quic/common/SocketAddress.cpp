// Text forms of addresses: RFC 4291 §2.2 in, RFC 5952 §4 out, zones as numbers (RFC 4007 §11). No system resolver:
// the core has no system headers, and inet_aton's octal and short forms are refused on purpose.
#include "quic/common/SocketAddress.h"

#include <algorithm>

namespace quic {
namespace {

constexpr size_t kGroups = 8;
constexpr size_t kMaxZoneDigits = 10;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<uint16_t> hexDigit(char c) {
  if (isDigit(c)) return static_cast<uint16_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint16_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint16_t>(c - 'A' + 10);
  return std::nullopt;
}

/// Digits only, no leading zero, at most `limit`.
std::optional<uint64_t> parseDecimal(std::string_view text, uint64_t limit) {
  if (text.empty() || text.size() > kMaxZoneDigits || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (!isDigit(c)) return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  if (value > limit) return std::nullopt;
  return value;
}

std::optional<std::array<uint8_t, 4>> parseV4(std::string_view text) {
  std::array<uint8_t, 4> ip{};
  for (size_t i = 0; i < ip.size(); ++i) {
    const bool isLast = i + 1 == ip.size();
    const size_t end = isLast ? text.size() : text.find('.');
    if (end == std::string_view::npos) return std::nullopt;
    const auto part = parseDecimal(text.substr(0, end), 255);
    if (!part) return std::nullopt;
    ip[i] = static_cast<uint8_t>(*part);
    text.remove_prefix(isLast ? end : end + 1);
  }
  return ip;
}

std::optional<uint16_t> parseGroup(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  uint16_t value = 0;
  for (const char c : text) {
    const auto digit = hexDigit(c);
    if (!digit) return std::nullopt;
    value = static_cast<uint16_t>(value << 4 | *digit);
  }
  return value;
}

/// Groups between single colons. `size` stays at most kGroups.
struct Groups {
  std::array<uint16_t, kGroups> values{};
  size_t size = 0;

  bool push(uint16_t value) {
    if (size == kGroups) return false;
    values[size++] = value;
    return true;
  }
};

/// "1:2:3", or with an IPv4 address as its last two groups. Empty text is no group.
std::optional<Groups> parseGroups(std::string_view text, bool mayEndInV4) {
  Groups groups;
  while (!text.empty()) {
    const size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    const bool isLast = colon == std::string_view::npos;
    if (isLast && mayEndInV4 && part.find('.') != std::string_view::npos) {
      const auto ip = parseV4(part);
      if (!ip || !groups.push(static_cast<uint16_t>((*ip)[0] << 8 | (*ip)[1])) ||
          !groups.push(static_cast<uint16_t>((*ip)[2] << 8 | (*ip)[3]))) {
        return std::nullopt;
      }
      return groups;
    }
    const auto value = parseGroup(part);
    if (!value || !groups.push(*value)) return std::nullopt;
    if (isLast) return groups;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;  // ends in a lone colon
  }
  return groups;
}

std::optional<std::array<uint8_t, 16>> parseV6(std::string_view text) {
  const size_t gap = text.find("::");
  const bool compressed = gap != std::string_view::npos;
  const auto head = parseGroups(text.substr(0, gap), !compressed);
  const auto tail = parseGroups(compressed ? text.substr(gap + 2) : std::string_view{}, true);
  if (!head || !tail) return std::nullopt;
  const size_t written = head->size + tail->size;
  if (compressed ? written >= kGroups : written != kGroups) return std::nullopt;

  std::array<uint16_t, kGroups> groups{};
  std::copy_n(head->values.begin(), head->size, groups.begin());
  std::copy_n(tail->values.begin(), tail->size, groups.end() - static_cast<ptrdiff_t>(tail->size));
  std::array<uint8_t, 16> ip{};
  for (size_t i = 0; i < kGroups; ++i) {
    ip[2 * i] = static_cast<uint8_t>(groups[i] >> 8);
    ip[2 * i + 1] = static_cast<uint8_t>(groups[i]);
  }
  return ip;
}

bool isV4Mapped(const std::array<uint8_t, 16>& ip) {  // RFC 4291 §2.5.5.2
  return std::all_of(ip.begin(), ip.begin() + 10, [](uint8_t byte) { return byte == 0; }) && ip[10] == 0xff &&
         ip[11] == 0xff;
}

/// RFC 5952 §4.2: the longest run of at least two zero groups, the first of equals. first == last: none.
struct ZeroRun {
  size_t first = 0;
  size_t last = 0;  // one past
};
ZeroRun longestZeroRun(const std::array<uint16_t, kGroups>& groups) {
  ZeroRun best;
  for (size_t i = 0; i < kGroups;) {
    size_t end = i;
    while (end < kGroups && groups[end] == 0) ++end;
    if (end - i >= 2 && end - i > best.last - best.first) best = {i, end};
    i = end + 1;
  }
  return best;
}

void appendHex(std::string& text, uint16_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  bool started = false;
  for (int shift = 12; shift >= 0; shift -= 4) {
    const int digit = value >> shift & 15;
    started = started || digit != 0 || shift == 0;
    if (started) text += kDigits[digit];
  }
}

std::string formatV6(ByteSpan ip) {
  std::array<uint16_t, kGroups> groups{};
  for (size_t i = 0; i < kGroups; ++i) groups[i] = static_cast<uint16_t>(ip[2 * i] << 8 | ip[2 * i + 1]);
  const ZeroRun run = longestZeroRun(groups);
  std::string text;
  for (size_t i = 0; i < kGroups; ++i) {
    if (run.first != run.last && i == run.first) {
      text += "::";
      i = run.last - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    appendHex(text, groups[i]);
  }
  return text;
}

}  // namespace

SocketAddress SocketAddress::v4(const std::array<uint8_t, 4>& ip, uint16_t port) {
  SocketAddress address;
  std::copy(ip.begin(), ip.end(), address.ip_.begin());
  address.port_ = port;
  return address;
}

SocketAddress SocketAddress::v6(const std::array<uint8_t, 16>& ip, uint16_t port, uint32_t scope) {
  if (isV4Mapped(ip)) return v4({ip[12], ip[13], ip[14], ip[15]}, port);
  SocketAddress address;
  address.family_ = Family::V6;
  address.ip_ = ip;
  address.port_ = port;
  address.scope_ = scope;
  return address;
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const size_t colon = bracketed ? text.find("]:") : text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = bracketed ? text.substr(1, colon - 1) : text.substr(0, colon);
  const auto port = parseDecimal(text.substr(colon + (bracketed ? 2 : 1)), UINT16_MAX);
  const bool looksV6 = host.find(':') != std::string_view::npos;
  if (!port || looksV6 != bracketed) return std::nullopt;
  return parse(host, static_cast<uint16_t>(*port));
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view host, uint16_t port) {
  if (host.find(':') == std::string_view::npos) {
    const auto ip = parseV4(host);
    if (!ip) return std::nullopt;
    return v4(*ip, port);
  }
  uint32_t scope = 0;
  if (const size_t percent = host.find('%'); percent != std::string_view::npos) {
    const auto zone = parseDecimal(host.substr(percent + 1), UINT32_MAX);
    if (!zone) return std::nullopt;
    scope = static_cast<uint32_t>(*zone);
    host = host.substr(0, percent);
  }
  const auto ip = parseV6(host);
  if (!ip) return std::nullopt;
  return v6(*ip, port, scope);
}

SocketAddress SocketAddress::withPort(uint16_t port) const {
  SocketAddress address = *this;
  address.port_ = port;
  return address;
}

bool SocketAddress::isUnspecified() const {
  return std::all_of(ip_.begin(), ip_.end(), [](uint8_t byte) { return byte == 0; });
}

bool SocketAddress::isLoopback() const {
  if (isV4()) return ip_[0] == 127;  // RFC 1122 §3.2.1.3
  return ip_[15] == 1 && std::all_of(ip_.begin(), ip_.end() - 1, [](uint8_t byte) { return byte == 0; });
}

bool SocketAddress::isLinkLocal() const {
  if (isV4()) return ip_[0] == 169 && ip_[1] == 254;  // RFC 3927 §2.1
  return ip_[0] == 0xfe && (ip_[1] & 0xc0) == 0x80;   // RFC 4291 §2.5.6
}

bool SocketAddress::isMulticast() const {
  if (!isV4()) return ip_[0] == 0xff;  // RFC 4291 §2.7
  const bool broadcast = ip_[0] == 255 && ip_[1] == 255 && ip_[2] == 255 && ip_[3] == 255;
  return (ip_[0] & 0xf0) == 0xe0 || broadcast;
}

bool SocketAddress::sameHost(const SocketAddress& other) const {
  // An address that came over the wire has no scope; it may well be the scoped one that a socket reports.
  const bool scopesAgree = scope_ == other.scope_ || scope_ == 0 || other.scope_ == 0;
  return family_ == other.family_ && ip_ == other.ip_ && scopesAgree;
}

std::string SocketAddress::host() const {
  if (!isV4()) return scope_ == 0 ? formatV6(ip()) : formatV6(ip()) + '%' + std::to_string(scope_);
  std::string text;
  for (size_t i = 0; i < 4; ++i) {
    if (i > 0) text += '.';
    text += std::to_string(ip_[i]);
  }
  return text;
}

std::string SocketAddress::toString() const {
  const std::string port = std::to_string(port_);
  return isV4() ? host() + ':' + port : '[' + host() + "]:" + port;
}

}  // namespace quic
