#include <errno.h>
#include <time.h>

#include <linux/errqueue.h>  // wants timespec
#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cstring>

#include "io/Sockaddr.h"
#include "io/UdpSocket.h"

namespace quic {
namespace {

template <class T>
T dataOf(const cmsghdr* control) {
  T value{};
  std::memcpy(&value, CMSG_DATA(control), sizeof value);
  return value;
}

struct Ancillary {
  SocketAddress local;
  Ecn ecn = Ecn::NotEct;
  size_t segmentSize = 0;
};

SocketAddress localFrom(const cmsghdr* control, uint16_t port) {
  if (control->cmsg_level == IPPROTO_IP) {
    const auto info = dataOf<in_pktinfo>(control);
    std::array<uint8_t, 4> ip{};
    std::memcpy(ip.data(), &info.ipi_spec_dst, ip.size());
    return SocketAddress::v4(ip, port);
  }
  const auto info = dataOf<in6_pktinfo>(control);
  std::array<uint8_t, 16> ip{};
  std::memcpy(ip.data(), &info.ipi6_addr, ip.size());
  const SocketAddress address = SocketAddress::v6(ip, port);
  return address.isLinkLocal() ? SocketAddress::v6(ip, port, info.ipi6_ifindex) : address;
}

bool isMessage(const cmsghdr* control, int level, int type) {
  return control->cmsg_level == level && control->cmsg_type == type;
}

Ancillary readAncillary(msghdr& header, const SocketAddress& bound) {
  Ancillary result{bound, Ecn::NotEct, 0};
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (isMessage(control, IPPROTO_UDP, UDP_GRO)) {
      result.segmentSize = static_cast<size_t>(std::max(0, dataOf<int>(control)));
    } else if (isMessage(control, IPPROTO_IP, IP_TOS)) {
      result.ecn = static_cast<Ecn>(dataOf<uint8_t>(control) & 3);
    } else if (isMessage(control, IPPROTO_IPV6, IPV6_TCLASS)) {
      result.ecn = static_cast<Ecn>(dataOf<int>(control) & 3);
    } else if (isMessage(control, IPPROTO_IP, IP_PKTINFO) || isMessage(control, IPPROTO_IPV6, IPV6_PKTINFO)) {
      result.local = localFrom(control, bound.port());
    }
  }
  return result;
}

void split(ReceiveSlab& slab, size_t index, const SocketAddress& bound) {
  MutableByteSpan left(slab.bytes.get() + index * ReceiveSlab::kMessageSize, slab.headers[index].msg_len);
  const Ancillary ancillary = readAncillary(slab.headers[index].msg_hdr, bound);
  const FourTuple path{ancillary.local, fromSockaddr(slab.peers[index])};
  const size_t step = ancillary.segmentSize == 0 ? left.size() : ancillary.segmentSize;
  while (!left.empty()) {
    const MutableByteSpan datagram = left.first(std::min(step, left.size()));
    slab.datagrams.push_back({path, ancillary.ecn, datagram});
    left = left.subspan(datagram.size());
  }
}

void rearm(ReceiveSlab& slab) {
  slab.datagrams.clear();
  for (size_t i = 0; i < ReceiveSlab::kMessages; ++i) {
    slab.headers[i].msg_hdr.msg_namelen = sizeof slab.peers[i];
    slab.headers[i].msg_hdr.msg_controllen = sizeof slab.controls[i];
  }
}

/// RFC 792, RFC 4443: destination unreachable, in the kernel's words.
bool saysUnreachable(const sock_extended_err& error) {
  if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) return false;
  return error.ee_errno == ECONNREFUSED || error.ee_errno == EHOSTUNREACH || error.ee_errno == ENETUNREACH;
}

}  // namespace

ReceiveSlab::ReceiveSlab() : bytes(new uint8_t[kMessages * kMessageSize]) {
  datagrams.reserve(kMessages * 64);
  for (size_t i = 0; i < kMessages; ++i) {
    vectors[i] = {bytes.get() + i * kMessageSize, kMessageSize};
    msghdr& header = headers[i].msg_hdr;
    header.msg_name = &peers[i];
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
    header.msg_control = &controls[i];
  }
}

size_t UdpSocket::receiveBatch(ReceiveSlab& slab) {
  // An ICMP error is reported once, by the next call, in the place of data: the second try gets the data.
  int got = -1;
  for (int attempt = 0; attempt < 3 && got < 0; ++attempt) {
    rearm(slab);
    got = recvmmsg(fd_, slab.headers.data(), ReceiveSlab::kMessages, MSG_DONTWAIT, nullptr);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
  }
  if (got <= 0) return 0;
  for (size_t i = 0; i < static_cast<size_t>(got); ++i) split(slab, i, local_);
  return static_cast<size_t>(got);
}

void UdpSocket::receiveErrors(std::vector<SocketAddress>& unreachable) {
  constexpr int kErrorsPerCall = 32;
  ReceiveSlab::Control control{};
  for (int i = 0; i < kErrorsPerCall; ++i) {
    sockaddr_storage peer{};
    msghdr header{};
    header.msg_name = &peer;
    header.msg_namelen = sizeof peer;
    header.msg_control = &control;
    header.msg_controllen = sizeof control;
    if (recvmsg(fd_, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return;
    for (cmsghdr* found = CMSG_FIRSTHDR(&header); found != nullptr; found = CMSG_NXTHDR(&header, found)) {
      if (!isMessage(found, IPPROTO_IP, IP_RECVERR) && !isMessage(found, IPPROTO_IPV6, IPV6_RECVERR)) continue;
      if (saysUnreachable(dataOf<sock_extended_err>(found))) unreachable.push_back(fromSockaddr(peer));
    }
  }
}

}  // namespace quic
