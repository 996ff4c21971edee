// A UDP socket as QUIC wants it: non-blocking, never fragmenting, trains of datagrams in one call each way (GSO, GRO), ECN
// marks and the local address of each datagram both ways, ICMP errors with the destination they belong to.
// It is not a loop and not a queue: whoever is told Blocked keeps the bytes and waits for writability. Errors are values.
// RFC 9000 §13.4 (ECN), §14 (no fragmentation), §14.2.1 (ICMP).
#pragma once

#include <optional>

#include "io/ReceiveSlab.h"
#include "quic/QuicError.h"

namespace quic {

struct UdpSocketOptions {
  SocketAddress local;                  // port 0: the kernel's choice
  bool joinsShared = false;             // SO_REUSEPORT before bind: others that share() are there already
  bool dualStack = false;               // an IPv6 wildcard that also takes IPv4
  bool segmentation = true;             // GSO; false: one message for each datagram
  size_t bufferSize = 4 * 1024 * 1024;  // asked for, both ways; the kernel may give less
};

/// What the kernel refused. `systemError` is errno.
struct SocketFailure {
  QuicError error;
  int systemError = 0;
};
template <class T>
using SocketResult = Expected<T, SocketFailure>;

enum class SendStatus : uint8_t {
  Sent,
  Blocked,  // the kernel's buffer is full: offer what is left again when the socket is writable
  Failed,   // gone, as if the network had lost it
};
struct SendResult {
  SendStatus status = SendStatus::Sent;
  size_t consumed = 0;  // bytes that need not be offered again
  int systemError = 0;
};

class UdpSocket {
 public:
  static SocketResult<UdpSocket> open(const UdpSocketOptions& options);
  /// A UDP socket that somebody else has bound, by its descriptor, which is this object's from then on also when it is
  /// refused. Of `options` only segmentation and bufferSize count.
  static SocketResult<UdpSocket> adopt(int fd, const UdpSocketOptions& options);
  UdpSocket() = default;
  UdpSocket(UdpSocket&& other) noexcept { *this = std::move(other); }
  UdpSocket& operator=(UdpSocket&& other) noexcept;
  ~UdpSocket();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool isOpen() const { return fd_ >= 0; }
  /// The bound address; its port is never 0.
  [[nodiscard]] const SocketAddress& localAddress() const { return local_; }

  /// Others may bind to the same port from now on. Binding first and sharing afterwards finds a stranger on the port.
  bool share();
  /// Datagrams of the group of `sockets` sharing ones go to the socket whose number, in order of binding, is the first byte
  /// of their destination connection ID. A kernel that cannot do it spreads them by address instead.
  bool steerByConnectionId(uint32_t sockets);

  /// Messages received, at most ReceiveSlab::kMessages; their datagrams are in `slab`. 0: nothing is there.
  size_t receiveBatch(ReceiveSlab& slab);
  /// `bytes`: of `transmit`, what is left to send; a multiple of its segment size and a last, shorter one.
  SendResult send(const Transmit& transmit, ByteSpan bytes);
  /// Empties the error queue, a bounded piece at a time; appends peers whose host or port is unreachable.
  void receiveErrors(std::vector<SocketAddress>& unreachable);

  [[nodiscard]] bool usesSegmentation() const { return segmentation_; }

 private:
  struct Message;
  /// Reads back what it is bound to.
  bool learnAddress();
  int sendMessage(const Message& message, ByteSpan bytes, size_t segmentSize);
  SendResult sendSegments(const Message& message, ByteSpan bytes, size_t segmentSize);
  void close();

  int fd_ = -1;
  SocketAddress local_;
  bool isV6_ = false;
  bool isWildcard_ = false;
  bool segmentation_ = true;
};

}  // namespace quic
