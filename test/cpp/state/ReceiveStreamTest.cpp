// The receiving part's machine as a whole, and the rules of the final size as a table.
#include "quic/state/ReceiveStream.h"

#include <gtest/gtest.h>

#include <string>

namespace quic {
namespace {

constexpr const char* kStates[] = {"Recv", "SizeKnown", "DataRecvd", "DataRead", "ResetRecvd", "ResetRead", "Stopped"};
constexpr const char* kFacts[] = {"FinReceived",   "AllReceived",   "AllRead",
                                  "ResetReceived", "ResetConsumed", "StopSending"};

std::string table() {
  std::string text;
  for (int state = 0; state < 7; ++state) {
    text += kStates[state];
    text += ":";
    for (int fact = 0; fact < 6; ++fact) {
      const ReceiveState after = next(static_cast<ReceiveState>(state), static_cast<ReceiveFact>(fact));
      if (after == static_cast<ReceiveState>(state)) continue;
      text += std::string(" ") + kFacts[fact] + ">" + kStates[static_cast<int>(after)];
    }
    text += quic::isFinal(static_cast<ReceiveState>(state)) ? " final\n" : "\n";
  }
  return text;
}

TEST(ReceiveStream, GoesFromStateToStateAsInTheFigure) {  // covers RFC 9000 §3.2
  EXPECT_EQ(table(),
            "Recv: FinReceived>SizeKnown AllReceived>DataRecvd ResetReceived>ResetRecvd StopSending>Stopped\n"
            "SizeKnown: AllReceived>DataRecvd ResetReceived>ResetRecvd StopSending>ResetRead\n"
            "DataRecvd: AllRead>DataRead StopSending>ResetRead\n"
            "DataRead: final\n"
            "ResetRecvd: ResetConsumed>ResetRead StopSending>ResetRead\n"
            "ResetRead: final\n"
            "Stopped: FinReceived>ResetRead AllReceived>ResetRead ResetReceived>ResetRead\n");
}

struct Piece {
  uint64_t offset;
  uint64_t size;
  char kind;  // 'd'ata, 'f'in, 'r'eset
};
struct Row {
  const char* what;
  std::vector<Piece> before;
  Piece last;
  std::string_view error;
};

/// Empty, or the name of the error.
std::string apply(ReceiveStream& stream, const Piece& piece, BlockPool& pool) {
  const uint64_t end = piece.offset + piece.size;
  const bool isReset = piece.kind == 'r';
  const auto admitted = stream.admit(end, piece.kind != 'd', isReset ? FrameType::RESET_STREAM : FrameType::STREAM);
  if (!admitted) {
    const auto code = std::get<TransportErrorCode>(admitted.error().code);
    return code == TransportErrorCode::FINAL_SIZE_ERROR     ? "FINAL_SIZE_ERROR"
           : code == TransportErrorCode::FLOW_CONTROL_ERROR ? "FLOW_CONTROL_ERROR"
                                                            : "?";
  }
  if (isReset) {
    stream.onReset({{0}, 1, end}, pool);
    return "";
  }
  const ByteVector bytes(piece.size);
  return stream.onData({{0}, piece.offset, bytes, piece.kind == 'f'}, pool) ? "" : "gaps";
}

TEST(ReceiveStream, KeepsTheRulesOfTheFinalSize) {  // covers RFC 9000 §4.5
  const std::vector<Row> rows = {
      {"data past the final size", {{0, 10, 'f'}}, {10, 1, 'd'}, "FINAL_SIZE_ERROR"},
      {"data far past the final size and the credit", {{0, 10, 'f'}}, {5000, 1, 'd'}, "FINAL_SIZE_ERROR"},
      {"a second FIN above", {{0, 10, 'f'}}, {0, 11, 'f'}, "FINAL_SIZE_ERROR"},
      {"a second FIN below", {{0, 10, 'f'}}, {0, 9, 'f'}, "FINAL_SIZE_ERROR"},
      {"the same FIN again", {{0, 10, 'f'}}, {5, 5, 'f'}, ""},
      {"an empty FIN at the end", {{0, 10, 'd'}}, {10, 0, 'f'}, ""},
      {"an empty FIN at the end again", {{0, 10, 'f'}}, {10, 0, 'f'}, ""},
      {"a FIN below received data", {{5, 10, 'd'}}, {0, 14, 'f'}, "FINAL_SIZE_ERROR"},
      {"a FIN at received data", {{5, 10, 'd'}}, {0, 15, 'f'}, ""},
      {"a reset below received data", {{0, 10, 'd'}}, {0, 9, 'r'}, "FINAL_SIZE_ERROR"},
      {"a reset at received data", {{0, 10, 'd'}}, {0, 10, 'r'}, ""},
      {"a reset beside the FIN", {{5, 5, 'f'}}, {0, 11, 'r'}, "FINAL_SIZE_ERROR"},
      {"a reset beside the FIN when all is here", {{0, 10, 'f'}}, {0, 9, 'r'}, "FINAL_SIZE_ERROR"},
      {"a reset at the FIN", {{5, 5, 'f'}}, {0, 10, 'r'}, ""},
      {"a reset past the credit", {{0, 10, 'd'}}, {0, 1001, 'r'}, "FLOW_CONTROL_ERROR"},
      {"a reset at the credit", {{0, 10, 'd'}}, {0, 1000, 'r'}, ""},
      {"two resets that differ", {{0, 10, 'r'}}, {0, 11, 'r'}, "FINAL_SIZE_ERROR"},
      {"two resets alike", {{0, 10, 'r'}}, {0, 10, 'r'}, ""},
      {"data past a reset", {{0, 10, 'r'}}, {10, 1, 'd'}, "FINAL_SIZE_ERROR"},
      {"late data below a reset", {{0, 10, 'r'}}, {3, 4, 'd'}, ""},
      {"one byte past the credit", {}, {1000, 1, 'd'}, "FLOW_CONTROL_ERROR"},
      {"the last byte of the credit", {}, {999, 1, 'd'}, ""},
      {"an empty piece past the credit", {}, {1001, 0, 'd'}, "FLOW_CONTROL_ERROR"},
  };
  for (const Row& row : rows) {
    BlockPool pool;
    ReceiveStream stream;
    stream.begin({1000, 1000});
    for (const Piece& piece : row.before) ASSERT_EQ(apply(stream, piece, pool), "") << row.what;
    EXPECT_EQ(apply(stream, row.last, pool), row.error) << row.what;
  }
}

TEST(ReceiveStream, IgnoresAResetOnceAllDataIsHere) {  // RFC 9000 §3.2 allows it
  BlockPool pool;
  ReceiveStream stream;
  stream.begin({1000, 1000});
  ASSERT_EQ(apply(stream, {0, 10, 'f'}, pool), "");
  ASSERT_EQ(apply(stream, {0, 10, 'r'}, pool), "");
  EXPECT_EQ(stream.state(), ReceiveState::DataRecvd);
  ByteVector out(20);
  EXPECT_EQ(stream.read(out, pool), 10u);
  EXPECT_EQ(stream.state(), ReceiveState::DataRead);
}

TEST(ReceiveStream, GivesBackEveryByteOnceHoweverTheStreamEnds) {
  for (const char kind : {'f', 'r'}) {
    for (const bool isStoppedFirst : {false, true}) {
      BlockPool pool;
      ReceiveStream stream;
      stream.begin({1000, 1000});
      uint64_t given = 0;
      const auto settle = [&] { given += stream.takeDropped(); };
      ASSERT_EQ(apply(stream, {0, 100, 'd'}, pool), "");
      ByteVector out(40);
      given += stream.read(out, pool);
      if (isStoppedFirst) stream.stopSending(9, pool);
      settle();
      EXPECT_EQ(given, isStoppedFirst ? 100u : 40u);
      ASSERT_EQ(apply(stream, {200, 50, 'd'}, pool), "");
      settle();
      ASSERT_EQ(apply(stream, {0, 300, kind}, pool), "");
      settle();
      out.resize(1000);
      if (stream.isReadingOpen()) given += stream.read(out, pool);
      settle();
      EXPECT_EQ(given, 300u) << kind << isStoppedFirst;
      stream.onResetConsumed();
      EXPECT_TRUE(stream.isFinal());
    }
  }
}

TEST(ReceiveStream, AsksToStopOnceAndAgainOnlyWhenThatWasLost) {  // covers RFC 9000 §3.5
  BlockPool pool;
  ReceiveStream stream;
  stream.begin({1000, 1000});
  stream.stopSending(9, pool);
  stream.stopSending(10, pool);
  EXPECT_TRUE(stream.isStopSendingDue());
  EXPECT_EQ(stream.stopSendingCode(), 9u);
  stream.onStopSendingWritten();
  stream.stopSending(11, pool);
  EXPECT_FALSE(stream.isStopSendingDue());
  stream.onStopSendingLost();
  EXPECT_TRUE(stream.isStopSendingDue());
  stream.onStopSendingWritten();
  ASSERT_EQ(apply(stream, {0, 0, 'r'}, pool), "");
  stream.onStopSendingLost();
  EXPECT_FALSE(stream.isStopSendingDue());
}

TEST(ReceiveStream, OffersNoCreditOnceTheSizeIsKnown) {  // covers RFC 9000 §3.2
  BlockPool pool;
  ReceiveStream stream;
  stream.begin({100, 100});
  ASSERT_EQ(apply(stream, {0, 60, 'd'}, pool), "");
  ByteVector out(60);
  stream.read(out, pool);
  EXPECT_TRUE(stream.isMaxStreamDataDue());
  ASSERT_EQ(apply(stream, {80, 10, 'f'}, pool), "");
  EXPECT_FALSE(stream.isMaxStreamDataDue());
}

}  // namespace
}  // namespace quic
