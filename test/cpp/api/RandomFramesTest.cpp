// T-25 of the project's security cases: any frame in a correctly protected packet of any space, at any stage of a handshake, at
// either end. Frames are well formed and their contents arbitrary; what must not stand there is a PROTOCOL_VIOLATION, and
// nothing makes an end crash, spin or go on sending.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"
#include "cpp/codec/FrameSamples.h"
#include "quic/codec/FrameTraits.h"

namespace quic::test {
namespace {

enum class Stage : uint8_t { Begun, HandshakeLevel, Connected };

struct Packet {
  EncryptionLevel level = EncryptionLevel::Initial;
  ByteVector frames;
  bool startsForbidden = false;
};

bool mayStand(const QuicFrame& frame, EncryptionLevel level, Role sender) {
  const FrameTraits traits = frameTraits(frame);
  return isAllowedIn(traits, level) && (sender == Role::Client ? traits.fromClient : traits.fromServer);
}

Packet randomPacket(FrameSamples& samples, Role sender) {
  static constexpr EncryptionLevel kAll[] = {EncryptionLevel::Initial, EncryptionLevel::ZeroRtt,
                                             EncryptionLevel::Handshake, EncryptionLevel::OneRtt};
  Packet packet;
  packet.level = kAll[below(samples.random(), 4)];
  ByteVector room(4000);
  ByteWriter writer(room);
  const size_t count = 1 + below(samples.random(), 4);
  for (size_t i = 0; i < count; ++i) {
    const QuicFrame frame = samples.make(below(samples.random(), std::variant_size_v<QuicFrame>));
    if (writer.offset() == 0) packet.startsForbidden = !mayStand(frame, packet.level, sender);
    if (writer.offset() < 800) writeAny(writer, frame);
  }
  room.resize(writer.offset());
  packet.frames = room;
  return packet;
}

void reach(MisbehavingPeer& peer, Stage stage) {
  if (stage == Stage::Begun) peer.begin();
  if (stage == Stage::HandshakeLevel) peer.reachHandshakeLevel();
  if (stage == Stage::Connected) peer.connect();
}

/// Whether the end has read a packet of the level when it came.
bool isReadable(Role end, Stage stage, EncryptionLevel level) {
  if (level == EncryptionLevel::ZeroRtt) return end == Role::Server;
  if (level == EncryptionLevel::OneRtt) return stage == Stage::Connected;
  if (level == EncryptionLevel::Handshake) {
    return end == Role::Server ? stage != Stage::Connected : stage == Stage::HandshakeLevel;
  }
  return end == Role::Server ? stage != Stage::Connected : stage == Stage::Begun;
}

class RandomFrames : public ::testing::TestWithParam<Role> {};
INSTANTIATE_TEST_SUITE_P(BothRoles, RandomFrames, ::testing::Values(Role::Server, Role::Client),
                         [](const auto& info) { return info.param == Role::Server ? "Server" : "Client"; });

// T-25
TEST_P(RandomFrames, CloseTheConnectionOrDoNoHarm) {
  // covers RFC 9000 §12.4, §12.5
  size_t violations = 0;
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    PeerSettings settings = MisbehavingPeer::against(GetParam());
    settings.handshake.acceptsAnyTicket = true;
    settings.end.earlyData = seed % 4 < 2;
    if (GetParam() == Role::Server) settings.preSharedKey = fromHex("01 aa");
    MisbehavingPeer peer(settings);
    FrameSamples samples(seed);
    const Stage stage = static_cast<Stage>(below(samples.random(), 3));
    reach(peer, stage);
    ASSERT_FALSE(peer.end().isClosing());
    const Role sender = GetParam() == Role::Server ? Role::Client : Role::Server;
    const Packet first = randomPacket(samples, sender);
    peer.send(first.level, first.frames);
    if (first.startsForbidden && isReadable(GetParam(), stage, first.level)) {
      ++violations;
      ASSERT_EQ(nameOfCode(peer.closeCode()), nameOfCode(static_cast<uint64_t>(TransportErrorCode::PROTOCOL_VIOLATION)))
          << "seed " << seed;
    }
    for (int i = 0; i < 3; ++i) {
      const Packet packet = randomPacket(samples, sender);
      peer.send(packet.level, packet.frames);
    }
    peer.keepsHeard = false;
    peer.advance(3s);
    ASSERT_FALSE(::testing::Test::HasFatalFailure() || ::testing::Test::HasNonfatalFailure()) << "seed " << seed;
    ASSERT_LT(peer.datagramsHeard, 500u) << "seed " << seed;
  }
  EXPECT_GT(violations, 100u);
}

}  // namespace
}  // namespace quic::test
