#include "quic/api/VersionDriver.h"

#include <algorithm>

#include "quic/api/HandshakeDriver.h"
#include "quic/api/LifeDriver.h"
#include "quic/api/QLogDriver.h"
#include "quic/api/RecoveryDriver.h"
#include "quic/handshake/Resumption.h"

namespace quic {
namespace {

bool contains(const std::vector<uint32_t>& versions, uint32_t version) {
  return std::find(versions.begin(), versions.end(), version) != versions.end();
}

/// What a client makes of a list of the server's: the one of its own that it likes best.
std::optional<uint32_t> selectVersion(const std::vector<uint32_t>& ours, const std::vector<uint32_t>& theirs) {
  const auto found =
      std::find_if(ours.begin(), ours.end(), [&](uint32_t v) { return isKnownVersion(v) && contains(theirs, v); });
  return found == ours.end() ? std::nullopt : std::optional(*found);
}

Unexpected<QuicError> versionError(std::string_view why) {
  return fail(TransportErrorCode::VERSION_NEGOTIATION_ERROR, why);
}

/// RFC 9368 §4: with what the server now says under the handshake's protection, would we be here?
Result<> checkForDowngrade(const QuicConnectionState& state, std::vector<uint32_t> servers) {
  if (servers.empty()) return versionError("the server has no versions");
  servers.push_back(state.handshake.version);
  const auto would = selectVersion(state.settings.versions, servers);
  if (would == state.handshake.originalVersion) return Unit{};
  return versionError("a Version Negotiation packet was forged");
}

Result<> checkServersInformation(const QuicConnectionState& state, const TransportParameters& peer) {
  const HandshakeState& handshake = state.handshake;
  const bool hasChanged = handshake.version != handshake.originalVersion;
  if (!peer.versionInformation) {
    // RFC 9368 §8: servers of version 1 alone know nothing of this.
    const bool isPlain = handshake.version == kQuicVersion1 && !hasChanged;
    if (!isPlain && (hasChanged || handshake.hasReactedToVersions)) {
      return versionError("version_information is missing");
    }
    return handshake.hasReactedToVersions ? checkForDowngrade(state, {kQuicVersion1}) : Result<>(Unit{});
  }
  if (peer.versionInformation->chosen != handshake.version) {
    return versionError("the server chose another version than it speaks");
  }
  if (!handshake.hasReactedToVersions) return Unit{};
  return checkForDowngrade(state, peer.versionInformation->available);
}

/// RFC 9369 §4.1: a client learns the version by the first long header that differs; not after a ServerHello.
bool mayChangeVersion(const QuicConnectionState& state, const ProtectedPacket& packet) {
  const HandshakeState& handshake = state.handshake;
  const bool isSettled = handshake.version != handshake.originalVersion ||
                         static_cast<bool>(state.space(PacketNumberSpace::Handshake).readKeys);
  return state.role == Role::Client && !isSettled && isKnownVersion(packet.version) &&
         contains(state.settings.versions, packet.version);
}

/// The Initial read keys of the version before are kept: the peer may not know yet.
void changeVersion(QuicConnectionState& state, uint32_t version) {
  state.handshake.originalReadKeys = std::move(state.space(PacketNumberSpace::Initial).readKeys);
  state.handshake.version = version;
  if (state.role == Role::Server) state.handshake.tls->setVersion(version);
  installInitialKeys(state);
}

void begin(QuicConnectionState& state, uint32_t version) {
  HandshakeState& handshake = state.handshake;
  handshake.version = version;
  handshake.originalVersion = version;
  // RFC 9000 §7.2: unpredictable, at least 8 bytes; the server answers with an ID of its own.
  std::array<uint8_t, kMinInitialDestinationConnectionIdSize> bytes{};
  state.environment.random.fill(bytes);
  handshake.originalDestinationId = ConnectionId(bytes);
  state.peerIds.setFirst(handshake.originalDestinationId);
  state.paths.active().destination = state.peerIds.all().front();
  const AddressToken& token = state.settings.addressToken;
  const bool isForThis = token.version == version && token.bytes.size() <= kMaxAddressTokenSize;  // RFC 9369 §5
  handshake.token = isForThis ? token.bytes : ByteVector();
  beginQLog(state);
  installInitialKeys(state);
  startClientHandshake(state);
}

/// A connection attempt of its own (RFC 9368 §2.4), but for what the application asked for and our connection IDs.
void beginAgain(QuicConnectionState& state, uint32_t version, std::unique_ptr<HandshakeLayer>&& tls) {
  forgetFlight(state, PacketNumberSpace::Initial);
  restartSpace(state, PacketNumberSpace::AppData);
  state.handshake.tls = std::move(tls);
  state.handshake.hasReactedToVersions = true;
  begin(state, version);
}

}  // namespace

void beginInOriginalVersion(QuicConnectionState& state) {
  const std::vector<uint32_t>& versions = state.settings.versions;
  const auto mayBegin = [&](uint32_t version) { return version != kVersionNegotiation && contains(versions, version); };
  const std::optional<Resumption> resumption = decodeResumption(state.settings.resumption);
  if (mayBegin(state.settings.originalVersion)) return begin(state, state.settings.originalVersion);
  if (resumption && mayBegin(resumption->version)) return begin(state, resumption->version);
  begin(state, !versions.empty() && mayBegin(versions.front()) ? versions.front() : kQuicVersion1);
}

VersionInformation ourVersionInformation(const QuicConnectionState& state) {
  VersionInformation ours{state.handshake.version, {}};
  for (const uint32_t version : state.settings.versions) {
    if (isKnownVersion(version) || isReservedVersion(version)) ours.available.push_back(version);
  }
  // RFC 9368 §3: a client's choice is among them.
  if (state.role == Role::Client && !contains(ours.available, ours.chosen)) ours.available.push_back(ours.chosen);
  return ours;
}

Result<> checkVersionInformation(const QuicConnectionState& state, const TransportParameters& peer) {
  if (state.role == Role::Client) return checkServersInformation(state, peer);
  const auto& theirs = peer.versionInformation;
  if (theirs && theirs->chosen != state.handshake.originalVersion) {
    return versionError("the client chose another version than it speaks");
  }
  return Unit{};
}

void negotiateCompatibleVersion(QuicConnectionState& state, const TransportParameters& peer) {
  if (!peer.versionInformation) return;
  const auto& offered = peer.versionInformation->available;
  for (const uint32_t version : state.settings.versions) {
    // Versions 1 and 2 are compatible with each other (RFC 9369 §4).
    if (!isKnownVersion(version) || !contains(offered, version)) continue;
    if (version != state.handshake.version) changeVersion(state, version);
    return;
  }
}

void onVersionNegotiation(QuicConnectionState& state, const ProtectedPacket& packet) {
  const HandshakeState& handshake = state.handshake;
  // RFC 9000 §6.2, RFC 9368 §4: not after anything else was understood, and not twice.
  const bool hasHeard = handshake.peerSourceId || handshake.retrySourceId || handshake.hasReactedToVersions;
  if (state.role != Role::Client || hasHeard || packet.sourceId != handshake.originalDestinationId ||
      packet.destinationId != state.selfIds.first()) {
    return;
  }
  std::vector<uint32_t> theirs;
  ByteReader versions(packet.supportedVersions);
  while (const auto version = versions.readBigEndian(4)) theirs.push_back(static_cast<uint32_t>(*version));
  if (contains(theirs, handshake.originalVersion)) return;
  logPacketReceived(state, packet);
  const auto selected = selectVersion(state.settings.versions, theirs);
  auto tls = selected ? handshake.tls->another() : nullptr;
  if (tls) return beginAgain(state, *selected, std::move(tls));
  abandonConnection(state, {LocalErrorCode::VERSION_NEGOTIATION, "the server speaks no version of ours"});
}

bool isExpectedVersion(const QuicConnectionState& state, const ProtectedPacket& packet) {
  const HandshakeState& handshake = state.handshake;
  if (packet.type == PacketType::ZeroRtt) return packet.version == handshake.originalVersion;
  if (packet.version == handshake.version) return true;
  if (packet.type != PacketType::Initial) return false;
  return mayChangeVersion(state, packet) || (packet.version == handshake.originalVersion && handshake.originalReadKeys);
}

Expected<OpenedPacket, OpenFailure> openInitialOfOtherVersion(QuicConnectionState& state,
                                                              const ProtectedPacket& packet) {
  const AckTracker& received = state.space(PacketNumberSpace::Initial).acks;
  if (!mayChangeVersion(state, packet)) return openPacket({state.handshake.originalReadKeys, received}, packet);
  const PacketProtection keys = initialKeys(state, packet.version).server;
  auto opened = openPacket({keys, received}, packet);
  if (opened) changeVersion(state, packet.version);
  return opened;
}

}  // namespace quic
