// Where datagrams land: eight messages of 64 KiB, each of which may be a train that the kernel has put together (UDP_GRO).
// One for a worker, used by all its sockets in turn; what receiveBatch() yields is valid until the next one.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <vector>

#include "quic/common/Datagram.h"

namespace quic {

struct ReceiveSlab {
  static constexpr size_t kMessages = 8;
  static constexpr size_t kMessageSize = 65536;

  ReceiveSlab();
  ReceiveSlab(const ReceiveSlab&) = delete;
  ReceiveSlab& operator=(const ReceiveSlab&) = delete;

  /// Room for UDP_GRO, TOS or TCLASS, PKTINFO of both families.
  struct alignas(cmsghdr) Control {
    std::array<uint8_t, 192> bytes;
  };

  std::unique_ptr<uint8_t[]> bytes;
  std::array<mmsghdr, kMessages> headers{};
  std::array<iovec, kMessages> vectors{};
  std::array<sockaddr_storage, kMessages> peers{};
  std::array<Control, kMessages> controls{};
  std::vector<ReceivedDatagram> datagrams;  // of the last batch, already split
};

}  // namespace quic
