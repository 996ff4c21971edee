#include "quic/api/MigrationDriver.h"

#include <algorithm>

#include "quic/api/DatagramDriver.h"
#include "quic/api/MigrationPerformer.h"
#include "quic/api/PathDriver.h"
#include "quic/codec/QuicFrameCodec.h"
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
  const bool isProbing = client->state() == ServerMigrationClient::State::Probing;
  if (!client->watchesSilence() && !isProbing) return std::nullopt;
  return *state.migrationWork.unansweredSince + state.paths.active().rtt.pto(state.peerMaxAckDelay());
}

/// The server does not answer [BUG 51]: a clock of its own, which new data never postpones.
void onSilence(QuicConnectionState& state) {
  ServerMigrationClient& client = *state.migrationClient();
  state.migrationWork.unansweredSince = state.now;
  const bool wasProbing = client.state() == ServerMigrationClient::State::Probing;
  perform(state, client.onProbeTimeout());
  // A probe that goes on beside a path that has fallen silent matters more now than its backoff says.
  if (wasProbing) state.paths.expediteValidations(state.now);
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
  if (!server->negotiated().has(ServerMigrationProtocol::POOL_OF_ADDRESSES)) return;
  for (uint32_t i = 0; i < state.settings.migrationPool.size(); ++i) state.migrationWork.poolPending.push_back(i);
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

void onHeardFrom(QuicConnectionState& state, PathId path) {
  if (path == state.paths.active().id) state.migrationWork.unansweredSince.reset();
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

void onPathResponseAcked(QuicConnectionState& state, PathId path) {
  ServerMigrationServer* server = state.migrationServer();
  if (server == nullptr || state.migrationWork.switchedTo != path) return;  // only answers since the switch [BUG 9]
  perform(state, server->onPathResponseAcked(state.paths.active().tuple.peer));
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
  perform(state, server->prepare(protocol, address, state.paths.active().tuple));
}

void switchNetwork(QuicConnectionState& state, const SocketAddress& local) {
  if (!state.isOpen()) {
    state.paths.active().tuple.local = local;  // a close on its way leaves from the socket that there is
    return;
  }
  const Path& before = state.paths.active();
  const PathId old = before.id;
  const SocketAddress now = local.isUnspecified() && local.port() == 0 ? before.tuple.local : local;
  // RFC 9000 §9.4 read for our end: another network, so RTT, congestion and the client's ID start anew [BUG 23, 34].
  Path& path = adoptPath(state, {now, before.tuple.peer});
  path.isValidated = before.isValidated;
  path.bytesReceived = before.bytesReceived;
  path.bytesSent = before.bytesSent;
  switchPath(state, path.id);
  dropPath(state, old);
  state.migrationWork.switchedTo = path.id;
  ServerMigrationServer* server = state.migrationServer();
  if (server == nullptr) return;
  const bool hasMore = hasDataToSend(state) || state.streams.hasControlToSend() ||
                       state.space(PacketNumberSpace::AppData).acks.hasNews();
  perform(state, server->onNetworkSwitched(hasMore));
}

void cancelServerMigration(QuicConnectionState& state) {
  if (ServerMigrationServer* server = state.migrationServer()) server->cancel();
  state.migrationWork.isAnnouncementPending = false;
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
  const ServerMigrationClient* client = state.migrationClient();
  if (client == nullptr || !state.isOpen()) return std::nullopt;
  std::optional<TimePoint> next = client->nextTimeout();
  if (const auto silence = silenceAt(state); silence && (!next || *silence < *next)) next = silence;
  return next;
}

void onMigrationTimeout(QuicConnectionState& state) {
  ServerMigrationClient* client = state.migrationClient();
  if (client == nullptr || !state.isOpen()) return;
  if (const auto at = client->nextTimeout(); at && *at <= state.now) perform(state, client->onTimeout(state.now));
  if (const auto at = silenceAt(state); at && *at <= state.now) onSilence(state);
}

}  // namespace quic
