// What a peer may not send about streams, as data: rows of the project's security cases (part 3), by their names there.
// Frames that the codec refuses before they come here are in the codec's tests.
#include <gtest/gtest.h>

#include "StreamPeer.h"

namespace quic {
namespace {

using Code = TransportErrorCode;

constexpr uint64_t kStreamWindow = 1000;
constexpr uint64_t kConnectionWindow = 2500;
constexpr uint64_t kStreams = 10;

const ByteVector kBytes(3000);

StreamFrame data(uint64_t id, uint64_t offset, size_t size, bool fin = false) {
  return {{id}, offset, ByteSpan(kBytes).first(size), fin};
}

struct Row {
  const char* name;
  Role us;
  std::vector<QuicFrame> before;  // each must be accepted
  QuicFrame last;
  Code code;  // NO_ERROR: the connection lives
};

// Server rows: client streams are 0, 4, 8 ... and 2, 6 ...; ours 1, 5 ... and 3, 7 ... The server has opened 3 (uni)
// only. Client rows: the client has opened 0 (bidi) and 2 (uni).
std::vector<Row> rows() {
  const Role server = Role::Server;
  const Role client = Role::Client;
  return {
      {"F13", server, {}, data(1, 0, 1), Code::STREAM_STATE_ERROR},
      {"F13 send-only", server, {}, data(3, 0, 1), Code::STREAM_STATE_ERROR},
      {"F15", server, {}, ResetStreamFrame{{3}, 0, 0}, Code::STREAM_STATE_ERROR},
      {"F15 not opened", server, {}, ResetStreamFrame{{1}, 0, 0}, Code::STREAM_STATE_ERROR},
      {"F16", server, {}, StopSendingFrame{{2}, 0}, Code::STREAM_STATE_ERROR},
      {"F16 not opened", server, {}, StopSendingFrame{{1}, 0}, Code::STREAM_STATE_ERROR},
      {"F16 uni not opened", server, {}, StopSendingFrame{{7}, 0}, Code::STREAM_STATE_ERROR},
      {"F19", server, {}, MaxStreamDataFrame{{1}, 5}, Code::STREAM_STATE_ERROR},
      {"F19 receive-only", server, {}, MaxStreamDataFrame{{2}, 5}, Code::STREAM_STATE_ERROR},
      {"F21", server, {}, data(4 * kStreams, 0, 1), Code::STREAM_LIMIT_ERROR},
      {"F21 the last allowed", server, {}, data(4 * (kStreams - 1), 0, 1), Code::NO_ERROR},
      {"F22", server, {}, data(4 * kStreams + 2, 0, 1), Code::STREAM_LIMIT_ERROR},
      {"F23", server, {}, ResetStreamFrame{{4 * kStreams}, 0, 0}, Code::STREAM_LIMIT_ERROR},
      {"F24", server, {}, StopSendingFrame{{4 * kStreams}, 0}, Code::STREAM_LIMIT_ERROR},
      {"F24 MAX_STREAM_DATA", server, {}, MaxStreamDataFrame{{4 * kStreams}, 9}, Code::STREAM_LIMIT_ERROR},
      {"F24 STREAM_DATA_BLOCKED", server, {}, StreamDataBlockedFrame{{4 * kStreams}, 9}, Code::STREAM_LIMIT_ERROR},
      {"F24 the highest id", server, {}, data(kMaxVarint & ~uint64_t{3}, 0, 1), Code::STREAM_LIMIT_ERROR},
      {"F27", server, {}, data(0, 0, kStreamWindow + 1), Code::FLOW_CONTROL_ERROR},
      {"F27 the last byte", server, {}, data(0, kStreamWindow - 1, 1), Code::NO_ERROR},
      {"F28", server, {}, data(0, uint64_t{1} << 40, 1), Code::FLOW_CONTROL_ERROR},
      {"F29", server, {data(0, 0, 1000), data(4, 0, 1000)}, data(8, 0, 501), Code::FLOW_CONTROL_ERROR},
      {"F29 the last byte", server, {data(0, 0, 1000), data(4, 999, 1)}, data(8, 499, 1), Code::NO_ERROR},
      {"F29 twice the same",
       server,
       {data(0, 0, 1000), data(4, 0, 1000), data(8, 0, 500)},
       data(8, 0, 500),
       Code::NO_ERROR},
      {"F34", server, {data(0, 0, 10, true)}, data(0, 10, 1), Code::FINAL_SIZE_ERROR},
      {"F35", server, {data(0, 0, 10, true)}, data(0, 0, 11, true), Code::FINAL_SIZE_ERROR},
      {"F35 lower", server, {data(0, 5, 5, true)}, data(0, 0, 9, true), Code::FINAL_SIZE_ERROR},
      {"F36", server, {data(0, 0, 10)}, data(0, 0, 9, true), Code::FINAL_SIZE_ERROR},
      {"F37", server, {data(0, 0, 10)}, ResetStreamFrame{{0}, 0, 9}, Code::FINAL_SIZE_ERROR},
      {"F38", server, {data(0, 5, 5, true)}, ResetStreamFrame{{0}, 0, 11}, Code::FINAL_SIZE_ERROR},
      {"F39", server, {}, ResetStreamFrame{{0}, 0, kStreamWindow + 1}, Code::FLOW_CONTROL_ERROR},
      {"F39 far", server, {}, ResetStreamFrame{{0}, 0, kMaxVarint}, Code::FLOW_CONTROL_ERROR},
      {"F39 connection",
       server,
       {ResetStreamFrame{{0}, 0, 1000}, ResetStreamFrame{{4}, 0, 1000}},
       ResetStreamFrame{{8}, 0, 501},
       Code::FLOW_CONTROL_ERROR},
      {"F39b", server, {ResetStreamFrame{{0}, 0, 10}}, ResetStreamFrame{{0}, 0, 11}, Code::FINAL_SIZE_ERROR},
      {"F40", server, {}, MaxStreamsFrame{(uint64_t{1} << 60) + 1, false}, Code::FRAME_ENCODING_ERROR},
      {"F40 the most", server, {}, MaxStreamsFrame{uint64_t{1} << 60, false}, Code::NO_ERROR},
      {"F41", server, {}, MaxStreamsFrame{(uint64_t{1} << 60) + 1, true}, Code::FRAME_ENCODING_ERROR},
      {"F42", server, {}, StreamsBlockedFrame{(uint64_t{1} << 60) + 1, false}, Code::FRAME_ENCODING_ERROR},
      {"F43 MAX_DATA", server, {MaxDataFrame{500000}}, MaxDataFrame{1}, Code::NO_ERROR},
      {"F43 MAX_STREAM_DATA", server, {MaxStreamDataFrame{{0}, 500000}}, MaxStreamDataFrame{{0}, 1}, Code::NO_ERROR},
      {"F43 MAX_STREAMS", server, {MaxStreamsFrame{500, false}}, MaxStreamsFrame{1, false}, Code::NO_ERROR},
      {"F65", server, {}, data(0, 0, 0), Code::NO_ERROR},
      {"beyond 2^62-1", server, {}, data(0, kMaxVarint, 1), Code::FRAME_ENCODING_ERROR},
      {"MAX_STREAM_DATA opens", server, {}, MaxStreamDataFrame{{4}, 5}, Code::NO_ERROR},
      {"STREAM_DATA_BLOCKED opens", server, {}, StreamDataBlockedFrame{{2}, 5}, Code::NO_ERROR},
      {"CF04", client, {}, data(2, 0, 1), Code::STREAM_STATE_ERROR},
      {"CF06", client, {}, ResetStreamFrame{{400}, 0, 0}, Code::STREAM_STATE_ERROR},
      {"CF07", client, {}, StopSendingFrame{{3}, 0}, Code::STREAM_STATE_ERROR},
      {"CF09", client, {}, MaxStreamDataFrame{{400}, 0}, Code::STREAM_STATE_ERROR},
      {"CF09 the next", client, {}, MaxStreamDataFrame{{4}, 0}, Code::STREAM_STATE_ERROR},
      {"CF11", client, {}, StreamDataBlockedFrame{{2}, 0}, Code::STREAM_STATE_ERROR},
      {"CF11 not opened", client, {}, StreamDataBlockedFrame{{4}, 0}, Code::STREAM_STATE_ERROR},
      {"CF14", client, {}, data(0, uint64_t{1} << 50, 1), Code::FLOW_CONTROL_ERROR},
      {"CF15", client, {}, data(0, 0, kStreamWindow + 1), Code::FLOW_CONTROL_ERROR},
      {"CF15 the last byte", client, {}, data(0, 0, kStreamWindow), Code::NO_ERROR},
  };
}

QuicStreamManager make(Role us) {
  StreamSettings settings;
  settings.connectionWindow = kConnectionWindow;
  settings.streamWindow = kStreamWindow;
  settings.bidirectionalStreams = settings.unidirectionalStreams = kStreams;
  QuicStreamManager manager(us, settings);
  TransportParameters peer;
  peer.initialMaxStreamsBidi = peer.initialMaxStreamsUni = 10;
  manager.onPeerParameters(peer);
  if (us == Role::Client) {
    EXPECT_TRUE(manager.open(false).hasValue());
  }
  EXPECT_TRUE(manager.open(true).hasValue());
  return manager;
}

TEST(QuicStreamManagerMustClose, AnswersEveryRowWithItsCode) {  // covers RFC 9000 §4.1, §4.5, §4.6, §19.4 to §19.14
  for (const Row& row : rows()) {
    QuicStreamManager manager = make(row.us);
    for (const QuicFrame& frame : row.before) ASSERT_TRUE(test::giveFrame(manager, frame).hasValue()) << row.name;
    const Result<> result = test::giveFrame(manager, row.last);
    if (row.code == Code::NO_ERROR) {
      EXPECT_TRUE(result.hasValue()) << row.name;
      continue;
    }
    ASSERT_FALSE(result.hasValue()) << row.name;
    EXPECT_EQ(result.error().code, QuicErrorCode(row.code)) << row.name << ": " << result.error().reason;
    EXPECT_NE(result.error().frameType, 0u) << row.name;
  }
}

TEST(QuicStreamManagerMustClose, IgnoresFramesForForgottenStreams) {
  QuicStreamManager manager = make(Role::Server);
  ASSERT_TRUE(manager.onStreamFrame(data(2, 0, 5, true)));
  ByteVector out(10);
  ASSERT_TRUE(manager.read({2}, out));
  ASSERT_TRUE(manager.onStreamFrame(data(0, 0, 5, true)));
  ASSERT_TRUE(manager.read({0}, out));
  ASSERT_TRUE(manager.onStopSending({{0}, 0}));
  manager.onAcked(SentResetStream{{0}});
  ASSERT_TRUE(manager.reset({3}, 0));
  manager.onAcked(SentResetStream{{3}});
  ASSERT_EQ(manager.openStreams(), 0u);
  EXPECT_TRUE(manager.onStreamFrame(data(2, 0, 5, true)));
  EXPECT_TRUE(manager.onStreamFrame(data(0, 0, 3)));
  EXPECT_TRUE(manager.onResetStream({{2}, 0, 5}));
  EXPECT_TRUE(manager.onStopSending({{0}, 0}));
  EXPECT_TRUE(manager.onStopSending({{3}, 0}));
  EXPECT_TRUE(manager.onMaxStreamData({{0}, 9}));
  EXPECT_TRUE(manager.onStreamDataBlocked({{0}, 9}));
  EXPECT_FALSE(manager.onStreamFrame(data(3, 0, 1)));
  EXPECT_EQ(manager.openStreams(), 0u);
}

TEST(QuicStreamManagerMustClose, ClosesOnEveryOtherByteAndStaysSmallUntilThen) {  // X22, T-06; RFC 9000 §21.9
  QuicStreamManager manager(Role::Server, {});
  uint64_t sent = 0;
  Result<> result = Unit{};
  while (sent < 100000) {
    result = manager.onStreamFrame(data(0, 2 * sent + 1, 1));
    if (!result) break;
    ++sent;
  }
  EXPECT_EQ(sent, 1000u);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, QuicErrorCode(Code::INTERNAL_ERROR));
}

TEST(QuicStreamManagerMustClose, TakesAHundredThousandBytesOneByOne) {  // T-08
  QuicStreamManager manager(Role::Server, {});
  for (uint64_t offset = 0; offset < 100000; ++offset) ASSERT_TRUE(manager.onStreamFrame(data(0, offset, 1)));
  ByteVector out(200000);
  EXPECT_EQ(manager.read({0}, out)->size, 100000u);
}

}  // namespace
}  // namespace quic
