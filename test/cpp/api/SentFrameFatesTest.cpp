// What becomes of each kind of frame when its packet is lost, and when it is acknowledged: RFC 9000 §13.3, bullet by bullet.
// CRYPTO is in test/cpp/state/CryptoStreamTest and the handshakes of test/sim, migration's frames in the tests of migration.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"
#include "cpp/codec/FrameSamples.h"
#include "quic/codec/FrameTraits.h"

namespace quic::test {
namespace {

constexpr StreamId kPeersStream{0};  // opened by the peer, a client

void poll(MisbehavingPeer& peer) { peer.deliver({0x00}); }
StreamId openWith(MisbehavingPeer& peer, size_t bytes, bool fin = false) {
  const auto id = peer.end().openStream(true);
  EXPECT_TRUE(id);
  EXPECT_TRUE(peer.end().writeStream(*id, OwnedBytes::copyOf(ByteVector(bytes)), fin).hasValue());
  poll(peer);
  return *id;
}
void sendStream(MisbehavingPeer& peer, size_t bytes, uint64_t offset = 0, StreamId id = kPeersStream) {
  const ByteVector data(bytes);
  peer.send(FrameBytes().add(StreamFrame{id, offset, data, false}));
}
void read(MisbehavingPeer& peer, StreamId id = kPeersStream) {
  ByteVector room(1 << 16);
  EXPECT_TRUE(peer.end().readStream(id, room));
  poll(peer);
}

enum class Fate : uint8_t {
  Repeated,       // the same frame again
  Renewed,        // a frame of that type again, with what is true now
  NeverRepeated,  // no frame of that type with that content
};
struct FateRow {
  const char* what;
  FrameType type;
  Fate fate;
  std::function<void(MisbehavingPeer&)> provoke;
  std::function<void(PeerSettings&)> prepare = [](PeerSettings&) {};
};

const FateRow kRows[] = {
    {"data of a stream", FrameType::STREAM, Fate::Repeated, [](auto& p) { openWith(p, 100); }},
    {"the end of a stream", FrameType::STREAM, Fate::Repeated, [](auto& p) { openWith(p, 0, true); }},
    {"data of a stream that is reset since", FrameType::STREAM, Fate::NeverRepeated,
     [](auto& p) {
       const StreamId id = openWith(p, 100);
       EXPECT_TRUE(p.end().resetStream(id, 7).hasValue());
       poll(p);
     }},
    {"RESET_STREAM", FrameType::RESET_STREAM, Fate::Repeated,
     [](auto& p) {
       EXPECT_TRUE(p.end().resetStream(openWith(p, 100), 7).hasValue());
       poll(p);
     }},
    {"STOP_SENDING", FrameType::STOP_SENDING, Fate::Repeated,
     [](auto& p) {
       sendStream(p, 10);
       EXPECT_TRUE(p.end().stopSending(kPeersStream, 9).hasValue());
       poll(p);
     }},
    {"STOP_SENDING of a stream that has ended since", FrameType::STOP_SENDING, Fate::NeverRepeated,
     [](auto& p) {
       sendStream(p, 10);
       EXPECT_TRUE(p.end().stopSending(kPeersStream, 9).hasValue());
       poll(p);
       p.send(FrameBytes().add(ResetStreamFrame{kPeersStream, 9, 10}));
     }},
    {"MAX_DATA", FrameType::MAX_DATA, Fate::Renewed,
     [](auto& p) {
       sendStream(p, 900);
       read(p);
     },
     [](auto& s) { s.end.streams.connectionWindow = 1000; }},
    {"MAX_STREAM_DATA", FrameType::MAX_STREAM_DATA, Fate::Renewed,
     [](auto& p) {
       sendStream(p, 900);
       read(p);
     },
     [](auto& s) { s.end.streams.streamWindow = 1000; }},
    {"MAX_STREAM_DATA of a stream whose size is known since", FrameType::MAX_STREAM_DATA, Fate::NeverRepeated,
     [](auto& p) {
       sendStream(p, 900);
       read(p);
       p.send(FrameBytes().add(StreamFrame{kPeersStream, 900, {}, true}));
     },
     [](auto& s) { s.end.streams.streamWindow = 1000; }},
    {"MAX_STREAMS", FrameType::MAX_STREAMS_UNI, Fate::Renewed,
     [](auto& p) {
       for (uint64_t i = 0; i < 4; ++i) {
         const StreamId id{4 * i + 2};
         p.send(FrameBytes().add(StreamFrame{id, 0, {}, true}));
         read(p, id);
       }
     },
     [](auto& s) { s.end.streams.unidirectionalStreams = 4; }},
    {"DATA_BLOCKED", FrameType::DATA_BLOCKED, Fate::Repeated, [](auto& p) { openWith(p, 100); },
     [](auto& s) { s.parameters.initialMaxData = 10; }},
    {"DATA_BLOCKED by a limit that is raised since", FrameType::DATA_BLOCKED, Fate::NeverRepeated,
     [](auto& p) {
       openWith(p, 100);
       p.send(FrameBytes().add(MaxDataFrame{1000}));
     },
     [](auto& s) { s.parameters.initialMaxData = 10; }},
    {"STREAM_DATA_BLOCKED", FrameType::STREAM_DATA_BLOCKED, Fate::Repeated, [](auto& p) { openWith(p, 100); },
     [](auto& s) { s.parameters.initialMaxStreamDataUni = 10; }},
    {"STREAMS_BLOCKED", FrameType::STREAMS_BLOCKED_UNI, Fate::Repeated,
     [](auto& p) {
       EXPECT_FALSE(p.end().openStream(true));
       poll(p);
     },
     [](auto& s) { s.parameters.initialMaxStreamsUni = 0; }},
    {"PATH_RESPONSE", FrameType::PATH_RESPONSE, Fate::NeverRepeated,
     [](auto& p) { p.send(FrameBytes().add(PathChallengeFrame{{1, 2, 3}})); }},
    {"NEW_CONNECTION_ID", FrameType::NEW_CONNECTION_ID, Fate::Repeated,
     [](auto& p) { p.send(FrameBytes().add(RetireConnectionIdFrame{1})); }},
    {"NEW_CONNECTION_ID that is retired since", FrameType::NEW_CONNECTION_ID, Fate::NeverRepeated,
     [](auto& p) {
       p.send(FrameBytes().add(RetireConnectionIdFrame{1}));
       const auto issued = p.template all<NewConnectionIdFrame>();
       ASSERT_FALSE(issued.empty());
       p.send(FrameBytes().add(RetireConnectionIdFrame{issued.back().sequence}));
     }},
    {"RETIRE_CONNECTION_ID", FrameType::RETIRE_CONNECTION_ID, Fate::Repeated,
     [](auto& p) {
       const ConnectionId id(fromHex("0102030405060708"));
       p.send(FrameBytes().add(NewConnectionIdFrame{1, 1, id, {}}));
     }},
    {"PING", FrameType::PING, Fate::NeverRepeated, [](auto& p) { p.advance(1s); },
     [](auto& s) { s.end.keepAliveInterval = 1s; }},
    {"ACK", FrameType::ACK, Fate::Renewed,
     [](auto& p) {
       sendStream(p, 10);
       openWith(p, 10);
     }},
};

/// An end that has sent what the row is about; `number` is that packet, `frame` what it carried.
struct Provoked {
  explicit Provoked(const FateRow& row) : peer(settingsOf(row)) {
    peer.connect();
    peer.advance(30ms);
    peer.ackEverything(EncryptionLevel::OneRtt);
    peer.forget();
    row.provoke(peer);
    for (const HeardPacket& packet : peer.heard) {
      if (number) break;
      if (auto found = findIn(packet, row.type)) {
        number = packet.number;
        bytes = packet.payload;
        frame = findIn(bytes, row.type);
      }
    }
  }
  static PeerSettings settingsOf(const FateRow& row) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    row.prepare(settings);
    return settings;
  }
  static std::optional<QuicFrame> findIn(const HeardPacket& packet, FrameType type) {
    return findIn(packet.payload, type);
  }
  static std::optional<QuicFrame> findIn(ByteSpan payload, FrameType type) {
    ByteReader reader(payload);
    while (!reader.atEnd()) {
      const auto parsed = parseFrame(reader);
      if (!parsed) break;
      if (frameTypeOf(*parsed) == type) return *parsed;
    }
    return std::nullopt;
  }
  /// Four later packets arrive, this one does not.
  void lose() {
    for (uint8_t i = 0; i < 4; ++i) peer.send(FrameBytes().add(PathChallengeFrame{{9, i}}));
    std::vector<PacketNum> later;
    for (const HeardPacket& packet : peer.heard) {
      if (packet.number > *number && findIn(packet, FrameType::PATH_RESPONSE)) later.push_back(packet.number);
    }
    ASSERT_GE(later.size(), 4u);
    peer.forget();
    const uint64_t lostBefore = peer.end().stats().packetsLost;
    for (const PacketNum each : later) peer.send(FrameBytes().ack(each, each));
    ASSERT_GT(peer.end().stats().packetsLost, lostBefore);
    poll(peer);
  }
  [[nodiscard]] size_t count(const FateRow& row, bool sameContent) const {
    size_t found = 0;
    for (const QuicFrame& each : peer.frames(EncryptionLevel::OneRtt)) {
      if (frameTypeOf(each) != row.type) continue;
      found += !sameContent || sameAnyFrame(each, *frame) ? 1 : 0;
    }
    return found;
  }

  MisbehavingPeer peer;
  std::optional<PacketNum> number;
  ByteVector bytes;
  std::optional<QuicFrame> frame;
};

// covers RFC 9000 §13.3
TEST(SentFrameFates, WhatIsLostIsSaidAgainAsFarAsItStillMatters) {
  for (const FateRow& row : kRows) {
    Provoked end(row);
    ASSERT_TRUE(end.frame) << row.what << ": the frame was never sent";
    end.lose();
    if (row.fate == Fate::NeverRepeated) {
      EXPECT_EQ(end.count(row, true), 0u) << row.what;
    } else {
      EXPECT_EQ(end.count(row, row.fate == Fate::Repeated), 1u) << row.what;
    }
    EXPECT_FALSE(end.peer.end().isClosing()) << row.what;
  }
}

// covers RFC 9000 §13.3
TEST(SentFrameFates, WhatIsAcknowledgedIsNotSaidAgain) {
  for (const FateRow& row : kRows) {
    if (row.type == FrameType::ACK || row.type == FrameType::PING) continue;  // these come for reasons of their own
    Provoked end(row);
    ASSERT_TRUE(end.frame) << row.what;
    end.peer.ackEverything(EncryptionLevel::OneRtt);
    end.peer.forget();
    end.peer.advance(3s);
    EXPECT_EQ(end.count(row, true), 0u) << row.what;
  }
}

// covers RFC 9000 §13.3: what arrives after it was given up is not said again either
TEST(SentFrameFates, WhatIsLateIsNotSaidAgain) {
  for (const FateRow& row : kRows) {
    // Of STOP_SENDING and *_BLOCKED the newest copy counts.
    const bool isSettledByAnyCopy = row.type == FrameType::STREAM || row.type == FrameType::RESET_STREAM ||
                                    row.type == FrameType::NEW_CONNECTION_ID ||
                                    row.type == FrameType::RETIRE_CONNECTION_ID;
    if (row.fate != Fate::Repeated || !isSettledByAnyCopy) continue;
    Provoked end(row);
    ASSERT_TRUE(end.frame) << row.what;
    end.lose();
    ASSERT_EQ(end.count(row, true), 1u) << row.what;
    const PacketNum again = end.peer.heard.back().number;
    end.peer.send(FrameBytes().ack(*end.number, *end.number));
    end.peer.forget();
    for (uint8_t i = 0; i < 4; ++i) end.peer.send(FrameBytes().add(PathChallengeFrame{{8, i}}));
    std::vector<PacketNum> later;
    for (const HeardPacket& packet : end.peer.heard) later.push_back(packet.number);
    end.peer.forget();
    for (const PacketNum each : later) {
      if (each > again) end.peer.send(FrameBytes().ack(each, each));
    }
    EXPECT_EQ(end.count(row, true), 0u) << row.what << ": the second copy is lost, but the first one has arrived";
  }
}

// covers RFC 9000 §13.3
TEST(SentFrameFates, HandshakeDoneIsSaidUntilItIsAcknowledged) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  const ByteVector finished = fakeMessage(FakeMessage::Finished);
  peer.send(EncryptionLevel::Handshake, FrameBytes().add(CryptoFrame{0, finished}));
  ASSERT_EQ(peer.all<HandshakeDoneFrame>().size(), 1u);
  const PacketNum first = [&] {
    for (const HeardPacket& packet : peer.heard) {
      if (Provoked::findIn(packet, FrameType::HANDSHAKE_DONE)) return packet.number;
    }
    return PacketNum{0};
  }();
  for (int round = 1; round <= 3; ++round) {
    peer.forget();
    for (uint8_t i = 0; i < 4; ++i) peer.send(FrameBytes().add(PathChallengeFrame{{9, i}}));
    std::vector<PacketNum> later;
    for (const HeardPacket& packet : peer.heard) {
      if (Provoked::findIn(packet, FrameType::PATH_RESPONSE)) later.push_back(packet.number);
    }
    peer.forget();
    for (const PacketNum each : later) peer.send(FrameBytes().ack(each, each));
    ASSERT_EQ(peer.all<HandshakeDoneFrame>().size(), 1u) << round;
  }
  peer.send(FrameBytes().ack(first, first));  // any of its copies will do
  peer.forget();
  peer.advance(3s);
  EXPECT_TRUE(peer.all<HandshakeDoneFrame>().empty());
}

}  // namespace
}  // namespace quic::test
