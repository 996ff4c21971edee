#include "quic/tls/ServerSessions.h"

#include <algorithm>

#include "quic/common/ByteCursor.h"

namespace quic {
namespace {

constexpr uint8_t kNotesVersion = 2;
constexpr size_t kFixedNotesSize = 1 + 8 + 32 + 4;

}  // namespace

SessionTime sessionClockNow() {
  const SslSessionPtr session(SSL_SESSION_new());  // it is born with the time
  return SessionTime(session ? static_cast<int64_t>(SSL_SESSION_get_time_ex(session.get())) : 0);
}

ByteVector TicketNotes::encode() const {
  ByteVector bytes(kFixedNotesSize + serverName.size());
  ByteWriter writer(bytes);
  writer.writeByte(kNotesVersion);
  writer.writeBigEndian(static_cast<uint64_t>(authenticatedAt.count()), 8);
  writer.writeBytes(earlyDataContext);
  writer.writeBigEndian(quicVersion, 4);
  writer.writeBytes(asBytes(serverName));
  return bytes;
}

std::optional<TicketNotes> TicketNotes::decode(ByteSpan bytes) {
  ByteReader reader(bytes);
  if (reader.readByte() != kNotesVersion || reader.remaining() < kFixedNotesSize - 1) return std::nullopt;
  TicketNotes notes;
  notes.authenticatedAt = SessionTime(static_cast<int64_t>(*reader.readBigEndian(8)));
  const ByteSpan context = *reader.readBytes(notes.earlyDataContext.size());
  std::copy(context.begin(), context.end(), notes.earlyDataContext.begin());
  notes.quicVersion = static_cast<uint32_t>(*reader.readBigEndian(4));
  notes.serverName = asText(reader.rest());
  return notes;
}

ServerSessions::ServerSessions(const TlsServerOptions& options, SessionTime now)
    : tickets_(options.sessionTickets),
      lifetime_(std::chrono::duration_cast<std::chrono::seconds>(options.sessionLifetime)),
      earlyData_(options.earlyData),
      keys_(lifetime_),
      strikes_(now) {}

bool ServerSessions::setTicketKeys(const std::vector<ByteVector>& keys) {
  const OpenSslLock::Guard guard(lock_);
  return keys_.use(keys);
}

std::optional<TicketKey> ServerSessions::keyForSealing(SessionTime now) {
  const OpenSslLock::Guard guard(lock_);
  return keys_.forSealing(now);
}

std::optional<TicketKey> ServerSessions::keyForOpening(ByteSpan name) {
  const OpenSslLock::Guard guard(lock_);
  return keys_.forOpening(name);
}

bool ServerSessions::admitEarlyData(const TicketId& ticket, SessionTime issuedAt, SessionTime now) {
  if (earlyData_ == EarlyDataPolicy::AcceptReplays) return true;
  const OpenSslLock::Guard guard(lock_);
  return strikes_.admit(ticket, issuedAt, now);
}

}  // namespace quic
