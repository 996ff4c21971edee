// The sockets of a server: one for each worker, all on one address.
#pragma once

#include <vector>

#include "io/UdpSocket.h"

namespace quic {

struct BindSharedOptions {
  SocketAddress local;  // port 0: the first socket finds one for all
  size_t count = 1;
  bool dualStack = false;
  bool steer =
      true;  // by the first byte of the connection ID; false: by address, and what met the wrong worker is forwarded
  std::optional<SocketAddress> present;  // of this server's own sockets, which may overlap (a wildcard)
  std::optional<int> fd{};               // a socket that is bound already, instead of `local`; taken in any case
};

/// All of them or none. A stranger on the address is found even though the sockets share it.
SocketResult<std::vector<UdpSocket>> bindShared(const BindSharedOptions& options);

}  // namespace quic
