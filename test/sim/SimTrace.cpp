#include "sim/SimTrace.h"

#include <cstdio>

#include "sim/FrameText.h"

namespace quic::test {

void printDatagram(TimePoint now, const SimDatagram& datagram) {
  std::printf("%10.3f ms  %s -> %s  %4zu bytes ",
              static_cast<double>(now.time_since_epoch().count() - 1'000'000) / 1000, datagram.from.toString().c_str(),
              datagram.to.toString().c_str(), datagram.bytes.size());
  ByteVector copy = datagram.bytes;
  MutableByteSpan rest = copy;
  while (!rest.empty()) {
    const auto packet = nextPacket(rest, 8);
    if (!packet) break;
    std::printf(" %s[%zu]", std::string(nameOf(packet->type)).c_str(), packet->bytes.size());
  }
  std::printf("\n");
}

}  // namespace quic::test
