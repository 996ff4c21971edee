#include "quic/handshake/Resumption.h"

namespace quic {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kVersionSize = 4;
constexpr size_t kMaxAlpnSize = 255;  // RFC 7301 §3.1

std::optional<ByteSpan> readCounted(ByteReader& reader) {
  const auto size = reader.readVarint();
  if (!size) return std::nullopt;
  return reader.readBytes(*size);
}

bool writeCounted(ByteWriter& writer, ByteSpan bytes) {
  return writer.writeVarint(bytes.size()) && writer.writeBytes(bytes);
}

/// Values that count what a client may send before it has heard of new ones.
TransportParameters limitsOf(const TransportParameters& all) {
  TransportParameters limits;
  limits.maxUdpPayloadSize = all.maxUdpPayloadSize;
  limits.initialMaxData = all.initialMaxData;
  limits.initialMaxStreamDataBidiLocal = all.initialMaxStreamDataBidiLocal;
  limits.initialMaxStreamDataBidiRemote = all.initialMaxStreamDataBidiRemote;
  limits.initialMaxStreamDataUni = all.initialMaxStreamDataUni;
  limits.initialMaxStreamsBidi = all.initialMaxStreamsBidi;
  limits.initialMaxStreamsUni = all.initialMaxStreamsUni;
  limits.activeConnectionIdLimit = all.activeConnectionIdLimit;
  limits.maxDatagramFrameSize = all.maxDatagramFrameSize;
  limits.resetStreamAt = all.resetStreamAt;
  return limits;
}

}  // namespace

ByteVector encodeResumption(const Resumption& resumption) {
  const ByteVector parameters = encodeTransportParameters(resumption.remembered);
  ByteVector bytes(1 + kVersionSize + 3 * 8 + resumption.alpn.size() + parameters.size() + resumption.session.size());
  if (bytes.size() > kMaxResumptionSize) return {};
  ByteWriter writer(bytes);
  const bool isWritten = writer.writeByte(kFormat) && writer.writeBigEndian(resumption.version, kVersionSize) &&
                         writeCounted(writer, asBytes(resumption.alpn)) && writeCounted(writer, parameters) &&
                         writeCounted(writer, resumption.session);
  bytes.resize(isWritten ? writer.offset() : 0);
  return bytes;
}

std::optional<Resumption> decodeResumption(ByteSpan bytes) {
  if (bytes.size() > kMaxResumptionSize) return std::nullopt;
  ByteReader reader(bytes);
  if (reader.readByte() != kFormat) return std::nullopt;
  const auto version = reader.readBigEndian(kVersionSize);
  const auto alpn = version ? readCounted(reader) : std::nullopt;
  const auto parameters = alpn ? readCounted(reader) : std::nullopt;
  const auto session = parameters ? readCounted(reader) : std::nullopt;
  if (!session || session->empty() || alpn->size() > kMaxAlpnSize || !reader.atEnd()) return std::nullopt;
  const Result<TransportParameters> decoded = decodeTransportParameters(*parameters, Role::Server);
  if (!decoded) return std::nullopt;
  return Resumption{static_cast<uint32_t>(*version), std::string(asText(*alpn)), rememberedParameters(*decoded),
                    ByteVector(session->begin(), session->end())};
}

TransportParameters rememberedParameters(const TransportParameters& server) {
  const TransportParameters defaults;
  TransportParameters remembered = server;
  remembered.originalDestinationConnectionId.reset();
  remembered.initialSourceConnectionId.reset();
  remembered.retrySourceConnectionId.reset();
  remembered.statelessResetToken.reset();
  remembered.preferredAddress.reset();
  remembered.ackDelayExponent = defaults.ackDelayExponent;
  remembered.maxAckDelay = defaults.maxAckDelay;
  remembered.minAckDelay.reset();  // draft-ietf-quic-ack-frequency §3
  remembered.versionInformation.reset();
  remembered.serverMigrationSuite.reset();
  remembered.greaseQuicBit = false;  // RFC 9287 §3.1: only beside a token of the same server, and then it is a MAY
  return remembered;
}

bool keepsRemembered(const TransportParameters& fresh, const TransportParameters& remembered) {
  return fresh.activeConnectionIdLimit >= remembered.activeConnectionIdLimit &&
         fresh.initialMaxData >= remembered.initialMaxData &&
         fresh.initialMaxStreamDataBidiLocal >= remembered.initialMaxStreamDataBidiLocal &&
         fresh.initialMaxStreamDataBidiRemote >= remembered.initialMaxStreamDataBidiRemote &&
         fresh.initialMaxStreamDataUni >= remembered.initialMaxStreamDataUni &&
         fresh.initialMaxStreamsBidi >= remembered.initialMaxStreamsBidi &&
         fresh.initialMaxStreamsUni >= remembered.initialMaxStreamsUni &&
         fresh.maxDatagramFrameSize.value_or(0) >= remembered.maxDatagramFrameSize.value_or(0) &&
         (fresh.resetStreamAt || !remembered.resetStreamAt);
}

ByteVector earlyDataContext(const TransportParameters& ours, ByteSpan application) {
  const ByteVector limits = encodeTransportParameters(limitsOf(ours));
  ByteVector context(1 + 8 + limits.size() + application.size());
  ByteWriter writer(context);
  writer.writeByte(kFormat);
  writeCounted(writer, limits);
  writer.writeBytes(application);
  context.resize(writer.offset());
  return context;
}

}  // namespace quic
