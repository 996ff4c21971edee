#include "quic/logging/QLog.h"

#include <gtest/gtest.h>

#include "cpp/codec/FrameSamples.h"
#include "cpp/support/TestBytes.h"
#include "cpp/support/TestJson.h"
#include "quic/logging/QLogFrames.h"

namespace quic::test {
namespace {

constexpr TimePoint kNow{1500us};

ConnectionId group() { return ConnectionId(fromHex("8394c8f03e515708")); }

std::vector<std::string> records(const std::string& text) {
  std::vector<std::string> found;
  for (size_t at = 0; at < text.size();) {
    EXPECT_EQ(text[at], '\x1e');
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) break;
    found.push_back(text.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return found;
}

std::string frameText(const QuicFrame& frame) {
  JsonWriter json;
  writeQLogFrame(json, frame, 3);
  return json.str();
}

TEST(QLog, BeginsWithARecordThatSaysWhatTheOthersAre) {
  QLog log(Role::Server, group());
  const auto all = records(log.take());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(
      all[0],
      R"({"file_schema":"urn:ietf:params:qlog:file:sequential","serialization_format":"application/qlog+json-seq",)"
      R"("title":"node-mvfst","trace":{"vantage_point":{"type":"server"},"event_schemas":[)"
      R"("urn:ietf:params:qlog:events:quic-13","urn:node-mvfst:qlog:events:server_migration",)"
      R"("urn:node-mvfst:qlog:events:node_mvfst"],"common_fields":{)"
      R"("group_id":"8394c8f03e515708","time_format":"relative_to_epoch",)"
      R"("reference_time":{"clock_type":"monotonic","epoch":"unknown"}}}})");
}

TEST(QLog, WritesTimeNameAndDataOfAnEvent) {
  QLog log(Role::Client, group());
  log.take();
  log.event({kNow}, "quic:x", [](JsonWriter& data) { data.name("a").number(uint64_t{1}); });
  EXPECT_EQ(log.take(), "\x1e{\"time\":1.5,\"name\":\"quic:x\",\"data\":{\"a\":1}}\n");
  log.event({kNow, "3"}, "quic:x", [](JsonWriter&) {});
  EXPECT_EQ(log.take(), "\x1e{\"time\":1.5,\"name\":\"quic:x\",\"tuple\":\"3\",\"data\":{}}\n");
  EXPECT_FALSE(log.hasText());
}

TEST(QLog, HoldsABoundedTextAndTellsWhatIsMissing) {
  QLog log(Role::Client, group());
  const std::string words(1000, 'w');
  for (int i = 0; i < 5000; ++i) {
    log.event({kNow}, "quic:x", [&](JsonWriter& data) { data.name("words").text(words); });
  }
  const auto all = records(log.take());
  const size_t written = all.size() - 2;
  EXPECT_LT(written * 1000, kMaxQLogPending);
  EXPECT_GT(written * 1100, kMaxQLogPending);
  EXPECT_EQ(all.back(), R"({"time":1.5,"name":"node_mvfst:events_missing","data":{"count":)" +
                            std::to_string(5000 - written) + "}}");
  log.event({kNow}, "quic:y", [](JsonWriter&) {});
  EXPECT_EQ(records(log.take()).size(), 1u);
}

TEST(QLogFrames, ShowsNumbersAndLengthsAndNoSecret) {
  const ByteVector bytes(5, 's');
  NewConnectionIdFrame issued{7, 3, group(), {}};
  issued.token.fill(0x55);
  EXPECT_EQ(frameText(StreamFrame{StreamId{4}, 10, bytes, true}),
            R"({"frame_type":"stream","stream_id":4,"offset":10,"fin":true,"raw":{"length":5}})");
  EXPECT_EQ(frameText(issued), R"({"frame_type":"new_connection_id","sequence_number":7,"retire_prior_to":3,)"
                               R"("connection_id":"8394c8f03e515708"})");
  EXPECT_EQ(frameText(NewTokenFrame{bytes}), R"({"frame_type":"new_token","token":{"raw":{"length":5}}})");
  EXPECT_EQ(frameText(ConnectionCloseFrame{false, 10, 6, asBytes("a\"b")}),
            R"({"frame_type":"connection_close","error_space":"transport","error":"protocol_violation",)"
            R"("reason":"a\"b","trigger_frame_type":6})");
  EXPECT_EQ(frameText(ConnectionCloseFrame{true, 10, 0, {}}),
            R"({"frame_type":"connection_close","error_space":"application","error":"unknown","error_code":10,)"
            R"("reason":""})");
}

TEST(QLogFrames, NamesServerMigrationAndWhatElseIsNoPartOfVersionOne) {
  const QuicIPAddress address = QuicIPAddress::from(SocketAddress::v4({10, 0, 0, 2}, 4433));
  EXPECT_EQ(frameText(ServerMigrationFrame{address}),
            R"({"frame_type":"server_migration","address":"10.0.0.2:4433||[::]:0"})");
  EXPECT_EQ(frameText(PoolMigrationAddressFrame{address}),
            R"({"frame_type":"pool_migration_address","address":"10.0.0.2:4433||[::]:0"})");
  EXPECT_EQ(frameText(ServerMigratedFrame{}), R"({"frame_type":"server_migrated"})");
  EXPECT_EQ(frameText(ResetStreamAtFrame{StreamId{4}, 7, 100, 50}),
            R"({"frame_type":"reset_stream_at","stream_id":4,"error":"unknown","error_code":7,"final_size":100,)"
            R"("reliable_size":50})");
  EXPECT_EQ(frameText(AckFrequencyFrame{2, 10, 25'000, 3}),
            R"({"frame_type":"ack_frequency","sequence_number":2,"ack_eliciting_threshold":10,)"
            R"("requested_max_ack_delay":25,"reordering_threshold":3})");
  EXPECT_EQ(frameText(ImmediateAckFrame{}), R"({"frame_type":"immediate_ack"})");
  EXPECT_EQ(frameText(DatagramFrame{ByteVector(9), 11}), R"({"frame_type":"datagram","raw":{"length":9}})");
  EXPECT_EQ(frameText(PaddingFrame{20}), R"({"frame_type":"padding","raw":{"payload_length":20}})");
}

TEST(QLogFrames, NamesTransportErrors) {
  EXPECT_EQ(qlogTransportError(0), "no_error");
  EXPECT_EQ(qlogTransportError(0x10), "no_viable_path");
  EXPECT_EQ(qlogTransportError(0x11), "unknown");
  EXPECT_EQ(qlogTransportError(0x12a), "crypto_error_0x12a");
  EXPECT_EQ(qlogTransportError(uint64_t{1} << 40), "unknown");
}

TEST(QLogFrames, ShowsTheRangesOfAnAcknowledgment) {
  // Largest 9, delay 8 << 3 us, 9 to 8, then 3.
  JsonWriter json;
  writeQLogFrames(json, fromHex("02 09 08 01 01 03 00"), 3);
  EXPECT_EQ(json.str(), R"([{"frame_type":"ack","ack_delay":0.064,"acked_ranges":[[8,9],[3]]}])");
}

TEST(QLogFrames, EndsAtTheFirstFrameThatCannotBeRead) {
  JsonWriter json;
  writeQLogFrames(json, fromHex("01 3f 01"), 3);
  EXPECT_EQ(json.str(), R"([{"frame_type":"ping"}])");
}

// T-29 of the security cases: nothing that a peer writes makes the log fail, or grow beyond its bounds.
TEST(QLogFrames, BearsRandomBytes) {
  Seeded random(11);
  for (int i = 0; i < 20000; ++i) {
    JsonWriter json;
    writeQLogFrames(json, randomBytes(random, below(random, 60)), below(random, 64));
    ASSERT_TRUE(parseJson(json.str())) << json.str();
  }
}

TEST(QLogFrames, LeavesOutWhatMakesARecordTooLong) {
  JsonWriter pings;
  writeQLogFrames(pings, ByteVector(60'000, 0x01), 3);
  EXPECT_LT(pings.size(), kMaxQLogRecord + 100);
  EXPECT_TRUE(parseJson(pings.str()));
  // One ACK frame of 20,000 ranges.
  ByteVector ack = fromHex("02 80 01 ff ff 00 80 00 4e 20 00");
  ack.resize(ack.size() + 2 * 20'000);
  JsonWriter ranges;
  writeQLogFrames(ranges, ack, 3);
  EXPECT_GT(ranges.size(), kMaxQLogRecord);
  EXPECT_LT(ranges.size(), 2 * kMaxQLogRecord);
  EXPECT_TRUE(parseJson(ranges.str()));
}

}  // namespace
}  // namespace quic::test
