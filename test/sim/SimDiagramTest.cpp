// Assumes: the printer of `npm run sim` is told of every datagram. Cannot see: whether people like it.
#include <gtest/gtest.h>

#include "quic/codec/QuicFrameCodec.h"
#include "sim/FrameText.h"
#include "sim/MigrationScenario.h"
#include "sim/SimDiagram.h"

namespace quic::test {
namespace {

const SocketAddress kClient = simAddress("10.1.0.1:50000");
const SocketAddress kServer = simAddress("10.0.0.1:4433");
constexpr TimePoint kStart(Duration(1'000'000));

/// A 1-RTT packet as it leaves, with `frames` in it.
template <class... Frames>
ByteVector sealedPacket(const SealedPackets& crypto, PacketNum number, const Frames&... frames) {
  ByteVector bytes(600);
  ByteWriter writer(bytes);
  EXPECT_TRUE(writeShortHeader(writer, ConnectionId(ByteVector(8, 7)), false, false, {number, 1}));
  const size_t header = writer.offset();
  EXPECT_TRUE((writeFrame(writer, frames) && ...));
  bytes.resize(writer.offset() + kAeadTagSize);
  const InitialProtection keys = crypto.initialProtection(kQuicVersion1, ByteVector(8, 9));
  EXPECT_TRUE(keys.client.aead->seal(number, ByteSpan(bytes).first(header), MutableByteSpan(bytes).subspan(header)));
  return bytes;
}

TEST(SimDiagram, HasALineForEachPacketAndSaysWhatBecameOfIt) {
  SealedPackets sealed(simCrypto());
  SimDiagram diagram(sealed, kStart);
  const ByteVector data(8);
  const SocketAddress next = simAddress("10.0.0.2:4433");
  diagram.onSent(kStart, {kClient, kServer, Ecn::NotEct,
                          sealedPacket(sealed, 3, StreamFrame{{4}, 0, data, true}, PaddingFrame{9})});
  diagram.onSent(kStart + 1500us, {kServer, kClient, Ecn::NotEct,
                                   sealedPacket(sealed, 0, ServerMigrationFrame{QuicIPAddress::from(next)})});
  diagram.onNote(kStart + 2ms, kServer, "leaves for 10.0.0.2:4433");
  diagram.onSent(kStart + 3ms, {kClient, kServer, Ecn::NotEct, sealedPacket(sealed, 4, PingFrame{}, PaddingFrame{3})});
  diagram.onSent(kStart + 4ms, {kServer, simAddress("10.1.0.2:50000"), Ecn::NotEct, ByteVector(3)});
  diagram.onFate(1, SimFate::Arrived);
  diagram.onFate(2, SimFate::Lost);
  diagram.onFate(3, SimFate::FoundNobody);
  diagram.onFate(3, SimFate::Arrived);  // of a copy
  EXPECT_EQ(
      diagram.text(),
      "   time ms  client  link                    server           bytes and packets\n"
      "     0.000  1       --------------------->  10.0.0.1:4433    46   1-RTT 3: STREAM 4 0+8 FIN\n"
      "     1.500  1             lost -----------  10.0.0.1:4433    51   1-RTT 0: SERVER_MIGRATION 10.0.0.2:4433\n"
      "     2.000  == server 10.0.0.1:4433 leaves for 10.0.0.2:4433 ==\n"
      "     3.000  1       -------- nobody there   10.0.0.1:4433    30   1-RTT 4: PING\n"
      "     4.000  2       <---------------------  10.0.0.1:4433    3    no packet\n");
}

TEST(SimDiagram, NamesEveryFrameShortly) {
  const ByteVector data(5);
  const PathData path{};
  const QuicIPAddress at = QuicIPAddress::from(kServer);
  const std::vector<std::pair<QuicFrame, std::string>> rows = {
      {PaddingFrame{}, ""},
      {PingFrame{}, "PING"},
      {AckFrame{7, 0, 2, 0, {}, std::nullopt}, "ACK 5-7"},
      {CryptoFrame{10, data}, "CRYPTO 10+5"},
      {StreamFrame{{8}, 3, data, false}, "STREAM 8 3+5"},
      {NewConnectionIdFrame{2, 0, {}, {}}, "NEW_CONNECTION_ID 2"},
      {PathChallengeFrame{path}, "PATH_CHALLENGE"},
      {PathResponseFrame{path}, "PATH_RESPONSE"},
      {ServerMigrationFrame{}, "SERVER_MIGRATION (no address)"},
      {ServerMigrationFrame{at}, "SERVER_MIGRATION 10.0.0.1:4433"},
      {ServerMigratedFrame{}, "SERVER_MIGRATED"},
      {PoolMigrationAddressFrame{at}, "POOL_MIGRATION_ADDRESS 10.0.0.1:4433"},
      {ConnectionCloseFrame{false, 2, 0, asBytes("gone")}, "CONNECTION_CLOSE CONNECTION_REFUSED \"gone\""},
  };
  for (const auto& [frame, text] : rows) EXPECT_EQ(textOf(frame), text);
}

TEST(SimDiagram, PutsConnectionIdsInARowTogether) {
  ByteVector bytes(600);
  ByteWriter writer(bytes);
  for (const uint64_t sequence : {3, 4, 5}) {
    EXPECT_TRUE(writeFrame(writer, NewConnectionIdFrame{sequence, 0, ConnectionId(ByteVector(8, 7)), {}}));
  }
  EXPECT_TRUE(writeFrame(writer, PingFrame{}));
  EXPECT_TRUE(writeFrame(writer, NewConnectionIdFrame{6, 0, ConnectionId(ByteVector(8, 7)), {}}));
  EXPECT_EQ(textOfFrames(ByteSpan(bytes).first(writer.offset())), "NEW_CONNECTION_ID 3-5, PING, NEW_CONNECTION_ID 6");
}

/// Of a run with one client.
std::string diagramOf(MigrationVariant variant, uint64_t seed, double loss) {
  SealedPackets sealed(simCrypto());
  MigrationScenario scenario{.seed = seed, .clients = {variant}};
  scenario.conditions = {.delay = 9ms, .loss = loss};
  std::optional<SimDiagram> diagram;
  SimOptions options;
  options.crypto = &sealed;
  const MigrationReport report = playMigration(scenario, options, [&](Sim& sim) {
    diagram.emplace(sealed, sim.clock.now());
    diagram->watch(sim.network);
  });
  EXPECT_TRUE(report.complaints.empty()) << report.complaints[0];
  return diagram->text();
}

/// That the words come one after another.
void expectInOrder(const std::string& text, const std::vector<std::string>& words) {
  size_t at = 0;
  for (const std::string& word : words) {
    at = text.find(word, at);
    ASSERT_NE(at, std::string::npos) << "\"" << word << "\" is missing, or too early, in\n" << text;
  }
}

TEST(SimDiagram, ShowsHowEachVariantFollows) {
  const std::string kLeaves = "== server 10.0.0.1:4433 leaves for 10.0.0.2:4433 ==";
  const std::string kAnnounced = "SERVER_MIGRATION 10.0.0.2:4433";
  const std::string kCompleted = "== client 1 heard: completed ==";
  using enum MigrationVariant;
  const std::vector<std::pair<MigrationVariant, std::vector<std::string>>> rows = {
      {ExplicitReactive, {"Initial 0: CRYPTO", kAnnounced, kLeaves, "PATH_CHALLENGE", "PATH_RESPONSE", kCompleted}},
      {ExplicitProactive, {kAnnounced, "PATH_CHALLENGE", kLeaves, "PATH_RESPONSE", kCompleted}},
      {ExplicitManual, {kAnnounced, kLeaves, "PATH_CHALLENGE", "PATH_RESPONSE", kCompleted}},
      {Pool, {"POOL_MIGRATION_ADDRESS 10.0.0.2:4433", kLeaves, "PATH_CHALLENGE", "PATH_RESPONSE", kCompleted}},
      {Symmetric, {kLeaves, "PATH_CHALLENGE", "== client 1 heard: detected ==", kCompleted}},
      {Synchronized, {"SERVER_MIGRATION (no address)", kLeaves, "== client 1 heard: detected ==", kCompleted}},
  };
  for (const auto& [variant, words] : rows) expectInOrder(diagramOf(variant, 1, 0), words);
}

TEST(SimDiagram, IsTheSameForTheSameSeedAndMarksLosses) {
  const std::string text = diagramOf(MigrationVariant::ExplicitReactive, 3, 0.1);
  EXPECT_EQ(text, diagramOf(MigrationVariant::ExplicitReactive, 3, 0.1));
  EXPECT_NE(text, diagramOf(MigrationVariant::ExplicitReactive, 4, 0.1));
  EXPECT_NE(text.find(" lost "), std::string::npos);
}

}  // namespace
}  // namespace quic::test
