#include "quic/api/TransmitDriver.h"

#include <algorithm>

#include "quic/api/CongestionDriver.h"
#include "quic/api/ConnectionMigrationDriver.h"
#include "quic/api/EcnDriver.h"
#include "quic/api/HandshakeDriver.h"
#include "quic/api/KeyDriver.h"
#include "quic/api/LifeDriver.h"
#include "quic/api/MigrationDriver.h"
#include "quic/api/MtuDriver.h"
#include "quic/api/QLogDriver.h"
#include "quic/api/QuicPacketBuilder.h"
#include "quic/api/QuicPacketScheduler.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

constexpr size_t kMaxTrainSegments = 64;  // what every kernel with UDP_SEGMENT takes
constexpr size_t kMaxTrainBytes = 65000;  // below the largest UDP payload over IPv4
constexpr std::array kLevels = {EncryptionLevel::Initial, EncryptionLevel::ZeroRtt, EncryptionLevel::Handshake,
                                EncryptionLevel::OneRtt};

/// RFC 9287 §3.1: not before the peer has said in this connection that it takes either value. What was remembered does not count
/// (it might, but only beside a token of the same server): the settings of the connection before do not bind this one's.
bool mayGrease(const QuicConnectionState& state) {
  return state.settings.greaseQuicBit && state.handshake.peerParameters &&
         state.handshake.peerParameters->greaseQuicBit;
}

std::optional<QuicPacketBuilder> beginPacket(QuicConnectionState& state, Path& path, EncryptionLevel level,
                                             MutableByteSpan out) {
  const PacketNumberSpace name = spaceOf(level);
  if (!maySeal(state, level) || !hasPacketNumbers(state, name)) return std::nullopt;
  // RFC 9369 §4.1: 0-RTT stays in the version that it was offered in.
  const bool isEarly = level == EncryptionLevel::ZeroRtt;
  Random& random = state.environment.random;
  const bool spin = level == EncryptionLevel::OneRtt &&
                    path.spin.next(path.destination.sequence, state.settings.spinBit, state.headerBits, random);
  const PacketHeaderFields fields{level,
                                  isEarly ? state.handshake.originalVersion : state.handshake.version,
                                  path.destination.id,
                                  state.selfIds.first(),
                                  state.keys.phases.bit(),
                                  state.handshake.token,
                                  spin,
                                  !mayGrease(state) || state.headerBits.next(random)};
  return QuicPacketBuilder::begin(out, fields, state.space(name).nextNumber, state.recovery.largestAcked(name));
}

/// 0 when it failed.
size_t sealPacket(QuicConnectionState& state, const Path& path, QuicPacketBuilder& builder, bool isMtuProbe = false) {
  logPacketSent(state, path, builder, isMtuProbe);
  return builder.seal(writeKeysOf(state, builder.level()));
}

/// The packet is sealed: it has a number, a record, and weighs on its path. `mark`: of its datagram.
void onPacketSealed(QuicConnectionState& state, Path& path, const QuicPacketBuilder& builder, PacketContent&& content,
                    size_t size, Ecn mark) {
  const PacketNumberSpace name = spaceOf(builder.level());
  PacketSpace& space = state.space(name);
  space.nextNumber = name == PacketNumberSpace::AppData
                         ? space.skipper.after(builder.number(), state.environment.random)
                         : builder.number() + 1;
  ++state.stats.packetsSent;
  onSealedUnderKeys(state, builder.level(), builder.number(), content.hasAck);
  SentPacket packet;
  packet.number = builder.number();
  packet.sentAt = state.now;
  packet.size = static_cast<uint32_t>(size);
  packet.path = path.id;
  packet.ecn = mark;
  packet.level = builder.level();
  packet.ackEliciting = content.ackEliciting;
  packet.inFlight = content.ackEliciting;
  onEcnPacketSent(state, path, name, mark);
  packet.isMtuProbe = content.isMtuProbe;
  if (packet.inFlight) onInFlightSent(state, path, packet);
  if (packet.ackEliciting) {
    onAckElicitingSent(state);
    if (space.probesToSend > 0) --space.probesToSend;
    if (name == PacketNumberSpace::AppData && path.id == state.paths.active().id) onAsked(state);
  }
  const std::optional<PacketNum> acked =
      content.hasAck && name == PacketNumberSpace::AppData ? space.acks.largest() : std::nullopt;
  packet.frames = std::move(content.frames);
  state.recovery.onPacketSent(name, std::move(packet), path.id != state.paths.active().id);
  if (builder.level() == EncryptionLevel::Handshake) onHandshakePacketSent(state);
  if (acked) onAckLeft(state, *acked);
}

// ---------------------------------------------------------------- closing
size_t writeClosePacket(QuicConnectionState& state, EncryptionLevel level, MutableByteSpan out) {
  PacketSpace& space = state.space(spaceOf(level));
  const auto& closing = std::get<life::Closing>(state.life);
  auto builder = beginPacket(state, state.paths.active(), level, out);
  if (!builder) return 0;
  ConnectionCloseFrame frame;
  frame.errorCode = wireCode(closing.error.code);
  frame.frameType = closing.error.frameType;
  frame.reason = asBytes(closing.reason);
  frame.isApplication = std::holds_alternative<ApplicationErrorCode>(closing.error.code);
  if (frame.isApplication && level != EncryptionLevel::OneRtt) {
    // RFC 9000 §10.2.3: an application's words are not for packets that anybody can read.
    frame = {false, static_cast<uint64_t>(TransportErrorCode::APPLICATION_ERROR), 0, {}};
  }
  if (!writeFrame(builder->frames(), frame)) return 0;
  if (level == EncryptionLevel::Initial && state.role == Role::Client) builder->padTo(kMinInitialDatagramSize);
  ++space.nextNumber;
  onSealedUnderKeys(state, level, builder->number(), false);
  return sealPacket(state, state.paths.active(), *builder);
}

/// RFC 9000 §10.2.3: at every level that the peer may be able to read.
std::optional<Transmit> transmitClose(QuicConnectionState& state, MutableByteSpan out) {
  auto& closing = std::get<life::Closing>(state.life);
  if (!closing.isSendPending || state.paths.active().isWaitingForId) return std::nullopt;
  closing.isSendPending = false;
  Path& path = state.paths.active();
  const uint64_t allowance = path.amplificationAllowance();
  const MutableByteSpan datagram =
      out.first(static_cast<size_t>(std::min<uint64_t>({out.size(), state.datagramSize(), allowance})));
  size_t size = 0;
  for (const EncryptionLevel level : kLevels) {
    // An Initial packet says it as well as a 0-RTT packet would.
    if (level == EncryptionLevel::ZeroRtt || !writeKeysOf(state, level)) continue;
    size += writeClosePacket(state, level, datagram.subspan(size));
  }
  if (size == 0) return std::nullopt;
  onCloseSent(state, size);
  path.bytesSent += size;
  state.stats.bytesSent += size;
  return Transmit{path.tuple, Ecn::NotEct, size, size};
}

// ---------------------------------------------------------------- path validation
/// What a moved server has sent us from its new address must be acknowledged there: acknowledgments that go to the old one are
/// lost, its window stays full, and the answer to our challenge with it. Only from an address of ours that has not changed:
/// for that one no packet can look like a migration of the client (RFC 9000 §9.1).
void writeAckBeside(QuicConnectionState& state, const Path& path, ByteWriter& writer, SentFrames& sent) {
  const Path& active = state.paths.active();
  const AckTracker& acks = state.space(PacketNumberSpace::AppData).acks;
  const bool isSameLocal = path.tuple.local == active.tuple.local;
  const bool isServersMove = !negotiatedMigration(state).empty() && path.purpose == Path::Purpose::Followed;
  if (state.role != Role::Client || path.id == active.id || !isSameLocal || !isServersMove) return;
  if (acks.received().empty()) return;
  const auto delay = static_cast<uint64_t>(acks.delay(state.now).count()) >> kDefaultAckDelayExponent;
  if (!writeAckFrame(writer, acks.received(), delay, acks.ecnCounts())) return;
  sent.push_back(SentAck{*acks.largest(), PacketNumberSpace::AppData});
}

/// PATH_CHALLENGE and PATH_RESPONSE, alone in a datagram of full size (RFC 9000 §8.2.1, §8.2.2). No application data: nothing
/// is thrown at an address that has proved nothing.
std::optional<Transmit> transmitPathFrames(QuicConnectionState& state, MutableByteSpan out) {
  // A client that its server sent to an address probes it as it would a preferred one. A server keeps to what it received, and
  // so does a client that follows whoever spoke (RFC 9000 §9.3).
  const bool isServer = state.role == Role::Server;
  Path* path = state.paths.nextWithPathFrames(state.now, isServer);
  PacketSpace& space = state.space(PacketNumberSpace::AppData);
  if (path == nullptr || !space.writeKeys || state.isHandshaking()) return std::nullopt;
  const bool isLimited = isServer || path->id == state.paths.active().id;
  const uint64_t allowance = isLimited ? path->amplificationAllowance() : UINT64_MAX;
  const size_t size = static_cast<size_t>(std::min<uint64_t>({kMinUdpPayloadSize, allowance, out.size()}));
  auto builder = beginPacket(state, *path, EncryptionLevel::OneRtt, out.first(size));
  if (!builder) return std::nullopt;
  PacketContent content;
  content.ackEliciting = true;
  const bool answers = !path->responses.empty();
  while (!path->responses.empty()) {
    if (!writeFrame(builder->frames(), PathResponseFrame{path->responses[path->responses.size() - 1]})) break;
    QuicPathManager::onResponseWritten(*path);
    content.frames.push_back(SentPathResponse{path->id});
  }
  if (QuicPathManager::isChallengeDue(*path, state.now)) {
    const PathData data = state.paths.makeChallenge(state.now, *path, state.environment.random, size);
    if (writeFrame(builder->frames(), PathChallengeFrame{data})) content.frames.push_back(SentPathChallenge{path->id});
  }
  if (builder->isEmpty()) return std::nullopt;
  if (answers && path->id == state.paths.active().id && writeFrame(builder->frames(), PingFrame{})) {
    content.frames.push_back(SentPing{});  // RFC 9000 §9.3.3: more than a probe, so that no copy of it wins
  }
  writeAckBeside(state, *path, builder->frames(), content.frames);
  // What cannot prove the size either way is kept small: the rest of the allowance is for others.
  if (size >= kMinUdpPayloadSize) builder->padTo(size);
  const size_t sealed = sealPacket(state, *path, *builder);
  if (sealed == 0) return std::nullopt;
  const Ecn mark = ecnMark(state, *path);
  onPacketSealed(state, *path, *builder, std::move(content), sealed, mark);
  path->bytesSent += sealed;
  state.stats.bytesSent += sealed;
  return Transmit{path->tuple, mark, sealed, sealed};
}

// ---------------------------------------------------------------- path MTU
/// PING and PADDING (RFC 9000 §14.4): nothing is lost with it that would have to be sent again.
std::optional<Transmit> transmitMtuProbe(QuicConnectionState& state, MutableByteSpan out) {
  PacketSpace& space = state.space(PacketNumberSpace::AppData);
  if (!space.writeKeys || space.probesToSend > 0) return std::nullopt;
  const auto size = mtuProbeDue(state, out.size());
  if (!size) return std::nullopt;
  Path& path = state.paths.active();
  auto builder = beginPacket(state, path, EncryptionLevel::OneRtt, out.first(*size));
  if (!builder || !writeFrame(builder->frames(), PingFrame{})) return std::nullopt;
  builder->padTo(*size);
  const size_t sealed = sealPacket(state, path, *builder, true);
  if (sealed == 0) return std::nullopt;
  path.mtu.onProbeSent(builder->number(), sealed);
  PacketContent content;
  content.ackEliciting = true;
  content.isMtuProbe = true;
  content.frames.push_back(SentPing{});
  const Ecn mark = ecnMark(state, path);
  onPacketSealed(state, path, *builder, std::move(content), sealed, mark);
  path.bytesSent += sealed;
  state.stats.bytesSent += sealed;
  return Transmit{path.tuple, mark, sealed, sealed};
}

// ---------------------------------------------------------------- the active path
SendConstraint constraintOf(QuicConnectionState& state, Path& path) {
  for (const PacketSpace& space : state.spaces) {
    if (space.probesToSend > 0) return SendConstraint::ProbeOnly;
  }
  const size_t datagram = state.datagramSize();
  if (path.controller->available() < datagram) return SendConstraint::CongestionLimited;
  const auto paced = path.pacer.nextSendTime(state.now, datagram);
  if (!paced) return SendConstraint::None;
  state.pacedUntil = paced;
  return SendConstraint::CongestionLimited;
}

/// One packet of a datagram, filled and waiting for padding and seal.
struct PendingPacket {
  QuicPacketBuilder builder;
  PacketContent content;
};

/// RFC 9000 §14.1: Initial datagrams of clients, and ack-eliciting ones of servers, are filled up.
bool needsFullDatagram(const QuicConnectionState& state, const PendingPacket& packet) {
  return packet.builder.level() == EncryptionLevel::Initial &&
         (state.role == Role::Client || packet.content.ackEliciting);
}

/// Packets of the handshake's levels, and of 1-RTT behind them, in one datagram (RFC 9000 §12.2).
size_t buildCoalesced(QuicConnectionState& state, Path& path, MutableByteSpan out, Ecn mark) {
  std::array<std::optional<PendingPacket>, kLevels.size()> pending;
  size_t used = 0;
  size_t count = 0;
  bool mustFill = false;
  for (const EncryptionLevel level : kLevels) {
    const SendConstraint constraint = constraintOf(state, path);
    if (!hasInterest(state, level, constraint)) continue;
    auto builder = beginPacket(state, path, level, out.subspan(used));
    if (!builder) break;
    PacketContent content = fillPacket(state, level, constraint, builder->frames());
    if (builder->isEmpty()) continue;
    builder->padTo(builder->size() + (builder->frames().offset() < 4 ? 4 - builder->frames().offset() : 0));
    used += builder->size();
    pending[count].emplace(PendingPacket{*builder, std::move(content)});
    mustFill |= needsFullDatagram(state, *pending[count]);
    ++count;
  }
  if (count == 0) return 0;
  if (mustFill && used < kMinInitialDatagramSize) {
    QuicPacketBuilder& last = pending[count - 1]->builder;
    last.padTo(last.size() + kMinInitialDatagramSize - used);
  }
  size_t size = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t sealed = sealPacket(state, path, pending[i]->builder);
    if (sealed == 0) return 0;
    size += sealed;
    onPacketSealed(state, path, pending[i]->builder, std::move(pending[i]->content), sealed, mark);
  }
  return size;
}

/// A probe for silence must arrive also where the path has become narrower, so it does not use what was gained; after some of
/// them not even the base (RFC 8899 §4.3).
size_t probeRoom(const QuicConnectionState& state) {
  constexpr int kFullProbes = 2;
  return state.recovery.ptoCount() > kFullProbes ? PathMtu::kBase / 2 : PathMtu::kBase;
}

/// One 1-RTT packet. 0: nothing to send.
size_t buildOneRtt(QuicConnectionState& state, Path& path, MutableByteSpan out, Ecn mark) {
  const SendConstraint constraint = constraintOf(state, path);
  if (!hasInterest(state, EncryptionLevel::OneRtt, constraint)) return 0;
  const size_t room = constraint == SendConstraint::ProbeOnly ? std::min(out.size(), probeRoom(state)) : out.size();
  auto builder = beginPacket(state, path, EncryptionLevel::OneRtt, out.first(room));
  if (!builder) return 0;
  const bool speaksFirst = state.migrationWork.isServerMigratedPending;
  PacketContent content = fillPacket(state, EncryptionLevel::OneRtt, constraint, builder->frames());
  if (builder->isEmpty()) return 0;
  // SM-56: what the client may send before it has proved this address is three times what came from there.
  if (speaksFirst && !state.migrationWork.isServerMigratedPending) builder->padTo(std::min(room, kMinUdpPayloadSize));
  // RFC 9000 §10.3: so that what the peer may answer, a stateless reset one byte smaller, looks like any packet to us.
  builder->padTo(kMinStatelessResetSize + 1 + state.settings.connectionIdSize);
  const size_t sealed = sealPacket(state, path, *builder);
  if (sealed != 0) onPacketSealed(state, path, *builder, std::move(content), sealed, mark);
  return sealed;
}

bool hasHandshakeKeys(const QuicConnectionState& state) {
  return state.space(PacketNumberSpace::Initial).writeKeys || state.space(PacketNumberSpace::Handshake).writeKeys;
}

std::optional<Transmit> transmitOnActive(QuicConnectionState& state, MutableByteSpan out) {
  Path& path = state.paths.active();
  if (path.isWaitingForId) return std::nullopt;
  const size_t datagram = state.datagramSize();
  size_t total = 0;
  size_t segment = 0;
  const Ecn mark = ecnMark(state, path);
  for (size_t i = 0; i < kMaxTrainSegments; ++i) {
    const uint64_t allowance = path.amplificationAllowance();
    const size_t room = static_cast<size_t>(std::min<uint64_t>({datagram, out.size() - total, allowance}));
    if (room < datagram && total > 0) break;  // only whole segments may follow
    if (total > 0 && total + datagram > kMaxTrainBytes) break;
    const MutableByteSpan place = out.subspan(total, room);
    const bool coalesces = hasHandshakeKeys(state);
    // RFC 9000 §14.1: an ack-eliciting Initial packet of a server fills its datagram, or waits until it may.
    if (room < kMinInitialDatagramSize && state.space(PacketNumberSpace::Initial).writeKeys) break;
    const size_t size = coalesces ? buildCoalesced(state, path, place, mark) : buildOneRtt(state, path, place, mark);
    if (size == 0) break;
    path.bytesSent += size;
    total += size;
    if (segment == 0) segment = size;
    if (size < datagram || coalesces || state.paths.active().id != path.id) break;
    if (ecnMark(state, path) != mark) break;  // one train, one mark
  }
  if (total == 0) {
    onSendingStopped(state);
    return std::nullopt;
  }
  onDatagramSent(state, segment);
  state.stats.bytesSent += total;
  return Transmit{path.tuple, mark, total, segment};
}

}  // namespace

std::optional<Transmit> pollTransmit(QuicConnectionState& state, MutableByteSpan out) {
  state.pacedUntil.reset();
  if (state.isOpen()) endAfterLastPacketNumber(state);
  if (state.isOpen()) tendKeys(state);
  if (state.isOpen()) beginAwaitedMove(state);
  if (state.isOpen()) leaveUnusablePath(state);
  if (std::holds_alternative<life::Closing>(state.life)) return transmitClose(state, out);
  if (!state.isOpen() || out.size() < state.datagramSize()) return std::nullopt;
  if (auto transmit = transmitPathFrames(state, out)) return transmit;
  if (auto transmit = transmitMtuProbe(state, out)) return transmit;
  return transmitOnActive(state, out);
}

}  // namespace quic
