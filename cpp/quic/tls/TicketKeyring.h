// The keys that session tickets are encrypted with. The first encrypts, all decrypt; a ticket names its key.
// Generated keys replace one another in time; keys that were given stay until others are given, so that processes can share
// them. Not thread safe: its owner locks. Time is an argument.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "quic/common/Bytes.h"

namespace quic {

inline constexpr size_t kMinTicketKeySize = 32;
inline constexpr size_t kMaxTicketKeys = 16;

/// Seconds since 1970, as OpenSSL counts the age of sessions.
using SessionTime = std::chrono::seconds;

/// AES-256-CBC and HMAC-SHA256, encrypt then MAC (RFC 5077 §4, as OpenSSL builds its tickets).
struct TicketKey {
  static constexpr size_t kNameSize = 16;
  std::array<uint8_t, kNameSize> name{};
  std::array<uint8_t, 32> cipherKey{};
  std::array<uint8_t, 32> macKey{};

  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey();  // leaves no keys behind
};

class TicketKeyring {
 public:
  /// Begins with keys of its own: one encrypts for `lifetime`, and decrypts for as long again.
  explicit TicketKeyring(std::chrono::seconds lifetime) : lifetime_(lifetime) {}

  /// From now on these. Each has kMinTicketKeySize bytes or more of good randomness. False, and nothing changes: none, too
  /// many, or too short.
  bool use(const std::vector<ByteVector>& keys);
  /// Nullopt only when no randomness can be had.
  std::optional<TicketKey> forSealing(SessionTime now);
  [[nodiscard]] std::optional<TicketKey> forOpening(ByteSpan name) const;

 private:
  bool generate(SessionTime now);

  std::chrono::seconds lifetime_;
  std::vector<TicketKey> keys_;             // the first encrypts
  std::optional<SessionTime> generatedAt_;  // the first one; nullopt: it was given, or there is none yet
};

}  // namespace quic
