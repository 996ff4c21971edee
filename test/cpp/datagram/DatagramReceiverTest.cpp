#include "quic/datagram/DatagramReceiver.h"

#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"
#include "quic/QuicConstants.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {
namespace {

/// A frame as it comes off the wire.
Result<> give(DatagramReceiver& receiver, std::string_view hex) {
  const ByteVector bytes = test::fromHex(hex);
  ByteReader reader(bytes);
  const Result<QuicFrame> frame = parseFrame(reader);
  EXPECT_TRUE(frame.hasValue());
  return receiver.onFrame(*std::get_if<DatagramFrame>(&*frame));
}

std::string take(DatagramReceiver& receiver) {
  std::string text;
  while (const auto event = receiver.pollEvent())
    text += "[" + test::toHex(std::get_if<DatagramReceived>(&*event)->bytes) + "]";
  return text;
}

DatagramSettings taking(uint64_t maxFrameSize) {
  DatagramSettings settings;
  settings.maxFrameSize = maxFrameSize;
  return settings;
}

struct LimitCase {
  const char* what;
  uint64_t maxFrameSize;
  const char* frame;
  bool isTaken;
};

// covers RFC 9221 §3; F58, F59, CF26
TEST(DatagramReceiver, RefusesWhatWasNotOfferedAndWhatIsLargerThanOffered) {
  const LimitCase rows[] = {
      {"nothing offered", 0, "30", false},
      {"nothing offered, LEN", 0, "31 00", false},
      {"exactly", 5, "31 03 aabbcc", true},
      {"the length counts", 4, "31 03 aabbcc", false},
      {"to the end of the packet, exactly", 4, "30 aabbcc", true},
      {"to the end of the packet, larger", 3, "30 aabbcc", false},
      {"a length longer than needed counts as it is", 5, "31 4003 aabbcc", false},
      {"a length longer than needed, exactly", 6, "31 4003 aabbcc", true},
      {"an empty one", 1, "30", true},
  };
  for (const LimitCase& row : rows) {
    DatagramReceiver receiver(taking(row.maxFrameSize));
    const Result<> result = give(receiver, row.frame);
    ASSERT_EQ(result.hasValue(), row.isTaken) << row.what;
    if (!result) {
      EXPECT_EQ(result.error().code, QuicErrorCode(TransportErrorCode::PROTOCOL_VIOLATION)) << row.what;
    }
  }
}

TEST(DatagramReceiver, GivesThemInTheOrderInWhichTheyCame) {
  DatagramReceiver receiver(taking(65535));
  ASSERT_TRUE(give(receiver, "31 02 aabb"));
  ASSERT_TRUE(give(receiver, "31 00"));
  ASSERT_TRUE(give(receiver, "30 cc"));
  EXPECT_EQ(take(receiver), "[aabb][][cc]");
  EXPECT_EQ(receiver.queuedBytes(), 0u);
}

// covers RFC 9221 §5.3
TEST(DatagramReceiver, DropsTheOldestWhenNobodyTakesThem) {
  DatagramSettings settings = taking(65535);
  settings.receiveQueueSize = 2 * (kDatagramOverhead + 1);
  DatagramReceiver receiver(settings);
  for (const char* frame : {"30 01", "30 02", "30 03", "30 04"}) ASSERT_TRUE(give(receiver, frame));
  EXPECT_LE(receiver.queuedBytes(), settings.receiveQueueSize);
  EXPECT_EQ(receiver.dropped(), 2u);
  EXPECT_EQ(take(receiver), "[03][04]");
}

TEST(DatagramReceiver, EmptyOnesAreBoundedToo) {
  DatagramReceiver receiver(taking(65535));
  for (int i = 0; i < 100000; ++i) ASSERT_TRUE(receiver.onFrame(DatagramFrame{{}, 2}));
  EXPECT_LE(receiver.queuedBytes(), DatagramSettings{}.receiveQueueSize);
  EXPECT_GE(receiver.dropped(), 100000 - DatagramSettings{}.receiveQueueSize / kDatagramOverhead);
}

}  // namespace
}  // namespace quic
