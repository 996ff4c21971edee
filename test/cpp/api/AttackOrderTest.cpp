// Anything in any order: verbs of the application, moves of either end, ends of the connection, frames and parameters of random
// bytes. What holds for all of it: an end stops sending, its timers come to an end, nothing is written where it should not be,
// and after the end there is silence. Seeded; MisbehavingPeer fails by itself when an end spins.
#include <gtest/gtest.h>

#include <set>

#include "cpp/api/PeerRows.h"

namespace quic::test {
namespace {

using enum TransportErrorCode;

class AnyOrder : public testing::TestWithParam<Role> {};
INSTANTIATE_TEST_SUITE_P(Ends, AnyOrder, testing::Values(Role::Client, Role::Server),
                         [](const auto& info) { return info.param == Role::Client ? "Client" : "Server"; });

void reach(MisbehavingPeer& peer, uint64_t stage) {
  if (stage == 0) peer.begin();
  if (stage == 1) peer.reachHandshakeLevel();
  if (stage >= 2) peer.connect();
}

// ---------------------------------------------------------------- frames
// T-27 (CVE-2023-42805). covers RFC 9000 §12.4
TEST_P(AnyOrder, EveryUnknownFrameClosesAndNothingElseHappens) {
  const std::set<uint64_t> extensions = {0x24, 0x30, 0x31, 0x32, 0x33, 0x34, 0xaf};
  Seeded random(11);
  std::vector<uint64_t> types;
  for (uint64_t type = 0x1f; type < 0x100; ++type) types.push_back(type);
  for (int i = 0; i < 100; ++i) types.push_back((uint64_t{1} << (8 + below(random, 54))) + below(random, 200));
  for (const uint64_t type : types) {
    if (extensions.contains(type)) continue;
    for (const EncryptionLevel level : {kI, kH, k1}) {
      if (level != k1 && below(random, 8) != 0) continue;
      MisbehavingPeer peer(MisbehavingPeer::against(GetParam()));
      reach(peer, level == kI ? 0 : level == kH ? 1 : 2);
      peer.send(level, FrameBytes().varint(type).raw(randomBytes(random, below(random, 30))));
      EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(FRAME_ENCODING_ERROR)) << std::hex << type;
    }
  }
}

// ---------------------------------------------------------------- transport parameters
/// Parameters with some bytes changed, cut, repeated or made up; now and then one of server migration (0x64).
ByteVector damaged(Seeded& random, const ByteVector& good) {
  ByteVector bytes = good;
  for (uint64_t changes = 1 + below(random, 4); changes > 0; --changes) {
    const size_t at = below(random, bytes.size() + 1);
    switch (below(random, 6)) {
      case 0:
        if (at < bytes.size()) bytes[at] ^= static_cast<uint8_t>(1u << below(random, 8));
        break;
      case 1: bytes.resize(at); break;
      case 2: {
        const ByteVector more = randomBytes(random, below(random, 40));
        bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), more.begin(), more.end());
        break;
      }
      case 3: {
        const ByteVector migration = FrameBytes().varint(0x64).varint(2).raw(randomBytes(random, 2)).bytes();
        bytes.insert(bytes.end(), migration.begin(), migration.end());
        break;
      }
      case 4: bytes.insert(bytes.end(), good.begin(), good.end()); break;
      default: {
        const ByteVector other =
            FrameBytes().varint(below(random, 0x30)).varint(below(random, 20)).raw(randomBytes(random, 20)).bytes();
        bytes.insert(bytes.end(), other.begin(), other.end());
        break;
      }
    }
  }
  return bytes;
}

// T-29 (CVE-2026-31812). covers RFC 9000 §7.4
TEST_P(AnyOrder, TransportParametersOfAnyBytesAreTakenOrRefusedAsSuch) {
  size_t refused = 0;
  // IDs are the same in every run, so that only what is damaged is wrong.
  MisbehavingPeer honest(MisbehavingPeer::against(GetParam()));
  honest.begin();
  const ByteVector good = honest.peerParameterBytes();
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    Seeded random(seed);
    PeerSettings settings = MisbehavingPeer::against(GetParam());
    settings.rawParameters = damaged(random, good);
    if (settings.rawParameters.empty()) continue;
    settings.end.clientMigration.protocols = ServerMigrationProtocols(ServerMigrationProtocols::kKnownBits);
    settings.end.serverMigration = ServerMigrationProtocols(ServerMigrationProtocols::kKnownBits);
    MisbehavingPeer peer(settings);
    peer.reachHandshakeLevel();
    if (GetParam() == Role::Client) peer.send(kH, peer.encryptedFrames());
    const auto code = peer.closeCode();
    refused += code ? 1 : 0;
    EXPECT_TRUE(!code || nameOfCode(code) == nameOf(TRANSPORT_PARAMETER_ERROR)) << seed << " " << nameOfCode(code);
    peer.advance(60s);
    EXPECT_TRUE(peer.end().isDrained()) << seed;
    EXPECT_LE(peer.wakes, 300u) << seed;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(refused, 200u);
  EXPECT_LT(refused, 590u);
}

// ---------------------------------------------------------------- verbs
void anyVerb(QuicTransportBase& end, Seeded& random, TimePoint now) {
  const StreamId id{below(random, 24)};
  ByteVector room(below(random, 3000));
  switch (below(random, 14)) {
    case 0: (void)end.openStream(below(random, 2) == 0); break;
    case 1:
    case 2:
      (void)end.writeStream(id, OwnedBytes::copyOf(ByteVector(below(random, 9000))), below(random, 3) == 0);
      break;
    case 3: (void)end.readStream(id, room); break;
    case 4: (void)end.resetStream(id, random()); break;
    case 5: (void)end.resetStreamAt(id, below(random, 100), below(random, 9000)); break;
    case 6: (void)end.stopSending(id, random()); break;
    case 7: (void)end.setStreamPriority(id, {static_cast<uint8_t>(below(random, 256)), below(random, 2) == 0}); break;
    case 8: (void)end.updateKeys(now); break;
    case 9: (void)end.sendDatagram(now, OwnedBytes::copyOf(ByteVector(below(random, 2000)))); break;
    case 10: end.onUnreachable(now, SocketAddress::v4({10, 0, 0, 1}, 4433)); break;
    case 11: end.onResumed(now, std::chrono::milliseconds(below(random, 5000))); break;
    case 12: (void)end.bufferedBytes(id); break;
    default:
      if (below(random, 25) == 0) end.close(now, ApplicationErrorCode{below(random, 99)}, "words");
  }
}

/// Whatever the peer of a working connection might say.
void anyFrames(MisbehavingPeer& peer, Seeded& random) {
  const std::string frames[] = {
      "01",          "0a 00 01 61", "0b 01 01 61", "0a 02 01 61",         "0b 03 00",
      "04 00 05 01", "05 00 05",    "05 01 05",    "10 80100000",         "11 00 80010000",
      "12 4400",     "13 4400",     "14 05",       "1a 0102030405060708", "1b 0102030405060708",
      "31 03 616263"};
  FrameBytes payload;
  for (uint64_t n = 1 + below(random, 3); n > 0; --n) payload.hex(frames[below(random, std::size(frames))]);
  peer.send(payload);
}

// T-32 (CVE-2023-38171)
TEST_P(AnyOrder, VerbsComeToAnEndWheneverTheyCome) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Seeded random(seed);
    PeerSettings settings = MisbehavingPeer::against(GetParam());
    settings.end.datagrams.maxFrameSize = 1500;
    settings.parameters.maxDatagramFrameSize = 1500;
    settings.parameters.resetStreamAt = true;
    settings.end.streams.resetStreamAt = true;
    MisbehavingPeer peer(settings);
    peer.poll();
    for (uint64_t early = below(random, 5); early > 0; --early) anyVerb(peer.end(), random, peer.now());
    if (!peer.end().isClosing()) reach(peer, below(random, 8));
    for (int i = 0; i < 60; ++i) {
      anyVerb(peer.end(), random, peer.now());
      if (below(random, 3) == 0) peer.poll();
      if (below(random, 4) == 0) anyFrames(peer, random);
      if (below(random, 4) == 0 && peer.hasHeard(k1)) peer.ackEverything(k1);
      if (below(random, 6) == 0) peer.advance(std::chrono::milliseconds(below(random, 2000)));
    }
    peer.end().close(peer.now(), ApplicationErrorCode{1}, "");
    peer.poll();
    peer.advance(200s);
    EXPECT_TRUE(peer.end().isDrained()) << seed;
    const uint64_t sent = peer.datagramsHeard;
    for (int i = 0; i < 20; ++i) anyVerb(peer.end(), random, peer.now());
    anyFrames(peer, random);
    EXPECT_EQ(peer.datagramsHeard, sent) << seed << ": silence after the end";
    EXPECT_EQ(peer.end().nextTimeout(), std::nullopt) << seed;
    EXPECT_EQ(peer.count<ConnectionClosed>(), 1u) << seed;
    EXPECT_LE(peer.wakes, 3000u) << seed;
    if (testing::Test::HasFailure()) return;
  }
}

// ---------------------------------------------------------------- moves
FrameBytes idFrame(uint8_t number, uint8_t retirePriorTo) {
  return FrameBytes().add(
      NewConnectionIdFrame{number, retirePriorTo, ConnectionId(ByteVector{7, 7, 7, 7, 7, 7, 7, number}), {number}});
}

void anyMove(MisbehavingPeer& peer, Role role, Seeded& random, uint8_t& nextId) {
  const auto port = static_cast<uint16_t>(6000 + below(random, 3));
  const SocketAddress local = SocketAddress::v4({10, 0, 1, static_cast<uint8_t>(1 + below(random, 3))}, port);
  const FourTuple path =
      role == Role::Client ? FourTuple{local, peer.path().peer} : FourTuple{peer.path().local, local};
  switch (below(random, 7)) {
    case 0:
      if (role == Role::Client) (void)static_cast<QuicClientTransport&>(peer.end()).migrate(peer.now(), local);
      break;
    case 1:
      if (role == Role::Client) (void)static_cast<QuicClientTransport&>(peer.end()).rebind(peer.now(), local);
      break;
    case 2: peer.sendFrom(path, FrameBytes().hex("01").padding(below(random, 1150))); break;
    case 3: peer.sendFrom(path, FrameBytes().add(PathChallengeFrame{{1}}).padding(below(random, 1150))); break;
    case 4:
      for (const PathChallengeFrame& challenge : peer.all<PathChallengeFrame>()) {
        if (below(random, 2) == 0) peer.sendFrom(path, FrameBytes().add(PathResponseFrame{challenge.data}));
      }
      peer.forget();
      break;
    case 5:
      if (nextId < 200) {
        const uint8_t number = nextId++;
        peer.send(idFrame(number, below(random, 3) == 0 ? static_cast<uint8_t>(number - 1) : 0));
      }
      break;
    default: peer.advance(std::chrono::milliseconds(below(random, 3000)));
  }
  peer.poll();
}

// T-33
TEST_P(AnyOrder, MovesAndEndsComeToAnEndInAnyOrder) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Seeded random(seed);
    PeerSettings settings = MisbehavingPeer::against(GetParam());
    settings.end.idleTimeout = 60s;
    if (GetParam() == Role::Server && below(random, 3) == 0) {
      settings.end.preferredV4 = SocketAddress::v4({10, 0, 0, 200}, 4433);
    }
    MisbehavingPeer peer(settings);
    peer.connect();
    uint8_t nextId = 1;
    for (; nextId < 4; ++nextId) peer.send(idFrame(nextId, 0));
    if (GetParam() == Role::Server) peer.send(fromHex("0a 00 01 61"));
    const auto stream = GetParam() == Role::Server ? StreamId{0} : *peer.end().openStream(false);
    (void)peer.end().writeStream(stream, OwnedBytes::copyOf(ByteVector(100'000)), true);
    const uint64_t endAt = below(random, 60);
    for (uint64_t i = 0; i < 50; ++i) {
      if (i == endAt) {
        if (below(random, 2) == 0) {
          peer.end().close(peer.now(), ApplicationErrorCode{3}, "moved");
        } else {
          peer.send(fromHex("1c 00 00 00"));
        }
      }
      anyMove(peer, GetParam(), random, nextId);
      if (below(random, 3) == 0 && peer.hasHeard(k1)) peer.ackEverything(k1);
    }
    peer.advance(300s);
    EXPECT_TRUE(peer.end().isDrained()) << seed;
    const uint64_t sent = peer.datagramsHeard;
    for (int i = 0; i < 10; ++i) anyMove(peer, GetParam(), random, nextId);
    EXPECT_EQ(peer.datagramsHeard, sent) << seed;
    EXPECT_EQ(peer.count<ConnectionClosed>(), 1u) << seed;
    EXPECT_LE(peer.wakes, 3000u) << seed;
    if (testing::Test::HasFailure()) return;
  }
}

// ---------------------------------------------------------------- trains
// T-34. covers RFC 9000 §14: whatever room there is, nothing is written beyond it, and a train is of equal datagrams
TEST_P(AnyOrder, TrainsOfOddSizesStayInTheirRoom) {
  constexpr uint8_t kGuard = 0xa5;
  for (const size_t datagramSize : {1200u, 1201u, 1252u, 1371u, 1472u, 9001u, 65527u}) {
    PeerSettings settings = MisbehavingPeer::against(GetParam());
    settings.end.datagramSize = datagramSize;
    settings.end.pathMtuDiscovery = false;
    settings.parameters.initialMaxStreamDataBidiLocal = settings.parameters.initialMaxStreamDataBidiRemote = 1 << 24;
    settings.parameters.initialMaxData = 1 << 24;
    MisbehavingPeer peer(settings);
    peer.connect();
    if (GetParam() == Role::Server) peer.send(fromHex("0a 00 01 61"));
    const auto stream = GetParam() == Role::Server ? StreamId{0} : *peer.end().openStream(false);
    peer.ackEverything(k1);
    ASSERT_TRUE(peer.end().writeStream(stream, OwnedBytes::copyOf(ByteVector(3'000'000)), true).hasValue());
    Seeded random(datagramSize);
    ByteVector buffer(80'000, kGuard);
    TimePoint now = peer.now();
    size_t trains = 0;
    for (int i = 0; i < 400; ++i) {
      now += 10ms;
      peer.end().onTimeout(now);
      const size_t room = datagramSize + below(random, 5 * datagramSize);
      std::fill(buffer.begin(), buffer.end(), kGuard);
      const auto sent = peer.end().pollTransmit(now, MutableByteSpan(buffer).first(std::min(room, buffer.size())));
      if (!sent) continue;
      trains += sent->size > sent->segmentSize ? 1 : 0;
      EXPECT_LE(sent->size, room);
      EXPECT_LE(sent->segmentSize, datagramSize);
      EXPECT_TRUE(sent->size <= datagramSize || sent->segmentSize == datagramSize) << "all full but the last";
      for (size_t at = sent->size; at < buffer.size(); ++at) {
        ASSERT_TRUE(at < room || buffer[at] == kGuard) << "byte " << at << " of room for " << room;
      }
    }
    if (datagramSize < 10'000) {
      EXPECT_GE(trains, 1u) << datagramSize;
    }
  }
}

}  // namespace
}  // namespace quic::test
