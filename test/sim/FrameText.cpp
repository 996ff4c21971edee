#include "sim/FrameText.h"

#include "quic/codec/QuicFrameCodec.h"

namespace quic::test {
namespace {

std::string number(uint64_t value) { return std::to_string(value); }

std::string address(const QuicIPAddress& at) {
  if (at.isAllZero()) return "(no address)";
  std::string text;
  for (const auto family : {SocketAddress::Family::V4, SocketAddress::Family::V6}) {
    const auto one = at.forFamily(family);
    if (one) text += (text.empty() ? "" : " or ") + one->toString();
  }
  return text;
}

struct Text {
  std::string operator()(const PaddingFrame&) const { return {}; }
  std::string operator()(const PingFrame&) const { return "PING"; }
  std::string operator()(const AckFrame& f) const {
    std::string text;
    f.forEachRange([&](PacketNum first, PacketNum last) {
      text = (first == last ? number(first) : number(first) + "-" + number(last)) + (text.empty() ? "" : "," + text);
    });
    return "ACK " + text;
  }
  std::string operator()(const ResetStreamFrame& f) const { return "RESET_STREAM " + number(f.id.value); }
  std::string operator()(const ResetStreamAtFrame& f) const { return "RESET_STREAM_AT " + number(f.id.value); }
  std::string operator()(const StopSendingFrame& f) const { return "STOP_SENDING " + number(f.id.value); }
  std::string operator()(const CryptoFrame& f) const {
    return "CRYPTO " + number(f.offset) + "+" + number(f.data.size());
  }
  std::string operator()(const NewTokenFrame&) const { return "NEW_TOKEN"; }
  std::string operator()(const StreamFrame& f) const {
    return "STREAM " + number(f.id.value) + " " + number(f.offset) + "+" + number(f.data.size()) +
           (f.fin ? " FIN" : "");
  }
  std::string operator()(const MaxDataFrame& f) const { return "MAX_DATA " + number(f.limit); }
  std::string operator()(const MaxStreamDataFrame& f) const {
    return "MAX_STREAM_DATA " + number(f.id.value) + " " + number(f.limit);
  }
  std::string operator()(const MaxStreamsFrame& f) const { return "MAX_STREAMS " + number(f.limit); }
  std::string operator()(const DataBlockedFrame& f) const { return "DATA_BLOCKED " + number(f.limit); }
  std::string operator()(const StreamDataBlockedFrame& f) const { return "STREAM_DATA_BLOCKED " + number(f.id.value); }
  std::string operator()(const StreamsBlockedFrame& f) const { return "STREAMS_BLOCKED " + number(f.limit); }
  std::string operator()(const NewConnectionIdFrame& f) const { return "NEW_CONNECTION_ID " + number(f.sequence); }
  std::string operator()(const RetireConnectionIdFrame& f) const {
    return "RETIRE_CONNECTION_ID " + number(f.sequence);
  }
  std::string operator()(const PathChallengeFrame&) const { return "PATH_CHALLENGE"; }
  std::string operator()(const PathResponseFrame&) const { return "PATH_RESPONSE"; }
  std::string operator()(const ConnectionCloseFrame& f) const {
    const std::string code =
        f.isApplication ? number(f.errorCode) : std::string(toString(static_cast<TransportErrorCode>(f.errorCode)));
    return "CONNECTION_CLOSE " + code + " \"" + std::string(f.reason.begin(), f.reason.end()) + "\"";
  }
  std::string operator()(const HandshakeDoneFrame&) const { return "HANDSHAKE_DONE"; }
  std::string operator()(const DatagramFrame& f) const { return "DATAGRAM " + number(f.data.size()); }
  std::string operator()(const ServerMigrationFrame& f) const { return "SERVER_MIGRATION " + address(f.address); }
  std::string operator()(const ServerMigratedFrame&) const { return "SERVER_MIGRATED"; }
  std::string operator()(const PoolMigrationAddressFrame& f) const {
    return "POOL_MIGRATION_ADDRESS " + address(f.address);
  }
  std::string operator()(const AckFrequencyFrame&) const { return "ACK_FREQUENCY"; }
  std::string operator()(const ImmediateAckFrame&) const { return "IMMEDIATE_ACK"; }
};

}  // namespace

std::string textOf(const QuicFrame& frame) { return std::visit(Text{}, frame); }

std::string textOfFrames(ByteSpan payload) {
  std::string text;
  std::string ids;  // "NEW_CONNECTION_ID 3" of a row of them, which is told by its first and last
  ByteReader reader(payload);
  const auto add = [&text](const std::string& one) {
    if (!one.empty()) text += (text.empty() ? "" : ", ") + one;
  };
  while (!reader.atEnd()) {
    const Result<QuicFrame> frame = parseFrame(reader);
    const auto* id = frame ? std::get_if<NewConnectionIdFrame>(&*frame) : nullptr;
    if (id != nullptr && !ids.empty()) {
      text.resize(text.rfind(ids) + ids.size());
      text += "-" + number(id->sequence);
      continue;
    }
    ids = id == nullptr ? "" : textOf(*frame);
    add(frame ? textOf(*frame) : "?");
    if (!frame) break;
  }
  return text;
}

std::string_view nameOf(PacketType type) {
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

}  // namespace quic::test
