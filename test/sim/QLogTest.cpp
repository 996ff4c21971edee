// Assumes: both ends write a qlog of a connection that moves under loss. Every record is read back: it is JSON, has what its
// event must have, and packets are those that the link carried. Cannot see: how tools draw it.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "cpp/support/TestJson.h"
#include "quic/codec/QuicPacketHeaders.h"
#include "sim/Sim.h"

namespace quic::test {
namespace {

const SocketAddress kNew = simAddress("10.0.0.2:4433");

/// Members of "data" that are not optional in draft-ietf-quic-qlog-quic-events-13, or of which one is of use only with all.
const std::map<std::string, std::vector<std::string>>& requiredMembers() {
  static const std::map<std::string, std::vector<std::string>> all = {
      {"quic:connection_started", {"local", "remote"}},
      {"quic:connection_closed", {"initiator", "reason", "trigger"}},
      {"quic:connection_state_updated", {"new"}},
      {"quic:connection_id_updated", {"initiator", "old", "new"}},
      {"quic:version_information", {"chosen_version"}},
      {"quic:alpn_information", {"chosen_alpn"}},
      {"quic:parameters_set", {"initiator", "initial_source_connection_id", "initial_max_data"}},
      {"quic:tuple_assigned", {"tuple_id"}},
      {"quic:mtu_updated", {"old", "new"}},
      {"quic:packet_sent", {"header", "frames", "raw"}},
      {"quic:packet_received", {"header", "frames", "raw"}},
      {"quic:packet_dropped", {"header", "raw", "trigger"}},
      {"quic:packet_buffered", {"header", "raw", "trigger"}},
      {"quic:packet_lost", {"header", "trigger"}},
      {"quic:stream_data_moved", {"stream_id", "from", "to", "raw"}},
      {"quic:migration_state_updated", {"new", "tuple_id"}},
      {"quic:key_updated", {"key_type", "trigger"}},
      {"quic:key_discarded", {"key_type", "trigger"}},
      {"quic:recovery_parameters_set", {"timer_granularity", "initial_congestion_window"}},
      {"quic:recovery_metrics_updated", {}},
      {"quic:congestion_state_updated", {"new"}},
      {"quic:ecn_state_updated", {"new"}},
      {"node_mvfst:loss_was_spurious", {"header", "lost_for", "trigger"}},
      {"server_migration:state_updated", {"new"}},
      {"server_migration:announced", {"protocol", "address"}},
      {"server_migration:probing_started", {"protocol", "address"}},
      {"server_migration:ready", {"protocol"}},
      {"server_migration:completed", {"protocol", "address"}},
      {"server_migration:reverted", {"address"}},
  };
  return all;
}

void expectWhole(const std::vector<Json>& records) {
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records[0]["file_schema"].text(), "urn:ietf:params:qlog:file:sequential");
  double last = 0;
  std::set<std::string> tuples{""};
  for (size_t i = 1; i < records.size(); ++i) {
    const Json& record = records[i];
    const std::string name = record["name"].text();
    ASSERT_TRUE(record["time"].isNumber());
    ASSERT_GE(record["time"].number(), last) << name;
    last = record["time"].number();
    const auto required = requiredMembers().find(name);
    ASSERT_NE(required, requiredMembers().end()) << name;
    for (const std::string& member : required->second) ASSERT_TRUE(record["data"].has(member)) << name << " " << member;
    if (name == "quic:tuple_assigned") tuples.insert(record["data"]["tuple_id"].text());
    ASSERT_TRUE(tuples.contains(record["tuple"].text())) << name << " on a path that nobody has heard of";
  }
}

/// One packet, as the link and the log both know it.
struct PacketSeen {
  double time;
  std::string type;
  std::string destinationId;
  size_t size;
  bool operator==(const PacketSeen&) const = default;
};

std::string typeName(PacketType type) {
  if (type == PacketType::Initial) return "initial";
  return type == PacketType::Handshake ? "handshake" : "1RTT";
}

void addPackets(std::vector<PacketSeen>& seen, TimePoint now, const SimDatagram& datagram) {
  ByteVector copy = datagram.bytes;
  MutableByteSpan rest = copy;
  while (!rest.empty()) {
    const auto packet = nextPacket(rest, 8);
    if (!packet) break;
    seen.push_back({static_cast<double>(now.time_since_epoch().count()) / 1000, typeName(packet->type),
                    packet->destinationId.hex(), packet->bytes.size()});
  }
}

using PacketKey = std::pair<std::string, double>;  // type and number

/// Of packet_sent or packet_received; and numbers rise when they are sent.
std::map<PacketKey, Json> packetsOf(const std::vector<Json>& records, const std::string& name) {
  std::map<PacketKey, Json> packets;
  std::map<std::string, double> highest;
  for (const Json& record : records) {
    if (record["name"].text() != name) continue;
    const Json& header = record["data"]["header"];
    const std::string type = header["packet_type"].text();
    const double number = header["packet_number"].number();
    if (name == "quic:packet_sent") {
      EXPECT_TRUE(!highest.contains(type) || number > highest[type]) << type << " " << number;
      highest[type] = number;
    }
    EXPECT_TRUE(packets.emplace(PacketKey(type, number), record["data"]).second) << type << " " << number;
  }
  return packets;
}

void expectSameAsLink(const std::vector<Json>& records, const std::vector<PacketSeen>& seen) {
  std::vector<PacketSeen> told;
  for (const Json& record : records) {
    if (record["name"].text() != "quic:packet_sent") continue;
    const Json& data = record["data"];
    told.push_back({record["time"].number(), data["header"]["packet_type"].text(), data["header"]["dcid"].text(),
                    static_cast<size_t>(data["raw"]["length"].number())});
  }
  ASSERT_EQ(told.size(), seen.size());
  for (size_t i = 0; i < told.size(); ++i) {
    ASSERT_EQ(told[i], seen[i]) << i << ": " << told[i].type << " of " << told[i].size << " bytes at " << told[i].time;
  }
}

/// What one end received, the other has sent: number, size and frames.
void expectReceivedWasSent(const std::vector<Json>& receiver, const std::vector<Json>& sender) {
  const auto sent = packetsOf(sender, "quic:packet_sent");
  size_t received = 0;
  for (const auto& [key, packet] : packetsOf(receiver, "quic:packet_received")) {
    const auto found = sent.find(key);
    ASSERT_NE(found, sent.end()) << key.first << " " << key.second;
    EXPECT_EQ(packet["raw"]["length"].number(), found->second["raw"]["length"].number());
    EXPECT_EQ(packet["frames"].elements().size(), found->second["frames"].elements().size());
    ++received;
  }
  EXPECT_GT(received, 20u);
}

size_t countOf(const std::vector<Json>& records, const std::string& name) {
  size_t count = 0;
  for (const Json& record : records) count += record["name"].text() == name ? 1 : 0;
  return count;
}

std::vector<std::string> serverMigrationEvents(const std::vector<Json>& records) {
  std::vector<std::string> names;
  for (const Json& record : records) {
    const std::string name = record["name"].text();
    if (name.starts_with("server_migration:") && name != "server_migration:state_updated")
      names.push_back(name.substr(17));
  }
  return names;
}

TEST(QLogSim, TellsAMoveUnderLossAsTheLinkSawIt) {
  for (const uint64_t seed : simSeeds()) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimOptions options{.seed = seed, .conditions = {.delay = 10ms, .loss = 0.05}};
    options.server.transport.serverMigration = {ServerMigrationProtocol::EXPLICIT};
    options.server.transport.qlog = true;
    options.server.transport.idleTimeout = options.server.transport.handshakeTimeout = 0s;
    Sim sim{options};
    TransportSettings settings;
    settings.clientMigration.protocols = {ServerMigrationProtocol::EXPLICIT};
    settings.idleTimeout = settings.handshakeTimeout = 0s;
    settings.qlog = true;
    std::vector<PacketSeen> fromClient;
    std::vector<PacketSeen> fromServer;
    SimClient& client = sim.connect(settings);
    sim.network.onSent = [&](TimePoint now, const SimDatagram& datagram) {
      addPackets(datagram.from == client.address() ? fromClient : fromServer, now, datagram);
    };
    client.transfer(30'000);
    client.requestEvery(20ms, 30);
    ASSERT_TRUE(sim.runUntil([&] { return client.isConfirmed && client.answered > 3; }, 3600s));
    sim.server->prepare(ServerMigrationProtocol::EXPLICIT, kNew);
    ASSERT_TRUE(sim.runUntil([&] { return sim.server->ready.size() == 1; }, 3600s));
    sim.server->moveTo(kNew, 30ms);
    ASSERT_TRUE(sim.runUntil([&] { return client.isDone() && client.downtime.has_value(); }, 3600s));
    sim.runFor(2s);

    const auto ofClient = parseJsonSequence(client.qlog);
    const auto ofServer = parseJsonSequence(sim.server->qlog);
    ASSERT_TRUE(ofClient && ofServer);
    expectWhole(*ofClient);
    expectWhole(*ofServer);
    expectSameAsLink(*ofClient, fromClient);
    expectSameAsLink(*ofServer, fromServer);
    expectReceivedWasSent(*ofClient, *ofServer);
    expectReceivedWasSent(*ofServer, *ofClient);
    const ConnectionStats stats = client.connection()->stats();
    EXPECT_EQ(countOf(*ofClient, "quic:packet_lost"), stats.packetsLost);
    EXPECT_EQ(countOf(*ofClient, "node_mvfst:loss_was_spurious"), stats.packetsSpuriouslyLost);
    EXPECT_EQ(countOf(*ofClient, "quic:packet_dropped"), stats.packetsDropped);
    const auto heard = serverMigrationEvents(*ofClient);
    ASSERT_GE(heard.size(), 3u);
    EXPECT_EQ(heard.front(), "announced");
    EXPECT_EQ(heard.back(), "completed");
    EXPECT_EQ(serverMigrationEvents(*ofServer), (std::vector<std::string>{"ready", "completed"}));

    client.close();
    ASSERT_TRUE(sim.runUntil([&] { return client.closeError.has_value(); }, 10s));
    const auto atTheEnd = parseJsonSequence(client.qlog);
    ASSERT_TRUE(atTheEnd);
    EXPECT_EQ(countOf(*atTheEnd, "quic:connection_closed"), 1u);
  }
}

}  // namespace
}  // namespace quic::test
