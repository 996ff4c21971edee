#include "quic/codec/FrameTraits.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace quic {
namespace {

struct TraitsCase {
  QuicFrame frame;
  uint64_t type;
  const char* packets;  // RFC 9000 Table 3, column Pkts
  const char* marks;    // column Spec, without F
  const char* senders;  // C client, S server
};

std::string packetsOf(const FrameTraits& traits) {
  std::string text;
  text += isAllowedIn(traits, EncryptionLevel::Initial) ? 'I' : '_';
  text += isAllowedIn(traits, EncryptionLevel::Handshake) ? 'H' : '_';
  text += isAllowedIn(traits, EncryptionLevel::ZeroRtt) ? '0' : '_';
  text += isAllowedIn(traits, EncryptionLevel::OneRtt) ? '1' : '_';
  return text;
}

std::string marksOf(const FrameTraits& traits) {
  std::string text;
  if (!traits.ackEliciting) text += 'N';
  if (!traits.congestionControlled) text += 'C';
  if (traits.probing) text += 'P';
  return text;
}

std::string sendersOf(const FrameTraits& traits) {
  return std::string(traits.fromClient ? "C" : "") + (traits.fromServer ? "S" : "");
}

AckFrame ackWithEcn() {
  AckFrame frame;
  frame.ecn = EcnCounts{};
  return frame;
}

const TraitsCase kTable[] = {
    {PaddingFrame{}, 0x00, "IH01", "NP", "CS"},
    {PingFrame{}, 0x01, "IH01", "", "CS"},
    {AckFrame{}, 0x02, "IH_1", "NC", "CS"},
    {ackWithEcn(), 0x03, "IH_1", "NC", "CS"},
    {ResetStreamFrame{}, 0x04, "__01", "", "CS"},
    {StopSendingFrame{}, 0x05, "__01", "", "CS"},
    {CryptoFrame{}, 0x06, "IH_1", "", "CS"},
    {NewTokenFrame{}, 0x07, "___1", "", "S"},
    {StreamFrame{}, 0x08, "__01", "", "CS"},
    {StreamFrame{{4}, 9, {}, true}, 0x08, "__01", "", "CS"},
    {MaxDataFrame{}, 0x10, "__01", "", "CS"},
    {MaxStreamDataFrame{}, 0x11, "__01", "", "CS"},
    {MaxStreamsFrame{0, false}, 0x12, "__01", "", "CS"},
    {MaxStreamsFrame{0, true}, 0x13, "__01", "", "CS"},
    {DataBlockedFrame{}, 0x14, "__01", "", "CS"},
    {StreamDataBlockedFrame{}, 0x15, "__01", "", "CS"},
    {StreamsBlockedFrame{0, false}, 0x16, "__01", "", "CS"},
    {StreamsBlockedFrame{0, true}, 0x17, "__01", "", "CS"},
    {NewConnectionIdFrame{}, 0x18, "__01", "P", "CS"},
    {RetireConnectionIdFrame{}, 0x19, "__01", "", "CS"},
    {PathChallengeFrame{}, 0x1a, "__01", "P", "CS"},
    {PathResponseFrame{}, 0x1b, "___1", "P", "CS"},
    {ConnectionCloseFrame{false, 0, 0, {}}, 0x1c, "IH01", "N", "CS"},
    {ConnectionCloseFrame{true, 0, 0, {}}, 0x1d, "__01", "N", "CS"},
    {HandshakeDoneFrame{}, 0x1e, "___1", "", "S"},
    {DatagramFrame{}, 0x30, "__01", "", "CS"},
    {ResetStreamAtFrame{}, 0x24, "__01", "", "CS"},
    {ServerMigrationFrame{}, 0x32, "___1", "", "S"},
    {ServerMigratedFrame{}, 0x33, "___1", "", "S"},
    {PoolMigrationAddressFrame{}, 0x34, "___1", "", "S"},
    {AckFrequencyFrame{}, 0xaf, "___1", "", "CS"},
    {ImmediateAckFrame{}, 0x1f, "___1", "", "CS"},
};

// covers RFC 9000 §12.4
TEST(FrameTraits, IsTheTableOfTheRfc) {
  std::set<size_t> kinds;
  for (const TraitsCase& row : kTable) {
    const FrameTraits traits = frameTraits(row.frame);
    EXPECT_EQ(static_cast<uint64_t>(frameTypeOf(row.frame)), row.type);
    EXPECT_EQ(packetsOf(traits), row.packets) << row.type;
    EXPECT_EQ(marksOf(traits), row.marks) << row.type;
    EXPECT_EQ(sendersOf(traits), row.senders) << row.type;
    kinds.insert(row.frame.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<QuicFrame>);
}

// covers RFC 9000 §12.4
TEST(FrameTraits, EveryFrameMayComeInAOneRttPacket) {
  for (const TraitsCase& row : kTable) EXPECT_TRUE(frameTraits(row.frame).oneRtt) << row.type;
}

}  // namespace
}  // namespace quic
