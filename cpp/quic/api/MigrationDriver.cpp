#include "quic/api/MigrationDriver.h"

#include <algorithm>

#include "quic/api/DatagramDriver.h"
#include "quic/api/MigrationPerformer.h"
#include "quic/api/PathDriver.h"
#include "quic/codec/QuicFrameCodec.h"
#include "quic/common/SmallVector.h"
#include "quic/servermigration/ServerMigrationNegotiator.h"

namespace quic {
namespace {

/// A client without the extension and a server of any kind meet the frames alike.
Result<> unexpectedFrame(FrameType type) {
  return fail(TransportErrorCode::PROTOCOL_VIOLATION, "server migration was not negotiated",
              static_cast<uint64_t>(type));
}

bool writeOne(ByteWriter& writer, SentFrames& sent, const QuicServerMigrationFrame& frame, const SentFrame& record) {
  if (!writeFrame(writer, frame)) return false;
  sent.push_back(record);
  return true;
}

std::optional<TimePoint> silenceAt(const QuicConnectionState& state) {
  const ServerMigrationClient* client = state.migrationClient();
  if (client == nullptr || !state.migrationWork.unansweredSince || !state.isOpen()) return std::nullopt;
  if (state.migrationWork.delayedProbe) return std::nullopt;  // known to be silent
  if (!client->watchesSilence()) return std::nullopt;
  // SM-82: every round gives each candidate twice the time, so that one that is farther away than the server was is found.
  constexpr Duration kLongestTrial = 1s;
  constexpr uint32_t kMostDoublings = 10;
  const Duration timeout = state.paths.active().rtt.pto(state.peerMaxAckDelay());
  const Duration patience = timeout * (1 << std::min(client->fruitlessRounds(), kMostDoublings));
  return *state.migrationWork.unansweredSince + std::min(patience, std::max(timeout, kLongestTrial));
}

/// The server does not answer [BUG 51]: a clock of its own, which new data never postpones.
void onSilence(QuicConnectionState& state) {
  ServerMigrationClient& client = *state.migrationClient();
  state.migrationWork.unansweredSince = state.now;
  perform(state, client.onProbeTimeout());
}

/// The same path of a client, seen from our new address. RFC 9000 §9.4 read for our end: another network, so RTT, congestion and
/// the client's ID start anew [BUG 23, 34]; what the client has proved about its address stays proved.
PathId rehome(QuicConnectionState& state, const SocketAddress& local, PathId old) {
  const Path& before = *state.paths.find(old);
  const bool isValidated = before.isValidated;
  const uint64_t bytesReceived = before.bytesReceived;
  const uint64_t bytesSent = before.bytesSent;
  Path& path = adoptPath(state, {local, before.tuple.peer});  // which may take the place of `before`
  path.isValidated = isValidated;
  path.bytesReceived = bytesReceived;
  path.bytesSent = bytesSent;
  return path.id;
}

/// All paths lead from `local` now; those from elsewhere are gone.
void moveOwnEnd(QuicConnectionState& state, const SocketAddress& local) {
  const PathId old = state.paths.active().id;
  // SM-57: a client that has not arrived since the last switch, or is moving as well, may give up an ID of a path it never proved.
  std::optional<MigrationWork::LastSwitch>& lastSwitch = state.migrationWork.lastSwitch;
  const bool isStillAwaited = lastSwitch && !lastSwitch->isClientThere;
  const bool isSettled = !isStillAwaited && state.paths.active().isValidated;
  const ConnectionId heardOn = isSettled ? state.paths.active().heardOn : ConnectionId{};
  const PathId path = rehome(state, local, old);
  switchPath(state, path);
  if (!state.paths.active().isValidated) {  // the client is moving as well: there must be a way back (RFC 9000 §9.3.2)
    if (const Path* back = state.paths.lastValidatedExcept(path)) rehome(state, local, back->id);
    validatePath(state, state.paths.active());
  }
  SmallVector<PathId, kMaxPaths> gone;
  state.paths.forEach([&](const Path& each) {
    if (each.id < path) gone.push_back(each.id);
  });
  for (const PathId id : gone) dropPath(state, id);
  lastSwitch = {.path = path, .heardOnBefore = heardOn};
}

/// SM-86: what came on this path says that the client is there; where it was before the switch proves nothing [BUG 9].
void onArrived(QuicConnectionState& state, PathId path) {
  ServerMigrationServer* server = state.migrationServer();
  std::optional<MigrationWork::LastSwitch>& lastSwitch = state.migrationWork.lastSwitch;
  if (server == nullptr || !lastSwitch || path < lastSwitch->path) return;
  const Path* arrived = state.paths.find(path);
  if (arrived != nullptr && arrived->tuple.local != state.paths.active().tuple.local) return;  // a socket that was kept
  lastSwitch->isClientThere = true;
  perform(state, server->onClientArrived(state.paths.active().tuple.peer));
}

void awaitNextWord(QuicConnectionState& state, Duration interval) {
  constexpr Duration kMost = 4s;
  const Duration next = std::min(interval, kMost);
  state.migrationWork.nextWord = {state.now + next, next};
}

/// The server has moved, and has not yet heard that its client has come.
bool isAwaitedElsewhere(const QuicConnectionState& state) {
  const auto* server = std::get_if<ServerMigrationServer>(&state.migration);
  return server != nullptr && server->state() == ServerMigrationServer::State::Switching &&
         state.migrationWork.nextWord;
}

/// SM-88: a client that has turned back, or that may say no more before it hears more, is waiting for this.
void speakAgain(QuicConnectionState& state) {
  state.isPingPending = true;
  awaitNextWord(state, state.migrationWork.nextWord->interval * 2);
}

}  // namespace

Result<std::optional<ServerMigrationProtocols>> negotiateServerMigration(QuicConnectionState& state,
                                                                         const TransportParameters& peer) {
  if (state.role == Role::Client) {
    const auto agreed = checkServerMigrationAnswer(peer.serverMigrationSuite, state.settings.clientMigration.protocols);
    if (!agreed) return forward(agreed.error());
    if (ServerMigrationClient* client = state.migrationClient()) client->onNegotiated(*agreed);
    return std::optional<ServerMigrationProtocols>();
  }
  auto answer = answerServerMigrationOffer(peer.serverMigrationSuite, state.settings.serverMigration);
  if (!answer) return forward(answer.error());
  if (ServerMigrationServer* server = state.migrationServer(); server != nullptr && *answer) {
    server->onNegotiated(**answer, static_cast<uint32_t>(state.settings.migrationPool.size()));
  }
  return answer;
}

ServerMigrationProtocols negotiatedMigration(const QuicConnectionState& state) {
  if (const ServerMigrationClient* client = state.migrationClient()) return client->negotiated();
  if (const auto* server = std::get_if<ServerMigrationServer>(&state.migration)) return server->negotiated();
  return {};
}

void onMigrationHandshakeConfirmed(QuicConnectionState& state) {
  ServerMigrationServer* server = state.migrationServer();
  if (server == nullptr) return;
  server->onHandshakeConfirmed();
  if (server->negotiated().has(ServerMigrationProtocol::POOL_OF_ADDRESSES)) {
    for (uint32_t i = 0; i < state.settings.migrationPool.size(); ++i) state.migrationWork.poolPending.push_back(i);
  }
  const auto wanted = std::exchange(state.migrationWork.wanted, std::nullopt);
  if (wanted) prepareServerMigration(state, wanted->protocol, wanted->address);
}

Result<> onServerMigrationFrame(QuicConnectionState& state, const PacketContext& context,
                                const ServerMigrationFrame& frame) {
  ServerMigrationClient* client = state.migrationClient();
  if (client == nullptr) return unexpectedFrame(FrameType::SERVER_MIGRATION);
  perform(state, client->onServerMigration(context.now, frame));
  if (!state.migrationWork.announcedIn) state.migrationWork.announcedIn = context.number;
  return Unit{};
}

Result<> onServerMigrationFrame(QuicConnectionState& state, const PacketContext& context, const ServerMigratedFrame&) {
  ServerMigrationClient* client = state.migrationClient();
  if (client == nullptr) return unexpectedFrame(FrameType::SERVER_MIGRATED);
  const auto largest = state.space(PacketNumberSpace::AppData).acks.largest();
  perform(state, client->onServerMigrated(context.peer, !largest || context.number > *largest));
  return Unit{};
}

Result<> onServerMigrationFrame(QuicConnectionState& state, const PacketContext&,
                                const PoolMigrationAddressFrame& frame) {
  ServerMigrationClient* client = state.migrationClient();
  if (client == nullptr) return unexpectedFrame(FrameType::POOL_MIGRATION_ADDRESS);
  perform(state, client->onPoolMigrationAddress(frame));
  return Unit{};
}

void onOneRttPacket(QuicConnectionState& state, PacketNum number) {
  if (ServerMigrationClient* client = state.migrationClient()) client->onPacket(number);
}

void onLatestNonProbingPacket(QuicConnectionState& state, const PacketContext& context) {
  if (ServerMigrationClient* client = state.migrationClient()) {
    perform(state, client->onLatestNonProbingPacket(context.peer));
    return;
  }
  if (state.role == Role::Server && context.path != state.paths.active().id) onPeerMoved(state, context.path);
}

void onHeardFrom(QuicConnectionState& state, PathId id) {
  if (id == state.paths.active().id) {
    state.migrationWork.unansweredSince.reset();
    return;
  }
  // SM-27: whoever speaks from the address on trial is there now, and need not wait until the backoff asks again.
  const ServerMigrationClient* client = state.migrationClient();
  if (client == nullptr || client->state() != ServerMigrationClient::State::Probing) return;
  state.paths.expediteValidation(state.now, id);
  // Nor is the next candidate tried before this one could answer.
  if (state.migrationWork.unansweredSince) state.migrationWork.unansweredSince = state.now;
}

void onPathValidated(QuicConnectionState& state, PathId id) {
  const Path* path = state.paths.find(id);
  ServerMigrationClient* client = state.migrationClient();
  if (path != nullptr && client != nullptr) perform(state, client->onPathValidated(SocketAddress(path->tuple.peer)));
}

void onPathFailed(QuicConnectionState& state, PathId id) {
  const Path* path = state.paths.find(id);
  ServerMigrationClient* client = state.migrationClient();
  if (path != nullptr && client != nullptr) perform(state, client->onPathFailed(SocketAddress(path->tuple.peer)));
}

void onPathResponseAcked(QuicConnectionState& state, PathId path) { onArrived(state, path); }

void onOwnIdRetired(QuicConnectionState& state, const ConnectionId& id, PathId path) {
  const std::optional<MigrationWork::LastSwitch>& lastSwitch = state.migrationWork.lastSwitch;
  if (!id.empty() && lastSwitch && path == lastSwitch->path && id == lastSwitch->heardOnBefore) onArrived(state, path);
}

void onAnnouncementAcked(QuicConnectionState& state, uint32_t epoch) {
  MigrationWork& work = state.migrationWork;
  if (work.announcement && work.announcement->epoch == epoch) work.isAnnouncementPending = false;
  if (ServerMigrationServer* server = state.migrationServer()) perform(state, server->onAnnouncementAcked(epoch));
}

void onAnnouncementLost(QuicConnectionState& state, uint32_t epoch) {
  MigrationWork& work = state.migrationWork;
  const ServerMigrationServer* server = state.migrationServer();
  const bool isWanted = server != nullptr && server->state() == ServerMigrationServer::State::Announcing;
  if (isWanted && work.announcement && work.announcement->epoch == epoch) work.isAnnouncementPending = true;
}

void onPoolAddressLost(QuicConnectionState& state, uint32_t index) {
  std::vector<uint32_t>& pending = state.migrationWork.poolPending;
  if (std::find(pending.begin(), pending.end(), index) == pending.end()) pending.push_back(index);
}

void onPoolAddressAcked(QuicConnectionState& state, uint32_t index) {
  std::erase(state.migrationWork.poolPending, index);
  if (ServerMigrationServer* server = state.migrationServer()) perform(state, server->onPoolAddressAcked(index));
}

void onAckLeft(QuicConnectionState& state, PacketNum largest) {
  MigrationWork& work = state.migrationWork;
  if (!work.announcedIn || largest < *work.announcedIn) return;
  work.announcedIn.reset();
  if (ServerMigrationClient* client = state.migrationClient()) perform(state, client->onAnnouncementAckSent());
}

void onAsked(QuicConnectionState& state) {
  if (!state.migrationWork.unansweredSince) state.migrationWork.unansweredSince = state.now;
}

void onOwnAddressChanged(QuicConnectionState& state) {
  const ServerMigrationClient* client = state.migrationClient();
  const auto probed = client == nullptr ? std::nullopt : client->openProbe();
  if (!probed || state.migrationWork.delayedProbe) return;
  // Where the probe went out nobody listens any more.
  const Path* path = state.paths.findPeer(*probed);
  if (path != nullptr && path->tuple.local != state.paths.active().tuple.local) dropPath(state, path->id);
  probePath(state, *probed);
}

void onMigrationResumed(QuicConnectionState& state, Duration frozenFor) {
  MigrationWork& work = state.migrationWork;
  if (work.unansweredSince) *work.unansweredSince += frozenFor;
  if (work.delayedProbe) work.delayedProbe->at += frozenFor;
  if (work.nextWord) work.nextWord->at += frozenFor;
  if (ServerMigrationClient* client = state.migrationClient()) client->onResumed(frozenFor);
}

Result<> startProbing(QuicConnectionState& state) {
  ServerMigrationClient* client = state.migrationClient();
  if (client == nullptr || !state.isOpen()) {
    return fail(LocalErrorCode::MIGRATION_INVALID_STATE, "no announcement to probe");
  }
  const Result<MigrationSteps> steps = client->startProbing();
  if (!steps) return forward(steps.error());
  perform(state, *steps);
  return Unit{};
}

void prepareServerMigration(QuicConnectionState& state, ServerMigrationProtocol protocol,
                            const std::optional<QuicIPAddress>& address) {
  ServerMigrationServer* server = state.migrationServer();
  if (server == nullptr || !state.isOpen()) {
    return tell(state, migration::Failed{ServerMigrationError::MIGRATION_DISABLED});
  }
  if (state.isHandshaking()) {  // SM-50: it waits, with whoever waits for all
    state.migrationWork.wanted = {protocol, address};
    return;
  }
  perform(state, server->prepare(protocol, address, state.paths.active().tuple));
}

void switchNetwork(QuicConnectionState& state, const SocketAddress& local) {
  if (!state.isOpen()) {
    state.paths.active().tuple.local = local;  // a close on its way leaves from the socket that there is
    return;
  }
  const SocketAddress before = state.paths.active().tuple.local;
  moveOwnEnd(state, local.isUnspecified() && local.port() == 0 ? before : local);
  ServerMigrationServer* server = state.migrationServer();
  if (server == nullptr) return;
  // An acknowledgment alone is not enough: when it is lost, nobody repeats it.
  const bool hasMore = hasDataToSend(state) || state.streams.hasControlToSend();
  perform(state, server->onNetworkSwitched(hasMore));
  if (server->state() == ServerMigrationServer::State::Idle)
    state.migrationWork.isAnnouncementPending = false;  // SM-85
  // SM-88: heard from there, a client need not find out by silence.
  const bool isMoving = server->state() == ServerMigrationServer::State::Switching;
  if (isMoving && !hasMore && !state.migrationWork.isServerMigratedPending) state.isPingPending = true;
  if (isMoving) awaitNextWord(state, state.paths.active().rtt.pto(state.peerMaxAckDelay()));
}

void cancelServerMigration(QuicConnectionState& state) {
  if (ServerMigrationServer* server = state.migrationServer()) server->cancel();
  state.migrationWork.isAnnouncementPending = false;
  state.migrationWork.wanted.reset();
}

bool hasMigrationFrames(const QuicConnectionState& state) {
  const MigrationWork& work = state.migrationWork;
  return work.isAnnouncementPending || work.isServerMigratedPending || !work.poolPending.empty();
}

void writeMigrationFrames(QuicConnectionState& state, ByteWriter& writer, SentFrames& sent) {
  MigrationWork& work = state.migrationWork;
  if (work.isAnnouncementPending && writeOne(writer, sent, ServerMigrationFrame{work.announcement->address},
                                             SentServerMigration{work.announcement->epoch})) {
    work.isAnnouncementPending = false;
  }
  if (work.isServerMigratedPending && writeOne(writer, sent, ServerMigratedFrame{}, SentServerMigrated{})) {
    work.isServerMigratedPending = false;
  }
  while (!work.poolPending.empty()) {
    const uint32_t index = work.poolPending.back();
    const PoolMigrationAddressFrame frame{state.settings.migrationPool[index]};
    if (!writeOne(writer, sent, frame, SentPoolMigrationAddress{index})) return;
    work.poolPending.pop_back();
  }
}

std::optional<TimePoint> nextMigrationTimeout(const QuicConnectionState& state) {
  if (!state.isOpen()) return std::nullopt;
  if (isAwaitedElsewhere(state)) return state.migrationWork.nextWord->at;
  const ServerMigrationClient* client = state.migrationClient();
  if (client == nullptr) return std::nullopt;
  std::optional<TimePoint> next = client->nextTimeout();
  if (const auto silence = silenceAt(state); silence && (!next || *silence < *next)) next = silence;
  const auto& delayed = state.migrationWork.delayedProbe;
  if (delayed && (!next || delayed->at < *next)) next = delayed->at;
  return next;
}

void onMigrationTimeout(QuicConnectionState& state) {
  if (!state.isOpen()) return;
  if (isAwaitedElsewhere(state) && state.migrationWork.nextWord->at <= state.now) speakAgain(state);
  ServerMigrationClient* client = state.migrationClient();
  if (client == nullptr) return;
  if (const auto at = client->nextTimeout(); at && *at <= state.now) perform(state, client->onTimeout(state.now));
  if (const auto delayed = state.migrationWork.delayedProbe; delayed && delayed->at <= state.now) {
    state.migrationWork.delayedProbe.reset();
    state.migrationWork.unansweredSince = state.now;  // whose silence is what counts from now on
    probePath(state, delayed->peer);
  }
  if (const auto at = silenceAt(state); at && *at <= state.now) onSilence(state);
}

}  // namespace quic
