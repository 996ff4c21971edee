#include "quic/tls/CryptoInbox.h"

#include <gtest/gtest.h>

#include "cpp/tls/TlsFixture.h"

namespace quic {
namespace {

using namespace test;

TEST(HandshakeMessageScanner, FindsTypesAtBoundariesOnlyHoweverTheFlowIsCut) {
  ByteVector flow = messageOf(4, ByteVector(20, 13));
  const ByteVector empty = messageOf(5, {});
  flow.insert(flow.end(), empty.begin(), empty.end());
  const size_t boundary = flow.size();
  const ByteVector wanted = messageOf(13, {1, 2});
  flow.insert(flow.end(), wanted.begin(), wanted.end());
  for (size_t fragment = 1; fragment <= flow.size(); ++fragment) {
    HandshakeMessageScanner scanner;
    for (size_t at = 0; at < flow.size(); at += fragment) {
      const ByteSpan piece = ByteSpan(flow).subspan(at, std::min(fragment, flow.size() - at));
      EXPECT_EQ(scanner.sees(13, piece), at <= boundary && boundary < at + piece.size());
    }
  }
}

TEST(CryptoInbox, NeverMovesWhatItHasLent) {
  CryptoInbox inbox;
  inbox.append(ByteVector{1, 2, 3});
  const ByteSpan lent = inbox.borrow();
  for (int i = 0; i < 1000; ++i) inbox.append(ByteVector{4, 5, 6, 7});
  EXPECT_EQ(inbox.borrow().data(), lent.data());
  EXPECT_EQ(lent.size(), 3u);
  EXPECT_EQ(inbox.size(), 4003u);
  EXPECT_FALSE(inbox.release(4));
  EXPECT_TRUE(inbox.release(1));
  EXPECT_EQ(inbox.borrow().front(), 2);
  EXPECT_TRUE(inbox.release(2));
  EXPECT_EQ(inbox.borrow().size(), 4000u);
}

}  // namespace
}  // namespace quic
