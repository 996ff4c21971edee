// The spin bit of one path (RFC 9000 §17.4): it lets whoever watches the path measure its round trip. A server says what the
// client said last, a client the opposite. On one path in 16, and wherever the application does not want it, every packet
// carries a random bit, so that those who want to be unseen do not stand out.
#pragma once

#include <optional>

#include "quic/common/Ids.h"
#include "quic/common/RandomBits.h"

namespace quic {

class SpinBit {
 public:
  /// The peer's, of an authentic 1-RTT packet. Only the newest one counts.
  void onReceived(Role role, PacketNum number, bool bit) {
    if (largest_ && number <= *largest_) return;
    largest_ = number;
    value_ = bit == (role == Role::Server);
  }

  /// For the next packet. `destination`: the sequence number of the ID that it goes to; with another the bit begins anew.
  bool next(uint64_t destination, bool isWanted, RandomBits& bits, Random& random) {
    if (!spins_) spins_ = drawSpins(bits, random);
    if (!isWanted || !*spins_) return bits.next(random);
    if (destination != destination_) value_ = false;
    destination_ = destination;
    return value_;
  }

 private:
  static bool drawSpins(RandomBits& bits, Random& random) {
    constexpr int kBits = 4;
    bool any = false;
    for (int i = 0; i < kBits; ++i) any |= bits.next(random);
    return any;
  }

  std::optional<bool> spins_;  // drawn with the first packet
  std::optional<PacketNum> largest_;
  uint64_t destination_ = 0;
  bool value_ = false;
};

}  // namespace quic
