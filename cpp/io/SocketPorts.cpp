#include "io/SocketPorts.h"

#include <algorithm>
#include <utility>

namespace quic {

bool SocketPorts::add(UdpSocket&& socket) {
  auto port = std::make_unique<SocketPort>(loop_, slab_);
  if (!port->use(std::move(socket))) return false;
  further_.push_back(std::move(port));
  return true;
}

void SocketPorts::remove(const SocketAddress& bound) {
  std::erase_if(further_, [&](const auto& port) { return port->localAddress() == bound; });
}

bool SocketPorts::replaceFirst(const SocketAddress& bound) {
  const auto found =
      std::find_if(further_.begin(), further_.end(), [&](const auto& port) { return port->localAddress() == bound; });
  if (found == further_.end()) return false;
  first_ = std::move(*found);
  further_.erase(found);
  return true;
}

void SocketPorts::close() {
  first_->close();
  further_.clear();
}

void SocketPorts::pauseReceiving(bool pause) {
  first_->pauseReceiving(pause);
  for (const auto& port : further_) port->pauseReceiving(pause);
}

bool SocketPorts::mayTransmit() const {
  return first_->mayTransmit() &&
         std::all_of(further_.begin(), further_.end(), [](const auto& port) { return port->mayTransmit(); });
}

SocketPort& SocketPorts::portFor(const SocketAddress& local) {
  if (first_->localAddress() == local) return *first_;
  const auto found = std::find_if(further_.begin(), further_.end(),
                                  [&](const auto& port) { return isBoundFor(port->localAddress(), local); });
  return found == further_.end() ? *first_ : **found;
}

void SocketPorts::transmit(const Transmit& transmit) {
  SocketPort& port = portFor(transmit.path.local);
  if (&port != first_.get()) port.exchangeBuffers(*first_);
  port.transmit(transmit);
}

void SocketPorts::waitUntilSent(Duration patience) {
  first_->waitUntilSent(patience);
  for (const auto& port : further_) port->waitUntilSent(patience);
}

}  // namespace quic
