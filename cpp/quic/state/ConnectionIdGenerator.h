// Where new connection IDs of our own come from: a server's name a worker, a client's are random.
#pragma once

#include "quic/common/ConnectionId.h"

namespace quic {

struct GeneratedConnectionId {
  ConnectionId id;
  StatelessResetToken token{};
};

class ConnectionIdGenerator {
 public:
  virtual ~ConnectionIdGenerator() = default;
  virtual GeneratedConnectionId make() = 0;
};

}  // namespace quic
