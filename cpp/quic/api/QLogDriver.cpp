#include "quic/api/QLogDriver.h"

#include "quic/api/QLogMembers.h"
#include "quic/api/QuicPacketBuilder.h"
#include "quic/api/QuicReadCodec.h"
#include "quic/codec/QuicFrameCodec.h"
#include "quic/logging/QLogFrames.h"

namespace quic {
namespace {

struct HeaderFields {
  std::string_view type;
  PacketNum number = 0;
  uint32_t version = 0;
  const ConnectionId* sourceId = nullptr;  // long headers
  const ConnectionId& destinationId;
  std::optional<uint64_t> keyPhase{};  // 1-RTT
};

void writeHeader(JsonWriter& data, const HeaderFields& fields) {
  data.name("header").beginObject().name("packet_type").text(fields.type).name("packet_number").number(fields.number);
  if (fields.keyPhase) data.name("key_phase").number(*fields.keyPhase);
  if (fields.sourceId != nullptr) {
    writeQLogVersion(data.name("version"), fields.version);
    data.name("scid").hex(fields.sourceId->bytes());
  }
  data.name("dcid").hex(fields.destinationId.bytes()).endObject();
}

/// `size`: on the wire. The payload may be empty, which is an offence of the peer's.
void writeContent(JsonWriter& data, size_t size, ByteSpan payload, uint64_t ackDelayExponent) {
  data.name("raw").beginObject().name("length").number(uint64_t{size});
  data.name("payload_length").number(uint64_t{payload.size()}).endObject();
  writeQLogFrames(data.name("frames"), payload, ackDelayExponent);
}

/// RFC 9000 §19.3: the parameter is for 1-RTT packets.
uint64_t peersAckDelayExponent(const QuicConnectionState& state, PacketType type) {
  if (type != PacketType::OneRtt || !state.handshake.peerParameters) return kDefaultAckDelayExponent;
  return state.handshake.peerParameters->ackDelayExponent;
}

uint64_t keyPhaseOf(const QuicConnectionState& state, KeyPhase phase) {
  const uint64_t current = state.keys.phases.generation();
  if (phase == KeyPhase::Next) return current + 1;
  return phase == KeyPhase::Previous && current > 0 ? current - 1 : current;
}

/// Of a packet that is known by its record.
void writeNumber(JsonWriter& data, const SentPacket& packet) {
  data.name("header").beginObject().name("packet_type").text(qlogPacketType(packet.level));
  data.name("packet_number").number(packet.number).endObject();
}

std::string_view reasonName(DropReason reason) {
  switch (reason) {
    case DropReason::Rejected: return "rejected";
    case DropReason::Unsupported: return "unsupported";
    case DropReason::Invalid: return "invalid";
    case DropReason::Duplicate: return "duplicate";
    case DropReason::DecryptionFailure: return "decryption_failure";
    case DropReason::KeyUnavailable: return "key_unavailable";
  }
  return "general";
}

void writeUnread(JsonWriter& data, PacketType type, size_t size) {
  data.name("header").beginObject().name("packet_type").text(qlogPacketType(type)).endObject();
  data.name("raw").beginObject().name("length").number(uint64_t{size}).endObject();
}

void writeDirection(JsonWriter& data, DataDirection direction) {
  const bool isDown = direction == DataDirection::FromApplication;
  data.name("from").text(isDown ? "application" : "transport").name("to").text(isDown ? "transport" : "application");
}

}  // namespace

void beginQLog(QuicConnectionState& state) {
  if (!state.settings.qlog || state.qlog) return;
  QLog& log = state.qlog.emplace(state.role, state.handshake.originalDestinationId).text;
  const Path& path = state.paths.active();
  state.qlog->active = path.id;
  state.qlog->version = state.handshake.version;
  log.event({state.now}, "quic:connection_started", [&](JsonWriter& data) {
    writeQLogEndpoint(data.name("local"), path.tuple.local, &state.selfIds.first());
    writeQLogEndpoint(data.name("remote"), path.tuple.peer, &state.handshake.originalDestinationId);
  });
  log.event({state.now}, "quic:connection_state_updated", [](JsonWriter& data) { data.name("new").text("attempted"); });
  log.event({state.now}, "quic:version_information", [&](JsonWriter& data) {
    data.name(state.role == Role::Client ? "client_versions" : "server_versions").beginArray();
    for (const uint32_t version : state.settings.versions) writeQLogVersion(data, version);
    data.endArray();
    writeQLogVersion(data.name("chosen_version"), state.handshake.version);
  });
  log.event({state.now}, "quic:recovery_parameters_set", [&](JsonWriter& data) {
    writeQLogRecoveryParameters(data, state.settings, path.controller->congestionWindow());
    data.name("congestion_control").text(path.controller->name());
  });
}

// ---------------------------------------------------------------- packets
void logPacketSent(QuicConnectionState& state, const Path& path, const QuicPacketBuilder& packet, bool isMtuProbe) {
  if (!state.qlog) return;
  const bool isOneRtt = packet.level() == EncryptionLevel::OneRtt;
  const HeaderFields header{
      .type = qlogPacketType(packet.level()),
      .number = packet.number(),
      .version = packet.level() == EncryptionLevel::ZeroRtt ? state.handshake.originalVersion : state.handshake.version,
      .sourceId = isOneRtt ? nullptr : &state.selfIds.first(),
      .destinationId = path.destination.id,
      .keyPhase = isOneRtt ? std::optional(state.keys.phases.generation()) : std::nullopt,
  };
  const bool isActive = path.id == state.paths.active().id;
  const bool isPto = isActive && state.isOpen() && state.space(spaceOf(packet.level())).probesToSend > 0;
  tellPaths(state);
  state.qlog->text.event({state.now, qlogTuple(path.id)}, "quic:packet_sent", [&](JsonWriter& data) {
    writeHeader(data, header);
    writeContent(data, packet.size(), packet.payload(), kDefaultAckDelayExponent);
    if (isMtuProbe) data.name("is_mtu_probe_packet").truth(true);
    if (isPto) data.name("trigger").text("pto_probe");
  });
}

void logPacketReceived(QuicConnectionState& state, const ProtectedPacket& packet, const OpenedPacket& opened,
                       const ReceivedPacketFacts& facts) {
  if (!state.qlog) return;
  const bool isOneRtt = packet.type == PacketType::OneRtt;
  const HeaderFields header{
      .type = qlogPacketType(packet.type),
      .number = opened.number,
      .version = packet.version,
      .sourceId = isOneRtt ? nullptr : &packet.sourceId,
      .destinationId = packet.destinationId,
      .keyPhase = isOneRtt ? std::optional(keyPhaseOf(state, opened.keyPhase)) : std::nullopt,
  };
  tellPaths(state);
  state.qlog->text.event({state.now, qlogTuple(facts.path)}, "quic:packet_received", [&](JsonWriter& data) {
    writeHeader(data, header);
    writeContent(data, packet.bytes.size(), opened.payload, peersAckDelayExponent(state, packet.type));
    if (facts.wasHeld) data.name("trigger").text("keys_available");
  });
}

void logPacketReceived(QuicConnectionState& state, const ProtectedPacket& packet) {
  if (!state.qlog) return;
  state.qlog->text.event({state.now}, "quic:packet_received", [&](JsonWriter& data) {
    data.name("header").beginObject().name("packet_type").text(qlogPacketType(packet.type));
    data.name("scid").hex(packet.sourceId.bytes()).name("dcid").hex(packet.destinationId.bytes()).endObject();
    if (packet.type == PacketType::VersionNegotiation) {
      data.name("supported_versions").beginArray();
      ByteReader versions(packet.supportedVersions);
      while (const auto version = versions.readBigEndian(4)) writeQLogVersion(data, static_cast<uint32_t>(*version));
      data.endArray();
    }
    data.name("raw").beginObject().name("length").number(uint64_t{packet.bytes.size()}).endObject();
  });
}

void logPacketDropped(QuicConnectionState& state, const ProtectedPacket* packet, size_t size, DropReason reason) {
  if (!state.qlog) return;
  state.qlog->text.event({state.now}, "quic:packet_dropped", [&](JsonWriter& data) {
    writeUnread(data, packet == nullptr ? PacketType::UnknownVersion : packet->type, size);
    data.name("trigger").text(reasonName(reason));
  });
}

void logPacketBuffered(QuicConnectionState& state, const ProtectedPacket& packet) {
  if (!state.qlog) return;
  state.qlog->text.event({state.now}, "quic:packet_buffered", [&](JsonWriter& data) {
    writeUnread(data, packet.type, packet.bytes.size());
    data.name("trigger").text("keys_unavailable");
  });
}

// ---------------------------------------------------------------- recovery
void logPacketLost(QuicConnectionState& state, const SentPacket& packet) {
  if (!state.qlog) return;
  const auto largest = state.recovery.largestAcked(spaceOf(packet.level));
  const bool byCount = largest && *largest >= packet.number + state.recovery.reordering().packets();
  state.qlog->text.event({state.now, qlogTuple(packet.path)}, "quic:packet_lost", [&](JsonWriter& data) {
    writeNumber(data, packet);
    if (packet.isMtuProbe) data.name("is_mtu_probe_packet").truth(true);
    data.name("trigger").text(byCount ? "reordering_threshold" : "time_threshold");
  });
}

void logSpuriousLoss(QuicConnectionState& state, const LostPacket& late) {
  if (!state.qlog) return;
  const QLog::Moment moment{state.now, qlogTuple(late.packet.path)};
  state.qlog->text.event(moment, "node_mvfst:loss_was_spurious", [&](JsonWriter& data) {
    writeNumber(data, late.packet);
    data.name("lost_for").number(qlogMilliseconds(state.now - late.lostAt));
    data.name("trigger").text(late.cause == LossCause::PacketThreshold ? "reordering_threshold" : "time_threshold");
  });
}

// ---------------------------------------------------------------- the connection
void logOwnParameters(QuicConnectionState& state, const TransportParameters& parameters) {
  if (!state.qlog) return;
  state.qlog->text.event({state.now}, "quic:parameters_set", [&](JsonWriter& data) {
    data.name("initiator").text("local");
    writeQLogParameters(data, parameters);
  });
}

void logStreamData(QuicConnectionState& state, StreamId stream, DataDirection direction, size_t size, bool fin) {
  if (!state.qlog) return;
  state.qlog->text.event({state.now}, "quic:stream_data_moved", [&](JsonWriter& data) {
    data.name("stream_id").number(stream.value);
    writeDirection(data, direction);
    if (fin) data.name("additional_info").text("fin_set");
    data.name("raw").beginObject().name("length").number(uint64_t{size}).endObject();
  });
}

void logDatagramData(QuicConnectionState& state, DataDirection direction, size_t size) {
  if (!state.qlog) return;
  state.qlog->text.event({state.now}, "quic:datagram_data_moved", [&](JsonWriter& data) {
    writeDirection(data, direction);
    data.name("raw").beginObject().name("length").number(uint64_t{size}).endObject();
  });
}

// ---------------------------------------------------------------- taking it
void onEventTaken(QuicConnectionState& state, const TransportEvent& event) {
  if (!state.qlog) return;
  if (state.qlog->eventsTold > 0) --state.qlog->eventsTold;
  if (std::holds_alternative<ConnectionClosed>(event)) state.qlog.reset();
}

std::optional<QLogText> takeQLog(QuicConnectionState& state) {
  if (!state.qlog) return std::nullopt;
  logChanges(state, Initiator::Local);
  if (!state.qlog->text.hasText()) return std::nullopt;
  return QLogText{state.qlog->text.take()};
}

}  // namespace quic
