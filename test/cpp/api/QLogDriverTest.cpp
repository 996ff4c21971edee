#include "quic/api/QLogDriver.h"

#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"
#include "cpp/support/TestJson.h"

namespace quic::test {
namespace {

TransportSettings logged() {
  TransportSettings settings;
  settings.qlog = true;
  return settings;
}

ServerEndpointSettings loggingServer() {
  ServerEndpointSettings settings;
  settings.transport = logged();
  return settings;
}

std::string textOf(const std::vector<EndpointEvent>& events) {
  std::string text;
  for (const EndpointEvent& event : events) {
    if (const auto* part = std::get_if<QLogText>(&event.event)) text += part->text;
  }
  return text;
}

std::vector<Json> recordsOf(const std::vector<EndpointEvent>& events) {
  const auto records = parseJsonSequence(textOf(events));
  EXPECT_TRUE(records) << textOf(events);
  return records.value_or(std::vector<Json>());
}

std::vector<Json> named(const std::vector<Json>& records, const std::string& name) {
  std::vector<Json> found;
  for (const Json& record : records) {
    if (record["name"].text() == name) found.push_back(record["data"]);
  }
  return found;
}

std::vector<std::string> newStates(const std::vector<Json>& records, const std::string& name) {
  std::vector<std::string> states;
  for (const Json& data : named(records, name)) states.push_back(data["new"].text());
  return states;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> found;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    found.push_back(text.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return found;
}

TEST(QLogDriver, TellsNothingUnlessItIsAsked) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  EXPECT_EQ(pair.count<QLogText>(pair.clientEvents), 0u);
  EXPECT_EQ(pair.count<QLogText>(pair.serverEvents), 0u);
}

TEST(QLogDriver, TellsAHandshakeFromBothEnds) {
  EndpointPair pair(loggingServer());
  pair.connect(logged());
  pair.exchange();
  for (const auto* events : {&pair.clientEvents, &pair.serverEvents}) {
    const bool isClient = events == &pair.clientEvents;
    const auto all = recordsOf(*events);
    ASSERT_GT(all.size(), 10u);
    EXPECT_EQ(all[0]["trace"]["vantage_point"]["type"].text(), isClient ? "client" : "server");
    EXPECT_EQ(all[1]["name"].text(), "quic:connection_started");
    EXPECT_EQ(
        newStates(all, "quic:connection_state_updated"),
        (std::vector<std::string>{"attempted", "handshake_started", "handshake_complete", "handshake_confirmed"}));
    const auto parameters = named(all, "quic:parameters_set");
    ASSERT_EQ(parameters.size(), 2u);
    EXPECT_NE(parameters[0]["initiator"].text(), parameters[1]["initiator"].text());
    for (const Json& set : parameters) EXPECT_TRUE(set["initial_source_connection_id"].text().size() > 0);
    EXPECT_EQ(named(all, "quic:alpn_information").size(), 1u);
    EXPECT_EQ(named(all, "quic:key_updated").size(), 6u);
    EXPECT_EQ(named(all, "quic:key_discarded").size(), 4u);
  }
}

TEST(QLogDriver, BothEndsNameTheConnectionAlike) {
  EndpointPair pair(loggingServer());
  pair.connect(logged());
  pair.exchange();
  const Json client = recordsOf(pair.clientEvents).at(0)["trace"]["common_fields"];
  const Json server = recordsOf(pair.serverEvents).at(0)["trace"]["common_fields"];
  EXPECT_EQ(client["group_id"].text(), server["group_id"].text());
  EXPECT_EQ(client["group_id"].text().size(), 16u);
}

TEST(QLogDriver, WritesTheseRecords) {
  EndpointPair pair(loggingServer());
  pair.connect(logged());
  pair.exchange();
  const auto all = lines(textOf(pair.clientEvents));
  ASSERT_GT(all.size(), 9u);
  const std::vector<std::string> first(all.begin() + 1, all.begin() + 10);
  EXPECT_EQ(
      first,
      (std::vector<std::string>{
          R"({"time":3600000,"name":"quic:connection_started","data":{"local":{"ip_v4":"10.0.1.1","port_v)"
          R"(4":5000,"connection_ids":["462a47a2b9fefc52"]},"remote":{"ip_v4":"10.0.0.1","port_v4":4433,")"
          R"(connection_ids":["a035aa0ca4b791f7"]}}})",
          R"({"time":3600000,"name":"quic:connection_state_updated","data":{"new":"attempted"}})",
          R"({"time":3600000,"name":"quic:version_information","data":{"client_versions":["00000001"],"chosen_version":"00000001"}})",
          R"({"time":3600000,"name":"quic:recovery_parameters_set","data":{"reordering_threshold":3,"time)"
          R"(_threshold":1.125,"timer_granularity":1,"initial_rtt":333,"max_datagram_size":1200,"initial_)"
          R"(congestion_window":12000,"minimum_congestion_window":2400,"persistent_congestion_threshold":)"
          R"(3,"congestion_control":"cubic"}})",
          R"({"time":3600000,"name":"quic:parameters_set","data":{"initiator":"local","initial_source_con)"
          R"(nection_id":"462a47a2b9fefc52","disable_active_migration":false,"max_idle_timeout":30000,"ma)"
          R"(x_udp_payload_size":65527,"active_connection_id_limit":8,"initial_max_data":1048576,"initial)"
          R"(_max_stream_data_bidi_local":524288,"initial_max_stream_data_bidi_remote":524288,"initial_ma)"
          R"(x_stream_data_uni":524288,"initial_max_streams_bidi":100,"initial_max_streams_uni":100,"ack_)"
          R"(delay_exponent":3,"max_ack_delay":25,"grease_quic_bit":true}})",
          R"({"time":3600000,"name":"quic:key_updated","data":{"key_type":"client_initial_secret","trigge)"
          R"(r":"tls"}})",
          R"({"time":3600000,"name":"quic:key_updated","data":{"key_type":"server_initial_secret","trigge)"
          R"(r":"tls"}})",
          R"({"time":3600000,"name":"quic:tuple_assigned","data":{"tuple_id":"","tuple_remote":{"ip_v4":")"
          R"(10.0.0.1","port_v4":4433,"connection_ids":["a035aa0ca4b791f7"]},"tuple_local":{"ip_v4":"10.0)"
          R"(.1.1","port_v4":5000}}})",
          R"({"time":3600000,"name":"quic:ecn_state_updated","data":{"new":"testing"}})",
      }));
}

TEST(QLogDriver, TellsOfWhatIsReceivedTheNumberAndTheFrames) {
  EndpointPair pair(loggingServer());
  const ConnectionHandle handle = pair.connect(logged());
  pair.exchange();
  QuicClientTransport& client = *pair.client.find(handle);
  const StreamId id = *client.openStream(false);
  ASSERT_TRUE(client.writeStream(id, OwnedBytes::copyOf(ByteVector(5, 'x')), true));
  pair.client.touch(handle);
  pair.serverEvents.clear();
  pair.exchange();
  const auto moved = named(recordsOf(pair.clientEvents), "quic:stream_data_moved");
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(moved[0]["from"].text(), "application");
  EXPECT_EQ(moved[0]["additional_info"].text(), "fin_set");
  EXPECT_EQ(moved[0]["raw"]["length"].number(), 5);
  const auto received = named(recordsOf(pair.serverEvents), "quic:packet_received");
  ASSERT_FALSE(received.empty());
  EXPECT_EQ(received[0]["header"]["packet_type"].text(), "1RTT");
  EXPECT_TRUE(received[0]["header"]["packet_number"].isNumber());
  bool isThere = false;
  for (const Json& frame : received[0]["frames"].elements()) {
    isThere |= frame["frame_type"].text() == "stream" && frame["raw"]["length"].number() == 5;
  }
  EXPECT_TRUE(isThere);
}

TEST(QLogDriver, TellsWhyAPacketIsDropped) {
  EndpointPair pair(loggingServer());
  const ConnectionHandle handle = pair.connect(logged());
  pair.exchange();
  ASSERT_TRUE(pair.client.find(handle)->updateKeys(pair.now));  // so that it sends one packet, alone in its datagram
  pair.client.touch(handle);
  pair.exchange();
  pair.serverEvents.clear();
  ByteVector again = pair.carried.back().bytes;
  pair.giveServer(again);
  ByteVector forged = pair.carried.back().bytes;
  forged.back() ^= 1;
  pair.giveServer(forged);
  (void)pair.takeFromServer();
  const auto dropped = named(recordsOf(pair.serverEvents), "quic:packet_dropped");
  ASSERT_EQ(dropped.size(), 2u);
  EXPECT_EQ(dropped[0]["trigger"].text(), "duplicate");
  EXPECT_EQ(dropped[1]["trigger"].text(), "decryption_failure");
  EXPECT_EQ(dropped[1]["raw"]["length"].number(), static_cast<double>(forged.size()));
}

TEST(QLogDriver, TellsTheMetricsOnlyWhenTheyChange) {
  EndpointPair pair(loggingServer());
  pair.connect(logged());
  pair.exchange();
  std::map<std::string, double> last;
  size_t updates = 0;
  for (const Json& data : named(recordsOf(pair.clientEvents), "quic:recovery_metrics_updated")) {
    ++updates;
    ASSERT_TRUE(data.isObject());
    EXPECT_FALSE(std::get<Json::Object>(data.value).empty());
    for (const auto& [name, value] : std::get<Json::Object>(data.value)) {
      EXPECT_TRUE(!last.contains(name) || last[name] != value.number()) << name;
      last[name] = value.number();
    }
  }
  EXPECT_GT(updates, 2u);
}

TEST(QLogDriver, TellsWhoUpdatedKeys) {
  EndpointPair pair(loggingServer());
  const ConnectionHandle handle = pair.connect(logged());
  pair.exchange();
  pair.clientEvents.clear();
  pair.serverEvents.clear();
  ASSERT_TRUE(pair.client.find(handle)->updateKeys(pair.now));
  pair.client.touch(handle);
  pair.exchange();
  for (const auto* events : {&pair.clientEvents, &pair.serverEvents}) {
    const auto updated = named(recordsOf(*events), "quic:key_updated");
    ASSERT_EQ(updated.size(), 2u);
    for (const Json& key : updated) {
      EXPECT_EQ(key["key_phase"].number(), 1);
      EXPECT_EQ(key["trigger"].text(), events == &pair.clientEvents ? "local_update" : "remote_update");
    }
  }
}

TEST(QLogDriver, IsCompleteBeforeTheEndIsTold) {
  EndpointPair pair(loggingServer());
  const ConnectionHandle handle = pair.connect(logged());
  pair.exchange();
  pair.client.find(handle)->close(pair.now, static_cast<ApplicationErrorCode>(7), "bye");
  pair.client.touch(handle);
  pair.exchange();
  for (const auto* events : {&pair.clientEvents, &pair.serverEvents}) {
    ASSERT_TRUE(std::holds_alternative<ConnectionClosed>(events->back().event));
    const auto all = recordsOf(*events);
    const auto closed = named(all, "quic:connection_closed");
    ASSERT_EQ(closed.size(), 1u);
    EXPECT_EQ(closed[0]["application_error"].text(), "unknown");
    EXPECT_EQ(closed[0]["error_code"].number(), 7);
    EXPECT_EQ(closed[0]["reason"].text(), "bye");
    EXPECT_EQ(closed[0]["trigger"].text(), "application");
    const bool isClient = events == &pair.clientEvents;
    EXPECT_EQ(closed[0]["initiator"].text(), isClient ? "local" : "remote");
    EXPECT_EQ(newStates(all, "quic:connection_state_updated").back(), isClient ? "closing" : "draining");
    const auto packets = named(all, isClient ? "quic:packet_sent" : "quic:packet_received");
    EXPECT_EQ(packets.back()["frames"].elements().at(0)["frame_type"].text(), "connection_close");
  }
}

TEST(QLogDriver, TellsAVersionThatNobodySpeaks) {
  EndpointPair pair;
  pair.connect(logged());
  const auto sent = pair.takeFromClient();
  ASSERT_FALSE(sent.empty());
  const auto header = parseInvariantHeader(sent[0].bytes, 8);
  ASSERT_TRUE(header);
  ByteVector answer(64);
  const std::array<uint32_t, 1> versions{0x1a2a3a4a};
  answer.resize(writeVersionNegotiation(answer, 0xc0, header->sourceId, header->destinationId, versions));
  pair.giveClient(answer);
  (void)pair.takeFromClient();
  const auto all = recordsOf(pair.clientEvents);
  const auto received = named(all, "quic:packet_received");
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0]["header"]["packet_type"].text(), "version_negotiation");
  EXPECT_EQ(received[0]["supported_versions"].elements().at(0).text(), "1a2a3a4a");
  EXPECT_EQ(named(all, "quic:connection_closed").at(0)["trigger"].text(), "version_mismatch");
}

// A host that is slow: the log is bounded, and says what is missing.
TEST(QLogDriver, HoldsNoMoreThanItsBoundWhenNobodyTakesIt) {
  EndpointPair pair(loggingServer());
  pair.connect(logged());
  pair.exchange();
  pair.serverEvents.clear();
  const ByteVector packet = pair.carried.back().bytes;
  for (int i = 0; i < 5000; ++i) pair.giveServer(packet);
  (void)pair.takeFromServer();
  const std::string text = textOf(pair.serverEvents);
  EXPECT_GT(text.size(), kMaxQLogPending);
  EXPECT_LT(text.size(), kMaxQLogPending + 2 * kMaxQLogRecord);
  const auto all = recordsOf(pair.serverEvents);
  EXPECT_EQ(all.back()["name"].text(), "node_mvfst:events_missing");
  EXPECT_GT(all.back()["data"]["count"].number(), 1000);
}

}  // namespace
}  // namespace quic::test
