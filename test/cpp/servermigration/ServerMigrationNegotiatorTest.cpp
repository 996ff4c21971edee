#include "quic/servermigration/ServerMigrationNegotiator.h"

#include <gtest/gtest.h>

namespace quic {
namespace {

using enum ServerMigrationProtocol;
using Protocols = ServerMigrationProtocols;

bool isParameterError(const QuicError& error) {
  return error.code == QuicErrorCode{TransportErrorCode::TRANSPORT_PARAMETER_ERROR};
}

TEST(ServerMigrationNegotiator, AnswersNothingWithoutSupportOrWithoutAnOffer) {
  // covers SM-01
  for (const std::optional<uint64_t> offered : {std::optional<uint64_t>{}, std::optional<uint64_t>{3}}) {
    const auto answer = answerServerMigrationOffer(offered, Protocols{});
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->has_value());
  }
  const auto silent = answerServerMigrationOffer(std::nullopt, Protocols{EXPLICIT});
  ASSERT_TRUE(silent);
  EXPECT_FALSE(silent->has_value());
}

TEST(ServerMigrationNegotiator, AnswersTheIntersectionEvenWhenItIsEmpty) {
  // covers SM-02
  for (uint64_t offered = 1; offered < 64; ++offered) {  // 16 and 32 are protocols of the future
    for (uint64_t supported = 1; supported < 16; ++supported) {
      const auto answer = answerServerMigrationOffer(offered, Protocols(supported));
      ASSERT_TRUE(answer && answer->has_value()) << offered;
      EXPECT_EQ((**answer).bits(), offered & supported);
    }
  }
}

TEST(ServerMigrationNegotiator, RefusesAnOfferOfNothing) {
  // covers SM-02
  const auto answer = answerServerMigrationOffer(0, Protocols{EXPLICIT});
  ASSERT_FALSE(answer);
  EXPECT_TRUE(isParameterError(answer.error()));
}

TEST(ServerMigrationNegotiator, IgnoresEvenABadOfferWhenSupportIsOff) {
  // covers SM-01
  const auto answer = answerServerMigrationOffer(0, Protocols{});
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->has_value());
}

TEST(ServerMigrationNegotiator, TakesAnAnswerThatIsPartOfTheOffer) {
  // covers SM-03
  for (uint64_t offered = 1; offered < 16; ++offered) {
    for (uint64_t answered = 0; answered < 32; ++answered) {
      const auto checked = checkServerMigrationAnswer(answered, Protocols(offered));
      ASSERT_EQ(checked.hasValue(), (answered & ~offered) == 0) << answered << " of " << offered;
      if (checked) {
        EXPECT_EQ(checked->bits(), answered);
      } else {
        EXPECT_TRUE(isParameterError(checked.error()));
      }
    }
  }
}

TEST(ServerMigrationNegotiator, TreatsSilenceAsNothingInCommon) {
  for (const Protocols offered : {Protocols{}, Protocols{EXPLICIT}}) {
    const auto checked = checkServerMigrationAnswer(std::nullopt, offered);
    ASSERT_TRUE(checked);
    EXPECT_TRUE(checked->empty());
  }
}

TEST(ServerMigrationNegotiator, RefusesAnUnsolicitedAnswerEvenAnEmptyOne) {
  // covers SM-03
  for (const uint64_t answered : {0u, 1u, 15u}) {
    const auto checked = checkServerMigrationAnswer(answered, Protocols{});
    ASSERT_FALSE(checked);
    EXPECT_TRUE(isParameterError(checked.error()));
  }
}

}  // namespace
}  // namespace quic
