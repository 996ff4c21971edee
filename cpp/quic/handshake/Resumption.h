// What a client keeps of one connection to resume it with another, and what a server ties its tickets to: RFC 9001 §4.5, §4.6,
// RFC 9000 §7.4.1. For the application a resumption is opaque bytes, which it gets with SessionTicket and gives back in
// TransportSettings::resumption. They may come from a disk: whatever does not decode is no resumption, never an error.
#pragma once

#include <optional>
#include <string>

#include "quic/handshake/TransportParameters.h"

namespace quic {

inline constexpr size_t kMaxResumptionSize = 64 * 1024;

struct Resumption {
  uint32_t version = 0;            // of QUIC: tickets of one version are no good for another (RFC 9369 §5)
  std::string alpn;                // what early data will be written in
  TransportParameters remembered;  // the server's, as far as they may be remembered
  ByteVector session;              // of TLS; empty in none that is worth keeping

  bool operator==(const Resumption&) const = default;
};

/// Empty when it would be longer than kMaxResumptionSize.
ByteVector encodeResumption(const Resumption& resumption);
std::optional<Resumption> decodeResumption(ByteSpan bytes);

/// RFC 9000 §7.4.1: what a client may use in a later connection. Server migration is agreed anew in every connection.
TransportParameters rememberedParameters(const TransportParameters& server);
/// RFC 9000 §7.4.1, RFC 9221 §3, draft-ietf-quic-reliable-stream-reset §3: a server that accepts early data must not lower what the client relied upon.
bool keepsRemembered(const TransportParameters& fresh, const TransportParameters& remembered);
/// Server: what a ticket is tied to. Early data of a ticket is accepted only while these bytes are the same (RFC 9001 §4.6.3):
/// the limits that a client remembers, and what the application says of itself.
ByteVector earlyDataContext(const TransportParameters& ours, ByteSpan application);

}  // namespace quic
