#include "quic/flowcontrol/ReceiveWindow.h"

#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"

namespace quic {
namespace {

/// Receives and reads half the window, and writes the update that is due then.
void readHalf(ReceiveWindow& window, const FlowClock& clock) {
  const uint64_t half = window.window() / 2;
  window.onReceived(window.received() + half);
  window.onRead(half);
  ASSERT_TRUE(window.isUpdateDue());
  window.tune(clock);
  window.onAnnounced();
}

TEST(ReceiveWindow, BeginsAtTheSmallerOfInitialAndMost) {
  EXPECT_EQ(ReceiveWindow(1000, 5000).limit(), 1000u);
  EXPECT_EQ(ReceiveWindow(5000, 1000).limit(), 1000u);
  EXPECT_EQ(ReceiveWindow(0, 0).limit(), 0u);
}

TEST(ReceiveWindow, DoublesWhileItIsReadWithinTwoRoundTripsUpToTheMost) {
  ReceiveWindow window(1000, 5000);
  TimePoint now{1h};
  std::vector<uint64_t> sizes;
  for (int i = 0; i < 6; ++i) {
    readHalf(window, {now, 100ms});
    sizes.push_back(window.window());
    now += 199ms;
  }
  EXPECT_EQ(sizes, (std::vector<uint64_t>{1000, 2000, 4000, 5000, 5000, 5000}))
      << "the first update only starts the clock";
}

TEST(ReceiveWindow, StaysForAReaderThatTakesItsTime) {
  ReceiveWindow window(1000, 100000);
  TimePoint now{1h};
  for (int i = 0; i < 20; ++i) {
    readHalf(window, {now, 100ms});
    now += 200ms;
  }
  EXPECT_EQ(window.window(), 1000u);
}

TEST(ReceiveWindow, TakesAnEventLoopForAShortPath) {
  ReceiveWindow window(1000, 100000);
  readHalf(window, {TimePoint{1h}, 20us});
  readHalf(window, {TimePoint{1h} + 2 * ReceiveWindow::kLeastRtt - 1us, 20us});
  EXPECT_EQ(window.window(), 2000u);
  readHalf(window, {TimePoint{1h} + 4 * ReceiveWindow::kLeastRtt, 20us});
  EXPECT_EQ(window.window(), 2000u);
}

TEST(ReceiveWindow, StaysBeforeTheRoundTripIsKnown) {
  ReceiveWindow window(1000, 100000);
  for (int i = 0; i < 20; ++i) readHalf(window, {TimePoint{1h}, Duration{0}});
  EXPECT_EQ(window.window(), 1000u);
}

TEST(ReceiveWindow, WhatIsDroppedComesBackAndMakesNothingLarger) {
  ReceiveWindow window(1000, 100000);
  for (int i = 0; i < 20; ++i) {
    window.onReceived(window.received() + 500);
    window.onDropped(500);
    ASSERT_TRUE(window.isUpdateDue());
    window.tune({TimePoint{1h}, 100ms});
    window.onAnnounced();
  }
  EXPECT_EQ(window.window(), 1000u);
  EXPECT_EQ(window.limit(), 11000u);
}

TEST(ReceiveWindow, ALostUpdateIsNoSignOfAQuickReader) {
  ReceiveWindow window(1000, 100000);
  readHalf(window, {TimePoint{1h}, 100ms});
  for (int i = 0; i < 20; ++i) {
    window.onUpdateLost(window.limit());
    ASSERT_TRUE(window.isUpdateDue());
    window.tune({TimePoint{1h} + 1ms, 100ms});
    window.onAnnounced();
  }
  EXPECT_EQ(window.window(), 1000u);
}

// covers RFC 9000 §4.1: a limit never goes down
TEST(ReceiveWindow, NeverGrantsMoreThanTheMostAndNeverTakesBack) {
  test::Seeded random(31);
  for (int run = 0; run < 200; ++run) {
    const uint64_t most = 1 + test::below(random, 5000);
    ReceiveWindow window(1 + test::below(random, 1000), most);
    TimePoint now{1h};
    uint64_t before = window.limit();
    for (int step = 0; step < 300; ++step) {
      now += Duration(static_cast<int64_t>(test::below(random, 300000)));
      window.onReceived(window.received() + test::below(random, window.limit() - window.received() + 1));
      const uint64_t unread = window.received() - window.consumed();
      if (step % 3 == 0) {
        window.onDropped(test::below(random, unread + 1));
      } else {
        window.onRead(test::below(random, unread + 1));
      }
      if (test::below(random, 10) == 0) window.growTo(test::below(random, 10000));
      if (test::below(random, 10) == 0) window.onUpdateLost(window.limit());
      if (window.isUpdateDue()) {
        window.tune({now, 100ms});
        window.onAnnounced();
      }
      ASSERT_GE(window.limit(), before);
      ASSERT_LE(window.limit(), window.consumed() + std::max(most, window.window()));
      ASSERT_LE(window.window(), most);
      ASSERT_LE(window.received(), window.limit());
      before = window.limit();
    }
  }
}

}  // namespace
}  // namespace quic
