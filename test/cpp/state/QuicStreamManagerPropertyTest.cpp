// Two managers joined by a pipe of packets that loses, reorders and duplicates, with acknowledgments that are late,
// lost or follow a loss declared too early. Applications on both sides open, write, end, reset, stop and read at
// random, guided by events alone: an event that is missing shows as a walk that never ends, credit that leaks as one
// that blocks. Packets are plain frames: there is no congestion control, no timer and no encryption to be seen here.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "StreamPeer.h"

namespace quic {
namespace {

struct Scenario {
  uint64_t seed;
  StreamSettings settings;
  uint64_t streams;  // each side opens so many
  size_t maxWrite;
  size_t maxPacket;
  uint64_t loss;  // percent
  bool hasResets;
};

class Walk;

/// One application with its manager.
class Side {
 public:
  Side(Walk& walk, Role role);
  void act();
  void pollEvents();
  [[nodiscard]] bool isDone() const;

  QuicStreamManager manager;
  std::map<uint64_t, SentFrames> inFlight;  // by packet number

  struct Outgoing {
    uint64_t written = 0;
    uint64_t total = 0;
    bool isEnded = false;   // FIN was written
    bool isReset = false;   // by us or by the peer's stop
    uint64_t promised = 0;  // by RESET_STREAM_AT, the least
    bool isComplete = false;
  };
  struct Incoming {
    uint64_t read = 0;
    bool isReadable = false;
    bool hasEnd = false;
    bool isReset = false;
    bool isStopped = false;  // by us
  };
  std::map<StreamId, Outgoing> outgoing;
  std::map<StreamId, Incoming> incoming;
  std::set<StreamId> closed;

 private:
  void openOne();
  void writeSome(StreamId id, Outgoing& stream);
  void resetSome(StreamId id, Outgoing& stream);
  void readSome(StreamId id, Incoming& stream);
  void addStream(StreamId id, bool isOurs);
  void onEvent(const StreamEvent& event);

  Walk& walk_;
  uint64_t opened_ = 0;
  bool isBlocked_[2] = {false, false};
};

class Walk {
 public:
  explicit Walk(const Scenario& s)
      : scenario(s), random(s.seed), client(*this, Role::Client), server(*this, Role::Server) {
    test::introduce(client.manager, server.manager);
  }
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : random() % bound; }
  bool chance(uint64_t percent) { return below(100) < percent; }

  void run();

  Scenario scenario;
  std::mt19937_64 random;
  Side client;
  Side server;
  uint64_t packets = 0;

 private:
  enum class What : uint8_t { Arrive, Acked, Lost };
  struct Pending {
    What what;
    Side* sender;
    uint64_t number;
    ByteVector bytes;
  };
  void transmit(Side& from);
  void step();

  std::vector<Pending> pending_;
};

Side::Side(Walk& walk, Role role) : manager(role, walk.scenario.settings), walk_(walk) {}

void Side::addStream(StreamId id, bool isOurs) {
  if (!id.isUnidirectional() || isOurs) {
    outgoing[id].total = walk_.chance(20) ? 0 : walk_.below(walk_.scenario.maxWrite * 8);
  }
  if (!id.isUnidirectional() || !isOurs) incoming[id];
}

void Side::openOne() {
  const bool unidirectional = walk_.chance(50);
  if (isBlocked_[unidirectional]) return;
  const Result<StreamId> id = manager.open(unidirectional);
  if (!id) {
    isBlocked_[unidirectional] = true;  // until StreamsAvailable
    return;
  }
  ++opened_;
  addStream(*id, true);
}

void Side::writeSome(StreamId id, Outgoing& stream) {
  if (stream.isEnded || stream.isReset) return;
  const uint64_t size = std::min<uint64_t>(walk_.below(walk_.scenario.maxWrite + 1), stream.total - stream.written);
  const bool fin = stream.written + size == stream.total;
  if (!manager.write(id, OwnedBytes::copyOf(test::pattern(id, stream.written, size)), fin)) {
    ASSERT_TRUE(walk_.scenario.hasResets);  // stopped, and the event was not polled yet
    return;
  }
  stream.written += size;
  stream.isEnded = fin;
  if (!walk_.scenario.hasResets || !walk_.chance(3)) return;
  stream.isReset = true;
  resetSome(id, stream);
}

/// RESET_STREAM, or RESET_STREAM_AT once or twice.
void Side::resetSome(StreamId id, Outgoing& stream) {
  if (!walk_.scenario.settings.resetStreamAt || walk_.chance(30)) {
    ASSERT_TRUE(manager.reset(id, 7).hasValue());
    return;
  }
  stream.promised = walk_.below(stream.written + 1);
  ASSERT_TRUE(manager.resetAt(id, 7, stream.promised).hasValue());
  if (!walk_.chance(30)) return;
  stream.promised = walk_.below(stream.promised + 1);
  ASSERT_TRUE(manager.resetAt(id, 7, stream.promised).hasValue());
}

void Side::readSome(StreamId id, Incoming& stream) {
  if (walk_.scenario.hasResets && !stream.hasEnd && !stream.isReset && !stream.isStopped && walk_.chance(1)) {
    stream.isStopped = true;
    ASSERT_TRUE(manager.stopSending(id, 9).hasValue());
  }
  if (!stream.isReadable || stream.isStopped || stream.isReset) return;
  ByteVector out(1 + walk_.below(walk_.scenario.maxWrite));
  const Result<StreamRead> got = manager.read(id, out);
  stream.isReadable = false;
  if (!got) return;  // a reset whose event was not polled yet
  out.resize(got->size);
  ASSERT_EQ(out, test::pattern(id, stream.read, got->size)) << "stream " << id.value << " at " << stream.read;
  stream.read += got->size;
  stream.hasEnd = got->fin;
}

void Side::act() {
  if (opened_ < walk_.scenario.streams && walk_.chance(30)) openOne();
  for (auto& [id, stream] : outgoing) {
    if (!stream.isEnded && !stream.isReset && walk_.chance(40)) writeSome(id, stream);
  }
  for (auto& [id, stream] : incoming) {
    if (!closed.contains(id) && walk_.chance(30)) readSome(id, stream);
  }
}

void Side::pollEvents() {
  while (const std::optional<StreamEvent> event = manager.pollEvent()) onEvent(*event);
}

void Side::onEvent(const StreamEvent& event) {
  if (const auto* available = std::get_if<StreamsAvailable>(&event)) {
    isBlocked_[available->unidirectional] = false;
    return;
  }
  const StreamId id = std::visit(
      [](const auto& e) {
        if constexpr (std::is_same_v<std::decay_t<decltype(e)>, StreamsAvailable>) {
          return StreamId{};
        } else {
          return e.id;
        }
      },
      event);
  ASSERT_FALSE(closed.contains(id)) << "an event after StreamClosed";
  if (std::holds_alternative<StreamOpened>(event)) {
    ASSERT_FALSE(incoming.contains(id));
    addStream(id, false);
    return;
  }
  ASSERT_TRUE(incoming.contains(id) || outgoing.contains(id)) << "an event before StreamOpened";
  if (std::holds_alternative<StreamReadable>(event)) {
    ASSERT_FALSE(incoming.at(id).isReadable) << "told twice";
    ASSERT_FALSE(incoming.at(id).hasEnd);
    incoming.at(id).isReadable = true;
  } else if (std::holds_alternative<StreamReset>(event)) {
    ASSERT_FALSE(incoming.at(id).isReset || incoming.at(id).hasEnd);
    incoming.at(id).isReset = true;
  } else if (std::holds_alternative<StreamStopped>(event)) {
    outgoing.at(id).isReset = true;
    outgoing.at(id).promised = 0;
  } else if (std::holds_alternative<StreamSendComplete>(event)) {
    ASSERT_FALSE(outgoing.at(id).isComplete);
    outgoing.at(id).isComplete = true;
  } else if (std::holds_alternative<StreamClosed>(event)) {
    closed.insert(id);
  }
}

bool Side::isDone() const {
  return opened_ == walk_.scenario.streams && manager.openStreams() == 0 && inFlight.empty() &&
         !manager.hasControlToSend();
}

void Walk::transmit(Side& from) {
  if (from.inFlight.size() > 60) return;
  test::StreamPacket packet = test::writePacket(from.manager, 25 + below(scenario.maxPacket));
  if (packet.bytes.empty()) return;
  const uint64_t number = packets++;
  from.inFlight[number] = packet.records;
  if (chance(scenario.loss)) {
    pending_.push_back({What::Lost, &from, number, {}});
    return;
  }
  if (chance(10)) pending_.push_back({What::Arrive, &from, number, packet.bytes});
  pending_.push_back({What::Arrive, &from, number, std::move(packet.bytes)});
}

void Walk::step() {
  if (pending_.empty()) return;
  // Mostly in order, now and then anything.
  const size_t pick = chance(15) ? below(pending_.size()) : below(std::min<size_t>(2, pending_.size()));
  Pending now = std::move(pending_[pick]);
  pending_.erase(pending_.begin() + static_cast<ptrdiff_t>(pick));
  const auto records = now.sender->inFlight.find(now.number);
  if (now.what == What::Arrive) {
    Side& receiver = now.sender == &client ? server : client;
    const Result<> result = test::givePacket(receiver.manager, now.bytes);
    ASSERT_TRUE(result.hasValue()) << result.error().reason;
    // A lost acknowledgment looks like a lost packet.
    pending_.push_back({chance(scenario.loss) ? What::Lost : What::Acked, now.sender, now.number, {}});
  } else if (records != now.sender->inFlight.end()) {
    if (now.what == What::Lost || chance(5)) test::lose(now.sender->manager, records->second);
    if (now.what == What::Acked) test::ack(now.sender->manager, records->second);
    now.sender->inFlight.erase(records);
  }
}

void Walk::run() {
  for (uint64_t round = 0; !client.isDone() || !server.isDone(); ++round) {
    ASSERT_LT(round, 300000u) << "client " << client.manager.openStreams() << " server "
                              << server.manager.openStreams();
    for (Side* side : {&client, &server}) {
      side->act();
      transmit(*side);
      if (chance(70)) side->pollEvents();
      if (::testing::Test::HasFatalFailure()) return;
    }
    for (int i = 0; i < 4; ++i) ASSERT_NO_FATAL_FAILURE(step());
  }
  client.pollEvents();
  server.pollEvents();
}

/// What one side sent, the other got.
void expectDelivered(const Side& from, const Side& to) {
  for (const auto& [id, stream] : from.outgoing) {
    ASSERT_TRUE(to.incoming.contains(id)) << id.value;
    const Side::Incoming& got = to.incoming.at(id);
    EXPECT_TRUE(from.closed.contains(id) && to.closed.contains(id)) << id.value;
    if (stream.isReset && !got.isStopped) {
      EXPECT_GE(got.read, stream.promised) << id.value;
    }
    if (stream.isReset || got.isStopped) continue;
    EXPECT_TRUE(stream.isEnded && stream.isComplete && got.hasEnd && !got.isReset) << id.value;
    EXPECT_EQ(got.read, stream.total) << id.value;
  }
}

std::vector<Scenario> scenarios() {
  std::vector<Scenario> all;
  const auto add = [&all](StreamSettings settings, uint64_t streams, size_t maxWrite, size_t maxPacket, uint64_t loss) {
    for (const bool hasResets : {false, true}) {
      for (uint64_t i = 0; i < 4; ++i) {
        all.push_back({1000 + all.size(), settings, streams, maxWrite, maxPacket, loss, hasResets});
      }
    }
  };
  add({}, 40, 3000, 1200, 10);                        // large windows
  add({}, 40, 3000, 1200, 40);                        // and a dreadful pipe
  add({1, 1, 1, 1, 0}, 8, 20, 100, 10);               // the tiniest windows there are
  add({100, 30, 2, 2, 10}, 25, 60, 200, 20);          // tiny windows
  add({5000, 5000, 3, 1, 1000}, 25, 2000, 1200, 20);  // one stream can starve the others
  add({20000, 1000, 50, 50, 500}, 150, 300, 400, 15);
  add({300000, 100000, 10, 10, 50000}, 10, 40000, 1400, 5);
  add({20000, 1000, 50, 50, 500, 1 << 20, 1 << 20, true}, 150, 300, 400, 15);  // with RESET_STREAM_AT
  add({100, 30, 2, 2, 10, 1 << 20, 1 << 20, true}, 25, 60, 200, 20);
  return all;
}

TEST(QuicStreamManagerProperty, DeliversEverythingAndForgetsEveryStreamWhateverThePipeDoes) {
  for (const Scenario& scenario : scenarios()) {
    SCOPED_TRACE("seed " + std::to_string(scenario.seed));
    Walk walk(scenario);
    ASSERT_NO_FATAL_FAILURE(walk.run());
    expectDelivered(walk.client, walk.server);
    expectDelivered(walk.server, walk.client);
    for (Side* side : {&walk.client, &walk.server}) {
      EXPECT_FALSE(side->manager.hasUnfinishedSends());
      EXPECT_FALSE(side->manager.hasDataToSend());
    }
  }
}

}  // namespace
}  // namespace quic
