// A socket on a loop: receives in bounded batches, keeps the one transmit that the kernel had no room for.
// The part of a Port (quic/api/Drive.h) that is the same for both roles.
#pragma once

#include <memory>

#include "io/EventLoop.h"
#include "io/UdpSocket.h"

namespace quic {

class SocketPort {
 public:
  /// Both outlive it.
  SocketPort(EventLoop& loop, ReceiveSlab& slab);
  ~SocketPort();
  SocketPort(const SocketPort&) = delete;
  SocketPort& operator=(const SocketPort&) = delete;

  /// Takes the place of the present socket; what the old one had no room for is dropped. False: libuv refuses.
  bool use(UdpSocket&& socket);
  void close();
  [[nodiscard]] const SocketAddress& localAddress() const { return socket_.localAddress(); }

  /// At most kBatchesPerTurn batches to `onDatagram`. True: more may wait.
  template <class OnDatagram>
  bool receive(OnDatagram&& onDatagram) {
    if (!isReadable_) return false;
    for (size_t batch = 0; batch < kBatchesPerTurn; ++batch) {
      const size_t messages = socket_.receiveBatch(slab_);
      for (const ReceivedDatagram& datagram : slab_.datagrams) onDatagram(datagram);
      isReadable_ = messages == ReceiveSlab::kMessages;
      if (!isReadable_) break;
    }
    return isReadable_;
  }
  /// Asks the loop what happened; peers that the network calls unreachable go to `onUnreachable`.
  template <class OnUnreachable>
  void update(OnUnreachable&& onUnreachable) {
    if (!takeReadiness()) return;
    unreachable_.clear();
    socket_.receiveErrors(unreachable_);
    for (const SocketAddress& peer : unreachable_) onUnreachable(peer);
  }

  /// Paused: datagrams wait in the kernel, which drops what is too much.
  void pauseReceiving(bool pause) { loop_.wantReadable(socket_.fd(), !pause); }

  [[nodiscard]] bool mayTransmit() const { return socket_.isOpen() && blocked_.empty(); }
  [[nodiscard]] MutableByteSpan transmitBuffer() { return {buffer_.get(), kBufferSize}; }
  void transmit(const Transmit& transmit);
  /// What is to be sent here was written there. Neither is blocked.
  void exchangeBuffers(SocketPort& other) { buffer_.swap(other.buffer_); }
  /// Waits for the kernel to take what is blocked, at most so long.
  void waitUntilSent(Duration patience);

 private:
  static constexpr size_t kBufferSize = 65536;
  static constexpr size_t kBatchesPerTurn = 8;  // of 8 messages, each a datagram or a train

  /// True: the error queue has something.
  bool takeReadiness();
  void sendBlocked();

  EventLoop& loop_;
  ReceiveSlab& slab_;
  UdpSocket socket_;
  std::unique_ptr<uint8_t[]> buffer_;
  Transmit blockedTransmit_;
  ByteSpan blocked_;  // of buffer_; not empty: the kernel's buffer is full
  std::vector<SocketAddress> unreachable_;
  bool isReadable_ = false;
};

}  // namespace quic
