// One or two managers, without packets, loss detection or a connection: what verbs and frames mean, and in which
// order events come.
#include "quic/state/QuicStreamManager.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "StreamPeer.h"

namespace quic {
namespace {

using test::ack;
using test::describe;
using test::drainEvents;
using test::exchange;
using test::framesOf;
using test::lose;
using test::pattern;
using test::StreamPacket;
using test::writePacket;

OwnedBytes bytesOf(std::string_view text) { return OwnedBytes::copyOf(asBytes(text)); }

struct Pair {
  QuicStreamManager client;
  QuicStreamManager server;

  explicit Pair(const StreamSettings& settings = {}) : client(Role::Client, settings), server(Role::Server, settings) {
    test::introduce(client, server);
    drainEvents(client);
    drainEvents(server);
  }
  void run() { exchange(client, server); }
};

std::string readAll(QuicStreamManager& manager, StreamId id, bool* fin = nullptr) {
  ByteVector out(1 << 16);
  const Result<StreamRead> got = manager.read(id, out);
  if (!got) return "error";
  if (fin != nullptr) *fin = got->fin;
  return std::string(asText(ByteSpan(out).first(got->size)));
}

TEST(QuicStreamManager, CarriesARequestAndAnAnswerAndForgetsTheStream) {
  Pair p;
  const StreamId id = *p.client.open(false);
  EXPECT_EQ(id.value, 0u);
  ASSERT_TRUE(p.client.write(id, bytesOf("request"), true));
  EXPECT_TRUE(p.client.hasUnfinishedSends());
  p.run();
  EXPECT_FALSE(p.client.hasUnfinishedSends());
  EXPECT_EQ(describe(drainEvents(p.client)), "SendComplete 0");
  EXPECT_EQ(describe(drainEvents(p.server)), "Opened 0, Readable 0");
  bool fin = false;
  EXPECT_EQ(readAll(p.server, id, &fin), "request");
  EXPECT_TRUE(fin);
  ASSERT_TRUE(p.server.write(id, bytesOf("answer"), true));
  p.run();
  EXPECT_EQ(describe(drainEvents(p.server)), "SendComplete 0, Closed 0");
  EXPECT_EQ(describe(drainEvents(p.client)), "Readable 0");
  EXPECT_EQ(readAll(p.client, id, &fin), "answer");
  EXPECT_EQ(describe(drainEvents(p.client)), "Closed 0");
  EXPECT_EQ(p.client.openStreams() + p.server.openStreams(), 0u);
  EXPECT_EQ(p.client.read(id, {}).error().code, QuicErrorCode(LocalErrorCode::STREAM_CLOSED));
  EXPECT_EQ(p.client.write(id, {}, true).error().code, QuicErrorCode(LocalErrorCode::STREAM_CLOSED));
}

TEST(QuicStreamManager, OpensAllLowerStreamsOfTheKindInOrder) {  // covers RFC 9000 §3.2
  Pair p;
  ASSERT_TRUE(p.server.onStreamFrame({{14}, 0, asBytes("x"), false}));
  ASSERT_TRUE(p.server.onStreamFrame({{4}, 0, {}, false}));
  EXPECT_EQ(describe(drainEvents(p.server)),
            "Opened 2, Opened 6, Opened 10, Opened 14, Readable 14, Opened 0, Opened 4");
  EXPECT_EQ(p.server.openStreams(), 6u);
}

TEST(QuicStreamManager, TellsOfReadableBytesOnceUntilTheyAreRead) {
  Pair p;
  ASSERT_TRUE(p.server.onStreamFrame({{2}, 3, asBytes("def"), false}));
  EXPECT_EQ(describe(drainEvents(p.server)), "Opened 2");
  ASSERT_TRUE(p.server.onStreamFrame({{2}, 0, asBytes("abc"), false}));
  ASSERT_TRUE(p.server.onStreamFrame({{2}, 6, asBytes("ghi"), false}));
  EXPECT_EQ(describe(drainEvents(p.server)), "Readable 2");
  ASSERT_TRUE(p.server.onStreamFrame({{2}, 9, asBytes("jkl"), false}));
  EXPECT_EQ(describe(drainEvents(p.server)), "");
  ByteVector out(4);
  ASSERT_TRUE(p.server.read({2}, out));
  EXPECT_EQ(describe(drainEvents(p.server)), "Readable 2");  // a rest is left
  ASSERT_TRUE(p.server.read({2}, out));
  EXPECT_EQ(readAll(p.server, {2}), "ijkl");
  EXPECT_EQ(describe(drainEvents(p.server)), "");  // it waited, but says nothing true any more
  ASSERT_TRUE(p.server.onStreamFrame({{2}, 12, {}, true}));
  EXPECT_EQ(describe(drainEvents(p.server)), "Readable 2");
  bool fin = false;
  EXPECT_EQ(readAll(p.server, {2}, &fin), "");
  EXPECT_TRUE(fin);
  EXPECT_EQ(describe(drainEvents(p.server)), "Closed 2");
}

TEST(QuicStreamManager, EndsAStreamByResetOnceTheApplicationHasHeardOfIt) {  // covers RFC 9000 §3.2
  Pair p;
  const StreamId id = *p.client.open(true);
  ASSERT_TRUE(p.client.write(id, bytesOf("abc"), false));
  p.run();
  ASSERT_TRUE(p.client.reset(id, kMaxVarint));
  EXPECT_EQ(p.client.write(id, {}, false).error().code, QuicErrorCode(LocalErrorCode::STREAM_SEND_CLOSED));
  p.run();
  EXPECT_EQ(describe(drainEvents(p.client)), "Closed 2");
  EXPECT_EQ(p.server.openStreams(), 1u);
  EXPECT_FALSE(p.server.read(id, {}));
  const auto events = drainEvents(p.server);
  EXPECT_EQ(describe(events), "Opened 2, Reset 2, Closed 2");
  EXPECT_EQ(std::get<StreamReset>(events[1]).errorCode, kMaxVarint);
  EXPECT_EQ(p.server.openStreams(), 0u);
}

TEST(QuicStreamManager, AnswersStopSendingWithAResetOfTheSameCode) {  // covers RFC 9000 §3.5
  Pair p;
  const StreamId id = *p.client.open(false);
  ASSERT_TRUE(p.client.write(id, bytesOf("abc"), false));
  p.run();
  drainEvents(p.server);
  ASSERT_TRUE(p.server.stopSending(id, 42));
  const StreamPacket packet = writePacket(p.server, 1200);
  const auto frames = framesOf(packet.bytes);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(std::get<StopSendingFrame>(frames[0]), (StopSendingFrame{id, 42}));
  ASSERT_TRUE(test::givePacket(p.client, packet.bytes));
  const auto events = drainEvents(p.client);
  ASSERT_EQ(describe(events), "Stopped 0");
  EXPECT_EQ(std::get<StreamStopped>(events[0]).errorCode, 42u);
  const auto answer = framesOf(writePacket(p.client, 1200).bytes);
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(std::get<ResetStreamFrame>(answer[0]), (ResetStreamFrame{id, 42, 3}));
}

TEST(QuicStreamManager, CreditsAndDropsWhatComesAfterStopSending) {
  StreamSettings settings;
  settings.connectionWindow = 1000;
  Pair p(settings);
  const StreamId id = *p.client.open(true);
  ASSERT_TRUE(p.client.write(id, bytesOf("abc"), false));
  p.run();
  ASSERT_TRUE(p.server.stopSending(id, 1));
  EXPECT_EQ(describe(drainEvents(p.server)), "Opened 2");
  ASSERT_TRUE(p.server.onStreamFrame({id, 3, ByteVector(600), false}));
  EXPECT_EQ(describe(drainEvents(p.server)), "");
  const auto frames = framesOf(writePacket(p.server, 1200).bytes);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(std::get<MaxDataFrame>(frames[0]).limit, 1603u);
  EXPECT_FALSE(p.server.read(id, {}));
  ASSERT_TRUE(p.server.onResetStream({id, 1, 1003}));
  EXPECT_EQ(describe(drainEvents(p.server)), "Closed 2");
}

TEST(QuicStreamManager, CountsAResetStreamInConnectionCredit) {  // covers RFC 9000 §4.5
  StreamSettings settings;
  settings.connectionWindow = 1000;
  Pair p(settings);
  ASSERT_TRUE(p.server.onResetStream({{2}, 0, 900}));
  ASSERT_TRUE(p.server.onStreamFrame({{6}, 0, ByteVector(100), false}));
  const Result<> beyond = p.server.onStreamFrame({{6}, 100, ByteVector(1), false});
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, QuicErrorCode(TransportErrorCode::FLOW_CONTROL_ERROR));
  const auto frames = framesOf(writePacket(p.server, 1200).bytes);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(std::get<MaxDataFrame>(frames[0]).limit, 1900u);
}

TEST(QuicStreamManager, RaisesCreditWhenHalfTheWindowWasReadAndRepeatsOnlyTheLatest) {  // covers RFC 9000 §4.2, §13.3
  StreamSettings settings;
  settings.connectionWindow = 1 << 20;
  settings.streamWindow = 1000;
  Pair p(settings);
  ASSERT_TRUE(p.server.onStreamFrame({{2}, 0, ByteVector(1000), false}));
  ByteVector out(499);
  ASSERT_TRUE(p.server.read({2}, out));
  EXPECT_FALSE(p.server.hasControlToSend());
  out.resize(1);
  ASSERT_TRUE(p.server.read({2}, out));
  EXPECT_TRUE(p.server.hasControlToSend());
  const StreamPacket first = writePacket(p.server, 1200);
  EXPECT_EQ(std::get<MaxStreamDataFrame>(framesOf(first.bytes).at(0)), (MaxStreamDataFrame{{2}, 1500}));
  EXPECT_FALSE(p.server.hasControlToSend());
  out.resize(500);
  ASSERT_TRUE(p.server.read({2}, out));
  const StreamPacket second = writePacket(p.server, 1200);
  EXPECT_EQ(std::get<MaxStreamDataFrame>(framesOf(second.bytes).at(0)), (MaxStreamDataFrame{{2}, 2000}));
  lose(p.server, first.records);
  EXPECT_FALSE(p.server.hasControlToSend());
  lose(p.server, second.records);
  EXPECT_TRUE(p.server.hasControlToSend());
}

/// Bytes that come through in each of `rounds` round trips of 100 ms, when all is read at once, or after a wait.
std::vector<uint64_t> transfer(Pair& p, int rounds, Duration readEvery) {
  const StreamId id = *p.client.open(true);
  EXPECT_TRUE(p.client.write(id, OwnedBytes::copyOf(ByteVector(4 << 20)), false));
  std::vector<uint64_t> perRound;
  TimePoint now{1h};
  TimePoint readAt = now;
  ByteVector out(1 << 20);
  for (int round = 0; round < rounds; ++round, now += 100ms) {
    uint64_t bytes = 0;
    for (StreamPacket packet = writePacket(p.client, 60000); !packet.bytes.empty();
         packet = writePacket(p.client, 60000)) {
      EXPECT_TRUE(test::givePacket(p.server, packet.bytes));
      for (const QuicFrame& frame : framesOf(packet.bytes)) {
        if (const auto* data = std::get_if<StreamFrame>(&frame)) bytes += data->data.size();
      }
      ack(p.client, packet.records);
    }
    perRound.push_back(bytes);
    if (now >= readAt) {
      while (p.server.read(id, out)->size > 0) continue;
      readAt = now + readEvery;
    }
    ByteVector credit(1200);
    ByteWriter writer(credit);
    SentFrames records;
    p.server.writeControlFrames(writer, records, {now, 100ms});
    EXPECT_TRUE(test::givePacket(p.client, writer.written()));
  }
  return perRound;
}

// covers RFC 9000 §4.2
TEST(QuicStreamManager, WindowsGrowWithAQuickReaderUpToTheLargest) {
  StreamSettings settings;
  settings.initialStreamWindow = 10000;
  settings.initialConnectionWindow = 10000;
  settings.streamWindow = 100000;
  settings.connectionWindow = 200000;
  Pair p(settings);
  const std::vector<uint64_t> perRound = transfer(p, 12, 0ms);
  EXPECT_EQ(perRound.front(), 10000u);
  EXPECT_EQ(perRound.back(), 100000u) << "the stream's largest; the connection's has grown along";
  EXPECT_TRUE(std::is_sorted(perRound.begin(), perRound.end()));
}

TEST(QuicStreamManager, WindowsStaySmallForASlowReader) {
  StreamSettings settings;
  settings.initialStreamWindow = 10000;
  settings.initialConnectionWindow = 20000;
  Pair p(settings);
  for (const uint64_t bytes : transfer(p, 30, 300ms)) EXPECT_LE(bytes, 10000u);
}

TEST(QuicStreamManager, AnInitialWindowAboveTheLargestIsTheLargest) {
  StreamSettings settings;
  settings.streamWindow = 700;
  settings.connectionWindow = 900;
  QuicStreamManager manager(Role::Server, settings);
  TransportParameters ours;
  manager.fillParameters(ours);
  EXPECT_EQ(ours.initialMaxStreamDataBidiLocal, 700u);
  EXPECT_EQ(ours.initialMaxStreamDataBidiRemote, 700u);
  EXPECT_EQ(ours.initialMaxStreamDataUni, 700u);
  EXPECT_EQ(ours.initialMaxData, 900u);
}

TEST(QuicStreamManager, SaysOnceForEachLimitThatItIsBlocked) {  // covers RFC 9000 §4.1
  StreamSettings settings;
  settings.connectionWindow = 150;
  settings.streamWindow = 100;
  settings.unidirectionalStreams = 2;
  Pair p(settings);
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(p.client.write(*p.client.open(true), OwnedBytes::copyOf(ByteVector(200)), false));
  EXPECT_EQ(p.client.open(true).error().code, QuicErrorCode(LocalErrorCode::STREAM_LIMIT_EXCEEDED));
  std::vector<std::string> types;
  StreamPacket packet;
  const auto collect = [&] {
    packet = writePacket(p.client, 1200);
    for (const QuicFrame& frame : framesOf(packet.bytes)) {
      if (const auto* f = std::get_if<DataBlockedFrame>(&frame)) types.push_back("data " + std::to_string(f->limit));
      if (const auto* f = std::get_if<StreamDataBlockedFrame>(&frame)) {
        types.push_back("stream " + std::to_string(f->id.value) + " " + std::to_string(f->limit));
      }
      if (const auto* f = std::get_if<StreamsBlockedFrame>(&frame))
        types.push_back("streams " + std::to_string(f->limit));
    }
  };
  collect();
  collect();
  EXPECT_EQ(types, (std::vector<std::string>{"streams 2", "data 150", "stream 2 100"}));
  EXPECT_FALSE(p.client.hasControlToSend());
  lose(p.client, packet.records);
  types.clear();
  collect();
  EXPECT_EQ(types, (std::vector<std::string>{"data 150", "stream 2 100"}));
  ASSERT_TRUE(p.client.onMaxData({160}));
  lose(p.client, packet.records);
  types.clear();
  collect();
  EXPECT_EQ(types, (std::vector<std::string>{"stream 2 100"}));
  collect();
  EXPECT_EQ(types, (std::vector<std::string>{"stream 2 100", "data 160"}));
}

TEST(QuicStreamManager, RaisesTheStreamLimitAsStreamsClose) {  // covers RFC 9000 §4.6
  StreamSettings settings;
  settings.bidirectionalStreams = 4;
  Pair p(settings);
  for (int i = 0; i < 20; ++i) {
    const Result<StreamId> id = p.client.open(false);
    ASSERT_TRUE(id) << i;
    ASSERT_TRUE(p.client.write(*id, bytesOf("q"), true));
    p.run();
    EXPECT_EQ(readAll(p.server, *id), "q");
    ASSERT_TRUE(p.server.write(*id, {}, true));
    p.run();
    EXPECT_EQ(readAll(p.client, *id), "");
    p.run();
    EXPECT_EQ(p.server.openStreams(), 0u);
  }
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(p.client.open(false));
  EXPECT_FALSE(p.client.open(false));
  EXPECT_NE(describe(drainEvents(p.client)).find("Available bidi 24"), std::string::npos);
}

TEST(QuicStreamManager, TellsTheLatestStreamLimitOnce) {
  Pair p;
  for (uint64_t limit = 101; limit < 5000; ++limit) ASSERT_TRUE(p.client.onMaxStreams({limit, false}));
  EXPECT_EQ(describe(drainEvents(p.client)), "Available bidi 4999");
}

TEST(QuicStreamManager, KnowsNoStreamsBeforeThePeersParameters) {
  QuicStreamManager client(Role::Client, {});
  EXPECT_FALSE(client.open(false));
  EXPECT_FALSE(client.hasControlToSend());
  TransportParameters peer;
  peer.initialMaxStreamsBidi = 1;
  peer.initialMaxStreamDataBidiRemote = 3;
  peer.initialMaxData = 2;
  client.onPeerParameters(peer);
  EXPECT_EQ(describe(drainEvents(client)), "Available bidi 1");
  const StreamId id = *client.open(false);
  ASSERT_TRUE(client.write(id, bytesOf("abcdef"), false));
  EXPECT_EQ(writePacket(client, 1200).records.size(), 1u);
  EXPECT_EQ(client.bufferedBytes(id), 4u);
  peer.initialMaxStreamDataBidiRemote = 6;  // the real ones after remembered ones
  peer.initialMaxData = 20;
  client.onPeerParameters(peer);
  writePacket(client, 1200);
  EXPECT_EQ(client.bufferedBytes(id), 0u);
}

TEST(QuicStreamManager, SaysWritableOnceWhenTheLowMarkIsReachedFromAbove) {
  StreamSettings settings;
  settings.sendLowWater = 1000;
  Pair p(settings);
  const StreamId id = *p.client.open(true);
  ASSERT_TRUE(p.client.write(id, OwnedBytes::copyOf(ByteVector(900)), false));
  writePacket(p.client, 1200);
  EXPECT_EQ(describe(drainEvents(p.client)), "");
  ASSERT_TRUE(p.client.write(id, OwnedBytes::copyOf(ByteVector(2500)), false));
  writePacket(p.client, 1200);
  EXPECT_EQ(describe(drainEvents(p.client)), "");
  writePacket(p.client, 1200);
  writePacket(p.client, 1200);
  EXPECT_EQ(describe(drainEvents(p.client)), "Writable 2");
}

TEST(QuicStreamManager, LetsStreamsTakeTurnsAndPassesIdleOnesBy) {
  StreamSettings settings;
  settings.unidirectionalStreams = 10000;
  Pair p(settings);
  std::vector<StreamId> busy;
  for (int i = 0; i < 10000; ++i) {
    const StreamId id = *p.client.open(true);
    if (i % 1000 == 7) busy.push_back(id);
  }
  for (const StreamId id : busy) ASSERT_TRUE(p.client.write(id, OwnedBytes::copyOf(ByteVector(100000)), false));
  std::map<StreamId, uint64_t> sent;
  for (int packet = 0; packet < 400; ++packet) {
    for (const SentFrame& record : writePacket(p.client, 1200).records) {
      const auto& data = std::get<SentStream>(record);
      sent[data.id] += data.size;
    }
  }
  ASSERT_EQ(sent.size(), busy.size());
  const auto [least, most] =
      std::minmax_element(sent.begin(), sent.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  EXPECT_LE(most->second - least->second, 1200u);
}

TEST(QuicStreamManager, SendsLostDataBeforeNewAndWithoutNewCredit) {
  StreamSettings settings;
  settings.connectionWindow = 3000;
  Pair p(settings);
  const StreamId first = *p.client.open(true);
  const StreamId second = *p.client.open(true);
  ASSERT_TRUE(p.client.write(first, OwnedBytes::copyOf(ByteVector(1000)), false));
  const StreamPacket lost = writePacket(p.client, 1200);
  ASSERT_TRUE(p.client.write(second, OwnedBytes::copyOf(ByteVector(5000)), false));
  writePacket(p.client, 1200);
  lose(p.client, lost.records);
  const StreamPacket again = writePacket(p.client, 1200);
  EXPECT_EQ(std::get<SentStream>(again.records[0]).id, first);
  writePacket(p.client, 1200);
  EXPECT_FALSE(p.client.hasDataToSend());
  lose(p.client, again.records);
  EXPECT_TRUE(p.client.hasDataToSend());
}

TEST(QuicStreamManager, SendsALoneEndWithoutConnectionCredit) {
  StreamSettings settings;
  settings.connectionWindow = 4;
  Pair p(settings);
  const StreamId id = *p.client.open(true);
  ASSERT_TRUE(p.client.write(id, bytesOf("abcd"), false));
  writePacket(p.client, 1200);
  EXPECT_FALSE(p.client.hasDataToSend());
  ASSERT_TRUE(p.client.write(id, {}, true));
  EXPECT_TRUE(p.client.hasDataToSend());
  const StreamPacket packet = writePacket(p.client, 1200);
  EXPECT_TRUE(std::get<SentStream>(packet.records[0]).fin);
}

TEST(QuicStreamManager, RefusesVerbsThatCannotBe) {
  Pair p;
  const StreamId uni = *p.client.open(true);
  ASSERT_TRUE(p.client.onStreamFrame({{3}, 0, {}, false}));
  const QuicErrorCode invalid = LocalErrorCode::INVALID_ARGUMENT;
  EXPECT_EQ(p.client.read(uni, {}).error().code, invalid);
  EXPECT_EQ(p.client.stopSending(uni, 0).error().code, invalid);
  EXPECT_EQ(p.client.write({3}, {}, false).error().code, invalid);
  EXPECT_EQ(p.client.reset({3}, 0).error().code, invalid);
  EXPECT_EQ(p.client.reset(uni, kMaxVarint + 1).error().code, invalid);
  EXPECT_EQ(p.client.reset({6}, 0).error().code, QuicErrorCode(LocalErrorCode::STREAM_CLOSED));
  ASSERT_TRUE(p.client.write(uni, {}, true));
  EXPECT_EQ(p.client.write(uni, {}, true).error().code, QuicErrorCode(LocalErrorCode::STREAM_SEND_CLOSED));
}

/// What an application has done to its stream 0 before, and the peer.
enum class Past : uint8_t { Fin, Reset, StoppedByPeer, ReadToTheEnd, ResetByPeer, Stopped, Closed };

void live(Pair& p, Past past) {
  const StreamId id = *p.client.open(false);
  ASSERT_TRUE(p.client.write(id, bytesOf("abc"), past == Past::Fin || past == Past::Closed));
  p.run();
  const bool isAnswered = past == Past::ReadToTheEnd || past == Past::Closed;
  Result<> done = Unit{};
  if (past == Past::Reset) done = p.client.reset(id, 1);
  if (past == Past::StoppedByPeer) done = p.server.stopSending(id, 1);
  if (isAnswered) done = p.server.write(id, bytesOf("xyz"), true);
  if (past == Past::ResetByPeer) done = p.server.reset(id, 1);
  if (past == Past::Stopped) done = p.client.stopSending(id, 1);
  ASSERT_TRUE(done);
  p.run();
  if (isAnswered) {
    EXPECT_EQ(readAll(p.client, id), "xyz");
  }
  p.run();
}

// X35. covers RFC 9000 §2.4, §3.1, §3.2
TEST(QuicStreamManager, AVerbThatTheStateForbidsFailsAndOneThatIsIdleSendsNothing) {
  using Local = LocalErrorCode;
  constexpr auto kFine = std::optional<Local>();
  struct Row {
    Past past;
    std::optional<Local> write, reset, stop, read;
    bool isResetIdle, isStopIdle;  // allowed, and no frame
  };
  const Row rows[] = {
      {Past::Fin, Local::STREAM_SEND_CLOSED, kFine, kFine, kFine, true, false},
      {Past::Reset, Local::STREAM_SEND_CLOSED, kFine, kFine, kFine, true, false},
      {Past::StoppedByPeer, Local::STREAM_SEND_CLOSED, kFine, kFine, kFine, true, false},
      {Past::ReadToTheEnd, kFine, kFine, kFine, kFine, false, true},
      {Past::ResetByPeer, kFine, kFine, kFine, Local::STREAM_CLOSED, false, true},
      {Past::Stopped, kFine, kFine, kFine, Local::STREAM_CLOSED, false, true},
      {Past::Closed, Local::STREAM_CLOSED, Local::STREAM_CLOSED, Local::STREAM_CLOSED, Local::STREAM_CLOSED, true,
       true},
  };
  const auto codeOf = [](const auto& result) {
    return result ? std::nullopt : std::optional(std::get<Local>(result.error().code));
  };
  for (const Row& row : rows) {
    for (int verb = 0; verb < 4; ++verb) {
      SCOPED_TRACE("past " + std::to_string(static_cast<int>(row.past)) + ", verb " + std::to_string(verb));
      Pair p;
      ASSERT_NO_FATAL_FAILURE(live(p, row.past));
      const StreamId id{0};
      ByteVector out(10);
      const std::optional<Local> expected[] = {row.write, row.reset, row.stop, row.read};
      std::optional<Local> code;
      if (verb == 0) code = codeOf(p.client.write(id, bytesOf("more"), false));
      if (verb == 1) code = codeOf(p.client.reset(id, 2));
      if (verb == 2) code = codeOf(p.client.stopSending(id, 2));
      if (verb == 3) code = codeOf(p.client.read(id, out));
      EXPECT_EQ(code, expected[verb]);
      const bool isIdle = code.has_value() || (verb == 1 && row.isResetIdle) || (verb == 2 && row.isStopIdle);
      EXPECT_TRUE(!isIdle || writePacket(p.client, 1200).bytes.empty());
    }
  }
}

// covers RFC 9000 §4.4: the other direction keeps its flow control until it ends
TEST(QuicStreamManager, AResetOfOneDirectionLeavesTheOthersCreditAlone) {
  StreamSettings settings;
  settings.streamWindow = 1000;
  Pair p(settings);
  const StreamId id = *p.client.open(false);
  ASSERT_TRUE(p.client.write(id, OwnedBytes::copyOf(ByteVector(600)), false));
  p.run();
  ASSERT_TRUE(p.client.reset(id, 1));
  p.run();
  drainEvents(p.server);
  ASSERT_TRUE(p.server.write(id, OwnedBytes::copyOf(ByteVector(3000)), true));
  p.run();
  EXPECT_EQ(p.server.bufferedBytes(id), 2000u) << "its 1000 bytes and no more";
  const Result<> beyond = p.client.onStreamFrame({id, 1000, ByteVector(1), false});
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, QuicErrorCode(TransportErrorCode::FLOW_CONTROL_ERROR));
  for (size_t got = 0; got < 3000;) {
    const size_t before = got;
    got += readAll(p.client, id).size();
    ASSERT_GT(got, before);
    p.run();
  }
  EXPECT_EQ(p.client.openStreams() + p.server.openStreams(), 0u);
}

// covers RFC 9000 §13.3: the content of RESET_STREAM never changes
TEST(QuicStreamManager, ARepeatedResetSaysTheSame) {
  Pair p;
  const StreamId id = *p.client.open(true);
  ASSERT_TRUE(p.client.write(id, bytesOf("abcdef"), false));
  const StreamPacket data = writePacket(p.client, 1200);
  ASSERT_TRUE(p.client.reset(id, 7));
  const StreamPacket first = writePacket(p.client, 1200);
  ASSERT_TRUE(p.client.reset(id, 8));
  ASSERT_TRUE(p.client.onStopSending({id, 9}));
  EXPECT_TRUE(writePacket(p.client, 1200).bytes.empty());
  ack(p.client, data.records);
  lose(p.client, first.records);
  const StreamPacket second = writePacket(p.client, 1200);
  EXPECT_EQ(second.bytes, first.bytes);
  EXPECT_EQ(std::get<ResetStreamFrame>(framesOf(second.bytes).at(0)), (ResetStreamFrame{id, 7, 6}));
}

// covers RFC 9000 §11.2: only an application instigates RESET_STREAM
TEST(QuicStreamManager, NoStreamIsResetUnlessAnApplicationAsksForIt) {
  Pair p;
  const StreamId id = *p.client.open(false);
  ASSERT_TRUE(p.client.write(id, OwnedBytes::copyOf(ByteVector(3000)), true));
  for (int i = 0; i < 50; ++i) {
    const StreamPacket packet = writePacket(p.client, 1200);
    for (const SentFrame& record : packet.records) EXPECT_FALSE(std::holds_alternative<SentResetStream>(record));
    lose(p.client, packet.records);
    ASSERT_TRUE(p.client.onResetStream({id, 5, 0}));  // of the other direction
    ASSERT_TRUE(p.client.onMaxStreamData({id, 0}));
  }
}

TEST(QuicStreamManager, TellsRecordsOfItsOwnFromOthers) {
  Pair p;
  EXPECT_FALSE(p.client.onAcked(SentPing{}));
  EXPECT_FALSE(p.client.onLost(SentCrypto{0, 5}));
  EXPECT_TRUE(p.client.onAcked(SentMaxStreams{5, true}));
  EXPECT_TRUE(p.client.onLost(SentStream{{400}, 0, 5, true}));
}

TEST(QuicStreamManager, HoldsTenThousandTinyRequestsWhileTheApplicationSleeps) {
  StreamSettings settings;
  settings.unidirectionalStreams = 10000;
  Pair p(settings);
  for (int i = 0; i < 10000; ++i) ASSERT_TRUE(p.client.write(*p.client.open(true), bytesOf("tiny"), true));
  p.run();
  EXPECT_EQ(p.client.openStreams(), 0u);
  EXPECT_EQ(p.server.openStreams(), 10000u);
  EXPECT_EQ(drainEvents(p.server).size(), 20000u);
  for (uint64_t i = 0; i < 10000; ++i) ASSERT_EQ(readAll(p.server, {i * 4 + 2}), "tiny");
  EXPECT_EQ(p.server.openStreams(), 0u);
}

TEST(QuicStreamManager, SurvivesAPeerThatOpensAndResetsForEverWhileNobodyPolls) {
  StreamSettings settings;
  settings.unidirectionalStreams = 50;
  Pair p(settings);
  uint64_t opened = 0;
  while (p.server.onResetStream({StreamId::make(opened, false, true), 0, 0})) ++opened;
  EXPECT_EQ(opened, 50u);
  EXPECT_FALSE(p.server.hasControlToSend());
  EXPECT_EQ(drainEvents(p.server).size(), 150u);
  EXPECT_TRUE(p.server.hasControlToSend());
}

TEST(QuicStreamManager, TakesAHugeWriteInOnePiece) {
  Pair p;
  const StreamId id = *p.client.open(true);
  const size_t size = size_t{256} << 20;
  static int freed = 0;
  freed = 0;
  auto* data = static_cast<uint8_t*>(std::calloc(size, 1));
  ASSERT_TRUE(
      p.client.write(id, OwnedBytes(data, size, [](uint8_t* d, void*) { std::free(d), ++freed; }, nullptr), true));
  EXPECT_EQ(p.client.bufferedBytes(id), size);
  writePacket(p.client, 1200);
  EXPECT_EQ(freed, 0);
  ASSERT_TRUE(p.client.reset(id, 0));
  EXPECT_EQ(freed, 1);
}

}  // namespace
}  // namespace quic
