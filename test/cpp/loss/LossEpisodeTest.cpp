#include "quic/loss/LossEpisode.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

TimePoint at(int64_t microseconds) { return TimePoint{Duration{microseconds}}; }

TEST(LossEpisode, IsForNothingWhenEveryLossWas) {
  LossEpisode episode;
  episode.onLost(at(100), at(50), 2);
  EXPECT_EQ(episode.onLate(at(100)), std::nullopt);
  EXPECT_EQ(episode.onLate(at(100)), at(100));
  EXPECT_EQ(episode.onLate(at(100)), std::nullopt) << "it is over";
}

// covers RFC 9002 §7.3.2
TEST(LossEpisode, TakesInLaterLossesOfWhatWasSentBefore) {
  LossEpisode episode;
  episode.onLost(at(100), at(50), 1);
  episode.onLost(at(120), at(100), 1);
  EXPECT_EQ(episode.onLate(at(120)), std::nullopt);
  EXPECT_EQ(episode.onLate(at(100)), at(100)) << "the time of the reduction, not of the last loss";
}

TEST(LossEpisode, EndsWithTheLossOfAPacketSentLater) {
  LossEpisode episode;
  episode.onLost(at(100), at(50), 1);
  episode.onLost(at(200), at(101), 2);
  EXPECT_EQ(episode.onLate(at(100)), std::nullopt) << "too late for the first one";
  EXPECT_EQ(episode.onLate(at(200)), std::nullopt);
  EXPECT_EQ(episode.onLate(at(200)), at(200));
}

TEST(LossEpisode, KnowsNothingOfLossesThatWereNotToldToIt) {
  LossEpisode episode;
  EXPECT_EQ(episode.onLate(at(10)), std::nullopt);
  episode.onLost(at(100), at(50), 1);
  EXPECT_EQ(episode.onLate(at(99)), std::nullopt);
  EXPECT_EQ(episode.onLate(at(100)), at(100));
}

}  // namespace
}  // namespace quic
