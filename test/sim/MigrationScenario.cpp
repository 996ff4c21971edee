#include "sim/MigrationScenario.h"

#include <algorithm>
#include <sstream>

namespace quic::test {
namespace {

using Phase = ServerMigrationCoordinator::Phase;

constexpr Duration kPatience = 3600s;              // of virtual time: whoever needs more is stuck
constexpr uint64_t kStepsOfPatience = 10'000'000;  // of the clock: whoever needs more spins
constexpr Duration kShortestRetry = 500ms;         // of an application whose connection has ended; doubled each time
constexpr Duration kLongestRetry = 8s;

const char* nameOf(SimLoad load) {
  switch (load) {
    case SimLoad::Idle: return "idle";
    case SimLoad::Requests: return "requests";
    case SimLoad::Upload: return "upload";
    case SimLoad::Download: return "download";
    case SimLoad::BothWays: return "both ways";
  }
  return "?";
}

/// Someone who wants to be served: by one connection that moves along, or, where that cannot be, by one after another.
struct Seat {
  std::optional<MigrationVariant> variant;
  bool isNewcomer = false;
  SimClient* client = nullptr;
  Duration retryAfter = kShortestRetry;
  TimePoint retryAt{};

  /// Its first connection must last.
  [[nodiscard]] bool mustLast() const { return variant.has_value() && !isNewcomer; }
};

class Player {
 public:
  Player(const MigrationScenario& scenario, const SimOptions& base)
      : scenario_(scenario), sim_(optionsFor(scenario, base)) {
    if (scenario.firstDelay) {
      LinkConditions first = scenario.conditions;
      first.delay = *scenario.firstDelay;
      sim_.network.conditionsNear[addressOf(0)] = first;
    }
  }

  Sim& sim() { return sim_; }

  MigrationReport play() {
    const TimePoint start = sim_.clock.now();
    for (const auto& variant : scenario_.clients) sit(variant, false);
    for (Seat& seat : seats_) seat.client->request();
    tend();
    if (await("served before any move", [this] { return areAllServed(); })) {
      for (size_t i = 0; i < scenario_.moves && move(addressOf(i + 1)); ++i) {
      }
      if (report_.complaints.empty()) (void)await("served after the last move", [this] { return areAllServed(); });
    }
    judge();
    report_.hash = sim_.network.hash();
    report_.datagrams = sim_.network.sent();
    report_.took = sim_.clock.now() - start;
    report_.leftBehind = sim_.server->leftBehind;
    return std::move(report_);
  }

 private:
  static SimOptions optionsFor(const MigrationScenario& scenario, const SimOptions& base) {
    SimOptions options = base;
    options.seed = scenario.seed;
    options.conditions = scenario.conditions;
    TransportSettings& transport = options.server.transport;
    transport.idleTimeout = 600s;
    transport.handshakeTimeout = 0s;
    uint64_t protocols = 0;
    for (const auto& variant : scenario.clients) protocols |= variant ? static_cast<uint64_t>(protocolOf(*variant)) : 0;
    transport.serverMigration = ServerMigrationProtocols(protocols);
    for (size_t i = 1; i <= scenario.moves; ++i) {
      transport.migrationPool.push_back(QuicIPAddress::from(addressOf(scenario, i)));
    }
    return options;
  }

  static SocketAddress addressOf(const MigrationScenario& scenario, size_t stop) {
    const bool isBack = scenario.returns && stop == scenario.moves;
    return simAddress("10.0.0." + std::to_string(isBack ? 1 : stop + 1) + ":4433");
  }
  [[nodiscard]] SocketAddress addressOf(size_t stop) const { return addressOf(scenario_, stop); }

  // ---- who is served

  TransportSettings settingsOf(const Seat& seat) const {
    TransportSettings settings;
    // Timers that double may outlast any timeout: what is asked here is that nothing is lost. Who cannot follow has the
    // defaults: if the server's last word to it is lost, only its idle timeout tells it to connect again, and the others
    // have nothing to say meanwhile.
    if (seat.mustLast()) {
      settings.idleTimeout = 600s;
      settings.handshakeTimeout = 0s;
    }
    if (seat.variant) settings.clientMigration = clientMigrationOf(*seat.variant);
    settings.clientMigration.announcementLifetime = scenario_.silentFor + 600s;
    return settings;
  }

  void sit(const std::optional<MigrationVariant>& variant, bool isNewcomer) {
    Seat seat{variant, isNewcomer};
    seat.client = &sim_.connect(settingsOf(seat));
    seats_.push_back(seat);
  }

  /// Applications whose connection has ended begin another one.
  void tend() {
    for (Seat& seat : seats_) {
      if (seat.mustLast() || !seat.client->closeError || sim_.clock.now() < seat.retryAt) continue;
      seat.retryAt = sim_.clock.now() + seat.retryAfter;
      seat.retryAfter = std::min(seat.retryAfter * 2, kLongestRetry);
      ++report_.reconnected;
      report_.endings.push_back(std::string(toString(seat.client->closeError->code)) + ", " + seat.client->closeReason);
      seat.client = &sim_.connectAgain(*seat.client, settingsOf(seat));
      seat.client->request();
    }
    sim_.clock.after(kShortestRetry, [this] { tend(); });
  }

  [[nodiscard]] bool isLost() const {
    return std::any_of(seats_.begin(), seats_.end(),
                       [](const Seat& seat) { return seat.mustLast() && seat.client->closeError; });
  }

  [[nodiscard]] bool areAllServed() const {
    return std::all_of(seats_.begin(), seats_.end(), [this](const Seat& seat) {
      return seat.client->isConfirmed && !seat.client->closeError && seat.client->isDone() && isComplete(seat);
    });
  }

  /// All that went in one direction on its streams has arrived.
  [[nodiscard]] bool isComplete(const Seat& seat) const {
    if (!seat.mustLast()) return true;
    const auto& arrived = sim_.server->swallowedHashes;
    return seat.client->downloadedHashes.size() >= pushes_ &&
           std::all_of(seat.client->uploadedHashes.begin(), seat.client->uploadedHashes.end(),
                       [&](uint64_t hash) { return arrived.contains(hash); });
  }

  // ---- a move

  bool move(const SocketAddress& target) {
    load();
    sim_.runFor(scenario_.load == SimLoad::Idle ? 2s : 40ms);
    for (size_t i = 0; i < scenario_.newcomers; ++i) newcomer(i);
    // Some are in the middle of their handshakes when the server begins to prepare, the others find that it refuses.
    sim_.runFor(scenario_.conditions.delay * 5 / 2);
    sim_.server->prepareEach(target);
    for (size_t i = 0; i < scenario_.newcomers; ++i) newcomer(i);
    const auto isPrepared = [this] { return sim_.server->coordinator().phase() == Phase::Prepared; };
    if (!await("prepared", isPrepared) || !areUnableServed()) return false;
    for (const Seat& seat : seats_) report_.unfinishedAtMove += isComplete(seat) && !seat.client->openTransfers ? 0 : 1;
    sim_.server->moveTo(target, scenario_.silentFor, scenario_.gap);
    sim_.runFor(scenario_.silentFor + Duration(1));
    for (Seat& seat : seats_) {
      if (seat.variant == MigrationVariant::ExplicitManual && !seat.isNewcomer) probe(*seat.client);
      if (!seat.client->closeError) seat.client->request();
    }
    return await("followed to " + target.toString(), [&] { return isMoveOver(target); });
  }

  void load() {
    for (Seat& seat : seats_) {
      if (seat.client->closeError) continue;
      if (scenario_.load != SimLoad::Idle) seat.client->requestEvery(scenario_.interval, scenario_.requests);
      if (scenario_.load == SimLoad::BothWays) seat.client->transfer(scenario_.bytes);
      if (scenario_.load == SimLoad::Upload && seat.client->isConfirmed) seat.client->upload(scenario_.bytes);
    }
    if (scenario_.load != SimLoad::Download) return;
    sim_.server->pushToAll(scenario_.bytes);
    ++pushes_;
  }

  void newcomer(size_t i) {
    sit(scenario_.clients[i % scenario_.clients.size()], true);
    seats_.back().client->request();
  }

  /// Who cannot follow is served as long as the server is there.
  bool areUnableServed() {
    std::vector<SimClient*> unable;
    for (const Seat& seat : seats_) {
      if (!seat.variant && !seat.isNewcomer && !seat.client->closeError) unable.push_back(seat.client);
    }
    for (SimClient* client : unable) client->request();
    return await("served during the preparation", [&unable] {
      return std::all_of(unable.begin(), unable.end(),
                         [](const SimClient* client) { return client->isDone() || client->closeError; });
    });
  }

  void probe(SimClient& client) {
    if (!client.closeError && !client.startProbing()) complain(client, "cannot probe although the server is there");
  }

  [[nodiscard]] bool isMoveOver(const SocketAddress& target) const {
    return sim_.server->coordinator().phase() == Phase::Done &&
           std::all_of(seats_.begin(), seats_.end(), [&](const Seat& seat) {
             if (!seat.mustLast()) return true;
             return seat.client->closeError ||
                    (seat.client->connection()->activePath().peer == target &&
                     seat.client->connection()->migrationState() == ServerMigrationClient::State::Idle);
           });
  }

  template <class Predicate>
  bool await(const std::string& what, Predicate predicate) {
    const uint64_t mostSteps = sim_.clock.steps() + kStepsOfPatience;
    const auto isOver = [&] { return predicate() || isLost() || sim_.clock.steps() > mostSteps; };
    const bool isInTime = sim_.runUntil(isOver, kPatience) && sim_.clock.steps() <= mostSteps;
    if (isInTime && !isLost()) return true;
    std::string awaited;
    for (const SocketAddress& client : sim_.server->awaited()) awaited += " " + client.toString();
    report_.complaints.push_back((isInTime ? "somebody was lost before everybody was " : "too late everybody was ") +
                                 what + "; the server waits for:" + awaited);
    return false;
  }

  // ---- the judgement

  void complain(const SimClient& client, const std::string& what) {
    report_.complaints.push_back(client.address().toString() + " " + what);
  }

  void judge() {
    for (const auto& client : sim_.clients) {
      if (client->wrong > 0) complain(*client, "got what it had not sent");
      if (client->answered > client->asked) complain(*client, "was answered twice");
      for (const uint64_t hash : client->downloadedHashes) {
        if (!sim_.server->pushedHashes.contains(hash)) complain(*client, "got a stream that the server did not send");
      }
    }
    for (const Seat& seat : seats_) {
      if (seat.mustLast()) judgeLasting(seat);
    }
    judgeSwallowed();
    if (scenario_.newcomers == 0) {
      const auto unable = std::count(scenario_.clients.begin(), scenario_.clients.end(), std::nullopt);
      if (sim_.server->failed > 0) report_.complaints.emplace_back("the server could not prepare a connection");
      // Who cannot follow may still be on its way back when the next move begins.
      const size_t most = static_cast<size_t>(unable) * scenario_.moves;
      if (sim_.server->leftBehind > most) {
        report_.complaints.push_back("the server has left " + std::to_string(sim_.server->leftBehind) +
                                     " behind, and no more than " + std::to_string(most) + " cannot follow");
      }
    }
  }

  void judgeLasting(const Seat& seat) {
    const SimClient& client = *seat.client;
    if (client.closeError) return complain(client, "lost its connection: " + client.closeReason);
    if (client.answered != client.asked) complain(client, "was not answered");
    if (client.downloadedHashes.size() > pushes_) complain(client, "got a stream twice");
    if (const std::string flaw = flawOf(*seat.variant, client.migrationEvents); !flaw.empty()) complain(client, flaw);
    if (client.downtime) report_.worstDowntime = std::max(report_.worstDowntime, *client.downtime);
  }

  /// What the server got on streams of one direction is what clients have sent, each once.
  void judgeSwallowed() {
    std::multiset<uint64_t> sent;
    for (const auto& client : sim_.clients) sent.insert(client->uploadedHashes.begin(), client->uploadedHashes.end());
    if (!std::includes(sent.begin(), sent.end(), sim_.server->swallowedHashes.begin(),
                       sim_.server->swallowedHashes.end())) {
      report_.complaints.emplace_back("the server got a stream that nobody had sent, or one of them twice");
    }
  }

  /// Events of a client over all moves, as an automaton: what may follow what, and how often.
  [[nodiscard]] std::string flawOf(MigrationVariant variant, const std::vector<std::string>& events) const {
    const auto times = [&](const char* name) {
      return static_cast<size_t>(std::count(events.begin(), events.end(), name));
    };
    const bool isAnnounced = isExplicit(variant) || variant == MigrationVariant::Synchronized;
    const char* const search = isSymmetricKind(variant) ? "detected" : "probing";
    std::string told;
    for (const std::string& event : events) told += " " + event;
    if (!report_.complaints.empty()) return {};  // it did not come to an end
    if (times("completed") != scenario_.moves) return "did not complete each move once:" + told;
    if (times("announced") != (isAnnounced ? scenario_.moves : 0)) return "heard other announcements:" + told;
    if (times("pool-address") != (variant == MigrationVariant::Pool ? scenario_.moves : 0)) {
      return "has another pool:" + told;
    }
    bool isSearching = false;
    for (const std::string& event : events) {
      if (event == "expired" || event == "failed") return "heard of what did not happen:" + told;
      if (event == "completed" && !isSearching) return "completed what had not begun:" + told;
      if (event == search) isSearching = true;
      if (event == "completed" || event == "reverted") isSearching = false;
    }
    return times(search) >= scenario_.moves ? "" : "never looked:" + told;
  }

  const MigrationScenario& scenario_;
  Sim sim_;
  std::vector<Seat> seats_;
  size_t pushes_ = 0;  // to each client of the beginning
  MigrationReport report_;
};

}  // namespace

MigrationReport playMigration(const MigrationScenario& scenario, const SimOptions& base,
                              const std::function<void(Sim&)>& watch) {
  Player player(scenario, base);
  if (watch) watch(player.sim());
  return player.play();
}

std::string describe(const MigrationScenario& scenario) {
  std::ostringstream text;
  text << "seed " << scenario.seed << ", " << scenario.clients.size() << " x "
       << (scenario.clients[0] ? nameOf(*scenario.clients[0]) : "no extension") << ", loss " << scenario.conditions.loss
       << ", reordered " << scenario.conditions.reorder << ", " << nameOf(scenario.load) << ", "
       << (scenario.gap == SimGap::Frozen ? "frozen" : "offline") << " for " << scenario.silentFor.count() / 1000
       << " ms, " << scenario.moves << " moves" << (scenario.returns ? " and back" : "") << ", " << scenario.newcomers
       << " newcomers";
  return text.str();
}

}  // namespace quic::test
