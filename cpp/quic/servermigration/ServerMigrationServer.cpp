#include "quic/servermigration/ServerMigrationServer.h"

namespace quic {

using namespace migration;
using Protocol = ServerMigrationProtocol;
using Error = ServerMigrationError;

namespace {

MigrationSteps failedWith(Error error) { return {.actions = {}, .events = {Failed{error}}}; }

bool isSymmetricKind(Protocol protocol) {
  return protocol == Protocol::SYMMETRIC || protocol == Protocol::SYNCHRONIZED_SYMMETRIC;
}

/// SM-51. Explicit needs an address that the client can use and that is news; the others take none.
bool isAddressRight(Protocol protocol, const std::optional<QuicIPAddress>& announced, const FourTuple& activePath) {
  if (protocol != Protocol::EXPLICIT) return !announced.has_value();
  if (!announced) return false;
  const std::optional<SocketAddress> target = announced->forFamily(activePath.peer.family());
  return target && !(target->sameHost(activePath.local) && target->port() == activePath.local.port());
}

}  // namespace

void ServerMigrationServer::onNegotiated(ServerMigrationProtocols protocols, uint32_t poolSize) {
  negotiated_ = protocols;
  poolAcks_ = 0;
  poolAcked_.assign(protocols.has(Protocol::POOL_OF_ADDRESSES) ? poolSize : 0, false);
}

// ---- verbs

MigrationSteps ServerMigrationServer::prepare(Protocol protocol, const std::optional<QuicIPAddress>& announced,
                                              const FourTuple& activePath) {
  if (const std::optional<Error> error = whyNot(protocol, announced, activePath)) return failedWith(*error);
  switch (protocol) {
    case Protocol::EXPLICIT: return announce(protocol, *announced);
    case Protocol::SYNCHRONIZED_SYMMETRIC: return announce(protocol, QuicIPAddress{});
    case Protocol::SYMMETRIC: return becomeReady(protocol);
    case Protocol::POOL_OF_ADDRESSES:
      if (isPoolAcked()) return becomeReady(protocol);
      data_ = Announcing{protocol};  // SM-54: the acknowledgments are awaited
      return {};
  }
  return {};
}

/// SM-50: the order of the conditions decides which error is reported.
std::optional<Error> ServerMigrationServer::whyNot(Protocol protocol, const Announcement& announced,
                                                   const FourTuple& activePath) const {
  if (!handshakeConfirmed_) return Error::HANDSHAKE_NOT_FINISHED;
  if (negotiated_.empty()) return Error::MIGRATION_DISABLED;
  if (!negotiated_.has(protocol)) return Error::PROTOCOL_NOT_NEGOTIATED;
  if (state() != State::Idle) return Error::MIGRATION_ALREADY_IN_PROGRESS;
  if (!isAddressRight(protocol, announced, activePath)) return Error::INVALID_ADDRESS;
  if (!negotiated_.usable().has(protocol)) return Error::INVALID_STATE;  // SM-04
  if (contradicts(protocol, announced)) return Error::INVALID_STATE;     // SM-58
  if (protocol == Protocol::POOL_OF_ADDRESSES && poolAcked_.empty()) return Error::EMPTY_POOL_MIGRATION_ADDRESSES;
  return std::nullopt;
}

/// A client that waits for one announced migration treats another announcement as a violation.
bool ServerMigrationServer::contradicts(Protocol protocol, const Announcement& announced) const {
  if (!promised_) return false;
  const Announcement synchronized{QuicIPAddress{}};
  return promised_ != (protocol == Protocol::SYNCHRONIZED_SYMMETRIC ? synchronized : announced);
}

MigrationSteps ServerMigrationServer::announce(Protocol protocol, const QuicIPAddress& address) {
  data_ = Announcing{protocol};
  promised_ = address;
  return {.actions = {SendAnnouncement{address, ++epoch_}}, .events = {}};
}

MigrationSteps ServerMigrationServer::becomeReady(Protocol protocol) {
  data_ = Ready{protocol};
  return {.actions = {}, .events = {migration::Ready{protocol}}};
}

// ---- facts

// SM-52, SM-53
MigrationSteps ServerMigrationServer::onAnnouncementAcked(uint32_t epoch) {
  const auto* announcing = std::get_if<Announcing>(&data_);
  if (!announcing || announcing->protocol == Protocol::POOL_OF_ADDRESSES || epoch != epoch_) return {};
  return becomeReady(announcing->protocol);
}

MigrationSteps ServerMigrationServer::onPoolAddressAcked(uint32_t index) {
  if (index >= poolAcked_.size() || poolAcked_[index]) return {};
  poolAcked_[index] = true;
  ++poolAcks_;
  if (!isPoolAcked()) return {};
  MigrationSteps steps;
  const auto* announcing = std::get_if<Announcing>(&data_);
  if (announcing && announcing->protocol == Protocol::POOL_OF_ADDRESSES) steps = becomeReady(announcing->protocol);
  steps.events.insert(steps.events.begin(), PoolAcknowledged{});
  return steps;
}

MigrationSteps ServerMigrationServer::onNetworkSwitched(bool somethingToSend) {
  switch (state()) {
    case State::Idle:
      // SM-59: the pool was announced long ago. For any other protocol it is no move.
      if (!isPoolAcked() || poolAcked_.empty()) return {};
      data_ = Switching{Protocol::POOL_OF_ADDRESSES};
      return {};
    case State::Announcing: data_ = Idle{}; return failedWith(Error::INVALID_STATE);  // SM-55
    case State::Ready:
    case State::Switching: break;
  }
  const Protocol kind = *protocol();
  data_ = Switching{kind};
  if (isSymmetricKind(kind) && !somethingToSend) return {.actions = {SendServerMigrated{}}, .events = {}};  // SM-56
  return {};
}

// SM-57
MigrationSteps ServerMigrationServer::onClientArrived(const SocketAddress& client) {
  const auto* switching = std::get_if<Switching>(&data_);
  if (!switching) return {};
  const Protocol kind = switching->protocol;
  data_ = Idle{};
  promised_.reset();
  return {.actions = {}, .events = {Completed{kind, client}}};
}

// ---- nouns

std::optional<Protocol> ServerMigrationServer::protocol() const {
  if (const auto* announcing = std::get_if<Announcing>(&data_)) return announcing->protocol;
  if (const auto* ready = std::get_if<Ready>(&data_)) return ready->protocol;
  if (const auto* switching = std::get_if<Switching>(&data_)) return switching->protocol;
  return std::nullopt;
}

}  // namespace quic
