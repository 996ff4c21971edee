// A packet's frames in short, for people: "ACK 3-5, STREAM 4 0+8 FIN, PATH_CHALLENGE". Padding and data are left out.
#pragma once

#include <string>

#include "quic/codec/QuicFrames.h"
#include "quic/codec/QuicPacketHeaders.h"

namespace quic::test {

std::string textOf(const QuicFrame& frame);
/// Of a whole payload; what cannot be read ends it with "?".
std::string textOfFrames(ByteSpan payload);
/// "Initial", "1-RTT".
std::string_view nameOf(PacketType type);

}  // namespace quic::test
