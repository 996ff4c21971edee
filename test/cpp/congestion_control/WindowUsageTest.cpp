#include "quic/congestion_control/WindowUsage.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

TimePoint at(int64_t milliseconds) { return TimePoint{std::chrono::milliseconds{milliseconds}}; }

/// A window of ten datagrams of 1000 bytes.
class Window {
 public:
  void send(TimePoint now, int packets = 1) {
    for (int i = 0; i < packets; ++i) {
      inFlight += 1000;
      usage.onPacketSent(now, 1000, {inFlight, 10'000, 1000});
    }
  }
  WindowUsage usage;
  uint64_t inFlight = 0;
};

TEST(WindowUsage, IsNotFullWhileTheApplicationSendsLess) {  // covers RFC 9002 §7.8
  Window window;
  for (int round = 0; round < 20; ++round) {
    window.send(at(100 * round), 9);
    window.usage.onOutOfData();
    window.inFlight = 0;
    EXPECT_FALSE(window.usage.wasFullSince(at(100 * round))) << round;
  }
}

TEST(WindowUsage, IsFullWhenNotOneDatagramMoreFits) {
  Window window;
  window.send(at(0), 10);
  EXPECT_TRUE(window.usage.wasFullSince(at(0)));
  EXPECT_FALSE(window.usage.wasFullSince(at(1))) << "what is sent later says nothing yet";
}

TEST(WindowUsage, CountsWhatThePacerHoldsBackAsSent) {  // covers RFC 9002 §7.8
  Window paced;
  for (int i = 0; i < 10; ++i) {
    paced.send(at(10 * i));
    paced.inFlight = std::min<uint64_t>(paced.inFlight, 4000);  // acknowledged meanwhile
  }
  EXPECT_TRUE(paced.usage.wasFullSince(at(0))) << "without pacing all ten would have left at once";
  Window slow;
  for (int i = 0; i < 10; ++i) {
    slow.send(at(10 * i));
    slow.usage.onOutOfData();
    slow.inFlight = std::min<uint64_t>(slow.inFlight, 4000);
  }
  EXPECT_FALSE(slow.usage.wasFullSince(at(0))) << "the application had no more";
}

}  // namespace
}  // namespace quic
