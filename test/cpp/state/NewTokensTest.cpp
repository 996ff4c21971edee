// NEW_TOKEN frames: one token at a time from a server, copies and floods at a client.
#include "quic/state/NewTokens.h"

#include <gtest/gtest.h>

namespace quic::test {
namespace {

const SocketAddress kPeer = SocketAddress::v4({192, 0, 2, 7}, 5000);

// covers RFC 9000 §13.3
TEST(NewTokenSender, SaysATokenAgainWhenItWasLost) {
  NewTokenSender sender;
  EXPECT_FALSE(sender.hasToSend());
  sender.offer({1, 2, 3}, kPeer);
  ASSERT_TRUE(sender.hasToSend());
  const SentNewToken sent = sender.onWritten();
  EXPECT_FALSE(sender.hasToSend());
  sender.onLost(sent);
  ASSERT_TRUE(sender.hasToSend());
  EXPECT_EQ(sender.frame().token.size(), 3u);
}

TEST(NewTokenSender, ALaterTokenTakesThePlaceOfTheOneBefore) {
  NewTokenSender sender;
  sender.offer({1}, kPeer);
  const SentNewToken first = sender.onWritten();
  sender.offer({2}, kPeer);
  const SentNewToken second = sender.onWritten();
  sender.onLost(first);
  EXPECT_FALSE(sender.hasToSend());
  sender.onLost(second);
  ASSERT_TRUE(sender.hasToSend());
  EXPECT_EQ(sender.frame().token[0], 2);
}

TEST(NewTokenSender, WantsATokenForEveryHostThatItsClientMovesTo) {
  NewTokenSender sender;
  EXPECT_TRUE(sender.wantsTokenFor(kPeer));
  sender.offer({1}, kPeer);
  EXPECT_FALSE(sender.wantsTokenFor(kPeer));
  EXPECT_FALSE(sender.wantsTokenFor(kPeer.withPort(1)));
  EXPECT_TRUE(sender.wantsTokenFor(SocketAddress::v4({192, 0, 2, 8}, 5000)));
}

// covers RFC 9000 §19.7
TEST(NewTokenReceiver, DiscardsCopies) {
  NewTokenReceiver receiver;
  const ByteVector a = {1, 2, 3};
  const ByteVector b = {1, 2, 4};
  EXPECT_TRUE(receiver.onFrame({a}));
  EXPECT_FALSE(receiver.onFrame({a}));
  EXPECT_TRUE(receiver.onFrame({b}));
  EXPECT_FALSE(receiver.onFrame({a}));
}

TEST(NewTokenReceiver, AFloodOfTokensIsBoundedInNumberAndSize) {
  NewTokenReceiver receiver;
  EXPECT_FALSE(receiver.onFrame({ByteVector(kMaxAddressTokenSize + 1)}));
  size_t taken = 0;
  for (uint8_t i = 0; i < 200; ++i) {
    const ByteVector token(kMaxAddressTokenSize, i);
    taken += receiver.onFrame({token}) ? 1 : 0;
  }
  EXPECT_EQ(taken, kMaxAddressTokens);
}

}  // namespace
}  // namespace quic::test
