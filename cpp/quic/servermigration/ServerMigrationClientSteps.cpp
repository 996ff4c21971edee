// What the arms of the client's table do.
#include <algorithm>

#include "quic/servermigration/ServerMigrationClient.h"

namespace quic {

using namespace migration;
using Protocol = ServerMigrationProtocol;

// ---- announcements

MigrationSteps ServerMigrationClient::acceptExplicit(TimePoint now, const SocketAddress& target) {
  if (!policy_.accepts(target)) {  // SM-10
    QuicError error{LocalErrorCode::MIGRATION_ADDRESS_REFUSED, "the address policy refuses the announced address"};
    error.frameType = static_cast<uint64_t>(FrameType::SERVER_MIGRATION);
    return failWith(error);
  }
  settle();
  data_ = ExplicitAnnounced{target, now + announcementLifetime_};
  return {.actions = {}, .events = {Announced{Protocol::EXPLICIT, target}}};
}

/// SM-15: the same announcement in a newer packet was made again on purpose. A late copy changes nothing.
MigrationSteps ServerMigrationClient::prolong(TimePoint now) {
  if (currentPacket_ <= settledPacket_) return {};
  settle();
  const TimePoint expiresAt = now + announcementLifetime_;
  if (auto* announced = std::get_if<ExplicitAnnounced>(&data_)) announced->expiresAt = expiresAt;
  if (auto* announced = std::get_if<SynchronizedAnnounced>(&data_)) announced->expiresAt = expiresAt;
  if (auto* probe = std::get_if<ExplicitProbe>(&data_)) probe->expiresAt = expiresAt;
  return {};
}

void ServerMigrationClient::settle() { settledPacket_ = std::max(settledPacket_, currentPacket_); }

/// In the family in use. A link-local address means the link on which we talk already: scopes do not travel.
std::optional<SocketAddress> ServerMigrationClient::addressOf(const QuicIPAddress& address) const {
  const SocketAddress peer = active();
  const std::optional<SocketAddress> named = address.forFamily(peer.family());
  if (!named || named->isV4() || !named->isLinkLocal()) return named;
  return SocketAddress::v6(address.ipv6, address.ipv6Port, peer.scope());
}

// ---- probing: beside the active path, which stays as it is (SM-20)

MigrationSteps ServerMigrationClient::probeAnnounced(OldPath oldPath) {
  const ExplicitAnnounced announced = as<ExplicitAnnounced>();
  data_ = ExplicitProbe{announced.target, announced.expiresAt, oldPath};
  return {.actions = {ProbePath{announced.target, true}},
          .events = {ProbingStarted{Protocol::EXPLICIT, announced.target}}};
}

/// The probe began while the old path lived, and its prober may be far into its backoff: begin it afresh, once.
MigrationSteps ServerMigrationClient::probeAgain() {
  ExplicitProbe& probe = *std::get_if<ExplicitProbe>(&data_);
  probe.oldPath = OldPath::Silent;
  return {.actions = {DropPath{probe.target}, ProbePath{probe.target}}, .events = {}};
}

MigrationSteps ServerMigrationClient::probePool(const SocketAddress& candidate) {
  MigrationSteps steps;
  const std::optional<SocketAddress> before = openProbe();
  if (before) steps.actions.push_back(DropPath{*before});
  data_ = PoolProbe{candidate, fruitlessRounds()};
  steps.actions.push_back(ProbePath{candidate, !before});
  steps.events.push_back(ProbingStarted{Protocol::POOL_OF_ADDRESSES, candidate});
  return steps;
}

/// SM-30: round after round. The caller knows that there is another candidate.
MigrationSteps ServerMigrationClient::tryNextOfPool() {
  const SocketAddress present = as<PoolProbe>().candidate;
  std::optional<SocketAddress> candidate = present;
  for (size_t i = 0; i <= pool_.size() && (!candidate || *candidate == present); ++i) {
    candidate = pool_.next(validated_);
    if (candidate) continue;
    pool_.restart();
    ++std::get_if<PoolProbe>(&data_)->fruitlessRounds;
  }
  return candidate && *candidate != present ? probePool(*candidate) : MigrationSteps{};
}

/// SM-36: what is left of the round, then home until the next silence.
MigrationSteps ServerMigrationClient::onPoolCandidateFailed() {
  const SocketAddress failed = as<PoolProbe>().candidate;
  std::optional<SocketAddress> candidate = pool_.next(validated_);
  if (candidate == failed) candidate = pool_.next(validated_);
  if (candidate) return probePool(*candidate);
  data_ = Idle{};
  return {.actions = {DropPath{failed}}, .events = {}};
}

MigrationSteps ServerMigrationClient::revertProbe() {
  const std::optional<SocketAddress> probe = openProbe();
  if (!probe) return {};
  if (situation() == Situation::ExplicitProbe) {
    data_ = ExplicitAnnounced{*probe, as<ExplicitProbe>().expiresAt};
  } else {
    data_ = Idle{};
  }
  return {.actions = {DropPath{*probe}}, .events = {Reverted{validated_}}};
}

std::optional<SocketAddress> ServerMigrationClient::openProbe() const {
  if (const auto* probe = std::get_if<ExplicitProbe>(&data_)) return probe->target;
  if (const auto* probe = std::get_if<PoolProbe>(&data_)) return probe->candidate;
  return std::nullopt;
}

// ---- moving

/// SM-41, SM-42. The unvalidated path that is left behind is forgotten, so that a peer cannot pile them up.
MigrationSteps ServerMigrationClient::moveTo(const SocketAddress& peer) {
  settle();
  MigrationSteps steps;
  steps.actions.push_back(MoveToPath{peer});
  if (state() == State::Validating) steps.actions.push_back(DropPath{active()});
  Protocol protocol = Protocol::SYNCHRONIZED_SYMMETRIC;
  if (const auto* announced = std::get_if<SynchronizedAnnounced>(&data_)) {
    data_ = SynchronizedMove{peer, announced->expiresAt};
  } else if (auto* move = std::get_if<SynchronizedMove>(&data_)) {
    move->peer = peer;
  } else {
    protocol = Protocol::SYMMETRIC;
    data_ = SymmetricMove{peer};
  }
  steps.events.push_back(Detected{protocol, peer});
  return steps;
}

/// SM-43: back to the address that has proven itself. An announced move is still awaited.
MigrationSteps ServerMigrationClient::revertMove() {
  MigrationSteps steps{.actions = {DropPath{active()}}, .events = {Reverted{validated_}}};
  if (const auto* move = std::get_if<SynchronizedMove>(&data_)) {
    data_ = SynchronizedAnnounced{move->expiresAt};
  } else {
    data_ = Idle{};
  }
  return steps;
}

MigrationSteps ServerMigrationClient::complete(Protocol protocol, const SocketAddress& peer) {
  settle();
  MigrationSteps steps;
  if (state() == State::Probing) steps.actions.push_back(MoveToPath{peer});
  steps.events.push_back(Completed{protocol, peer});
  validated_ = peer;
  data_ = Idle{};
  pool_.restart();
  ++completed_;
  return steps;
}

// ---- the end

MigrationSteps ServerMigrationClient::failWith(const QuicError& error) {
  MigrationSteps steps;
  if (const std::optional<SocketAddress> probe = openProbe()) steps.actions.push_back(DropPath{*probe});
  steps.actions.push_back(Fail{error});
  data_ = Idle{};
  return steps;
}

// SM-08
MigrationSteps ServerMigrationClient::violation(FrameType frame, std::string_view reason) {
  QuicError error{TransportErrorCode::PROTOCOL_VIOLATION, reason};
  error.frameType = static_cast<uint64_t>(frame);
  return failWith(error);
}

}  // namespace quic
