// Random walks through both tables under the properties P1 to P7 of cpp/quic/servermigration/README.md. Seeds are fixed;
// a failure prints the facts that led to it. The engine is a pretence: it tells any fact at any time.
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

constexpr uint64_t kWalks = 20000;

class Chance {
 public:
  explicit Chance(uint64_t seed) : engine_(seed) {}
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }
  template <class T, size_t N>
  const T& of(const std::array<T, N>& choices) {
    return choices[below(N)];
  }
  Protocols protocols() { return Protocols(below(16)); }

 private:
  std::mt19937_64 engine_;
};

enum class Fact {
  Announce,
  AnnounceEmpty,
  PoolEntry,
  Migrated,
  AckSent,
  Start,
  Silence,
  Packet,
  Validated,
  Failed,
  Age
};

class ClientWalk {
 public:
  using State = ServerMigrationClient::State;

  explicit ClientWalk(uint64_t seed) : chance_(seed), client_(settings(chance_), kOld), active_(kOld) {
    negotiated_ = chance_.protocols();
    client_.onNegotiated(negotiated_);
  }

  /// Returns the number of facts told.
  size_t run() {
    const size_t length = 5 + chance_.below(100);
    size_t told = 0;
    while (told < length && !dead_ && !testing::Test::HasFailure()) step(), ++told;
    if (!dead_) expectTheWayHome();
    return told;
  }
  [[nodiscard]] const std::string& trace() const { return trace_; }

 private:
  static ServerMigrationClientSettings settings(Chance& chance) {
    ServerMigrationClientSettings made;
    made.explicitProbing = static_cast<ExplicitProbing>(chance.below(3));
    return made;
  }

  struct Told {
    Fact fact;
    SocketAddress address;
    PacketNum packet;
    bool latest;
  };

  MigrationSteps tell(ServerMigrationClient& c, const Told& told) {
    c.onPacket(told.packet);
    switch (told.fact) {
      case Fact::Announce: return c.onServerMigration(now_, announce(told.address));
      case Fact::AnnounceEmpty: return c.onServerMigration(now_, {kNowhere});
      case Fact::PoolEntry: return c.onPoolMigrationAddress(poolEntry(told.address));
      case Fact::Migrated: return c.onServerMigrated(told.address, told.latest);
      case Fact::AckSent: return c.onAnnouncementAckSent();
      case Fact::Start: {
        Result<MigrationSteps> begun = c.startProbing();
        return begun ? *begun : MigrationSteps{};
      }
      case Fact::Silence: return c.onProbeTimeout();
      case Fact::Packet: return c.onLatestNonProbingPacket(told.address);
      case Fact::Validated: return c.onPathValidated(told.address);
      case Fact::Failed: return c.onPathFailed(told.address);
      case Fact::Age: return c.onTimeout(now_);
    }
    return {};
  }

  static bool isFrame(Fact fact) { return fact <= Fact::Migrated; }

  /// A server that keeps the rules does not announce an address while it moves symmetrically. The client lets it pass.
  bool isOutOfTurn(const Told& told) const {
    return told.fact == Fact::Announce && client_.state() == State::Validating;
  }

  Told choose() {
    static const std::array kAddresses{kOld, kTarget, kOther, kThird, kRefused};
    Told told{static_cast<Fact>(chance_.below(11)), chance_.of(kAddresses), packet_ += 3, chance_.below(4) != 0};
    const bool aboutThePath = told.fact == Fact::Packet || told.fact == Fact::Validated || told.fact == Fact::Failed;
    if (aboutThePath && chance_.below(2) == 0) told.address = probe_.value_or(active_);
    if (told.fact == Fact::Age && chance_.below(2) == 0) now_ += 61s;
    return told;
  }

  void step() {
    if (!frames_.empty() && chance_.below(8) == 0) return expectHarmlessCopy();
    Told told = choose();
    for (int i = 0; i < 3 && wouldEnd(told); ++i) told = choose();  // or walks would be short
    const ServerMigrationClient before = client_;
    const MigrationSteps steps = tell(client_, told);
    trace_ += std::to_string(static_cast<int>(told.fact)) + "(" + nameOf(told.address) + ") " + describe(steps) + "\n";
    expectNegotiated(told, steps);
    follow(told, before.state(), steps);
    if (dead_) return;
    expectDuplicatesChangeNothing(told);
    expectNouns(before, told, steps);
    if (isFrame(told.fact) && !isOutOfTurn(told)) frames_.push_back(told);
  }

  bool wouldEnd(const Told& told) {
    ServerMigrationClient twin = client_;
    const MigrationSteps steps = tell(twin, told);
    return !steps.actions.empty() && std::holds_alternative<migration::Fail>(steps.actions.back());
  }

  /// P1, P2, P3, P4.
  void follow(const Told& told, State before, const MigrationSteps& steps) {
    for (size_t i = 0; i < steps.actions.size(); ++i) {
      const MigrationAction& action = steps.actions[i];
      if (const auto* probe = std::get_if<migration::ProbePath>(&action)) {
        EXPECT_FALSE(probe_) << "P1";
        EXPECT_NE(probe->peer, kRefused) << "P4";
        probe_ = probe->peer;
      } else if (const auto* drop = std::get_if<migration::DropPath>(&action)) {
        if (probe_ == drop->peer) {
          probe_.reset();
        } else if (active_ == drop->peer) {
          active_ = validated_;
        }
      } else if (const auto* move = std::get_if<migration::MoveToPath>(&action)) {
        EXPECT_NE(move->peer, kRefused) << "P4";
        expectMayMove(told, move->peer);
        active_ = move->peer;
        probe_.reset();
      } else if (std::holds_alternative<migration::Fail>(action)) {
        EXPECT_EQ(i + 1, steps.actions.size());
        dead_ = true;
      }
    }
    for (const MigrationEvent& event : steps.events) {
      if (const auto* completed = std::get_if<migration::Completed>(&event)) {
        EXPECT_EQ(told.fact, Fact::Validated) << "P2";
        EXPECT_TRUE(before == State::Probing || before == State::Validating) << "P2";
        EXPECT_EQ(completed->peer, active_);
        validated_ = active_;
      }
    }
    EXPECT_EQ(probe_.has_value(), client_.state() == State::Probing) << "P1";
    if (!dead_) {
      EXPECT_EQ(active_ != validated_, client_.state() == State::Validating) << "P3";
    }
  }

  void expectMayMove(const Told& told, const SocketAddress& peer) {
    if (told.fact == Fact::Validated) {
      EXPECT_EQ(probe_, peer) << "P3: proven, or symmetric";
    } else {
      EXPECT_TRUE(negotiated_.usable().has(SYMMETRIC) || negotiated_.usable().has(SYNCHRONIZED_SYMMETRIC)) << "P3";
    }
  }

  /// P7.
  void expectNegotiated(const Told& told, const MigrationSteps& steps) {
    std::optional<ServerMigrationProtocol> needed;
    if (told.fact == Fact::Announce) needed = EXPLICIT;
    if (told.fact == Fact::AnnounceEmpty) needed = SYNCHRONIZED_SYMMETRIC;
    if (told.fact == Fact::PoolEntry) needed = POOL_OF_ADDRESSES;
    if (!needed || negotiated_.usable().has(*needed)) return;
    ASSERT_FALSE(steps.actions.empty()) << "P7";
    EXPECT_TRUE(std::holds_alternative<migration::Fail>(steps.actions.back())) << "P7";
  }

  /// P5: the same frame again.
  void expectDuplicatesChangeNothing(const Told& told) {
    if (!isFrame(told.fact)) return;
    ServerMigrationClient twin = client_;
    const MigrationSteps steps = tell(twin, told);
    EXPECT_TRUE(steps.actions.empty() && steps.events.empty()) << "P5 " << describe(steps);
    EXPECT_TRUE(twin == client_) << "P5";
  }

  /// P5: a copy of an earlier frame arrives after whatever happened since. It never kills and never moves anything.
  void expectHarmlessCopy() {
    Told copy = frames_[chance_.below(static_cast<uint32_t>(frames_.size()))];
    copy.latest = false;
    copy.packet += PacketNum{chance_.below(3)} - 1;  // sent a little before or after the one that came first
    ServerMigrationClient twin = client_;
    for (const MigrationAction& action : tell(twin, copy).actions) {
      EXPECT_TRUE(false) << "P5: late copy of packet " << copy.packet << ": " << std::visit(ActionText{}, action);
    }
  }

  void expectNouns(const ServerMigrationClient& before, const Told& told, const MigrationSteps& steps) {
    if (told.fact == Fact::Packet) {
      EXPECT_EQ(steps.discard, !before.mayReceiveFrom(told.address));
    }
    if (told.fact == Fact::Silence) {
      EXPECT_EQ(before.watchesSilence(), !steps.actions.empty());
    }
    EXPECT_TRUE(client_.mayReceiveFrom(active_));
    if (probe_) {
      EXPECT_TRUE(client_.mayReceiveFrom(*probe_));
    }
  }

  /// P6.
  void expectTheWayHome() {
    for (size_t i = 0; i < kMaxPoolAddresses + 4; ++i) {
      const MigrationSteps failed = client_.onPathFailed(probe_.value_or(active_));
      follow({Fact::Failed, kOld, packet_, true}, client_.state(), failed);
      now_ += 61s;
      follow({Fact::Age, kOld, packet_, true}, client_.state(), client_.onTimeout(now_));
    }
    EXPECT_EQ(client_.state(), State::Idle) << "P6";
    EXPECT_EQ(active_, validated_) << "P6";
  }

  Chance chance_;
  ServerMigrationClient client_;
  Protocols negotiated_;
  TimePoint now_ = TimePoint{} + 1s;
  PacketNum packet_ = 0;
  SocketAddress active_;
  SocketAddress validated_ = kOld;
  std::optional<SocketAddress> probe_;
  std::vector<Told> frames_;
  std::string trace_;
  bool dead_ = false;
};

TEST(ServerMigrationWalk, NoSequenceOfFactsBreaksTheClientsProperties) {
  // covers SM-70
  size_t facts = 0;
  for (uint64_t seed = 0; seed < kWalks && !HasFailure(); ++seed) {
    ClientWalk walk(seed);
    facts += walk.run();
    if (HasFailure()) ADD_FAILURE() << "seed " << seed << "\n" << walk.trace();
  }
  EXPECT_GE(facts, 100000u);
  RecordProperty("facts", std::to_string(facts));
}

class ServerWalk {
 public:
  using State = ServerMigrationServer::State;

  explicit ServerWalk(uint64_t seed) : chance_(seed), negotiated_(chance_.protocols()) {
    server_.onNegotiated(negotiated_, chance_.below(3));
    server_.onHandshakeConfirmed();
  }

  void step() {
    const ServerMigrationServer before = server_;
    const uint32_t fact = chance_.below(7);
    const bool late = chance_.below(2) == 0;
    const MigrationSteps steps = tell(fact, late);
    if (fact == 1 && late) {
      EXPECT_TRUE(describe(steps).empty() && server_ == before) << "P5";
    }
    if (fact == 0 && isFailed(steps)) {
      EXPECT_TRUE(server_ == before);
    }
    for (const MigrationAction& action : steps.actions) expectAction(action, before.state());
    for (const MigrationEvent& event : steps.events) expectEvent(event, fact, before.state());
    EXPECT_EQ(server_.protocol().has_value(), server_.state() != State::Idle);
    EXPECT_TRUE(!server_.protocol() || negotiated_.usable().has(*server_.protocol())) << "P7";
  }

  void expectTheWayHome() {
    server_.cancel();
    EXPECT_EQ(server_.state(), State::Idle) << "P6";
  }

 private:
  MigrationSteps tell(uint32_t fact, bool late) {
    static const FourTuple kPath{kOld, kClient};
    const ServerMigrationProtocol protocol = static_cast<ServerMigrationProtocol>(1u << chance_.below(4));
    switch (fact) {
      case 0:
        return server_.prepare(
            protocol, protocol == EXPLICIT ? std::optional(QuicIPAddress::from(kTarget)) : std::nullopt, kPath);
      case 1: return server_.onAnnouncementAcked(late ? epoch_ - 1 : epoch_);
      case 2: return server_.onPoolAddressAcked(chance_.below(4));
      case 3: return server_.onNetworkSwitched(late);
      case 4: return server_.onClientArrived(kClient);
      case 5: server_.cancel(); return {};
      default: return {};
    }
  }

  static bool isFailed(const MigrationSteps& steps) {
    return !steps.events.empty() && std::holds_alternative<migration::Failed>(steps.events[0]);
  }

  void expectAction(const MigrationAction& action, State before) {
    if (const auto* send = std::get_if<migration::SendAnnouncement>(&action)) {
      EXPECT_EQ(send->epoch, epoch_ + 1);
      epoch_ = send->epoch;
    } else {
      EXPECT_TRUE(std::holds_alternative<migration::SendServerMigrated>(action));
      EXPECT_TRUE(before == State::Ready || before == State::Switching);
    }
  }

  void expectEvent(const MigrationEvent& event, uint32_t fact, State before) {
    if (std::holds_alternative<migration::Ready>(event)) {
      EXPECT_EQ(server_.state(), State::Ready);
    }
    if (std::holds_alternative<migration::Completed>(event)) {
      EXPECT_EQ(before, State::Switching) << "P2";
      EXPECT_EQ(fact, 4u) << "P2";
    }
  }

  Chance chance_;
  Protocols negotiated_;
  ServerMigrationServer server_;
  uint32_t epoch_ = 0;
};

TEST(ServerMigrationWalk, NoSequenceOfFactsBreaksTheServersProperties) {
  // covers SM-70
  for (uint64_t seed = 0; seed < kWalks && !HasFailure(); ++seed) {
    ServerWalk walk(seed);
    for (int i = 0; i < 60; ++i) walk.step();
    walk.expectTheWayHome();
    if (HasFailure()) ADD_FAILURE() << "seed " << seed;
  }
}

}  // namespace
}  // namespace quic
