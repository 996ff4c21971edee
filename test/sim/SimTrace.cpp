#include "sim/SimTrace.h"

#include <cstdio>

#include "quic/codec/QuicPacketHeaders.h"

namespace quic::test {
namespace {

const char* nameOf(PacketType type) {
  switch (type) {
    case PacketType::Initial: return "Initial";
    case PacketType::ZeroRtt: return "0-RTT";
    case PacketType::Handshake: return "Handshake";
    case PacketType::Retry: return "Retry";
    case PacketType::OneRtt: return "1-RTT";
    case PacketType::VersionNegotiation: return "Version Negotiation";
    case PacketType::UnknownVersion: return "unknown version";
  }
  return "?";
}

}  // namespace

void printDatagram(TimePoint now, const SimDatagram& datagram) {
  std::printf("%10.3f ms  %s -> %s  %4zu bytes ",
              static_cast<double>(now.time_since_epoch().count() - 1'000'000) / 1000, datagram.from.toString().c_str(),
              datagram.to.toString().c_str(), datagram.bytes.size());
  ByteVector copy = datagram.bytes;
  MutableByteSpan rest = copy;
  while (!rest.empty()) {
    const auto packet = nextPacket(rest, 8);
    if (!packet) break;
    std::printf(" %s[%zu]", nameOf(packet->type), packet->bytes.size());
  }
  std::printf("\n");
}

}  // namespace quic::test
