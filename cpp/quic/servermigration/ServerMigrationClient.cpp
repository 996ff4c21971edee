// The client's table: one function per fact, one arm per column. What the arms do is in ServerMigrationClientSteps.cpp.
#include "quic/servermigration/ServerMigrationClient.h"

namespace quic {

using namespace migration;
using Protocol = ServerMigrationProtocol;

ServerMigrationClient::ServerMigrationClient(const ServerMigrationClientSettings& settings, const SocketAddress& server)
    : explicitProbing_(settings.explicitProbing),
      announcementLifetime_(settings.announcementLifetime),
      policy_(settings.addressPolicy, server, settings.allowedAddresses),
      validated_(server),
      pool_(settings.poolOrder) {}

void ServerMigrationClient::onNegotiated(ServerMigrationProtocols protocols) { negotiated_ = protocols; }

// ---- facts: frames

MigrationSteps ServerMigrationClient::onServerMigration(TimePoint now, const ServerMigrationFrame& frame) {
  return frame.address.isAllZero() ? onSynchronizedAnnouncement(now) : onExplicitAnnouncement(now, frame.address);
}

MigrationSteps ServerMigrationClient::onExplicitAnnouncement(TimePoint now, const QuicIPAddress& address) {
  if (!mayUse(Protocol::EXPLICIT))
    return violation(FrameType::SERVER_MIGRATION, "Explicit was not negotiated");  // SM-05
  if (isStale()) return {};                                                        // SM-11
  const std::optional<SocketAddress> target = addressOf(address);
  if (!target) return violation(FrameType::SERVER_MIGRATION, "no address of the family in use");  // SM-07
  if (*target == active()) return {};                                                             // SM-12
  switch (situation()) {
    case Situation::Idle: return acceptExplicit(now, *target);
    case Situation::ExplicitAnnounced:
      if (*target == as<ExplicitAnnounced>().target) return prolong(now);
      break;
    case Situation::ExplicitProbe:
      if (*target == as<ExplicitProbe>().target) return prolong(now);
      break;
    case Situation::SynchronizedAnnounced:
    case Situation::PoolProbe:
    case Situation::SymmetricMove:
    case Situation::SynchronizedMove: break;
  }
  if (target == completedAnnouncement_) return {};  // SM-12
  return violation(FrameType::SERVER_MIGRATION, "a migration is under way already");
}

MigrationSteps ServerMigrationClient::onSynchronizedAnnouncement(TimePoint now) {
  if (!mayUse(Protocol::SYNCHRONIZED_SYMMETRIC)) {  // SM-05
    return violation(FrameType::SERVER_MIGRATION, "Synchronized Symmetric was not negotiated");
  }
  if (isStale()) return {};  // SM-11
  switch (situation()) {
    case Situation::Idle: {
      settle();
      data_ = SynchronizedAnnounced{now + announcementLifetime_};
      return {.actions = {}, .events = {Announced{Protocol::SYNCHRONIZED_SYMMETRIC, std::nullopt}}};
    }
    case Situation::SynchronizedAnnounced: return prolong(now);
    case Situation::SynchronizedMove: return {};
    case Situation::ExplicitAnnounced:
    case Situation::ExplicitProbe:
    case Situation::PoolProbe:
    case Situation::SymmetricMove: break;
  }
  return violation(FrameType::SERVER_MIGRATION, "a migration is under way already");
}

MigrationSteps ServerMigrationClient::onPoolMigrationAddress(const PoolMigrationAddressFrame& frame) {
  constexpr FrameType kType = FrameType::POOL_MIGRATION_ADDRESS;
  if (!mayUse(Protocol::POOL_OF_ADDRESSES)) return violation(kType, "Pool of Addresses was not negotiated");  // SM-05
  if (isStale()) return {};                                                                                   // SM-11
  const std::optional<SocketAddress> address = addressOf(frame.address);
  if (!address) return violation(kType, "no address of the family in use");                     // SM-07
  if (pool_.contains(*address) || !policy_.accepts(*address) || pool_.isFull()) return {};      // SM-32, SM-33
  if (completed_ > 0) return violation(kType, "the pool is closed since the first migration");  // SM-31
  pool_.insert(*address);
  return {.actions = {}, .events = {PoolAddressReceived{*address}}};
}

MigrationSteps ServerMigrationClient::onServerMigrated(const SocketAddress& from, bool isLatest) {
  constexpr FrameType kType = FrameType::SERVER_MIGRATED;
  if (negotiated_.empty()) return violation(kType, "server migration was not negotiated");  // SM-05
  if (from == active() || !isLatest) return {};                                             // SM-13
  switch (situation()) {
    case Situation::Idle:
      if (mayUse(Protocol::SYMMETRIC)) return onHeardFromElsewhere(from);
      break;
    case Situation::SynchronizedAnnounced:
    case Situation::SymmetricMove:
    case Situation::SynchronizedMove: return onHeardFromElsewhere(from);
    case Situation::ExplicitAnnounced:
    case Situation::ExplicitProbe:
    case Situation::PoolProbe: break;
  }
  return violation(kType, "no symmetric migration can be under way");
}

// ---- facts: acknowledgments, silence, packets

MigrationSteps ServerMigrationClient::onAnnouncementAckSent() {
  if (explicitProbing_ != ExplicitProbing::Proactive || situation() != Situation::ExplicitAnnounced) return {};
  return probeAnnounced(OldPath::Alive);  // SM-22
}

Result<MigrationSteps> ServerMigrationClient::startProbing() {
  if (explicitProbing_ == ExplicitProbing::Manual && situation() == Situation::ExplicitAnnounced) {  // SM-23
    return probeAnnounced(OldPath::Alive);
  }
  return fail(LocalErrorCode::MIGRATION_INVALID_STATE, "no announcement waits to be probed by hand");
}

MigrationSteps ServerMigrationClient::onProbeTimeout() {
  if (!watchesSilence()) return {};
  switch (situation()) {
    case Situation::Idle: {  // SM-30
      pool_.restart();
      const std::optional<SocketAddress> candidate = pool_.next(validated_);
      return candidate ? probePool(*candidate) : MigrationSteps{};
    }
    case Situation::ExplicitAnnounced: return probeAnnounced(OldPath::Silent);  // SM-21
    case Situation::ExplicitProbe: return probeAgain();                         // SM-24
    case Situation::PoolProbe: return tryNextOfPool();
    case Situation::SynchronizedAnnounced:
    case Situation::SymmetricMove:
    case Situation::SynchronizedMove: return {};
  }
  return {};
}

MigrationSteps ServerMigrationClient::onLatestNonProbingPacket(const SocketAddress& from) {
  if (from == active()) return onHeardFromActive();
  if (!mayReceiveFrom(from)) return {.actions = {}, .events = {}, .discard = true};  // SM-06
  return onHeardFromElsewhere(from);
}

MigrationSteps ServerMigrationClient::onHeardFromActive() {
  switch (situation()) {
    case Situation::ExplicitProbe:
      if (explicitProbing_ == ExplicitProbing::Reactive) return revertProbe();  // SM-25
      std::get_if<ExplicitProbe>(&data_)->oldPath = OldPath::Alive;             // SM-24
      return {};
    case Situation::PoolProbe: return revertProbe();
    case Situation::Idle:
    case Situation::ExplicitAnnounced:
    case Situation::SynchronizedAnnounced:
    case Situation::SymmetricMove:
    case Situation::SynchronizedMove: return {};
  }
  return {};
}

/// `from` is not the active address, and plausible.
MigrationSteps ServerMigrationClient::onHeardFromElsewhere(const SocketAddress& from) {
  if (!mayReceiveFrom(from)) return {.actions = {}, .events = {}, .discard = true};
  switch (situation()) {
    case Situation::Idle:
      if (!pool_.contains(from)) return moveTo(from);  // SM-41
      pool_.restart();
      return probePool(from);                                                   // SM-34
    case Situation::ExplicitAnnounced: return probeAnnounced(OldPath::Silent);  // SM-26
    case Situation::SynchronizedAnnounced: return moveTo(from);                 // SM-41
    case Situation::ExplicitProbe: return {};                                   // the response decides
    case Situation::PoolProbe: return from == as<PoolProbe>().candidate ? MigrationSteps{} : probePool(from);  // SM-34
    case Situation::SymmetricMove:
    case Situation::SynchronizedMove: return from == validated_ ? revertMove() : moveTo(from);  // SM-43, SM-42
  }
  return {};
}

// ---- facts: paths and time

MigrationSteps ServerMigrationClient::onPathValidated(const SocketAddress& peer) {
  switch (situation()) {
    case Situation::ExplicitProbe:
      if (peer != as<ExplicitProbe>().target) return {};
      completedAnnouncement_ = peer;
      return complete(Protocol::EXPLICIT, peer);
    case Situation::PoolProbe:
      return peer == as<PoolProbe>().candidate ? complete(Protocol::POOL_OF_ADDRESSES, peer) : MigrationSteps{};
    case Situation::SymmetricMove: return peer == active() ? complete(Protocol::SYMMETRIC, peer) : MigrationSteps{};
    case Situation::SynchronizedMove:
      return peer == active() ? complete(Protocol::SYNCHRONIZED_SYMMETRIC, peer) : MigrationSteps{};
    case Situation::Idle:
    case Situation::ExplicitAnnounced:
    case Situation::SynchronizedAnnounced: return {};
  }
  return {};
}

MigrationSteps ServerMigrationClient::onPathFailed(const SocketAddress& peer) {
  switch (situation()) {
    case Situation::ExplicitProbe: {
      const ExplicitProbe probe = as<ExplicitProbe>();
      if (peer != probe.target) return {};
      data_ = ExplicitAnnounced{probe.target, probe.expiresAt};  // SM-24: silence begins it again
      return {.actions = {DropPath{peer}}, .events = {}};
    }
    case Situation::PoolProbe: return peer == as<PoolProbe>().candidate ? onPoolCandidateFailed() : MigrationSteps{};
    case Situation::SymmetricMove:
    case Situation::SynchronizedMove: return peer == active() ? revertMove() : MigrationSteps{};
    case Situation::Idle:
    case Situation::ExplicitAnnounced:
    case Situation::SynchronizedAnnounced: return {};
  }
  return {};
}

// SM-14
MigrationSteps ServerMigrationClient::onTimeout(TimePoint now) {
  const std::optional<TimePoint> expiresAt = nextTimeout();
  if (!expiresAt || now < *expiresAt) return {};
  MigrationSteps steps;
  Expired expired;
  if (situation() == Situation::ExplicitAnnounced) expired.address = as<ExplicitAnnounced>().target;
  if (const std::optional<SocketAddress> probe = openProbe()) {
    expired.address = probe;
    steps.actions.push_back(DropPath{*probe});
  }
  steps.events.push_back(expired);
  data_ = Idle{};
  return steps;
}

void ServerMigrationClient::onResumed(Duration frozenFor) {
  if (auto* announced = std::get_if<ExplicitAnnounced>(&data_)) announced->expiresAt += frozenFor;
  if (auto* announced = std::get_if<SynchronizedAnnounced>(&data_)) announced->expiresAt += frozenFor;
  if (auto* probe = std::get_if<ExplicitProbe>(&data_)) probe->expiresAt += frozenFor;
  if (auto* move = std::get_if<SynchronizedMove>(&data_)) move->expiresAt += frozenFor;
}

// ---- nouns

ServerMigrationClient::State ServerMigrationClient::state() const {
  switch (situation()) {
    case Situation::Idle: return State::Idle;
    case Situation::ExplicitAnnounced:
    case Situation::SynchronizedAnnounced: return State::Announced;
    case Situation::ExplicitProbe:
    case Situation::PoolProbe: return State::Probing;
    case Situation::SymmetricMove:
    case Situation::SynchronizedMove: return State::Validating;
  }
  return State::Idle;
}

// SM-06
bool ServerMigrationClient::mayReceiveFrom(const SocketAddress& address) const {
  if (address == active()) return true;
  switch (situation()) {
    case Situation::Idle: return pool_.contains(address) || (mayUse(Protocol::SYMMETRIC) && policy_.accepts(address));
    case Situation::ExplicitAnnounced: return address == as<ExplicitAnnounced>().target;
    case Situation::ExplicitProbe: return address == as<ExplicitProbe>().target;
    case Situation::PoolProbe: return pool_.contains(address);
    case Situation::SynchronizedAnnounced: return policy_.accepts(address);
    case Situation::SymmetricMove:
    case Situation::SynchronizedMove: return address == validated_ || policy_.accepts(address);
  }
  return false;
}

bool ServerMigrationClient::watchesSilence() const {
  switch (situation()) {
    case Situation::Idle: return pool_.hasOtherThan(validated_, validated_);  // SM-37
    case Situation::ExplicitAnnounced: return explicitProbing_ != ExplicitProbing::Manual;
    case Situation::ExplicitProbe: return as<ExplicitProbe>().oldPath == OldPath::Alive;
    case Situation::PoolProbe: return pool_.hasOtherThan(validated_, as<PoolProbe>().candidate);
    case Situation::SynchronizedAnnounced:
    case Situation::SymmetricMove:
    case Situation::SynchronizedMove: return false;
  }
  return false;
}

uint32_t ServerMigrationClient::fruitlessRounds() const {
  const auto* probe = std::get_if<PoolProbe>(&data_);
  return probe == nullptr ? 0 : probe->fruitlessRounds;
}

std::optional<TimePoint> ServerMigrationClient::nextTimeout() const {
  switch (situation()) {
    case Situation::ExplicitAnnounced: return as<ExplicitAnnounced>().expiresAt;
    case Situation::SynchronizedAnnounced: return as<SynchronizedAnnounced>().expiresAt;
    case Situation::ExplicitProbe: return as<ExplicitProbe>().expiresAt;
    case Situation::Idle:
    case Situation::PoolProbe:
    case Situation::SymmetricMove:
    case Situation::SynchronizedMove: return std::nullopt;
  }
  return std::nullopt;
}

SocketAddress ServerMigrationClient::active() const {
  switch (situation()) {
    case Situation::SymmetricMove: return as<SymmetricMove>().peer;
    case Situation::SynchronizedMove: return as<SynchronizedMove>().peer;
    default: return validated_;
  }
}

}  // namespace quic
