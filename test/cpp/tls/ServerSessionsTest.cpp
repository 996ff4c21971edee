#include "quic/tls/ServerSessions.h"

#include <gtest/gtest.h>

#include "cpp/tls/DeterministicTime.h"
#include "quic/QuicConstants.h"

namespace quic {
namespace {

TEST(TicketNotes, ComeBackAsTheyLeft) {
  TicketNotes notes;
  notes.authenticatedAt = SessionTime(1'800'000'000);
  notes.earlyDataContext.fill(7);
  notes.quicVersion = kQuicVersion2;
  notes.serverName = "server.test";
  const auto back = TicketNotes::decode(notes.encode());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->authenticatedAt, notes.authenticatedAt);
  EXPECT_EQ(back->earlyDataContext, notes.earlyDataContext);
  EXPECT_EQ(back->quicVersion, kQuicVersion2);
  EXPECT_EQ(back->serverName, notes.serverName);
}

TEST(TicketNotes, AreRefusedWhenShortOrOfAnotherVersion) {
  const ByteVector bytes = TicketNotes().encode();
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(TicketNotes::decode(ByteSpan(bytes).first(size)));
  ByteVector other(bytes);
  other[0] = 1;
  EXPECT_TRUE(TicketNotes::decode(bytes));
  EXPECT_FALSE(TicketNotes::decode(other));
}

TEST(SessionClock, IsTheOneThatOpenSslUses) {
  test::DeterministicTime time(std::chrono::seconds(1'234'567));
  EXPECT_EQ(sessionClockNow(), SessionTime(1'234'567));
  time.advance(std::chrono::seconds(3));
  EXPECT_EQ(sessionClockNow(), SessionTime(1'234'570));
}

}  // namespace
}  // namespace quic
