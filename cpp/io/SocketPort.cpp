#include "io/SocketPort.h"

#include <poll.h>

#include <utility>

namespace quic {

SocketPort::SocketPort(EventLoop& loop, ReceiveSlab& slab)
    : loop_(loop), slab_(slab), buffer_(new uint8_t[kBufferSize]) {}

SocketPort::~SocketPort() { close(); }

bool SocketPort::use(UdpSocket&& socket) {
  close();
  socket_ = std::move(socket);
  isReadable_ = true;  // it may have received since it was bound
  if (loop_.watch(socket_.fd())) return true;
  socket_ = UdpSocket();
  return false;
}

void SocketPort::close() {
  blocked_ = {};
  if (!socket_.isOpen()) return;
  loop_.unwatch(socket_.fd());
  socket_ = UdpSocket();
}

bool SocketPort::takeReadiness() {
  const EventLoop::Readiness ready = loop_.takeReadiness(socket_.fd());
  isReadable_ |= ready.readable;
  if (ready.writable && !blocked_.empty()) sendBlocked();
  return ready.error;
}

void SocketPort::transmit(const Transmit& transmit) {
  blockedTransmit_ = transmit;
  blocked_ = ByteSpan(buffer_.get(), transmit.size);
  sendBlocked();
}

void SocketPort::sendBlocked() {
  const SendResult result = socket_.send(blockedTransmit_, blocked_);
  blocked_ = blocked_.subspan(result.consumed);
  loop_.wantWritable(socket_.fd(), !blocked_.empty());
}

void SocketPort::waitUntilSent(Duration patience) {
  if (blocked_.empty()) return;
  pollfd ready{socket_.fd(), POLLOUT, 0};
  poll(&ready, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(patience).count()));
  sendBlocked();
}

}  // namespace quic
