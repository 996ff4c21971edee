#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cstring>

#include "io/Sockaddr.h"
#include "io/UdpSocket.h"

namespace quic {
namespace {

constexpr size_t kMaxSegments = 64;  // of one GSO send; kernels before 6.9 take no more
constexpr size_t kMaxTrain = 65507;  // UDP payload of one IPv4 packet, the smaller of the two families

bool isBlocked(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

/// EIO: the device has no checksum offload. EINVAL: this kernel has no GSO, or not so many segments; or something that has
/// nothing to do with it, so that only the success of single sends proves the refusal.
bool mayRefuseSegmentation(int error) { return error == EIO || error == EINVAL; }

/// ICMP errors that wait on the socket are told by the next call, whatever that is about, and are then gone.
bool mayBeOfAnotherPacket(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH || error == EPROTO || error == EACCES;
}

}  // namespace

/// Destination and control messages: the same for all datagrams of a transmit.
struct UdpSocket::Message {
  Message(const UdpSocket& socket, const Transmit& transmit) : peer(toSockaddr(transmit.path.peer, socket.isV6_)) {
    const bool isV4 = transmit.path.peer.isV4();
    if (transmit.ecn != Ecn::NotEct) {
      add(isV4 ? IPPROTO_IP : IPPROTO_IPV6, isV4 ? IP_TOS : IPV6_TCLASS, static_cast<int>(transmit.ecn));
    }
    if (socket.isWildcard_ && !transmit.path.local.isUnspecified()) addSource(transmit.path.local, isV4);
  }

  template <class T>
  void add(int level, int type, const T& value) {
    auto* header = reinterpret_cast<cmsghdr*>(control.bytes.data() + controlSize);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(header), &value, sizeof value);
    controlSize += CMSG_SPACE(sizeof value);
  }

  void addSource(const SocketAddress& local, bool isV4) {
    if (local.isV4() != isV4) return;
    if (isV4) {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, local.ip().data(), local.ip().size());
      add(IPPROTO_IP, IP_PKTINFO, info);
    } else {
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, local.ip().data(), local.ip().size());
      info.ipi6_ifindex = local.scope();
      add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }

  [[nodiscard]] msghdr header(iovec* piece) const {
    msghdr header{};
    header.msg_name = const_cast<sockaddr_storage*>(&peer.storage);
    header.msg_namelen = peer.size;
    header.msg_iov = piece;
    header.msg_iovlen = 1;
    header.msg_control = controlSize == 0 ? nullptr : const_cast<uint8_t*>(control.bytes.data());
    header.msg_controllen = controlSize;
    return header;
  }

  Sockaddr peer;
  ReceiveSlab::Control control{};
  size_t controlSize = 0;
};

/// 0, or errno.
int UdpSocket::sendMessage(const Message& message, ByteSpan bytes, size_t segmentSize) {
  Message own = message;
  if (bytes.size() > segmentSize) own.add(IPPROTO_UDP, UDP_SEGMENT, static_cast<uint16_t>(segmentSize));
  iovec piece{const_cast<uint8_t*>(bytes.data()), bytes.size()};
  const msghdr header = own.header(&piece);
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (sendmsg(fd_, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
    if (!mayBeOfAnotherPacket(errno)) return errno;
  }
  return errno;
}

SendResult UdpSocket::sendSegments(const Message& message, ByteSpan bytes, size_t segmentSize) {
  std::array<mmsghdr, kMaxSegments> headers{};
  std::array<iovec, kMaxSegments> pieces{};
  size_t count = 0;
  for (size_t at = 0; at < bytes.size() && count < kMaxSegments; at += segmentSize, ++count) {
    const ByteSpan segment = bytes.subspan(at, std::min(segmentSize, bytes.size() - at));
    pieces[count] = {const_cast<uint8_t*>(segment.data()), segment.size()};
    headers[count].msg_hdr = message.header(&pieces[count]);
  }
  for (int attempt = 0; attempt < 2; ++attempt) {
    const int sent = sendmmsg(fd_, headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) return {SendStatus::Sent, std::min(bytes.size(), static_cast<size_t>(sent) * segmentSize), 0};
    if (!mayBeOfAnotherPacket(errno)) break;
  }
  return {isBlocked(errno) ? SendStatus::Blocked : SendStatus::Failed, 0, errno};
}

SendResult UdpSocket::send(const Transmit& transmit, ByteSpan bytes) {
  const Message message(*this, transmit);
  const size_t segmentSize = std::max<size_t>(1, transmit.segmentSize);
  const size_t perTrain = std::clamp<size_t>(kMaxTrain / segmentSize, 1, kMaxSegments);
  size_t consumed = 0;
  while (consumed < bytes.size()) {
    const ByteSpan left = bytes.subspan(consumed);
    const ByteSpan train = left.first(std::min(left.size(), perTrain * segmentSize));
    const bool isTrain = train.size() > segmentSize;
    int error = 0;
    if (segmentation_ || !isTrain) {
      error = sendMessage(message, train, segmentSize);
      if (error == 0) {
        consumed += train.size();
        continue;
      }
    }
    const bool bySegments = isTrain && (!segmentation_ || mayRefuseSegmentation(error));
    const SendResult result = bySegments
                                  ? sendSegments(message, train, segmentSize)
                                  : SendResult{isBlocked(error) ? SendStatus::Blocked : SendStatus::Failed, 0, error};
    if (result.status == SendStatus::Blocked) return {SendStatus::Blocked, consumed, result.systemError};
    if (result.status == SendStatus::Failed) return {SendStatus::Failed, bytes.size(), result.systemError};
    segmentation_ = false;
    consumed += result.consumed;
  }
  return {SendStatus::Sent, consumed, 0};
}

}  // namespace quic
