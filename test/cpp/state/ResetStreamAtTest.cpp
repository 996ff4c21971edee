// RESET_STREAM_AT (draft-ietf-quic-reliable-stream-reset): what it promises is delivered, what is beyond is not repeated, and
// to the state machines it is what FIN is.
#include <gtest/gtest.h>

#include "StreamPeer.h"

namespace quic {
namespace {

using test::ack;
using test::describe;
using test::drainEvents;
using test::framesOf;
using test::lose;
using test::StreamPacket;
using test::writePacket;

StreamSettings offering() {
  StreamSettings settings;
  settings.resetStreamAt = true;
  return settings;
}

struct Pair {
  QuicStreamManager client;
  QuicStreamManager server;
  explicit Pair(const StreamSettings& ofClient = offering(), const StreamSettings& ofServer = offering())
      : client(Role::Client, ofClient), server(Role::Server, ofServer) {
    test::introduce(client, server);
    drainEvents(client);
    drainEvents(server);
  }
  StreamId open(std::string_view text) {
    const StreamId id = *client.open(true);
    EXPECT_TRUE(client.write(id, OwnedBytes::copyOf(asBytes(text)), false));
    return id;
  }
  StreamPacket carry() {
    StreamPacket packet = writePacket(client, 1200);
    EXPECT_TRUE(test::givePacket(server, packet.bytes));
    return packet;
  }
  std::string read(StreamId id) {
    ByteVector out(100);
    const Result<StreamRead> got = server.read(id, out);
    return got ? std::string(asText(ByteSpan(out).first(got->size))) + (got->fin ? "$" : "") : "error";
  }
};

std::optional<LocalErrorCode> localCode(const Result<>& result) {
  if (result) return std::nullopt;
  return std::get<LocalErrorCode>(result.error().code);
}

TEST(ResetStreamAt, IsUsedOnlyWhenBothOfferedIt) {
  for (const bool ofClient : {false, true}) {
    for (const bool ofServer : {false, true}) {
      Pair p(ofClient ? offering() : StreamSettings{}, ofServer ? offering() : StreamSettings{});
      const StreamId id = p.open("abcdef");
      const auto code = localCode(p.client.resetAt(id, 7, 3));
      EXPECT_EQ(code, ofClient && ofServer ? std::nullopt : std::optional(LocalErrorCode::RESET_STREAM_AT_UNSUPPORTED));
      const Result<> taken = p.server.onResetStreamAt({id, 7, 6, 3});
      ASSERT_EQ(taken.hasValue(), ofServer);
      if (!taken) {
        EXPECT_EQ(taken.error().code, QuicErrorCode(TransportErrorCode::FRAME_ENCODING_ERROR));
      }
    }
  }
}

TEST(ResetStreamAt, WithoutAPromiseItIsAReset) {
  Pair p;
  const StreamId id = p.open("abcdef");
  ASSERT_TRUE(p.client.resetAt(id, 7, 0));
  const auto frames = framesOf(writePacket(p.client, 1200).bytes);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(std::get<ResetStreamFrame>(frames[0]), (ResetStreamFrame{id, 7, 0}));
}

// draft §4, §5
TEST(ResetStreamAt, DeliversWhatItPromisesThenTheResetAndNothingBeyond) {
  Pair p;
  const StreamId id = p.open("abcdef");
  ASSERT_TRUE(p.client.resetAt(id, 7, 4));
  const StreamPacket data = p.carry();
  const auto frames = framesOf(data.bytes);
  ASSERT_EQ(frames.size(), 1u) << "the final size is told once it has consumed credit";
  EXPECT_EQ(std::get<StreamFrame>(frames[0]).data.size(), 4u);
  const StreamPacket reset = p.carry();
  EXPECT_EQ(std::get<ResetStreamAtFrame>(framesOf(reset.bytes).at(0)), (ResetStreamAtFrame{id, 7, 4, 4}));
  EXPECT_EQ(describe(drainEvents(p.server)), "Opened 2, Readable 2");
  EXPECT_EQ(p.read(id), "abcd");
  const auto events = drainEvents(p.server);
  ASSERT_EQ(describe(events), "Reset 2, Closed 2");
  EXPECT_EQ(std::get<StreamReset>(events[0]).errorCode, 7u);
  EXPECT_TRUE(p.client.hasUnfinishedSends());
  ack(p.client, reset.records);
  EXPECT_EQ(describe(drainEvents(p.client)), "") << "its data is not yet acknowledged";
  ack(p.client, data.records);
  EXPECT_EQ(describe(drainEvents(p.client)), "Closed 2") << "a reset stream is not complete";
  EXPECT_FALSE(p.client.hasUnfinishedSends());
}

TEST(ResetStreamAt, OfBytesThatWereReadShowsAtOnce) {
  Pair p;
  const StreamId id = p.open("abcdef");
  const StreamPacket data = p.carry();
  drainEvents(p.server);
  EXPECT_EQ(p.read(id), "abcdef");
  ASSERT_TRUE(p.client.resetAt(id, 7, 4));
  const StreamPacket reset = p.carry();
  EXPECT_EQ(std::get<ResetStreamAtFrame>(framesOf(reset.bytes).at(0)), (ResetStreamAtFrame{id, 7, 6, 4}));
  EXPECT_EQ(describe(drainEvents(p.server)), "Reset 2, Closed 2");
  ack(p.client, data.records);
  ack(p.client, reset.records);
  EXPECT_EQ(describe(drainEvents(p.client)), "Closed 2");
}

// draft §5: MUST retransmit up to the reliable size, SHOULD NOT beyond
TEST(ResetStreamAt, RepeatsWhatItPromisedAndNothingElse) {
  Pair p;
  const StreamId id = p.open("abcdef");
  const StreamPacket data = writePacket(p.client, 1200);
  ASSERT_TRUE(p.client.resetAt(id, 7, 2));
  const StreamPacket reset = writePacket(p.client, 1200);
  lose(p.client, data.records);
  lose(p.client, reset.records);
  const StreamPacket again = p.carry();
  const auto frames = framesOf(again.bytes);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(std::get<ResetStreamAtFrame>(frames[0]), (ResetStreamAtFrame{id, 7, 6, 2}));
  EXPECT_EQ(asText(std::get<StreamFrame>(frames[1]).data), "ab");
  EXPECT_FALSE(std::get<StreamFrame>(frames[1]).fin);
  EXPECT_EQ(p.read(id), "ab");
  ack(p.client, again.records);
  EXPECT_EQ(describe(drainEvents(p.client)), "Closed 2");
}

TEST(ResetStreamAt, WaitsForCreditAsItsDataDoes) {
  StreamSettings small = offering();
  small.streamWindow = 4;
  Pair p(offering(), small);
  const StreamId id = p.open("abcdef");
  ASSERT_TRUE(p.client.resetAt(id, 7, 6));
  for (const QuicFrame& frame : framesOf(p.carry().bytes)) {
    EXPECT_FALSE(std::holds_alternative<ResetStreamAtFrame>(frame));
  }
  EXPECT_EQ(p.read(id), "abcd");
  ASSERT_TRUE(test::givePacket(p.client, writePacket(p.server, 1200).bytes));
  p.carry();
  EXPECT_EQ(std::get<ResetStreamAtFrame>(framesOf(p.carry().bytes).at(0)), (ResetStreamAtFrame{id, 7, 6, 6}));
  EXPECT_EQ(p.read(id), "ef");
}

// draft §5.2
TEST(ResetStreamAt, MayPromiseLessButNeverMoreNorAnotherCode) {
  Pair p;
  const StreamId id = p.open("abcdef");
  EXPECT_EQ(localCode(p.client.resetAt(id, 7, 7)), LocalErrorCode::INVALID_ARGUMENT) << "more than was written";
  const StreamPacket data = writePacket(p.client, 1200);
  ASSERT_TRUE(p.client.resetAt(id, 7, 4));
  EXPECT_EQ(localCode(p.client.resetAt(id, 7, 5)), LocalErrorCode::INVALID_ARGUMENT);
  EXPECT_EQ(localCode(p.client.resetAt(id, 8, 3)), LocalErrorCode::INVALID_ARGUMENT);
  EXPECT_EQ(localCode(p.client.write(id, {}, true)), LocalErrorCode::STREAM_SEND_CLOSED);
  const StreamPacket first = writePacket(p.client, 1200);
  ASSERT_TRUE(p.client.resetAt(id, 7, 2));
  const StreamPacket second = writePacket(p.client, 1200);
  EXPECT_EQ(std::get<ResetStreamAtFrame>(framesOf(second.bytes).at(0)), (ResetStreamAtFrame{id, 7, 6, 2}));
  ack(p.client, data.records);
  ack(p.client, first.records);
  EXPECT_EQ(describe(drainEvents(p.client)), "") << "the frame with the least counts";
  lose(p.client, first.records);
  EXPECT_FALSE(p.client.hasControlToSend()) << "and is the only one worth repeating";
  lose(p.client, second.records);
  EXPECT_TRUE(p.client.hasControlToSend());
  ack(p.client, writePacket(p.client, 1200).records);
  EXPECT_EQ(describe(drainEvents(p.client)), "Closed 2");
}

TEST(ResetStreamAt, AResetMayFollowWithTheSameCodeAndFinalSize) {
  Pair p;
  const StreamId id = p.open("abcdef");
  p.carry();
  ASSERT_TRUE(p.client.resetAt(id, 7, 4));
  const StreamPacket at = p.carry();
  ASSERT_TRUE(p.client.reset(id, 9));
  const StreamPacket reset = p.carry();
  EXPECT_EQ(std::get<ResetStreamFrame>(framesOf(reset.bytes).at(0)), (ResetStreamFrame{id, 7, 6}));
  EXPECT_EQ(describe(drainEvents(p.server)), "Opened 2, Reset 2, Closed 2");
  ack(p.client, at.records);
  EXPECT_EQ(describe(drainEvents(p.client)), "");
  ack(p.client, reset.records);
  EXPECT_EQ(describe(drainEvents(p.client)), "Closed 2");
}

// draft §5.4
TEST(ResetStreamAt, AStopIsAnsweredWithAReset) {
  Pair p;
  const StreamId id = p.open("abcdef");
  p.carry();
  ASSERT_TRUE(p.client.resetAt(id, 7, 4));
  p.carry();
  ASSERT_TRUE(p.client.onStopSending({id, 55}));
  const auto frames = framesOf(writePacket(p.client, 1200).bytes);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(std::get<ResetStreamFrame>(frames[0]), (ResetStreamFrame{id, 7, 6}));
}

// draft §5.1
TEST(ResetStreamAt, MayFollowAFin) {
  Pair p;
  const StreamId id = *p.client.open(true);
  ASSERT_TRUE(p.client.write(id, OwnedBytes::copyOf(asBytes("abcdef")), true));
  const StreamPacket data = writePacket(p.client, 1200);
  ASSERT_TRUE(p.client.resetAt(id, 7, 3));
  const StreamPacket reset = p.carry();
  EXPECT_EQ(std::get<ResetStreamAtFrame>(framesOf(reset.bytes).at(0)), (ResetStreamAtFrame{id, 7, 6, 3}));
  ASSERT_TRUE(test::givePacket(p.server, data.bytes));
  EXPECT_EQ(p.read(id), "abc") << "not the end: the stream was reset";
  EXPECT_EQ(describe(drainEvents(p.server)), "Opened 2, Reset 2, Closed 2");
  lose(p.client, data.records);
  const StreamPacket repeated = writePacket(p.client, 1200);
  const auto again = framesOf(repeated.bytes);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(asText(std::get<StreamFrame>(again[0]).data), "abc");
}

TEST(ResetStreamAt, DoesNothingWhenAllIsAcknowledged) {
  Pair p;
  const StreamId id = *p.client.open(false);
  ASSERT_TRUE(p.client.write(id, OwnedBytes::copyOf(asBytes("abc")), true));
  ack(p.client, p.carry().records);
  ASSERT_TRUE(p.client.resetAt(id, 7, 1));
  EXPECT_FALSE(p.client.hasControlToSend());
}

// draft §5.2: older frames may come later
TEST(ResetStreamAt, TheLeastReliableSizeCountsWhateverTheOrder) {
  for (const bool isReordered : {false, true}) {
    Pair p;
    const ResetStreamAtFrame more{{2}, 7, 6, 5};
    const ResetStreamAtFrame less{{2}, 7, 6, 2};
    ASSERT_TRUE(p.server.onResetStreamAt(isReordered ? less : more));
    ASSERT_TRUE(p.server.onResetStreamAt(isReordered ? more : less));
    ASSERT_TRUE(p.server.onStreamFrame({{2}, 0, asBytes("abcdef"), false}));
    EXPECT_EQ(p.read({2}), "ab");
    EXPECT_EQ(describe(drainEvents(p.server)), "Opened 2, Reset 2, Closed 2");
  }
}

struct Row {
  const char* what;
  std::vector<QuicFrame> before;
  QuicFrame last;
  std::optional<TransportErrorCode> code;
};

// draft §4, §5.2, §5.5; RFC 9000 §4.5, §4.6
TEST(ResetStreamAt, KeepsToTheRulesOfSizesCodesAndStreams) {
  using Code = TransportErrorCode;
  const ByteVector ten(10);
  const auto at = [](uint64_t id, uint64_t code, uint64_t finalSize, uint64_t reliable) {
    return ResetStreamAtFrame{{id}, code, finalSize, reliable};
  };
  const std::vector<Row> rows = {
      {"another final size", {at(2, 7, 10, 5)}, at(2, 7, 11, 5), Code::FINAL_SIZE_ERROR},
      {"a final size below the data", {StreamFrame{{2}, 0, ten, false}}, at(2, 7, 9, 5), Code::FINAL_SIZE_ERROR},
      {"a final size beside the FIN", {StreamFrame{{2}, 1, ten, true}}, at(2, 7, 10, 5), Code::FINAL_SIZE_ERROR},
      {"data beyond the final size", {at(2, 7, 9, 5)}, StreamFrame{{2}, 0, ten, false}, Code::FINAL_SIZE_ERROR},
      {"a FIN elsewhere", {at(2, 7, 9, 5)}, StreamFrame{{2}, 0, ByteSpan(ten).first(8), true}, Code::FINAL_SIZE_ERROR},
      {"a FIN at the final size", {at(2, 7, 10, 5)}, StreamFrame{{2}, 0, ten, true}, std::nullopt},
      {"a RESET_STREAM with another final size", {at(2, 7, 9, 5)}, ResetStreamFrame{{2}, 7, 8}, Code::FINAL_SIZE_ERROR},
      {"another code", {at(2, 7, 10, 5)}, at(2, 8, 10, 4), Code::STREAM_STATE_ERROR},
      {"another code in RESET_STREAM", {at(2, 7, 10, 5)}, ResetStreamFrame{{2}, 8, 10}, Code::STREAM_STATE_ERROR},
      {"another code after RESET_STREAM", {ResetStreamFrame{{2}, 7, 10}}, at(2, 8, 10, 4), Code::STREAM_STATE_ERROR},
      {"the same again", {at(2, 7, 10, 5)}, at(2, 7, 10, 5), std::nullopt},
      {"beyond the stream's credit", {}, at(2, 7, 1001, 5), Code::FLOW_CONTROL_ERROR},
      {"at the stream's credit", {}, at(2, 7, 1000, 5), std::nullopt},
      {"beyond the connection's credit",
       {at(2, 7, 1000, 5), at(6, 7, 1000, 5)},
       at(10, 7, 1, 0),
       Code::FLOW_CONTROL_ERROR},
      {"a stream that only we send on", {}, at(3, 7, 1, 1), Code::STREAM_STATE_ERROR},
      {"a stream of ours that is not open", {}, at(1, 7, 1, 1), Code::STREAM_STATE_ERROR},
      {"a stream beyond the limit", {}, at(2 + 4 * 10, 7, 1, 1), Code::STREAM_LIMIT_ERROR},
  };
  for (const Row& row : rows) {
    StreamSettings settings = offering();
    settings.streamWindow = 1000;
    settings.connectionWindow = 2000;
    settings.unidirectionalStreams = 10;
    QuicStreamManager server(Role::Server, settings);
    server.onPeerParameters({});
    for (const QuicFrame& frame : row.before) ASSERT_TRUE(test::giveFrame(server, frame).hasValue()) << row.what;
    const Result<> result = test::giveFrame(server, row.last);
    ASSERT_EQ(result.hasValue(), !row.code) << row.what;
    if (row.code) {
      EXPECT_EQ(result.error().code, QuicErrorCode(*row.code)) << row.what;
    }
  }
}

TEST(ResetStreamAt, GivesBackAllTheCreditOfTheFinalSize) {
  StreamSettings settings = offering();
  settings.connectionWindow = 1000;
  Pair p(offering(), settings);
  ASSERT_TRUE(p.server.onStreamFrame({{2}, 0, asBytes("abcdef"), false}));
  ASSERT_TRUE(p.server.onResetStreamAt({{2}, 7, 900, 4}));
  EXPECT_FALSE(p.server.hasControlToSend()) << "four bytes are not read yet";
  EXPECT_EQ(p.read({2}), "abcd");
  const auto frames = framesOf(writePacket(p.server, 1200).bytes);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(std::get<MaxDataFrame>(frames[0]).limit, 1900u);
}

}  // namespace
}  // namespace quic
