// From first packet to last: RFC 9000 §10, RFC 9001 §4.1. One value says where a connection is.
#pragma once

#include <string>
#include <variant>

#include "quic/QuicError.h"
#include "quic/common/QuicClock.h"

namespace quic {

namespace life {
/// Keys are being agreed.
struct Handshaking {};
/// TLS is complete (RFC 9001 §4.1.1).
struct Established {};
/// The peer is known to have completed it too (RFC 9001 §4.1.2).
struct Confirmed {};
/// We closed: CONNECTION_CLOSE is repeated, ever more rarely, in answer to packets (RFC 9000 §10.2.1).
struct Closing {
  QuicError error;
  std::string reason;  // on the wire
  TimePoint until;
  bool isSendPending = true;
  uint64_t received = 0;  // datagrams since the close
  uint64_t answerAt = 1;  // the next count that is answered; doubles
  uint64_t receivedBytes = 0;
  uint64_t answeredBytes = 0;  // at most three times those, see onDatagramWhileClosing
  uint64_t closeSize = 0;      // of the last CONNECTION_CLOSE
};
/// The peer closed, or nothing may be sent any more: silence until the packets in the network are gone (RFC 9000 §10.2.2).
struct Draining {
  TimePoint until;
};
struct Closed {};
}  // namespace life

using ConnectionLife =
    std::variant<life::Handshaking, life::Established, life::Confirmed, life::Closing, life::Draining, life::Closed>;

}  // namespace quic
