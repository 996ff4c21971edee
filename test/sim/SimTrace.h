// One line of text for each datagram that leaves a host.
#pragma once

#include "sim/SimNetwork.h"

namespace quic::test {

void printDatagram(TimePoint now, const SimDatagram& datagram);

}  // namespace quic::test
