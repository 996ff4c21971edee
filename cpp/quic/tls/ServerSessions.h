// What the sessions of one server context have in common: ticket keys, and which tickets brought early data. Shared by all
// handshakes of the context on whatever threads; locked within.
#pragma once

#include <string>
#include <vector>

#include "quic/tls/Digest.h"
#include "quic/tls/OpenSslLock.h"
#include "quic/tls/OpenSslTls.h"
#include "quic/tls/StrikeRegister.h"
#include "quic/tls/TicketKeyring.h"

namespace quic {

/// Now, on the clock by which OpenSSL judges sessions: it must be the same one.
SessionTime sessionClockNow();

/// What we add to a ticket: all that OpenSSL does not keep of a handshake and a resumption depends on.
struct TicketNotes {
  SessionTime authenticatedAt{};    // when certificates were last exchanged: resumptions inherit it
  Sha256Digest earlyDataContext{};  // of the bytes that start() got
  uint32_t quicVersion = 0;
  std::string serverName;  // as asked for by SNI, in lower case

  [[nodiscard]] ByteVector encode() const;
  static std::optional<TicketNotes> decode(ByteSpan bytes);
};

class ServerSessions {
 public:
  ServerSessions(const TlsServerOptions& options, SessionTime now);

  [[nodiscard]] bool issuesTickets() const { return tickets_ > 0; }
  [[nodiscard]] uint32_t tickets() const { return tickets_; }
  [[nodiscard]] std::chrono::seconds lifetime() const { return lifetime_; }
  [[nodiscard]] bool acceptsEarlyData() const { return earlyData_ != EarlyDataPolicy::Refuse; }

  bool setTicketKeys(const std::vector<ByteVector>& keys);
  std::optional<TicketKey> keyForSealing(SessionTime now);
  std::optional<TicketKey> keyForOpening(ByteSpan name);
  /// Whether this ticket may bring early data now; asks once, because asking counts.
  bool admitEarlyData(const TicketId& ticket, SessionTime issuedAt, SessionTime now);

 private:
  const uint32_t tickets_;
  const std::chrono::seconds lifetime_;
  const EarlyDataPolicy earlyData_;
  OpenSslLock lock_;  // of what follows
  TicketKeyring keys_;
  StrikeRegister strikes_;
};

}  // namespace quic
