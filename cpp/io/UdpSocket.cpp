// Opening and its options. Receiving and sending are in files of their own.
#include "io/UdpSocket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "io/Sockaddr.h"

namespace quic {
namespace {

bool setOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

std::optional<int> getOption(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, level, name, &value, &size) == 0 ? std::optional(value) : std::nullopt;
}

/// What every socket must do, or QUIC would be wrong on it.
bool forbidFragments(int fd, bool isV6) {
  // PROBE: "don't fragment", and ICMP messages of strangers cannot shrink what is sent (RFC 9000 §14, §14.2.1).
  if (isV6) return setOption(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  return setOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
}

/// What a kernel may lack: the socket is then slower or knows less.
void setDesired(int fd, bool isV6, bool hasV4) {
  if (isV6) {
    setOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    setOption(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    setOption(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
  }
  if (hasV4) {
    setOption(fd, IPPROTO_IP, IP_PKTINFO, 1);
    setOption(fd, IPPROTO_IP, IP_RECVTOS, 1);
    setOption(fd, IPPROTO_IP, IP_RECVERR, 1);
    if (isV6) setOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  }
  setOption(fd, IPPROTO_UDP, UDP_GRO, 1);
}

void setBuffers(int fd, size_t size) {
  const int bytes = static_cast<int>(size);
  if (!setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)) setOption(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  if (!setOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes)) setOption(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

Unexpected<SocketFailure> refused(std::string_view what) {
  const int systemError = errno;
  return {SocketFailure{fail(LocalErrorCode::BIND_FAILED, what).error, systemError}};
}

}  // namespace

SocketResult<UdpSocket> UdpSocket::open(const UdpSocketOptions& options) {
  UdpSocket opened;
  opened.isV6_ = !options.local.isV4();
  opened.isWildcard_ = options.local.isUnspecified();
  opened.segmentation_ = options.segmentation;
  opened.fd_ = socket(opened.isV6_ ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (opened.fd_ < 0) return refused("no socket of this family");
  const bool hasV4 = !opened.isV6_ || options.dualStack;
  const bool isFamilySet = !opened.isV6_ || setOption(opened.fd_, IPPROTO_IPV6, IPV6_V6ONLY, options.dualStack ? 0 : 1);
  if (!isFamilySet || !forbidFragments(opened.fd_, opened.isV6_)) return refused("socket option");
  setDesired(opened.fd_, opened.isV6_, hasV4);
  setBuffers(opened.fd_, options.bufferSize);
  if (options.joinsShared && !opened.share()) return refused("SO_REUSEPORT");

  const Sockaddr wanted = toSockaddr(options.local);
  if (::bind(opened.fd_, wanted.get(), wanted.size) != 0) return refused("address cannot be bound");
  if (!opened.learnAddress()) return refused("bound address unknown");
  return opened;
}

SocketResult<UdpSocket> UdpSocket::adopt(int fd, const UdpSocketOptions& options) {
  UdpSocket adopted;
  adopted.fd_ = fd;
  adopted.segmentation_ = options.segmentation;
  const std::optional<int> type = getOption(fd, SOL_SOCKET, SO_TYPE);
  const std::optional<int> family = getOption(fd, SOL_SOCKET, SO_DOMAIN);
  const bool isDatagram = type == SOCK_DGRAM && (family == AF_INET || family == AF_INET6);
  if (type && !isDatagram) errno = EPROTOTYPE;
  if (!isDatagram) return refused("not a UDP socket");
  adopted.isV6_ = family == AF_INET6;
  if (!adopted.learnAddress() || adopted.local_.port() == 0) {
    errno = EDESTADDRREQ;
    return refused("a socket that is not bound");
  }
  adopted.isWildcard_ = adopted.local_.isUnspecified();
  const bool isOurs = fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
  if (!isOurs || !forbidFragments(fd, adopted.isV6_)) return refused("socket option");
  const bool hasV4 = !adopted.isV6_ || getOption(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
  setDesired(fd, adopted.isV6_, hasV4);
  setBuffers(fd, options.bufferSize);
  return adopted;
}

bool UdpSocket::learnAddress() {
  Sockaddr bound;
  if (getsockname(fd_, bound.get(), &bound.size) != 0) return false;
  local_ = fromSockaddr(bound.storage);
  return true;
}

UdpSocket& UdpSocket::operator=(UdpSocket&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  local_ = other.local_;
  isV6_ = other.isV6_;
  isWildcard_ = other.isWildcard_;
  segmentation_ = other.segmentation_;
  return *this;
}

UdpSocket::~UdpSocket() { close(); }

void UdpSocket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool UdpSocket::share() { return setOption(fd_, SOL_SOCKET, SO_REUSEPORT, 1); }

bool UdpSocket::steerByConnectionId(uint32_t sockets) {
  // Offset 0 is the UDP payload. RFC 9000 §17.2, §17.3: the destination connection ID is at byte 6 of a long header and at
  // byte 1 of a short one. A client's first, random ID lands anywhere, but always on the same socket.
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80, 0, 2),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6), BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1), BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, sockets),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  return setsockopt(fd_, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0;
}

}  // namespace quic
