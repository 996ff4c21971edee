// One turn of an endpoint, the same over a kernel's socket and over a simulated link: datagrams in, timers, datagrams out,
// events. The contract of QuicTransportBase.h, written once.
//
// A Port moves bytes and takes events. It has:
//   bool receive(TimePoint, Endpoint&)      hands waiting datagrams to endpoint.onDatagram; true: it stopped before the end
//   bool mayTransmit()                      false: the link takes nothing now, and will ask for another turn when it does
//   MutableByteSpan transmitBuffer()        room for one train
//   void transmit(const Transmit&)          of what is at the front of that buffer
//   bool mayTakeEvent()                     false: the host is behind; events wait in the connections
//   void onEvent(TimePoint, EndpointEvent&&)
#pragma once

#include <optional>

#include "quic/api/ConnectionSet.h"

namespace quic {

/// At most `limit` trains, so that receiving is not starved. True: the limit was met, more may be waiting.
template <class Endpoint, class Port>
bool transmitPending(TimePoint now, Endpoint& endpoint, Port& port, size_t limit) {
  for (size_t sent = 0; sent < limit; ++sent) {
    if (!port.mayTransmit()) return false;
    const std::optional<Transmit> transmit = endpoint.pollTransmit(now, port.transmitBuffer());
    if (!transmit) return false;
    port.transmit(*transmit);
  }
  return true;
}

template <class Endpoint, class Port>
void takeEvents(TimePoint now, Endpoint& endpoint, Port& port) {
  while (port.mayTakeEvent()) {
    std::optional<EndpointEvent> event = endpoint.pollEvent();
    if (!event) return;
    port.onEvent(now, std::move(*event));
  }
}

/// True: something is left to be done in another turn, at once.
template <class Endpoint, class Port>
bool driveOnce(TimePoint now, Endpoint& endpoint, Port& port, size_t transmitLimit) {
  bool isLeft = port.receive(now, endpoint);
  if (const auto due = endpoint.nextTimeout(); due && *due <= now) endpoint.onTimeout(now);
  isLeft |= transmitPending(now, endpoint, port, transmitLimit);
  takeEvents(now, endpoint, port);
  return isLeft;
}

}  // namespace quic
