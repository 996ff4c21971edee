#include "quic/logging/QLogFrames.h"

#include <algorithm>
#include <string>

#include "quic/QuicConstants.h"
#include "quic/QuicError.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

constexpr size_t kMaxReason = 1024;  // of a peer's words

std::string_view streamType(bool unidirectional) { return unidirectional ? "unidirectional" : "bidirectional"; }

/// Writes the members of one frame.
struct FrameMembers {
  JsonWriter& json;
  uint64_t ackDelayExponent;

  JsonWriter& type(std::string_view name) const { return json.name("frame_type").text(name); }
  void member(std::string_view name, uint64_t value) const { json.name(name).number(value); }
  void stream(StreamId id) const { member("stream_id", id.value); }
  void raw(std::string_view name, size_t size) const {
    json.name("raw").beginObject().name(name).number(uint64_t{size}).endObject();
  }
  void length(size_t size) const { raw("length", size); }
  /// An application's: the schema knows no names for them.
  void errorCode(uint64_t code) const {
    json.name("error").text("unknown");
    member("error_code", code);
  }
  void transportError(uint64_t code) const {
    const std::string name = qlogTransportError(code);
    if (name == "unknown") return errorCode(code);
    json.name("error").text(name);
  }
  /// As the fork writes it (spec of the project §2.6, §3): both families, an absent one as zeros.
  void address(const QuicIPAddress& at) const {
    const SocketAddress v4 = at.forFamily(SocketAddress::Family::V4).value_or(SocketAddress::v4({}, 0));
    const SocketAddress v6 = at.forFamily(SocketAddress::Family::V6).value_or(SocketAddress::v6({}, 0));
    json.name("address").text(v4.host() + ":" + std::to_string(v4.port()) + "||[" + v6.host() +
                              "]:" + std::to_string(v6.port()));
  }

  void operator()(const PaddingFrame& f) const {
    type("padding");
    raw("payload_length", f.size);
  }
  void operator()(const PingFrame&) const { type("ping"); }
  void operator()(const AckFrame& f) const {
    constexpr uint64_t kLongest = uint64_t{1} << 40;  // microseconds; a peer may claim anything
    const uint64_t exponent = std::min<uint64_t>(ackDelayExponent, 20);
    const uint64_t delay = f.ackDelay > (kLongest >> exponent) ? kLongest : f.ackDelay << exponent;
    type("ack").name("ack_delay").number(static_cast<double>(delay) / 1000).name("acked_ranges").beginArray();
    const size_t limit = json.size() + kMaxQLogRecord;
    f.forEachRange([&](PacketNum first, PacketNum last) {
      if (json.size() > limit) return;
      json.beginArray().number(first);
      if (last != first) json.number(last);
      json.endArray();
    });
    json.endArray();
    if (!f.ecn) return;
    member("ect0", f.ecn->ect0);
    member("ect1", f.ecn->ect1);
    member("ce", f.ecn->ce);
  }
  void operator()(const ResetStreamFrame& f) const {
    type("reset_stream");
    stream(f.id);
    errorCode(f.errorCode);
    member("final_size", f.finalSize);
  }
  void operator()(const ResetStreamAtFrame& f) const {
    type("reset_stream_at");
    stream(f.id);
    errorCode(f.errorCode);
    member("final_size", f.finalSize);
    member("reliable_size", f.reliableSize);
  }
  void operator()(const StopSendingFrame& f) const {
    type("stop_sending");
    stream(f.id);
    errorCode(f.errorCode);
  }
  void operator()(const CryptoFrame& f) const {
    type("crypto");
    member("offset", f.offset);
    length(f.data.size());
  }
  void operator()(const NewTokenFrame& f) const {
    type("new_token").name("token").beginObject().name("raw").beginObject();
    member("length", f.token.size());
    json.endObject().endObject();
  }
  void operator()(const StreamFrame& f) const {
    type("stream");
    stream(f.id);
    member("offset", f.offset);
    json.name("fin").truth(f.fin);
    length(f.data.size());
  }
  void operator()(const MaxDataFrame& f) const { type("max_data"), member("maximum", f.limit); }
  void operator()(const MaxStreamDataFrame& f) const {
    type("max_stream_data"), stream(f.id), member("maximum", f.limit);
  }
  void operator()(const MaxStreamsFrame& f) const {
    type("max_streams").name("stream_type").text(streamType(f.unidirectional));
    member("maximum", f.limit);
  }
  void operator()(const DataBlockedFrame& f) const { type("data_blocked"), member("limit", f.limit); }
  void operator()(const StreamDataBlockedFrame& f) const {
    type("stream_data_blocked"), stream(f.id), member("limit", f.limit);
  }
  void operator()(const StreamsBlockedFrame& f) const {
    type("streams_blocked").name("stream_type").text(streamType(f.unidirectional));
    member("limit", f.limit);
  }
  void operator()(const NewConnectionIdFrame& f) const {
    type("new_connection_id");
    member("sequence_number", f.sequence);
    member("retire_prior_to", f.retirePriorTo);
    json.name("connection_id").hex(f.id.bytes());
  }
  void operator()(const RetireConnectionIdFrame& f) const {
    type("retire_connection_id"), member("sequence_number", f.sequence);
  }
  void operator()(const PathChallengeFrame& f) const { type("path_challenge").name("data").hex(f.data); }
  void operator()(const PathResponseFrame& f) const { type("path_response").name("data").hex(f.data); }
  void operator()(const ConnectionCloseFrame& f) const {
    type("connection_close").name("error_space").text(f.isApplication ? "application" : "transport");
    f.isApplication ? errorCode(f.errorCode) : transportError(f.errorCode);
    json.name("reason").text(asText(f.reason.first(std::min(f.reason.size(), kMaxReason))));
    if (!f.isApplication && f.frameType != 0) member("trigger_frame_type", f.frameType);
  }
  void operator()(const HandshakeDoneFrame&) const { type("handshake_done"); }
  void operator()(const DatagramFrame& f) const {
    type("datagram");
    length(f.data.size());
  }
  void operator()(const AckFrequencyFrame& f) const {
    type("ack_frequency");
    member("sequence_number", f.sequence);
    member("ack_eliciting_threshold", f.elicitingThreshold);
    json.name("requested_max_ack_delay")
        .number(static_cast<double>(f.maxAckDelay) / 1000);  // milliseconds, as ack_delay
    member("reordering_threshold", f.reorderingThreshold);
  }
  void operator()(const ImmediateAckFrame&) const { type("immediate_ack"); }
  void operator()(const ServerMigrationFrame& f) const { type("server_migration"), address(f.address); }
  void operator()(const ServerMigratedFrame&) const { type("server_migrated"); }
  void operator()(const PoolMigrationAddressFrame& f) const { type("pool_migration_address"), address(f.address); }
};

}  // namespace

void writeQLogFrame(JsonWriter& json, const QuicFrame& frame, uint64_t ackDelayExponent) {
  json.beginObject();
  std::visit(FrameMembers{json, ackDelayExponent}, frame);
  json.endObject();
}

void writeQLogFrames(JsonWriter& json, ByteSpan payload, uint64_t ackDelayExponent) {
  json.beginArray();
  const size_t limit = json.size() + kMaxQLogRecord;
  ByteReader reader(payload);
  while (!reader.atEnd() && json.size() < limit) {
    const Result<QuicFrame> frame = parseFrame(reader);
    if (!frame) break;
    writeQLogFrame(json, *frame, ackDelayExponent);
  }
  json.endArray();
}

void writeQLogAddress(JsonWriter& json, const SocketAddress& address) {
  json.name(address.isV4() ? "ip_v4" : "ip_v6").text(address.host());
  json.name(address.isV4() ? "port_v4" : "port_v6").number(uint64_t{address.port()});
}

std::string qlogTransportError(uint64_t code) {
  constexpr uint64_t kLastKnown = static_cast<uint64_t>(TransportErrorCode::NO_VIABLE_PATH);
  const auto error = static_cast<TransportErrorCode>(code);
  if (isCryptoError(error)) {
    static constexpr char kDigits[] = "0123456789abcdef";
    return std::string("crypto_error_0x1") + kDigits[code >> 4 & 15] + kDigits[code & 15];
  }
  if (code > kLastKnown) return "unknown";
  std::string name(toString(error));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name;
}

}  // namespace quic
