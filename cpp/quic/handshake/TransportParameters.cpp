#include "quic/handshake/TransportParameters.h"

#include <algorithm>

#include "quic/common/Bug.h"

namespace quic {
namespace {

/// RFC 9000 §18.2, RFC 9221 §3, RFC 9287 §3 and the server-migration extension.
enum class ParameterId : uint64_t {
  ORIGINAL_DESTINATION_CONNECTION_ID = 0x00,
  MAX_IDLE_TIMEOUT = 0x01,
  STATELESS_RESET_TOKEN = 0x02,
  MAX_UDP_PAYLOAD_SIZE = 0x03,
  INITIAL_MAX_DATA = 0x04,
  INITIAL_MAX_STREAM_DATA_BIDI_LOCAL = 0x05,
  INITIAL_MAX_STREAM_DATA_BIDI_REMOTE = 0x06,
  INITIAL_MAX_STREAM_DATA_UNI = 0x07,
  INITIAL_MAX_STREAMS_BIDI = 0x08,
  INITIAL_MAX_STREAMS_UNI = 0x09,
  ACK_DELAY_EXPONENT = 0x0a,
  MAX_ACK_DELAY = 0x0b,
  DISABLE_ACTIVE_MIGRATION = 0x0c,
  PREFERRED_ADDRESS = 0x0d,
  ACTIVE_CONNECTION_ID_LIMIT = 0x0e,
  INITIAL_SOURCE_CONNECTION_ID = 0x0f,
  RETRY_SOURCE_CONNECTION_ID = 0x10,
  VERSION_INFORMATION = 0x11,  // RFC 9368 §3
  MAX_DATAGRAM_FRAME_SIZE = 0x20,
  RESET_STREAM_AT = 0x1d,                    // draft-ietf-quic-reliable-stream-reset-09 §3
  RESET_STREAM_AT_DRAFT = 0x17f7586d2cb571,  // the same before -08; in use
  SERVER_MIGRATION_SUITE = kServerMigrationParameterId,
  MIN_ACK_DELAY = 0xff04de1b,  // draft-ietf-quic-ack-frequency §10.1
  GREASE_QUIC_BIT = 0x2ab2,
};

constexpr uint64_t kMaxStreams = uint64_t{1} << 60;  // RFC 9000 §4.6

/// The parameters that are one integer with a default, and what RFC 9000 §18.2 lets them be.
struct IntegerParameter {
  ParameterId id;
  uint64_t TransportParameters::* field;
  uint64_t least = 0;
  uint64_t most = kMaxVarint;
};
constexpr IntegerParameter kIntegers[] = {
    {ParameterId::MAX_IDLE_TIMEOUT, &TransportParameters::maxIdleTimeout},
    {ParameterId::MAX_UDP_PAYLOAD_SIZE, &TransportParameters::maxUdpPayloadSize, kMinUdpPayloadSize},
    {ParameterId::INITIAL_MAX_DATA, &TransportParameters::initialMaxData},
    {ParameterId::INITIAL_MAX_STREAM_DATA_BIDI_LOCAL, &TransportParameters::initialMaxStreamDataBidiLocal},
    {ParameterId::INITIAL_MAX_STREAM_DATA_BIDI_REMOTE, &TransportParameters::initialMaxStreamDataBidiRemote},
    {ParameterId::INITIAL_MAX_STREAM_DATA_UNI, &TransportParameters::initialMaxStreamDataUni},
    {ParameterId::INITIAL_MAX_STREAMS_BIDI, &TransportParameters::initialMaxStreamsBidi, 0, kMaxStreams},
    {ParameterId::INITIAL_MAX_STREAMS_UNI, &TransportParameters::initialMaxStreamsUni, 0, kMaxStreams},
    {ParameterId::ACK_DELAY_EXPONENT, &TransportParameters::ackDelayExponent, 0, 20},
    {ParameterId::MAX_ACK_DELAY, &TransportParameters::maxAckDelay, 0, (uint64_t{1} << 14) - 1},
    {ParameterId::ACTIVE_CONNECTION_ID_LIMIT, &TransportParameters::activeConnectionIdLimit, 2},
};

// ---- encoding

void appendVarint(ByteVector& out, uint64_t value) {
  std::array<uint8_t, 8> bytes{};
  ByteWriter writer(bytes);
  if (QUIC_BUG(!writer.writeVarint(value), "a transport parameter beyond 2^62-1")) return;
  out.insert(out.end(), writer.written().begin(), writer.written().end());
}

void appendBytes(ByteVector& out, ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void appendParameter(ByteVector& out, ParameterId id, ByteSpan value) {
  appendVarint(out, static_cast<uint64_t>(id));
  appendVarint(out, value.size());
  appendBytes(out, value);
}

void appendInteger(ByteVector& out, ParameterId id, uint64_t value) {
  appendVarint(out, static_cast<uint64_t>(id));
  appendVarint(out, varintSize(value));
  appendVarint(out, value);
}

void appendConnectionId(ByteVector& out, ParameterId id, const std::optional<ConnectionId>& value) {
  if (value) appendParameter(out, id, value->bytes());
}

/// An address of the family, or zeros.
void appendAddress(ByteVector& out, const SocketAddress& address, SocketAddress::Family family) {
  const bool present = address.family() == family;
  const size_t size = family == SocketAddress::Family::V4 ? 4 : 16;
  if (present) {
    appendBytes(out, address.ip());
  } else {
    out.insert(out.end(), size, 0);
  }
  const uint16_t port = present ? address.port() : uint16_t{0};
  out.push_back(static_cast<uint8_t>(port >> 8));
  out.push_back(static_cast<uint8_t>(port));
}

void appendPreferredAddress(ByteVector& out, const PreferredAddress& preferred) {
  ByteVector value;
  appendAddress(value, preferred.v4, SocketAddress::Family::V4);
  appendAddress(value, preferred.v6, SocketAddress::Family::V6);
  value.push_back(static_cast<uint8_t>(preferred.id.size()));
  appendBytes(value, preferred.id.bytes());
  appendBytes(value, preferred.token);
  appendParameter(out, ParameterId::PREFERRED_ADDRESS, value);
}

void appendVersionInformation(ByteVector& out, const VersionInformation& information) {
  ByteVector value(4 * (1 + information.available.size()));
  ByteWriter writer(value);
  writer.writeBigEndian(information.chosen, 4);
  for (const uint32_t version : information.available) writer.writeBigEndian(version, 4);
  appendParameter(out, ParameterId::VERSION_INFORMATION, value);
}

// ---- decoding

Unexpected<QuicError> refuse(std::string_view reason, std::source_location where = std::source_location::current()) {
  return fail(TransportErrorCode::TRANSPORT_PARAMETER_ERROR, reason, 0, where);
}

struct RawParameter {
  uint64_t id = 0;
  ByteSpan value;
};

std::optional<RawParameter> readRawParameter(ByteReader& reader) {
  const auto id = reader.readVarint();
  const auto size = id ? reader.readVarint() : std::nullopt;
  const auto value = size ? reader.readBytes(*size) : std::nullopt;
  if (!value) return std::nullopt;
  return RawParameter{*id, *value};
}

/// RFC 9000 §7.4, unknown identifiers included. Sorting keeps it cheap for a hostile list; memory is bounded by `bytes`.
Result<> checkStructure(ByteSpan bytes) {
  std::vector<uint64_t> ids;
  for (ByteReader reader(bytes); !reader.atEnd();) {
    const auto raw = readRawParameter(reader);
    if (!raw) return refuse("transport parameter is cut short");
    ids.push_back(raw->id);
  }
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) return refuse("transport parameter occurs twice");
  return Unit{};
}

bool isServerOnly(ParameterId id) {
  return id == ParameterId::ORIGINAL_DESTINATION_CONNECTION_ID || id == ParameterId::STATELESS_RESET_TOKEN ||
         id == ParameterId::PREFERRED_ADDRESS || id == ParameterId::RETRY_SOURCE_CONNECTION_ID;
}

/// RFC 9000 §18.2: an integer parameter is one varint and nothing after it.
std::optional<uint64_t> decodeInteger(ByteSpan value) {
  ByteReader reader(value);
  const auto integer = reader.readVarint();
  if (!integer || !reader.atEnd()) return std::nullopt;
  return integer;
}

Result<> setInteger(const IntegerParameter& parameter, ByteSpan value, TransportParameters& out) {
  const auto integer = decodeInteger(value);
  if (!integer) return refuse("transport parameter is not one integer");
  if (*integer < parameter.least || *integer > parameter.most) return refuse("transport parameter out of range");
  out.*parameter.field = *integer;
  return Unit{};
}

Result<> setConnectionId(std::optional<ConnectionId>& field, ByteSpan value) {
  if (value.size() > kMaxConnectionIdSize) return refuse("connection ID is too long");
  field = ConnectionId(value);
  return Unit{};
}

Result<> setResetToken(ByteSpan value, TransportParameters& out) {
  if (value.size() != kStatelessResetTokenSize) return refuse("stateless reset token of a wrong length");
  StatelessResetToken token{};
  std::copy(value.begin(), value.end(), token.begin());
  out.statelessResetToken = token;
  return Unit{};
}

template <size_t N>
std::array<uint8_t, N> copyOf(ByteSpan bytes) {
  std::array<uint8_t, N> out{};
  std::copy_n(bytes.begin(), N, out.begin());
  return out;
}

SocketAddress v6OrAbsent(ByteSpan ip, uint16_t port) {
  const SocketAddress address = SocketAddress::v6(copyOf<16>(ip), port);
  const bool allZero = address.isUnspecified() && port == 0;
  // An IPv4-mapped address is none of its family.
  return allZero || address.isV4() ? SocketAddress() : address;
}

/// RFC 9000 §18.2, Figure 22.
Result<> setPreferredAddress(ByteSpan value, TransportParameters& out) {
  ByteReader reader(value);
  const auto v4 = reader.readBytes(4);
  const auto v4Port = reader.readBigEndian(2);
  const auto v6 = reader.readBytes(16);
  const auto v6Port = reader.readBigEndian(2);
  const auto idSize = reader.readByte();
  if (!v4 || !v4Port || !v6 || !v6Port || !idSize) return refuse("preferred_address is cut short");
  if (*idSize == 0 || *idSize > kMaxConnectionIdSize) return refuse("preferred_address with a wrong connection ID");
  const auto id = reader.readBytes(*idSize);
  const auto token = reader.readBytes(kStatelessResetTokenSize);
  if (!id || !token || !reader.atEnd()) return refuse("preferred_address of a wrong length");
  PreferredAddress preferred;
  preferred.v4 = SocketAddress::v4(copyOf<4>(*v4), static_cast<uint16_t>(*v4Port));
  preferred.v6 = v6OrAbsent(*v6, static_cast<uint16_t>(*v6Port));
  preferred.id = ConnectionId(*id);
  preferred.token = copyOf<kStatelessResetTokenSize>(*token);
  out.preferredAddress = preferred;
  return Unit{};
}

Result<> setDatagramSize(ByteSpan value, TransportParameters& out) {
  out.maxDatagramFrameSize = decodeInteger(value);
  if (!out.maxDatagramFrameSize) return refuse("transport parameter is not one integer");
  return Unit{};
}

/// It is there, and that is all.
Result<> setFlag(bool& field, ByteSpan value) {
  if (!value.empty()) return refuse("transport parameter of length zero has a value");
  field = true;
  return Unit{};
}

Result<> setMinAckDelay(ByteSpan value, TransportParameters& out) {
  out.minAckDelay = decodeInteger(value);
  if (!out.minAckDelay) return refuse("transport parameter is not one integer");
  return Unit{};
}

/// RFC 9368 §4.
Result<> setVersionInformation(ByteSpan value, Role sender, TransportParameters& out) {
  if (value.empty() || value.size() % 4 != 0) return refuse("version_information of a wrong length");
  ByteReader reader(value);
  VersionInformation information;
  information.chosen = static_cast<uint32_t>(reader.readBigEndian(4).value_or(0));
  bool isChosenAvailable = false;
  bool hasZero = information.chosen == 0;
  while (const auto version = reader.readBigEndian(4)) {
    isChosenAvailable |= *version == information.chosen;
    hasZero |= *version == 0;
    if (information.available.size() < kMaxAvailableVersions) {
      information.available.push_back(static_cast<uint32_t>(*version));
    }
  }
  if (hasZero) return refuse("version_information with a version 0");
  if (sender == Role::Client && !isChosenAvailable) return refuse("chosen version is not among the available ones");
  auto& kept = information.available;
  const bool isKept = std::find(kept.begin(), kept.end(), information.chosen) != kept.end();
  if (isChosenAvailable && !isKept) kept.back() = information.chosen;  // never among those that are left out
  out.versionInformation = std::move(information);
  return Unit{};
}

/// Peers of this extension ignore what follows the integer; what its bits mean is the negotiator's to say.
Result<> setSuite(ByteSpan value, TransportParameters& out) {
  ByteReader reader(value);
  out.serverMigrationSuite = reader.readVarint();
  if (!out.serverMigrationSuite) return refuse("server_migration_suite is not an integer");
  return Unit{};
}

Result<> apply(const RawParameter& raw, Role sender, TransportParameters& out) {
  const auto id = static_cast<ParameterId>(raw.id);
  for (const IntegerParameter& parameter : kIntegers) {
    if (parameter.id == id) return setInteger(parameter, raw.value, out);
  }
  switch (id) {
    case ParameterId::ORIGINAL_DESTINATION_CONNECTION_ID:
      return setConnectionId(out.originalDestinationConnectionId, raw.value);
    case ParameterId::INITIAL_SOURCE_CONNECTION_ID: return setConnectionId(out.initialSourceConnectionId, raw.value);
    case ParameterId::RETRY_SOURCE_CONNECTION_ID: return setConnectionId(out.retrySourceConnectionId, raw.value);
    case ParameterId::STATELESS_RESET_TOKEN: return setResetToken(raw.value, out);
    case ParameterId::PREFERRED_ADDRESS: return setPreferredAddress(raw.value, out);
    case ParameterId::MAX_DATAGRAM_FRAME_SIZE: return setDatagramSize(raw.value, out);
    case ParameterId::VERSION_INFORMATION: return setVersionInformation(raw.value, sender, out);
    case ParameterId::SERVER_MIGRATION_SUITE: return setSuite(raw.value, out);
    case ParameterId::DISABLE_ACTIVE_MIGRATION: return setFlag(out.disableActiveMigration, raw.value);
    case ParameterId::RESET_STREAM_AT:
    case ParameterId::RESET_STREAM_AT_DRAFT: return setFlag(out.resetStreamAt, raw.value);
    case ParameterId::MIN_ACK_DELAY: return setMinAckDelay(raw.value, out);
    case ParameterId::GREASE_QUIC_BIT: return setFlag(out.greaseQuicBit, raw.value);
    default: return Unit{};  // RFC 9000 §7.4.2: unknown ones are ignored
  }
}

}  // namespace

ByteVector encodeTransportParameters(const TransportParameters& parameters) {
  const TransportParameters defaults;
  ByteVector out;
  appendConnectionId(out, ParameterId::ORIGINAL_DESTINATION_CONNECTION_ID, parameters.originalDestinationConnectionId);
  for (const IntegerParameter& parameter : kIntegers) {
    const uint64_t value = parameters.*parameter.field;
    if (value != defaults.*parameter.field) appendInteger(out, parameter.id, value);
  }
  if (parameters.statelessResetToken) {
    appendParameter(out, ParameterId::STATELESS_RESET_TOKEN, *parameters.statelessResetToken);
  }
  if (parameters.disableActiveMigration) appendParameter(out, ParameterId::DISABLE_ACTIVE_MIGRATION, {});
  if (parameters.greaseQuicBit) appendParameter(out, ParameterId::GREASE_QUIC_BIT, {});
  if (parameters.preferredAddress) appendPreferredAddress(out, *parameters.preferredAddress);
  appendConnectionId(out, ParameterId::INITIAL_SOURCE_CONNECTION_ID, parameters.initialSourceConnectionId);
  appendConnectionId(out, ParameterId::RETRY_SOURCE_CONNECTION_ID, parameters.retrySourceConnectionId);
  if (parameters.versionInformation) appendVersionInformation(out, *parameters.versionInformation);
  if (parameters.maxDatagramFrameSize) {
    appendInteger(out, ParameterId::MAX_DATAGRAM_FRAME_SIZE, *parameters.maxDatagramFrameSize);
  }
  if (parameters.resetStreamAt) {
    appendParameter(out, ParameterId::RESET_STREAM_AT, {});
    appendParameter(out, ParameterId::RESET_STREAM_AT_DRAFT, {});
  }
  if (parameters.minAckDelay) appendInteger(out, ParameterId::MIN_ACK_DELAY, *parameters.minAckDelay);
  if (parameters.serverMigrationSuite) {
    appendInteger(out, ParameterId::SERVER_MIGRATION_SUITE, *parameters.serverMigrationSuite);
  }
  return out;
}

Result<TransportParameters> decodeTransportParameters(ByteSpan bytes, Role sender) {
  if (const auto structure = checkStructure(bytes); !structure) return forward(structure.error());
  TransportParameters parameters;
  for (ByteReader reader(bytes); !reader.atEnd();) {
    const auto raw = readRawParameter(reader);
    if (!raw) return refuse("transport parameter is cut short");
    if (sender == Role::Client && isServerOnly(static_cast<ParameterId>(raw->id))) {
      return refuse("server's transport parameter from a client");  // RFC 9000 §18.2
    }
    if (const auto applied = apply(*raw, sender, parameters); !applied) return forward(applied.error());
  }
  if (parameters.minAckDelay && *parameters.minAckDelay > 1000 * parameters.maxAckDelay) {
    return refuse("min_ack_delay above max_ack_delay");  // draft-ietf-quic-ack-frequency §3
  }
  // RFC 9000 §18.2: whoever chose a zero-length connection ID has no preferred address.
  const auto& sourceId = parameters.initialSourceConnectionId;
  if (parameters.preferredAddress && sourceId && sourceId->empty()) {
    return refuse("preferred_address beside a zero-length connection ID");
  }
  return parameters;
}

}  // namespace quic
