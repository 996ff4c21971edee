// The sockets of one endpoint: the first, and others at further addresses of this host. What is sent leaves from the one that
// is bound where its path begins; what any of them receives is the endpoint's. While one is blocked, nothing is sent.
#pragma once

#include <memory>
#include <vector>

#include "io/SocketPort.h"

namespace quic {

/// Whether a socket that is bound to `bound` is the one of packets from `local`.
[[nodiscard]] inline bool isBoundFor(const SocketAddress& bound, const SocketAddress& local) {
  return bound == local || (bound.isUnspecified() && bound.port() == local.port());
}

class SocketPorts {
 public:
  /// Both outlive it.
  SocketPorts(EventLoop& loop, ReceiveSlab& slab)
      : loop_(loop), slab_(slab), first_(std::make_unique<SocketPort>(loop, slab)) {}

  [[nodiscard]] SocketPort& first() { return *first_; }
  /// False: libuv refuses.
  bool add(UdpSocket&& socket);
  /// One that was added.
  void remove(const SocketAddress& bound);
  /// The first one is closed, and the one that was added for `bound` takes its place. False: there is none.
  bool replaceFirst(const SocketAddress& bound);
  void close();

  template <class OnUnreachable>
  void update(OnUnreachable&& onUnreachable) {
    first_->update(onUnreachable);
    for (const auto& port : further_) port->update(onUnreachable);
  }
  void pauseReceiving(bool pause);
  template <class OnDatagram>
  bool receive(OnDatagram&& onDatagram) {
    bool isLeft = first_->receive(onDatagram);
    for (const auto& port : further_) isLeft |= port->receive(onDatagram);
    return isLeft;
  }

  [[nodiscard]] bool mayTransmit() const;
  [[nodiscard]] MutableByteSpan transmitBuffer() { return first_->transmitBuffer(); }
  /// Of what is at the front of that buffer.
  void transmit(const Transmit& transmit);
  void waitUntilSent(Duration patience);

 private:
  SocketPort& portFor(const SocketAddress& local);

  EventLoop& loop_;
  ReceiveSlab& slab_;
  std::unique_ptr<SocketPort> first_;
  std::vector<std::unique_ptr<SocketPort>> further_;
};

}  // namespace quic
