#include "quic/handshake/Resumption.h"

#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"

namespace quic::test {
namespace {

TransportParameters serverParameters() {
  TransportParameters parameters;
  parameters.originalDestinationConnectionId = ConnectionId(fromHex("01020304"));
  parameters.initialSourceConnectionId = ConnectionId(fromHex("05060708"));
  parameters.statelessResetToken = StatelessResetToken{1, 2, 3};
  parameters.maxIdleTimeout = 30000;
  parameters.initialMaxData = 1000;
  parameters.initialMaxStreamDataBidiLocal = 100;
  parameters.initialMaxStreamDataBidiRemote = 200;
  parameters.initialMaxStreamDataUni = 300;
  parameters.initialMaxStreamsBidi = 4;
  parameters.initialMaxStreamsUni = 5;
  parameters.ackDelayExponent = 10;
  parameters.maxAckDelay = 77;
  parameters.disableActiveMigration = true;
  parameters.activeConnectionIdLimit = 6;
  parameters.maxDatagramFrameSize = 1200;
  parameters.resetStreamAt = true;
  parameters.greaseQuicBit = true;
  parameters.serverMigrationSuite = 1;
  return parameters;
}

Resumption sample() { return {kQuicVersion1, "h3", rememberedParameters(serverParameters()), fromHex("00ff112233")}; }

TEST(Resumption, ComesBackAsItWas) {
  const ByteVector bytes = encodeResumption(sample());
  const auto decoded = decodeResumption(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, sample());
}

TEST(Resumption, RemembersOnlyWhatALaterConnectionMayUse) {
  // covers RFC 9000 §7.4.1
  const TransportParameters all = serverParameters();
  const TransportParameters remembered = rememberedParameters(all);
  EXPECT_FALSE(remembered.originalDestinationConnectionId || remembered.initialSourceConnectionId ||
               remembered.retrySourceConnectionId || remembered.statelessResetToken || remembered.preferredAddress);
  EXPECT_EQ(remembered.ackDelayExponent, kDefaultAckDelayExponent);
  EXPECT_EQ(remembered.maxAckDelay, 25u);
  EXPECT_FALSE(remembered.serverMigrationSuite);
  EXPECT_FALSE(remembered.greaseQuicBit);
  EXPECT_TRUE(remembered.resetStreamAt);
  EXPECT_EQ(remembered.initialMaxData, all.initialMaxData);
  EXPECT_EQ(remembered.initialMaxStreamDataBidiLocal, all.initialMaxStreamDataBidiLocal);
  EXPECT_EQ(remembered.initialMaxStreamDataBidiRemote, all.initialMaxStreamDataBidiRemote);
  EXPECT_EQ(remembered.initialMaxStreamDataUni, all.initialMaxStreamDataUni);
  EXPECT_EQ(remembered.initialMaxStreamsBidi, all.initialMaxStreamsBidi);
  EXPECT_EQ(remembered.initialMaxStreamsUni, all.initialMaxStreamsUni);
  EXPECT_EQ(remembered.activeConnectionIdLimit, all.activeConnectionIdLimit);
  EXPECT_EQ(remembered.maxIdleTimeout, all.maxIdleTimeout);
  EXPECT_EQ(remembered.disableActiveMigration, all.disableActiveMigration);
  EXPECT_EQ(remembered.maxDatagramFrameSize, all.maxDatagramFrameSize);
}

TEST(Resumption, WhatWasCutOrAddedToIsNone) {
  const ByteVector bytes = encodeResumption(sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decodeResumption(ByteSpan(bytes).first(size))) << size;
  }
  ByteVector longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decodeResumption(longer));
}

TEST(Resumption, OfAnotherFormatIsNone) {
  ByteVector bytes = encodeResumption(sample());
  bytes[0] ^= 3;
  EXPECT_FALSE(decodeResumption(bytes));
}

TEST(Resumption, WithoutASessionOrWithParametersThatNoServerSendsIsNone) {
  Resumption empty = sample();
  empty.session.clear();
  EXPECT_FALSE(decodeResumption(encodeResumption(empty)));
  Resumption bad = sample();
  bad.remembered.initialMaxStreamsBidi = (uint64_t{1} << 60) + 1;
  EXPECT_FALSE(decodeResumption(encodeResumption(bad)));
}

TEST(Resumption, DamagedBytesAreNoneOrAnotherOneButNeverMore) {
  const ByteVector bytes = encodeResumption(sample());
  Seeded random(7);
  for (int round = 0; round < 20000; ++round) {
    ByteVector damaged = bytes;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<uint8_t>(random());
    const auto decoded = decodeResumption(damaged);
    if (!decoded) continue;
    EXPECT_LE(decoded->session.size(), damaged.size());
    EXPECT_FALSE(decoded->remembered.statelessResetToken || decoded->remembered.preferredAddress);
  }
}

TEST(Resumption, LongerThanItsLimitIsNotMade) {
  Resumption large = sample();
  large.session.resize(kMaxResumptionSize);
  EXPECT_TRUE(encodeResumption(large).empty());
  EXPECT_FALSE(decodeResumption(ByteVector(kMaxResumptionSize + 1, 1)));
}

TEST(Resumption, EveryLimitThatCountsMustBeKept) {
  // covers RFC 9000 §7.4.1, RFC 9221 §3
  const TransportParameters remembered = rememberedParameters(serverParameters());
  EXPECT_TRUE(keepsRemembered(remembered, remembered));
  const auto lower = [&](auto&& change) {
    TransportParameters fresh = remembered;
    change(fresh);
    return !keepsRemembered(fresh, remembered);
  };
  EXPECT_TRUE(lower([](TransportParameters& p) { --p.activeConnectionIdLimit; }));
  EXPECT_TRUE(lower([](TransportParameters& p) { --p.initialMaxData; }));
  EXPECT_TRUE(lower([](TransportParameters& p) { --p.initialMaxStreamDataBidiLocal; }));
  EXPECT_TRUE(lower([](TransportParameters& p) { --p.initialMaxStreamDataBidiRemote; }));
  EXPECT_TRUE(lower([](TransportParameters& p) { --p.initialMaxStreamDataUni; }));
  EXPECT_TRUE(lower([](TransportParameters& p) { --p.initialMaxStreamsBidi; }));
  EXPECT_TRUE(lower([](TransportParameters& p) { --p.initialMaxStreamsUni; }));
  EXPECT_TRUE(lower([](TransportParameters& p) { p.maxDatagramFrameSize.reset(); }));
  EXPECT_TRUE(lower([](TransportParameters& p) { p.resetStreamAt = false; }));
  EXPECT_FALSE(lower([](TransportParameters& p) { ++p.initialMaxData; }));
  EXPECT_FALSE(lower([](TransportParameters& p) { p.maxIdleTimeout = 1; }));
  EXPECT_FALSE(lower([](TransportParameters& p) { p.maxAckDelay = 1; }));
}

TEST(Resumption, ATicketIsTiedToLimitsAndToTheApplicationsWord) {
  // covers RFC 9001 §4.6.3
  const TransportParameters ours = serverParameters();
  const ByteVector context = earlyDataContext(ours, fromHex("aa"));
  EXPECT_EQ(context, earlyDataContext(ours, fromHex("aa")));
  EXPECT_NE(context, earlyDataContext(ours, fromHex("ab")));
  TransportParameters other = ours;
  other.initialMaxStreamDataUni += 1;
  EXPECT_NE(context, earlyDataContext(other, fromHex("aa")));
  other = ours;
  other.statelessResetToken = StatelessResetToken{9};
  other.initialSourceConnectionId.reset();
  other.maxAckDelay = 1;
  EXPECT_EQ(context, earlyDataContext(other, fromHex("aa"))) << "what belongs to one connection does not count";
}

}  // namespace
}  // namespace quic::test
