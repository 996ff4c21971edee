// Which tickets have brought early data lately, so that none does twice (RFC 8446 §8.1, §8.2). Bounded, and it errs on the
// safe side: what it cannot remember, or cannot know, it refuses.
//
// A copy of a ClientHello is fresh for no longer than OpenSSL tolerates a difference between the ticket's age and what the
// client says it is (10 s, RFC 8446 §8.3). Ids are kept for kEarlyDataWindow at least, which is longer; after that the ticket
// may be used again by its client, in a new ClientHello, but a copy is too old. What several processes with the same ticket
// keys remember is not shared: each accepts a copy once.
//
// Not thread safe: its owner locks. Time is an argument.
#pragma once

#include <array>
#include <cstring>
#include <unordered_set>

#include "quic/tls/TicketKeyring.h"

namespace quic {

inline constexpr std::chrono::seconds kEarlyDataWindow{20};
inline constexpr size_t kMaxEarlyDataStrikes = 65'536;  // in kEarlyDataWindow

/// Of a ticket: the beginning of a hash of its secret, so no client can choose it.
using TicketId = std::array<uint8_t, 16>;

class StrikeRegister {
 public:
  explicit StrikeRegister(SessionTime now) : beganAt_(now), latest_(now), generationAt_(now) {}

  /// True at most once in a window for each ticket. False also when too many came, when the clock was set back (copies
  /// of what is forgotten would be fresh again), and shortly after the beginning for tickets that are older than it:
  /// somebody before may have accepted them (RFC 8446 §8.2).
  bool admit(const TicketId& ticket, SessionTime issuedAt, SessionTime now);

 private:
  struct Hash {
    size_t operator()(const TicketId& id) const {
      size_t value = 0;
      std::memcpy(&value, id.data(), sizeof value);
      return value;
    }
  };
  using Generation = std::unordered_set<TicketId, Hash>;

  SessionTime beganAt_;
  SessionTime latest_;
  SessionTime generationAt_;  // when current_ began
  Generation current_;
  Generation previous_;
};

}  // namespace quic
