// The qlog of one connection as text: JSON records, each between RS and line feed (draft-ietf-quic-qlog-main-schema-14 §5,
// RFC 7464). It knows how a record looks and when there are too many; what happens, and what is told of it, is api/QLogDriver.
//
// Times are milliseconds since the epoch of the host's monotonic clock. Secrets are never written: not keys, not tokens, not
// the data of streams.
// Bounded: no record is begun while kMaxQLogPending bytes or more wait to be taken; what happens meanwhile is counted, and
// one record (node_mvfst:events_missing) tells how much is missing.
#pragma once

#include "quic/QuicConstants.h"
#include "quic/common/ConnectionId.h"
#include "quic/common/Ids.h"
#include "quic/logging/JsonWriter.h"

namespace quic {

class QLog {
 public:
  /// When, and on which network path: the schema's "tuple", empty for the connection's first one.
  struct Moment {
    TimePoint at;
    std::string tuple{};
  };

  /// `group`: the client's first destination ID, which both ends know.
  QLog(Role vantagePoint, const ConnectionId& group);

  /// `fill(JsonWriter&)` writes the members of "data".
  template <class Fill>
  void event(const Moment& moment, std::string_view name, Fill&& fill) {
    if (!begin(moment, name)) return;
    fill(json_);
    end();
  }
  [[nodiscard]] bool hasText() const { return !pending_.empty(); }
  /// Whole records.
  std::string take();

 private:
  bool begin(const Moment& moment, std::string_view name);
  void end();

  JsonWriter json_;
  std::string pending_;
  uint64_t missing_ = 0;
  TimePoint missedAt_{};  // the last of them
};

}  // namespace quic
