// Parsers alone: what they accept lies within the input, and says the same when it is written and read again.
#include "cpp/support/TestBytes.h"
#include "fuzz/FuzzTargets.h"
#include "quic/codec/FrameTraits.h"
#include "quic/codec/QuicFrameCodec.h"
#include "quic/codec/QuicPacketHeaders.h"
#include "quic/handshake/TransportParameters.h"

namespace quic::test {
namespace {

bool liesWithin(ByteSpan part, ByteSpan whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// Frames that writeFrame() takes as they are; ACK and PADDING have writers of another shape.
struct Rewriter {
  ByteWriter& writer;
  bool operator()(const PaddingFrame&) { return false; }
  bool operator()(const AckFrame&) { return false; }
  bool operator()(const ServerMigrationFrame& frame) { return writeFrame(writer, QuicServerMigrationFrame(frame)); }
  bool operator()(const ServerMigratedFrame& frame) { return writeFrame(writer, QuicServerMigrationFrame(frame)); }
  bool operator()(const PoolMigrationAddressFrame& frame) {
    return writeFrame(writer, QuicServerMigrationFrame(frame));
  }
  template <class Frame>
  bool operator()(const Frame& frame) {
    return writeFrame(writer, frame);
  }
};

void checkAckRanges(const QuicFrame& frame) {
  const auto* ack = std::get_if<AckFrame>(&frame);
  if (ack == nullptr) return;
  std::optional<PacketNum> below;
  ack->forEachRange([&](PacketNum first, PacketNum last) {
    require(first <= last, "an ACK range runs backwards");
    require(!below || last < *below, "ACK ranges overlap");
    below = first;
  });
}

}  // namespace

void fuzzPacketHeaders(ByteSpan input) {
  if (input.empty()) return;
  const size_t shortIdSize = input[0] % 21;
  ExactBytes exact(input.subspan(1));
  if (const auto header = parseInvariantHeader(exact.span(), shortIdSize)) {
    require(liesWithin(header->destinationId, exact.span()), "a destination ID outside of the datagram");
    require(liesWithin(header->sourceId, exact.span()), "a source ID outside of the datagram");
  }
  MutableByteSpan rest = exact.mutableSpan();
  while (!rest.empty()) {
    const size_t before = rest.size();
    const auto packet = nextPacket(rest, shortIdSize);
    if (!packet) break;
    require(rest.size() < before, "a packet without bytes");
    require(liesWithin(packet->bytes, exact.span()), "a packet outside of the datagram");
    require(liesWithin(packet->token, packet->bytes), "a token outside of its packet");
    require(liesWithin(packet->retryIntegrityTag, packet->bytes), "a tag outside of its packet");
    require(packet->packetNumberOffset <= packet->bytes.size(), "a packet number outside of its packet");
  }
}

void fuzzFrames(ByteSpan input) {
  const ExactBytes exact(input);
  ByteReader reader(exact.span());
  while (!reader.atEnd()) {
    const size_t before = reader.remaining();
    const auto frame = parseFrame(reader);
    if (!frame) break;
    require(reader.remaining() < before, "a frame without bytes");
    checkAckRanges(*frame);
    ByteVector room(before + 64);
    ByteWriter writer(room);
    if (!std::visit(Rewriter{writer}, *frame)) continue;
    ByteReader again(writer.written());
    const auto second = parseFrame(again);
    require(second.hasValue() && again.atEnd(), "a frame that was written cannot be read");
    require(second->index() == frame->index(), "a frame changes its type when it is written");
  }
}

void fuzzTransportParameters(ByteSpan input) {
  if (input.empty()) return;
  const Role sender = (input[0] & 1) != 0 ? Role::Client : Role::Server;
  const ExactBytes exact(input.subspan(1));
  const auto decoded = decodeTransportParameters(exact.span(), sender);
  if (!decoded) return;
  const ByteVector bytes = encodeTransportParameters(*decoded);
  const auto again = decodeTransportParameters(bytes, sender);
  require(again.hasValue(), "parameters that were written cannot be read");
  require(*again == *decoded, "parameters change when they are written");
}

}  // namespace quic::test
