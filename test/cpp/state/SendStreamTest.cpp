// The sending part's machine as a whole, and what leads from state to state. The peer's view is not here.
#include "quic/state/SendStream.h"

#include <gtest/gtest.h>

#include <string>

namespace quic {
namespace {

constexpr const char* kStates[] = {"Ready", "Send", "DataSent", "DataRecvd", "ResetSent", "ResetRecvd"};
constexpr const char* kFacts[] = {"FrameSent", "FinSent", "AllAcked", "Reset", "ResetAcked"};

std::string table() {
  std::string text;
  for (int state = 0; state < 6; ++state) {
    text += kStates[state];
    text += ":";
    for (int fact = 0; fact < 5; ++fact) {
      const SendState after = next(static_cast<SendState>(state), static_cast<SendFact>(fact));
      if (after == static_cast<SendState>(state)) continue;
      text += std::string(" ") + kFacts[fact] + ">" + kStates[static_cast<int>(after)];
    }
    text += quic::isFinal(static_cast<SendState>(state)) ? " final\n" : "\n";
  }
  return text;
}

TEST(SendStream, GoesFromStateToStateAsInTheFigure) {  // covers RFC 9000 §3.1
  EXPECT_EQ(table(),
            "Ready: FrameSent>Send FinSent>DataSent Reset>ResetSent\n"
            "Send: FinSent>DataSent Reset>ResetSent\n"
            "DataSent: AllAcked>DataRecvd Reset>ResetSent\n"
            "DataRecvd: final\n"
            "ResetSent: ResetAcked>ResetRecvd\n"
            "ResetRecvd: final\n");
}

struct Fixture {
  SendStream stream;
  ByteVector storage = ByteVector(1200);
  ByteWriter writer{storage};
  static constexpr StreamId kId{0};

  explicit Fixture(uint64_t limit) { stream.begin(limit); }
  std::optional<SentStream> send(uint64_t connectionCredit = 1000000) {
    writer = ByteWriter(storage);
    return stream.hasOwed() ? stream.writeOwed(writer, kId, 1) : stream.writeFresh(writer, kId, connectionCredit, 1);
  }
};

TEST(SendStream, IsCompleteWhenDataAndEndWereAcknowledgedInAnyOrder) {
  Fixture f(1000);
  f.stream.write(OwnedBytes::copyOf(asBytes("hello")), false);
  const auto data = f.send();
  EXPECT_EQ(f.stream.state(), SendState::Send);
  f.stream.write({}, true);
  const auto fin = f.send();
  ASSERT_TRUE(data && fin);
  EXPECT_EQ(f.stream.state(), SendState::DataSent);
  f.stream.onAcked(*fin);
  EXPECT_EQ(f.stream.state(), SendState::DataSent);
  f.stream.onAcked(*data);
  EXPECT_EQ(f.stream.state(), SendState::DataRecvd);
  EXPECT_FALSE(f.stream.reset(1));
  EXPECT_EQ(f.stream.state(), SendState::DataRecvd);
}

TEST(SendStream, NeverSendsBeyondTheStreamsOrTheConnectionsCredit) {  // covers RFC 9000 §4.1
  Fixture f(10);
  f.stream.write(OwnedBytes::copyOf(ByteVector(100)), true);
  const auto first = f.send(4);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size, 4u);
  const auto second = f.send();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->size, 6u);
  EXPECT_FALSE(f.stream.hasFresh());
  EXPECT_TRUE(f.stream.isBlockedDue());
  f.stream.onBlockedWritten();
  EXPECT_FALSE(f.stream.isBlockedDue());
  f.stream.onLost(*first);
  EXPECT_TRUE(f.stream.hasOwed());  // lost bytes need no credit
  f.stream.onMaxStreamData(100);
  EXPECT_TRUE(f.stream.hasFresh());
}

TEST(SendStream, ResetsWithTheSizeThatConsumedCreditAndDropsItsData) {  // covers RFC 9000 §4.5
  Fixture f(1000);
  f.stream.write(OwnedBytes::copyOf(ByteVector(2000)), false);
  const auto data = f.send();
  ASSERT_TRUE(data);
  EXPECT_TRUE(f.stream.reset(77));
  EXPECT_FALSE(f.stream.reset(78));
  EXPECT_EQ(f.stream.resetFrame({0}), (ResetStreamAtFrame{{0}, 77, data->size, 0}));
  EXPECT_EQ(f.stream.bufferedBytes(), 0u);
  f.stream.onResetWritten();
  f.stream.onLost(*data);
  f.stream.onAcked(*data);
  EXPECT_FALSE(f.stream.hasOwed());
  EXPECT_FALSE(f.stream.isResetDue());
  f.stream.onResetLost(0);
  EXPECT_TRUE(f.stream.isResetDue());
  f.stream.onResetWritten();
  f.stream.onResetAcked(0);
  EXPECT_EQ(f.stream.state(), SendState::ResetRecvd);
  f.stream.onResetLost(0);
  EXPECT_FALSE(f.stream.isResetDue());
}

TEST(SendStream, BeginsAnewWhenEarlyDataWasRefused) {  // covers RFC 9001 §4.6.2
  Fixture f(1000);
  f.stream.write(OwnedBytes::copyOf(asBytes("hello")), true);
  ASSERT_TRUE(f.send());
  ASSERT_EQ(f.stream.state(), SendState::DataSent);
  f.stream.restart(3, false);
  EXPECT_EQ(f.stream.state(), SendState::Ready);
  const auto first = f.send();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->offset, 0u);
  EXPECT_EQ(first->size, 3u) << "the new limit";
  EXPECT_FALSE(first->fin);
  f.stream.onMaxStreamData(5);
  const auto rest = f.send();
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->size, 2u);
  EXPECT_TRUE(rest->fin);
  f.stream.onAcked(*first);
  f.stream.onAcked(*rest);
  EXPECT_EQ(f.stream.state(), SendState::DataRecvd);
}

TEST(SendStream, AResetThatWasRefusedWithEarlyDataEndsAStreamWithoutBytes) {
  Fixture f(1000);
  f.stream.write(OwnedBytes::copyOf(asBytes("hello")), false);
  ASSERT_TRUE(f.send());
  ASSERT_TRUE(f.stream.reset(7));
  EXPECT_EQ(f.stream.resetFrame(Fixture::kId).finalSize, 5u);
  f.stream.onResetWritten();
  f.stream.restart(2, false);
  EXPECT_TRUE(f.stream.isResetDue());
  EXPECT_EQ(f.stream.resetFrame(Fixture::kId).finalSize, 0u);
}

TEST(SendStream, ARefusedResetAtIsSaidAgainWithWhatItPromises) {
  Fixture f(100);
  f.stream.write(OwnedBytes::copyOf(asBytes("hello")), false);
  ASSERT_TRUE(f.send());
  ASSERT_TRUE(f.stream.resetAt(7, 3));
  ASSERT_TRUE(f.stream.isResetDue());
  f.stream.onResetWritten();
  f.stream.restart(100, true);
  EXPECT_FALSE(f.stream.isResetDue()) << "not before all that it promises was sent";
  const auto again = f.send();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->size, 3u);
  ASSERT_TRUE(f.stream.isResetDue());
  EXPECT_EQ(f.stream.resetFrame(Fixture::kId).finalSize, 3u);
  EXPECT_EQ(f.stream.resetFrame(Fixture::kId).reliableSize, 3u);
}

TEST(SendStream, ARefusedResetAtIsAPlainResetWhereThePeerKnowsNoOther) {
  Fixture f(100);
  f.stream.write(OwnedBytes::copyOf(asBytes("hello")), false);
  ASSERT_TRUE(f.send());
  ASSERT_TRUE(f.stream.resetAt(7, 3));
  f.stream.onResetWritten();
  f.stream.restart(100, false);
  ASSERT_TRUE(f.stream.isResetDue());
  EXPECT_EQ(f.stream.resetFrame(Fixture::kId).finalSize, 0u);
  EXPECT_EQ(f.stream.resetFrame(Fixture::kId).reliableSize, 0u);
  EXPECT_EQ(f.stream.resetFrame(Fixture::kId).errorCode, 7u);
}

}  // namespace
}  // namespace quic
