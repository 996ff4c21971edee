// Values as JSON and as names, in the words of lib/native.ts. Every function is the inverse of a type there.
#pragma once

#include <string>
#include <vector>

#include "quic/api/ConnectionStats.h"
#include "quic/api/TransportEvents.h"
#include "quic/server/ServerMigrationCoordinator.h"

namespace quic {

/// Appends to text; commas and braces are its business. Members come as name and value, elements as value.
class JsonWriter {
 public:
  JsonWriter& beginObject() { return open('{'); }
  JsonWriter& endObject() { return close('}'); }
  JsonWriter& beginArray() { return open('['); }
  JsonWriter& endArray() { return close(']'); }
  JsonWriter& name(std::string_view name);
  JsonWriter& text(std::string_view value);  // invalid UTF-8 becomes U+FFFD
  JsonWriter& number(uint64_t value);
  JsonWriter& number(double value);
  [[nodiscard]] const std::string& str() const { return out_; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();
  void quote(std::string_view value);

  std::string out_;
  bool needsComma_ = false;
};

std::string base64(ByteSpan bytes);

/// "explicit", "pool-of-addresses", "symmetric", "synchronized-symmetric".
std::string_view protocolName(ServerMigrationProtocol protocol);

std::string openedRecord(const FourTuple& path, const HandshakeFinished& event);
std::string pathRecord(const FourTuple& path);
std::string closedRecord(const QuicErrorCode& code, Initiator initiator, std::string_view reason);
std::string migrationRecord(const MigrationEvent& event);
std::string statsRecord(const ConnectionStats& stats);
std::string outcomesRecord(const std::vector<MigrationOutcome>& outcomes);

}  // namespace quic
