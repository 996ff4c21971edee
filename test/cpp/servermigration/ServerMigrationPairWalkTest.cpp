// Both tables against each other, over a network that reorders, repeats and loses: a server that keeps to its table never makes
// a client close, and every move ends at both. Facts and steps only; what an engine does between them is played in a few
// lines (SM-80, SM-81, SM-84 to SM-86). Seeds are fixed; a failure prints what led to it.
#include <gtest/gtest.h>

#include <random>

#include "cpp/servermigration/MigrationTesting.h"
#include "quic/servermigration/ServerMigrationClient.h"
#include "quic/servermigration/ServerMigrationServer.h"

namespace quic {
namespace {

using namespace migrationtesting;
using enum ServerMigrationProtocol;
using Protocols = ServerMigrationProtocols;

constexpr uint64_t kWalks = 3000;
const std::array kHomes{kOld, kTarget, kOther, kThird, kMoved};

/// What a packet of the server says, besides that it is there.
struct Nothing {};
struct Announcement {
  QuicIPAddress address;
  uint32_t epoch = 0;
};
struct PoolEntry {
  uint32_t index = 0;
};
struct Migrated {};
struct Packet {
  PacketNum number = 0;
  SocketAddress from;
  std::variant<Nothing, Announcement, PoolEntry, Migrated> says;
};

class PairWalk {
 public:
  explicit PairWalk(uint64_t seed) : chance_(seed), client_(settings(), kOld) {
    negotiated_ = Protocols(1 + below(15));
    if (negotiated_.has(POOL_OF_ADDRESSES)) pool_ = {kOld, kTarget, kOther, kThird};
    client_.onNegotiated(negotiated_);
    server_.onNegotiated(negotiated_, static_cast<uint32_t>(pool_.size()));
    server_.onHandshakeConfirmed();
    for (uint32_t i = 0; i < pool_.size(); ++i) send(PoolEntry{i});
  }

  void run() {
    for (int i = 0; i < 200 && !testing::Test::HasFailure(); ++i) step();
    settle();
    for (int i = 0; i < 3 && !testing::Test::HasFailure(); ++i) {
      prepare();
      settle();
    }
  }
  [[nodiscard]] uint64_t moves() const { return moves_; }
  [[nodiscard]] const std::string& trace() const { return trace_; }

 private:
  ServerMigrationClientSettings settings() {
    ServerMigrationClientSettings made;
    made.explicitProbing = below(2) == 0 ? ExplicitProbing::Reactive : ExplicitProbing::Proactive;
    return made;
  }
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(chance_() % n); }
  void note(const std::string& what) { trace_ += what + "\n"; }

  // ---- the server and its engine
  template <class Says>
  void send(const Says& says) {
    const Packet packet{++number_, at_, says};
    flying_.push_back(packet);
    if (below(6) == 0) flying_.push_back(packet);  // the network repeats it
  }
  void perform(const MigrationSteps& steps, const char* fact) {
    note(std::string("server ") + fact + ": " + describe(steps));
    for (const MigrationAction& action : steps.actions) {
      if (const auto* announce = std::get_if<migration::SendAnnouncement>(&action)) {
        announced_ = *announce;
        send(Announcement{announce->address, announce->epoch});
      } else {
        send(Migrated{});
      }
    }
    for (const MigrationEvent& event : steps.events)
      moves_ += std::holds_alternative<migration::Completed>(event) ? 1 : 0;
  }
  void prepare() {
    const auto protocol = static_cast<ServerMigrationProtocol>(1u << below(4));
    next_ = kHomes[below(kHomes.size())];
    if (next_ == at_) return;
    std::optional<QuicIPAddress> address;
    if (protocol == EXPLICIT) address = QuicIPAddress::from(next_);
    perform(server_.prepare(protocol, address, {at_, kClient}), "prepares");
  }
  /// SM-85; a lost pool address is always sent again.
  void repeatWhatWasLost() {
    if (server_.state() == ServerMigrationServer::State::Announcing && server_.protocol() != POOL_OF_ADDRESSES) {
      send(Announcement{announced_.address, announced_.epoch});
    }
    if (!pool_.empty()) send(PoolEntry{below(static_cast<uint32_t>(pool_.size()))});
  }
  void move() {
    if (server_.state() != ServerMigrationServer::State::Ready) return;
    // Explicit: where it said; a pool: to one of it.
    if (server_.protocol() == EXPLICIT) next_ = *announced_.address.forFamily(SocketAddress::Family::V4);
    if (server_.protocol() == POOL_OF_ADDRESSES) next_ = pool_[below(static_cast<uint32_t>(pool_.size()))];
    if (next_ == at_) return;
    at_ = next_;
    hasAnswered_ = false;
    perform(server_.onNetworkSwitched(below(2) == 0), "moves");
    send(Nothing{});
  }

  // ---- the client and its engine
  void perform(ServerMigrationClient& client, const MigrationSteps& steps, const char* fact) {
    if (!steps.actions.empty() || !steps.events.empty()) note(std::string("client ") + fact + ": " + describe(steps));
    for (const MigrationAction& action : steps.actions) {
      ASSERT_FALSE(std::holds_alternative<migration::Fail>(action)) << "a lawful server is no violation";
      if (const auto* probe = std::get_if<migration::ProbePath>(&action)) probe_ = probe->peer;
      if (const auto* moved = std::get_if<migration::MoveToPath>(&action)) active_ = moved->peer, probe_.reset();
      if (const auto* drop = std::get_if<migration::DropPath>(&action)) {
        if (probe_ == drop->peer) probe_.reset();
        if (active_ == drop->peer) active_ = validated_;
      }
    }
    for (const MigrationEvent& event : steps.events) {
      if (const auto* completed = std::get_if<migration::Completed>(&event)) validated_ = completed->peer;
    }
    (void)client;
  }
  void deliver(size_t index) {
    const Packet packet = flying_[index];
    flying_.erase(flying_.begin() + static_cast<ptrdiff_t>(index));
    if (!client_.mayReceiveFrom(packet.from)) return;  // SM-81
    const bool isLatest = packet.number > largest_;
    client_.onPacket(packet.number);  // SM-80
    if (const auto* announcement = std::get_if<Announcement>(&packet.says)) {
      perform(client_, client_.onServerMigration(now_, {announcement->address}), "hears an announcement");
      acks_.push_back(packet);
      if (below(2) == 0) perform(client_, client_.onAnnouncementAckSent(), "has acknowledged it");
    } else if (const auto* entry = std::get_if<PoolEntry>(&packet.says)) {
      const QuicIPAddress address = QuicIPAddress::from(pool_[entry->index]);
      perform(client_, client_.onPoolMigrationAddress({address}), "hears of a pool");
      acks_.push_back(packet);
    } else if (std::holds_alternative<Migrated>(packet.says)) {
      perform(client_, client_.onServerMigrated(packet.from, isLatest), "hears SERVER_MIGRATED");
    }
    if (!isLatest) return;
    largest_ = packet.number;
    perform(client_, client_.onLatestNonProbingPacket(packet.from), "hears a packet");
  }
  /// Acknowledgments reach the server where it is; those to where it was are lost, and so are some others.
  void acknowledge() {
    if (acks_.empty()) return;
    const Packet packet = acks_.back();
    acks_.pop_back();
    if (active_ != at_) return;
    if (const auto* announcement = std::get_if<Announcement>(&packet.says)) {
      perform(server_.onAnnouncementAcked(announcement->epoch), "hears an acknowledgment");
    } else if (const auto* entry = std::get_if<PoolEntry>(&packet.says)) {
      perform(server_.onPoolAddressAcked(entry->index), "hears an acknowledgment");
    }
  }
  /// The path on trial: asked, and answered where the server is.
  void tryPath() {
    const bool isValidating = client_.state() == ServerMigrationClient::State::Validating;
    const std::optional<SocketAddress> asked = isValidating ? std::optional(active_) : probe_;
    if (!asked) return;
    if (*asked != at_) return perform(client_, client_.onPathFailed(*asked), "gives a path up");
    ++number_;  // PATH_RESPONSE comes in a packet of the server
    if (below(3) == 0) return;
    largest_ = std::max(largest_, number_);
    client_.onPacket(number_);
    perform(client_, client_.onPathValidated(*asked), "has its answer");
    hasAnswered_ = true;
  }
  void hearThatTheAnswerArrived() {
    if (hasAnswered_ && active_ == at_) perform(server_.onClientArrived(kClient), "hears of its answer");
  }
  void beSilent() { perform(client_, client_.onProbeTimeout(), "hears nothing"); }

  // ---- the walk
  void step() {
    switch (below(12)) {
      case 0: return prepare();
      case 1: return move();
      case 2: return repeatWhatWasLost();
      case 3: return send(Nothing{});
      case 4: return acknowledge();
      case 5: return tryPath();
      case 6: return hearThatTheAnswerArrived();
      case 7: return beSilent();
      case 8:
        if (!flying_.empty() && below(3) == 0) flying_.erase(flying_.begin());  // lost
        return;
      default:
        if (!flying_.empty()) deliver(below(static_cast<uint32_t>(flying_.size())));
    }
  }
  /// From now on nothing is lost: the move under way, if any, comes to its end at both.
  void settle() {
    for (int i = 0; i < 400 && !testing::Test::HasFailure() && !isSettled(); ++i) {
      while (!flying_.empty() && !testing::Test::HasFailure()) deliver(0);
      while (!acks_.empty()) acknowledge();
      if (active_ != at_ && probe_ != at_) beSilent();  // one that asks the right address has time to be answered
      tryPath();
      hearThatTheAnswerArrived();
      move();
      repeatWhatWasLost();
      send(Nothing{});
      if (server_.state() == ServerMigrationServer::State::Switching && active_ == at_ && !probe_) hasAnswered_ = true;
    }
    EXPECT_TRUE(isSettled()) << "the server is at " << nameOf(at_) << ", the client at " << nameOf(active_);
  }
  [[nodiscard]] bool isSettled() const {
    using State = ServerMigrationServer::State;
    const bool isWaiting = server_.state() == State::Ready;  // for a host that moves it to where it is
    return active_ == at_ && validated_ == at_ && !probe_ && (server_.state() == State::Idle || isWaiting);
  }

  std::mt19937_64 chance_;
  Protocols negotiated_;
  std::vector<SocketAddress> pool_;
  ServerMigrationClient client_;
  ServerMigrationServer server_;
  TimePoint now_ = TimePoint{} + 1s;
  PacketNum number_ = 0;
  PacketNum largest_ = 0;
  SocketAddress at_ = kOld;
  SocketAddress next_ = kOld;
  migration::SendAnnouncement announced_;
  SocketAddress active_ = kOld;
  SocketAddress validated_ = kOld;
  std::optional<SocketAddress> probe_;
  bool hasAnswered_ = false;  // since the server's last move
  std::vector<Packet> flying_;
  std::vector<Packet> acks_;
  uint64_t moves_ = 0;
  std::string trace_;
};

TEST(ServerMigrationPairWalk, ALawfulServerIsFollowedOverAnyNetworkAndNeverTakenForAnotherOne) {
  // covers SM-70
  uint64_t moves = 0;
  for (uint64_t seed = 0; seed < kWalks && !HasFailure(); ++seed) {
    PairWalk walk(seed);
    walk.run();
    moves += walk.moves();
    if (HasFailure()) ADD_FAILURE() << "seed " << seed << "\n" << walk.trace();
  }
  EXPECT_GE(moves, kWalks);
}

}  // namespace
}  // namespace quic
