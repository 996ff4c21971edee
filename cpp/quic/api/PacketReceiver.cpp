#include "quic/api/PacketReceiver.h"

#include <algorithm>

#include "quic/api/AddressValidationDriver.h"
#include "quic/api/FrameDispatch.h"
#include "quic/api/HandshakeDriver.h"
#include "quic/api/KeyDriver.h"
#include "quic/api/LifeDriver.h"
#include "quic/api/MigrationDriver.h"
#include "quic/api/PathDriver.h"
#include "quic/api/QLogDriver.h"
#include "quic/api/QuicReadCodec.h"
#include "quic/api/RecoveryDriver.h"
#include "quic/api/VersionDriver.h"
#include "quic/codec/FrameTraits.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

/// What the packets of one datagram share.
struct DatagramContext {
  const ReceivedDatagram& datagram;
  Path* path = nullptr;  // nullptr: from where nothing authentic has come yet
  std::optional<ConnectionId> firstDestinationId;
  bool hasAuthentic = false;
  bool wasHeld = false;  // it waited for its keys
};

struct FrameSummary {
  bool ackEliciting = false;
  bool nonProbing = false;
};

std::optional<EncryptionLevel> levelOf(PacketType type) {
  switch (type) {
    case PacketType::Initial: return EncryptionLevel::Initial;
    case PacketType::ZeroRtt: return EncryptionLevel::ZeroRtt;
    case PacketType::Handshake: return EncryptionLevel::Handshake;
    case PacketType::OneRtt: return EncryptionLevel::OneRtt;
    default: return std::nullopt;
  }
}

/// Checks that come before any work with keys. RFC 9000 §5.2, §12.2, §17.2.
bool isWorthOpening(const QuicConnectionState& state, DatagramContext& context, const ProtectedPacket& packet) {
  // RFC 9000 §17.2, §17.3.1; RFC 9287 §3: whoever offered it takes either value.
  if (!fixedBit(packet) && !state.settings.greaseQuicBit) return false;
  if (context.firstDestinationId && *context.firstDestinationId != packet.destinationId) return false;  // §12.2
  context.firstDestinationId = packet.destinationId;
  if (packet.type == PacketType::OneRtt) return true;
  if (!isExpectedVersion(state, packet)) return false;
  if (state.handshake.peerSourceId && *state.handshake.peerSourceId != packet.sourceId) return false;  // §7.2
  if (packet.type == PacketType::ZeroRtt) return state.role == Role::Server;                           // RFC 9001 §5.6
  if (packet.type != PacketType::Initial) return true;
  // RFC 9000 §17.2.2: servers send no token; §14.1: Initial datagrams of clients are large.
  return state.role == Role::Client ? packet.token.empty() : context.datagram.bytes.size() >= kMinInitialDatagramSize;
}

/// What the first authentic packet of a level brings along.
void onAuthentic(QuicConnectionState& state, DatagramContext& context, const ProtectedPacket& packet) {
  if (packet.type != PacketType::OneRtt && !state.handshake.peerSourceId) {
    state.handshake.peerSourceId = packet.sourceId;
    state.peerIds.setFirst(packet.sourceId);
    state.paths.active().destination = state.peerIds.all().front();
  }
  if (state.role == Role::Server && packet.type == PacketType::Handshake) {
    // RFC 9001 §4.9.1 and RFC 9000 §8.1: whoever can seal this has received our Initial.
    discardSpace(state, PacketNumberSpace::Initial);
    state.paths.active().isValidated = true;
  }
  if (context.path == nullptr) {
    context.path = &adoptPath(state, context.datagram.path, packet.destinationId);
    context.path->bytesReceived += context.datagram.bytes.size();
  }
  context.hasAuthentic = true;
  context.path->lastReceivedAt = state.now;
  context.path->heardOn = packet.destinationId;
  onPacketProcessed(state);
}

/// The frames of one packet, until the first that is refused.
Result<FrameSummary> processFrames(QuicConnectionState& state, const PacketContext& context, ByteSpan payload) {
  FrameSummary summary;
  ByteReader reader(payload);
  while (!reader.atEnd()) {
    const Result<QuicFrame> frame = parseFrame(reader);
    if (!frame) return forward(frame.error());
    const FrameTraits traits = frameTraits(*frame);
    const bool senderMay = state.role == Role::Server ? traits.fromClient : traits.fromServer;
    if (!isAllowedIn(traits, context.level) || !senderMay) {  // RFC 9000 §12.4
      return fail(TransportErrorCode::PROTOCOL_VIOLATION, "frame not allowed in this packet",
                  static_cast<uint64_t>(frameTypeOf(*frame)));
    }
    summary.ackEliciting |= traits.ackEliciting;
    summary.nonProbing |= !traits.probing;
    const Result<> done = dispatchFrame(state, context, *frame);
    if (!done) return forward(done.error());
    if (!state.isOpen()) break;
  }
  return summary;
}

void processPacket(QuicConnectionState& state, const DatagramContext& datagram, const PacketContext& context,
                   const OpenedPacket& opened) {
  if (opened.hasReservedBits || opened.payload.empty()) {  // RFC 9000 §17.2, §12.4
    closeConnection(state, {TransportErrorCode::PROTOCOL_VIOLATION,
                            opened.payload.empty() ? "packet without frames" : "reserved bits are set"});
    return;
  }
  PacketSpace& space = state.space(spaceOf(context.level));
  if (context.level == EncryptionLevel::OneRtt) {
    if (const Result<> keys = onOneRttOpened(state, context.keyPhase, context.number); !keys) {
      return closeConnection(state, keys.error());
    }
    onOneRttPacket(state, context.number);
  }
  const Result<FrameSummary> summary = processFrames(state, context, opened.payload);
  if (!summary) {
    closeConnection(state, summary.error());
    return;
  }
  const bool isLatest = !space.acks.largest() || context.number > *space.acks.largest();
  space.acks.onPacketReceived(state.receivedAt, {context.number, summary->ackEliciting, datagram.datagram.ecn});
  if (!state.isOpen() || context.level != EncryptionLevel::OneRtt) return;
  if (isLatest && summary->nonProbing) onLatestNonProbingPacket(state, context);
  onHeardFrom(state, context.path);
}

DropReason reasonOf(OpenFailure failure) {
  switch (failure) {
    case OpenFailure::NoKeys: return DropReason::KeyUnavailable;
    case OpenFailure::Malformed: return DropReason::Invalid;
    case OpenFailure::Duplicate: return DropReason::Duplicate;
    case OpenFailure::NotAuthentic: return DropReason::DecryptionFailure;
  }
  return DropReason::Invalid;
}

OpeningKeys openingKeys(const QuicConnectionState& state, EncryptionLevel level) {
  const PacketSpace& space = state.space(spaceOf(level));
  if (level == EncryptionLevel::ZeroRtt) return {state.earlyData.keys, space.acks};
  return {space.readKeys, space.acks, level == EncryptionLevel::OneRtt ? &state.keys.phases : nullptr};
}

Expected<OpenedPacket, OpenFailure> open(QuicConnectionState& state, EncryptionLevel level,
                                         const ProtectedPacket& packet) {
  const bool isOther = level == EncryptionLevel::Initial && packet.version != state.handshake.version;
  return isOther ? openInitialOfOtherVersion(state, packet) : openPacket(openingKeys(state, level), packet);
}

// ---------------------------------------------------------------- packets ahead of their keys
/// The levels whose keys come late, in the order in which they come.
constexpr std::array kLateLevels = {EncryptionLevel::ZeroRtt, EncryptionLevel::Handshake, EncryptionLevel::OneRtt};

/// RFC 9001 §5.7: keys of this level are not there, or must not be used yet; they may still come.
bool awaitsKeys(const QuicConnectionState& state, EncryptionLevel level) {
  if (level == EncryptionLevel::OneRtt) return state.isHandshaking();
  const PacketSpace& handshake = state.space(PacketNumberSpace::Handshake);
  if (level == EncryptionLevel::Initial || handshake.isDiscarded) return false;
  if (level == EncryptionLevel::Handshake) return !handshake.readKeys;
  // The whole ClientHello decides about early data, and brings the keys to answer it.
  return !handshake.writeKeys && !state.earlyData.keys;
}

void dropPacket(QuicConnectionState& state, const ProtectedPacket& packet, DropReason reason) {
  ++state.stats.packetsDropped;
  logPacketDropped(state, &packet, packet.bytes.size(), reason);
}

void holdPacket(QuicConnectionState& state, const DatagramContext& context, EncryptionLevel level,
                const ProtectedPacket& packet) {
  // Nobody moves before the handshake is done: from elsewhere it is not worth the memory.
  const bool isHeld = context.path != nullptr &&
                      state.undecryptable.hold({level, state.now, context.datagram.path, context.datagram.ecn,
                                                ByteVector(packet.bytes.begin(), packet.bytes.end())});
  if (!isHeld) return dropPacket(state, packet, DropReason::KeyUnavailable);
  logPacketBuffered(state, packet);
}

void receivePacket(QuicConnectionState& state, DatagramContext& context, const ProtectedPacket& packet) {
  if (packet.type == PacketType::VersionNegotiation) return onVersionNegotiation(state, packet);
  if (packet.type == PacketType::Retry && onRetry(state, packet)) return logPacketReceived(state, packet);
  const auto level = levelOf(packet.type);
  if (!level) return dropPacket(state, packet, DropReason::Unsupported);
  if (!isWorthOpening(state, context, packet)) return dropPacket(state, packet, DropReason::Invalid);
  if (awaitsKeys(state, *level)) return holdPacket(state, context, *level, packet);
  const auto opened = open(state, *level, packet);
  if (!opened) {
    dropPacket(state, packet, reasonOf(opened.error()));
    if (opened.error() == OpenFailure::NotAuthentic) onForgedPacket(state);
    return;
  }
  if (context.path == nullptr &&
      (*level != EncryptionLevel::OneRtt || !mayAdoptPath(state, context.datagram.path, packet.destinationId))) {
    return dropPacket(state, packet, DropReason::Rejected);
  }
  ++state.stats.packetsReceived;
  onAuthentic(state, context, packet);
  logPacketReceived(state, packet, *opened, {context.path->id, context.wasHeld});
  if (*level == EncryptionLevel::OneRtt) context.path->spin.onReceived(state.role, opened->number, spinBit(packet));
  const PacketContext packetContext{
      state.now,       *level, opened->number, context.path->id, context.datagram.path.peer, packet.destinationId,
      opened->keyPhase};
  processPacket(state, context, packetContext, *opened);
}

std::optional<UndecryptablePacket> nextHeld(QuicConnectionState& state) {
  for (const EncryptionLevel level : kLateLevels) {
    if (awaitsKeys(state, level)) continue;
    if (auto packet = state.undecryptable.take(level)) return packet;
  }
  return std::nullopt;
}

/// What waited, once its keys are there. One of them may bring keys for others.
void receiveHeld(QuicConnectionState& state) {
  while (!state.undecryptable.empty()) {
    std::optional<UndecryptablePacket> held = nextHeld(state);
    if (!held) break;
    if (!state.isOpen()) continue;  // nobody will ever read it
    const ReceivedDatagram datagram{held->path, held->ecn, held->bytes};
    DatagramContext context{datagram, state.paths.find(held->path), std::nullopt};
    context.wasHeld = true;
    MutableByteSpan rest(held->bytes);
    state.receivedAt = held->receivedAt;
    if (const auto packet = nextPacket(rest, state.settings.connectionIdSize)) receivePacket(state, context, *packet);
    state.receivedAt = state.now;
  }
}

/// In constant time (RFC 9000 §10.3.1).
bool endsWith(ByteSpan datagram, const StatelessResetToken& token) {
  const ByteSpan tail = datagram.last(token.size());
  uint8_t difference = 0;
  for (size_t i = 0; i < token.size(); ++i) difference |= tail[i] ^ token[i];
  return difference == 0;
}

}  // namespace

bool isStatelessReset(const QuicConnectionState& state, const ReceivedDatagram& datagram) {
  if (state.isHandshaking() || datagram.bytes.size() < kMinStatelessResetSize) return false;
  bool isReset = false;
  state.paths.forEach([&](const Path& path) {
    if (path.tuple.peer != datagram.path.peer) return;
    for (const PeerConnectionId& id : state.peerIds.all()) {
      // RFC 9000 §10.3.1: only tokens of IDs that are in use there.
      if (id.sequence == path.destination.sequence && id.token) isReset |= endsWith(datagram.bytes, *id.token);
    }
  });
  return isReset;
}

void receiveDatagram(QuicConnectionState& state, const ReceivedDatagram& datagram) {
  if (!state.isOpen()) return onDatagramWhileClosing(state, datagram.bytes.size());
  if (state.events.size() >= kMaxQueuedEvents) {  // the host is far behind: as when a socket's buffer is full
    ++state.stats.packetsDropped;
    logPacketDropped(state, nullptr, datagram.bytes.size(), DropReason::Rejected);
    return;
  }
  state.receivedAt = state.now;
  DatagramContext context{datagram, state.paths.find(datagram.path), std::nullopt};
  if (context.path == nullptr && !mayAdoptPath(state, datagram.path)) {  // RFC 9000 §9: dropped before decryption
    ++state.stats.packetsDropped;
    logPacketDropped(state, nullptr, datagram.bytes.size(), DropReason::Rejected);
    return;
  }
  state.stats.bytesReceived += datagram.bytes.size();
  if (context.path != nullptr) {
    context.path->bytesReceived += datagram.bytes.size();
    if (context.path->tuple.local.isUnspecified()) context.path->tuple.local = datagram.path.local;
  }
  MutableByteSpan rest = datagram.bytes;
  while (!rest.empty() && state.isOpen()) {
    const auto packet = nextPacket(rest, state.settings.connectionIdSize);
    if (!packet) {
      ++state.stats.packetsDropped;
      logPacketDropped(state, nullptr, rest.size(), DropReason::Invalid);
      break;
    }
    receivePacket(state, context, *packet);
  }
  receiveHeld(state);
  if (!context.hasAuthentic && state.isOpen() && isStatelessReset(state, datagram)) onStatelessReset(state);
}

}  // namespace quic
