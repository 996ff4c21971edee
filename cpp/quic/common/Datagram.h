// What crosses the border between the core and whoever moves bytes.
#pragma once

#include "quic/common/Bytes.h"
#include "quic/common/Ids.h"
#include "quic/common/SocketAddress.h"

namespace quic {

struct ReceivedDatagram {
  FourTuple path;
  Ecn ecn = Ecn::NotEct;
  MutableByteSpan bytes;  // borrowed for the call; decrypted in place
};

/// Describes what pollTransmit wrote at the front of the caller's buffer: one datagram, or a train of
/// datagrams of segmentSize bytes each of which only the last may be shorter (one GSO send).
struct Transmit {
  FourTuple path;
  Ecn ecn = Ecn::NotEct;
  size_t size = 0;
  size_t segmentSize = 0;  // == size for a single datagram
};

}  // namespace quic
