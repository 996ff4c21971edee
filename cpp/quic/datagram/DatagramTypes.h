// What an application says and hears about datagrams (RFC 9221). Values; no behaviour.
#pragma once

#include <variant>

#include "quic/QuicConstants.h"
#include "quic/common/Bytes.h"
#include "quic/common/QuicClock.h"

namespace quic {

/// What becomes of a datagram for which the queue has no room.
enum class DatagramOverflow : uint8_t {
  Refuse,      // sendDatagram() fails, the queue stays as it is
  DropOldest,  // what waits longest of the least urgent makes room
};

struct DatagramSettings {
  /// max_datagram_frame_size that we announce, in bytes with type and length: what we take. 0: none, and a peer that sends one
  /// all the same is closed. 65535 takes whatever fits into a packet (RFC 9221 §3).
  uint64_t maxFrameSize = 0;
  size_t sendQueueSize = 256 * 1024;     // bytes that wait to leave; kDatagramOverhead counts for each datagram
  size_t receiveQueueSize = 256 * 1024;  // bytes that wait for the application, counted likewise; the oldest is dropped
  DatagramOverflow overflow = DatagramOverflow::Refuse;
};

struct DatagramOptions {
  uint64_t id = 0;  // the application's name for it in DatagramAcked and DatagramLost; need not be unique
  uint8_t urgency = kDefaultUrgency;  // 0 (first) to kUrgencies - 1, on one scale with streams (RFC 9218 §4.1)
  Duration lifetime{0};               // waits at most so long to be sent (RFC 9221 §5.4); 0: for ever
};

/// Datagrams of the peer, in the order in which they came, which is not the order in which they were sent.
struct DatagramReceived {
  ByteVector bytes;
};
/// The peer's transport has it; that its application has it too, nobody says (RFC 9221 §5.2).
struct DatagramAcked {
  uint64_t id = 0;
};
enum class DatagramLossCause : uint8_t {
  Network,    // believed lost; a late acknowledgment may still bring DatagramAcked
  Expired,    // its lifetime ended before it was sent
  TooLarge,   // the path shrank while it waited
  Displaced,  // DatagramOverflow::DropOldest
};
struct DatagramLost {
  uint64_t id = 0;
  DatagramLossCause cause = DatagramLossCause::Network;
};
using DatagramEvent = std::variant<DatagramReceived, DatagramAcked, DatagramLost>;

}  // namespace quic
